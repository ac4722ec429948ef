"""Times without loss: columns of several units made comparable, and moments as whole microseconds since 1970.

pandas 2 makes nanoseconds where DuckDB and pandas 3 make microseconds, so a mixture is the normal case. A unit that
can't hold a value (nanoseconds end in 2262) would wrap it round to another century; here it is refused.
"""

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["duration", "in_one_unit", "microseconds_of", "moment", "timestamp", "whole_units", "without_zone"]

NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}  # in one of each unit, the finest first
LARGEST = np.iinfo(np.int64).max - 1  # the largest of all is "infinity" to DuckDB


def without_zone(name: str, column: pd.Series) -> np.ndarray:
    """Return a column of times as an array in UTC, in the column's own unit.

    Args:
        name: the column's name, for the message.
        column: `datetime64` with or without a zone; UTC if it has none.

    Returns:
        Array of datetime64, NaT where a time is missing.

    Raises:
        ValueError: the column does not hold times.
    """
    if not pd.api.types.is_datetime64_any_dtype(column):
        raise ValueError(f"{name} must be a column of times, got {column.dtype}; use pandas.to_datetime")
    return (column.dt.tz_convert("UTC").dt.tz_localize(None) if has_zone(column) else column).to_numpy()


def has_zone(column: pd.Series) -> bool:
    """Return whether a column of times knows its time zone."""
    return getattr(column.dtype, "tz", None) is not None


def in_one_unit(times: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the times in one unit in which all of them are exactly what they were.

    Args:
        times: name, for the message -> array of datetime64 in any of pandas' units.

    Returns:
        The arrays, in the finest of their units if it holds them all, else in the finest one that does.

    Raises:
        ValueError: no unit holds both the farthest and the finest time.
    """
    units = {unit_of(array) for array in times.values()}
    if len(units) == 1:
        return list(times.values())
    for unit in [unit for unit in NANOSECONDS if NANOSECONDS[unit] >= min(NANOSECONDS[u] for u in units)]:
        converted = [_exactly(array, unit) for array in times.values()]
        if all(array is not None for array in converted):
            return converted
    raise ValueError(
        f"{', '.join(times)} must fit one unit of time, got {', '.join(sorted(units))} with times too far away for the "
        "finest and too fine for the others; write NaT for never, or round with .dt.floor('us')"
    )


def unit_of(times: np.ndarray) -> str:
    """Return the unit of an array of datetime64 or timedelta64, such as "us"."""
    return np.datetime_data(times.dtype)[0]


def _exactly(times: np.ndarray, unit: str) -> np.ndarray | None:
    """Return the times in another unit, None if one of them would change."""
    own, wanted = NANOSECONDS[unit_of(times)], NANOSECONDS[unit]
    ticks = times.view(np.int64)[~np.isnat(times)]
    if own > wanted:
        fits = (np.abs(ticks) <= LARGEST // (own // wanted)).all()
    else:
        fits = (ticks % (wanted // own) == 0).all()
    return times.astype(f"datetime64[{unit}]") if fits else None


def microseconds_of(name: str, column: pd.Series, *, round_up: bool = False) -> np.ndarray:
    """Return a column of times in UTC and whole microseconds, the unit that the feature store keeps.

    Args:
        name: the column's name, for the message.
        column: as for `without_zone`.
        round_up: whether a fraction of a microsecond counts as a whole one, else it is dropped. What must not be known
            too early is rounded up, the time of a question down.

    Returns:
        Array of datetime64[us].

    Raises:
        ValueError: the column does not hold times, or one is farther away than microseconds reach.
    """
    times = without_zone(name, column)
    own, missing = NANOSECONDS[unit_of(times)], np.isnat(times)
    ticks = np.where(missing, 0, times.view(np.int64))
    if own < 1_000:
        ticks = -(-ticks // 1_000) if round_up else ticks // 1_000
    elif (np.abs(ticks) > LARGEST // (own // 1_000)).any():
        raise ValueError(f"{name} must lie within 290,000 years of today, got a time beyond; write NaT for never")
    else:
        ticks = ticks * (own // 1_000)
    return np.where(missing, np.datetime64("NaT", "us"), ticks.astype("datetime64[us]"))


def moment(name: str, time: Any) -> int:
    """Return one time as whole microseconds since 1970 in UTC, a fraction dropped.

    Args:
        name: the argument's name, for the message.
        time: a datetime, a timestamp, a `datetime64` or a text that pandas reads; UTC if it has no zone.

    Raises:
        ValueError: not a time. A number is none, because it does not say in which unit it counts.

    >>> moment("now", "1970-01-01 00:00:01")
    1000000
    """
    try:
        found = pd.NaT if isinstance(time, (Number, np.number)) else pd.Timestamp(time)
    except (TypeError, ValueError, OverflowError):
        found = pd.NaT
    if found is pd.NaT:
        raise ValueError(f"{name} must be a time, got {time!r:.60}; pass a timestamp such as '2024-01-01 18:00'")
    if found.tz is not None:
        found = found.tz_convert("UTC").tz_localize(None)
    exact = found.to_datetime64()
    return int(exact.astype(np.int64)) * NANOSECONDS[np.datetime_data(exact.dtype)[0]] // 1_000


def timestamp(microseconds: int) -> pd.Timestamp:
    """Return the moment that many microseconds after 1970, in UTC and without a zone."""
    return pd.Timestamp(np.datetime64(microseconds, "us"))


def duration(name: str, value: Any, remedy: str, *, zero: bool) -> pd.Timedelta:
    """Return a span of time.

    Args:
        name: the argument's name, for the message.
        value: anything that `pandas.Timedelta` reads.
        remedy: what to do about another value.
        zero: whether a span may be of no length.

    Raises:
        ValueError: not a span, or a negative one.
    """
    try:
        found = pd.Timedelta(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a span of time such as '7D', got {value!r:.60}; {remedy}") from None
    if found is pd.NaT or found < pd.Timedelta(0) or (found == pd.Timedelta(0) and not zero):
        raise ValueError(f"{name} must be {'at least 0' if zero else 'positive'}, got {found}; {remedy}")
    return found


def whole_units(span: pd.Timedelta, unit: str) -> int:
    """Return how many whole units a span holds.

    >>> whole_units(pd.Timedelta("1.5ms"), "ms")
    1
    """
    exact = span.to_timedelta64()
    return int(exact.astype(np.int64)) * NANOSECONDS[unit_of(exact)] // NANOSECONDS[unit]
