"""Keys that meet by value: which rows of two tables have the same key, whatever types the columns have.

Nothing is converted unless it stays exactly what it was. Python and pandas would let 64-bit identifiers pass through
floats, where neighbors become equal, and would let the number 7 and the text "7" miss each other without a word.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from utils.features.times import has_zone, in_one_unit, without_zone
from utils.foundation.whole_numbers import LARGEST_EXACT_FLOAT

__all__ = [
    "FLAG",
    "FLOAT",
    "MOMENT",
    "TEXT",
    "WHOLE",
    "ZONED_MOMENT",
    "ExactColumn",
    "exact",
    "key_codes",
    "whole_floats",
]

FLAG, WHOLE, FLOAT, TEXT = "flag", "whole number", "number", "text"
MOMENT, ZONED_MOMENT = "moment", "moment with a zone"
KINDS = {bool: FLAG, np.bool_: FLAG, float: FLOAT, Fraction: FLOAT, Decimal: FLOAT}
INFERRED = {"string": TEXT, "boolean": FLAG, "integer": WHOLE, "floating": FLOAT, "decimal": FLOAT}


class ExactColumn(NamedTuple):
    """A column by kind of value.

    Attributes:
        kind: one of the kinds above, else the names of the types inside; None where every value is missing.
        values: array of the values, anything where they are missing.
        missing: array of bool.
    """

    kind: str | None
    values: np.ndarray
    missing: np.ndarray


def exact(column: pd.Series) -> ExactColumn:
    """Return a column's values exactly, with the kind that they have in truth, not by the column's type.

    Args:
        column: of any type: numpy's, pandas' nullable ones, categories or objects.

    >>> exact(pd.Series([7, None], dtype=object)).kind
    'whole number'
    """
    dtype, missing = column.dtype, column.isna().to_numpy()
    if missing.all():
        return ExactColumn(None, np.zeros(len(column)), missing)
    if isinstance(dtype, pd.CategoricalDtype):
        levels = exact(pd.Series(column.cat.categories))
        return ExactColumn(levels.kind, levels.values[column.cat.codes.to_numpy()], missing)
    if pd.api.types.is_bool_dtype(dtype):
        return ExactColumn(FLAG, _filled(column, missing, False, np.bool_), missing)
    if pd.api.types.is_integer_dtype(dtype):
        size = np.uint64 if pd.api.types.is_unsigned_integer_dtype(dtype) else np.int64
        return ExactColumn(WHOLE, _filled(column, missing, 0, size), missing)
    if pd.api.types.is_float_dtype(dtype):
        return ExactColumn(FLOAT, column.to_numpy(np.float64, na_value=np.nan), missing)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return ExactColumn(ZONED_MOMENT if has_zone(column) else MOMENT, without_zone("column", column), missing)
    if isinstance(dtype, pd.StringDtype):
        return ExactColumn(TEXT, column.to_numpy(object), missing)
    return _exact_objects(column.to_numpy(object), missing)


def _filled(column: pd.Series, missing: np.ndarray, filler: int, dtype: type) -> np.ndarray:
    return (column.fillna(filler) if missing.any() else column).to_numpy(dtype)


def _exact_objects(values: np.ndarray, missing: np.ndarray) -> ExactColumn:
    """Return objects as an exact column: numbers as numbers, everything else as it is."""
    present = values[~missing]
    kind = INFERRED.get(pd.api.types.infer_dtype(present))
    kinds = [kind] if kind else sorted({_kind(value) for value in present})
    if kinds == [FLOAT, WHOLE] and all(_kind(v) == FLOAT or abs(v) <= LARGEST_EXACT_FLOAT for v in present):
        kinds = [FLOAT]
    kind = " and ".join(kinds)
    if kind not in (FLAG, WHOLE, FLOAT):
        return ExactColumn(kind, values, missing)
    found = {FLAG: _flags, WHOLE: _integers, FLOAT: _floats}[kind](present)
    filled = np.zeros(len(values), found.dtype)
    filled[~missing] = found
    return ExactColumn(kind, filled, missing)


def _kind(value: Any) -> str:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return WHOLE
    if isinstance(value, str):
        return TEXT
    if isinstance(value, np.floating):
        return FLOAT
    return KINDS.get(type(value), type(value).__name__)


def _flags(present: np.ndarray) -> np.ndarray:
    return present.astype(bool)


def _floats(present: np.ndarray) -> np.ndarray:
    return np.array([float(value) for value in present])


def _integers(present: np.ndarray) -> np.ndarray:
    for dtype in (np.int64, np.uint64):
        try:
            return present.astype(dtype)
        except OverflowError:
            continue
    return present


def whole_floats(values: np.ndarray) -> np.ndarray:
    """Return which floats stand for exactly one whole number."""
    return (np.abs(values) <= LARGEST_EXACT_FLOAT) & (np.floor(values) == values)


def key_codes(
    left: pd.DataFrame,
    right: pd.DataFrame,
    by: Sequence[str],
    *,
    argument: str = "by",
    sides: tuple[str, str] = ("entities", "features"),
) -> tuple[np.ndarray, np.ndarray]:
    """Return one whole number a row, the same for the same key, for the rows of two tables.

    Args:
        left: data frame with the key columns.
        right: data frame with the key columns.
        by: names of the key columns.
        argument: what the caller's argument `by` is called, for the message.
        sides: what the two tables are called, for the message.

    Returns:
        Codes of the left rows and of the right rows, int32, -1 where a key column is null.

    Raises:
        ValueError: key columns of different kinds, such as numbers and text.
    """
    n, code = len(left), 0
    null = np.zeros(n + len(right), bool)
    for name in by:
        columns = left[name], right[name]
        one, other = (exact(column) for column in columns)
        pair = _comparable(one, other)
        if pair is None:
            kinds = {one.kind, other.kind}
            got = " and ".join(f"{c.dtype} in {side}" for side, c in zip(sides, columns, strict=True))
            raise ValueError(
                f"{argument} must name columns of one kind on both sides, got {name} as {got}; convert one of them"
                + (", exactly: a float is a key only where it is whole and below 2**53" if FLOAT in kinds else "")
            )
        here, values = _factorized(name, np.concatenate(pair))
        null |= np.concatenate([one.missing, other.missing])
        code = here if name == by[0] else pd.factorize(code * (len(values) + 1) + here)[0]
    code = np.where(null, -1, code).astype(np.int32)  # half the bytes to sort
    return code[:n], code[n:]


def _factorized(name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        return pd.factorize(values)
    except TypeError as error:
        raise ValueError(f"{name} can't be a key: {error}; use numbers, text, flags or times") from None


def _comparable(one: ExactColumn, other: ExactColumn) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the values of two columns as arrays that can stand in one, None if they are of different kinds."""
    if one.kind is None or other.kind is None:  # no value on one side: nothing will meet
        return np.zeros(len(one.values), np.int8), np.zeros(len(other.values), np.int8)
    if {one.kind, other.kind} == {WHOLE, FLOAT}:
        one, other = (_whole(column) for column in (one, other))
        if one is None or other is None:
            return None
    if one.kind != other.kind:
        return None
    if one.kind == WHOLE and one.values.dtype != other.values.dtype:
        return tuple(_wide_enough(column.values, one, other) for column in (one, other))
    if one.kind in (MOMENT, ZONED_MOMENT):
        return tuple(in_one_unit({"key": one.values, "key of the other side": other.values}))
    return one.values, other.values


def _whole(column: ExactColumn) -> ExactColumn | None:
    """Return a column of whole floats as integers, None if one of them is not whole or stands for several."""
    if column.kind == WHOLE:
        return column
    if not whole_floats(column.values[~column.missing]).all():
        return None
    return ExactColumn(WHOLE, np.where(column.missing, 0, column.values).astype(np.int64), column.missing)


def _wide_enough(values: np.ndarray, *columns: ExactColumn) -> np.ndarray:
    """Return integers as int64 if all the columns fit there, else as Python's, which have no end."""
    sizes = np.iinfo(np.int64)
    fits = all(sizes.min <= int(c.values.min(initial=0)) and int(c.values.max(initial=0)) <= sizes.max for c in columns)
    return values.astype(np.int64 if fits else object)
