"""The agenda of a simulation: what happens when, in order of time."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

__all__ = ["Agenda"]


class Agenda:
    """Actions with their times; the earliest comes first, and of two at one time the one entered first.

    Attributes:
        now: seconds; the time of the action that is being taken.

    >>> agenda, seen = Agenda(), []
    >>> agenda.at(2.0, seen.append, "second")
    >>> agenda.at(1.0, seen.append, "first")
    >>> agenda.run(until=2.0)
    >>> seen, agenda.now
    (['first'], 2.0)
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._entries: list[tuple[float, int, Callable[..., Any], tuple]] = []
        self._serial = itertools.count()

    def at(self, time: float, action: Callable[..., Any], *arguments: Any) -> None:
        """Enter an action.

        Args:
            time: seconds, not before now.
            action: what is called then.
            arguments: what it is called with.

        Raises:
            ValueError: the time is past, or NaN.
        """
        if not time >= self.now:
            raise ValueError(f"time must be at least now = {self.now:g} s, got {time!r}; enter what is still to come")
        heapq.heappush(self._entries, (time, next(self._serial), action, arguments))

    def run(self, until: float) -> None:
        """Take all actions before a time, also those that are entered meanwhile.

        Args:
            until: seconds.
        """
        entries, pop = self._entries, heapq.heappop
        while entries and entries[0][0] < until:
            self.now, _, action, arguments = pop(entries)
            action(*arguments)
        self.now = until

    def clear(self) -> None:
        """Drop what is still to come."""
        self._entries.clear()
