"""Whole numbers kept exact: identifiers of 64 bits must not pass through a float, where neighbors become equal."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LARGEST_COUNT", "LARGEST_EXACT_FLOAT", "exact_integers"]

LARGEST_COUNT = 2**53  # above it, floats skip whole numbers
LARGEST_EXACT_FLOAT = LARGEST_COUNT - 1  # from 2**53 on, a float may stand for more than one whole number


def exact_integers(
    name: str, values: ArrayLike, remedy: str = "pass integers without gaps", *, floats: bool = True
) -> NDArray[np.integer]:
    """Return the values as integers that are exactly what was given.

    Args:
        name: the argument's name, for the message.
        values: integers of any shape, or floats that are whole and below 2**53 in size; an empty list has none.
        remedy: what to do about others.
        floats: whether floats pass where each is whole and exact.

    Returns:
        Array of int64, or of uint64 where one value needs it, of the same shape.

    Raises:
        ValueError: text, flags, missing values, fractions, floats that stand for more than one whole number, or
            integers that 64 bits do not hold.

    >>> exact_integers("item", [2**63 - 1, 2**63 - 2]).tolist()
    [9223372036854775807, 9223372036854775806]
    """
    found = _plain(values)
    is_masked = np.ma.is_masked(values)  # of numpy's masked arrays and pandas' nullable ones
    if found.size == 0 and not hasattr(values, "dtype"):
        found = found.astype(np.int64)
    if is_masked or found.dtype.kind not in ("iuf" if floats else "iu"):
        got = "missing values" if is_masked else found.dtype
        raise ValueError(f"{name} must be whole numbers, got {got}; {remedy}")
    if found.dtype.kind == "f":
        wrong = found[~((np.abs(found) <= LARGEST_EXACT_FLOAT) & (np.floor(found) == found))]
        if wrong.size:
            raise ValueError(f"{name} must be whole numbers, got {wrong.flat[0]:g}; {remedy}")
    needs_sign_bit = found.dtype.kind == "u" and found.size and found.max() > np.iinfo(np.int64).max
    return found.astype(np.uint64 if needs_sign_bit else np.int64)


def _plain(values: Any) -> np.ndarray:
    """Return an array of numpy's integers or floats where the values are such, else of whatever they are."""
    found = np.asarray(values)
    if found.dtype.kind == "f" and found.size and not hasattr(values, "dtype"):
        found = np.array(values, dtype=object)  # numpy has made floats of a list of large and small integers
    if found.dtype.kind != "O" or not all(map(_is_number, found.flat)):
        return found
    if not all(isinstance(value, (int, np.integer)) for value in found.flat):
        return found.astype(np.float64)
    for dtype in (np.int64, np.uint64):
        try:
            return found.astype(dtype)
        except OverflowError:
            continue
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
