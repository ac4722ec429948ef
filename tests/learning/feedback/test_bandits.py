"""Bandits against closed forms, published values and references written apart."""

import numpy as np
import pytest
from scipy import stats

from utils.learning.feedback.bandits import UCB1, EpsilonGreedy, ThompsonBernoulli, lai_robbins_constant, simulate

MEANS = [0.4] * 4 + [0.5] + [0.4] * 5


class RoundRobin:
    """Each arm in turn, in the order the run meets them."""

    def choose(self, pulls, successes, step, rng):
        return np.full(len(pulls), (step - 1) % pulls.shape[1])


class Recorder:
    """Remembers what it was shown."""

    def __init__(self):
        self.steps, self.totals = [], []

    def choose(self, pulls, successes, step, rng):
        self.steps.append(step)
        self.totals.append(pulls.sum(axis=1).tolist())
        return np.zeros(len(pulls), dtype=int)


def test_regret_of_round_robin_is_the_mean_gap_times_the_horizon():
    run = simulate(RoundRobin(), [0.2, 0.5, 0.9], horizon=300, n_runs=400, seed=1, n_checkpoints=3)
    assert run.steps.tolist() == [100, 200, 300]
    assert run.regret[:, -1] == pytest.approx(100 * (0.7 + 0.4))
    assert (run.pulls == 100).all()
    # 40,000 pulls of each arm: five standard errors of a proportion.
    rates = run.successes.sum(axis=0) / 40_000
    assert (np.abs(rates - [0.2, 0.5, 0.9]) < 5 * np.sqrt(0.25 / 40_000)).all()


def test_policy_sees_steps_from_one_and_the_pulls_so_far():
    policy = Recorder()
    simulate(policy, [0.1, 0.2], horizon=3, n_runs=2, seed=0)
    assert policy.steps == [1, 2, 3]
    assert policy.totals == [[0, 0], [1, 1], [2, 2]]


def test_first_of_equals_favors_no_arm():
    run = simulate(Recorder(), [0.1, 0.2, 0.3, 0.4], horizon=1, n_runs=4_000, seed=2)
    # Each arm is first in a quarter of 4,000 runs; chi-square with 3 degrees of freedom exceeds 21 once in 10,000.
    assert stats.chisquare(run.pulls.sum(axis=0)).statistic < 21


def test_thompson_regret_matches_the_published_run():
    # 65 at 1,000 decisions and 162 at 10,000, ten arms, .5 against .4; 4 standard errors, plus rounding.
    run = simulate(ThompsonBernoulli(), MEANS, horizon=10_000, n_runs=60, seed=3, n_checkpoints=10)
    standard_error = run.regret.std(axis=0, ddof=1) / np.sqrt(60)
    assert run.steps[[0, -1]].tolist() == [1_000, 10_000]
    assert abs(run.regret[:, 0].mean() - 65) < 4 * standard_error[0] + 0.5
    assert abs(run.regret[:, -1].mean() - 162) < 4 * standard_error[-1] + 0.5
    assert run.regret[:, -1].mean() < lai_robbins_constant(MEANS) * np.log(10_000)
    assert run.pulls.mean(axis=0).argmax() == 4


def _regret_by_loop(choose, n_runs: int, horizon: int, means: list[float], seed: int) -> np.ndarray:
    """One run after another, one decision after another, in plain Python."""
    rng = np.random.default_rng(seed)
    regret = []
    for _ in range(n_runs):
        arms = rng.permutation(means)
        n, won, lost = [0] * len(arms), [0] * len(arms), 0.0
        for step in range(1, horizon + 1):
            untried = [arm for arm in range(len(arms)) if n[arm] == 0]
            arm = choose(rng, untried, n, won, step)
            n[arm] += 1
            won[arm] += rng.random() < arms[arm]
            lost += max(arms) - arms[arm]
        regret.append(lost)
    return np.array(regret)


def _loop_epsilon(rng, untried, n, won, step):
    if rng.random() < 0.2:
        return rng.integers(len(n))
    return untried[0] if untried else max(range(len(n)), key=lambda arm: won[arm] / n[arm])


def _loop_ucb(rng, untried, n, won, step):
    if untried:
        return untried[0]
    return max(range(len(n)), key=lambda arm: won[arm] / n[arm] + np.sqrt(2 * np.log(step - 1) / n[arm]))


def _loop_thompson(rng, untried, n, won, step):
    return max(range(len(n)), key=lambda arm: rng.beta(1 + won[arm], 1 + n[arm] - won[arm]))


@pytest.mark.parametrize(
    ("policy", "loop", "n_loops"),
    [
        (EpsilonGreedy(0.2), _loop_epsilon, 300),
        (UCB1(), _loop_ucb, 60),
        (ThompsonBernoulli(), _loop_thompson, 150),
    ],
)
def test_policy_has_the_regret_of_a_plain_loop(policy, loop, n_loops):
    means = [0.3, 0.6, 0.5]
    slow = _regret_by_loop(loop, n_loops, 200, means, seed=4)
    fast = simulate(policy, means, horizon=200, n_runs=4_000, seed=5).regret[:, -1]
    # Welch statistic of two means of the same distribution: beyond 4 once in 16,000.
    assert abs(stats.ttest_ind(slow, fast, equal_var=False).statistic) < 4


def test_epsilon_greedy_explores_its_share():
    run = simulate(EpsilonGreedy(0.3), [0.0, 1.0], horizon=1_000, n_runs=100, seed=6)
    # The worse arm gets half of the exploring decisions, 0.15: binomial, 5 standard errors.
    assert abs(run.pulls[:, 0].mean() / 1_000 - 0.15) < 5 * np.sqrt(0.15 * 0.85 / 100_000) + 0.002


def test_epsilon_one_chooses_at_random():
    share = simulate(EpsilonGreedy(1.0), [0.0, 1.0], horizon=500, n_runs=100, seed=6).pulls[:, 0].sum() / 50_000
    assert abs(share - 0.5) < 5 * np.sqrt(0.25 / 50_000)


def test_greedy_stays_with_a_sure_arm_and_tries_each_once():
    run = simulate(EpsilonGreedy(0.0), [0.0, 1.0, 0.0], horizon=50, n_runs=20, seed=7)
    assert (run.pulls == [1, 48, 1]).all()


def test_ucb1_picks_the_highest_bound():
    pulls, successes = np.array([[10.0, 2.0], [10.0, 10.0]]), np.array([[5.0, 1.0], [5.0, 6.0]])
    assert UCB1().choose(pulls, successes, 13, None).tolist() == [1, 1]
    # One standard width of arm 0 is sqrt(2 ln 12 / 10) = 0.705, of arm 1 sqrt(2 ln 12 / 2) = 1.576.
    balanced = np.array([[10.0, 2.0]]), np.array([[5.0 + 8.72, 1.0]])
    assert UCB1().choose(*balanced, 13, None).tolist() == [0]
    balanced = np.array([[10.0, 2.0]]), np.array([[5.0 + 8.70, 1.0]])
    assert UCB1().choose(*balanced, 13, None).tolist() == [1]
    assert UCB1(alpha=0).choose(pulls, successes, 13, None).tolist() == [0, 1]
    assert UCB1(alpha=0.1).choose(np.array([[10.0, 0.0]]), np.array([[10.0, 0.0]]), 11, None).tolist() == [1]


def test_thompson_follows_its_prior():
    nothing = np.zeros((20_000, 2))
    assert abs(ThompsonBernoulli().choose(nothing, nothing, 1, np.random.default_rng(8)).mean() - 0.5) < 5 * 0.0036
    pulls, successes = np.tile([3.0, 0.0], (20_000, 1)), np.tile([3.0, 0.0], (20_000, 1))
    # Beta(5, 3) against Beta(2, 3): the chance that the second wins, by quadrature.
    x = np.linspace(0, 1, 20_001)
    expected = np.trapezoid(stats.beta(2, 3).pdf(x) * stats.beta(5, 3).cdf(x), x)
    share = ThompsonBernoulli(2, 3).choose(pulls, successes, 4, np.random.default_rng(9)).mean()
    assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 20_000)


def test_same_seed_same_run_and_other_seed_another():
    first, again, other = (simulate(ThompsonBernoulli(), MEANS, 50, 5, seed) for seed in (1, 1, 2))
    assert (first.pulls == again.pulls).all()
    assert (first.regret == again.regret).all()
    assert (first.pulls != other.pulls).any()


def test_path_has_the_asked_checkpoints_and_never_falls():
    run = simulate(EpsilonGreedy(), [0.1, 0.4], horizon=25, n_runs=3, seed=0, n_checkpoints=10)
    assert run.steps[0] >= 1
    assert run.steps[-1] == 25
    assert run.regret.shape == (3, 10)
    assert (np.diff(run.regret, axis=1) >= 0).all()
    assert simulate(EpsilonGreedy(), [0.1, 0.4], horizon=1, n_runs=1, seed=0).steps.tolist() == [1]


def test_lai_robbins_constant_of_the_textbook_case():
    assert lai_robbins_constant(MEANS) == pytest.approx(44.7, abs=0.05)
    assert lai_robbins_constant(MEANS) * np.log([1_000, 10_000, 30_000]) == pytest.approx([309, 412, 461], abs=0.5)
    # Against scipy's relative entropy, unequal gaps.
    divergence = [stats.entropy([p, 1 - p], [0.7, 0.3]) for p in (0.2, 0.6)]
    assert lai_robbins_constant([0.2, 0.7, 0.6]) == pytest.approx(0.5 / divergence[0] + 0.1 / divergence[1])


def test_lai_robbins_constant_survives_close_arms():
    # To second order KL(p, q) is gap^2 / (2 q (1 - q)), so that c tends to 2 q (1 - q) / gap.
    assert lai_robbins_constant([0.5, 0.5 - 1e-9]) == pytest.approx(0.5 / 1e-9, rel=1e-6)
    assert lai_robbins_constant([0.3, 0.3]) == 0


class Always:
    """One arm for all runs."""

    def __init__(self, arm):
        self.arm = arm

    def choose(self, pulls, successes, step, rng):
        return np.full((len(pulls), 1), self.arm) if isinstance(self.arm, list) else np.full(len(pulls), self.arm)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: simulate(UCB1(), [], 10, 1, 0), "means must not be empty"),
        (lambda: simulate(UCB1(), [0.5], 10, 1, 0), "means must have at least two arms"),
        (lambda: simulate(UCB1(), [0.5, np.nan], 10, 1, 0), "means must be finite"),
        (lambda: simulate(UCB1(), [0.5, 1.2], 10, 1, 0), r"means must lie in \[0, 1\], got 1.2"),
        (lambda: simulate(UCB1(), [-0.5, 0.2], 10, 1, 0), r"means must lie in \[0, 1\], got -0.5"),
        (lambda: simulate(UCB1(), [[0.5, 0.2]], 10, 1, 0), "means must have one dimension"),
        (lambda: simulate(UCB1(), ["a", "b"], 10, 1, 0), "means must hold numbers"),
        (lambda: simulate(UCB1(), [0.5, 0.2], 0, 1, 0), "horizon must be a whole number of at least 1, got 0"),
        (lambda: simulate(UCB1(), [0.5, 0.2], 10, 1.5, 0), "n_runs must be a whole number"),
        (lambda: simulate(UCB1(), [0.5, 0.2], 10, 1, -1), "seed must be a whole number of at least 0"),
        (lambda: simulate(UCB1(), [0.5, 0.2], 10, 1, 0, n_checkpoints=0), "n_checkpoints must be"),
        (lambda: simulate("greedy", [0.5, 0.2], 10, 1, 0), "policy must have a method choose"),
        (lambda: EpsilonGreedy(1.1), r"epsilon must be a number in \[0, 1\], got 1.1"),
        (lambda: EpsilonGreedy(-0.1), "epsilon must be"),
        (lambda: UCB1(-1), "alpha must be"),
        (lambda: UCB1(np.nan), "alpha must be"),
        (lambda: ThompsonBernoulli(0, 1), "alpha must be a number in"),
        (lambda: ThompsonBernoulli(1, 0), "beta must be"),
        (lambda: lai_robbins_constant([0.5, 1.0]), "means must lie strictly between"),
        (lambda: lai_robbins_constant([0.0, 0.5]), "means must lie strictly between"),
        (lambda: lai_robbins_constant([0.5, 0.5 - 1e-12]), "means must be equal or differ by 1e-10"),
        (lambda: simulate(Always(2), [0.5, 0.2], 3, 4, 0), "policy must choose arms from 0 to 1, got 2 to 2"),
        (lambda: simulate(Always(-1), [0.5, 0.2], 3, 4, 0), "policy must choose arms from 0 to 1, got -1 to -1"),
        (lambda: simulate(Always(0.0), [0.5, 0.2], 3, 4, 0), "policy must choose one whole-numbered arm for each of 4"),
        (lambda: simulate(Always([0]), [0.5, 0.2], 3, 4, 0), "policy must choose one whole-numbered arm for each of 4"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("prior", [1e-320, 1e-101, 1e308])
def test_a_prior_that_no_beta_can_be_drawn_from_is_refused(prior):
    for name in ("alpha", "beta"):
        with pytest.raises(ValueError, match=f"{name} must be"):
            ThompsonBernoulli(**{name: prior})


def test_a_tiny_prior_is_not_lost_beside_the_counts():
    arms = ThompsonBernoulli(1e-50, 1e-50).choose(
        np.array([[5.0, 5.0]]), np.array([[5.0, 0.0]]), 11, np.random.default_rng(0)
    )
    assert arms.tolist() == [0]
