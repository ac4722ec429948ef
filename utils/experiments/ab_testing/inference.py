"""Two-sample inference for experiments: Welch's test, ratios of means by the delta method, CUPED."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.foundation.labels import aligned, all_aligned, same_order
from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = ["Cuped", "MeanTest", "cuped", "ratio_test", "welch_from_moments", "welch_test"]

SMALLEST_SQUARE = 1e-300  # of a standard error; below it a float loses its digits
ROUNDING = 16 * np.finfo(np.float64).eps  # values that differ by less of their size differ by rounding only

LIMITS = {
    "mean": (-LARGEST_SQUARABLE, LARGEST_SQUARABLE),
    "variance": (0, LARGEST_SQUARABLE**2),
    "users": (2, LARGEST_COUNT),
}


class MeanTest(NamedTuple):
    """Difference treatment − control with its test; each field has the leading shape of the input, floats if none.

    Args:
        difference: treatment − control, in the metric's unit.
        standard_error: of the difference, in the metric's unit.
        statistic: difference in standard errors, Welch's t.
        degrees_of_freedom: Welch and Satterthwaite's.
        pvalue: two-sided.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    difference: float | NDArray[np.float64]
    standard_error: float | NDArray[np.float64]
    statistic: float | NDArray[np.float64]
    degrees_of_freedom: float | NDArray[np.float64]
    pvalue: float | NDArray[np.float64]
    low: float | NDArray[np.float64]
    high: float | NDArray[np.float64]


class Cuped(NamedTuple):
    """What `cuped` makes of a metric.

    Args:
        adjusted: the metric without what the covariate predicts, shape (n,).
        theta: slope of the metric on the covariate.
        correlation: of the two, ρ.
        variance_reduction: share of variance removed, ρ².
    """

    adjusted: NDArray[np.float64]
    theta: float
    correlation: float
    variance_reduction: float


def welch_test(control: ArrayLike, treatment: ArrayLike, alpha: float = 0.05) -> MeanTest:
    """Compare two means without assuming equal variances, two-sided.

    Args:
        control: metric per user, shape (..., n0); leading axes are separate experiments.
        treatment: metric per user, shape (..., n1).
        alpha: one minus the interval's level.

    Returns:
        Difference of means, standard error, t, Welch–Satterthwaite degrees of freedom, p-value, interval.

    Raises:
        ValueError: fewer than two users in an arm, NaN, leading shapes that differ, both arms constant (values that
            differ by rounding only count as equal).

    References:
        Welch (1947), "The generalization of Student's problem when several different population variances are
        involved", Biometrika 34.

    >>> result = welch_test([1, 2, 3, 4], [2, 4, 6, 8])
    >>> round(result.difference, 3), round(result.pvalue, 3)
    (2.5, 0.152)
    """
    same_order(index_of_control=_experiments(control), index_of_treatment=_experiments(treatment))
    control, treatment = _metric("control", control), _metric("treatment", treatment)
    if control.shape[:-1] != treatment.shape[:-1]:
        raise ValueError(
            f"control and treatment must have equal leading shapes, got {control.shape} and {treatment.shape}; "
            "put users on the last axis"
        )
    return welch_from_moments(
        control.mean(axis=-1), _variance(control), control.shape[-1],
        treatment.mean(axis=-1), _variance(treatment), treatment.shape[-1], alpha,
    )  # fmt: skip


def welch_from_moments(
    control_mean: ArrayLike, control_variance: ArrayLike, control_users: ArrayLike,
    treatment_mean: ArrayLike, treatment_variance: ArrayLike, treatment_users: ArrayLike, alpha: float = 0.05,
) -> MeanTest:  # fmt: skip
    """Compare two means of which only the moments are known; the same test as `welch_test`.

    Args:
        control_mean: mean per user; all six moments broadcast against each other, and Series meet label by label.
        control_variance: unbiased sample variance.
        control_users: number of users, whole, at least two.
        treatment_mean: as in control.
        treatment_variance: as in control.
        treatment_users: as in control.
        alpha: one minus the interval's level.

    Returns:
        As `welch_test`.

    Raises:
        ValueError: not numbers, masked values, NaN, negative variances, fewer than two users or parts of them, labels
            that differ, both variances zero or too small for a float.
    """
    alpha = checks.significance_level(alpha)
    mean0, variance0, n0, mean1, variance1, n1 = _moments(
        control_mean=control_mean, control_variance=control_variance, control_users=control_users,
        treatment_mean=treatment_mean, treatment_variance=treatment_variance, treatment_users=treatment_users,
    )  # fmt: skip
    squared_error = variance0 / n0 + variance1 / n1
    if (squared_error == 0).any():
        raise ValueError("control and treatment must vary, got no variance in either; a constant metric has no test")
    if squared_error.min() < SMALLEST_SQUARE:
        raise ValueError(
            f"control_variance and treatment_variance must not be so small that their squared error is below "
            f"{SMALLEST_SQUARE:g}, got {squared_error.min():g}; choose a smaller unit"
        )
    error = np.sqrt(squared_error)
    # as shares of the squared error, so that no square of a variance overflows
    share0, share1 = variance0 / n0 / squared_error, variance1 / n1 / squared_error
    freedom = 1 / (share0**2 / (n0 - 1) + share1**2 / (n1 - 1))
    difference = mean1 - mean0
    margin = stats.t.isf(alpha / 2, freedom) * error
    pvalue = 2 * stats.t.sf(np.abs(difference) / error, freedom)
    fields = (difference, error, difference / error, freedom, pvalue, difference - margin, difference + margin)
    return MeanTest(*(float(field) if np.ndim(field) == 0 else field for field in fields))


def ratio_test(
    control_numerator: ArrayLike, control_denominator: ArrayLike,
    treatment_numerator: ArrayLike, treatment_denominator: ArrayLike, alpha: float = 0.05,
) -> MeanTest:  # fmt: skip
    """Compare ratios of sums, such as clicks per view, when users are the units of randomization.

    Args:
        control_numerator: sums per user, such as clicks, shape (..., n0).
        control_denominator: sums per user, such as views, shape (..., n0). Two Series meet user by user.
        treatment_numerator: sums per user, shape (..., n1).
        treatment_denominator: sums per user, shape (..., n1).
        alpha: one minus the interval's level.

    Returns:
        Difference of the two ratios with a Welch test of the linearized metric.

    Raises:
        ValueError: shapes that differ, NaN, fewer than two users, a denominator that sums to zero or is negative, the
            same ratio for every user.

    References:
        Deng, Knoblich, Lu (2018), "Applying the delta method in metric analytics", KDD, section 2.2: the ratio
        x̄/ȳ has the variance of the mean of (x − (x̄/ȳ) y)/ȳ, each user's linearized contribution.
    """
    same_order(index_of_control=_experiments(control_numerator), index_of_treatment=_experiments(treatment_numerator))
    ratio0, variance0, users0 = _linearize(control_numerator, control_denominator, "control")
    ratio1, variance1, users1 = _linearize(treatment_numerator, treatment_denominator, "treatment")
    if ratio0.shape != ratio1.shape:
        raise ValueError(f"control and treatment must have equal leading shapes, got {ratio0.shape} and {ratio1.shape}")
    return welch_from_moments(ratio0, variance0, users0, ratio1, variance1, users1, alpha)


def cuped(metric: ArrayLike, covariate: ArrayLike) -> Cuped:
    """Subtract from a metric what a pre-period covariate predicts, without moving its mean.

    Args:
        metric: one value a user, both arms together, shape (n,).
        covariate: measured before the experiment started, shape (n,). Two Series meet user by user.

    Returns:
        The adjusted metric (split it by arm and test as usual), the slope cov/var, the correlation ρ, and ρ².

    Raises:
        ValueError: shapes or users that differ, NaN, fewer than two users, a constant metric or covariate.

    References:
        Deng, Xu, Kohavi, Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
        pre-experiment data", WSDM, section 3.2: the variance shrinks by the factor 1 − ρ².

    >>> cuped([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0]).variance_reduction
    1.0
    """
    covariate = aligned("covariate", covariate, "metric", metric)
    metric, covariate = _metric("metric", metric), _metric("covariate", covariate)
    if metric.ndim != 1 or metric.shape != covariate.shape:
        raise ValueError(
            f"covariate must have the metric's one axis, got {covariate.shape} for {metric.shape}; align users first"
        )
    if _variance(covariate) == 0 or _variance(metric) == 0:
        raise ValueError("covariate and metric must vary, got a constant; leave CUPED out when it has nothing to use")
    centered, deviation = covariate - covariate.mean(), metric - metric.mean()
    theta = float(centered @ deviation / (centered @ centered))
    # dividing by each norm in turn, and within the bounds that rounding may pass
    cosine = (centered / np.linalg.norm(centered)) @ (deviation / np.linalg.norm(deviation))
    correlation = float(np.clip(cosine, -1, 1))
    return Cuped(metric - theta * centered, theta, correlation, correlation**2)


def _linearize(
    numerator: ArrayLike, denominator: ArrayLike, arm: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return an arm's ratio, the variance of the users' contributions to it, and the number of users."""
    numerator, denominator = all_aligned(**{f"{arm}_numerator": numerator, f"{arm}_denominator": denominator})
    x, y = _metric(f"{arm}_numerator", numerator), _metric(f"{arm}_denominator", denominator)
    if x.shape != y.shape:
        raise ValueError(f"{arm}_denominator must have the shape of {arm}_numerator, got {y.shape} and {x.shape}")
    if (y < 0).any() or (y.sum(axis=-1) == 0).any():
        raise ValueError(f"{arm}_denominator must be non-negative and not all zero; drop users without exposure")
    mean = y.mean(axis=-1, keepdims=True)
    ratio = x.mean(axis=-1, keepdims=True) / mean
    return ratio[..., 0], _variance((x - ratio * y) / mean, size=x / mean), x.shape[-1]


def _moments(**moments: ArrayLike) -> list[NDArray[np.float64]]:
    """Return the moments of two arms, by the arguments' names, checked and meeting label by label."""
    found = []
    for (name, given), values in zip(moments.items(), all_aligned(**moments), strict=True):
        low, high = LIMITS[name.split("_")[1]]
        checked = checks.array(name, np.atleast_1d(values), low=low, high=high, remedy="drop empty arms")
        if name.endswith("users") and (checked != np.floor(checked)).any():
            raise ValueError(f"{name} must be whole numbers, got {checks.told(given)}; count users, not shares")
        found.append(checked.reshape(np.shape(values)))
    return found


def _experiments(values: Any) -> pd.Index | None:
    """Return the labels of the experiments, the rows of a frame."""
    return values.index if isinstance(values, pd.DataFrame) else None


def _metric(name: str, values: ArrayLike) -> NDArray[np.float64]:
    return checks.array(name, values, minimum_length=2, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)


def _variance(values: NDArray[np.float64], size: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the sample variance of the last axis, and 0 where values differ by the rounding of `size` only."""
    largest = np.abs(values if size is None else size).max(axis=-1)
    return np.where(np.ptp(values, axis=-1) <= ROUNDING * largest, 0.0, values.var(axis=-1, ddof=1))
