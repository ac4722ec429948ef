"""Power and sample sizes of a canary agree with textbooks, Fisher's test and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from utils.experiments.rollout.power import canary_requests_needed, exact_power, normal_power


def test_power_reproduces_the_textbook_values():
    assert [round(normal_power(n, 0.01, 0.001, 2), 2) for n in (10_000, 100_000, 1_000_000)] == [0.17, 0.32, 0.86]
    assert canary_requests_needed(0.001, 2) == 8_026
    assert canary_requests_needed(0.001, 1.1) == 638_191


def test_exact_power_is_that_of_fishers_test_simulated_with_scipy():
    rng, n = np.random.default_rng(5), 600
    canary, stable = rng.binomial(200, 0.04, n), rng.binomial(800, 0.01, n)
    alarms = [
        stats.fisher_exact([[c, 200 - c], [s, 800 - s]], alternative="greater").pvalue <= 0.05
        for c, s in zip(canary, stable, strict=True)
    ]
    exact = exact_power(1_000, 0.2, 0.01, 4)
    assert abs(np.mean(alarms) - exact) < 4.5 * math.sqrt(exact * (1 - exact) / n)


def test_exact_power_never_exceeds_the_level_when_healthy_and_stays_below_the_normal_one_when_events_are_few():
    for n in (10_000, 100_000):
        assert exact_power(n, 0.01, 0.001, 1) <= 0.05
        assert exact_power(n, 0.01, 0.001, 2) < 0.6 * normal_power(n, 0.01, 0.001, 2)


def test_normal_power_agrees_with_the_exact_one_when_events_are_many():
    assert normal_power(4_000, 0.5, 0.1, 1.2) == pytest.approx(exact_power(4_000, 0.5, 0.1, 1.2), abs=0.03)


def test_requests_needed_give_the_power_asked_for():
    n = canary_requests_needed(0.05, 1.2, alpha=0.05, power=0.9)
    least = stats.binom.isf(0.05, n, 0.05) + 1
    assert stats.binom.sf(least - 1, n, 0.06) == pytest.approx(0.9, abs=0.02)


def test_statsmodels_asks_for_more_because_it_estimates_the_stable_rate_and_transforms():
    needed = [
        NormalIndPower().solve_power(
            proportion_effectsize(0.001 * ratio, 0.001), alpha=0.05, power=0.8, ratio=99, alternative="larger"
        )
        for ratio in (2, 1.1)
    ]
    # the numbers that lesson 19 quotes
    assert [round(n) for n in needed] == [9_086, 654_666]
    ours = [canary_requests_needed(0.001, ratio) for ratio in (2, 1.1)]
    assert all(own < theirs < 1.15 * own for own, theirs in zip(ours, needed, strict=True))


@pytest.mark.parametrize(("share", "ratio"), [(0.5, 1.3), (0.8, 1.5), (0.02, 6.0)])
def test_exact_power_sums_scipys_own_tails_over_all_outcomes(share, ratio):
    n, base, alpha = 300, 0.05, 0.05
    n_canary = round(n * share)
    canary, stable = np.arange(n_canary + 1)[:, None], np.arange(60)
    tail = stats.hypergeom.sf(canary - 1, n, canary + stable, n_canary)
    weight = stats.binom.pmf(canary, n_canary, base * ratio) * stats.binom.pmf(stable, n - n_canary, base)
    total = weight[(tail <= alpha) & (weight > 1e-12)].sum()
    assert exact_power(n, share, base, ratio) == pytest.approx(total, abs=1e-6)


def test_a_ratio_close_to_one_keeps_its_digits():
    """For small changes δ of the rate, n = (z_α + z_β)² (1 − p) / (p δ²)."""
    z = stats.norm.isf(0.05) + stats.norm.ppf(0.8)
    assert canary_requests_needed(0.1, 1 + 2**-20) == pytest.approx(z**2 * 0.9 / 0.1 * 2**40, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: normal_power(0, 0.01, 0.001, 2), "n_requests"),
        (lambda: normal_power(10_000, 1.0, 0.001, 2), "share"),
        (lambda: normal_power(10_000, 0.01, 0.0, 2), "base"),
        (lambda: normal_power(10_000, 0.01, 0.5, 2), "ratio"),
        (lambda: exact_power(10_000, 0.01, 0.001, math.nan), "ratio"),
        (lambda: exact_power(10_000, 0.01, 0.001, 2, alpha=0), "alpha"),
        (lambda: canary_requests_needed(0.001, 1), "ratio"),
        (lambda: canary_requests_needed(0.001, 2, power=1), "power"),
        (lambda: normal_power(10_000.5, 0.01, 0.001, 2), "n_requests"),
        (lambda: normal_power(10, 0.99, 0.001, 2), "n_requests"),
        (lambda: normal_power(10, 0.01, 0.001, 2), "n_requests"),
        (lambda: normal_power(10**400, 0.01, 0.001, 2), "n_requests"),
        (lambda: exact_power(10**9, 0.5, 0.1, 2), "n_requests"),
        (lambda: exact_power(10**6, 0.5, 0.1, 2), "n_requests"),
        (lambda: canary_requests_needed(0.001, 2, power=0.04), "power"),
        (lambda: canary_requests_needed(1e-12, 1 + 1e-15), "ratio"),
        (lambda: canary_requests_needed(0.5, 2), "ratio"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()


def test_one_request_in_each_arm_is_enough_to_ask():
    assert 0 < normal_power(2, 0.5, 0.1, 2) < 1
    assert math.isclose(exact_power(2, 0.5, 0.1, 2), 0.0, abs_tol=1e-12)
