"""Shrunk rates against the posterior mean and the likelihood of scipy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.learning.cold_start.shrinkage import beta_binomial_shrinkage, fit_prior_strength


def test_two_in_a_hundred_and_three_of_ten_is_a_posterior_mean_of_0455():
    assert beta_binomial_shrinkage(3, 10, prior_mean=0.02, prior_strength=100) == pytest.approx(5 / 110)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.99), st.floats(0.1, 1e4))
def test_shrinkage_is_the_mean_of_the_beta_posterior(successes, failures, mean, strength):
    wanted = stats.beta.mean(mean * strength + successes, (1 - mean) * strength + failures)
    got = beta_binomial_shrinkage(successes, successes + failures, prior_mean=mean, prior_strength=strength)
    assert got == pytest.approx(wanted, rel=1e-12)


def test_shrinkage_broadcasts_priors_over_columns():
    got = beta_binomial_shrinkage([[0, 1], [2, 2]], [[0, 2], [4, 2]], prior_mean=[0.2, 0.5], prior_strength=4)
    np.testing.assert_allclose(got, [[0.2, 0.5], [(0.8 + 2) / 8, 4 / 6]])


def test_fitted_strength_is_the_maximum_of_scipys_likelihood():
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 60, size=120)
    successes = rng.binomial(trials, rng.beta(6, 14, size=120))
    grid = np.geomspace(1, 500, 4_000)
    likelihood = [stats.betabinom.logpmf(successes, trials, 0.3 * s, 0.7 * s).sum() for s in grid]
    assert fit_prior_strength(successes, trials, prior_mean=0.3) == pytest.approx(
        grid[np.argmax(likelihood)], rel=0.005
    )


def test_fitted_strength_finds_the_truth_and_its_absence():
    rng = np.random.default_rng(2)
    trials = np.full(4_000, 50)
    # The estimate's standard error at 4,000 groups is below 4% (curvature of the likelihood), so 15% is over 3 of them.
    varied = fit_prior_strength(rng.binomial(trials, rng.beta(4, 16, 4_000)), trials, prior_mean=0.2)
    assert varied == pytest.approx(20, rel=0.15)
    assert fit_prior_strength(rng.binomial(trials, 0.2), trials, prior_mean=0.2) > 1_000
    assert fit_prior_strength([50, 0] * 9, [50] * 18, prior_mean=0.5) < 0.5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((np.nan, 10, 0.1, 5), "successes must be finite"),
        ((1, np.nan, 0.1, 5), "trials must be finite"),
        ((-1, 10, 0.1, 5), "successes must lie"),
        ((1, -2, 0.1, 5), "trials must lie"),
        ((3, 2, 0.1, 5), "successes must not exceed trials"),
        ((1, 2, 0.0, 5), "prior_mean must lie"),
        ((1, 2, 1.0, 5), "prior_mean must lie"),
        ((1, 2, np.nan, 5), "prior_mean must be finite"),
        ((1, 2, 0.5, 0), "prior_strength must be"),
        ((1, 2, 0.5, np.nan), "prior_strength must be"),
        (([], [], 0.5, 1), "trials must not be empty"),
        (([1, 2], [3, 4, 5], 0.5, 1), "successes must have the shape of trials"),
        (([1, 2], [3, 4], [0.5] * 3, 1), "prior_mean must fit the shape of the counts"),
        (("x", 2, 0.5, 1), "successes must hold numbers"),
    ],
)
def test_bad_counts_are_named(arguments, named):
    successes, trials, mean, strength = arguments
    with pytest.raises(ValueError, match=named):
        beta_binomial_shrinkage(successes, trials, prior_mean=mean, prior_strength=strength)


def test_nothing_seen_fits_no_prior():
    with pytest.raises(ValueError, match="trials must not all be 0"):
        fit_prior_strength([0, 0], [0, 0], prior_mean=0.5)


def test_one_bad_count_among_good_ones_is_seen():
    for arguments, named in (
        (([1, 3], [2, 2], 0.5), "successes must not exceed trials"),
        (([1, 1], [2, 2], [0.5, 1.0]), r"prior_mean must lie in \(0, 1\)"),
        (([1, 1], [2, 2], [0.5, 0.0]), r"prior_mean must lie in \(0, 1\)"),
        (([1, 1], [2, 1e17], 0.5), "trials must lie in"),
    ):
        with pytest.raises(ValueError, match=named):
            beta_binomial_shrinkage(*arguments[:2], prior_mean=arguments[2], prior_strength=1)
    assert fit_prior_strength([0, 1], [0, 2], prior_mean=0.5) > 0


def test_counts_labeled_in_another_order_are_not_paired_by_place():
    clicks, looks = pd.Series([1, 2], index=["soup", "pie"]), pd.Series([4, 9], index=["pie", "soup"])
    with pytest.raises(ValueError, match="trials must have the index of successes"):
        beta_binomial_shrinkage(clicks, looks, prior_mean=0.5, prior_strength=2)
    aligned = beta_binomial_shrinkage(clicks, looks[clicks.index], prior_mean=0.5, prior_strength=2)
    np.testing.assert_allclose(aligned, [2 / 11, 3 / 6])
