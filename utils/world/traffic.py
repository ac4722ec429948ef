"""Traffic: who opens the app when, with the rhythm of the local day and of the week."""

from typing import NamedTuple

import numpy as np

from utils.world.clock import DAY, START
from utils.world.streams import blocks, stream
from utils.world.users import Users

# Sessions by weekday, Monday first; the mean is one.
WEEKDAY = (0.88, 0.88, 0.92, 0.98, 1.12, 1.16, 1.06)
# Sessions by local hour on working days and at weekends, relative.
WORKDAY_HOURS = (4, 2, 1, 1, 1, 2, 8, 18, 20, 12, 12, 28, 38, 28, 14, 12, 18, 36, 52, 50, 34, 22, 14, 8)
WEEKEND_HOURS = (9, 5, 3, 2, 1, 1, 3, 8, 18, 28, 28, 26, 32, 30, 22, 18, 22, 36, 50, 48, 36, 26, 20, 14)
# Numbers of sessions: `DAY_IDS` are set aside for each day, `SOURCE_IDS` of them for each source of traffic.
DAY_IDS = 100_000_000
SOURCE_IDS = 10_000_000
SESSIONS_PER_DAY_LIMIT = 5_000_000


class Sessions(NamedTuple):
    """Contexts, one element a session: `session_id` (int64), `user_id` (int32), `time` (datetime64[us], UTC)."""

    session_id: np.ndarray
    user_id: np.ndarray
    time: np.ndarray


def join(parts: list[Sessions]) -> Sessions:
    """Return the parts as one."""
    if not parts:
        return Sessions(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, "datetime64[us]"))
    return Sessions(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Source:
    """A population that opens the app: some users, in order of city and sign-up.

    Args:
        users: all users of the world.
        members: the `user_id` of those who belong to this source.
        purpose: name of its random streams.
        index: number of the source, so that two never share a `session_id`.
        incident: the incident that brings it, None for the users who are always there.
    """

    def __init__(self, users: Users, members: np.ndarray, *, purpose: str, index: int = 0, incident=None) -> None:
        self.purpose, self.index, self.incident = purpose, index, incident
        order = np.lexsort((members, users.signup_day[members], users.city[members]))
        self.user_id = members[order].astype(np.int32)
        self.signup_day = users.signup_day[self.user_id]
        n_cities = len(users.cities)
        self.bounds = np.searchsorted(users.city[self.user_id], np.arange(n_cities + 1))
        self.activity = np.concatenate([[0.0], np.cumsum(users.activity[self.user_id])])
        offsets = np.array([city.utc_offset_hours for city in users.cities])
        minutes = (np.arange(24 * 60) + 60 * offsets[:, None]) % (24 * 60)  # local minute by (city, UTC minute)
        self.rhythm = [
            np.interp(minutes, 60 * np.arange(25), [*hours, hours[0]]) for hours in (WORKDAY_HOURS, WEEKEND_HOURS)
        ]

    def _members_on(self, day: int) -> np.ndarray:
        """Return, by city, the end of the members who have signed up."""
        pairs = zip(self.bounds[:-1], self.bounds[1:], strict=True)
        return np.array([start + np.searchsorted(self.signup_day[start:end], day, "right") for start, end in pairs])

    def draw(self, seed: int, day: int, n: int, *, purpose: str | None = None) -> list[Sessions]:
        """Return the day's `n` sessions, block by block, in order of time; another `purpose` draws other ones."""
        if n == 0:
            return []
        start, end = self.bounds[:-1], self._members_on(day)
        weight = self.activity[end] - self.activity[start]
        intensity = weight[:, None] * self.rhythm[day % 7 >= 5]
        by_minute = np.concatenate([[0.0], np.cumsum(intensity.sum(axis=0))])
        by_city = np.cumsum(intensity, axis=0)
        drawn = []
        for block, first, last in blocks(n):
            u, v, w = stream(seed, purpose or self.purpose, day, block).random((3, last - first))
            target = (first + (last - first) * np.sort(u)) / n * by_minute[-1]
            minute = np.clip(np.searchsorted(by_minute, target, "right") - 1, 0, 24 * 60 - 1)
            fraction = np.clip((target - by_minute[minute]) / by_city[-1, minute], 0, 1 - 1e-9)
            city = (v * by_city[-1, minute] >= by_city[:-1, minute]).sum(axis=0)
            found = np.searchsorted(self.activity, self.activity[start[city]] + w * weight[city], "right") - 1
            found = np.clip(found, start[city], end[city] - 1)
            time = START + ((minute + fraction) * (DAY / (24 * 60))).astype(np.int64) + day * DAY
            number = day * DAY_IDS + self.index * SOURCE_IDS + np.arange(first, last)
            drawn.append(Sessions(number, self.user_id[found], time))
        return drawn

    def sessions_on(self, day: int, sessions_per_day: int) -> int:
        """Return how many sessions the day has, given the mean over the week of the users who are always there."""
        share = 1.0 if self.incident is None else self.incident.share * self.incident.is_on(day)
        return round(sessions_per_day * WEEKDAY[day % 7] * share)
