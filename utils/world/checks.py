"""Checks of what only Platter has: ids and days. What is checked everywhere is in `foundation.checks`."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.whole_numbers import exact_integers

__all__ = ["ids", "window"]


def ids(name: str, values: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return ids from 0 to n − 1, of any shape.

    Raises:
        ValueError: not whole numbers, or ids that do not exist.

    >>> ids("dish_id", [3, 9], 10)
    array([3, 9])
    """
    found = exact_integers(name, values, "drop missing ids and cast with astype(int)", floats=False)
    if found.size and (found.min() < 0 or found.max() >= n):
        raise ValueError(
            f"{name} must lie in 0 to {n - 1}, got {found.min()} to {found.max()}; take ids from the same world"
        )
    return found.astype(np.intp, copy=False)


def window(start_day: Any, end_day: Any, days: int) -> tuple[int, int]:
    """Return the first day of a window and the day after its last, `end_day` None meaning all that follow.

    Raises:
        ValueError: no whole days, none left, or days that the world does not have.

    >>> window(3, None, 60)
    (3, 60)
    """
    start = checks.count("start_day", start_day, "count days from 0", minimum=0)
    end = days if end_day is None else checks.count("end_day", end_day, "count days from 0", minimum=0)
    if not start < end <= days:
        raise ValueError(
            f"start_day and end_day must satisfy 0 <= start_day < end_day <= {days}, got {start}, {end}; "
            "make a world of more days, or a window that lies in it"
        )
    return start, end
