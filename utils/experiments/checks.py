"""Checks of arguments that the modules of this package share."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def finite_array(values: ArrayLike, name: str, *, minimum_length: int = 1) -> NDArray[np.float64]:
    """Return `values` as floats, of at least one axis; the last axis counts the units.

    Args:
        values: numbers, shape (..., n).
        name: the argument's name, for the message.
        minimum_length: the least n that makes sense.

    Returns:
        Array of float64 of the same shape.

    Raises:
        ValueError: text, NaN or infinity inside, no axis, or fewer than `minimum_length` values.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers, got {values!r:.60}; convert it first") from None
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array, got the single value {array}; wrap it in a list")
    if array.shape[-1] < minimum_length:
        raise ValueError(
            f"{name} must hold at least {minimum_length} values, got {array.shape[-1]}; collect more before testing"
        )
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite values; drop or impute them first")
    return array


def fraction(value: float, name: str, remedy: str) -> float:
    """Return a number strictly between 0 and 1, or say in one sentence why it is not one."""
    if not _is_real(value) or not 0 < value < 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value}; {remedy}")
    return float(value)


def alpha_level(alpha: float) -> float:
    """Return a significance level strictly between 0 and 1, or raise a ValueError."""
    return fraction(alpha, "alpha", "use 0.05 for one false alarm in twenty")


def positive(value: float, name: str, remedy: str) -> float:
    """Return a finite number above zero, or raise a ValueError."""
    if not _is_real(value) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}; {remedy}")
    return float(value)


def count(value: int, name: str, *, minimum: int = 1) -> int:
    """Return a whole number of at least `minimum`, or raise a ValueError."""
    if not _is_real(value) or value != int(value) or value < minimum:
        raise ValueError(f"{name} must be a whole number of at least {minimum}, got {value}; round it or raise it")
    return int(value)


def _is_real(value: object) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))
