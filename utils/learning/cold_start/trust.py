"""Trust in a prediction, measured on past cases: how far to move from what is known toward what it says."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.foundation.labels import same_labels
from utils.learning.cold_start.counts import success_counts

__all__ = ["ClickTrust", "Trust", "trust_in", "trust_in_clicks"]

LARGEST_RATE = 1e6  # a rate is about 0 to 1; far more is a count in its place


class Trust(NamedTuple):
    """How far to believe a prediction.

    Attributes:
        weight: from 0 (use the base) to 1 (use the prediction): the slope, cut off at both ends.
        covariance: (dimensions, dimensions), of what is left of the outcome.
        slope: of the outcome on the prediction, both seen from the base; above 1 where the prediction is too timid.
        standard_error: of the slope, from case to case.
    """

    weight: float
    covariance: NDArray[np.float64]
    slope: float
    standard_error: float


def trust_in(prediction: ArrayLike, base: ArrayLike, outcome: ArrayLike) -> Trust:
    """Return the weight w in [0, 1] with which base + w (prediction - base) came closest to past outcomes.

    The squared error of base + w (prediction - base) is a parabola in w whose lowest point is the slope. So the prediction
    in full (w = 1) is worse than the base alone (w = 0) exactly where the slope is below one half.

    Outcomes must be measured, not fitted: an estimate that was shrunk toward the base, as factors of a ridge regression
    are, pulls the slope toward 0, by the more the less evidence it had, and the standard error does not show it. Where
    there are only counts, use `trust_in_clicks`.

    Args:
        prediction: (n_cases, dimensions), what would be believed.
        base: (n_cases, dimensions), what is known without it.
        outcome: (n_cases, dimensions); the cases are those whose outcome is known by now.

    Raises:
        ValueError: shapes or labels differ, values are not finite or too large to square, or there are no cases.

    References:
        The standard error allows for one case's dimensions erring together: White, "A heteroskedasticity-consistent
        covariance matrix estimator and a direct test for heteroskedasticity", Econometrica 48 (1980), by case.
        The diagonal is leaned on as Ledoit and Wolf do, "A well-conditioned estimator for large-dimensional covariance
        matrices", Journal of Multivariate Analysis 88 (2004), with a fixed share.
    """
    same_labels(prediction=prediction, base=base, outcome=outcome)
    arrays = []
    for name, values in (("prediction", prediction), ("base", base), ("outcome", outcome)):
        array = checks.array(name, values, dimensions=2, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
        if arrays and array.shape != arrays[0].shape:
            raise ValueError(
                f"{name} must have the shape of prediction, {arrays[0].shape}, got {array.shape}; align them"
            )
        arrays.append(array)
    prediction, base, outcome = arrays
    step = prediction - base
    size = np.sum(step**2)
    slope = float(np.sum(step * (outcome - base)) / size) if size > 0 else 0.0
    by_case = np.sum(step * (outcome - base - slope * step), axis=1)
    standard_error = float(np.sqrt(np.sum(by_case**2)) / size) if size > 0 else 0.0
    weight = float(np.clip(slope, 0, 1))
    left = outcome - base - weight * step
    covariance = left.T @ left / len(left)
    # Few cases: lean on the diagonal, and keep it positive definite.
    share = len(left) / (len(left) + 2 * left.shape[1])
    covariance = share * covariance + (1 - share) * np.diag(np.diag(covariance))
    return Trust(weight, covariance + 1e-9 * np.eye(len(covariance)), slope, standard_error)


class ClickTrust(NamedTuple):
    """How far to believe predicted rates, by counts.

    Attributes:
        weight: from 0 (use the base) to 1 (use the prediction): the slope, cut off at both ends.
        slope: of the counts on the prediction, both seen from the base; above 1 where the prediction is too timid.
        standard_error: of the slope, from case to case.
    """

    weight: float
    slope: float
    standard_error: float


def trust_in_clicks(prediction: ArrayLike, base: ArrayLike, trials: ArrayLike, successes: ArrayLike) -> ClickTrust:
    """Return the weight w in [0, 1] with which the rates base + w (prediction - base) came closest to counts.

    Each trial is one observation of its rate, and nothing is fitted to a case before it is compared. So few trials make
    the slope uncertain, and not small: the slope is sum(step (successes - trials base)) / sum(trials step^2) with step =
    prediction - base, least squares over trials.

    Args:
        prediction: (n_cases, n_columns), rates that would be believed.
        base: (n_cases, n_columns), rates that are expected without the prediction.
        trials: (n_cases, n_columns), counts.
        successes: (n_cases, n_columns), counts.

    Raises:
        ValueError: shapes or labels differ, rates are not finite, counts are no counts, or fewer than two cases have
            trials.

    References:
        The standard error allows for one case's trials erring together: White, "A heteroskedasticity-consistent
        covariance matrix estimator and a direct test for heteroskedasticity", Econometrica 48 (1980), by case.

    >>> round(trust_in_clicks([[0.5], [0.7]], [[0.3], [0.3]], [[10], [10]], [[4], [5]]).slope, 3)
    0.5
    """
    same_labels(prediction=prediction, base=base, trials=trials, successes=successes)
    trials, successes = success_counts(trials, successes)
    rates = []
    for name, values in (("prediction", prediction), ("base", base)):
        array = checks.array(name, values, dimensions=2, low=-LARGEST_RATE, high=LARGEST_RATE)
        if array.shape != trials.shape:
            raise ValueError(f"{name} must have the shape of trials, {trials.shape}, got {array.shape}; align them")
        rates.append(array)
    cases = int((trials.sum(axis=1) > 0).sum())
    if cases < 2:
        raise ValueError(f"trials must be of two cases at least, got {cases} with any; show them to somebody first")
    step = rates[0] - rates[1]
    size = np.sum(trials * step**2, axis=1)
    pull = np.sum(step * (successes - trials * rates[1]), axis=1)
    if size.sum() == 0:
        return ClickTrust(0.0, 0.0, 0.0)
    slope = float(pull.sum() / size.sum())
    standard_error = float(np.sqrt(np.sum((pull - slope * size) ** 2)) / size.sum())
    return ClickTrust(float(np.clip(slope, 0, 1)), slope, standard_error)
