"""Alarms of many features against statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from utils.monitoring.drift.multiplicity import METHODS, alarms


def false_alarm_bound(level, runs):
    """Largest count of alarms that the level explains in all but one of 10,000 such tests."""
    return stats.binom.ppf(1 - 1e-4, runs, level) / runs


@pytest.mark.parametrize(("method", "theirs"), [("bonferroni", "bonferroni"), ("benjamini-hochberg", "fdr_bh")])
def test_corrections_agree_with_statsmodels(method, theirs):
    pvalues = np.random.default_rng(10).beta(0.3, 1, size=(20, 15))
    expected = [multipletests(row, 0.1, theirs)[0] for row in pvalues]
    np.testing.assert_array_equal(alarms(pvalues, 0.1, method=method), expected)
    np.testing.assert_array_equal(alarms(pvalues[0], 0.1, method=method), expected[0])


def test_a_hundred_features_alarm_on_nearly_every_day_until_corrected():
    pvalues = np.random.default_rng(11).uniform(size=(4_000, 100))
    assert alarms(pvalues, method="none").any(axis=1).mean() == pytest.approx(1 - 0.95**100, abs=0.005)
    for method in ("bonferroni", "benjamini-hochberg"):
        assert 0.035 <= alarms(pvalues, method=method).any(axis=1).mean() <= false_alarm_bound(0.05, 4_000)


def test_bonferroni_at_five_per_cent_is_the_default_and_the_level_itself_alarms():
    assert alarms([0.025, 0.026]).tolist() == [True, False]
    assert alarms([0.0, 1.0], 0.5).tolist() == [True, False]
    assert [alarms([0.02, 0.04], method=method).tolist() for method in METHODS] == [[1, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: alarms([]), "pvalues"),
        (lambda: alarms([0.5, 1.1]), "pvalues"),
        (lambda: alarms([0.5, -0.1]), "pvalues"),
        (lambda: alarms([0.5, np.nan]), "pvalues"),
        (lambda: alarms([[[0.5]]]), "pvalues"),
        (lambda: alarms(["0.5"]), "pvalues"),
        (lambda: alarms([0.5], 0), "level"),
        (lambda: alarms([0.5], 1), "level"),
        (lambda: alarms([0.5], np.nan), "level"),
        (lambda: alarms([0.5], method="holm"), "method"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
