"""The coalescer on real threads: shared work, errors of one's own, and no waiting for oneself."""

import copyreg
import threading
import traceback

import pytest

from tests.waiting import wait_until
from utils.systems.overload.request_coalescer import RequestCoalescer


def until_waiting(coalescer, n):
    """Wait until n threads wait for the computation of another."""
    wait_until(lambda: len(coalescer._awaited) == n, seconds=5, pause=0.005)


def run_threads(n, work):
    results = [None] * n

    def store(i):
        try:
            results[i] = work()
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=store, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    return threads, results


def test_threads_that_ask_at_once_share_one_computation():
    coalescer, computed, asked, go = RequestCoalescer(), [], threading.Semaphore(0), threading.Event()

    def compute():
        computed.append(1)
        go.wait(5)
        return len(computed)

    def ask():
        asked.release()
        return coalescer.get("menu", compute)

    threads, results = run_threads(8, ask)
    for _ in range(8):
        assert asked.acquire(timeout=5)
    assert coalescer.get("other", lambda: "not blocked by menu") == "not blocked by menu"
    until_waiting(coalescer, 7)
    go.set()
    for thread in threads:
        thread.join(5)
    assert results == [1] * 8
    assert coalescer.get("menu", compute) == 2  # nothing is cached: the next flight computes anew


def test_an_error_reaches_every_waiter_and_ends_the_flight():
    coalescer, go = RequestCoalescer(), threading.Event()

    def fail():
        go.wait(5)
        raise RuntimeError("database is down")

    threads, results = run_threads(3, lambda: coalescer.get("menu", fail))
    until_waiting(coalescer, 2)
    go.set()
    for thread in threads:
        thread.join(5)
    assert [str(result) for result in results] == ["database is down"] * 3
    assert len({id(result) for result in results}) == 3  # one object's traceback would grow with every waiter
    depths = [len(traceback.extract_tb(result.__traceback__)) for result in results]
    assert len(set(depths)) <= 2  # the leader's, and the same for every waiter
    assert coalescer.get("menu", lambda: "back") == "back"


def test_a_computation_that_asks_for_its_own_key_is_told_and_the_key_stays_usable():
    coalescer = RequestCoalescer()
    with pytest.raises(RuntimeError, match=r"^key 'k' is being computed by a computation that waits for this one$"):
        coalescer.get("k", lambda: coalescer.get("k", lambda: 1))
    assert coalescer.get("k", lambda: coalescer.get("other", lambda: 2)) == 2


def ask_in_a_ring(coalescer, keys):
    """Let each key's computation ask for the next one's, all begun before any asks; return the outcomes."""
    all_began, outcomes = threading.Barrier(len(keys)), {}

    def ask(key, following):
        def compute():
            all_began.wait(5)
            return coalescer.get(following, lambda: "computed anew")

        try:
            outcomes[key] = coalescer.get(key, compute)
        except RuntimeError as error:
            outcomes[key] = error

    pairs = zip(keys, [*keys[1:], keys[0]], strict=True)
    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


@pytest.mark.parametrize("n", [2, 3, 5])
def test_computations_that_ask_for_each_other_in_a_ring_end_with_an_error_not_a_deadlock(n):
    keys = [f"key {i}" for i in range(n)]
    outcomes = ask_in_a_ring(RequestCoalescer(), keys)
    assert set(outcomes) == set(keys)
    assert any(isinstance(outcome, RuntimeError) for outcome in outcomes.values())


def test_a_wait_for_another_thread_has_an_end():
    coalescer, began, go = RequestCoalescer(wait_seconds=0.05), threading.Event(), threading.Event()

    def slow():
        began.set()
        go.wait(5)
        return "late"

    threads, results = run_threads(1, lambda: coalescer.get("menu", slow))
    assert began.wait(5)
    with pytest.raises(TimeoutError, match=r"^key 'menu' is still being computed after 0\.05 s$"):
        coalescer.get("menu", slow)
    go.set()
    threads[0].join(5)
    assert results == ["late"]


def test_an_interrupt_stays_in_the_thread_it_was_meant_for():
    coalescer, began, go, results = RequestCoalescer(), threading.Event(), threading.Event(), []

    def interrupted():
        began.set()
        go.wait(5)
        raise KeyboardInterrupt

    def lead():
        try:
            coalescer.get("menu", interrupted)
        except KeyboardInterrupt:
            results.append("leader interrupted")

    leader = threading.Thread(target=lead)
    leader.start()
    assert began.wait(5)
    threads, waited = run_threads(1, lambda: coalescer.get("menu", interrupted))
    until_waiting(coalescer, 1)
    go.set()
    for thread in (leader, *threads):
        thread.join(5)
    assert results == ["leader interrupted"]
    assert isinstance(waited[0], RuntimeError)


class NeedsTwoArguments(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


class SaysMoreEachTime(Exception):
    def __init__(self, text):
        super().__init__(f"failed: {text}")


class IsItsOwnCopy(Exception):
    def __copy__(self):
        return self


class NoCopy(Exception):
    def __new__(cls, text):
        if text == "made":
            raise TypeError("only once")
        return super().__new__(cls)

    def __init__(self, text):
        super().__init__("made")


def outcomes_of(error, n=4):
    """Return what the leader and n - 1 waiters raise where the computation raises the error."""
    coalescer, go = RequestCoalescer(), threading.Event()

    def fail():
        go.wait(5)
        raise error

    threads, results = run_threads(n, lambda: coalescer.get("menu", fail))
    until_waiting(coalescer, n - 1)
    go.set()
    for thread in threads:
        thread.join(5)
    return results


@pytest.mark.parametrize(
    "error",
    [
        NeedsTwoArguments(503, "down"),
        SaysMoreEachTime("down"),
        IsItsOwnCopy("down"),
        OSError(2, "no such file", "menu.csv"),
        ImportError("no menu", name="menu", path="menu.py"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
        KeyError("menu"),
        ExceptionGroup("two", [ValueError("a"), KeyError("b")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_thread_gets_an_error_of_its_own_that_says_the_same(error):
    cause = ValueError("root")
    error.__cause__ = cause
    error.add_note("while reading the menu")
    said, attributes = str(error), {k: v for k, v in vars(error).items() if k != "__notes__"}
    results = outcomes_of(error)
    assert len({id(result) for result in results}) == len(results)
    for result in results:
        assert type(result) is type(error)
        assert (str(result), result.args, result.__cause__) == (said, error.args, cause)
        assert {k: v for k, v in vars(result).items() if k != "__notes__"} == attributes
        assert result.__notes__ == ["while reading the menu"]
    results[0].add_note("mine")
    assert all("mine" not in result.__notes__ for result in results[1:])


def test_hooks_for_pickling_that_a_library_has_set_do_not_make_errors_share_their_attributes(monkeypatch):
    def made_by_a_library(attributes):
        own = KeyError.__new__(KeyError, "menu")
        own.__dict__ = attributes
        return own

    monkeypatch.setitem(copyreg.dispatch_table, KeyError, lambda error: (made_by_a_library, (error.__dict__,)))
    results = outcomes_of(KeyError("menu"))
    results[0].add_note("mine")
    assert len({id(vars(result)) for result in results}) == len(results)
    assert not any(hasattr(result, "__notes__") for result in results[1:])


def test_an_error_that_cannot_be_copied_reaches_the_waiters_and_its_traceback_does_not_grow():
    depths = []
    for n in (2, 12):
        error = NoCopy("first")
        results = outcomes_of(error, n)
        assert all(result is error for result in results)
        depths.append(len(traceback.extract_tb(error.__traceback__)))
    assert depths[1] <= depths[0] + 3  # the frames of one thread, however many waited


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: RequestCoalescer().get("key", 3), "compute"),
        (lambda: RequestCoalescer().get(["key"], list), "key"),
        (lambda: RequestCoalescer(wait_seconds=0), "wait_seconds"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
