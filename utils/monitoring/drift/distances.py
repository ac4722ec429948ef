"""Distances between a reference sample and a current one: PSI, Jensen–Shannon, Kolmogorov–Smirnov.

A distance is a number. Only its null law, which depends on both sample sizes, turns it into an alarm.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from utils.foundation import checks
from utils.foundation.labels import all_aligned
from utils.foundation.whole_numbers import LARGEST_COUNT
from utils.monitoring.drift.binning import binned_counts, quantile_counts
from utils.monitoring.drift.samples import Sample, number_columns
from utils.monitoring.drift.tables import tables

__all__ = ["jensen_shannon", "ks_distance", "ks_many", "psi", "psi_many", "psi_of_counts"]

EMPTY_BIN = 0.5  # rows; a bin empty on one side counts as half a row, so that the logarithm stays finite


def psi(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> float:
    """Population stability index: sum over bins of (p - q) log(p / q).

    The bins are those of `binned_counts`. A bin empty on one side counts as half a row there.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        The index, 0 for equal shares; without drift its mean is about (1/n + 1/m)(bins - 1).

    Raises:
        ValueError: as `binned_counts`.

    References:
        B. Yurdakul, "Statistical properties of population stability index", dissertation, Western Michigan University
        (2018); B. Yurdakul and J. Naranjo, Journal of Risk Model Validation (2020).

    >>> round(psi([1, 1, 1, 2], [1, 2, 2, 2]), 4)   # (.75 - .25) log 3, twice
    1.0986
    """
    return float(psi_of_counts(*binned_counts(reference, current, bins)))


def psi_many(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> NDArray[np.float64]:
    """PSI of every column at once.

    Args:
        reference: shape (n, features), numbers; NaN forms its own bin.
        current: shape (m, features); of two data frames, columns of one name belong together.
        bins: number of quantile bins, or inner edges shared by all columns.

    Returns:
        Array of shape (features,), equal to `psi` of each column of `reference`.

    Raises:
        ValueError: an array is empty, not numeric or not two-dimensional, or the features differ.
    """
    return psi_of_counts(*quantile_counts(*tables(reference, current, nan_allowed=True), bins))


def psi_of_counts(before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """PSI over the first axis of counts.

    Args:
        before: rows per bin of the reference, shape (bins, ...).
        after: rows per bin of the current sample, same shape; two Series, as of `value_counts`, meet bin by bin.

    Returns:
        Array of shape (...); bins empty in both add nothing.

    Raises:
        ValueError: counts that are negative, missing or no numbers, shapes or labels that differ, a side without rows.

    >>> float(psi_of_counts([3, 1], [1, 3]).round(4))
    1.0986
    """
    before, after = all_aligned(before=before, after=after)
    before, after = (
        checks.array(name, counts, low=0, high=LARGEST_COUNT) for name, counts in (("before", before), ("after", after))
    )
    if before.shape != after.shape:
        raise ValueError(
            f"after must have the shape of before, {before.shape}, got {after.shape}; count both in the same bins"
        )
    for name, counts in (("before", before), ("after", after)):
        if (counts.sum(axis=0) == 0).any():
            raise ValueError(f"{name} must have rows in some bin, got none; leave out what was not seen")
    p = np.where((before == 0) & (after > 0), EMPTY_BIN, before) / before.sum(axis=0)
    q = np.where((after == 0) & (before > 0), EMPTY_BIN, after) / after.sum(axis=0)
    return (special.rel_entr(p, q) + special.rel_entr(q, p)).sum(axis=0)


def jensen_shannon(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> float:
    """Jensen-Shannon distance over the bins of `binned_counts`: root of the divergence in bits, from 0 to 1.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        0 for equal shares, 1 for samples that have no bin in common.

    Raises:
        ValueError: as `binned_counts`.

    References:
        J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Information Theory 37 (1991).

    >>> jensen_shannon(["a", "a"], ["b"]), jensen_shannon(["a", "b"], ["b", "a"])
    (1.0, 0.0)
    """
    before, after = binned_counts(reference, current, bins)
    p, q = before / before.sum(), after / after.sum()
    middle = (p + q) / 2
    divergence = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / (2 * np.log(2))
    return float(np.sqrt(np.clip(divergence, 0, 1)))


def ks_distance(reference: Sample, current: Sample) -> float:
    """Kolmogorov-Smirnov distance: the largest gap between two empirical distribution functions.

    Args:
        reference: shape (n,), numbers without NaN.
        current: shape (m,).

    Returns:
        The distance, from 0 to 1; `ks_pvalue` turns it into a p-value.

    Raises:
        ValueError: a sample is empty, not one-dimensional, not numeric, or holds NaN.

    >>> ks_distance([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    before, after = number_columns(reference, current)
    return float(_sorted_ks(np.sort(before), np.sort(after)))


def ks_many(reference: Sample, current: Sample) -> NDArray[np.float64]:
    """Kolmogorov-Smirnov distance of every column.

    Args:
        reference: shape (n, features), numbers without NaN.
        current: shape (m, features); of two data frames, columns of one name belong together.

    Returns:
        Array of shape (features,), in the order of `reference`.

    Raises:
        ValueError: an array is empty, not numeric, not two-dimensional or holds NaN, or the features differ.
    """
    before, after = tables(reference, current)
    columns = zip(np.sort(before.T), np.sort(after.T), strict=True)
    return np.array([_sorted_ks(x, y) for x, y in columns])


def _sorted_ks(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    grid = np.concatenate([before, after])
    gap = np.searchsorted(before, grid, "right") / len(before) - np.searchsorted(after, grid, "right") / len(after)
    return np.abs(gap).max()
