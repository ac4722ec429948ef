"""Bernoulli bandits: policies that choose an arm from what they have seen, and what they regret."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE

__all__ = ["UCB1", "BanditResult", "EpsilonGreedy", "Policy", "ThompsonBernoulli", "lai_robbins_constant", "simulate"]

CLOSEST = 1e-10  # a smaller gap between two means is lost in the rounding of their divergence


class Policy(Protocol):
    """A rule that picks one arm for each run from the pulls and successes so far."""

    def choose(self, pulls: np.ndarray, successes: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """Return one arm index a run.

        Args:
            pulls: (runs, arms), how often each arm was chosen.
            successes: (runs, arms), how often it paid.
            step: number of the decision, from 1.
            rng: the source of all randomness.
        """


class BanditResult(NamedTuple):
    """What `simulate` returns.

    Attributes:
        regret: (runs, checkpoints) expected reward given up so far, sum over pulls of best mean minus the arm's mean.
        steps: (checkpoints,) decisions made when each column of `regret` was read; the last one is the horizon.
        pulls: (runs, arms) how often each arm was chosen.
        successes: (runs, arms) how often each arm paid 1: with `pulls`, all that the log says.
    """

    regret: NDArray[np.float64]
    steps: NDArray[np.int64]
    pulls: NDArray[np.int64]
    successes: NDArray[np.int64]


def _observed_mean(pulls: np.ndarray, successes: np.ndarray) -> np.ndarray:
    """Return the success rate of each arm, infinite where it was never pulled, so that each is tried once."""
    return np.where(pulls > 0, successes / np.maximum(pulls, 1), np.inf)


@dataclass(frozen=True)
class EpsilonGreedy:
    """With probability `epsilon` any arm at random, else the best so far.

    References:
        Sutton and Barto, "Reinforcement Learning", 2nd edition, section 2.2.
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        checks.number("epsilon", self.epsilon, low=0, high=1)

    def choose(self, pulls: np.ndarray, successes: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """As `Policy.choose`."""
        n_runs, n_arms = pulls.shape
        best = _observed_mean(pulls, successes).argmax(axis=1)
        if self.epsilon == 0:
            return best
        explores = rng.random(n_runs) < self.epsilon
        return np.where(explores, rng.integers(n_arms, size=n_runs), best)


@dataclass(frozen=True)
class UCB1:
    """The arm with the highest mean plus alpha * sqrt(2 ln t / pulls).

    References:
        Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 47
        (2002), figure 1, where alpha is 1.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        checks.number("alpha", self.alpha, low=0, high=np.inf)

    def choose(self, pulls: np.ndarray, successes: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """As `Policy.choose`."""
        decisions_so_far = max(step - 1, 1)
        width = self.alpha * np.sqrt(2 * np.log(decisions_so_far) / np.maximum(pulls, 1))
        return (_observed_mean(pulls, successes) + width).argmax(axis=1)


@dataclass(frozen=True)
class ThompsonBernoulli:
    """The arm that is best in one draw from the Beta posteriors under a prior Beta(alpha, beta).

    References:
        Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 25 (1933).
    """

    alpha: float = 1.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        checks.number("alpha", self.alpha, low=1 / LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
        checks.number("beta", self.beta, low=1 / LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)

    def choose(self, pulls: np.ndarray, successes: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """As `Policy.choose`."""
        return rng.beta(self.alpha + successes, self.beta + (pulls - successes)).argmax(axis=1)


def simulate(
    policy: Policy, means: ArrayLike, horizon: int, n_runs: int, seed: int, *, n_checkpoints: int = 100
) -> BanditResult:
    """Run `policy` on Bernoulli arms, all runs in step, and return the path of its regret.

    Each run meets the arms in its own random order, so that "first of equals" favors no arm.

    Args:
        policy: an object with `choose`, such as `EpsilonGreedy`, `UCB1`, `ThompsonBernoulli`.
        means: (arms,) success probability of each arm.
        horizon: decisions a run.
        n_runs: independent runs.
        seed: of all randomness.
        n_checkpoints: columns of the regret path, evenly spaced.

    Returns:
        `BanditResult`.

    Raises:
        ValueError: arguments out of range, or a policy that chooses an arm that is not there.

    References:
        Lattimore and Szepesvári, "Bandit Algorithms", section 4.5 (pseudo-regret by the pulls of each arm).

    >>> run = simulate(UCB1(), [0.1, 0.9], horizon=200, n_runs=50, seed=0)
    >>> run.pulls.sum(axis=1).tolist() == [200] * 50
    True
    >>> bool(run.pulls[:, 1].mean() > 150)
    True
    """
    means = checks.array("means", means, dimensions=1, low=0, high=1)
    if len(means) < 2:
        raise ValueError(f"means must have at least two arms, got {len(means)}; one arm leaves nothing to choose")
    if not hasattr(policy, "choose"):
        raise ValueError(f"policy must have a method choose, got {type(policy).__name__}; try EpsilonGreedy(0.1)")
    horizon, n_runs = checks.count("horizon", horizon), checks.count("n_runs", n_runs)
    n_checkpoints = checks.count("n_checkpoints", n_checkpoints)
    rng = checks.seeded("seed", seed)

    n_arms = len(means)
    order = rng.permuted(np.tile(np.arange(n_arms), (n_runs, 1)), axis=1)
    chance, gap = means[order], means.max() - means[order]
    pulls, successes = np.zeros((n_runs, n_arms)), np.zeros((n_runs, n_arms))
    steps = np.linspace(0, horizon, min(n_checkpoints, horizon) + 1).round().astype(int)[1:]
    regret = np.empty((n_runs, len(steps)))
    row_start = np.arange(n_runs) * n_arms
    column = 0
    for step in range(1, horizon + 1):
        chosen = row_start + _checked_arms(policy.choose(pulls, successes, step, rng), n_runs, n_arms)
        pulls.ravel()[chosen] += 1
        successes.ravel()[chosen] += rng.random(n_runs) < chance.ravel()[chosen]
        if step == steps[column]:
            regret[:, column] = (pulls * gap).sum(axis=1)
            column += 1
    by_arm = np.argsort(order, axis=1)
    return BanditResult(
        regret, steps, *(np.take_along_axis(counts, by_arm, axis=1).astype(int) for counts in (pulls, successes))
    )


def _checked_arms(arms: np.ndarray, n_runs: int, n_arms: int) -> np.ndarray:
    """Return one arm a run; one that is not there would be taken from another run's arms."""
    arms = np.asarray(arms)
    if arms.shape != (n_runs,) or arms.dtype.kind not in "iu":
        raise ValueError(f"policy must choose one whole-numbered arm for each of {n_runs} runs, got shape {arms.shape}")
    if arms.astype(np.uint64, copy=False).max() >= n_arms:  # a negative one is large there
        raise ValueError(f"policy must choose arms from 0 to {n_arms - 1}, got {arms.min()} to {arms.max()}")
    return arms


def lai_robbins_constant(means: ArrayLike) -> float:
    """Return the factor c of the lower bound c ln T on the regret of any consistent policy on Bernoulli arms.

    The bound is asymptotic: at a finite T a policy may lie below it.

    Args:
        means: (arms,) success probabilities strictly between 0 and 1.

    Returns:
        The sum over worse arms of gap / KL(arm, best), 0 where all arms are equal.

    Raises:
        ValueError: means out of range, or so close to the best that their divergence can't be told from 0.

    References:
        Lai and Robbins, "Asymptotically efficient adaptive allocation rules", Advances in Applied Mathematics 6
        (1985).

    >>> round(lai_robbins_constant([0.5] + [0.4] * 9), 1)
    44.7
    """
    means = checks.array("means", means, dimensions=1, low=0, high=1)
    if means.min() == 0 or means.max() == 1:
        raise ValueError("means must lie strictly between 0 and 1, got an end point; its divergence is not finite")
    best, worse = means.max(), means[means < means.max()]
    gap = best - worse
    if gap.size and gap.min() < CLOSEST:
        raise ValueError(f"means must be equal or differ by {CLOSEST:g}, got a gap of {gap.min():g}; round them")
    # In terms of the gap, because log(worse / best) near 1 would lose it to rounding.
    divergence = worse * np.log1p(-gap / best) + (1 - worse) * np.log1p(gap / (1 - best))
    return float((gap / divergence).sum())
