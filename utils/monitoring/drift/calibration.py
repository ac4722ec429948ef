"""How far observed rates lie from predicted probabilities."""

import numpy as np
from numpy.typing import ArrayLike

from utils.foundation import checks

__all__ = ["calibration_gap"]


def calibration_gap(score: ArrayLike, clicked: ArrayLike, *, bins: int = 5) -> float:
    """Return the mean distance of click rate and mean score over bins of equal size, relative to the click rate.

    Args:
        score: predicted probabilities, shape (n,), finite.
        clicked: outcomes of 0 and 1 or false and true, shape (n,), at least one of them true.
        bins: how many, at most n; rows are put into them by rising score.

    Raises:
        ValueError: lengths that differ, values that are not finite, no click, more bins than rows.

    References:
        M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
        AAAI 2015: the expected calibration error; here over bins of equal size, and relative to the rate.

    >>> round(calibration_gap([0.1, 0.1, 0.6, 0.6], [0, 0, 1, 0], bins=2), 12)
    0.4
    """
    score, clicked = (
        checks.array(name, values, dimensions=1, remedy="drop rows without an outcome first")
        for name, values in (("score", score), ("clicked", clicked))
    )
    checks.same_length(score=score, clicked=clicked)
    bins = checks.count("bins", bins, "5 is usual for a day", maximum=len(score))
    if not clicked.any():
        raise ValueError("clicked must hold a click, got none; take more rows")
    parts = np.array_split(np.argsort(score, kind="stable"), bins)
    return float(np.mean([abs(clicked[part].mean() - score[part].mean()) for part in parts]) / clicked.mean())
