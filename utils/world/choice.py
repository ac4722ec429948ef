"""How a person meets the feed: examines a position, is attracted by a dish, orders it, fills a basket.

A click is examined × attracted, an order needs a click.

References:
    The examination hypothesis: Craswell et al. (2008), "An experimental comparison of click position-bias models",
    section 2.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.world.clock import local_hour
from utils.world.dishes import CUISINES, Dishes
from utils.world.users import AGE_BANDS, AGE_CUISINE, DEVICE_EFFECT, Users

__all__ = [
    "BASKET_FACTOR",
    "EXAMINATION",
    "HOURS",
    "HOUR_CUISINE",
    "POSITIONS",
    "Choice",
    "Luck",
    "TasteChange",
    "draw_luck",
    "sigmoid",
]

POSITIONS = 10
EXAMINATION = np.arange(1, POSITIONS + 1) ** -0.8

# Weights in the logit of attraction.
BASE = -1.7
QUALITY_WEIGHT = 0.28
TASTE_WEIGHT = 0.5
PRICE_WEIGHT = 0.4

# How a cuisine's appeal moves over the local day, in logits, from midnight: columns follow CUISINES.
# fmt: off
DAYPARTS = {
    #         bakery diner salad sandw. pizza burger sushi thai indian mexican kebab dessert
    "night":   (-0.8, -0.6, -1.6, -0.4, 1.1, 1.2, -1.4, -0.5, -0.7, 0.6, 1.6, 0.7),
    "morning": (1.9, 2.1, -0.8, 0.2, -1.6, -1.4, -1.8, -1.4, -1.4, -1.0, -1.4, -0.5),
    "lunch":   (-0.3, -0.4, 1.2, 1.2, 0.0, 0.2, 0.5, 0.3, 0.1, 0.3, 0.2, -0.7),
    "tea":     (1.0, -0.2, 0.1, 0.5, -0.4, -0.4, -0.2, -0.5, -0.6, -0.3, -0.2, 1.7),
    "dinner":  (-1.7, -1.5, -0.4, -1.0, 0.8, 0.5, 0.9, 0.9, 1.0, 0.7, 0.3, 0.2),
}
HOURS = ("night",) * 5 + ("morning",) * 6 + ("lunch",) * 4 + ("tea",) * 2 + ("dinner",) * 5 + ("night",) * 2
# fmt: on
HOUR_CUISINE = 0.8 * np.array([DAYPARTS[daypart] for daypart in HOURS])

# Baskets: price times a lognormal body; a few are group orders, larger by a Pareto factor of finite variance.
BASKET_SIGMA = 0.35
GROUP_SHARE = 0.06
GROUP_MINIMUM = 1.6
GROUP_TAIL = 3.0
EXTRAS = 1.15
BASKET_FACTOR = EXTRAS * (1 - GROUP_SHARE + GROUP_SHARE * GROUP_MINIMUM * GROUP_TAIL / (GROUP_TAIL - 1))


def sigmoid(logit: ArrayLike) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-logit)), in a new array; logits of any size, without overflow.

    >>> sigmoid([-1e9, 0.0, 1e9]).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore"):  # exp(-logit) is infinite where the probability is zero
        return np.reciprocal(1.0 + np.exp(np.negative(logit)))


class Luck(NamedTuple):
    """The random numbers behind the outcomes, each (sessions, positions): two policies meet the same ones."""

    click: NDArray[np.float64]
    order: NDArray[np.float64]
    size: NDArray[np.float64]
    group: NDArray[np.float64]


def draw_luck(rng: np.random.Generator, n_sessions: int) -> Luck:
    """Draw the luck of `n_sessions` sessions: uniform for click, order and group, standard normal for size."""
    click, order, group = rng.random((3, n_sessions, POSITIONS))
    return Luck(click, order, rng.standard_normal((n_sessions, POSITIONS)), group)


class TasteChange(Protocol):
    """Something that may change taste with time."""

    def shift(self, time: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Return what is added to the logit of attraction: the row of each time in a table (rows, n_cuisines)."""


class Choice:
    """The preferences of all users over all dishes at any time; ids and times are not checked here.

    Args:
        users: who chooses, latent columns included.
        dishes: what is chosen from, latent columns included.
        taste_changes: what may be added to the logit of attraction, such as incidents.
    """

    def __init__(self, users: Users, dishes: Dishes, taste_changes: Sequence[TasteChange] = ()) -> None:
        self.taste_changes = taste_changes
        self.price = dishes.price
        self.cuisine = dishes.cuisine
        offsets = np.array([city.utc_offset_hours for city in users.cities])
        self.utc_offset_hours = offsets[users.city]
        # The inner product of these features is most of the logit: taste, sensitivity times price, intercepts.
        user_intercept = users.intercept + DEVICE_EFFECT[users.device]
        dish_intercept = BASE + QUALITY_WEIGHT * dishes.quality
        self.user_features = np.column_stack(
            [TASTE_WEIGHT * users.taste, -users.price_sensitivity, user_intercept, np.ones(len(users))]
        )
        self.dish_features = np.column_stack(
            [dishes.taste, PRICE_WEIGHT * dishes.price_level, np.ones(len(dishes)), dish_intercept]
        )
        # What is liked by people of a (city, age band) at each local hour, (groups × hours × cuisines), flat.
        group = users.city * len(AGE_BANDS) + users.age
        self.first_row = group * len(HOURS)
        by_group = users.city_cuisine[:, None, None, :] + AGE_CUISINE[:, None, :] + HOUR_CUISINE
        self.appeal = by_group.reshape(-1)
        minutes = (dishes.preparation_minutes - 26) / 8.0
        self.order_intercept = -0.9 + 0.2 * dishes.quality - 0.15 * minutes
        self.order_price = -0.25 * dishes.price_level
        self.price_sensitivity = users.price_sensitivity
        self.user_order_intercept = users.order_intercept
        self.examines_all = users.examines_all

    def examination(self, user_id: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the probability that each user examines each position, (users, positions)."""
        return np.where(self.examines_all[user_id][:, None], 1.0, EXAMINATION)

    def attraction(
        self, user_id: NDArray[np.integer], dish_id: NDArray[np.integer], time: NDArray[np.datetime64]
    ) -> NDArray[np.float64]:
        """Return the probability of a click on an examined dish; the arguments broadcast."""
        user_id, dish_id = (np.asarray(ids, dtype=np.intp) for ids in (user_id, dish_id))  # cast once, not ten times
        logit = np.einsum("...j,...j->...", self.user_features[user_id], self.dish_features[dish_id])
        cuisine = self.cuisine[dish_id]
        row = self.first_row[user_id] + local_hour(time, self.utc_offset_hours[user_id])
        logit = logit + self.appeal[row * len(CUISINES) + cuisine]
        for change in self.taste_changes:
            shifted = change.shift(time)
            if shifted is not None:
                rows, table = shifted
                logit += table[rows, cuisine]
        return sigmoid(logit)

    def order_given_click(self, user_id: NDArray[np.integer], dish_id: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the probability that a click becomes an order; the arguments broadcast."""
        logit = self.order_intercept[dish_id] + self.price_sensitivity[user_id] * self.order_price[dish_id]
        return sigmoid(logit + self.user_order_intercept[user_id])

    def mean_basket(self, dish_id: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the expected basket value in euros of an order of the dish."""
        return BASKET_FACTOR * self.price[dish_id]

    def basket(
        self, dish_id: NDArray[np.integer], size: NDArray[np.float64], group: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the basket values in euros, to the cent, from standard normal `size` and uniform `group`."""
        body = EXTRAS * np.exp(BASKET_SIGMA * size - BASKET_SIGMA**2 / 2)
        tail = np.where(
            group < GROUP_SHARE, GROUP_MINIMUM * (np.maximum(group, 1e-12) / GROUP_SHARE) ** (-1 / GROUP_TAIL), 1.0
        )
        return np.round(self.price[dish_id] * body * tail, 2)
