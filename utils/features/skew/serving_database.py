"""The serving database of lesson 07: a night's rates in SQLite tables of its own, and the log of what was served.

It is written and read apart from `utils.features.store` on purpose: the lesson compares two implementations of the same
features, as most companies have them.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from utils.features.skew.click_features import FEATURES, Dimensions, Snapshot

__all__ = ["copy_of", "fill", "new_database", "record_served", "served_log"]

SCHEMA = """
CREATE TABLE dish (dish_id INTEGER PRIMARY KEY, price REAL, preparation_minutes REAL, cuisine INTEGER);
CREATE TABLE user (user_id INTEGER PRIMARY KEY, utc_offset_hours INTEGER);
CREATE TABLE dish_rate (dish_id INTEGER PRIMARY KEY, rate REAL);
CREATE TABLE cuisine_hour_rate (cuisine INTEGER, hour INTEGER, rate REAL, PRIMARY KEY (cuisine, hour)) WITHOUT ROWID;
CREATE TABLE user_cuisine_rate (
    user_id INTEGER, cuisine INTEGER, rate REAL, PRIMARY KEY (user_id, cuisine)) WITHOUT ROWID;
CREATE TABLE user_rate (user_id INTEGER PRIMARY KEY, rate REAL);
CREATE TABLE prior (rate REAL);
CREATE TABLE served (session_id INTEGER, user_id INTEGER, dish_id INTEGER, time_us INTEGER, {features}, score REAL);
""".format(features=", ".join(f"{name} REAL" for name in FEATURES))


def fill(connection: sqlite3.Connection, rates: Snapshot, dimensions: Dimensions) -> None:
    """Write a night's snapshot and the catalogue to an empty database; keys never shown get no row.

    Args:
        connection: open SQLite connection to an empty database.
        rates: the night's rates.
        dimensions: as the catalogue's feed delivers them.
    """

    def shown(counts: np.ndarray, values: np.ndarray) -> list[tuple[Any, ...]]:
        keys = np.argwhere(counts > 0)
        return [(*key, value) for key, value in zip(keys.tolist(), values[tuple(keys.T)].tolist(), strict=True)]

    n = len(dimensions.price)
    columns = (dimensions.price, dimensions.preparation_minutes, dimensions.cuisine)
    rows = {
        "dish": list(zip(range(n), *(c.tolist() for c in columns), strict=True)),
        "user": list(enumerate(dimensions.utc_offset_hours.tolist())),
        "dish_rate": shown(rates.dish_shown, rates.dish_rate),
        "cuisine_hour_rate": shown(np.ones_like(rates.cuisine_hour_rate), rates.cuisine_hour_rate),
        "user_cuisine_rate": shown(rates.user_cuisine_shown, rates.user_cuisine_rate),
        "user_rate": shown(rates.user_shown, rates.user_rate),
        "prior": [(rates.prior,)],
    }
    with connection:
        connection.executescript(SCHEMA)
        for table, values in rows.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)


def new_database(rates: Snapshot, dimensions: Dimensions) -> sqlite3.Connection:
    """Return a connection to a new serving database in memory, filled with a night's rates.

    Args:
        rates: as for `fill`.
        dimensions: as for `fill`.
    """
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    fill(connection, rates, dimensions)
    return connection


def copy_of(database: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection to a copy in memory of a serving database, usable from the server's threads.

    Args:
        database: connection to the original, which stays as it is.
    """
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    database.backup(copy)
    return copy


def record_served(database: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Append what was served to the log: one row for each dish that was scored.

    Args:
        database: connection to a serving database.
        rows: session, user, dish, microseconds since 1970 in UTC, the features in the order of `FEATURES`, the score.
    """
    holes = ", ".join("?" * (5 + len(FEATURES)))
    with database:
        database.executemany(f"INSERT INTO served VALUES ({holes})", rows)


def served_log(database: sqlite3.Connection) -> pd.DataFrame:
    """Read back what was served: `session_id, user_id, dish_id, event_time`, the `FEATURES`, `score`.

    Args:
        database: connection to a serving database.
    """
    cursor = database.execute("SELECT * FROM served ORDER BY session_id, dish_id")
    frame = pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
    frame["time_us"] = frame["time_us"].to_numpy().astype("datetime64[us]")
    return frame.rename(columns={"time_us": "event_time"})
