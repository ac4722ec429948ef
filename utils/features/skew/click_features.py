"""The features of Platter's click model as the offline side computes them.

All rates come from one nightly snapshot: what the log could say at midnight about the days before. The same snapshot is
written to the serving database (`serving_database.fill`), so both sides start from equal numbers.
"""

from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.features.frames import check_columns
from utils.features.times import microseconds_of
from utils.foundation import checks
from utils.foundation.labels import same_labels
from utils.foundation.whole_numbers import exact_integers
from utils.world.checks import ids
from utils.world.clock import day_of, instants, local_hour, midnight

__all__ = ["FEATURES", "WINDOW_DAYS", "Dimensions", "Snapshot", "features_at", "offline_features", "snapshot"]

#: what the model sees of one dish for one user at one time, in this order
FEATURES = ["price", "preparation_minutes", "dish_rate", "cuisine_hour_rate", "user_cuisine_rate", "user_rate"]
WINDOW_DAYS = 7

# How many impressions at the prior rate each key starts with: empirical-Bayes shrinkage, larger for noisier keys.
PRIOR_IMPRESSIONS = {"dish": 60.0, "cuisine_hour": 60.0, "user_cuisine": 25.0, "user": 40.0}
LOG_COLUMNS = ("user_id", "dish_id", "event_time", "available_time", "clicked")


class Dimensions(NamedTuple):
    """Attributes that do not change with time.

    Attributes:
        price: (dishes,) by `dish_id`, in the unit in which the catalogue's feed delivers it.
        preparation_minutes: (dishes,) by `dish_id`.
        cuisine: (dishes,) code of the cuisine by `dish_id`.
        utc_offset_hours: (users,) by `user_id`, whole hours ahead of UTC.
    """

    price: NDArray[np.float64]
    preparation_minutes: NDArray[np.float64]
    cuisine: NDArray[np.int64]
    utc_offset_hours: NDArray[np.int64]

    @classmethod
    def of(cls, catalogue: pd.DataFrame, users: pd.DataFrame, cities: pd.DataFrame) -> Self:
        """Read them from the tables of the catalogue, the users and the cities, in whatever order the rows come.

        Args:
            catalogue: `dish_id, price, preparation_minutes, cuisine`, one row for each id from 0 on.
            users: `user_id, city`, one row for each id from 0 on.
            cities: `city, utc_offset_hours`.

        Raises:
            ValueError: a missing column, ids with gaps, a user of an unknown city, an offset that is not whole hours.
        """
        check_columns("cities", cities, ["city", "utc_offset_hours"])
        dishes = _by_id("catalogue", catalogue, "dish_id", ["price", "preparation_minutes", "cuisine"])
        offset = _by_id("users", users, "user_id", ["city"])["city"].map(cities.set_index("city")["utc_offset_hours"])
        cuisines = pd.Categorical(dishes["cuisine"], categories=sorted(set(dishes["cuisine"])))
        return cls(
            dishes["price"].to_numpy(float),
            dishes["preparation_minutes"].to_numpy(float),
            cuisines.codes.astype(np.int64),
            exact_integers("utc_offset_hours of users", offset, "give every user a city of the table, whole hours"),
        )


def _by_id(name: str, table: pd.DataFrame, key: str, columns: list[str]) -> pd.DataFrame:
    """Return the table in the order of its ids, which must be 0, 1, 2, …: rows are looked up by place."""
    check_columns(name, table, [key, *columns])
    table = table.sort_values(key)
    if not np.array_equal(table[key], np.arange(len(table))):
        raise ValueError(f"{name} must have one row for each {key} from 0 on, got others; number them without gaps")
    return table


class Snapshot(NamedTuple):
    """Smoothed click rates as of one midnight, and how often each key was shown in the window before it.

    Attributes:
        prior: click rate over everything.
        dish_rate: (dishes,).
        cuisine_hour_rate: (cuisines, 24), by the hour on the user's clock.
        user_cuisine_rate: (users, cuisines).
        user_rate: (users,).
        dish_shown: (dishes,) impressions.
        user_cuisine_shown: (users, cuisines) impressions.
        user_shown: (users,) impressions.
    """

    prior: float
    dish_rate: NDArray[np.float64]
    cuisine_hour_rate: NDArray[np.float64]
    user_cuisine_rate: NDArray[np.float64]
    user_rate: NDArray[np.float64]
    dish_shown: NDArray[np.int64]
    user_cuisine_shown: NDArray[np.int64]
    user_shown: NDArray[np.int64]


def snapshot(log: pd.DataFrame, dimensions: Dimensions, day: int, *, window_days: int = WINDOW_DAYS) -> Snapshot:
    """Compute the rates that can be known at the midnight that opens a day.

    Args:
        log: impressions with `user_id, dish_id, event_time, available_time, clicked`; times in UTC.
        dimensions: `Dimensions`.
        day: number of the day, 0 is the first.
        window_days: only events that arrived in this many days before count.

    Returns:
        `Snapshot`.

    Raises:
        ValueError: no event arrived in the window, a missing value in one that did, an id without dimensions.
    """
    day = checks.count("day", day, "count from day 0", minimum=0)
    window_days = checks.count("window_days", window_days, "use 7 for a week")
    check_columns("log", log, LOG_COLUMNS)
    arrived = microseconds_of("available_time of log", log["available_time"], round_up=True)
    seen = log[(arrived < midnight(day)) & (arrived >= midnight(day - window_days))]
    if seen.empty:
        raise ValueError(
            f"log holds no event that arrived in the {window_days} days before day {day}; start it earlier"
        )
    if seen["clicked"].isna().any():
        raise ValueError("clicked of log must not be missing, got nulls; an event without a click is False")
    n_cuisines = int(dimensions.cuisine.max()) + 1
    user = ids("user_id", seen["user_id"], len(dimensions.utc_offset_hours))
    dish = ids("dish_id", seen["dish_id"], len(dimensions.price))
    clicked = seen["clicked"].to_numpy(bool)
    cuisine = dimensions.cuisine[dish]
    hour = local_hour(instants("event_time of log", seen["event_time"]), dimensions.utc_offset_hours[user])
    prior = float(clicked.mean())

    def rates(name: str, key: NDArray[np.int64], size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        shown = np.bincount(key, minlength=size)
        strength = PRIOR_IMPRESSIONS[name]
        return (np.bincount(key[clicked], minlength=size) + strength * prior) / (shown + strength), shown

    n_users = len(dimensions.utc_offset_hours)
    dish_rate, dish_shown = rates("dish", dish, len(dimensions.price))
    cuisine_hour_rate, _ = rates("cuisine_hour", cuisine * 24 + hour, n_cuisines * 24)
    user_cuisine_rate, user_cuisine_shown = rates("user_cuisine", user * n_cuisines + cuisine, n_users * n_cuisines)
    user_rate, user_shown = rates("user", user, n_users)
    return Snapshot(
        prior,
        dish_rate,
        cuisine_hour_rate.reshape(n_cuisines, 24),
        user_cuisine_rate.reshape(n_users, n_cuisines),
        user_rate,
        dish_shown,
        user_cuisine_shown.reshape(n_users, n_cuisines),
        user_shown,
    )


def features_at(
    rates: Snapshot, dimensions: Dimensions, user_id: ArrayLike, dish_id: ArrayLike, time: ArrayLike
) -> pd.DataFrame:
    """Look up the features of many (user, dish, time) at once.

    Args:
        rates: `Snapshot` that is valid at all the times.
        dimensions: `Dimensions`.
        user_id: shape (n,).
        dish_id: shape (n,).
        time: shape (n,), UTC.

    Returns:
        Data frame (n, 6) with the columns `FEATURES`.

    Raises:
        ValueError: an id without dimensions, a time that is missing.
    """
    same_labels(user_id=user_id, dish_id=dish_id, time=time)
    user = ids("user_id", user_id, len(dimensions.utc_offset_hours))
    dish = ids("dish_id", dish_id, len(dimensions.price))
    cuisine = dimensions.cuisine[dish]
    hour = local_hour(time, dimensions.utc_offset_hours[user])
    columns = (
        dimensions.price[dish],
        dimensions.preparation_minutes[dish],
        rates.dish_rate[dish],
        rates.cuisine_hour_rate[cuisine, hour],
        rates.user_cuisine_rate[user, cuisine],
        rates.user_rate[user],
    )
    return pd.DataFrame(dict(zip(FEATURES, columns, strict=True)))


def offline_features(
    log: pd.DataFrame, dimensions: Dimensions, entities: pd.DataFrame, *, window_days: int = WINDOW_DAYS
) -> pd.DataFrame:
    """Compute features for training: each row sees the snapshot of the midnight before it.

    Args:
        log: as for `snapshot`.
        dimensions: `Dimensions`.
        entities: rows with `user_id, dish_id, event_time`.
        window_days: as for `snapshot`.

    Returns:
        Data frame with the columns `FEATURES`, index and order of `entities`.

    Raises:
        ValueError: as for `snapshot` and `features_at`.
    """
    check_columns("entities", entities, LOG_COLUMNS[:3])
    days = day_of(instants("event_time of entities", entities["event_time"]))
    made = pd.DataFrame(index=entities.index, columns=FEATURES, dtype=float)
    for day in np.unique(days):
        rates, rows = snapshot(log, dimensions, day, window_days=window_days), entities[days == day]
        found = features_at(rates, dimensions, rows["user_id"], rows["dish_id"], rows["event_time"])
        made.iloc[np.flatnonzero(days == day)] = found.to_numpy()
    return made
