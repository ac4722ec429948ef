"""Checks of arguments: one `ValueError` that names the argument, says what it got and what to do instead.

The argument's name comes first everywhere, then the value; `remedy` is the clause that follows the semicolon. Numbers
may be Python's, numpy's (a 0-d array too), `Fraction` or `Decimal`; a bool is never taken for a number. What a check
promises holds for the float it returns: a fraction that rounds to 1 is refused.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Rational, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LARGEST_SQUARABLE",
    "array",
    "choice",
    "count",
    "fraction",
    "generator",
    "not_negative",
    "number",
    "positive",
    "same_length",
    "seconds",
    "seeded",
    "share",
    "significance_level",
    "told",
    "truth",
]

LONGEST_WAIT = 86_400  # seconds: a day
LARGEST_SQUARABLE = 1e100  # squares of such numbers, their sums and products stay finite


def seconds(name: str, value: Any, remedy: str) -> float:
    """Return a time to wait, positive and at most a day: longer ones overflow the clocks of threads and sockets.

    Raises:
        ValueError: not a number, not positive, or more than `LONGEST_WAIT`.
    """
    return _checked(name, value, remedy, f"positive and at most {LONGEST_WAIT:,}", lambda x: 0 < x <= LONGEST_WAIT)


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
    if real is None or not _is_finite(real) or real != int(real) or int(real) < minimum:
        raise ValueError(f"{name} must be {wanted}, got {told(value)}; {remedy or f'choose {minimum} or more'}")
    if maximum is not None and int(real) > maximum:
        raise ValueError(f"{name} must be at most {maximum:,}, got {told(value)}; {remedy or 'choose a smaller one'}")
    return int(real)


def truth(name: str, value: Any, remedy: str) -> bool:
    """Return a truth value as a bool; numbers and texts are none.

    >>> truth("stalls", np.True_, "choose one")
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {told(value)}; {remedy}")
    return bool(value)


def choice(name: str, value: Any, options: Sequence[str]) -> str:
    """Return a text if it is one of `options`.

    Raises:
        ValueError: another one; the message lists them.
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {told(value)}; choose one of these")
    return value


def generator(name: str, value: Any) -> np.random.Generator:
    """Return a source of randomness that the caller made.

    Raises:
        ValueError: not a numpy Generator, None among them: drawing without a seed can't be repeated.
    """
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy Generator, got {told(value)}; pass np.random.default_rng(seed)")
    return value


def seeded(name: str, value: Any) -> np.random.Generator:
    """Return the source of randomness that a seed stands for; a Generator stands for itself.

    Raises:
        ValueError: numpy takes no such seed, or it is None or a bool: drawing without a seed can't be repeated.

    >>> float(seeded("seed", 7).random()) == float(np.random.default_rng(7).random())
    True
    """
    real = _real(value)
    try:
        if value is None or any(isinstance(part, (bool, np.bool_)) for part in _parts(value)):
            raise ValueError
        return np.random.default_rng(value if real is None else count(name, real, minimum=0))
    except (TypeError, ValueError):
        wanted = "a whole number of at least 0, a list of them or a numpy Generator"
        raise ValueError(f"{name} must be {wanted}, got {told(value)}; use 0") from None


def _parts(value: Any) -> list[Any]:
    """Return the entries of a list or an array, else the value alone."""
    if isinstance(value, np.ndarray):
        return list(value.flat)
    return list(value) if isinstance(value, (list, tuple)) else [value]


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
        ValueError: text, masked values, NaN or infinity inside, another number of axes, too few values, or values
            outside.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{name} must not be masked, got {np.ma.count_masked(values)} masked values; {remedy}")
    found = _floats(values)
    if found is None:
        raise ValueError(f"{name} must hold numbers, got {told(values)}; convert them first")
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


def _checked(name: str, value: Any, remedy: str, wanted: str, holds: Callable[[Any], bool]) -> float:
    real = _real(value)
    as_float = math.nan if real is None else _to_float(real)
    if not (math.isfinite(as_float) and holds(real) and holds(as_float)):
        raise ValueError(f"{name} must be {wanted}, got {told(value)}; {remedy}")
    return as_float


def _real(value: Any) -> Any:
    """Return the number itself, out of a 0-d array too; None for a bool and for what is no real number."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    is_number = isinstance(value, (Real, Decimal, np.integer, np.floating))
    return value if is_number and not isinstance(value, (bool, np.bool_, np.timedelta64)) else None


def _to_float(real: Any) -> float:
    """Return the nearest float; infinity for what is too large for one, NaN for a Decimal that signals."""
    try:
        return float(real)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def _is_finite(real: Any) -> bool:
    """Return whether a number is finite, whatever its size."""
    return isinstance(real, (int, np.integer, Rational)) or (
        real.is_finite() if isinstance(real, Decimal) else math.isfinite(real)
    )


def _floats(values: ArrayLike) -> NDArray[np.float64] | None:
    """Return the values as floats, None where they are not numbers: a text is none, even "1"."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "cmMUST" or (found.dtype.kind == "O" and any(map(_is_text, found.flat))):
            return None
        return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def told(value: Any) -> str:
    """Return a value as a message shows it: on one line, at most 60 characters.

    >>> told(np.int64(3)), told([1] * 30)
    ('3', '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,')
    """
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return f"{' '.join(repr(value).split()):.60}"
    except Exception:
        return f"an object of type {type(value).__name__}"
