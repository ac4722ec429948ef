"""The point-in-time join: for each entity row, the feature row that was known at its time.

A row is *known* from the later of two moments on: when it happened (`on`) and when it arrived (`available`). Rows
arrive out of order, so the row that arrived last need not be the newest. A row that becomes known no earlier than a
newer row of its key is never the answer to any question. Without such rows, in order of arrival, each row is newer than
the one before, and the join is a plain `ASOF JOIN` of DuckDB.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from utils.features.keys import key_codes
from utils.features.times import duration, has_zone, in_one_unit, unit_of, whole_units, without_zone

__all__ = ["point_in_time_join"]

_INTEGERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
_NULLABLE = {"bool": "boolean", **{name.lower(): name for name in _INTEGERS}}
ASOF = "SELECT entity, row FROM asked ASOF JOIN known ON asked.key = known.key AND asked.time >= known.since"


def point_in_time_join(
    entities: pd.DataFrame,
    features: pd.DataFrame,
    *,
    by: str | Sequence[str],
    on: str = "event_time",
    available: str | None = "available_time",
    ttl: Any = None,
) -> pd.DataFrame:
    """Join to each entity row the latest feature row of its key that was known at its time.

    A feature row counts at time t if it happened at or before t (`on`), had arrived at or before t (`available`), and
    happened at most `ttl` before t. Of the rows that count, the one with the largest `on` wins, of these the one with
    the largest `available`, of these the last in the order given. A row without a key, a time of happening or a time of
    arrival never counts, and an entity row without a key or a time matches nothing.

    Args:
        entities: data frame, one row a question: the key columns and `on`.
        features: data frame, one row a value that was written: the key columns, `on`, `available`, and the features.
        by: name or names of the key columns.
        on: name of the time column of both, `datetime64` of any unit, both with a time zone or both without.
        available: name of the column of `features` that says when the row arrived; None ignores arrival, which is the
            usual as-of join.
        ttl: how old a feature may be, anything that `pandas.Timedelta` reads; None keeps every age.

    Returns:
        The entity rows, in their order and with their index, and the feature columns, null where nothing matches. Where
        a question has no answer, columns of integers and of bool become pandas' nullable ones, so that they stay exact.

    Raises:
        ValueError: a missing or repeated column, a column that is no time, zones on one side only, times that no unit
            holds together, keys of different kinds, a negative `ttl`.

    >>> day = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"])
    >>> rates = pd.DataFrame({"dish": 7, "event_time": day, "available_time": day[[0, 2, 2]], "rate": [0.1, 0.2, 0.3]})
    >>> asked = pd.DataFrame({"dish": 7, "event_time": day})
    >>> point_in_time_join(asked, rates, by="dish")["rate"].tolist()
    [0.1, 0.1, 0.3]
    >>> point_in_time_join(asked, rates, by="dish", available=None)["rate"].tolist()
    [0.1, 0.2, 0.3]
    """
    by = [by] if isinstance(by, str) else list(by)
    ttl = None if ttl is None else duration("ttl", ttl, "use None to keep every value", zero=True)
    columns = _feature_columns(entities, features, by, on, available)
    times = {"on of entities": entities[on], "on of features": features[on]}
    if available is not None:
        times["available"] = features[available]
    asked, happened, *arrived = _instants(times)
    keys = key_codes(entities, features, by)
    row = _newest_known(keys, asked, happened, arrived[0] if arrived else happened)
    if ttl is not None and len(happened):
        age = (asked - happened[row]).view(np.uint64)  # never negative where a row was found, and never too large
        oldest = min(whole_units(ttl, unit_of(happened)), np.iinfo(np.uint64).max)
        row[(row >= 0) & (age > oldest)] = -1
    found = _rows(features[columns], row)
    return pd.concat([entities, found.set_axis(entities.index)], axis=1)


def _rows(features: pd.DataFrame, row: np.ndarray) -> pd.DataFrame:
    """Return the rows at some positions, of nulls where the position is -1."""
    if (row < 0).any():  # numpy's integers have no null, and would become floats
        exact = {name: _NULLABLE[dtype.name] for name, dtype in features.dtypes.items() if dtype.name in _NULLABLE}
        features = features.astype(exact)
    return features.reset_index(drop=True).reindex(row)


def _newest_known(
    keys: tuple[np.ndarray, np.ndarray], asked: np.ndarray, happened: np.ndarray, arrived: np.ndarray
) -> np.ndarray:
    """Return for each entity the position of the newest feature row known at its time, -1 where there is none.

    Args:
        keys: codes of the keys of entities and features, -1 for null.
        asked: times of the entities, NaT for null; all times are of one unit.
        happened: times at which the feature rows happened.
        arrived: times at which they arrived.
    """
    rows = np.flatnonzero((keys[1] >= 0) & ~np.isnat(happened) & ~np.isnat(arrived))
    rows = _oldest_first(rows, happened[rows], arrived[rows])
    since = np.maximum(happened, arrived)[rows].astype(np.int64)
    counts = _known_before_newer(keys[1][rows], since)
    at = np.flatnonzero((keys[0] >= 0) & ~np.isnat(asked))
    position = np.full(len(asked), -1)
    if len(rows) == 0 or len(at) == 0:
        return position
    with _database().cursor() as connection:
        questions = {"key": keys[0][at], "time": asked[at].astype(np.int64), "entity": at.astype(np.int32)}
        answers = {"key": keys[1][rows[counts]], "since": since[counts], "row": rows[counts].astype(np.int32)}
        connection.register("asked", pd.DataFrame(questions))
        connection.register("known", pd.DataFrame(answers))
        found = connection.execute(ASOF).fetchnumpy()
    position[found["entity"]] = found["row"]
    return position


def _oldest_first(rows: np.ndarray, happened: np.ndarray, arrived: np.ndarray) -> np.ndarray:
    """Return the rows by time of happening, then of arrival, then as given; a log mostly comes in that order."""
    tied = happened[1:] == happened[:-1]
    if ((happened[1:] > happened[:-1]) | (tied & (arrived[1:] >= arrived[:-1]))).all():
        return rows
    return rows[np.lexsort((arrived, happened))]


def _known_before_newer(key: np.ndarray, since: np.ndarray) -> np.ndarray:
    """Return which rows, oldest first, become known before every newer row of their key."""
    newest_first, key = pd.Series(since[::-1]), pd.Categorical.from_codes(key[::-1], range(key.max(initial=-1) + 1))
    earliest = newest_first.groupby(key, observed=False).cummin()
    before = earliest.groupby(key, observed=False).shift(fill_value=np.iinfo(np.int64).max)
    return (newest_first < before).to_numpy()[::-1]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return the process's database in memory: opening one for each join would double its time."""
    return duckdb.connect()


def _instants(times: dict[str, pd.Series]) -> list[np.ndarray]:
    """Return the time columns as arrays of one unit, in UTC where they have zones."""
    arrays = {name: without_zone(name, column) for name, column in times.items()}
    with_zone = [name for name, column in times.items() if has_zone(column)]
    if with_zone and len(with_zone) < len(times):
        raise ValueError(f"times must all have a zone or none, got one in {with_zone}; use tz_localize")
    return in_one_unit(arrays)


def _feature_columns(
    entities: pd.DataFrame, features: pd.DataFrame, by: list[str], on: str, available: str | None
) -> list[str]:
    """Return the names of the feature columns, or say which column is missing or stands on both sides."""
    if not by:
        raise ValueError("by must name at least one key column, got none; pass by='user_id'")
    times = [on] if available is None else [on, available]
    for name, frame, needed in (("entities", entities, [*by, on]), ("features", features, [*by, *times])):
        if not isinstance(frame, pd.DataFrame):
            raise ValueError(f"{name} must be a data frame, got {type(frame).__name__}; use pandas.DataFrame")
        if not frame.columns.is_unique:
            raise ValueError(f"{name} must have columns of different names, got {list(frame.columns)}; rename some")
        missing = [column for column in needed if column not in frame.columns]
        if missing:
            raise ValueError(f"{name} must have the columns {missing}, got {list(frame.columns)}; rename or add them")
    columns = [column for column in features.columns if column not in (*by, *times)]
    both = [column for column in columns if column in entities.columns]
    if both:
        raise ValueError(f"features must not repeat columns of entities, got {both} in both; rename or drop them")
    return columns
