"""Off-policy evaluation: what a new policy would have earned, from the log of another one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from utils.foundation import checks


class OffPolicyEstimate(NamedTuple):
    """An estimated mean reward of the target policy.

    value: the estimate, in units of reward per decision; standard_error: its standard error;
    low, high: the two-sided normal confidence interval; effective_sample_size: equally weighted rows it is worth.
    """

    value: float
    standard_error: float
    low: float
    high: float
    effective_sample_size: float


def effective_sample_size(weights: ArrayLike) -> float:
    """Return how many equally weighted rows carry the information of these weights.

    weights: (rows,) importance weights, target over logging propensity.
    Returns (sum w)^2 / sum w^2, between 1 and the number of rows, or 0 when every weight is 0; raises ValueError
    for negative or missing weights. Source: Kong (1992); Owen, Monte Carlo theory, section 9.3.

    >>> effective_sample_size([1, 1, 1, 1])
    4.0
    >>> effective_sample_size([100, 0, 0, 0])
    1.0
    """
    weights = checks.array("weights", weights, dimensions=1, low=0)
    scale = weights.max()
    if scale == 0:
        return 0.0
    weights = weights / scale
    return float(weights.sum() ** 2 / (weights**2).sum())


def _checked(reward, propensity, target_propensity) -> tuple[np.ndarray, np.ndarray]:
    """Return rewards and importance weights."""
    reward = checks.array("reward", reward, dimensions=1)
    propensity = checks.array("propensity", propensity, dimensions=1, low=0, high=1)
    target_propensity = checks.array("target_propensity", target_propensity, dimensions=1, low=0, high=1)
    checks.same_length(reward=reward, propensity=propensity, target_propensity=target_propensity)
    if len(reward) < 2:
        raise ValueError("reward must have at least two rows, got 1; one row has no spread to estimate")
    if propensity.min() == 0:
        raise ValueError("propensity must be positive, got 0; a row that was logged had a chance of being logged")
    return reward, target_propensity / propensity


def _estimate(value: float, influence: np.ndarray, weights: np.ndarray, level: float) -> OffPolicyEstimate:
    """Return the estimate whose error is the mean of `influence` (rows,), with its normal interval."""
    level = checks.number("level", level, low=0.5, high=0.9999)
    standard_error = influence.std(ddof=1) / np.sqrt(len(influence))
    half = ndtri((1 + level) / 2) * standard_error
    return OffPolicyEstimate(
        float(value), float(standard_error), float(value - half), float(value + half), effective_sample_size(weights)
    )


def ips(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, level: float = 0.95
) -> OffPolicyEstimate:
    """Return the inverse propensity estimate, the mean of weight times reward.

    reward: (rows,) of the logged action; propensity: (rows,) chance that the logging policy chose it, above 0;
    target_propensity: (rows,) chance that the target policy would have chosen it; level: of the interval.
    Returns an `OffPolicyEstimate`, unbiased where the logging policy may choose whatever the target may; raises
    ValueError for missing values, wrong ranges or lengths. Source: Horvitz and Thompson (1952).

    >>> ips([1, 0, 1, 0], [0.5] * 4, [1, 0, 1, 0]).value
    1.0
    """
    reward, weights = _checked(reward, propensity, target_propensity)
    return _estimate((weights * reward).mean(), weights * reward, weights, level)


def clipped_ips(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, max_weight: float, level: float = 0.95
) -> OffPolicyEstimate:
    """Return the inverse propensity estimate with no weight above `max_weight`: less variance for some bias.

    reward, propensity, target_propensity, level: as for `ips`; max_weight: the cap, positive.
    Returns an `OffPolicyEstimate` whose interval covers the clipped mean, which for rewards of at least 0 lies at or
    below the true value; raises ValueError as `ips` does. Source: Ionides (2008); Bottou et al. (2013), section 4.

    >>> clipped_ips([1, 1], [0.01, 0.5], [1, 0.5], max_weight=10).value
    5.5
    """
    reward, weights = _checked(reward, propensity, target_propensity)
    weights = np.minimum(weights, checks.number("max_weight", max_weight, low=0, open_low=True))
    return _estimate((weights * reward).mean(), weights * reward, weights, level)


def snips(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, level: float = 0.95
) -> OffPolicyEstimate:
    """Return the self-normalized inverse propensity estimate, the weighted mean of the rewards.

    reward, propensity, target_propensity, level: as for `ips`.
    Returns an `OffPolicyEstimate` with a delta-method standard error, biased by order 1/n and within the range of the
    rewards; raises ValueError as `ips` does, and where every weight is 0.
    Source: Swaminathan and Joachims (2015), section 4; Owen, Monte Carlo theory, equation 9.9.

    >>> snips([1, 0, 1], [0.5, 0.5, 0.25], [0.5, 0.5, 0.5]).value
    0.75
    """
    reward, weights = _checked(reward, propensity, target_propensity)
    if weights.sum() == 0:
        raise ValueError("target_propensity must be positive somewhere, got all 0; the log never did what it would do")
    value = (weights * reward).sum() / weights.sum()
    return _estimate(value, weights * (reward - value) / weights.mean(), weights, level)


def doubly_robust(
    reward: ArrayLike,
    propensity: ArrayLike,
    target_propensity: ArrayLike,
    *,
    predicted_logged: ArrayLike,
    predicted_target: ArrayLike,
    level: float = 0.95,
) -> OffPolicyEstimate:
    """Return the doubly robust estimate: a reward model, corrected by its weighted residuals on the log.

    reward, propensity, target_propensity, level: as for `ips`; predicted_logged: (rows,) model's reward of the logged
    action; predicted_target: (rows,) model's mean reward under the target policy in that context.
    The model should come from other rows than these. Returns an `OffPolicyEstimate`, right if either the propensities
    or the model are right; raises ValueError as `ips` does. Source: Dudik, Langford and Li (2011), equation 1.

    >>> doubly_robust([3, 5], [0.5, 0.5], [1, 0], predicted_logged=[3, 5], predicted_target=[3, 3]).value
    3.0
    """
    reward, weights = _checked(reward, propensity, target_propensity)
    predicted_logged = checks.array("predicted_logged", predicted_logged, dimensions=1)
    predicted_target = checks.array("predicted_target", predicted_target, dimensions=1)
    checks.same_length(reward=reward, predicted_logged=predicted_logged, predicted_target=predicted_target)
    rows = predicted_target + weights * (reward - predicted_logged)
    return _estimate(rows.mean(), rows, weights, level)
