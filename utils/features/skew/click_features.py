"""The features of Platter's click model, and how the offline side computes them.

All rates come from one nightly snapshot: what the log could say at midnight about the days before. The same snapshot is
written to the online store (`serving.materialize`), so both sides start from equal numbers.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

#: what the model sees of one dish for one user at one time, in this order
FEATURES = ["price", "preparation_minutes", "dish_rate", "cuisine_hour_rate", "user_cuisine_rate", "user_rate"]
WINDOW_DAYS = 7

# How many impressions at the prior rate each key starts with: empirical-Bayes shrinkage, larger for noisier keys.
PRIOR_IMPRESSIONS = {"dish": 60.0, "cuisine_hour": 60.0, "user_cuisine": 25.0, "user": 40.0}

DAY = np.timedelta64(1, "D")
EPOCH = np.datetime64("2024-01-01", "us")


class Dimensions(NamedTuple):
    """Attributes that do not change with time, as arrays indexed by `dish_id` or `user_id`."""

    price: np.ndarray
    preparation_minutes: np.ndarray
    cuisine: np.ndarray
    utc_offset_hours: np.ndarray

    @classmethod
    def of(cls, catalogue, users, cities):
        """Read them from the tables of the catalogue, the users and the cities."""
        offset = cities.set_index("city")["utc_offset_hours"]
        by_dish = catalogue.set_index("dish_id").sort_index()
        return cls(
            by_dish["price"].to_numpy(float),
            by_dish["preparation_minutes"].to_numpy(float),
            pd.Categorical(by_dish["cuisine"], categories=sorted(set(by_dish["cuisine"]))).codes.astype(np.int64),
            users["city"].map(offset).to_numpy(np.int64),
        )


class Snapshot(NamedTuple):
    """Smoothed click rates as of one midnight, and how often each key was shown in the window before it."""

    prior: float
    dish_rate: np.ndarray
    cuisine_hour_rate: np.ndarray
    user_cuisine_rate: np.ndarray
    user_rate: np.ndarray
    dish_shown: np.ndarray
    user_cuisine_shown: np.ndarray
    user_shown: np.ndarray


def local_hour(time, utc_offset_hours):
    """Return the hour of the day, 0 to 23, on the user's clock.

    >>> int(local_hour(np.datetime64("2024-01-01T03:30"), -5))
    22
    """
    hours = (np.asarray(time).astype("datetime64[h]")).astype(np.int64)
    return (hours + utc_offset_hours) % 24


def snapshot(log, dimensions, day, *, window_days=WINDOW_DAYS):
    """Compute the rates that can be known at the midnight that opens a day.

    Args:
        log: impressions with `user_id, dish_id, event_time, available_time, clicked`.
        dimensions: `Dimensions`.
        day: number of the day, 0 is the first.
        window_days: only events that arrived in this many days before count.

    Returns:
        `Snapshot`.

    Raises:
        ValueError: no event arrived in the window.
    """
    if window_days <= 0:
        raise ValueError(f"window_days must be positive, got {window_days}; use 7 for a week")
    midnight = EPOCH + day * DAY
    arrived = log["available_time"].to_numpy()
    seen = log[(arrived < midnight) & (arrived >= midnight - window_days * DAY)]
    if seen.empty:
        raise ValueError(
            f"log holds no event that arrived in the {window_days} days before day {day}; start it earlier"
        )
    n_cuisines = int(dimensions.cuisine.max()) + 1
    user, dish = seen["user_id"].to_numpy(np.int64), seen["dish_id"].to_numpy(np.int64)
    clicked = seen["clicked"].to_numpy(bool)
    cuisine = dimensions.cuisine[dish]
    hour = local_hour(seen["event_time"].to_numpy(), dimensions.utc_offset_hours[user])
    prior = float(clicked.mean())

    def rates(name, key, size):
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


def features_at(rates, dimensions, user_id, dish_id, time):
    """Look up the features of many (user, dish, time) at once.

    Args:
        rates: `Snapshot` that is valid at all the times.
        dimensions: `Dimensions`.
        user_id, dish_id, time: shape (n,).

    Returns:
        data frame (n, 6) with the columns `FEATURES`.
    """
    user_id, dish_id = np.asarray(user_id), np.asarray(dish_id)
    cuisine = dimensions.cuisine[dish_id]
    hour = local_hour(time, dimensions.utc_offset_hours[user_id])
    columns = (
        dimensions.price[dish_id],
        dimensions.preparation_minutes[dish_id],
        rates.dish_rate[dish_id],
        rates.cuisine_hour_rate[cuisine, hour],
        rates.user_cuisine_rate[user_id, cuisine],
        rates.user_rate[user_id],
    )
    return pd.DataFrame(dict(zip(FEATURES, columns, strict=True)))


def offline_features(log, dimensions, entities, *, window_days=WINDOW_DAYS):
    """Compute features for training: each row sees the snapshot of the midnight before it.

    Args:
        log: as for `snapshot`.
        dimensions: `Dimensions`.
        entities: rows with `user_id, dish_id, event_time`.
        window_days: as for `snapshot`.

    Returns:
        data frame with the columns `FEATURES`, index and order of `entities`.
    """
    days = (entities["event_time"].to_numpy() - EPOCH) // DAY
    parts = []
    for day in np.unique(days):
        rows = entities[days == day]
        rates = snapshot(log, dimensions, day, window_days=window_days)
        made = features_at(rates, dimensions, rows["user_id"], rows["dish_id"], rows["event_time"].to_numpy())
        parts.append(made.set_index(rows.index))
    return pd.concat(parts).loc[entities.index]
