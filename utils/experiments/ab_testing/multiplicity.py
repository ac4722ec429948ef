"""Corrections for looking at many metrics at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks


class Corrected(NamedTuple):
    """Result of a correction: which hypotheses are rejected, and adjusted p-values, both shape (..., metrics)."""

    rejected: NDArray[np.bool_]
    adjusted: NDArray[np.float64]


def benjamini_hochberg(p_values: ArrayLike, q: float = 0.05) -> Corrected:
    """Keep the expected share of false discoveries among all discoveries at or below q.

    Args:
        p_values: shape (..., metrics), each last axis one family; independent or positively dependent.
        q: the bound on the false discovery rate.

    Returns:
        Rejections and adjusted p-values in the order of the input.

    Raises:
        ValueError: no p-values, NaN, values outside [0, 1], q outside (0, 1).

    Source:
        Benjamini, Hochberg (1995), "Controlling the false discovery rate", procedure (1).

    >>> benjamini_hochberg([0.01, 0.02, 0.04, 0.9]).rejected.tolist()
    [True, True, False, False]
    """
    return _step(p_values, q, scale=lambda metrics: metrics / np.arange(1, metrics + 1), upward=True)


def holm(p_values: ArrayLike, alpha: float = 0.05) -> Corrected:
    """Keep the probability of one or more false rejections at or below alpha, whatever the dependence.

    Args:
        p_values: shape (..., metrics), each last axis one family.
        alpha: the bound on the family-wise error rate.

    Returns:
        Rejections and adjusted p-values in the order of the input.

    Raises:
        ValueError: no p-values, NaN, values outside [0, 1], alpha outside (0, 1).

    Source:
        Holm (1979), "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.02, 0.04, 0.9]).rejected.tolist()
    [True, False, False, False]
    """
    return _step(p_values, alpha, scale=lambda metrics: np.arange(metrics, 0, -1.0), upward=False)


def _step(p_values: ArrayLike, level: float, *, scale, upward: bool) -> Corrected:
    """Scale the sorted p-values and make them monotone: from the largest down (BH) or from the smallest up (Holm)."""
    values = checks.array("p_values", p_values)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("p_values must lie in [0, 1], got a value outside; pass p-values, not test statistics")
    level = checks.fraction("q" if upward else "alpha", level, "use 0.05")
    order = np.argsort(values, axis=-1)
    scaled = np.take_along_axis(values, order, axis=-1) * scale(values.shape[-1])
    if upward:
        monotone = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    else:
        monotone = np.maximum.accumulate(scaled, axis=-1)
    adjusted = np.empty_like(values)
    np.put_along_axis(adjusted, order, np.minimum(monotone, 1.0), axis=-1)
    return Corrected(adjusted <= level, adjusted)
