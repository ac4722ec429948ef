"""Traffic: who opens the app when, with the rhythm of the local day and of the week."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks
from utils.world.cities import City
from utils.world.clock import DAY, MINUTE, MINUTES_A_DAY, START, instants
from utils.world.streams import blocks, stream
from utils.world.users import Users

__all__ = [
    "DAY_IDS",
    "SESSIONS_PER_DAY_LIMIT",
    "SOURCES_LIMIT",
    "SOURCE_IDS",
    "WEEKDAY",
    "WEEKEND_HOURS",
    "WORKDAY_HOURS",
    "Block",
    "Sessions",
    "Source",
    "check_sessions",
    "is_weekend",
    "join",
    "rhythm",
    "week_profile",
]

# Sessions by weekday, Monday first; the mean is one.
WEEKDAY = (0.88, 0.88, 0.92, 0.98, 1.12, 1.16, 1.06)
# Sessions by local hour on working days and at weekends, relative.
WORKDAY_HOURS = (4, 2, 1, 1, 1, 2, 8, 18, 20, 12, 12, 28, 38, 28, 14, 12, 18, 36, 52, 50, 34, 22, 14, 8)
WEEKEND_HOURS = (9, 5, 3, 2, 1, 1, 3, 8, 18, 28, 28, 26, 32, 30, 22, 18, 22, 36, 50, 48, 36, 26, 20, 14)
# Numbers of sessions: `DAY_IDS` are set aside for each day, `SOURCE_IDS` of them for each source of traffic.
DAY_IDS = 100_000_000
SOURCE_IDS = 10_000_000
SOURCES_LIMIT = DAY_IDS // SOURCE_IDS
SESSIONS_PER_DAY_LIMIT = 5_000_000


class Sessions(NamedTuple):
    """Contexts, one element a session: `session_id` (int64), `user_id` (int32), `time` (datetime64[us], UTC)."""

    session_id: NDArray[np.int64]
    user_id: NDArray[np.integer]
    time: NDArray[np.datetime64]


@dataclass(frozen=True)
class Block:
    """Sessions that share random streams, and the address of these: source of traffic, day, number of the block."""

    source: str
    day: int
    number: int
    sessions: Sessions

    def __len__(self) -> int:
        return len(self.sessions.user_id)


def join(parts: Sequence[Sessions]) -> Sessions:
    """Return the parts as one, with the columns' types even where there is no part.

    >>> [column.dtype.str for column in join([])]
    ['<i8', '<i4', '<M8[us]']
    """
    if not parts:
        return Sessions(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, "datetime64[us]"))
    return Sessions(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def check_sessions(sessions: Sessions) -> None:
    """Raise unless each session has a number, a user and a time from day 0 on.

    Raises:
        ValueError: something else than sessions, columns of unequal lengths, missing times, or times before day 0.
    """
    columns = [getattr(sessions, name, None) for name in Sessions._fields]
    if any(np.ndim(column) != 1 for column in columns):
        raise ValueError(
            f"sessions must hold the columns {', '.join(Sessions._fields)}, got {checks.told(sessions)}; "
            "make them with World.sessions or Sessions"
        )
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"sessions must have columns of one length, got {lengths}; select the same rows of all three")
    times = instants("sessions.time", sessions.time)
    if times.size and times.min() < START:
        raise ValueError(
            f"sessions must not be before day 0, {START.astype('datetime64[D]')}, got {times.min()}; drop those"
        )


def is_weekend(day: int) -> bool:
    """Return whether a day, counted from day 0, is a Saturday or a Sunday.

    >>> [is_weekend(day) for day in (4, 5, 6, 7)]
    [False, True, True, False]
    """
    return day % 7 >= 5


def rhythm(cities: Sequence[City], *, weekend: bool) -> NDArray[np.float64]:
    """Return how busy each city is at each UTC minute, relative, (n_cities, 1440); hours are joined by straight lines.

    Args:
        cities: the cities, each with its own clock.
        weekend: whether the day is a Saturday or a Sunday.
    """
    hours = WEEKEND_HOURS if weekend else WORKDAY_HOURS
    offsets = np.array([city.utc_offset_hours for city in cities])
    local_minute = (np.arange(MINUTES_A_DAY) + 60 * offsets[:, None]) % MINUTES_A_DAY
    return np.interp(local_minute, 60 * np.arange(25), [*hours, hours[0]])


def week_profile(cities: Sequence[City]) -> NDArray[np.float64]:
    """Return the expected traffic at each UTC minute of the week, (7, 1440) from Monday; the mean is one.

    Args:
        cities: the cities, weighted by their shares of the users.
    """
    shares = np.array([city.share for city in cities])
    days = np.stack([shares @ rhythm(cities, weekend=is_weekend(day)) for day in range(7)])
    return np.array(WEEKDAY)[:, None] * days / days.mean(axis=1, keepdims=True)


def _always(day: int) -> float:
    return 1.0


class Source:
    """A population that opens the app: some users, in order of city and sign-up.

    Args:
        users: all users of the world.
        members: the `user_id` of those who belong to this source.
        purpose: name of its random streams.
        index: number of the source, so that two never share a `session_id`.
        traffic: function of the day that returns the sessions relative to those of the users who are always there.
        are_people: whether its sessions count for the value of a policy.
    """

    def __init__(
        self,
        users: Users,
        members: NDArray[np.integer],
        *,
        purpose: str,
        index: int = 0,
        traffic: Callable[[int], float] = _always,
        are_people: bool = True,
    ) -> None:
        self.purpose, self.index, self.traffic, self.are_people = purpose, index, traffic, are_people
        order = np.lexsort((members, users.signup_day[members], users.city[members]))
        self.user_id = members[order].astype(np.int32)
        self.signup_day = users.signup_day[self.user_id]
        self.bounds = np.searchsorted(users.city[self.user_id], np.arange(len(users.cities) + 1))
        self.activity = np.concatenate([[0.0], np.cumsum(users.activity[self.user_id])])
        self.rhythm = [rhythm(users.cities, weekend=weekend) for weekend in (False, True)]

    def _members_on(self, day: int) -> NDArray[np.integer]:
        """Return, by city, the end of the members who have signed up."""
        pairs = zip(self.bounds[:-1], self.bounds[1:], strict=True)
        return np.array([start + np.searchsorted(self.signup_day[start:end], day, "right") for start, end in pairs])

    def draw(self, seed: int, day: int, n: int, *, purpose: str | None = None) -> list[Sessions]:
        """Return the day's `n` sessions, block by block, in order of time; another `purpose` draws other ones."""
        if n == 0:
            return []
        start, end = self.bounds[:-1], self._members_on(day)
        weight = self.activity[end] - self.activity[start]
        intensity = weight[:, None] * self.rhythm[is_weekend(day)]
        by_minute = np.concatenate([[0.0], np.cumsum(intensity.sum(axis=0))])
        by_city = np.cumsum(intensity, axis=0)
        drawn = []
        for block, first, last in blocks(n):
            u, v, w = stream(seed, purpose or self.purpose, day, block).random((3, last - first))
            target = (first + (last - first) * np.sort(u)) / n * by_minute[-1]
            minute = np.clip(np.searchsorted(by_minute, target, "right") - 1, 0, MINUTES_A_DAY - 1)
            fraction = np.clip((target - by_minute[minute]) / by_city[-1, minute], 0, 1 - 1e-9)
            city = (v * by_city[-1, minute] >= by_city[:-1, minute]).sum(axis=0)
            found = np.searchsorted(self.activity, self.activity[start[city]] + w * weight[city], "right") - 1
            found = np.clip(found, start[city], end[city] - 1)
            time = START + ((minute + fraction) * MINUTE).astype(np.int64) + day * DAY
            number = day * DAY_IDS + self.index * SOURCE_IDS + np.arange(first, last)
            drawn.append(Sessions(number, self.user_id[found], time))
        return drawn

    def sessions_on(self, day: int, sessions_per_day: int) -> int:
        """Return how many sessions the day has, given the mean over the week of the users who are always there."""
        return round(sessions_per_day * WEEKDAY[day % 7] * self.traffic(day))

    def blocks(self, seed: int, day: int, sessions_per_day: int) -> list[Block]:
        """Return the day's sessions with the addresses of their random streams."""
        drawn = self.draw(seed, day, self.sessions_on(day, sessions_per_day))
        return [Block(self.purpose, day, number, sessions) for number, sessions in enumerate(drawn)]
