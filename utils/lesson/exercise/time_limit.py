"""A time limit for code that somebody else wrote: it runs in a thread of its own, which is stopped when time is up.

No signal is involved, so it works on Windows and where the caller is not the main thread, and an interrupt from the
keyboard reaches the caller, not the code. What is stopped is whatever runs Python: loops, recursion, generators. Code
that waits inside one call of C (`time.sleep`, a lock, a socket) can't be stopped; its daemon thread is left behind and
the caller goes on. Code that keeps the interpreter inside one call of C (`sum(itertools.count())`, `9**9**9`) stops
everybody, this limit included, until the process is restarted.
"""

import contextlib
import contextvars
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Stopped", "TimeUp", "call_within", "guarded"]

SLICE_SECONDS = 0.05  # on Windows an interrupt waits until a join returns
RESEND_SECONDS = 0.001
SWITCH_SECONDS = 1e-4  # how often threads take turns while one is being stopped
GRACE_SECONDS = 1.0
STACK_BYTES = 16 * 2**20  # macOS gives a thread half a megabyte, too little for deep recursion


class Stopped(BaseException):
    """Raised inside the limited code to end it; no `Exception`, so that `except Exception` lets it pass."""


class TimeUp(Exception):
    """The code did not end in time.

    Attributes:
        has_ended: whether it could be stopped; if not, its thread goes on in the background.
    """

    def __init__(self, has_ended: bool) -> None:
        super().__init__("stopped" if has_ended else "goes on in the background")
        self.has_ended = has_ended


def call_within(seconds: float, function: Callable[[], Any]) -> Any:
    """Return what `function()` returns or raises, if it ends in time.

    Args:
        seconds: the time limit.
        function: called without arguments, in another thread and in a copy of the caller's context.

    Returns:
        Its result.

    Raises:
        TimeUp: it did not end in time.
        BaseException: whatever it raised itself.

    >>> call_within(5, lambda: 6 * 7)
    42
    """
    worker = _Worker(function)
    try:
        worker.start()
        has_ended = worker.wait(seconds)
    except BaseException:  # the user's interrupt
        worker.stop()
        raise
    if not has_ended:
        raise TimeUp(worker.stop())
    return worker.result()


def guarded(function: Callable[..., Any], *arguments: Any, otherwise: Any) -> Any:
    """Return `function(*arguments)`, or `otherwise` if it raises, whatever it raises; a time limit's end passes through.

    >>> guarded(int, "x", otherwise=-1)
    -1
    """
    try:
        return function(*arguments)
    except Stopped:
        raise
    except BaseException:
        return otherwise


class _Worker:
    """A function in a daemon thread. Its end is an event: an interrupted `Thread.join` takes the thread for ended."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function, self._context = function, contextvars.copy_context()
        self._lock, self._is_over, self._ended = threading.Lock(), False, threading.Event()
        self._value, self._error = None, None
        self._thread = threading.Thread(target=self._run, daemon=True, name="time-limited")

    def start(self) -> None:
        with _stack_of(STACK_BYTES):
            self._thread.start()

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self._ended.is_set() and (left := end - time.monotonic()) > 0:
            self._ended.wait(min(left, SLICE_SECONDS))
        return self._ended.is_set()

    def stop(self) -> bool:
        """Raise `Stopped` in the thread, again and again where the code swallows it; return whether it has ended."""
        end = time.monotonic() + GRACE_SECONDS
        with _turns_of(SWITCH_SECONDS):
            while not self._ended.is_set() and time.monotonic() < end:
                with self._lock:
                    if not self._is_over:
                        _raise_in(self._thread.ident, Stopped)
                self._ended.wait(RESEND_SECONDS)
        return self._ended.is_set()

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        try:
            with contextlib.suppress(Stopped):
                self._run_function()
        finally:
            self._ended.set()

    def _run_function(self) -> None:
        try:
            self._value = self._context.run(self._function)
        except BaseException as error:
            self._error = error
        with self._lock:  # from here on nothing is sent; what was sent before is taken back
            self._is_over = True
        _raise_in(threading.get_ident(), None)


def _raise_in(thread: int | None, error: type[BaseException] | None) -> None:
    """Have a thread raise an error before its next step in Python; None takes back what was not raised yet."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread or 0), raised)


@contextlib.contextmanager
def _stack_of(size: int) -> Iterator[None]:
    before = threading.stack_size(size)
    try:
        yield
    finally:
        threading.stack_size(before)


@contextlib.contextmanager
def _turns_of(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
