"""Checks of arguments shared by this package: one ValueError that names the argument and the remedy."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike


def vector(name: str, values: ArrayLike, *, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """Return `values` as a non-empty one-dimensional float array with finite entries in [low, high]."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, got {type(values).__name__}; pass a list or array") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}; flatten it first")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got 0 values; pass at least one")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}; drop or fill missing values")
    if array.min() < low or array.max() > high:
        worst = array.min() if array.min() < low else array.max()
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got {worst:g}; check its unit and sign")
    return array


def same_length(**arrays: np.ndarray) -> None:
    """Raise unless the named arrays have as many entries as the first."""
    (first, reference), *others = arrays.items()
    for name, array in others:
        if len(array) != len(reference):
            raise ValueError(
                f"{name} must have one entry for each of {first}'s {len(reference)}, got {len(array)}; align the rows"
            )


def number(name: str, value: float, *, low: float = -np.inf, high: float = np.inf, open_low: bool = False) -> float:
    """Return `value` as a finite float in [low, high], or (low, high] when `open_low`."""
    is_number = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(value)
    if not is_number or value < low or value > high or (open_low and value == low):
        left = "(" if open_low else "["
        raise ValueError(f"{name} must be a number in {left}{low:g}, {high:g}], got {value!r}; choose one inside")
    return float(value)


def count(name: str, value: int, *, low: int = 1) -> int:
    """Return `value` as an int of at least `low`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} must be a whole number of at least {low}, got {value!r}; choose {low} or more")
    return int(value)
