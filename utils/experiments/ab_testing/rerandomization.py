"""One population split again and again: what a test would have said under each assignment."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.experiments.ab_testing.inference import MeanTest, welch_from_moments
from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.foundation.labels import aligned

__all__ = ["split_tests"]

ROUNDING = 1e-13  # variance ÷ mean square below which values differ by the rounding of their sums only


def split_tests(if_control: ArrayLike, if_treated: ArrayLike, arms: ArrayLike, alpha: float = 0.05) -> MeanTest:
    """Run Welch's test under many assignments of the same users, of whom both outcomes are known.

    Args:
        if_control: each user's outcome without the treatment, shape (n,).
        if_treated: each user's outcome with it, shape (n,); pass `if_control` again for A/A tests.
        arms: 0 for control and 1 for treatment, shape (splits, n). Series and the columns of a DataFrame meet user
            by user.
        alpha: one minus the interval's level.

    Returns:
        As `welch_test`, one entry a split. Four matrix products do the work of a loop over the splits.

    Raises:
        ValueError: outcomes of different shapes or users, NaN, arms other than 0 and 1, an arm of fewer than two
            users, a split in which neither arm varies.

    References:
        Neyman (1923), "On the application of probability theory to agricultural experiments", section 9: each unit has
        two potential outcomes, of which an experiment sees one.

    >>> split_tests([1, 2, 3, 4], [2, 4, 6, 8], [[0, 0, 1, 1], [1, 1, 0, 0]]).difference.tolist()
    [5.5, -0.5]
    """
    if_treated = aligned("if_treated", if_treated, "if_control", if_control)
    y0 = checks.array("if_control", if_control, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
    y1 = checks.array("if_treated", if_treated, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
    if y0.ndim != 1 or y0.shape != y1.shape:
        raise ValueError(f"if_treated must be one value a user like if_control, got {y1.shape} and {y0.shape}")
    treated = _checked_arms(aligned("arms", arms, "if_control", if_control), len(y0))
    n1 = treated.sum(axis=1)
    n0 = len(y0) - n1
    if (np.minimum(n0, n1) < 2).any():
        raise ValueError("arms must hold at least 2 users each in every split, got fewer; draw them again")
    center0, center1 = y0.mean(), y1.mean()  # keeps the digits of the squares
    y0, y1 = y0 - center0, y1 - center1
    mean0, variance0 = _moments(y0.sum() - treated @ y0, y0 @ y0 - treated @ y0**2, n0)
    mean1, variance1 = _moments(treated @ y1, treated @ y1**2, n1)
    return welch_from_moments(mean0, variance0, n0, mean1 + (center1 - center0), variance1, n1, alpha)


def _checked_arms(arms: ArrayLike, users: int) -> NDArray[np.float64]:
    treated = np.asarray(arms)
    if treated.ndim != 2 or treated.shape[1] != users or treated.shape[0] == 0:
        raise ValueError(f"arms must have shape (splits, {users}), got {treated.shape}; one column a user")
    if treated.dtype.kind not in "biuf" or np.ma.is_masked(arms) or not ((treated == 0) | (treated == 1)).all():
        raise ValueError("arms must be 0 or 1, got something else; compare two arms at a time")
    return treated.astype(np.float64, copy=False)


def _moments(
    total: NDArray[np.float64], squares: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of each split's arm from its sums; a variance that is rounding of the squares is 0."""
    deviations = squares - total**2 / n
    return total / n, np.where(deviations <= ROUNDING * squares, 0.0, deviations) / (n - 1)
