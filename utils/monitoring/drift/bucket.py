"""The shuffled bucket: a part of Platter's visits whose feed no model has ordered, and what a feed is worth.

What a model's own feed shows of the world is what the model chose to show; monitoring looks at shuffled feeds.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.world import UniformPolicy, World

__all__ = ["ClickPredictor", "described", "order_value", "ranked", "served"]

SHOWN = 10  # dishes in a feed


class ClickPredictor(Protocol):
    """Anything that gives the probability of a click for rows of `described`."""

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of a click for each row."""


def described(rows: pd.DataFrame, world: World, day: int) -> pd.DataFrame:
    """Add to rows of user, dish and time what the serving system knows about them on a day.

    Args:
        rows: columns user_id, dish_id, event_time, and any others.
        world: the world they come from.
        day: whose catalogue is read; the incidents of that day act on it.

    Returns:
        The rows, in their order, with cuisine, price, preparation_minutes, city, age_band, device and the hour on the
        user's clock; NaN where the day's catalogue lacks the dish.

    Raises:
        ValueError: the world has no such day.
    """
    dishes = world.catalogue(day)[["dish_id", "cuisine", "price", "preparation_minutes"]]
    users = world.users[["user_id", "city", "age_band", "device"]].merge(world.cities[["city", "utc_offset_hours"]])
    rows = rows.merge(dishes, on="dish_id", how="left").merge(users, on="user_id", how="left")
    return rows.assign(hour=(rows["event_time"].dt.hour + rows["utc_offset_hours"]) % 24)


def served(world: World, first_day: int, end_day: int, visits_per_day: float) -> pd.DataFrame:
    """Return the bucket's impressions: what was shown, what was known of it, and what was clicked.

    Args:
        world: the world.
        first_day: the first day.
        end_day: the day after the last.
        visits_per_day: of the bucket, mean over the week.

    Returns:
        The log of `World.simulate` under `UniformPolicy`, described on the last of the days; ten rows a visit.

    Raises:
        ValueError: days that the world does not have, or visits that are not positive.
    """
    log = world.simulate(UniformPolicy(world), visits_per_day, start_day=first_day, end_day=end_day)
    return described(log, world, end_day - 1)


def ranked(world: World, models: Sequence[ClickPredictor], day: int, visits: int = 200) -> list[pd.DataFrame]:
    """Return what each model's own feed shows on a day, and what it brings by the world's truth.

    A model ranks every dish on sale by predicted click times price and shows the best ten.

    Args:
        world: the world; its truth is asked, so nothing here has the noise of clicks and orders.
        models: the models.
        day: the day.
        visits: how many visits; all models rank the same ones.

    Returns:
        A table for each model, ten rows a visit in the order of the feed: visit, user_id, dish_id, event_time, position,
        chance (of a click) and value (euros).

    Raises:
        ValueError: the world has no such day, or visits that are not positive.
    """
    who, menu = world.sessions(day, day + 1, visits), world.catalogue(day)
    visit = {"user_id": who.user_id, "event_time": who.time, "position": 1}
    pairs = described(pd.DataFrame(visit).merge(menu["dish_id"], how="cross"), world, day)
    pairs = pairs.astype(dict.fromkeys(("cuisine", "city", "age_band"), "category"))  # looked up once for all models
    user, time, shown = who.user_id[:, None], who.time[:, None], np.arange(1, SHOWN + 1)
    seen, feeds = world.truth.examination(shown), []
    for model in models:
        score = (model.predict(pairs) * pairs["price"].to_numpy()).reshape(-1, len(menu))
        feed = menu["dish_id"].to_numpy()[np.argsort(-score, axis=1, kind="stable")[:, :SHOWN]]
        rows = {
            "visit": np.arange(len(user)).repeat(SHOWN),
            "user_id": who.user_id.repeat(SHOWN),
            "dish_id": feed.ravel(),
            "event_time": who.time.repeat(SHOWN),
            "position": np.tile(shown, len(user)),
            "chance": (world.truth.attraction(user, feed, time) * seen).ravel(),
            "value": (world.truth.expected_revenue(user, feed, time) * seen).ravel(),
        }
        feeds.append(pd.DataFrame(rows))
    return feeds


def order_value(world: World, models: Sequence[ClickPredictor], day: int, visits: int = 200) -> list[float]:
    """Return what a visit of a day spends if each model ranks its feed, by the world's truth.

    Args:
        world: the world.
        models: the models.
        day: the day.
        visits: how many visits are averaged.

    Returns:
        Euros a visit, one number for each model, of the feeds of `ranked`.

    Raises:
        ValueError: the world has no such day, or visits that are not positive.
    """
    return [float(SHOWN * feed["value"].mean()) for feed in ranked(world, models, day, visits)]
