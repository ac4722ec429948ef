"""One population split again and again: what a test would have said under each assignment."""

import numpy as np
from numpy.typing import ArrayLike

from utils.experiments.ab_testing.inference import MeanTest, welch_from_moments
from utils.foundation import checks


def split_tests(if_control: ArrayLike, if_treated: ArrayLike, arms: ArrayLike, alpha: float = 0.05) -> MeanTest:
    """Run Welch's test under many assignments of the same users, of whom both outcomes are known.

    Args:
        if_control: each user's outcome without the treatment, shape (n,).
        if_treated: each user's outcome with it, shape (n,); pass `if_control` again for A/A tests.
        arms: 0 for control and 1 for treatment, shape (splits, n).
        alpha: one minus the interval's level.

    Returns:
        As `welch_test`, one entry a split. Four matrix products do the work of a loop over the splits.

    Raises:
        ValueError: outcomes of different shapes, NaN, arms other than 0 and 1, an arm of fewer than two users.

    Source:
        Neyman (1923), "On the application of probability theory to agricultural experiments", section 9: each unit has
        two potential outcomes, of which an experiment sees one.

    >>> split_tests([1, 2, 3, 4], [2, 4, 6, 8], [[0, 0, 1, 1], [1, 1, 0, 0]]).difference.tolist()
    [5.5, -0.5]
    """
    y0, y1 = checks.array("if_control", if_control), checks.array("if_treated", if_treated)
    if y0.ndim != 1 or y0.shape != y1.shape:
        raise ValueError(f"if_treated must be one value a user like if_control, got {y1.shape} and {y0.shape}")
    treated = np.asarray(arms)
    if treated.ndim != 2 or treated.shape[1] != len(y0):
        raise ValueError(f"arms must have shape (splits, {len(y0)}), got {treated.shape}; one column a user")
    if not ((treated == 0) | (treated == 1)).all():
        raise ValueError("arms must be 0 or 1, got something else; compare two arms at a time")
    treated = treated.astype(np.float64, copy=False)
    center = y0.mean()  # keeps the digits of the squares
    y0, y1 = y0 - center, y1 - center
    n1 = treated.sum(axis=1)
    mean0, variance0 = _moments(y0.sum() - treated @ y0, y0 @ y0 - treated @ y0**2, len(y0) - n1)
    mean1, variance1 = _moments(treated @ y1, treated @ y1**2, n1)
    return welch_from_moments(mean0, variance0, len(y0) - n1, mean1, variance1, n1, alpha)


def _moments(total, squares, n):
    if (n < 2).any():
        raise ValueError("arms must hold at least 2 users each in every split, got fewer; draw them again")
    return total / n, np.maximum(squares - total**2 / n, 0) / (n - 1)
