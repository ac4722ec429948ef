"""Many splits of one population: each is the test that scipy makes of that split."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.experiments.ab_testing.rerandomization import split_tests


@pytest.fixture(scope="module")
def population():
    rng = np.random.default_rng(4)
    y0 = rng.lognormal(3, 1, 300)
    return y0, y0 * 1.1 + rng.normal(0, 1, 300), (rng.random((40, 300)) < 0.3).astype(np.int8)


def test_every_split_is_scipys_welch_test(population):
    y0, y1, arms = population
    ours = split_tests(y0, y1, arms, alpha=0.1)
    for row, arm in enumerate(arms):
        theirs = stats.ttest_ind(y1[arm == 1], y0[arm == 0], equal_var=False)
        assert ours.statistic[row] == pytest.approx(theirs.statistic, rel=1e-9)
        assert ours.pvalue[row] == pytest.approx(theirs.pvalue, rel=1e-9)
        interval = theirs.confidence_interval(0.9)
        assert (ours.low[row], ours.high[row]) == pytest.approx(tuple(interval), rel=1e-9)


def test_the_default_interval_is_a_95_percent_one(population):
    y0, y1, arms = population
    interval = stats.ttest_ind(y1[arms[0] == 1], y0[arms[0] == 0], equal_var=False).confidence_interval(0.95)
    assert split_tests(y0, y1, arms[:1]).high[0] == pytest.approx(interval.high, rel=1e-9)


def test_the_mean_over_all_splits_is_the_true_effect():
    """All 6 splits of 4 users into halves: the estimator is unbiased (Neyman)."""
    arms = [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]]
    tests = split_tests([1.0, 2.0, 5.0, 9.0], [2.0, 2.0, 7.0, 13.0], arms)
    assert tests.difference.mean() == pytest.approx(7 / 4)


def test_a_large_offset_loses_no_digits(population):
    y0, _, arms = population
    np.testing.assert_allclose(
        split_tests(y0 + 1e7, y0 + 1e7, arms).statistic, split_tests(y0, y0, arms).statistic, 1e-6
    )


def test_a_treatment_that_moves_everybody_far_loses_no_digits(population):
    y0, y1, arms = population
    near, far = split_tests(y0, y1, arms), split_tests(y0, y1 + 1e9, arms)
    np.testing.assert_allclose(far.standard_error, near.standard_error, rtol=1e-6)
    np.testing.assert_allclose(far.difference - 1e9, near.difference, atol=1e-4)


@pytest.mark.parametrize("value", [19.99, 0.1, 1e9 / 3])
def test_a_constant_metric_has_no_test(value):
    arms = np.arange(60)[None] % 3 == 0
    with pytest.raises(ValueError, match="control and treatment must vary"):
        split_tests([value] * 60, [value] * 60, arms)
    with pytest.raises(ValueError, match="control and treatment must vary"):
        split_tests([value] * 60, [value + 1] * 60, arms)


def test_an_arm_that_is_constant_in_one_split_only_is_refused_when_both_are():
    values = [1.1, 1.1, 2.3, 2.3]
    assert split_tests(values, values, [[0, 1, 0, 1]]).pvalue[0] == pytest.approx(1)
    with pytest.raises(ValueError, match="control and treatment must vary"):
        split_tests(values, values, [[0, 1, 0, 1], [0, 0, 1, 1]])


def test_users_meet_by_label():
    if_control = pd.Series([1.0, 2.0, 3.0, 4.0], index=list("abcd"))
    if_treated = pd.Series([8.0, 6.0, 4.0, 2.0], index=list("dcba"))
    arms = pd.DataFrame([[1, 1, 0, 0]], columns=list("dcba"))
    assert split_tests(if_control, if_treated, arms).difference.tolist() == [5.5]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0], [[0, 0, 1, 1]]), "if_treated must be one value a user"),
        (([[1.0, 2.0]], [[1.0, 2.0]], [[0, 1]]), "if_treated must be one value a user"),
        (([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, 1]]), "if_control must be finite"),
        (([], [], [[]]), "if_control must not be empty"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1]), "arms must have shape"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1]]), "arms must have shape"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], np.empty((0, 4))), "arms must have shape"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [["0", "0", "1", "1"]]), "arms must be 0 or 1"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, None]]), "arms must be 0 or 1"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, 1], [0, 0, 0, 1]]), "at least 2 users each"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, 2]]), "arms must be 0 or 1"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, -1]]), "arms must be 0 or 1"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 1, np.nan]]), "arms must be 0 or 1"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 0, 0, 1]]), "at least 2 users each"),
        (([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [[0, 1, 1, 1]]), "at least 2 users each"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        split_tests(*arguments)


def test_two_users_an_arm_suffice():
    assert split_tests([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 5.0], [[0, 0, 1, 1]]).difference.tolist() == [2.5]
