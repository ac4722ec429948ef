"""Corrections for looking at many metrics at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.multiple_testing import benjamini_hochberg_adjusted, checked_pvalues

__all__ = ["Corrected", "benjamini_hochberg", "holm"]


class Corrected(NamedTuple):
    """Result of a correction.

    Args:
        rejected: which hypotheses are rejected, shape (..., metrics).
        adjusted: adjusted p-values, shape (..., metrics).
    """

    rejected: NDArray[np.bool_]
    adjusted: NDArray[np.float64]


def benjamini_hochberg(pvalues: ArrayLike, q: float = 0.05) -> Corrected:
    """Keep the expected share of false discoveries among all discoveries at or below q.

    Args:
        pvalues: shape (..., metrics), each last axis one family; independent or positively dependent.
        q: the bound on the false discovery rate.

    Returns:
        Rejections and adjusted p-values in the order of the input.

    Raises:
        ValueError: no p-values, NaN, values outside [0, 1], q outside (0, 1).

    References:
        See `utils.foundation.multiple_testing`.

    >>> benjamini_hochberg([0.01, 0.02, 0.04, 0.9]).rejected.tolist()
    [True, True, False, False]
    """
    q = checks.fraction("q", q, "use 0.05")
    adjusted = benjamini_hochberg_adjusted(pvalues)
    return Corrected(adjusted <= q, adjusted)


def holm(pvalues: ArrayLike, alpha: float = 0.05) -> Corrected:
    """Keep the probability of one or more false rejections at or below alpha, whatever the dependence.

    Args:
        pvalues: shape (..., metrics), each last axis one family.
        alpha: the bound on the family-wise error rate.

    Returns:
        Rejections and adjusted p-values in the order of the input.

    Raises:
        ValueError: no p-values, NaN, values outside [0, 1], alpha outside (0, 1).

    References:
        Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.02, 0.04, 0.9]).rejected.tolist()
    [True, False, False, False]
    """
    alpha = checks.significance_level(alpha)
    values = checked_pvalues("pvalues", pvalues)
    order = np.argsort(values, axis=-1)
    still_tested = np.arange(values.shape[-1], 0, -1)  # the smallest p-value pays for all tests, the largest for itself
    paid = np.minimum(np.take_along_axis(values, order, axis=-1) * still_tested, 1.0)
    adjusted = np.empty_like(values)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(paid, axis=-1), axis=-1)
    return Corrected(adjusted <= alpha, adjusted)
