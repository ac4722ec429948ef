"""Incidents: things that go wrong on Platter, or only look as if they did.

Each changes what it says, from the start of `start_day` to the start of `end_day` (None: to the end of the world), and
leaves every other byte of the log alone: what an incident adds or draws comes from random streams of its own. A world
asks every incident the same questions, the hooks of `Incident`; an incident answers those that it is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.foundation import checks
from utils.world.cities import CITIES, City
from utils.world.clock import OFFSETS, day_of
from utils.world.dishes import CUISINES
from utils.world.users import DEVICES, USERS_LIMIT, Users, draw_users

__all__ = [
    "Bots",
    "Incident",
    "LostTracking",
    "NewCity",
    "PricesInCents",
    "WinterMenu",
    "check_incidents",
    "named",
    "platter_incidents",
]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that happens from `start_day` to before `end_day`; by itself it changes nothing."""

    start_day: int
    end_day: int | None = None

    #: whether the users that it brings count for the value of a policy
    are_people: ClassVar[bool] = True

    def __post_init__(self) -> None:
        start = checks.count("start_day", self.start_day, "count days from 0", minimum=0)
        remedy = f"end after start_day, {start}, or use None to go on to the end"
        end = None if self.end_day is None else checks.count("end_day", self.end_day, remedy, minimum=start + 1)
        self._set(start_day=start, end_day=end)

    def _set(self, **fields: Any) -> None:
        """Replace what was given by what it means, such as 3 for 3.0: names of random streams are made of it."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """What its random streams are called."""
        return f"{type(self).__name__} {self.start_day}"

    def is_on(self, day: NDArray[np.integer] | int) -> NDArray[np.bool_] | bool:
        """Return whether the incident is on, for each day."""
        return (day >= self.start_day) & (self.end_day is None or day < self.end_day)

    @property
    def cities(self) -> tuple[City, ...]:
        """The cities that it opens."""
        return ()

    def newcomers(self, rng: np.random.Generator, users: Users, days: int) -> Users | None:
        """Return the users that come with the incident, if any.

        Args:
            rng: the generator of this incident's users.
            users: those who are always there.
            days: the length of the world.
        """
        return None

    def traffic(self, day: int) -> float:
        """Return the newcomers' sessions on a day, relative to those of the users who are always there."""
        return 0.0

    def shift(self, time: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Return what is added to the logit of attraction: the row of each time in a table (rows, n_cuisines)."""
        return None

    def loses(
        self, rng: np.random.Generator, device: NDArray[np.integer], n_positions: int
    ) -> NDArray[np.bool_] | None:
        """Return which events (sessions, positions) of a day in its time would never arrive if they were clicks."""
        return None

    def deliver(self, catalogue: pd.DataFrame, day: int) -> pd.DataFrame:
        """Return the catalogue as it is delivered on a day."""
        return catalogue


def _share(share: Any) -> float:
    return checks.number("share", share, low=0, high=1, open_low=True, remedy="0.25 is a quarter")


@dataclass(frozen=True, kw_only=True)
class NewCity(Incident):
    """A city opens: younger users in another time zone join the traffic; given what is known of them, taste is as ever.

    The city has no cuisine preference of its own: it eats as the average of the others. The inputs of a model shift,
    its errors need not.

    Args:
        start_day: the first day, from 0.
        end_day: the day after the last, None for all that follow.
        city: its name, one that Platter does not serve yet.
        utc_offset_hours: its clock, whole hours ahead of UTC.
        share: its sessions, and the number of its users, relative to those of all other users.

    Raises:
        ValueError: no such days, clock or share, or no name.
    """

    city: str = "Fairhaven"
    utc_offset_hours: int = 3
    share: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.city, str) or not self.city.strip():
            raise ValueError(f"city must be a name, got {checks.told(self.city)}; choose one such as 'Fairhaven'")
        remedy = "give whole hours ahead of UTC"
        offset = checks.count("utc_offset_hours", self.utc_offset_hours, remedy, minimum=OFFSETS[0], maximum=OFFSETS[1])
        self._set(share=_share(self.share), utc_offset_hours=offset)

    @property
    def cities(self) -> tuple[City, ...]:
        """The city that it opens."""
        return (City(self.city, self.utc_offset_hours, self.share),)

    def newcomers(self, rng: np.random.Generator, users: Users, days: int) -> Users:
        """Return the people of the new city: half of them sign up on its first day, the others until its last."""
        n = max(2, round(self.share * len(users)))
        later = np.sort(rng.integers(self.start_day, self.end_day or days, size=n // 2))
        return draw_users(
            rng,
            n,
            cities=self.cities,
            city_cuisine=np.zeros((1, len(CUISINES))),
            signup_day=np.concatenate([np.full(n - n // 2, self.start_day), later]),
            age_shares=(0.40, 0.34, 0.14, 0.08, 0.04),
        )

    def traffic(self, day: int) -> float:
        """Return the city's sessions on a day, relative to those of the users who are always there."""
        return self.share * self.is_on(day)


@dataclass(frozen=True, kw_only=True)
class Bots(Incident):
    """A few accounts open the feed again and again, click every dish at every position and order nothing.

    Args:
        start_day: the first day, from 0.
        end_day: the day after the last, None for all that follow.
        share: their sessions relative to those of people.
        n_bots: how many accounts.

    Raises:
        ValueError: no such days or share, or no bots.
    """

    share: float = 0.10
    n_bots: int = 25
    are_people: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        n_bots = checks.count("n_bots", self.n_bots, "a handful is enough", maximum=USERS_LIMIT)
        self._set(share=_share(self.share), n_bots=n_bots)

    def newcomers(self, rng: np.random.Generator, users: Users, days: int) -> Users:
        """Return the bots: web clients with certain clicks and no orders."""
        bots = draw_users(
            rng,
            self.n_bots,
            cities=users.cities,
            city_cuisine=users.city_cuisine,
            signup_day=np.full(self.n_bots, self.start_day),
        )
        return replace(
            bots,
            device=np.full(self.n_bots, DEVICES.index("web")),
            taste=np.zeros_like(bots.taste),
            price_sensitivity=np.zeros(self.n_bots),
            intercept=np.full(self.n_bots, 100.0),
            order_intercept=np.full(self.n_bots, -100.0),
            examines_all=np.ones(self.n_bots, dtype=bool),
        )

    def traffic(self, day: int) -> float:
        """Return the bots' sessions on a day, relative to those of the users who are always there."""
        return self.share * self.is_on(day)


@dataclass(frozen=True, kw_only=True)
class WinterMenu(Incident):
    """Taste changes with the season: people turn from cold dishes to warm ones; who they are and what they see stays.

    Args:
        start_day: the first day, from 0.
        end_day: the day after the last, None for all that follow.
        strength: multiplies the shift of each cuisine in the logit of attraction; from -10 to 10.

    Raises:
        ValueError: no such days or strength.
    """

    strength: float = 1.0

    # fmt: off
    #        bakery diner salad sandwich pizza burger sushi thai indian mexican kebab dessert
    SHIFT: ClassVar[tuple[float, ...]] = (0.0, -0.2, -2.4, -1.4, -0.9, -1.1, -2.4, 0.9, 1.2, -1.4, 0.3, 0.0)
    # fmt: on

    def __post_init__(self) -> None:
        super().__post_init__()
        remedy = "1 is the usual winter, 0 is none"
        self._set(strength=checks.number("strength", self.strength, low=-10, high=10, remedy=remedy))

    def shift(self, time: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the row of each time in a table (2, n_cuisines) of shifts: 1 in winter, else 0."""
        table = np.stack([np.zeros(len(CUISINES)), self.strength * np.array(self.SHIFT)])
        return self.is_on(day_of(time)).astype(np.int64), table


@dataclass(frozen=True, kw_only=True)
class PricesInCents(Incident):
    """The catalogue feed delivers prices in cents where it used to deliver euros; people pay what they always paid."""

    def deliver(self, catalogue: pd.DataFrame, day: int) -> pd.DataFrame:
        """Return the catalogue with prices times 100 while the bug lives."""
        return catalogue.assign(price=catalogue["price"] * 100) if self.is_on(day) else catalogue


@dataclass(frozen=True, kw_only=True)
class LostTracking(Incident):
    """A release of one client loses clicks: some of the clicked events of a device never arrive.

    Args:
        start_day: the first day, from 0.
        end_day: the day after the last, None for all that follow.
        device: "ios", "android" or "web".
        share: of the clicked events, those that are lost.

    Raises:
        ValueError: no such days, device or share.
    """

    device: str = "ios"
    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.choice("device", self.device, DEVICES)
        self._set(share=_share(self.share))

    @property
    def name(self) -> str:
        """What its random streams are called."""
        return f"{self.device} {self.start_day}"

    def loses(self, rng: np.random.Generator, device: NDArray[np.integer], n_positions: int) -> NDArray[np.bool_]:
        """Return which events (sessions, positions) of a day in its time would never arrive if they were clicks."""
        draws = rng.random((len(device), n_positions))
        return (draws < self.share) & (device == DEVICES.index(self.device))[:, None]


def check_incidents(incidents: Any, days: int) -> tuple[Incident, ...]:
    """Return the incidents of a world of `days` days.

    Raises:
        ValueError: something else, days that the world does not have, cities of one name, or too many newcomers.
    """
    if not isinstance(incidents, tuple | list):
        raise ValueError(f"incidents must be a tuple from utils.world.incidents, got {incidents!r}; use () for none")
    for incident in incidents:
        if not isinstance(incident, Incident):
            raise ValueError(
                f"incidents must hold incidents, got {checks.told(incident)}; make them with utils.world, as Bots(start_day=3)"
            )
        if incident.start_day >= days or (incident.end_day or 0) > days:
            raise ValueError(
                f"incidents must lie within the {days} days of the world, got {incident}; make a world of more days"
            )
    cities = [city.name for city in CITIES]
    for incident in incidents:
        for city in incident.cities:
            if city.name.casefold() in map(str.casefold, cities):
                raise ValueError(f"incidents must open cities of new names, got {city.name!r} again; rename it")
            cities.append(city.name)
    return tuple(incidents)


def named(incidents: Sequence[Incident]) -> list[tuple[str, Incident]]:
    """Return the incidents with names of which no two are equal, so that no two share random streams."""
    found: list[tuple[str, Incident]] = []
    for incident in incidents:
        earlier = sum(incident.name == other.name for _, other in found)
        found.append((f"{incident.name}, {earlier + 1}" if earlier else incident.name, incident))
    return found


def platter_incidents(days: int = 60) -> tuple[Incident, ...]:
    """Return the standard schedule, spread over `days`: all five incidents, one after the other.

    The new city stays and the winter menu begins last and stays; prices, tracking and bots last three to five days in
    sixty.

    Args:
        days: the length of the world, at least 20.

    Raises:
        ValueError: too few days, or no whole number of them.

    >>> [type(incident).__name__ for incident in platter_incidents(60)]
    ['NewCity', 'PricesInCents', 'LostTracking', 'Bots', 'WinterMenu']
    """
    days = checks.count("days", days, "five incidents need 20 days", minimum=20)

    def window(start: int, length: int) -> dict[str, int]:
        first = round(start * days / 60)
        return {"start_day": first, "end_day": first + max(1, round(length * days / 60))}

    return (
        NewCity(start_day=round(16 * days / 60)),
        PricesInCents(**window(24, 3)),
        LostTracking(**window(31, 5)),
        Bots(**window(39, 4)),
        WinterMenu(start_day=round(46 * days / 60)),
    )
