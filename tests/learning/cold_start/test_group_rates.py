"""Rates of groups against counts pooled by hand and by pandas."""

import numpy as np
import pandas as pd
import pytest

from utils.learning.cold_start.group_rates import group_rates
from utils.learning.cold_start.shrinkage import fit_prior_strength


def test_group_rates_are_pooled_counts_shrunk_toward_the_parent():
    trials = np.array([[10, 4], [20, 6], [5, 0]])
    successes = np.array([[1, 2], [9, 3], [5, 0]])
    got = group_rates([0, 1, 0], trials, successes, parent=[0.4, 0.5])
    pooled_trials, pooled = np.array([[15, 4], [20, 6]]), np.array([[6, 2], [9, 3]])
    assert got.prior_strength == pytest.approx(fit_prior_strength(pooled, pooled_trials, prior_mean=[0.4, 0.5]))
    s = got.prior_strength
    np.testing.assert_allclose(got.rates, (s * np.array([0.4, 0.5]) + pooled) / (s + pooled_trials))


def test_groups_are_pooled_as_pandas_pools_them():
    rng = np.random.default_rng(0)
    group, trials = rng.integers(0, 5, 300), rng.integers(0, 9, (300, 4))
    successes = rng.binomial(trials, 0.4)
    got = group_rates(group, trials, successes, parent=[0.4] * 4)
    pooled, looks = (pd.DataFrame(counts).groupby(group).sum().to_numpy() for counts in (successes, trials))
    np.testing.assert_allclose(got.rates, (pooled + 0.4 * got.prior_strength) / (looks + got.prior_strength))


def test_a_group_without_rows_has_the_rates_of_everybody():
    got = group_rates([0, 2], [[4, 4], [2, 2]], [[1, 2], [1, 1]], parent=[0.3, 0.6])
    np.testing.assert_allclose(got.rates[1], [0.3, 0.6])


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ([0.5, 1], "group must be whole numbers, got 0.5"),
        ([0, np.nan], "group must be whole numbers"),
        (["a", "b"], "group must be whole numbers"),
        ([0, 1, 1], "group must hold one code for each of the 2 rows"),
        ([0, -1], "group must lie in 0 to 999999, got -1 to 0"),
        ([0, 1_000_000], "group must lie in 0 to 999999, got 0 to 1000000"),
    ],
)
def test_codes_that_are_none_are_told_and_large_ones_make_no_table(group, told):
    with pytest.raises(ValueError, match=told):
        group_rates(group, np.ones((2, 2)), np.ones((2, 2)), parent=[0.5, 0.5])
    with pytest.raises(ValueError, match="one code for each"):
        group_rates([0, 1], np.ones(2), np.ones(2), parent=[0.5, 0.5])


def test_rows_labeled_in_another_order_are_refused():
    trials = pd.DataFrame(np.ones((2, 2)), index=["ann", "bob"])
    with pytest.raises(ValueError, match="trials must have the index of group"):
        group_rates(pd.Series([0, 1], index=["bob", "ann"]), trials, trials, parent=[0.5, 0.5])


def test_a_labeled_parent_meets_the_columns_of_trials_by_name():
    trials = pd.DataFrame([[10, 4], [20, 6]], columns=["soup", "pie"])
    successes = pd.DataFrame([[1, 2], [9, 3]], columns=["soup", "pie"])
    wanted = group_rates([0, 1], trials, successes, parent=[0.4, 0.5]).rates
    got = group_rates([0, 1], trials, successes, parent=pd.Series({"pie": 0.5, "soup": 0.4})).rates
    np.testing.assert_array_equal(got, wanted)
