"""Checks of arguments that the modules of this package share."""

import math
from numbers import Real


def positive(value, name, remedy):
    """Return `value` as a float above zero and finite, or raise a ValueError that names it."""
    return _number(value, name, remedy, "positive and finite", lambda x: x > 0)


def not_negative(value, name, remedy):
    """Return `value` as a finite float of at least zero, or raise a ValueError that names it."""
    return _number(value, name, remedy, "zero or more and finite", lambda x: x >= 0)


def fraction(value, name, remedy):
    """Return `value` as a float strictly between 0 and 1, or raise a ValueError that names it."""
    return _number(value, name, remedy, "between 0 and 1", lambda x: 0 < x < 1)


def count(value, name, remedy, *, minimum=1):
    """Return `value` as a whole number of at least `minimum`, or raise a ValueError that names it."""
    wanted = f"a whole number of at least {minimum}"
    return int(_number(value, name, remedy, wanted, lambda x: x == int(x) and x >= minimum))


def choice(value, name, options):
    """Return `value` if it is one of `options`, or raise a ValueError that lists them."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}; choose one of these")
    return value


def _number(value, name, remedy, wanted, holds):
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not holds(value):
        raise ValueError(f"{name} must be {wanted}, got {value!r:.60}; {remedy}")
    return float(value)
