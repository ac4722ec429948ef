"""p-values adjusted for looking at many tests at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks

__all__ = ["benjamini_hochberg_adjusted", "bonferroni_adjusted", "checked_pvalues"]


def checked_pvalues(name: str, pvalues: ArrayLike) -> NDArray[np.float64]:
    """Return p-values as floats of at least one axis, whose last axis is one family of tests.

    Args:
        name: the argument's name, for the message.
        pvalues: shape (..., tests).

    Returns:
        Array of float64 of the same shape.

    Raises:
        ValueError: not numbers, none, NaN, or outside [0, 1].
    """
    values = checks.array(name, pvalues, remedy="leave out what was not tested")
    if ((values < 0) | (values > 1)).any():
        raise ValueError(f"{name} must lie in [0, 1], got a value outside; pass p-values, not test statistics")
    return values


def bonferroni_adjusted(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Return p-values times the number of tests, at most 1: whatever the dependence, the family keeps its level.

    Args:
        pvalues: shape (..., tests).

    Returns:
        Adjusted p-values, same shape; reject those at or below the level.

    Raises:
        ValueError: as `checked_pvalues`.

    >>> bonferroni_adjusted([0.01, 0.4, 0.9]).tolist()
    [0.03, 1.0, 1.0]
    """
    values = checked_pvalues("pvalues", pvalues)
    return np.minimum(values * values.shape[-1], 1.0)


def benjamini_hochberg_adjusted(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted so that rejecting those at or below q keeps the false discovery rate at q.

    Args:
        pvalues: shape (..., tests), independent or positively dependent within a family.

    Returns:
        Adjusted p-values, same shape (`scipy.stats.false_discovery_control`).

    Raises:
        ValueError: as `checked_pvalues`.

    References:
        Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).

    >>> benjamini_hochberg_adjusted([0.01, 0.02, 0.04, 0.9]).round(3).tolist()
    [0.04, 0.04, 0.053, 0.9]
    """
    return stats.false_discovery_control(checked_pvalues("pvalues", pvalues), axis=-1)
