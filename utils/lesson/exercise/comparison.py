"""Whether two results say the same, whatever types they come in: numpy's, pandas' or Python's own."""

import math
from collections.abc import ItemsView, KeysView, Mapping, Sequence, Set, ValuesView
from decimal import Decimal
from numbers import Complex
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["close", "is_flag", "is_missing", "is_number", "is_text", "parts", "plain"]

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-12
TOLERANCE_OF_SHORT_FLOATS = {2: (3e-3, 1e-4), 4: (1e-4, 1e-7)}  # bytes -> relative, absolute


def close(a: Any, b: Any) -> bool:
    """Return whether two results are equal: text, flags and whole numbers exactly, others nearly, containers by part.

    Numbers agree to a relative 1e-6 (1e-4 where one is a float32), whatever their types and the sign of a zero; NaN
    agrees with NaN. A bool is not a number. Lists, tuples, arrays and series agree if their parts do, in order; so do the
    views of a dictionary, which agree with a set too. Two frames are compared by the names of their columns, two series
    with labels by these.

    Args:
        a: anything, also an object whose own methods raise.
        b: anything.

    Returns:
        True or False; it never raises an `Exception`.

    >>> close(0.1 + 0.2, 0.3), close([1, 2], (1, 2)), close("ship", "hold")
    (True, True, False)
    """
    try:
        return _close(a, b)
    except Exception:
        return False


def _close(a: Any, b: Any) -> bool:
    a, b = plain(a), plain(b)
    if is_text(a) or is_text(b):
        return is_text(a) and is_text(b) and str.__str__(a) == str.__str__(b)
    if is_flag(a) or is_flag(b):
        return is_flag(a) and is_flag(b) and bool(a) == bool(b)
    if is_number(a) or is_number(b):
        return is_number(a) and is_number(b) and _same_number(a, b)
    if isinstance(a, Mapping) or isinstance(b, Mapping) or (_is_labelled(a) and _is_labelled(b)):
        return _same_mapping(a, b)
    if isinstance(a, Set) and isinstance(b, Set):
        return set(map(_key, a)) == set(map(_key, b))
    if isinstance(a, pd.DataFrame) and isinstance(b, pd.DataFrame):
        return set(a.columns) == set(b.columns) and _close(a[b.columns].to_numpy(), b.to_numpy())
    ours, theirs = parts(a), parts(b)
    if ours is None or theirs is None:
        return ours is theirs is None and type(a) is type(b) and bool(a == b)
    return len(ours) == len(theirs) and all(map(_close, ours, theirs))


def plain(value: Any) -> Any:
    """Return the value out of an array without axes; a masked one is NaN."""
    while isinstance(value, np.ndarray) and value.ndim == 0 and value is not np.ma.masked:
        value = value[()]
    return value


def is_text(value: Any) -> bool:
    """Return whether a value is text: `str`, numpy's, or a member of an enumeration of texts."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Return whether a value is a bool, Python's or numpy's."""
    return isinstance(value, (bool, np.bool_))


def is_missing(value: Any) -> bool:
    """Return whether a value stands for a number that is not there: NaN, pandas' NA, a masked entry."""
    if value is pd.NA or value is pd.NaT or value is np.ma.masked:
        return True
    return isinstance(value, (float, np.floating, Decimal)) and math.isnan(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a number, a missing one included; a bool is none."""
    if isinstance(value, (bool, np.bool_, np.timedelta64)):
        return is_missing(value)
    return isinstance(value, (Complex, Decimal, np.number)) or is_missing(value)


def parts(value: Any) -> list | None:
    """Return the parts of a sequence of any library in order, rows first; None if it is none."""
    if isinstance(value, (KeysView, ItemsView)):  # in order, although they are sets too
        return list(value)
    if is_text(value) or isinstance(value, (bytes, bytearray, memoryview, Mapping, Set)):
        return None
    if isinstance(value, pd.DataFrame):
        return list(value.to_numpy())
    if isinstance(value, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray, Sequence, ValuesView)):
        return list(value)
    if isinstance(value, np.ma.MaskedArray):
        return list(value)
    if hasattr(type(value), "__array__"):  # numpy's own, and those of other libraries
        found = np.asarray(value)
        return list(found) if found.ndim else None
    return None


def _same_number(a: Any, b: Any) -> bool:
    if is_missing(a) or is_missing(b):
        return is_missing(a) and is_missing(b)
    if _is_whole_type(a) and _is_whole_type(b):
        return int(a) == int(b)
    relative, absolute = max(_tolerance(a), _tolerance(b))
    a, b = _as_float(a), _as_float(b)
    if not (np.isfinite(a) and np.isfinite(b)):
        return a == b
    return abs(a - b) <= max(relative * max(abs(a), abs(b)), absolute)


def _tolerance(value: Any) -> tuple[float, float]:
    size = value.dtype.itemsize if isinstance(value, np.floating) else 8
    return TOLERANCE_OF_SHORT_FLOATS.get(size, (RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE))


def _is_whole_type(value: Any) -> bool:
    return isinstance(value, (int, np.integer))


def _as_float(value: Any) -> float | complex:
    is_complex = isinstance(value, (complex, np.complexfloating))
    return complex(value) if is_complex else float(value)


def _same_mapping(a: Any, b: Any) -> bool:
    if not isinstance(a, (Mapping, pd.Series)) or not isinstance(b, (Mapping, pd.Series)):
        return False
    ours, theirs = ({_key(k): v for k, v in m.items()} for m in (a, b))
    return ours.keys() == theirs.keys() and all(_close(ours[k], theirs[k]) for k in theirs)


def _is_labelled(value: Any) -> bool:
    """Return whether the entries of a series have names of their own, so that their order says nothing."""
    return isinstance(value, pd.Series) and not isinstance(value.index, pd.RangeIndex) and value.index.is_unique


def _key(value: Any) -> Any:
    """Return a key or a member of a set as plain Python writes it, so that numpy's text equals ours."""
    value = plain(value)
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    if is_flag(value):
        return ("flag", bool(value))
    return str.__str__(value) if is_text(value) else value
