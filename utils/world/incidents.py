"""Incidents: things that go wrong on Platter, or only look as if they did.

Each changes what it says, from the start of `start_day` to the start of `end_day` (None: to the end of the world), and
leaves every other byte of the log alone: what an incident adds or draws comes from random streams of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from utils.world.cities import City
from utils.world.clock import day_of
from utils.world.dishes import CUISINES
from utils.world.users import DEVICES, Users, draw_users


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that happens from `start_day` to before `end_day`; by itself it changes nothing."""

    start_day: int
    end_day: int | None = None

    def __post_init__(self) -> None:
        days = [self.start_day] if self.end_day is None else [self.start_day, self.end_day]
        if not all(isinstance(day, int | np.integer) for day in days) or not 0 <= days[0] < (*days, np.inf)[1]:
            raise ValueError(
                "start_day and end_day must be whole numbers with 0 <= start_day < end_day, "
                f"got {self.start_day}, {self.end_day}"
            )

    def is_on(self, day: np.ndarray | int) -> np.ndarray | bool:
        """Return whether the incident is on, for each day."""
        return (day >= self.start_day) & (self.end_day is None or day < self.end_day)

    def newcomers(self, rng: np.random.Generator, users: Users, days: int) -> Users | None:
        """Return the users that come with the incident, if any; `users` are those already there."""
        return None

    def deliver(self, catalogue: pd.DataFrame, day: int) -> pd.DataFrame:
        """Return the catalogue as it is delivered on a day."""
        return catalogue


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")


@dataclass(frozen=True, kw_only=True)
class NewCity(Incident):
    """A city opens: younger users in another time zone join the traffic; given what is known of them, taste is as ever.

    `share` is their sessions, and their number, relative to those of all other users. The city has no cuisine
    preference of its own: it eats as the average of the others. The inputs of a model shift, its errors need not.
    """

    city: str = "Fairhaven"
    utc_offset_hours: int = 3
    share: float = 0.25
    are_people = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.share)

    def newcomers(self, rng: np.random.Generator, users: Users, days: int) -> Users:
        """Return the people of the new city: half of them sign up on its first day, the others until its last."""
        n = max(2, round(self.share * len(users)))
        later = np.sort(rng.integers(self.start_day, self.end_day or days, size=n // 2))
        return draw_users(
            rng,
            n,
            cities=(City(self.city, self.utc_offset_hours, self.share),),
            city_cuisine=np.zeros((1, len(CUISINES))),
            signup_day=np.concatenate([np.full(n - n // 2, self.start_day), later]),
            age_shares=(0.40, 0.34, 0.14, 0.08, 0.04),
        )


@dataclass(frozen=True, kw_only=True)
class Bots(Incident):
    """A few accounts open the feed again and again, click every dish at every position and order nothing.

    `share` is their sessions relative to those of people.
    """

    share: float = 0.10
    n_bots: int = 25
    are_people = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.share)
        if self.n_bots < 1:
            raise ValueError(f"n_bots must be at least 1, got {self.n_bots}")

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


@dataclass(frozen=True, kw_only=True)
class WinterMenu(Incident):
    """Taste changes with the season: people turn from cold dishes to warm ones; who they are and what they see stays.

    `strength` multiplies the shift of each cuisine in the logit of attraction.
    """

    strength: float = 1.0

    # fmt: off
    #        bakery diner salad sandwich pizza burger sushi thai indian mexican kebab dessert
    SHIFT = (0.0, -0.2, -2.4, -1.4, -0.9, -1.1, -2.4, 0.9, 1.2, -1.4, 0.3, 0.0)
    # fmt: on

    def shift(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    """A release of one client loses clicks: a `share` of the clicked events of a `device` never arrive."""

    device: str = "ios"
    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.share)
        if self.device not in DEVICES:
            raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {self.device!r}")

    def loses(self, rng: np.random.Generator, day: int, device: np.ndarray, n_positions: int) -> np.ndarray:
        """Return which events (sessions, positions) would be lost if they were clicks."""
        draws = rng.random((len(device), n_positions))
        return (draws < self.share) & (device == DEVICES.index(self.device))[:, None] & self.is_on(day)


def platter_incidents(days: int = 60) -> tuple[Incident, ...]:
    """Return the standard schedule, spread over `days` (at least 20): all five incidents, one after the other.

    The new city stays and the winter menu begins last and stays; prices, tracking and bots last three to five days in
    sixty.

    >>> [type(incident).__name__ for incident in platter_incidents(60)]
    ['NewCity', 'PricesInCents', 'LostTracking', 'Bots', 'WinterMenu']
    """
    if days < 20:
        raise ValueError(f"days must be at least 20 to hold five incidents, got {days}")

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


__all__ = ["Bots", "Incident", "LostTracking", "NewCity", "PricesInCents", "WinterMenu", "platter_incidents"]
