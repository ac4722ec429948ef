"""The dishes: menu, price, and a description whose words carry some of the taste and a little of the quality."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utils.world.streams import stream

__all__ = [
    "CUISINES",
    "DISHES_LIMIT",
    "INGREDIENTS",
    "MENU",
    "PRAISE",
    "PRICE_SCALE",
    "STYLES",
    "TASTE_DIMENSIONS",
    "Dishes",
    "make_dishes",
]

DISHES_LIMIT = 100_000  # policies score every dish in every session
TASTE_DIMENSIONS = 8
PRICE_SCALE = 0.35  # standard deviation of log price

# cuisine: (share of the menu, typical price in euros, typical dish, ingredients)
MENU = {
    "bakery": (0.09, 8.0, "pastry", ("butter", "almond", "cinnamon", "rye", "apple", "poppy seed")),
    "diner": (0.08, 11.0, "breakfast", ("egg", "bacon", "maple syrup", "hash brown", "avocado", "mushroom")),
    "salad": (0.08, 11.0, "bowl", ("kale", "quinoa", "feta", "chickpea", "avocado", "lemon")),
    "sandwich": (0.08, 9.5, "platter", ("pastrami", "cheddar", "pickle", "rye", "turkey", "mustard")),
    "pizza": (0.10, 13.0, "pie", ("mozzarella", "basil", "salami", "mushroom", "anchovy", "tomato")),
    "burger": (0.10, 13.0, "stack", ("beef", "cheddar", "bacon", "pickle", "jalapeno", "onion")),
    "sushi": (0.09, 18.0, "set", ("salmon", "tuna", "cucumber", "avocado", "seaweed", "sesame")),
    "thai": (0.08, 14.0, "noodles", ("coconut", "lemongrass", "peanut", "shrimp", "chili", "basil")),
    "indian": (0.08, 14.0, "curry", ("lentil", "paneer", "turmeric", "coconut", "chicken", "chili")),
    "mexican": (0.08, 12.0, "tacos", ("corn", "black bean", "jalapeno", "avocado", "beef", "lime")),
    "kebab": (0.08, 10.0, "plate", ("lamb", "yogurt", "onion", "chickpea", "tomato", "chili")),
    "dessert": (0.06, 8.5, "cup", ("chocolate", "vanilla", "almond", "mango", "caramel", "coconut")),
}
CUISINES = tuple(MENU)
INGREDIENTS = tuple(sorted({word for *_, words in MENU.values() for word in words}))
STYLES = ("crispy", "slow-cooked", "smoked", "grilled", "steamed", "spiced", "fresh", "creamy")
PRAISE = ("no-frills", "everyday", "classic", "homemade", "signature", "award-winning")  # in order of quality


@dataclass(frozen=True)
class Dishes:
    """Columns of the dishes in order of `dish_id`; `taste` (n, 8) and `quality` are latent.

    `price_level` is the logarithm of the price relative to 12 euros, in standard deviations.
    """

    restaurant_id: NDArray[np.integer]
    cuisine: NDArray[np.integer]
    price: NDArray[np.float64]
    preparation_minutes: NDArray[np.integer]
    launch_day: NDArray[np.integer]
    description: list[str]
    taste: NDArray[np.float64]
    quality: NDArray[np.float64]
    price_level: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cuisine)


def _words(rng: np.random.Generator, cuisine: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return three different ingredients a dish, as codes (n, 3), out of the six of its cuisine."""
    pools = np.array([[INGREDIENTS.index(word) for word in MENU[name][3]] for name in CUISINES])
    order = rng.random((len(cuisine), pools.shape[1])).argsort(axis=1)[:, :3]
    return np.take_along_axis(pools[cuisine], order, axis=1)


def _taste(
    rng: np.random.Generator,
    cuisine: NDArray[np.integer],
    ingredients: NDArray[np.integer],
    style: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return taste vectors (n, 8) of mean square about one a dish: cuisine, ingredients, style, and a rest unsaid."""
    of_cuisine, of_ingredient, of_style = (
        rng.standard_normal((n, TASTE_DIMENSIONS)) for n in (len(CUISINES), len(INGREDIENTS), len(STYLES))
    )
    unsaid = rng.standard_normal((len(cuisine), TASTE_DIMENSIONS))
    said = 0.45 * of_cuisine[cuisine] + 0.40 * of_ingredient[ingredients].sum(axis=1) + 0.35 * of_style[style]
    return (said + 0.40 * unsaid) / np.sqrt(TASTE_DIMENSIONS)


def _describe(cuisine: int, ingredients: NDArray[np.integer], style: int, praise: int) -> str:
    first, second, third = (INGREDIENTS[code] for code in ingredients)
    name, dish = CUISINES[cuisine], MENU[CUISINES[cuisine]][2]
    return (
        f"{PRAISE[praise].capitalize()} {name} {dish}, {STYLES[style]}, with {first} and {second}. Served with {third}."
    )


def make_dishes(seed: int, n_dishes: int, days: int) -> Dishes:
    """Return the dishes of a world: 85% (and at least ten) are there on day 0, the others launch later, evenly.

    Args:
        seed: the world's seed.
        n_dishes: how many launch in all.
        days: the length of the world.
    """
    rng = stream(seed, "dishes")
    share = np.array([MENU[name][0] for name in CUISINES])
    cuisine = rng.choice(len(CUISINES), size=n_dishes, p=share / share.sum())
    restaurant_id = rng.integers(0, max(1, n_dishes // 4), size=n_dishes)
    quality = rng.standard_normal(n_dishes)
    ingredients, style = _words(rng, cuisine), rng.integers(0, len(STYLES), size=n_dishes)
    praise = np.clip(np.round(2.5 + 0.9 * quality + 1.1 * rng.standard_normal(n_dishes)), 0, 5).astype(int)
    typical = np.array([MENU[name][1] for name in CUISINES])[cuisine]
    price = np.round(typical * np.exp(PRICE_SCALE * (0.25 * quality + 0.97 * rng.standard_normal(n_dishes))), 1)
    n_early = min(n_dishes, max(10, round(0.85 * n_dishes)))
    launch_day = np.sort(rng.integers(min(1, days - 1), days, size=n_dishes - n_early))
    return Dishes(
        restaurant_id=restaurant_id,
        cuisine=cuisine,
        price=price,
        preparation_minutes=np.clip(np.round(10 + rng.gamma(4.0, 4.0, size=n_dishes)), 8, 60).astype(int),
        launch_day=np.concatenate([np.zeros(n_early, dtype=np.int64), launch_day]),
        description=[_describe(*row) for row in zip(cuisine, ingredients, style, praise, strict=True)],
        taste=_taste(rng, cuisine, ingredients, style),
        quality=quality,
        price_level=np.log(price / 12.0) / PRICE_SCALE,
    )
