"""Sample size and power agree with statsmodels, with each other and with simulation."""

import numpy as np
import pytest
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


@pytest.mark.parametrize(("base", "lift", "alpha", "_target", "ratio"), CASES)
@pytest.mark.parametrize("users", [10, 5_000])
def test_power_for_proportions_agrees_with_statsmodels(base, lift, alpha, _target, ratio, users):
    effect = proportion_effectsize(base * (1 + lift), base)
    reference = NormalIndPower().power(effect, users, alpha, ratio=ratio)
    assert power.power_proportions(base, lift, users, alpha, ratio=ratio) == pytest.approx(reference, abs=1e-9)


@pytest.mark.parametrize(
    ("deviation", "difference", "alpha", "target", "ratio"), [(10, 0.5, 0.05, 0.8, 1), (3, -1, 0.1, 0.9, 0.5)]
)
def test_sample_size_for_means_agrees_with_statsmodels(deviation, difference, alpha, target, ratio):
    effect = abs(difference) / deviation
    reference = NormalIndPower().solve_power(effect_size=effect, alpha=alpha, power=target, ratio=ratio)
    ours = power.sample_size_means(deviation, difference, alpha, target, ratio=ratio)
    assert ours == int(np.ceil(reference))
    assert power.power_means(deviation, difference, ours, alpha, ratio=ratio) == pytest.approx(
        NormalIndPower().power(effect, ours, alpha, ratio=ratio), abs=1e-9
    )


def test_default_level_and_power_are_five_and_eighty_percent():
    assert power.sample_size_means(10, 0.5) == power.sample_size_means(10, 0.5, 0.05, 0.8)
    assert power.sample_size_proportions(0.1, 0.1) == power.sample_size_proportions(0.1, 0.1, 0.05, 0.8, ratio=1)
    assert power.power_means(10, 0.5, 100) == power.power_means(10, 0.5, 100, 0.05)
    assert power.power_proportions(0.1, 0.1, 100) == power.power_proportions(0.1, 0.1, 100, 0.05)
    assert power.minimum_detectable_difference(10, 99) == power.minimum_detectable_difference(10, 99, 0.05, 0.8)


def test_arms_are_of_equal_size_unless_said_otherwise():
    assert power.sample_size_means(10, 0.5) == power.sample_size_means(10, 0.5, ratio=1)
    assert power.power_means(10, 0.5, 100) == power.power_means(10, 0.5, 100, ratio=1)
    assert power.power_proportions(0.1, 0.1, 100) == power.power_proportions(0.1, 0.1, 100, ratio=1)
    assert power.minimum_detectable_difference(10, 99) == power.minimum_detectable_difference(10, 99, ratio=1)


def test_minimum_detectable_difference_is_detected_with_the_stated_power():
    smallest = power.minimum_detectable_difference(12.0, 3_000, 0.05, 0.8, ratio=0.5)
    assert NormalIndPower().power(smallest / 12.0, 3_000, 0.05, ratio=0.5) == pytest.approx(0.8, abs=1e-9)


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
        (lambda: power.sample_size_proportions(0.6, 0.0), "relative_lift must be finite and not zero"),
        (lambda: power.sample_size_proportions(0.6, np.nan), "relative_lift must be finite and not zero"),
        (lambda: power.sample_size_proportions(0.1, 0.1, alpha=1.0), "alpha must be between 0 and 1"),
        (lambda: power.sample_size_proportions(0.1, 0.1, power=0.0), "power must be between 0 and 1"),
        (lambda: power.sample_size_proportions(0.1, 0.1, 0.2, 0.2), "power must exceed alpha"),
        (lambda: power.sample_size_proportions(0.1, 0.1, ratio=0), "ratio must be positive"),
        (lambda: power.sample_size_means(0.0, 1), "standard_deviation must be positive"),
        (lambda: power.sample_size_means(np.inf, 1), "standard_deviation must be positive"),
        (lambda: power.sample_size_means(1, 0), "difference must be finite and not zero"),
        (lambda: power.power_means(1, 1, 0), "users must be a whole number of at least 1"),
        (lambda: power.power_means(1, 1, 10.5), "users must be a whole number"),
        (lambda: power.power_means(1, 1, np.nan), "users must be a whole number"),
        (lambda: power.power_means(1, 1, 10, alpha=0), "alpha must be between 0 and 1"),
        (lambda: power.minimum_detectable_difference(-1, 10), "standard_deviation must be positive"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
