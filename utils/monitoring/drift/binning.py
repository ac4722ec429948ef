"""Two samples counted in the same bins: quantile bins of the reference for numbers, one bin a value for categories."""

from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.monitoring.drift.samples import Sample, comparable_columns

__all__ = ["BinnedCounts", "binned_counts", "quantile_counts"]

MOST_BINS = 10_000


class BinnedCounts(NamedTuple):
    """Rows per bin of both samples; bins empty in both are left out."""

    reference: NDArray[np.int64]
    current: NDArray[np.int64]


def binned_counts(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> BinnedCounts:
    """Count two samples in bins that hold equal shares of the reference.

    Numbers: the inner edges are the order statistics ceil(n k / bins) of the reference, bins are open on the left and
    closed on the right, the outer two are unbounded. Tied values share a bin, so ties leave fewer bins. A value tied
    at the reference's minimum across the first edge gets a bin of its own, so that smaller values are seen: a constant
    has the bins below, equal, above. NaN forms one more bin. Strings, booleans and pandas categories: one bin a value,
    and one for those missing.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,), of the same kind.
        bins: number of quantile bins, from 2 to 10,000, or an increasing sequence of inner edges. Ignored for
            categories.

    Returns:
        BinnedCounts, two arrays of equal length.

    Raises:
        ValueError: a sample is empty or not one-dimensional, one holds numbers and the other texts, or the bins are
            unusable.

    >>> binned_counts([1, 2, 3, 4], [0, 2, 2, 9], bins=2)
    BinnedCounts(reference=array([2, 2]), current=array([3, 1]))
    >>> binned_counts(["a", "b", "b"], ["b", None, "c"])
    BinnedCounts(reference=array([1, 2, 0, 0]), current=array([0, 1, 1, 1]))
    """
    before, after = comparable_columns(reference, current)
    if before.dtype == object:
        return _category_counts(before, after)
    counts_before, counts_after = quantile_counts(before[:, None], after[:, None], bins)
    used = (counts_before + counts_after)[:, 0] > 0
    return BinnedCounts(counts_before[used, 0], counts_after[used, 0])


def quantile_counts(
    reference: NDArray[np.float64], current: NDArray[np.float64], bins: int | ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count every column of two samples in its own bins, those of `binned_counts`.

    Args:
        reference: shape (n, features), NaN where missing.
        current: shape (m, features).
        bins: number of quantile bins, or inner edges shared by all columns.

    Returns:
        Two arrays of shape (bins + 2, features): rows below a tied minimum, in the quantile bins, and missing.

    Raises:
        ValueError: the bins are unusable.
    """
    edges, floor = _edges_and_floor(reference, bins)

    def counts(sample: NDArray[np.float64]) -> NDArray[np.int64]:
        missing = np.isnan(sample).sum(axis=0)
        below = (sample < floor).sum(axis=0)
        up_to = [(sample <= edge).sum(axis=0) for edge in edges]
        everything = np.full_like(below, len(sample))
        return np.diff(np.stack([0 * below, below, *up_to, everything - missing, everything]), axis=0)

    return counts(reference), counts(current)


def _edges_and_floor(
    reference: NDArray[np.float64], bins: int | ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inner edges of each column, and the value below which a tied minimum has nothing."""
    columns = np.arange(reference.shape[1])
    if np.ndim(bins) != 0:
        return np.tile(_given_edges(bins)[:, None], len(columns)), np.full(len(columns), -np.inf)
    bins = checks.count("bins", bins, "use 10, or increasing inner edges", minimum=2, maximum=MOST_BINS)
    ordered = np.sort(reference, axis=0)  # NaN sorts last
    present = np.count_nonzero(~np.isnan(reference), axis=0)
    position = -(-present * np.arange(1, bins)[:, None] // bins) - 1  # ceil(n k / bins), counted from 0
    edges = ordered[np.maximum(position, 0), columns]
    second = ordered[np.minimum(1, len(ordered) - 1)]
    return edges, np.where((edges[0] == ordered[0]) & (second == ordered[0]), ordered[0], -np.inf)


def _given_edges(bins: ArrayLike) -> NDArray[np.float64]:
    try:
        edges = np.asarray(bins)
        is_number = not np.ma.is_masked(bins) and (
            edges.dtype.kind in "iuf" or all(isinstance(edge, (Real, Decimal)) for edge in edges.flat)
        )
        edges = edges.astype(float) if is_number and edges.dtype.kind != "b" else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        edges = np.empty(0)
    if edges.ndim != 1 or not 0 < len(edges) <= MOST_BINS or not (np.diff(edges) > 0).all() or np.isnan(edges).any():
        got = checks.told(bins)
        raise ValueError(f"bins must be a number of bins or increasing inner edges, got {got}; use 10, or sort them")
    return edges


def _category_counts(reference: np.ndarray, current: np.ndarray) -> BinnedCounts:
    codes, _ = pd.factorize(np.concatenate([reference, current]), use_na_sentinel=True)
    codes = np.where(codes < 0, codes.max() + 1, codes)
    size = codes.max() + 1
    n = len(reference)
    return BinnedCounts(np.bincount(codes[:n], minlength=size), np.bincount(codes[n:], minlength=size))
