"""Samples of one feature as the two-sample statistics take them: numbers as floats, categories as objects."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = [
    "Floats",
    "Sample",
    "as_array",
    "checked_column",
    "checked_numbers",
    "comparable_columns",
    "exact_floats",
    "named",
    "number_columns",
    "refuse_nan",
]

TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64, pd.Period, pd.Interval)
COMPLEX = (complex, np.complexfloating)
HOURS = "take the hours since a fixed time"

Sample = ArrayLike | pd.Series | pd.DataFrame
Floats = NDArray[np.float64]


def comparable_columns(reference: Sample, current: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Return two samples of one feature, both as floats or both as objects that stand for categories.

    Numbers of any type are numbers: Decimal and Fraction too, and the values of a nullable or masked array, of which
    the missing ones become NaN. Texts, booleans and pandas categories are categories; numbers on the other side are
    then categories as well.

    Args:
        reference: shape (n,).
        current: shape (m,).

    Returns:
        Two arrays, both of float64 or both of objects.

    Raises:
        ValueError: a sample is empty, not one-dimensional, holds times, complex numbers or containers, or whole numbers
            beyond 2⁵³; or one sample holds numbers and the other texts.
    """
    before, after = checked_column("reference", reference), checked_column("current", current)
    if before.dtype == after.dtype == np.float64:
        return before, after
    before, after = before.astype(object), after.astype(object)
    kinds, other_kinds = _kinds(before), _kinds(after)
    if kinds and other_kinds and not kinds & other_kinds:
        held, got = " and ".join(sorted(kinds)), " and ".join(sorted(other_kinds))
        raise ValueError(f"current must hold {held} as reference does, got {got}; convert one of them")
    return before, after


def number_columns(reference: Sample, current: Sample) -> tuple[Floats, Floats]:
    """Return two samples of one numeric feature.

    Args:
        reference: shape (n,), numbers without NaN.
        current: shape (m,).

    Returns:
        Two arrays of float64.

    Raises:
        ValueError: as `comparable_columns`, or a sample is not numeric or holds NaN.
    """
    pair = [(name, checked_numbers(name, checked_column(name, sample))) for name, sample in named(reference, current)]
    for name, values in pair:
        refuse_nan(name, values)
    return pair[0][1], pair[1][1]


def named(reference: Any, current: Any) -> Iterable[tuple[str, Any]]:
    """Return both samples with the names of their arguments.

    Args:
        reference: anything.
        current: anything.

    Returns:
        Pairs of name and sample.
    """
    return (("reference", reference), ("current", current))


def checked_column(name: str, values: Sample) -> np.ndarray:
    """Return one sample as floats, or as objects for categories.

    Args:
        name: the argument's name, for the message.
        values: shape (n,).

    Returns:
        Array of float64 or of objects, shape (n,).

    Raises:
        ValueError: as `comparable_columns`, of one sample.
    """
    is_category = isinstance(getattr(values, "dtype", None), pd.CategoricalDtype)
    array = as_array(values, as_objects=is_category)
    if array is None or array.ndim != 1 or len(array) == 0:
        got = "rows of different lengths" if array is None else f"shape {array.shape}"
        raise ValueError(f"{name} must be a non-empty sequence of one dimension, got {got}; pass one column")
    if array.dtype.kind in "iuf":
        return exact_floats(name, array)
    if array.dtype.kind in "mMc":
        raise ValueError(f"{name} must be numbers or categories, got {array.dtype}; {HOURS}")
    array = array.astype(object)
    present = array[~pd.isna(array)]
    types = set(map(type, present))
    _refuse_other_types(name, types)
    if types and not is_category and all(_is_number(kind) for kind in types):
        return exact_floats(name, array)
    return array


def as_array(values: Sample, *, as_objects: bool = False) -> np.ndarray | None:
    """Return values as numpy holds them, masked ones as missing.

    Args:
        values: anything that numpy takes.
        as_objects: keep each value as it is.

    Returns:
        Array; None if the values have no shape, as rows of different lengths.
    """
    if np.ma.is_masked(values):
        return np.where(np.ma.getmaskarray(values), np.nan, np.ma.getdata(values).astype(object))
    # a list goes by way of objects: numpy would turn [1, "a"] into two texts, and a gap beside a text into 'nan'
    as_objects = as_objects or not hasattr(values, "dtype")
    try:
        return np.asarray(values, dtype=object if as_objects and not isinstance(values, pd.DataFrame) else None)
    except ValueError:
        return None


def exact_floats(name: str, values: np.ndarray) -> Floats:
    """Return numbers as floats, whole numbers exactly, missing ones as NaN.

    Args:
        name: the argument's name, for the message.
        values: numbers of any type and shape.

    Returns:
        Array of float64, same shape.

    Raises:
        ValueError: a whole number beyond 2⁵³, or a number beyond the floats.
    """
    is_missing = pd.isna(values)
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    whole = values if values.dtype.kind in "iu" else [v for v in values.flat if isinstance(v, (int, np.integer))]
    if len(whole) and (max(np.max(whole), -int(np.min(whole)))) > LARGEST_COUNT:
        raise ValueError(f"{name} must hold whole numbers up to 2⁵³, got larger ones; subtract a fixed number first")
    try:
        return np.where(is_missing, np.nan, values).astype(np.float64)
    except OverflowError:
        raise ValueError(f"{name} must hold numbers up to 10³⁰⁸, got larger ones; change the unit") from None


def _refuse_other_types(name: str, types: set[type]) -> None:
    times = [kind for kind in types if issubclass(kind, TIMES)]
    if times:
        raise ValueError(f"{name} must be numbers or categories, got {times[0].__name__}; {HOURS}")
    for kind in types:
        if kind.__hash__ is None or issubclass(kind, COMPLEX):
            raise ValueError(f"{name} must be numbers or categories, got {kind.__name__}; pass one value a row")


def _is_number(kind: type) -> bool:
    return issubclass(kind, (Real, Decimal, np.integer, np.floating)) and not issubclass(kind, (bool, np.bool_))


def _kinds(values: np.ndarray) -> set[str]:
    """Return what a column of categories holds, in words: booleans count as numbers, 0 and 1."""
    types = set(map(type, values[~pd.isna(values)]))
    words = {kind: "texts" for kind in types if issubclass(kind, str)}
    words |= {kind: "numbers" for kind in types if _is_number(kind) or issubclass(kind, (bool, np.bool_))}
    return {words.get(kind, kind.__name__) for kind in types}


def checked_numbers(name: str, values: np.ndarray) -> Floats:
    """Return a column if it holds numbers.

    Args:
        name: the argument's name, for the message.
        values: from `checked_column`.

    Returns:
        The same.

    Raises:
        ValueError: it holds categories.
    """
    if values.dtype != np.float64:
        held = ", ".join(sorted(_kinds(values))) or "no value"
        raise ValueError(f"{name} must be numbers, got {held}; use chi_square_test or psi for categories")
    return values


def refuse_nan(name: str, values: Floats) -> None:
    """Raise if a value is missing.

    Args:
        name: the argument's name, for the message.
        values: floats of any shape.

    Raises:
        ValueError: one is NaN; the message counts them.
    """
    if np.isnan(values).any():
        got = int(np.isnan(values).sum())
        raise ValueError(f"{name} must not hold NaN, got {got}; drop them and watch their rate by itself")
