"""A database of finite capacity: one query after the other, and no queue beyond a longest wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.foundation import checks

__all__ = ["Database", "QueryQueue"]


@dataclass(frozen=True)
class Database:
    """A database that serves its queries one after the other.

    Args:
        capacity: queries per second.
        max_wait: longest wait in seconds that it queues for; a query that would wait longer is refused at once.

    Raises:
        ValueError: if a number is not positive and finite.
    """

    capacity: float
    max_wait: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers, and keep them as floats."""
        capacity = checks.positive("capacity", self.capacity, "give queries per second")
        object.__setattr__(self, "capacity", capacity)
        object.__setattr__(self, "max_wait", checks.positive("max_wait", self.max_wait, "give seconds"))


class QueryQueue:
    """The queries at a database: when it is free again, and which cache entries its answers will fill.

    Args:
        database: its capacity and patience.
        coalesced: whether a query for an entry that is already asked for waits for that answer.

    Attributes:
        free_at: seconds at which all queries taken so far are answered.
    """

    def __init__(self, database: Database, *, coalesced: bool = False) -> None:
        self._max_wait, self._service, self.free_at = database.max_wait, 1 / database.capacity, 0.0
        self._under_way: list[tuple[float, int]] = []
        self._answered_at: dict[int, float] | None = {} if coalesced else None

    def ask(self, now: float, entry: int) -> float | None:
        """Send a query.

        Args:
            now: seconds.
            entry: number of the cache entry that the answer fills.

        Returns:
            Seconds until the answer, waiting and service; None if the query is refused.
        """
        if self._answered_at is not None and self._answered_at.get(entry, now) > now:
            return self._answered_at[entry] - now
        wait = max(0.0, self.free_at - now)
        if wait > self._max_wait:
            return None
        self.free_at = now + wait + self._service
        self._under_way.append((self.free_at, entry))
        if self._answered_at is not None:
            self._answered_at[entry] = self.free_at
        return wait + self._service

    def fill(self, expires: np.ndarray, now: float, ttl: float) -> None:
        """Write the answers that have returned by now into the cache.

        Args:
            expires: seconds at which each cache entry expires, shape (entries,); changed in place.
            now: seconds.
            ttl: seconds that an entry lives after it was filled.
        """
        done = 0
        for returned_at, entry in self._under_way:
            if returned_at > now:
                break
            expires[entry] = max(expires[entry], returned_at + ttl)
            done += 1
        self._under_way = self._under_way[done:]
