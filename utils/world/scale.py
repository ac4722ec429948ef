"""Platter's scale: how large the company is of which the world simulates a part.

Lessons say `from utils.world.scale import PLATTER` and use `PLATTER.friday_peak_visits_per_second` and the like. What a
lesson simulates with `sessions_per_day=2_000` is a part of Platter's traffic; `PLATTER.factor(2_000)` says which. A
larger or smaller company is `dataclasses.replace(PLATTER, daily_users=...)`. `data/SCALE.md` is the same as a page.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks
from utils.world.choice import POSITIONS
from utils.world.cities import CITIES, City
from utils.world.traffic import week_profile

__all__ = ["FRIDAY", "PLATTER", "Scale"]

FRIDAY = 4  # weekdays count from Monday
SECONDS_A_DAY = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A company's size: what is chosen or measured is a field, what follows from it a property.

    Args:
        daily_users: people who open the app on a mean day. Chosen.
        visits_per_user: how often each of them opens it that day. Chosen: once at noon, once in the evening.
        clicks_per_visit: mean under the live feed. Measured in the world under `PopularityPolicy`, over 400 seeds; one
            world differs from the mean by 0.09 (standard deviation).
        orders_per_visit: likewise; one world differs by 0.06.
        basket: mean value of an order in euros, likewise: revenue over orders.
        best_orders_per_visit: mean if every feed were the best one. Measured under `BestPolicy`, over 100 seeds.
        best_basket: likewise, euros.
        margin: share of the basket that is left to Platter once the order is paid and delivered. Chosen after
            Deliveroo, whose gross profit was 10.4% of the gross transaction value.
        restaurants: how many deliver. Chosen.
        dishes_per_restaurant: how many dishes each sells. Chosen.
        cities: where the users live, with shares that sum to one.

    Raises:
        ValueError: a number that is not positive, a margin above one, or shares that do not sum to one.

    References:
        Deliveroo plc, "Interim financial report 2023", 10 August 2023: gross profit margin as a share of gross
        transaction value 10.4% in the first half of 2023, 8.7% a year before.
    """

    daily_users: int = 2_000_000
    visits_per_user: float = 2.0
    clicks_per_visit: float = 0.94
    orders_per_visit: float = 0.35
    basket: float = 16.0
    best_orders_per_visit: float = 0.80
    best_basket: float = 16.3
    margin: float = 0.10
    restaurants: int = 50_000
    dishes_per_restaurant: int = 40
    cities: tuple[City, ...] = CITIES

    def __post_init__(self) -> None:
        for name in ("daily_users", "restaurants", "dishes_per_restaurant"):
            checks.count(name, getattr(self, name), "a company needs at least one")
        for name in ("visits_per_user", "clicks_per_visit", "orders_per_visit", "best_orders_per_visit"):
            checks.positive(name, getattr(self, name), "give the mean of a day with visits")
        for name in ("basket", "best_basket"):
            checks.positive(name, getattr(self, name), "give euros")
        checks.share("margin", self.margin, "0.1 is a tenth of the basket")
        shares = [getattr(city, "share", math.nan) for city in self.cities]
        if not math.isclose(sum(shares), 1.0, abs_tol=1e-9):
            raise ValueError(
                f"cities must have shares that sum to 1, got {checks.told(shares)}; divide them by their sum"
            )

    @property
    def visits_per_day(self) -> float:
        """Visits on a mean day of the week."""
        return self.daily_users * self.visits_per_user

    @property
    def visits_per_second(self) -> float:
        """Visits a second, the mean over the week."""
        return self.visits_per_day / SECONDS_A_DAY

    @property
    def visits_per_second_by_minute(self) -> NDArray[np.float64]:
        """Expected visits a second at each UTC minute of the week, (7, 1440), from Monday: the world's own rhythm."""
        return self.visits_per_second * week_profile(self.cities)

    @property
    def friday_peak_visits_per_second(self) -> float:
        """Visits a second in the busiest minute of Friday, which is the busiest of the week."""
        return float(self.visits_per_second_by_minute[FRIDAY].max())

    @property
    def friday_peak_minute(self) -> int:
        """The busiest minute of Friday, UTC, counted from midnight."""
        return int(self.visits_per_second_by_minute[FRIDAY].argmax())

    @property
    def peak_to_mean(self) -> float:
        """How many times as many visits as in the mean the busiest minute of Friday has."""
        return self.friday_peak_visits_per_second / self.visits_per_second

    @property
    def friday_peak_orders_per_minute(self) -> float:
        """Orders in the busiest minute of Friday."""
        return 60 * self.friday_peak_visits_per_second * self.orders_per_visit

    @property
    def clicks_per_day(self) -> float:
        """Clicks on a mean day."""
        return self.visits_per_day * self.clicks_per_visit

    @property
    def orders_per_day(self) -> float:
        """Orders on a mean day."""
        return self.visits_per_day * self.orders_per_visit

    @property
    def order_value_per_day(self) -> float:
        """What customers pay for the orders of a mean day, in euros."""
        return self.orders_per_day * self.basket

    @property
    def order_value_per_visit(self) -> float:
        """What customers pay per visit, in euros."""
        return self.orders_per_visit * self.basket

    @property
    def margin_per_order(self) -> float:
        """What an order leaves to Platter, in euros."""
        return self.basket * self.margin

    @property
    def margin_per_day(self) -> float:
        """What the orders of a mean day leave to Platter, in euros."""
        return self.orders_per_day * self.margin_per_order

    @property
    def dishes(self) -> int:
        """Dishes in the catalogue."""
        return self.restaurants * self.dishes_per_restaurant

    @property
    def log_rows_per_day(self) -> float:
        """Impressions that a mean day adds to the log: one for each position of each visit's feed."""
        return self.visits_per_day * POSITIONS

    @property
    def users_by_city(self) -> dict[str, float]:
        """Daily users of each city."""
        return {city.name: self.daily_users * city.share for city in self.cities}

    def factor(self, sessions_per_day: float = 2_000) -> float:
        """Return how many of the company's visits one simulated visit stands for.

        Orders and euros of a simulated day times this factor are those of the company's day. The factor holds for
        visits, clicks, orders and euros; not for users, dishes or restaurants, which a world has as it is told.

        Args:
            sessions_per_day: the argument of `World.simulate`, a mean over the week.

        Raises:
            ValueError: not positive.

        >>> PLATTER.factor(2_000)
        2000.0
        """
        return self.visits_per_day / checks.positive("sessions_per_day", sessions_per_day, "simulate at least one")


PLATTER = Scale()
