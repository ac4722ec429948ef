"""The vectorized bandits against MABWiser, one decision at a time: the same regret within simulation error."""

import numpy as np
import pytest
from scipy import stats

from utils.learning.feedback.bandits import UCB1, EpsilonGreedy, ThompsonBernoulli, simulate

mab = pytest.importorskip("mabwiser.mab", reason="MABWiser lives in the environment of `make test-production`")

MEANS, HORIZON, RUNS = np.array([0.2, 0.6, 0.4, 0.5]), 100, 80


class TriedOnce:
    """A policy after each arm was tried once, since MABWiser must be fitted before it decides."""

    def __init__(self, policy):
        self.policy = policy

    def choose(self, pulls, successes, step, rng):
        if step <= pulls.shape[1]:
            return np.full(len(pulls), step - 1)
        return self.policy.choose(pulls, successes, step, rng)


def _mabwiser_regret(learning_policy) -> np.ndarray:
    rng = np.random.default_rng(20)
    arms = list(range(len(MEANS)))
    regret = np.zeros(RUNS)
    for run in range(RUNS):
        means = rng.permutation(MEANS)
        bandit = mab.MAB(arms, learning_policy, seed=run)
        bandit.fit(arms, (rng.random(len(arms)) < means).astype(int))
        regret[run] = (MEANS.max() - MEANS).sum()
        for _ in range(HORIZON - len(arms)):
            arm = bandit.predict()
            bandit.partial_fit([arm], [int(rng.random() < means[arm])])
            regret[run] += MEANS.max() - means[arm]
    return regret


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (EpsilonGreedy(0.2), lambda: mab.LearningPolicy.EpsilonGreedy(0.2)),
        (UCB1(), lambda: mab.LearningPolicy.UCB1(1.0)),
        (ThompsonBernoulli(), lambda: mab.LearningPolicy.ThompsonSampling()),
    ],
)
def test_regret_agrees_with_mabwiser(ours, theirs):
    fast = simulate(TriedOnce(ours), MEANS, HORIZON, 4_000, seed=21).regret[:, -1]
    # Welch statistic of two means of one distribution: beyond 4 once in 16,000.
    assert abs(stats.ttest_ind(_mabwiser_regret(theirs()), fast, equal_var=False).statistic) < 4
