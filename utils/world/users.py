"""The users: what Platter knows of them, and the tastes it does not know."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from utils.world.cities import CITIES, City
from utils.world.dishes import CUISINES, TASTE_DIMENSIONS
from utils.world.streams import stream

__all__ = [
    "AGE_BANDS",
    "AGE_CUISINE",
    "AGE_PRICE_SENSITIVITY",
    "AGE_SHARES",
    "DEVICES",
    "DEVICE_EFFECT",
    "DEVICE_SHARES",
    "USERS_LIMIT",
    "Users",
    "draw_users",
    "make_users",
]

USERS_LIMIT = 5_000_000  # about half a gigabyte per million
AGE_BANDS = ("18-24", "25-34", "35-44", "45-59", "60+")
AGE_SHARES = (0.22, 0.31, 0.21, 0.16, 0.10)
DEVICES = ("ios", "android", "web")
DEVICE_SHARES = (0.40, 0.42, 0.18)

# What the young and the old like, in logits; rows are age bands, columns follow CUISINES.
# fmt: off
AGE_CUISINE = np.array([
    # bakery  diner  salad sandwich pizza burger sushi  thai indian mexican kebab dessert
    [-0.40, -0.30, -0.20, 0.00, 0.60, 0.70, 0.10, 0.00, -0.30, 0.30, 0.80, 0.30],
    [-0.20, 0.00, 0.20, 0.00, 0.20, 0.20, 0.50, 0.30, 0.10, 0.30, 0.20, -0.10],
    [0.00, 0.10, 0.20, 0.00, 0.00, -0.10, 0.20, 0.20, 0.30, 0.00, -0.20, -0.10],
    [0.30, 0.20, 0.10, 0.20, -0.40, -0.50, -0.30, -0.10, 0.40, -0.40, -0.50, 0.00],
    [0.70, 0.40, -0.10, 0.30, -0.80, -0.90, -0.90, -0.50, 0.10, -0.80, -0.90, 0.40],
])
# fmt: on
AGE_PRICE_SENSITIVITY = np.array([1.35, 1.05, 0.85, 0.80, 0.95])
DEVICE_EFFECT = np.array([0.06, 0.0, -0.10])


@dataclass(frozen=True)
class Users:
    """Columns of the users in order of `user_id`; those from `activity` on are latent.

    `city`, `age`, `device` are codes; `city_cuisine` holds the taste of each city, (n_cities, n_cuisines). The
    intercepts are in logits; `examines_all` is for bots, who look at every position.
    """

    cities: tuple[City, ...]
    city_cuisine: NDArray[np.float64]
    city: NDArray[np.integer]
    age: NDArray[np.integer]
    device: NDArray[np.integer]
    signup_day: NDArray[np.integer]
    activity: NDArray[np.float64]
    taste: NDArray[np.float64]
    price_sensitivity: NDArray[np.float64]
    intercept: NDArray[np.float64]
    order_intercept: NDArray[np.float64]
    examines_all: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.city)

    def joined_by(self, others: "Users") -> "Users":
        """Return these users followed by others, from the same cities or from new ones."""
        if others.cities != self.cities[: len(others.cities)]:
            others = replace(others, city=others.city + len(self.cities))
            cities = self.cities + others.cities
            city_cuisine = np.concatenate([self.city_cuisine, others.city_cuisine])
        else:
            cities, city_cuisine = self.cities, self.city_cuisine
        columns = [field.name for field in fields(self) if field.name not in ("cities", "city_cuisine")]
        joined = {name: np.concatenate([getattr(self, name), getattr(others, name)]) for name in columns}
        return Users(cities=cities, city_cuisine=city_cuisine, **joined)


def draw_users(
    rng: np.random.Generator,
    n_users: int,
    *,
    cities: tuple[City, ...],
    city_cuisine: NDArray[np.float64],
    signup_day: NDArray[np.integer],
    age_shares: tuple[float, ...] = AGE_SHARES,
) -> Users:
    """Draw users; age and city carry information about taste, price sensitivity and intercept are their own.

    Args:
        rng: generator of everything that is drawn here.
        n_users: how many.
        cities: where they live, by the cities' shares.
        city_cuisine: the taste of each city in logits, (n_cities, n_cuisines).
        signup_day: the day of each sign-up, (n_users,).
        age_shares: share of each age band; they sum to one.
    """
    shares = np.array([city.share for city in cities])
    age = rng.choice(len(AGE_BANDS), size=n_users, p=age_shares)
    return Users(
        cities=cities,
        city=rng.choice(len(cities), size=n_users, p=shares / shares.sum()),
        age=age,
        device=rng.choice(len(DEVICES), size=n_users, p=DEVICE_SHARES),
        signup_day=signup_day,
        activity=np.exp(0.8 * rng.standard_normal(n_users)),
        taste=rng.standard_normal((n_users, TASTE_DIMENSIONS)),
        price_sensitivity=AGE_PRICE_SENSITIVITY[age] * np.exp(0.5 * rng.standard_normal(n_users) - 0.125),
        intercept=0.4 * rng.standard_normal(n_users),
        city_cuisine=city_cuisine,
        order_intercept=np.zeros(n_users),
        examines_all=np.zeros(n_users, dtype=bool),
    )


def make_users(seed: int, n_users: int, days: int) -> Users:
    """Return the users of a world: 60% are there on day 0, the others sign up evenly over the days.

    Args:
        seed: the world's seed.
        n_users: how many sign up in all.
        days: the length of the world.
    """
    rng = stream(seed, "users")
    city_cuisine = 0.45 * rng.standard_normal((len(CITIES), len(CUISINES)))
    shares = np.array([city.share for city in CITIES])
    city_cuisine -= (shares[:, None] * city_cuisine).sum(axis=0)  # the average user is no city's user
    n_early = max(1, round(0.6 * n_users))
    late = np.sort(rng.integers(0, days, size=n_users - n_early))
    signup_day = np.concatenate([np.zeros(n_early, dtype=np.int64), late])
    return draw_users(rng, n_users, cities=CITIES, city_cuisine=city_cuisine, signup_day=signup_day)
