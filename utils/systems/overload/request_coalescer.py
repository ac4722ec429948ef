"""Single flight: threads that ask for the same key at the same time share one computation."""

import copy
import threading
from collections.abc import Callable, Hashable
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
            Exception: what `compute` raised; each thread that waited raises a copy of its own.
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
            flight.error = error
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

    def outcome(self) -> Any:
        """Return the result, or raise the error as one of this thread's own: a traceback can't be shared."""
        if self.error is None:
            return self.result
        if not isinstance(self.error, Exception):  # an interrupt was meant for the thread that computed
            raise RuntimeError("the computation was interrupted in the thread that led it") from self.error
        try:
            own = copy.copy(self.error)
        except Exception:  # an error whose class can't be copied
            own = self.error
        raise own if type(own) is type(self.error) else self.error
