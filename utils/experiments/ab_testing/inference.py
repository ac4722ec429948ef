"""Two-sample inference for experiments: Welch's test, ratios of means by the delta method, CUPED."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks


class MeanTest(NamedTuple):
    """Difference treatment − control with its test; each field has the leading shape of the input, floats if none."""

    difference: float | NDArray[np.float64]
    standard_error: float | NDArray[np.float64]
    statistic: float | NDArray[np.float64]
    degrees_of_freedom: float | NDArray[np.float64]
    p_value: float | NDArray[np.float64]
    low: float | NDArray[np.float64]
    high: float | NDArray[np.float64]


class Cuped(NamedTuple):
    """Adjusted metric, shape (n,), with the slope, the correlation and the share of variance removed (ρ²)."""

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
        ValueError: fewer than two users in an arm, NaN, leading shapes that differ, both arms constant.

    Source:
        Welch (1947), "The generalization of Student's problem when several different population variances are
        involved", Biometrika 34.

    >>> result = welch_test([1, 2, 3, 4], [2, 4, 6, 8])
    >>> round(result.difference, 3), round(result.p_value, 3)
    (2.5, 0.152)
    """
    control = checks.array("control", control, minimum_length=2)
    treatment = checks.array("treatment", treatment, minimum_length=2)
    _same_leading_shape(control, treatment)
    return welch_from_moments(
        control.mean(axis=-1), control.var(axis=-1, ddof=1), control.shape[-1],
        treatment.mean(axis=-1), treatment.var(axis=-1, ddof=1), treatment.shape[-1], alpha,
    )  # fmt: skip


def welch_from_moments(
    control_mean: ArrayLike, control_variance: ArrayLike, control_users: ArrayLike,
    treatment_mean: ArrayLike, treatment_variance: ArrayLike, treatment_users: ArrayLike, alpha: float = 0.05,
) -> MeanTest:  # fmt: skip
    """Compare two means of which only the moments are known; the same test as `welch_test`.

    Args:
        control_mean, treatment_mean: means; all six broadcast against each other.
        control_variance, treatment_variance: unbiased sample variances.
        control_users, treatment_users: numbers of users, at least two.
        alpha: one minus the interval's level.

    Returns:
        As `welch_test`.

    Raises:
        ValueError: NaN, negative variances, fewer than two users, both variances zero.
    """
    alpha = checks.significance_level(alpha)
    moments = [control_mean, control_variance, control_users, treatment_mean, treatment_variance, treatment_users]
    mean0, variance0, n0, mean1, variance1, n1 = (np.asarray(moment, dtype=np.float64) for moment in moments)
    if not all(np.isfinite(moment).all() for moment in (mean0, variance0, n0, mean1, variance1, n1)):
        raise ValueError("control and treatment moments must be finite, got NaN or infinity; drop empty arms")
    if (n0 < 2).any() or (n1 < 2).any():
        raise ValueError("control_users and treatment_users must be at least 2, got fewer; collect more users")
    if (variance0 < 0).any() or (variance1 < 0).any() or (variance0 + variance1 == 0).any():
        raise ValueError("control and treatment must vary, got no variance in either; a constant metric has no test")
    share0, share1 = variance0 / n0, variance1 / n1
    squared_error = share0 + share1
    error = np.sqrt(squared_error)
    freedom = squared_error**2 / (share0**2 / (n0 - 1) + share1**2 / (n1 - 1))
    difference = mean1 - mean0
    margin = stats.t.isf(alpha / 2, freedom) * error
    p_value = 2 * stats.t.sf(np.abs(difference) / error, freedom)
    fields = (difference, error, difference / error, freedom, p_value, difference - margin, difference + margin)
    return MeanTest(*(float(field) if np.ndim(field) == 0 else field for field in fields))


def ratio_test(
    control_numerator: ArrayLike, control_denominator: ArrayLike,
    treatment_numerator: ArrayLike, treatment_denominator: ArrayLike, alpha: float = 0.05,
) -> MeanTest:  # fmt: skip
    """Compare ratios of sums, such as clicks per view, when users are the units of randomization.

    Args:
        control_numerator, control_denominator: sums per user (clicks, views), shape (..., n0).
        treatment_numerator, treatment_denominator: sums per user, shape (..., n1).
        alpha: one minus the interval's level.

    Returns:
        Difference of the two ratios with a Welch test of the linearized metric.

    Raises:
        ValueError: shapes that differ, NaN, fewer than two users, a denominator that sums to zero or is negative.

    Source:
        Deng, Knoblich, Lu (2018), "Applying the delta method in metric analytics", KDD, section 2.2: the ratio
        x̄/ȳ has the variance of the mean of (x − (x̄/ȳ) y)/ȳ, each user's linearized contribution.
    """
    ratio0, variance0, users0 = _linearize(control_numerator, control_denominator, "control")
    ratio1, variance1, users1 = _linearize(treatment_numerator, treatment_denominator, "treatment")
    if ratio0.shape != ratio1.shape:
        raise ValueError(f"control and treatment must have equal leading shapes, got {ratio0.shape} and {ratio1.shape}")
    return welch_from_moments(ratio0, variance0, users0, ratio1, variance1, users1, alpha)


def cuped(metric: ArrayLike, covariate: ArrayLike) -> Cuped:
    """Subtract from a metric what a pre-period covariate predicts, without moving its mean.

    Args:
        metric: one value a user, both arms together, shape (n,).
        covariate: measured before the experiment started, shape (n,).

    Returns:
        The adjusted metric (split it by arm and test as usual), the slope cov/var, the correlation ρ, and ρ².

    Raises:
        ValueError: shapes that differ, NaN, fewer than two users, a constant metric or covariate.

    Source:
        Deng, Xu, Kohavi, Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
        pre-experiment data", WSDM, section 3.2: the variance shrinks by the factor 1 − ρ².

    >>> cuped([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0]).variance_reduction
    1.0
    """
    metric = checks.array("metric", metric, minimum_length=2)
    covariate = checks.array("covariate", covariate, minimum_length=2)
    if metric.ndim != 1 or metric.shape != covariate.shape:
        raise ValueError(
            f"covariate must have the metric's one axis, got {covariate.shape} for {metric.shape}; align users first"
        )
    centered, deviation = covariate - covariate.mean(), metric - metric.mean()
    spread, variance = centered @ centered, deviation @ deviation
    if spread == 0 or variance == 0:
        raise ValueError("covariate and metric must vary, got a constant; leave CUPED out when it has nothing to use")
    theta = float(centered @ deviation / spread)
    correlation = float(centered @ deviation / np.sqrt(spread * variance))
    return Cuped(metric - theta * centered, theta, correlation, correlation**2)


def _linearize(numerator: ArrayLike, denominator: ArrayLike, arm: str):
    x = checks.array(f"{arm}_numerator", numerator, minimum_length=2)
    y = checks.array(f"{arm}_denominator", denominator, minimum_length=2)
    if x.shape != y.shape:
        raise ValueError(f"{arm}_denominator must have the shape of {arm}_numerator, got {y.shape} and {x.shape}")
    if (y < 0).any() or (y.sum(axis=-1) == 0).any():
        raise ValueError(f"{arm}_denominator must be non-negative and not all zero; drop users without exposure")
    mean = y.mean(axis=-1, keepdims=True)
    ratio = x.mean(axis=-1, keepdims=True) / mean
    return ratio[..., 0], ((x - ratio * y) / mean).var(axis=-1, ddof=1), x.shape[-1]


def _same_leading_shape(control: NDArray, treatment: NDArray) -> None:
    if control.shape[:-1] != treatment.shape[:-1]:
        raise ValueError(
            f"control and treatment must have equal leading shapes, got {control.shape} and {treatment.shape}; "
            "put users on the last axis"
        )
