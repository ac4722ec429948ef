"""Tests of one feature against scipy and the formulas."""

import math

import numpy as np
import pytest
from scipy import stats

from utils.monitoring.drift.two_sample_tests import chi_square_test, ks_pvalue, psi_test


def test_chi_square_agrees_with_the_formula_and_scipy():
    reference, current = ["a"] * 30 + ["b"] * 70, ["a"] * 60 + ["b"] * 40
    statistic, pvalue = chi_square_test(reference, current)
    assert statistic == pytest.approx(200 * (30 * 40 - 70 * 60) ** 2 / (100 * 100 * 90 * 110))
    assert pvalue == pytest.approx(stats.chi2.sf(statistic, 1))
    assert chi_square_test([1, 1], [1]) == (0.0, 1.0)
    assert psi_test([1, 1], [1]) == (0.0, 1.0)


def test_psi_test_has_one_degree_of_freedom_less_than_bins_in_use():
    reference, current = [0] * 50 + [1] * 30 + [2] * 20, [0] * 20 + [1] * 30 + [2] * 50
    shares = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    value = ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum()
    two = psi_test(["a"] * 50 + ["b"] * 50, ["a"] * 20 + ["b"] * 80)
    assert two.pvalue == pytest.approx(stats.chi2.sf(two.statistic / (2 / 100), 1))
    # the bins hold 0, 1 and 2; nothing lies below the tied minimum and nothing is missing
    assert psi_test(reference, current) == pytest.approx((value, stats.chi2.sf(value / (2 / 100), 2)))


def test_numbers_are_compared_on_tenths_of_the_reference_unless_said_otherwise():
    """Of the current sample 20 rows fall on each of the lower five tenths and 10 on each of the upper ones."""
    reference, current = np.arange(100), np.concatenate([np.arange(50), np.arange(100)])
    counts = np.array([[10] * 10, [20] * 5 + [10] * 5])
    wanted = stats.chi2_contingency(counts, correction=False)
    assert wanted.dof == 9
    assert chi_square_test(reference, current) == pytest.approx((wanted.statistic, wanted.pvalue))
    value = 5 * (2 / 15 - 1 / 10) * math.log(4 / 3) + 5 * (1 / 15 - 1 / 10) * math.log(2 / 3)
    scaled = value / (1 / 100 + 1 / 150)
    assert psi_test(reference, current) == pytest.approx((value, stats.chi2.sf(scaled, 9)))


def test_ks_pvalues_at_the_ends_of_their_range():
    assert ks_pvalue([0.0, 1.0], 1, 1).tolist() == [1.0, 0.0]
    assert ks_pvalue(0.4, 2, 1) == pytest.approx(stats.kstwo.sf(0.4, 1))
    assert ks_pvalue(0.6, 1, 1) == pytest.approx(0.8)  # one row of each: 2 (1 − d) for a sample of one
    assert ks_pvalue(0.0, 10**12, 10**12) == 1.0


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ks_pvalue([0.2, 1.2], 10, 10), "distance"),
        (lambda: ks_pvalue([0.2, math.nan], 10, 10), "distance"),
        (lambda: ks_pvalue(-0.1, 10, 10), "distance"),
        (lambda: ks_pvalue(0.1, 0, 10), "n"),
        (lambda: ks_pvalue(0.1, 10**12 + 1, 10), "n"),
        (lambda: ks_pvalue(0.1, 10, 10**12 + 1), "m"),
        (lambda: ks_pvalue(0.1, 10, 10**400), "m"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
