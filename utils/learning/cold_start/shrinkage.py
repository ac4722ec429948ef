"""Cold start: estimates that begin at a prior and let go of it at the pace of the evidence."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from utils.foundation import checks
from utils.learning.cold_start.fallback_chain import Answer, Attempt, FallbackChain

__all__ = [
    "Answer",
    "Attempt",
    "FallbackChain",
    "beta_binomial_shrinkage",
    "fit_prior_strength",
    "group_rates",
    "james_stein",
    "trust_in",
]
STRENGTHS = (1e-1, 1e6)  # weakest and strongest prior that is considered, in trials


def beta_binomial_shrinkage(
    successes: ArrayLike, trials: ArrayLike, *, prior_mean: ArrayLike, prior_strength: float
) -> np.ndarray:
    """Return success rates pulled toward a prior: the mean of the posterior under Beta(m s, (1 - m) s).

    Args:
        successes, trials: counts, of any one shape.
        prior_mean: m, rate expected without evidence, in (0, 1); broadcasts.
        prior_strength: s, how many trials the prior is worth.

    Raises:
        ValueError: counts that are no counts, a mean outside (0, 1), a strength that is not positive.

    Reference: Gelman et al., "Bayesian Data Analysis", section 2.4.

    >>> float(beta_binomial_shrinkage(3, 10, prior_mean=0.02, prior_strength=100).round(4))
    0.0455
    """
    successes, trials, prior_mean = _counts(successes, trials, prior_mean)
    strength = checks.number("prior_strength", prior_strength, low=0, open_low=True)
    return (prior_mean * strength + successes) / (strength + trials)


def fit_prior_strength(successes: ArrayLike, trials: ArrayLike, *, prior_mean: ArrayLike) -> float:
    """Return the prior strength under which the counts are most likely: empirical Bayes for the beta-binomial.

    A large value says that the rates hardly differ from `prior_mean`, a small one that they differ a lot. The answer
    lies between 0.1 and 1,000,000 trials. Arguments as in `beta_binomial_shrinkage`.

    Raises:
        ValueError: counts that are no counts, no trials at all, or a mean outside (0, 1).
    """
    successes, trials, prior_mean = _counts(successes, trials, prior_mean)
    if not trials.any():
        raise ValueError("trials must not all be 0, a prior can't be learned from nothing; state its strength instead")

    def cost(log_strength):
        a, b = prior_mean * np.exp(log_strength), (1 - prior_mean) * np.exp(log_strength)
        return -np.sum(betaln(a + successes, b + trials - successes) - betaln(a, b))

    return float(np.exp(minimize_scalar(cost, bounds=np.log(STRENGTHS), method="bounded").x))


def _counts(successes, trials, prior_mean):
    """Return the three, checked and broadcast."""
    try:
        successes, trials, prior_mean = np.broadcast_arrays(
            *(np.asarray(v, float) for v in (successes, trials, prior_mean))
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"successes, trials and prior_mean must be numbers of one shape: {error}") from None
    checks.array("successes", successes.ravel(), dimensions=1, low=0)
    checks.array("trials", trials.ravel(), dimensions=1, low=0)
    checks.array("prior_mean", prior_mean.ravel(), dimensions=1)
    if (successes > trials).any():
        raise ValueError("successes must not exceed trials, got more successes than trials; swap the arguments")
    if (prior_mean <= 0).any() or (prior_mean >= 1).any():
        raise ValueError("prior_mean must lie in (0, 1), got a rate that leaves no doubt; shrink it toward the mean")
    return successes, trials, prior_mean


class GroupRates(NamedTuple):
    """Rates of each group in each column, (n_groups, n_columns), and the fitted prior strength in trials."""

    rates: np.ndarray
    prior_strength: float


def group_rates(group: ArrayLike, trials: ArrayLike, successes: ArrayLike, *, parent: ArrayLike) -> GroupRates:
    """Return the rates of groups of rows (cities, age bands), shrunk toward those of everybody.

    Args:
        group: (n_rows,) code of each row, 0 … n_groups - 1.
        trials, successes: (n_rows, n_columns) counts.
        parent: (n_columns,) rates of everybody, in (0, 1).

    Raises:
        ValueError: codes that are no codes, or counts that are no counts.
    """
    trials, successes = np.asarray(trials, float), np.asarray(successes, float)
    codes = checks.array("group", group, dimensions=1, low=0)
    if trials.ndim != 2 or len(trials) != len(codes) or (codes % 1).any():
        raise ValueError(
            f"group must hold one whole code for each of the {len(trials)} rows of trials, got {len(codes)}"
        )
    member = np.eye(int(codes.max()) + 1)[codes.astype(int)].T
    pooled = member @ successes, member @ trials
    strength = fit_prior_strength(*pooled, prior_mean=parent)
    rates = beta_binomial_shrinkage(*pooled, prior_mean=parent, prior_strength=strength)
    return GroupRates(rates, strength)


class Trust(NamedTuple):
    """How far to believe a prediction: `weight` from 0 (use the base) to 1, and the `covariance` of what is left."""

    weight: float
    covariance: np.ndarray


def trust_in(prediction: ArrayLike, base: ArrayLike, outcome: ArrayLike) -> Trust:
    """Return the weight w in [0, 1] with which base + w (prediction - base) came closest to past outcomes.

    Args:
        prediction, base, outcome: (n_cases, dimensions); the cases are those whose outcome is known by now.

    Raises:
        ValueError: shapes differ, values are not finite, or there are no cases.
    """
    names = ("prediction", "base", "outcome")
    arrays = [np.asarray(v, dtype=float) for v in (prediction, base, outcome)]
    for name, array in zip(names, arrays, strict=True):
        if array.ndim != 2 or array.size == 0 or array.shape != arrays[0].shape or not np.isfinite(array).all():
            raise ValueError(
                f"{name} must be a finite matrix of shape {arrays[0].shape}, got {array.shape}; align them"
            )
    prediction, base, outcome = arrays
    step = prediction - base
    size = np.sum(step**2)
    weight = float(np.clip(np.sum(step * (outcome - base)) / size, 0, 1)) if size > 0 else 0.0
    left = outcome - base - weight * step
    covariance = left.T @ left / len(left)
    # Few cases: lean on the diagonal, and keep it positive definite (Ledoit and Wolf 2004 in spirit, fixed share).
    share = len(left) / (len(left) + 2 * left.shape[1])
    covariance = share * covariance + (1 - share) * np.diag(np.diag(covariance))
    return Trust(weight, covariance + 1e-9 * np.eye(len(covariance)))


def james_stein(estimates: ArrayLike, variance: float) -> np.ndarray:
    """Return the estimates pulled toward their mean by the James–Stein rule, positive part.

    Args:
        estimates: (k,) unbiased, k >= 4, all with the same `variance`.
        variance: known variance of each estimate.

    Raises:
        ValueError: fewer than four estimates, NaN, or a variance that is not positive.

    Reference: Efron and Morris, "Data analysis using Stein's estimator and its generalizations", JASA 70 (1975).
    """
    estimates = checks.array("estimates", estimates, dimensions=1)
    variance = checks.number("variance", variance, low=0, open_low=True)
    if len(estimates) < 4:
        raise ValueError(f"estimates must be at least 4, got {len(estimates)}; below that the rule does not pay")
    mean = estimates.mean()
    spread = np.sum((estimates - mean) ** 2)
    keep = max(0.0, 1 - (len(estimates) - 3) * variance / spread) if spread > 0 else 0.0
    return mean + keep * (estimates - mean)
