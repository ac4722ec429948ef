"""Two-sample tests of one feature: PSI and chi-square on counts, Kolmogorov–Smirnov on ranks.

Each gives a p-value: the probability, without drift, of a statistic at least as large.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks
from utils.monitoring.drift.binning import binned_counts
from utils.monitoring.drift.distances import psi_of_counts
from utils.monitoring.drift.psi_null import psi_pvalue
from utils.monitoring.drift.samples import Sample

__all__ = ["TestResult", "chi_square_test", "ks_pvalue", "psi_test"]

MOST_ROWS = 10**12


class TestResult(NamedTuple):
    """A statistic and the probability, without drift, of one at least as large."""

    __test__ = False  # not a pytest class
    statistic: float
    pvalue: float


def psi_test(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> TestResult:
    """PSI with its p-value by the chi-square limit, on as many degrees of freedom as bins are in use, less one.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        TestResult; p-value 1 when all rows share one bin.

    Raises:
        ValueError: as `binned_counts`.
    """
    before, after = binned_counts(reference, current, bins)
    value = float(psi_of_counts(before, after))
    if len(before) < 2:
        return TestResult(value, 1.0)
    return TestResult(value, float(psi_pvalue(value, int(before.sum()), int(after.sum()), len(before))))


def chi_square_test(reference: Sample, current: Sample, bins: int | ArrayLike = 10) -> TestResult:
    """Pearson's chi-square test that both samples fill the bins or categories alike.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges; ignored for categories.

    Returns:
        TestResult; p-value 1 when all rows share one bin.

    Raises:
        ValueError: as `binned_counts`.
    """
    counts = np.stack(binned_counts(reference, current, bins))
    if counts.shape[1] < 2:
        return TestResult(0.0, 1.0)
    result = stats.chi2_contingency(counts, correction=False)
    return TestResult(float(result.statistic), float(result.pvalue))


def ks_pvalue(distance: ArrayLike, n: int, m: int) -> float | NDArray[np.float64]:
    """Probability, without drift, of a Kolmogorov-Smirnov distance at least this large (limit for large samples).

    Args:
        distance: a distance or an array of them, from 0 to 1.
        n: rows of the reference.
        m: rows of the current sample.

    Returns:
        p-value, of the shape of `distance`. With ties it is conservative.

    Raises:
        ValueError: a distance outside 0 to 1, a size below 1 or above 10¹².
    """
    n = checks.count("n", n, "give the rows of the reference", maximum=MOST_ROWS)
    m = checks.count("m", m, "give the rows of the current sample", maximum=MOST_ROWS)
    remedy = "pass the result of ks_distance"
    distances = checks.array("distance", np.atleast_1d(distance), low=0, high=1, remedy=remedy)
    return stats.kstwo.sf(distances.reshape(np.shape(distance)), round(n * m / (n + m)) or 1)[()]
