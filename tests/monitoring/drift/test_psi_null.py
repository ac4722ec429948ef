"""The null law of PSI against published values, and against samples that did not drift."""

import math

import numpy as np
import pytest
from scipy import stats

from utils.monitoring.drift.distances import psi_many
from utils.monitoring.drift.psi_null import psi_null_quantile, psi_pvalue
from utils.monitoring.drift.two_sample_tests import psi_test


def false_alarm_bound(level, runs):
    """Largest count of alarms that the level explains in all but one of 10,000 such tests."""
    return stats.binom.ppf(1 - 1e-4, runs, level) / runs


@pytest.mark.parametrize(("n", "beyond", "mean"), [(100, 0.834, 0.18), (200, 0.350, 0.09), (1_000, 0.0, 0.018)])
def test_null_law_of_psi_gives_the_published_values(n, beyond, mean):
    """P(PSI > 0.1) of equal samples is P(chi2(9) > 0.1 n / 2); the mean is 18 / n."""
    assert stats.chi2.sf(0.1 * n / 2, 9) == pytest.approx(beyond, abs=5e-4)
    assert psi_null_quantile(n, n, 10, 1 - stats.chi2.sf(0.1 * n / 2, 9)) == pytest.approx(0.1, rel=1e-6)
    rng = np.random.default_rng(2)
    runs = 2_000
    values = psi_many(rng.exponential(size=(n, runs)), rng.exponential(size=(n, runs)))
    # The limit is 8% low in the mean at 10 rows a bin and 3% at 20; the Monte Carlo error is below 1.5%.
    assert values.mean() == pytest.approx(mean, rel=0.12)
    assert (values > 0.1).mean() == pytest.approx(beyond, abs=0.05)


def test_unequal_sizes_enter_the_null_quantile_as_a_sum_of_reciprocals():
    assert psi_null_quantile(50, 200, 5, 0.9) == pytest.approx((1 / 50 + 1 / 200) * stats.chi2.ppf(0.9, 4))


@pytest.mark.parametrize(("n", "m", "bins"), [(50, 50, 10), (100, 100, 10), (60, 600, 5), (500, 80, 10), (103, 97, 7)])
def test_exact_null_quantile_holds_its_level_whatever_the_distribution(n, m, bins):
    rng = np.random.default_rng(3)
    runs = 4_000
    threshold = psi_null_quantile(n, m, bins, 0.95, method="exact")
    values = psi_many(rng.lognormal(size=(n, runs)), rng.lognormal(size=(m, runs)), bins)
    # Three standard errors of the rate and one of the threshold's own 20,000 draws; PSI takes few values at small
    # sizes, so that a tie with the threshold can hold up to 1% of the runs.
    assert (values > threshold).mean() <= false_alarm_bound(0.052, runs)
    assert (values >= threshold).mean() >= 0.05 - 0.012


def test_the_chi_square_limit_holds_its_level_from_thirty_rows_a_bin():
    rng = np.random.default_rng(4)
    runs = 3_000
    values = psi_many(rng.normal(size=(300, runs)), rng.normal(size=(600, runs)))
    rate = (values > psi_null_quantile(300, 600, 10, 0.95)).mean()
    assert 0.035 <= rate <= false_alarm_bound(0.056, runs)


def test_the_chi_square_limit_alarms_too_often_at_ten_rows_a_bin():
    assert psi_null_quantile(100, 100, 10, method="exact") > 1.05 * psi_null_quantile(100, 100, 10)


def test_psi_p_values_are_uniform_without_drift():
    rng = np.random.default_rng(5)
    pvalues = [psi_test(*rng.normal(size=(2, 2_000)), 5).pvalue for _ in range(200)]
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-4
    categories = [psi_test(*rng.choice(["a", "b", "c"], size=(2, 1_000))).pvalue for _ in range(200)]
    assert stats.kstest(categories, "uniform").pvalue > 1e-4


def test_the_pvalue_is_the_tail_of_the_limit_for_one_value_or_many():
    values = np.array([[0.0, 0.05], [0.1, 3.0]])
    expected = stats.chi2.sf(values / (1 / 50 + 1 / 200), 4)
    np.testing.assert_allclose(psi_pvalue(values, 50, 200, 5), expected)
    assert psi_pvalue(0.1, 50, 200, 5) == pytest.approx(expected[1, 0])
    assert psi_pvalue(psi_null_quantile(80, 90, 7, 0.99), 80, 90, 7) == pytest.approx(0.01)


def test_more_bins_than_rows_have_an_exact_law_too():
    assert 0 < psi_null_quantile(3, 3, 5, method="exact", draws=2_000) < 10


def test_options_at_their_bounds_are_accepted():
    assert psi_null_quantile(1, 1, 2, 0.5) == pytest.approx(2 * stats.chi2.ppf(0.5, 1))
    assert psi_null_quantile(10**12, 10**12) == pytest.approx(2e-12 * stats.chi2.ppf(0.95, 9))
    assert psi_null_quantile(10**12, 10**12, method="exact", draws=500) == pytest.approx(
        psi_null_quantile(10**12, 10**12), rel=0.25
    )


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: psi_null_quantile(0, 5), "n"),
        (lambda: psi_null_quantile(math.nan, 5), "n"),
        (lambda: psi_null_quantile(10**400, 5), "n"),
        (lambda: psi_null_quantile(5, -1), "m"),
        (lambda: psi_null_quantile(5, 10**12 + 1), "m"),
        (lambda: psi_null_quantile(5, 5, 1), "bins"),
        (lambda: psi_null_quantile(5, 5, 10**15, method="exact"), "bins"),
        (lambda: psi_null_quantile(10, 10, 5, 0), "level"),
        (lambda: psi_null_quantile(10, 10, 5, 1), "level"),
        (lambda: psi_null_quantile(10, 10, 5, math.nan), "level"),
        (lambda: psi_null_quantile(10, 10, method="normal"), "method"),
        (lambda: psi_null_quantile(10, 10, method="exact", draws=0), "draws"),
        (lambda: psi_null_quantile(10, 10, method="exact", draws=10**15), "draws"),
        (lambda: psi_null_quantile(10, 10, method="exact", seed=-1), "seed"),
        (lambda: psi_pvalue(-0.1, 10, 10), "value"),
        (lambda: psi_pvalue([0.1, math.nan], 10, 10), "value"),
        (lambda: psi_pvalue(0.1, 0, 10), "n"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
