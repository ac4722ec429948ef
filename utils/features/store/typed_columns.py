"""Columns of the types that a feature view declares: converted only where every value stays what it is."""

import numpy as np
import pandas as pd

from utils.features.keys import FLAG, FLOAT, TEXT, WHOLE, exact, whole_floats
from utils.foundation.whole_numbers import LARGEST_EXACT_FLOAT

__all__ = ["column_of", "typed"]

PANDAS_TYPES = {int: "Int64", float: "float64", bool: "boolean", str: "object"}
WANTED = {
    int: "whole numbers, floats among them below 2**53",
    float: "numbers, whole ones among them below 2**53",
    bool: "True and False",
    str: "text",
}


def typed(name: str, column: pd.Series, kind: type) -> pd.Series:
    """Return a column as the type that a view declares, with the same index; missing values stay missing.

    Whole numbers pass as float and whole floats as int below 2**53, where both mean the same; `Decimal` and `Fraction`
    pass as numbers. Text is never read as a number, nor 0 and 1 as flags.

    Args:
        name: the column's name, for the message.
        column: of any type.
        kind: `int`, `float`, `bool` or `str`.

    Returns:
        Series of Int64, float64 (never −0.0), boolean or object.

    Raises:
        ValueError: values of another kind, or that would not stay what they are.
    """
    given = exact(column)
    if given.kind is None:
        return column_of(given.values, given.missing, kind).set_axis(column.index)
    conversion = CONVERSIONS.get((kind, given.kind), _refused)
    values, wrong = conversion(given.values)
    wrong = wrong & ~given.missing
    if wrong.any():
        got = column[wrong].iloc[0]
        got = got.item() if isinstance(got, np.generic) else got
        raise ValueError(
            f"{name} must hold {WANTED[kind]}, got {got!r:.60}; convert the column to {kind.__name__} first"
        )
    return column_of(values, given.missing, kind).set_axis(column.index)


def column_of(values: np.ndarray, missing: np.ndarray, kind: type) -> pd.Series:
    """Return values of one of the declared types as a column, null where they are missing.

    Args:
        values: array of the values, anything where they are missing.
        missing: array of bool.
        kind: `int`, `float`, `bool` or `str`.
    """
    filled = np.where(missing, {int: 0, float: np.nan, bool: False, str: None}[kind], values)
    if kind is int:
        return pd.Series(pd.arrays.IntegerArray(filled.astype(np.int64), missing.copy()))
    if kind is bool:
        return pd.Series(pd.arrays.BooleanArray(filled.astype(bool), missing.copy()))
    return pd.Series(filled, dtype=PANDAS_TYPES[kind])


def _as_it_is(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values, and that none of them is wrong."""
    return values, np.zeros(len(values), bool)


def _refused(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values, np.ones(len(values), bool)


def _signed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return integers of any size as int64, and which of them do not fit."""
    if values.dtype == np.int64:
        return _as_it_is(values)
    sizes = np.iinfo(np.int64)
    wrong = np.array([not sizes.min <= int(value) <= sizes.max for value in values], bool)
    return np.where(wrong, 0, values).astype(np.int64), wrong


def _whole(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return floats as int64, and which of them stand for no whole number or for several."""
    wrong = ~whole_floats(values)
    return np.where(wrong, 0, values).astype(np.int64), wrong


def _float_of_whole(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return integers as floats, and which of them share a float with others."""
    wrong = (values > LARGEST_EXACT_FLOAT) | (values < -LARGEST_EXACT_FLOAT)
    return np.where(wrong, 0, values).astype(np.float64), wrong.astype(bool)


def _one_zero(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _as_it_is(values + 0.0)  # −0.0 equals 0.0 and is written differently: one key


CONVERSIONS = {
    (int, WHOLE): _signed,
    (int, FLOAT): _whole,
    (float, WHOLE): _float_of_whole,
    (float, FLOAT): _one_zero,
    (bool, FLAG): _as_it_is,
    (str, TEXT): _as_it_is,
}
