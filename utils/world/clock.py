"""Days and hours: all times are UTC, `datetime64[us]`; day 0 is Monday, 1 January 2024."""

import numpy as np

START = np.datetime64("2024-01-01", "us")
HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR


def day_of(time: np.ndarray) -> np.ndarray:
    """Return the number of the UTC day of each time."""
    return (np.asarray(time, dtype="datetime64[us]") - START).astype(np.int64) // DAY


def local_hour(time: np.ndarray, utc_offset_hours: np.ndarray) -> np.ndarray:
    """Return the hour of the day, 0 to 23, on a clock that is `utc_offset_hours` ahead of UTC.

    >>> int(local_hour(np.datetime64("2024-01-01T03:59:00"), -5))
    22
    """
    hours = (np.asarray(time, dtype="datetime64[us]") - START).astype(np.int64) // HOUR
    return (hours + utc_offset_hours) % 24
