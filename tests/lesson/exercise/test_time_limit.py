"""Code that does not end is stopped, without signals and from any thread; an interrupt reaches the caller."""

import contextlib
import contextvars
import ctypes
import itertools
import subprocess
import sys
import threading
import time

import pytest

from tests.waiting import wait_until
from utils.foundation.checkout import CHECKOUT
from utils.lesson.exercise import time_limit
from utils.lesson.exercise.time_limit import Stopped, TimeUp, call_within, guarded


def spin():
    while True:
        pass


def swallow_errors():
    while True:
        try:
            sum(range(100))
        except Exception:
            continue


def swallow_everything():
    x = 0
    while True:
        try:  # noqa: SIM105
            x = max(x, 1)
        except:  # noqa: E722
            pass


def endless_generator():
    for _ in itertools.count():
        sum(x for x in range(10))


def threads_of_this_limit():
    """Return the limit's threads that go on, when those about to end have had time to."""
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not named_threads(), seconds=0.5, pause=0.01)
    return named_threads()


def named_threads():
    return [t for t in threading.enumerate() if t.name == "time-limited"]


@pytest.mark.parametrize("function", [spin, swallow_errors, swallow_everything, endless_generator])
def test_a_loop_that_never_ends_is_stopped(function):
    with pytest.raises(TimeUp) as told:
        call_within(0.05, function)
    assert told.value.has_ended
    assert str(told.value) == "stopped"
    assert not threads_of_this_limit()


def test_it_works_outside_the_main_thread():
    told = []

    def other():
        try:
            call_within(0.05, spin)
        except TimeUp as end:
            told.append(end.has_ended)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(5)
    assert told == [True]


def test_code_that_waits_in_one_call_of_c_is_left_behind(monkeypatch):
    monkeypatch.setattr(time_limit, "GRACE_SECONDS", 0.1)
    gate = threading.Lock()
    with gate:
        with pytest.raises(TimeUp) as told:
            call_within(0.05, gate.acquire)
        assert not told.value.has_ended
        assert str(told.value) == "goes on in the background"
        [left_behind] = named_threads()
        assert left_behind.daemon
    assert not threads_of_this_limit()


def test_results_errors_and_context_are_those_of_the_caller():
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(3)
    assert call_within(5, variable.get) == 3
    assert call_within(5, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        call_within(5, lambda: 1 / 0)
    with pytest.raises(SystemExit):
        call_within(5, sys.exit)


def test_what_ends_in_time_is_waited_for_to_the_end():
    assert call_within(0.9, lambda: time.sleep(0.12) or "slept") == "slept"


def test_deep_recursion_ends_as_an_error():
    def deeper(n):
        return deeper(n + 1)

    with pytest.raises(RecursionError):
        call_within(5, lambda: deeper(0))


def test_threads_take_turns_as_before():
    before = sys.getswitchinterval()
    with pytest.raises(TimeUp):
        call_within(0.02, spin)
    assert sys.getswitchinterval() == before


def test_the_size_of_other_threads_stacks_is_left_alone():
    before = threading.stack_size()
    call_within(5, int)
    assert threading.stack_size() == before


def test_an_interrupt_of_the_caller_passes_and_ends_the_code():
    """What Ctrl-C and the kernel's stop button do, sent to a process of its own while the code loops."""
    program = (
        "import _thread, signal, threading, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from utils.lesson.exercise.time_limit import call_within\n"
        "def spin():\n"
        "    threading.Timer(0.2, _thread.interrupt_main).start()\n"
        "    while True: pass\n"
        "try: call_within(60, spin)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.1)\n"
        "    print('interrupted', sum(t.name == 'time-limited' for t in threading.enumerate()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "interrupted 0", done.stderr


def test_nothing_is_raised_later_in_code_that_ended_in_time():
    """What ends about when its time does either returns or is out of time; no stray error reaches anybody."""
    for i in range(30):
        with contextlib.suppress(TimeUp):
            assert call_within(0.01, lambda i=i: time.sleep(0.0095 + i * 3e-5) or i) == i
    assert not threads_of_this_limit()


def test_nothing_is_sent_to_code_that_is_over_though_its_thread_has_not_said_so_yet(monkeypatch):
    sent = []
    monkeypatch.setattr(time_limit, "_raise_in", lambda thread, error: sent.append(error))
    monkeypatch.setattr(time_limit, "GRACE_SECONDS", 0.01)
    worker = time_limit._Worker(int)
    worker._run_function()
    assert not worker.stop()
    assert sent == [None]  # only what was sent before is taken back


def test_the_limit_costs_less_than_a_few_milliseconds():
    call_within(5, int)
    started = time.perf_counter()
    for _ in range(50):
        call_within(5, int)
    assert (time.perf_counter() - started) / 50 < 0.01


def test_what_raises_is_replaced_unless_the_limit_has_come():
    def stop():
        raise Stopped

    assert guarded(sys.exit, otherwise=1) == 1
    assert guarded(max, 1, 2, otherwise=0) == 2
    with pytest.raises(Stopped):
        guarded(stop, otherwise=1)


def test_python_offers_what_the_limit_stands_on():
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc
