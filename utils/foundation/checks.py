"""Checks of arguments: one `ValueError` that names the argument, says what it got and what to do instead.

The argument's name comes first everywhere, then the value; `remedy` is the clause that follows the semicolon. Numbers
may be Python's, numpy's (a 0-d array too), `Fraction` or `Decimal`; a bool is never taken for a number.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "array",
    "choice",
    "count",
    "fraction",
    "not_negative",
    "number",
    "positive",
    "same_length",
    "share",
    "significance_level",
]


def number(
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    remedy: str = "choose one inside",
) -> float:
    """Return a finite number in [low, high], or in (low, high] where `open_low`.

    Raises:
        ValueError: not a number, not finite, or outside.

    >>> number("level", 0.95, low=0, high=1)
    0.95
    """
    left = "(" if open_low else "["
    wanted = f"a number in {left}{low:g}, {high:g}]"
    return _checked(name, value, remedy, wanted, lambda x: low <= x <= high and not (open_low and x == low))


def positive(name: str, value: Any, remedy: str) -> float:
    """Return a finite number above zero.

    Raises:
        ValueError: not a number, not finite, zero or less.
    """
    return _checked(name, value, remedy, "positive and finite", lambda x: x > 0)


def not_negative(name: str, value: Any, remedy: str) -> float:
    """Return a finite number of zero or more.

    Raises:
        ValueError: not a number, not finite, below zero.
    """
    return _checked(name, value, remedy, "zero or more and finite", lambda x: x >= 0)


def fraction(name: str, value: Any, remedy: str) -> float:
    """Return a number strictly between 0 and 1.

    Raises:
        ValueError: not a number, or not strictly between.

    >>> fraction("alpha", 1, "use 0.05")
    Traceback (most recent call last):
    ValueError: alpha must be between 0 and 1, got 1; use 0.05
    """
    return _checked(name, value, remedy, "between 0 and 1", lambda x: 0 < x < 1)


def significance_level(alpha: Any) -> float:
    """Return a significance level, the argument `alpha`, strictly between 0 and 1.

    Raises:
        ValueError: not a number, or not strictly between.
    """
    return fraction("alpha", alpha, "use 0.05 for one false alarm in twenty")


def share(name: str, value: Any, remedy: str) -> float:
    """Return a number from 0 to 1, both included.

    Raises:
        ValueError: not a number, or outside.
    """
    return _checked(name, value, remedy, "from 0 to 1", lambda x: 0 <= x <= 1)


def count(name: str, value: Any, remedy: str = "", *, minimum: int = 1, maximum: int | None = None) -> int:
    """Return a whole number of at least `minimum`; 3.0 counts as 3, whatever its size exactly.

    Args:
        name: the argument's name, for the message.
        value: the number.
        remedy: what to do instead; made from the limits if empty.
        minimum: the least that makes sense.
        maximum: the most that time and memory bear; None for any size.

    Raises:
        ValueError: not a number, not whole, too small or too large.

    >>> count("looks", 5.0)
    5
    """
    wanted = f"a whole number of at least {minimum}"
    real = _real(value)
    if real is None or not (isinstance(real, int) or _is_finite(real)) or real != int(real) or int(real) < minimum:
        raise ValueError(f"{name} must be {wanted}, got {_told(value)}; {remedy or f'choose {minimum} or more'}")
    if maximum is not None and int(real) > maximum:
        raise ValueError(f"{name} must be at most {maximum:,}, got {_told(value)}; {remedy or 'choose a smaller one'}")
    return int(real)


def choice(name: str, value: Any, options: Sequence[str]) -> str:
    """Return a text if it is one of `options`.

    Raises:
        ValueError: another one; the message lists them.
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}; choose one of these")
    return value


def array(
    name: str,
    values: ArrayLike,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    dimensions: int | None = None,
    minimum_length: int = 1,
    remedy: str = "drop or fill missing values",
) -> NDArray[np.float64]:
    """Return finite numbers in [low, high] as floats, of at least one axis; the last axis counts the units.

    Args:
        name: the argument's name, for the message.
        values: numbers of shape (..., n).
        low: the least that makes sense.
        high: the most that makes sense.
        dimensions: the number of axes asked for; None for one or more.
        minimum_length: the least n that makes sense.
        remedy: what to do about values that are not finite.

    Returns:
        Array of float64 of the same shape.

    Raises:
        ValueError: text, NaN or infinity inside, another number of axes, too few values, or values outside.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{name} must not be masked, got {np.ma.count_masked(values)} masked values; {remedy}")
    try:
        found = np.asarray(values)
        found = found.astype(np.float64) if found.dtype.kind not in "mMUSc" else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"{name} must hold numbers, got {_told(values)}; convert them first")
    if found.ndim == 0:
        raise ValueError(f"{name} must be an array, got the single value {found}; wrap it in a list")
    if dimensions is not None and found.ndim != dimensions:
        axes = "one dimension" if dimensions == 1 else f"{dimensions} dimensions"
        raise ValueError(f"{name} must have {axes}, got shape {found.shape}; reshape it first")
    if found.shape[-1] < minimum_length != 1:
        raise ValueError(f"{name} must hold at least {minimum_length} values, got {found.shape[-1]}; collect more")
    if found.size == 0:
        raise ValueError(f"{name} must not be empty, got 0 values; pass at least one")
    if not np.isfinite(found).all():
        bad = found[~np.isfinite(found)]
        raise ValueError(f"{name} must be finite, got {bad.size} NaN or infinite values; {remedy}")
    if found.min() < low or found.max() > high:
        worst = found.min() if found.min() < low else found.max()
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got {worst:g}; check its unit and sign")
    return found


def same_length(**arrays: np.ndarray) -> None:
    """Raise unless the named arrays have as many entries as the first.

    Raises:
        ValueError: one is longer or shorter; the message names both.
    """
    (first, reference), *others = arrays.items()
    for name, values in others:
        if len(values) != len(reference):
            raise ValueError(
                f"{name} must have one entry for each of {first}'s {len(reference)}, got {len(values)}; align the rows"
            )


def _checked(name: str, value: Any, remedy: str, wanted: str, holds: Callable[[float], bool]) -> float:
    real = _real(value)
    if real is None or not _is_finite(real) or not holds(real):
        raise ValueError(f"{name} must be {wanted}, got {_told(value)}; {remedy}")
    return float(real)


def _is_finite(real: Real | Decimal) -> bool:
    """Whether a number is finite and small enough for a float."""
    try:
        return math.isfinite(real)
    except (OverflowError, ValueError):  # an int or a fraction beyond 1.8e308, a signaling NaN
        return False


def _real(value: Any) -> Real | Decimal | None:
    """Return the number itself, out of a 0-d array too; None for a bool and for what is no real number."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    is_number = isinstance(value, (Real, Decimal, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))
    return value if is_number else None


def _told(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return f"{value!r:.60}"
    except Exception:
        return f"an object of type {type(value).__name__}"
