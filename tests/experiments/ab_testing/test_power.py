"""Sample size and power agree with statsmodels, with each other and with simulation."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from utils.experiments.ab_testing import power

CASES = [
    (0.05, 0.05, 0.05, 0.8, 1.0),
    (0.3, -0.2, 0.01, 0.9, 1.0),
    (0.02, 0.5, 0.1, 0.6, 0.25),
    (0.5, 0.01, 0.2, 0.3, 3),
]


def test_sample_size_reproduces_the_tabled_value():
    assert power.sample_size_proportions(base=0.05, relative_lift=0.05, alpha=0.05, power=0.8) == 122_107


@pytest.mark.parametrize(("base", "lift", "alpha", "target", "ratio"), CASES)
def test_sample_size_for_proportions_agrees_with_statsmodels(base, lift, alpha, target, ratio):
    effect = proportion_effectsize(base * (1 + lift), base)
    reference = NormalIndPower().solve_power(effect_size=abs(effect), alpha=alpha, power=target, ratio=ratio)
    ours = power.sample_size_proportions(base, lift, alpha, target, ratio=ratio)
    assert ours - 1 < reference * (1 + 1e-6)
    assert ours > reference * (1 - 1e-6)


@pytest.mark.parametrize(
    ("effect", "alpha", "target", "ratio"), [(0.05, 0.05, 0.8, 1), (-1 / 3, 0.1, 0.9, 0.5), (0.01, 1e-9, 0.999, 2)]
)
def test_sample_size_agrees_with_statsmodels(effect, alpha, target, ratio):
    reference = NormalIndPower().solve_power(effect_size=abs(effect), alpha=alpha, power=target, ratio=ratio)
    ours = power.sample_size(effect, alpha, target, ratio=ratio)
    assert ours == int(np.ceil(reference))
    at_least, just_below = (NormalIndPower().power(abs(effect), n, alpha, ratio=ratio) for n in (ours, ours - 1))
    assert just_below < target <= at_least


@pytest.mark.parametrize("base", [0.05, 0.5, 0.999])
@pytest.mark.parametrize("lift", [-0.9, -1e-3, 1e-3])
def test_effect_size_of_proportions_is_statsmodels(base, lift):
    assert power.cohen_h(base, lift) == pytest.approx(proportion_effectsize(base * (1 + lift), base), rel=1e-9)


def test_a_tiny_lift_keeps_its_digits():
    """For small lifts h tends to the change over the deviation of one user, p·lift/√(p(1 − p))."""
    assert power.cohen_h(0.05, 1e-12) == pytest.approx(0.05e-12 / np.sqrt(0.05 * 0.95), rel=1e-9)


def test_default_level_and_power_are_five_and_eighty_percent():
    assert power.sample_size(0.05) == power.sample_size(0.05, 0.05, 0.8)
    assert power.sample_size_proportions(0.1, 0.1) == power.sample_size_proportions(0.1, 0.1, 0.05, 0.8, ratio=1)
    assert power.minimum_detectable_effect(99) == power.minimum_detectable_effect(99, 0.05, 0.8)


def test_arms_are_of_equal_size_unless_said_otherwise():
    assert power.sample_size(0.05) == power.sample_size(0.05, ratio=1)
    assert power.minimum_detectable_effect(99) == power.minimum_detectable_effect(99, ratio=1)


def test_minimum_detectable_effect_is_detected_with_the_stated_power():
    smallest = power.minimum_detectable_effect(3_000, 0.05, 0.8, ratio=0.5)
    assert NormalIndPower().power(smallest, 3_000, 0.05, ratio=0.5) == pytest.approx(0.8, abs=1e-9)


@given(st.floats(1e-6, 0.999), st.floats(1e-6, 0.999), st.floats(1e-5, 5))
@settings(deadline=None)
def test_whatever_the_level_and_power_the_size_has_that_power(alpha, target, effect):
    assume(target > alpha)
    users = power.sample_size(effect, alpha, target)
    assert NormalIndPower().power(effect, users, alpha) >= target - 1e-9


def test_simulated_power_is_the_promised_one():
    """2,000 experiments with 80% power: the share detected lies within four binomial deviations, 3.6 points."""
    rng = np.random.default_rng(17)
    users = power.sample_size_proportions(0.1, 0.2, 0.05, 0.8)
    converted = rng.binomial(users, [[0.1], [0.12]], size=(2, 2_000)) / users
    error = np.sqrt((converted * (1 - converted)).sum(axis=0) / users)
    detected = np.abs(converted[1] - converted[0]) / error > stats.norm.isf(0.025)
    assert detected.mean() == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 2_000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power.sample_size_proportions(0.0, 0.05), "base must be between 0 and 1"),
        (lambda: power.sample_size_proportions(1.0, 0.05), "base must be between 0 and 1"),
        (lambda: power.sample_size_proportions("0.1", 0.05), "base must be between 0 and 1"),
        (lambda: power.sample_size_proportions(np.nan, 0.05), "base must be between 0 and 1"),
        (lambda: power.sample_size_proportions(0.6, 0.8), "choose a smaller relative_lift"),
        (lambda: power.sample_size_proportions(0.6, 0.0), "relative_lift must not be zero"),
        (lambda: power.sample_size_proportions(0.6, np.nan), "relative_lift must be a number"),
        (lambda: power.sample_size_proportions(0.6, "5%"), "relative_lift must be a number"),
        (lambda: power.sample_size_proportions(0.1, 0.1, alpha=1.0), "alpha must be between 0 and 1"),
        (lambda: power.sample_size_proportions(0.1, 0.1, power=0.0), "power must be between 0 and 1"),
        (lambda: power.sample_size_proportions(0.1, 0.1, 0.2, 0.2), "power must exceed alpha"),
        (lambda: power.sample_size_proportions(0.1, 0.1, ratio=0), "ratio must be a number"),
        (lambda: power.sample_size_proportions(0.1, 0.1, ratio=1e-320), "ratio must be a number"),
        (lambda: power.sample_size_proportions(0.1, 1e-17), "effect must be large enough"),
        (lambda: power.sample_size(1e-320), "effect must be large enough"),
        (lambda: power.sample_size(0), "effect must not be zero"),
        (lambda: power.sample_size(np.inf), "effect must be a number"),
        (lambda: power.minimum_detectable_effect(0), "users must be a whole number of at least 1"),
        (lambda: power.minimum_detectable_effect(10.5), "users must be a whole number"),
        (lambda: power.minimum_detectable_effect(np.nan), "users must be a whole number"),
        (lambda: power.minimum_detectable_effect(10**400), "users must be at most"),
        (lambda: power.minimum_detectable_effect(10, alpha=0), "alpha must be between 0 and 1"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
