"""Samples as the two-sample statistics take them: numbers as floats, categories as objects, columns matched by name."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["comparable_columns", "number_columns", "rows", "tables"]

LARGEST = 2**53  # a whole number beyond it may be no float
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
    before, after = _column("reference", reference), _column("current", current)
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
    pair = [(name, _numbers(name, _column(name, sample))) for name, sample in _named(reference, current)]
    for name, values in pair:
        _refuse_nan(name, values)
    return pair[0][1], pair[1][1]


def tables(reference: Sample, current: Sample, *, nan_allowed: bool = False) -> tuple[Floats, Floats]:
    """Return two samples of several numeric features, with the same features in the same order.

    Args:
        reference: shape (n, features): an array, or a data frame.
        current: shape (m, features). Of two data frames with named columns, the names tell which belong together.
        nan_allowed: whether values may be missing.

    Returns:
        Two arrays of float64, their columns in the order of `reference`.

    Raises:
        ValueError: a sample is empty, not two-dimensional or not numeric, the features differ, or NaN is not allowed.
    """
    current = _in_the_order_of(reference, current)
    pair = [(name, _table(name, sample)) for name, sample in _named(reference, current)]
    (_, before), (_, after) = pair
    if before.shape[1] != after.shape[1]:
        got = f"{before.shape[1]} and {after.shape[1]} columns"
        raise ValueError(f"reference and current must have the same features, got {got}; pass the same columns")
    if not nan_allowed:
        for name, values in pair:
            _refuse_nan(name, values)
    return before, after


def rows(reference: Sample, current: Sample, *, nan_allowed: bool = False) -> tuple[Floats, Floats]:
    """Return two samples of rows; a sample of one dimension has rows of one number.

    Args:
        reference: shape (n, features) or (n,).
        current: shape (m, features) or (m,).
        nan_allowed: whether values may be missing.

    Returns:
        Two arrays of float64, shapes (n, features) and (m, features).

    Raises:
        ValueError: as `tables`, or a value is infinite.
    """
    pair = tables(_two_dimensional(reference), _two_dimensional(current), nan_allowed=nan_allowed)
    for name, values in _named(*pair):
        if np.isinf(values).any():
            raise ValueError(f"{name} must be finite, got {np.isinf(values).sum()} infinite values; cut or drop them")
    return pair


def _named(reference: Any, current: Any) -> Iterable[tuple[str, Any]]:
    return (("reference", reference), ("current", current))


def _column(name: str, values: Sample) -> np.ndarray:
    """Return floats, or objects for categories."""
    is_category = isinstance(getattr(values, "dtype", None), pd.CategoricalDtype)
    array = _array(values, as_objects=is_category)
    if array is None or array.ndim != 1 or len(array) == 0:
        got = "rows of different lengths" if array is None else f"shape {array.shape}"
        raise ValueError(f"{name} must be a non-empty sequence of one dimension, got {got}; pass one column")
    if array.dtype.kind in "iuf":
        return _exact_floats(name, array)
    if array.dtype.kind in "mMc":
        raise ValueError(f"{name} must be numbers or categories, got {array.dtype}; {HOURS}")
    array = array.astype(object)
    present = array[~pd.isna(array)]
    types = set(map(type, present))
    _refuse_other_types(name, types)
    if types and not is_category and all(_is_number(kind) for kind in types):
        return _exact_floats(name, array)
    return array


def _array(values: Sample, *, as_objects: bool = False) -> np.ndarray | None:
    """Return the values as numpy holds them, masked ones as missing; None if they have no shape."""
    if np.ma.is_masked(values):
        return np.where(np.ma.getmaskarray(values), np.nan, np.ma.getdata(values).astype(object))
    # a list goes by way of objects: numpy would turn [1, "a"] into two texts, and a gap beside a text into 'nan'
    as_objects = as_objects or not hasattr(values, "dtype")
    try:
        return np.asarray(values, dtype=object if as_objects and not isinstance(values, pd.DataFrame) else None)
    except ValueError:
        return None


def _exact_floats(name: str, values: np.ndarray) -> Floats:
    """Return numbers as floats, whole numbers exactly, missing ones as NaN."""
    is_missing = pd.isna(values)
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    whole = values if values.dtype.kind in "iu" else [v for v in values.flat if isinstance(v, (int, np.integer))]
    if len(whole) and (max(np.max(whole), -int(np.min(whole)))) > LARGEST:
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


def _numbers(name: str, values: np.ndarray) -> Floats:
    if values.dtype != np.float64:
        held = ", ".join(sorted(_kinds(values))) or "no value"
        raise ValueError(f"{name} must be numbers, got {held}; use chi_square_test or psi for categories")
    return values


def _two_dimensional(sample: Sample) -> Sample:
    if isinstance(sample, pd.DataFrame):
        return sample
    array = _array(sample)
    return array[:, None] if array is not None and array.ndim == 1 else array


def _table(name: str, sample: Sample) -> Floats:
    """Return floats of shape (rows, features)."""
    if (
        isinstance(sample, pd.DataFrame)
        and sample.size
        and any(kind.kind not in "iuf" for kind in _numpy_kinds(sample))
    ):
        columns = [_numbers(f"{name}[{label!r}]", _column(f"{name}[{label!r}]", sample[label])) for label in sample]
        return np.column_stack(columns)
    array = sample.to_numpy() if isinstance(sample, pd.DataFrame) else _array(sample)
    if array is None or array.ndim != 2 or array.size == 0:
        got = "rows of different lengths" if array is None else array.shape
        raise ValueError(f"{name} must have shape (rows, features), none of them 0, got {got}; pass one row a visit")
    if array.dtype.kind in "iuf":
        return _exact_floats(name, array)
    return np.column_stack([_numbers(name, _column(name, column)) for column in array.T])


def _numpy_kinds(frame: pd.DataFrame) -> list[np.dtype]:
    return [kind if isinstance(kind, np.dtype) else np.dtype(object) for kind in frame.dtypes]


def _in_the_order_of(reference: Sample, current: Sample) -> Sample:
    """Return the current sample with its columns in the reference's order, if both name theirs."""
    if not all(isinstance(sample, pd.DataFrame) for sample in (reference, current)):
        return current
    for name, frame in _named(reference, current):
        if frame.columns.has_duplicates:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise ValueError(f"{name} must name each column once, got {twice!r} twice; rename one")
    if any(frame.columns.equals(pd.RangeIndex(frame.shape[1])) for frame in (reference, current)):
        return current
    missing, extra = reference.columns.difference(current.columns), current.columns.difference(reference.columns)
    if len(missing) or len(extra):
        got = f"{len(missing)} missing {missing[:3].tolist()} and {len(extra)} more {extra[:3].tolist()}"
        raise ValueError(f"current must have the same features as reference, got {got}; pass the same columns")
    return current[reference.columns]


def _refuse_nan(name: str, values: Floats) -> None:
    if np.isnan(values).any():
        got = int(np.isnan(values).sum())
        raise ValueError(f"{name} must not hold NaN, got {got}; drop them and watch their rate by itself")
