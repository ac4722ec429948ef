"""Single flight: threads that ask for the same key at the same time share one computation."""

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, TypeVar

from utils.foundation import checks

__all__ = ["RequestCoalescer"]

Result = TypeVar("Result")


class RequestCoalescer:
    """Let threads that ask for the same key at the same time share one computation (single flight).

    Args:
        wait_seconds: how long a thread waits for the computation of another.

    Raises:
        ValueError: wait_seconds is not positive, or more than a day.
    """

    def __init__(self, *, wait_seconds: float = 60.0) -> None:
        self.wait_seconds = checks.seconds("wait_seconds", wait_seconds, "give the longest wait in seconds")
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}
        self._awaited: dict[int, _Flight] = {}  # by the thread that waits for it

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return compute(), or the result of another thread's computation of `key` that is under way.

        Args:
            key: hashable.
            compute: function without arguments; it may ask for other keys, not for its own.

        Returns:
            The shared result: all who waited get the same object, so do not change it.

        Raises:
            ValueError: compute cannot be called, or key cannot be hashed.
            RuntimeError: the computation would wait for itself, because it asks for its own key or because two ask for
                each other's; or the other thread's computation was interrupted.
            TimeoutError: the other thread's computation takes longer than wait_seconds.
            Exception: what `compute` raised; each thread that waited raises a copy of its own, or, where the error's
                class allows no copy, the same object, whose traceback does not grow from waiter to waiter.
        """
        if not callable(compute):
            raise ValueError(f"compute must be a function, got {checks.told(compute)}; pass it without calling it")
        me = threading.get_ident()
        with self._lock:
            flight, leads = self._board(key, me)
            if not leads:
                self._refuse_a_circle(flight, key, me)
                self._awaited[me] = flight
        if leads:
            return self._fly(key, flight, compute)
        try:
            landed = flight.landed.wait(self.wait_seconds)
        finally:
            with self._lock:
                del self._awaited[me]
        if not landed:
            raise TimeoutError(f"key {checks.told(key)} is still being computed after {self.wait_seconds:g} s")
        return flight.outcome()

    def _board(self, key: Hashable, me: int) -> tuple["_Flight", bool]:
        """Return the flight of a key, and whether this thread has to compute it."""
        try:
            flight = self._flights.get(key)
        except TypeError:
            raise ValueError(f"key must be hashable, got {checks.told(key)}; use a text, a number or a tuple") from None
        if flight is not None:
            return flight, False
        self._flights[key] = flight = _Flight(me)
        return flight, True

    def _refuse_a_circle(self, flight: "_Flight", key: Hashable, me: int) -> None:
        """Raise if whoever computes the key waits, by way of others perhaps, for this thread."""
        leader = flight.leader
        while leader != me:
            if leader not in self._awaited:
                return
            leader = self._awaited[leader].leader
        raise RuntimeError(f"key {checks.told(key)} is being computed by a computation that waits for this one")

    def _fly(self, key: Hashable, flight: "_Flight", compute: Callable[[], Result]) -> Result:
        try:
            flight.result = compute()
        except BaseException as error:
            flight.error, flight.traceback = error, error.__traceback__
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.landed.set()
        return flight.result


class _Flight:
    """One computation under way: who computes it, and what came of it."""

    def __init__(self, leader: int) -> None:
        self.leader, self.landed = leader, threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None  # the error's, when the flight landed

    def outcome(self) -> Any:
        """Return the result, or raise the error as one of this thread's own: a traceback can't be shared."""
        if self.error is None:
            return self.result
        if not isinstance(self.error, Exception):  # an interrupt was meant for the thread that computed
            raise RuntimeError("the computation was interrupted in the thread that led it") from self.error
        own = _own_copy(self.error)
        raise own.with_traceback(self.traceback if own is self.error else None)


def _own_copy(error: Exception) -> Exception:
    """Return an error that says the same and is another object; the error itself where its class allows none."""
    for make in (_copy_as_pickled, _copy_without_init):
        try:
            own = make(error)
            if own is not error and type(own) is type(error) and _told(own) == _told(error):
                own.__cause__, own.__context__ = error.__cause__, error.__context__
                own.__suppress_context__ = error.__suppress_context__
                if hasattr(error, "__notes__"):
                    own.__notes__ = list(error.__notes__)
                return own
        except Exception:  # an error whose class can't be copied in this way
            continue
    return error


def _copy_as_pickled(error: Exception) -> Exception:
    """Return what the error's class itself says a copy is; `copy.copy` asks hooks that libraries such as tblib set."""
    make, arguments, *state = error.__reduce__()
    own = make(*arguments)
    if state:
        own.__setstate__(state[0])
    return own


def _copy_without_init(error: Exception) -> Exception:
    """Return a copy for which `__init__` is not called: it may ask for other arguments than those it passed on."""
    own = type(error).__new__(type(error), *error.args)
    own.args = error.args
    own.__dict__.update(error.__dict__)
    return own


def _told(error: Exception) -> tuple[str, str]:
    return str(error), repr(error.args)
