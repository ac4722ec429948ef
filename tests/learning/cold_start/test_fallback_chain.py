"""The fallback chain against sources that fail, hang, or answer with something odd."""

import functools
import gc
import threading
import time

import numpy as np
import pandas as pd
import pytest

from utils.learning.cold_start.fallback_chain import FallbackChain

# `LONG` is a limit that no healthy source comes near, `SHORT` one that a blocked source meets.

LONG, SHORT = 30.0, 0.05


def answers(value):
    return lambda request: value


def fails(request):
    raise KeyError("no such user")


def test_the_first_source_that_answers_wins_and_later_ones_are_not_asked():
    asked = []
    chain = FallbackChain(
        {
            "empty store": answers([]),
            "unknown": answers(None),
            "raises": fails,
            "good": answers([1]),
            "spare": asked.append,
        },
        last_resort=[0],
        time_limit=LONG,
    )
    answer = chain.answer(7)
    assert (answer.value, answer.source, asked) == ([1], "good", [])
    assert [(a.source, a.outcome) for a in answer.attempts] == [
        ("empty store", "no answer"),
        ("unknown", "no answer"),
        ("raises", "raised"),
        ("good", "answered"),
    ]
    assert answer.attempts[2].detail == "KeyError: 'no such user'"


def test_the_request_reaches_the_source():
    chain = FallbackChain({"by user": {3: "soup"}.get}, last_resort="pizza", time_limit=LONG)
    assert [chain.answer(user).value for user in (3, 4)] == ["soup", "pizza"]
    assert [chain.answer(user).source for user in (3, 4)] == ["by user", "last resort"]


def test_zero_and_empty_arrays_are_told_apart():
    chain = FallbackChain({"array": answers(np.array([])), "zero": answers(0)}, last_resort=1, time_limit=LONG)
    assert chain.answer(0)[:2] == (0, "zero")


def test_a_source_that_leaves_the_interpreter_is_passed_over():
    def leaves(request):
        raise SystemExit(3)

    chain = FallbackChain({"leaves": leaves}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).attempts[0] == ("leaves", "raised", "SystemExit: 3")


@pytest.fixture
def hanging():
    """A source that hangs until the test ends or `release` is set, and counts its calls."""
    release, calls = threading.Event(), []

    def source(request):
        calls.append(request)
        release.wait(60)
        return ["late"]

    source.release, source.calls = release, calls
    yield source
    release.set()


def test_a_hung_source_is_abandoned_and_the_next_one_answers(hanging):
    chain = FallbackChain({"hangs": hanging, "good": answers([1])}, last_resort=[0], time_limit=2 * SHORT)
    answer = chain.answer(7)
    assert answer.attempts[0] == ("hangs", "timed out", "")
    assert not hanging.release.is_set()
    assert answer.source in ("good", "last resort")  # a slow machine may use up the rest of the limit


def test_hung_calls_hold_a_bounded_number_of_threads_and_cost_no_time_when_busy(hanging):
    before = threading.active_count()
    chain = FallbackChain({"hangs": hanging}, last_resort=[0], time_limit=SHORT, max_concurrent=3)
    outcomes = [chain.answer(request).attempts[0].outcome for request in range(40)]
    assert outcomes == ["timed out"] * 3 + ["busy"] * 37
    assert len(hanging.calls) == 3
    assert threading.active_count() - before <= 3


def test_a_hung_source_is_asked_again_once_its_call_has_ended_and_its_late_answer_is_dropped(hanging):
    chain = FallbackChain({"hangs": hanging}, last_resort=[0], time_limit=SHORT, max_concurrent=1)
    assert chain.answer(1).source == "last resort"
    hanging.release.set()
    give_up = time.monotonic() + LONG
    while (answer := chain.answer(2)).attempts[0].outcome == "busy" and time.monotonic() < give_up:
        time.sleep(0.001)
    assert answer[:2] == (["late"], "hangs")
    assert hanging.calls == [1, 2]


def test_time_left_is_shared_over_the_sources_still_to_be_asked(monkeypatch):
    waited = []

    def wait(event, timeout=None):
        waited.append(timeout)
        return True

    clock = iter([100.0, 100.0, 104.0, 112.5])
    monkeypatch.setattr("utils.learning.cold_start.fallback_chain.time.monotonic", lambda: next(clock))
    chain = FallbackChain({name: fails for name in "abc"}, last_resort=[0], time_limit=12.0)
    monkeypatch.setattr("utils.learning.cold_start.fallback_chain._Call", FinishedCall)
    FinishedCall.waited = waited
    answer = chain.answer(1)
    assert waited == [12.0 / 3, 8.0 / 2]
    assert [a.outcome for a in answer.attempts] == ["no answer", "no answer", "out of time"]


class FinishedCall:
    """Stands in for a call that answered nothing, and notes how long it was given."""

    value, outcome, detail = None, "no answer", ""

    def __init__(self, source, request, slots):
        slots.release()
        self.done = self

    def wait(self, timeout):
        self.waited.append(timeout)
        return True


def test_a_machine_without_threads_still_answers(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    chain = FallbackChain({"good": answers([1])}, last_resort=[0], time_limit=LONG, max_concurrent=1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert chain.answer(1).attempts == (("good", "raised", "can't start new thread"),)
    assert chain.answer(1).source == "good"  # the place was given back


def test_threads_of_sources_are_daemons():
    chain = FallbackChain({"thread": lambda _: [threading.current_thread().daemon]}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).value == [True]


def test_many_callers_at_once_all_get_an_answer(hanging):
    chain = FallbackChain({"hangs": hanging, "good": answers([1])}, last_resort=[0], time_limit=SHORT, max_concurrent=2)
    got = []
    callers = [threading.Thread(target=lambda: got.append(chain.answer(1).source)) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LONG)
    assert len(got) == 20
    assert len(hanging.calls) <= 2


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"sources": [fails]}, "sources must map names"),
        ({"sources": {"": fails}}, "sources must have names"),
        ({"sources": {"last resort": fails}}, "sources must have names"),
        ({"sources": {"a": 3}}, "sources must be functions"),
        ({"last_resort": None}, "last_resort must be an answer"),
        ({"last_resort": []}, "last_resort must be an answer"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"time_limit": np.nan}, "time_limit must be"),
        ({"max_concurrent": 0}, "max_concurrent must be"),
    ],
)
def test_the_chain_names_a_bad_argument(bad, named):
    arguments = {"sources": {"a": fails}, "last_resort": [0]} | bad
    with pytest.raises(ValueError, match=named):
        FallbackChain(arguments.pop("sources"), **arguments)


def test_an_empty_chain_answers_with_the_last_resort():
    assert FallbackChain({}, last_resort=[0]).answer(1) == ([0], "last resort", ())


# What a source may do besides answering


@pytest.mark.parametrize("value", [None, [], "", {}, np.array([]), float("nan"), np.float32("nan"), pd.NA, pd.NaT])
def test_nothing_is_no_answer(value):
    chain = FallbackChain({"empty": answers(value)}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).attempts == (("empty", "no answer", ""),)


@pytest.mark.parametrize("value", [0, False, 0.0, np.array(5), np.array([np.nan]), [None], object(), "0", float("inf")])
def test_something_is_an_answer_also_where_it_has_no_length(value):
    answer = FallbackChain({"good": answers(value)}, last_resort=[0], time_limit=LONG).answer(1)
    assert answer.source == "good"
    assert answer.value is value


def test_an_array_without_axes_that_holds_nothing_is_no_answer():
    chain = FallbackChain({"empty": answers(np.array(np.nan))}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).source == "last resort"


class SilentError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class BrokenLength:
    def __len__(self):
        raise OSError("the connection is gone")


def test_what_a_source_leaves_behind_may_be_broken_too():
    def fails_silently(request):
        raise SilentError

    chain = FallbackChain({"silent": fails_silently, "lazy": answers(BrokenLength())}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).attempts == (
        ("silent", "raised", "SilentError"),
        ("lazy", "raised", "OSError: the connection is gone"),
    )


def test_an_answer_that_hangs_when_it_is_measured_is_abandoned(hanging):
    class Lazy:
        def __len__(self):
            return len(hanging(None))

    chain = FallbackChain({"lazy": answers(Lazy())}, last_resort=[0], time_limit=SHORT)
    assert chain.answer(1).attempts == (("lazy", "timed out", ""),)


async def later(request):
    return ["soup"]


async def stream(request):
    yield "soup"


class AsynchronousObject:
    async def __call__(self, request):
        return ["soup"]


@pytest.mark.parametrize("source", [later, stream, AsynchronousObject(), functools.partial(later, 1)])
def test_asynchronous_sources_are_refused(source):
    with pytest.raises(ValueError, match="sources must not be asynchronous, got one for 'later'"):
        FallbackChain({"later": source}, last_resort=[0])


def test_a_coroutine_is_no_answer_and_leaves_no_warning(recwarn):
    chain = FallbackChain({"hidden": lambda request: later(request)}, last_resort=[0], time_limit=LONG)
    [attempt] = chain.answer(1).attempts
    assert attempt[:2] == ("hidden", "raised")
    assert "asynchronous" in attempt.detail
    gc.collect()
    assert [w for w in recwarn if "never awaited" in str(w.message)] == []


def test_each_caller_has_a_last_resort_of_its_own():
    given = [["pizza"]]
    chain = FallbackChain({}, last_resort=given)
    given[0].append("changed by its owner")
    chain.answer(1).value[0].append("burnt")
    assert chain.answer(2).value == [["pizza"]]


def test_a_last_resort_that_cannot_be_copied_is_refused():
    with pytest.raises(ValueError, match="last_resort must be a value that can be copied: TypeError"):
        FallbackChain({}, last_resort=[threading.Lock()])


def test_a_chain_that_asks_itself_ends():
    chains = []
    chain = FallbackChain(
        {"self": lambda request: chains[0].answer(request).value}, last_resort=[0], time_limit=LONG, max_concurrent=2
    )
    chains.append(chain)
    assert chain.answer(1)[:2] == ([0], "self")


def test_a_day_is_the_longest_that_a_chain_waits():
    assert FallbackChain({"good": answers(1)}, last_resort=[0], time_limit=86_400).answer(1).source == "good"
    with pytest.raises(ValueError, match="time_limit must be"):
        FallbackChain({"good": answers(1)}, last_resort=[0], time_limit=1e10)
