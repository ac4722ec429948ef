"""Shrinkage of rates: estimates that begin at a prior and let go of it at the pace of the evidence."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from utils.foundation import checks
from utils.foundation.labels import same_labels
from utils.learning.cold_start.counts import success_counts

__all__ = ["beta_binomial_shrinkage", "fit_prior_strength"]

STRENGTHS = (1e-1, 1e6)  # weakest and strongest prior that is considered, in trials


def beta_binomial_shrinkage(
    successes: ArrayLike, trials: ArrayLike, *, prior_mean: ArrayLike, prior_strength: float
) -> NDArray[np.float64]:
    """Return success rates pulled toward a prior: the mean of the posterior under Beta(m s, (1 - m) s).

    Args:
        successes: counts.
        trials: counts of the same shape.
        prior_mean: m, rate expected without evidence, in (0, 1); broadcasts.
        prior_strength: s, how many trials the prior is worth.

    Returns:
        Rates in (0, 1), of the shape to which counts and means broadcast.

    Raises:
        ValueError: counts that are no counts, a mean outside (0, 1), a strength that is not positive.

    References:
        Gelman et al., "Bayesian Data Analysis", section 2.4.

    >>> float(beta_binomial_shrinkage(3, 10, prior_mean=0.02, prior_strength=100).round(4))
    0.0455
    """
    successes, trials, prior_mean = _checked(successes, trials, prior_mean)
    strength = checks.number("prior_strength", prior_strength, low=0, open_low=True)
    return (prior_mean * strength + successes) / (strength + trials)


def fit_prior_strength(successes: ArrayLike, trials: ArrayLike, *, prior_mean: ArrayLike) -> float:
    """Return the prior strength under which the counts are most likely: empirical Bayes for the beta-binomial.

    A large value says that the rates hardly differ from `prior_mean`, a small one that they differ a lot. The answer
    lies between 0.1 and 1,000,000 trials.

    Args:
        successes: counts, of any shape.
        trials: counts of the same shape, not all of them 0.
        prior_mean: rate expected without evidence, in (0, 1); broadcasts.

    Returns:
        The strength in trials.

    Raises:
        ValueError: counts that are no counts, no trials at all, or a mean outside (0, 1).
    """
    successes, trials, prior_mean = _checked(successes, trials, prior_mean)
    if not trials.any():
        raise ValueError("trials must not all be 0, a prior can't be learned from nothing; state its strength instead")

    def cost(log_strength: float) -> float:
        a, b = prior_mean * np.exp(log_strength), (1 - prior_mean) * np.exp(log_strength)
        return -np.sum(betaln(a + successes, b + trials - successes) - betaln(a, b))

    return float(np.exp(minimize_scalar(cost, bounds=np.log(STRENGTHS), method="bounded").x))


def _checked(successes: ArrayLike, trials: ArrayLike, prior_mean: ArrayLike) -> list[NDArray[np.float64]]:
    """Return the three, checked and broadcast."""
    same_labels(successes=successes, trials=trials, prior_mean=prior_mean)
    trials, successes = success_counts(trials, successes)
    mean = checks.array("prior_mean", np.atleast_1d(prior_mean))
    if (mean <= 0).any() or (mean >= 1).any():
        raise ValueError("prior_mean must lie in (0, 1), got a rate that leaves no doubt; shrink it toward the mean")
    try:
        return list(np.broadcast_arrays(successes, trials, mean.reshape(np.shape(prior_mean))))
    except ValueError:
        raise ValueError(
            f"prior_mean must fit the shape of the counts, {trials.shape}, got {mean.shape}; pass one mean, or one a count"
        ) from None
