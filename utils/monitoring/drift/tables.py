"""Samples of several features: as tables of floats, their columns matched by name."""

import numpy as np
import pandas as pd

from utils.foundation import labels
from utils.monitoring.drift.samples import (
    Floats,
    Sample,
    as_array,
    checked_column,
    checked_numbers,
    exact_floats,
    named,
    refuse_nan,
)

__all__ = ["rows", "tables"]


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
    if isinstance(reference, pd.DataFrame) and isinstance(current, pd.DataFrame):
        current = labels.aligned("current", current, "reference", reference)
    pair = [(name, _table(name, sample)) for name, sample in named(reference, current)]
    (_, before), (_, after) = pair
    if before.shape[1] != after.shape[1]:
        got = f"{before.shape[1]} and {after.shape[1]} columns"
        raise ValueError(f"reference and current must have the same features, got {got}; pass the same columns")
    if not nan_allowed:
        for name, values in pair:
            refuse_nan(name, values)
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
    for name, values in named(*pair):
        if np.isinf(values).any():
            raise ValueError(f"{name} must be finite, got {np.isinf(values).sum()} infinite values; cut or drop them")
    return pair


def _two_dimensional(sample: Sample) -> Sample:
    if isinstance(sample, pd.DataFrame):
        return sample
    array = as_array(sample)
    return array[:, None] if array is not None and array.ndim == 1 else array


def _table(name: str, sample: Sample) -> Floats:
    """Return floats of shape (rows, features)."""
    if (
        isinstance(sample, pd.DataFrame)
        and sample.size
        and any(kind.kind not in "iuf" for kind in _numpy_kinds(sample))
    ):
        columns = [
            checked_numbers(f"{name}[{label!r}]", checked_column(f"{name}[{label!r}]", sample[label]))
            for label in sample
        ]
        return np.column_stack(columns)
    array = sample.to_numpy() if isinstance(sample, pd.DataFrame) else as_array(sample)
    if array is None or array.ndim != 2 or array.size == 0:
        got = "rows of different lengths" if array is None else array.shape
        raise ValueError(f"{name} must have shape (rows, features), none of them 0, got {got}; pass one row a visit")
    if array.dtype.kind in "iuf":
        return exact_floats(name, array)
    return np.column_stack([checked_numbers(name, checked_column(name, column)) for column in array.T])


def _numpy_kinds(frame: pd.DataFrame) -> list[np.dtype]:
    return [kind if isinstance(kind, np.dtype) else np.dtype(object) for kind in frame.dtypes]
