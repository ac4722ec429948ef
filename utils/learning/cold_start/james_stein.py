"""The James–Stein rule: many estimates at once err less when each is pulled toward their mean."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE

__all__ = ["james_stein_shrinkage"]


def james_stein_shrinkage(estimates: ArrayLike, variance: float) -> NDArray[np.float64]:
    """Return the estimates pulled toward their mean by the James–Stein rule, positive part.

    Args:
        estimates: (k,) unbiased, k >= 4, all with the same `variance`.
        variance: known variance of each estimate.

    Returns:
        (k,) estimates, none of them pushed past the mean.

    Raises:
        ValueError: fewer than four estimates, NaN, or a variance that is not positive.

    References:
        Efron and Morris, "Data analysis using Stein's estimator and its generalizations", JASA 70 (1975).
    """
    estimates = checks.array("estimates", estimates, dimensions=1, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
    variance = checks.number("variance", variance, low=0, open_low=True)
    if len(estimates) < 4:
        raise ValueError(f"estimates must be at least 4, got {len(estimates)}; below that the rule does not pay")
    mean = estimates.mean()
    spread = np.sum((estimates - mean) ** 2)
    keep = max(0.0, 1 - (len(estimates) - 3) * variance / spread) if spread > 0 else 0.0
    return mean + keep * (estimates - mean)
