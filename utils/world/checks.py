"""Checks of what only Platter has: ids, days, labels of columns. What is checked everywhere is in `foundation.checks`."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks

__all__ = ["aligned", "ids", "number_up_to", "told", "whole_numbers", "window"]


def number_up_to(name: str, value: Any, maximum: int, remedy: str, *, minimum: int = 1) -> int:
    """Return a whole number from `minimum` to `maximum`; 3.0 counts as 3.

    Raises:
        ValueError: not whole, or outside.

    >>> number_up_to("days", 60, 36_525, "tell a shorter story")
    60
    """
    found = checks.count(name, value, remedy, minimum=minimum)
    if found > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {found}; {remedy}")
    return found


def whole_numbers(name: str, values: ArrayLike, remedy: str, *, floats: bool = False) -> NDArray[np.integer]:
    """Return whole numbers of any shape, none of them missing.

    Args:
        name: the argument's name, for the message.
        values: integers, signed or not; a nullable column passes if nothing is missing.
        remedy: what to do about others.
        floats: whether floats pass where each is whole and exact.

    Raises:
        ValueError: text, missing values, fractions, or floats where none are wanted.
    """
    nullable = isinstance(getattr(values, "dtype", None), pd.api.extensions.ExtensionDtype)
    if nullable and pd.api.types.is_integer_dtype(values.dtype) and not values.isna().any():
        values = values.to_numpy(dtype=np.int64)
    found = np.asarray(values)
    if floats and found.dtype.kind == "f" and (np.abs(found) < 2**53).all() and (np.trunc(found) == found).all():
        found = found.astype(np.int64)
    if found.size == 0 and isinstance(values, list | tuple):
        found = found.astype(np.int64)
    if found.dtype.kind not in "iu" or np.ma.is_masked(values):
        raise ValueError(f"{name} must be whole numbers without gaps, got {told(values)}; {remedy}")
    return found


def ids(name: str, values: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return ids from 0 to n − 1, of any shape.

    Raises:
        ValueError: not whole numbers, or ids that do not exist.

    >>> ids("dish_id", [3, 9], 10)
    array([3, 9])
    """
    found = whole_numbers(name, values, "drop missing ids and cast with astype(int)")
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


def aligned(**columns: Any) -> None:
    """Raise unless the columns that carry labels carry the same ones in the same order.

    Raises:
        ValueError: two of them are pandas columns whose indexes differ; they would be paired by place.
    """
    labeled = {name: values for name, values in columns.items() if isinstance(values, pd.Series)}
    (first, reference), *others = [*labeled.items(), (None, None)]
    for name, values in others:
        if name is not None and not values.index.equals(reference.index):
            raise ValueError(
                f"{name} must have the index of {first}, got another one; align the rows, or pass both with .to_numpy()"
            )


def told(value: Any) -> str:
    """Return a value's type of column, or a short form of the value itself, for a message."""
    dtype = getattr(value, "dtype", None)
    return f"dtype {dtype}" if dtype is not None and np.ndim(value) else f"{value!r:.60}"
