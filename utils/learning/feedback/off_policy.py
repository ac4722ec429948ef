"""Off-policy evaluation: what a new policy would have earned, from the log of another one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from utils.foundation import checks
from utils.foundation.labels import same_labels

__all__ = ["OffPolicyEstimate", "clipped_ips", "doubly_robust", "effective_sample_size", "ips", "snips"]

LARGEST = 1e70  # the square of a product of two larger ones overflows


class OffPolicyEstimate(NamedTuple):
    """An estimated mean reward of the target policy.

    Attributes:
        value: the estimate, in units of reward per decision.
        standard_error: its standard error.
        low: the lower end of the two-sided normal confidence interval.
        high: the upper end.
        effective_sample_size: how many equally weighted rows the log is worth.
    """

    value: float
    standard_error: float
    low: float
    high: float
    effective_sample_size: float


def effective_sample_size(weights: ArrayLike) -> float:
    """Return how many equally weighted rows carry the information of these weights.

    Args:
        weights: (rows,) importance weights, target over logging propensity.

    Returns:
        (sum w)^2 / sum w^2, between 1 and the number of rows, or 0 when every weight is 0.

    Raises:
        ValueError: negative or missing weights.

    References:
        Kong, "A note on importance sampling using standardized weights" (1992); Owen, "Monte Carlo theory, methods and
        examples", on importance sampling.

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


def _checked(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, max_weight: float = np.inf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rewards and importance weights, none of them above `max_weight`."""
    same_labels(reward=reward, propensity=propensity, target_propensity=target_propensity)
    reward = checks.array("reward", reward, dimensions=1, low=-LARGEST, high=LARGEST)
    propensity = checks.array("propensity", propensity, dimensions=1, low=0, high=1)
    target_propensity = checks.array("target_propensity", target_propensity, dimensions=1, low=0, high=1)
    checks.same_length(reward=reward, propensity=propensity, target_propensity=target_propensity)
    if len(reward) < 2:
        raise ValueError("reward must have at least two rows, got 1; one row has no spread to estimate")
    if propensity.min() == 0:
        raise ValueError("propensity must be positive, got 0; a row that was logged had a chance of being logged")
    with np.errstate(over="ignore"):  # an infinite weight may still be clipped
        weights = np.minimum(target_propensity / propensity, max_weight)
    if weights.max() > LARGEST:
        raise ValueError(f"propensity must not be so small that a weight exceeds {LARGEST:g}; clip the weights")
    return reward, weights


def _estimate(
    value: float, influence: NDArray[np.float64], weights: NDArray[np.float64], level: float
) -> OffPolicyEstimate:
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

    Args:
        reward: (rows,) of the logged action.
        propensity: (rows,) chance that the logging policy chose it, above 0.
        target_propensity: (rows,) chance that the target policy would have chosen it.
        level: of the interval, from 0.5 to 0.9999.

    Returns:
        `OffPolicyEstimate`, unbiased where the logging policy may choose whatever the target may.

    Raises:
        ValueError: missing values, wrong ranges or lengths, labels that differ, rewards or weights too large to square.

    References:
        Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe", JASA 47 (1952).

    >>> ips([1, 0, 1, 0], [0.5] * 4, [1, 0, 1, 0]).value
    1.0
    """
    reward, weights = _checked(reward, propensity, target_propensity)
    return _estimate((weights * reward).mean(), weights * reward, weights, level)


def clipped_ips(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, max_weight: float, level: float = 0.95
) -> OffPolicyEstimate:
    """Return the inverse propensity estimate with no weight above `max_weight`: less variance for some bias.

    Args:
        reward: (rows,) of the logged action.
        propensity: (rows,) chance that the logging policy chose it, above 0.
        target_propensity: (rows,) chance that the target policy would have chosen it.
        max_weight: the cap, positive.
        level: of the interval, from 0.5 to 0.9999.

    Returns:
        `OffPolicyEstimate` whose interval covers the clipped mean, which for rewards of at least 0 lies at or below the
        true value.

    Raises:
        ValueError: missing values, wrong ranges or lengths, labels that differ, rewards or weights too large to square.

    References:
        Ionides, "Truncated importance sampling" (2008); Bottou et al., "Counterfactual reasoning and learning systems",
        JMLR 14 (2013).

    >>> clipped_ips([1, 1], [0.01, 0.5], [1, 0.5], max_weight=10).value
    5.5
    """
    max_weight = checks.number("max_weight", max_weight, low=0, open_low=True)
    reward, weights = _checked(reward, propensity, target_propensity, max_weight=max_weight)
    return _estimate((weights * reward).mean(), weights * reward, weights, level)


def snips(
    reward: ArrayLike, propensity: ArrayLike, target_propensity: ArrayLike, *, level: float = 0.95
) -> OffPolicyEstimate:
    """Return the self-normalized inverse propensity estimate, the weighted mean of the rewards.

    Args:
        reward: (rows,) of the logged action.
        propensity: (rows,) chance that the logging policy chose it, above 0.
        target_propensity: (rows,) chance that the target policy would have chosen it.
        level: of the interval, from 0.5 to 0.9999.

    Returns:
        `OffPolicyEstimate` with a delta-method standard error, biased by order 1/n and within the range of the rewards.

    Raises:
        ValueError: as for `ips`, and where every weight is 0.

    References:
        Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning", NIPS 2015; Owen,
        "Monte Carlo theory, methods and examples", on importance sampling.

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

    The model should come from other rows than these.

    Args:
        reward: (rows,) of the logged action.
        propensity: (rows,) chance that the logging policy chose it, above 0.
        target_propensity: (rows,) chance that the target policy would have chosen it.
        predicted_logged: (rows,) model's reward of the logged action.
        predicted_target: (rows,) model's mean reward under the target policy in that context.
        level: of the interval, from 0.5 to 0.9999.

    Returns:
        `OffPolicyEstimate`, right if either the propensities or the model are right.

    Raises:
        ValueError: missing values, wrong ranges or lengths, labels that differ, rewards or weights too large to square.

    References:
        Dudík, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011.

    >>> doubly_robust([3, 5], [0.5, 0.5], [1, 0], predicted_logged=[3, 5], predicted_target=[3, 3]).value
    3.0
    """
    same_labels(
        reward=reward, propensity=propensity, target_propensity=target_propensity,
        predicted_logged=predicted_logged, predicted_target=predicted_target,
    )  # fmt: skip
    reward, weights = _checked(reward, propensity, target_propensity)
    predicted_logged = checks.array("predicted_logged", predicted_logged, dimensions=1, low=-LARGEST, high=LARGEST)
    predicted_target = checks.array("predicted_target", predicted_target, dimensions=1, low=-LARGEST, high=LARGEST)
    checks.same_length(reward=reward, predicted_logged=predicted_logged, predicted_target=predicted_target)
    rows = predicted_target + weights * (reward - predicted_logged)
    return _estimate(rows.mean(), rows, weights, level)
