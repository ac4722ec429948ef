"""Days and hours: all times are UTC, `datetime64[us]`; day 0 is Monday, 1 January 2024.

Durations are whole numbers of microseconds. What comes in with a time zone is the same instant in UTC; what has none is
taken for UTC.
"""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.whole_numbers import exact_integers

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "MINUTES_A_DAY",
    "SECOND",
    "START",
    "day_of",
    "instants",
    "local_hour",
    "microseconds",
    "midnight",
]

START = np.datetime64("2024-01-01", "us")
SECOND = 1_000_000  # microseconds
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MINUTES_A_DAY = 24 * 60
OFFSETS = (-12, 14)  # hours ahead of UTC, on any clock on Earth

# Times in these units may lie outside the four-digit years, finer ones are too short to.
COARSE_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us")
FIRST, LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31T23:59:59.999999", "us")


def instants(name: str, time: ArrayLike) -> NDArray[np.datetime64]:
    """Return times as UTC `datetime64[us]`; nothing wraps, and whole numbers are not taken for times.

    Args:
        name: the argument's name, for the message.
        time: `datetime64` of any unit, datetimes, timestamps, or texts such as "2024-01-05T18:30:00", of any shape.

    Returns:
        Array of `datetime64[us]` of the same shape; parts of a microsecond are cut off.

    Raises:
        ValueError: no time, a missing one, or one outside the years 1 to 9999.

    >>> instants("time", "2024-01-01T01:00:00+01:00")
    array('2024-01-01T00:00:00.000000', dtype='datetime64[us]')
    """
    found = _datetimes(name, time)
    if np.isnat(found).any() or np.ma.is_masked(time):
        raise ValueError(f"{name} must not hold NaT; drop the events without a time first")
    unit = np.datetime_data(found.dtype)[0]
    if unit in COARSE_UNITS and ((found < FIRST.astype(found.dtype)) | (found > LAST.astype(found.dtype))).any():
        raise ValueError(f"{name} must lie in the years 1 to 9999, got {found.min()} to {found.max()}; drop the others")
    return found.astype("datetime64[us]", copy=False)


def microseconds(time: ArrayLike) -> NDArray[np.int64]:
    """Return the microseconds from the start of day 0 to each time.

    Args:
        time: times as `instants` takes them, of any shape.

    Returns:
        Whole numbers of the same shape, negative before day 0.

    Raises:
        ValueError: no time, or a missing one.

    >>> int(microseconds("2024-01-02T00:00:00")) == DAY
    True
    """
    return (instants("time", time) - START).astype(np.int64)


def midnight(day: ArrayLike) -> NDArray[np.datetime64]:
    """Return the start of each day, UTC.

    Args:
        day: whole numbers counted from day 0, of any shape.

    Returns:
        `datetime64[us]` of the same shape.

    Raises:
        ValueError: not whole, or outside the years 1 to 9999.

    >>> midnight(4)
    np.datetime64('2024-01-05T00:00:00.000000')
    """
    number = exact_integers("day", day, "count days from 0")
    low, high = (FIRST - START).astype(np.int64) // DAY, (LAST - START).astype(np.int64) // DAY
    if number.size and (number.min() < low or number.max() > high):
        raise ValueError(
            f"day must lie in {low} to {high}, the years 1 to 9999, got {number.min()} to {number.max()}; "
            "count days from 1 January 2024"
        )
    return START + number.astype(np.int64) * DAY


def day_of(time: ArrayLike) -> NDArray[np.int64]:
    """Return the number of the UTC day of each time.

    Args:
        time: times as `instants` takes them, of any shape.

    Returns:
        Whole numbers of the same shape, negative before day 0.

    Raises:
        ValueError: no time, or a missing one.

    >>> int(day_of("2024-01-05T18:30:00"))
    4
    """
    return microseconds(time) // DAY


def local_hour(time: ArrayLike, utc_offset_hours: ArrayLike) -> NDArray[np.int64]:
    """Return the hour of the day, 0 to 23, on a clock that is `utc_offset_hours` ahead of UTC.

    Args:
        time: times as `instants` takes them.
        utc_offset_hours: whole hours from -12 to 14; broadcasts with `time`.

    Returns:
        Whole numbers from 0 to 23, of the common shape.

    Raises:
        ValueError: no time, a missing one, or an offset that no clock has.

    >>> int(local_hour(np.datetime64("2024-01-01T03:59:00"), -5))
    22
    """
    offset = exact_integers("utc_offset_hours", utc_offset_hours, "round to whole hours")
    if offset.size and (offset.min() < OFFSETS[0] or offset.max() > OFFSETS[1]):
        raise ValueError(
            f"utc_offset_hours must lie in {OFFSETS[0]} to {OFFSETS[1]}, got {offset.min()} to {offset.max()}; "
            "give hours, not minutes or seconds"
        )
    return (microseconds(time) // HOUR + offset.astype(np.int64)) % 24


def _datetimes(name: str, time: Any) -> NDArray[np.datetime64]:
    """Return times as UTC `datetime64` of the unit they came in."""
    if isinstance(time, pd.Series):
        time = time.array
    if isinstance(getattr(time, "dtype", None), pd.DatetimeTZDtype):
        time = time.tz_convert("UTC").tz_localize(None)
    found = np.asarray(time)
    if found.dtype.kind in "UO":
        single = [_datetime(name, value) for value in found.ravel().tolist()]
        found = np.array(single, dtype="datetime64[us]").reshape(found.shape)
    if found.dtype.kind != "M":
        raise _no_time(name, time)
    return found


def _datetime(name: str, value: Any) -> np.datetime64:
    """Return one text, datetime, date or timestamp as UTC `datetime64[us]`, a missing one as NaT."""
    if value is None or value is pd.NaT or value == "NaT":
        return np.datetime64("NaT", "us")
    if isinstance(value, np.datetime64):
        return instants(name, value)[()]
    try:
        given = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(given, dt.datetime) and given.tzinfo is not None:
            given = given.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _no_time(name, value) from None
    if not isinstance(given, dt.date):
        raise _no_time(name, value)
    return np.datetime64(given, "us")


def _no_time(name: str, value: Any) -> ValueError:
    return ValueError(
        f'{name} must hold times, got {checks.told(value)}; pass datetime64, or texts such as "2024-01-05T18:30:00"'
    )
