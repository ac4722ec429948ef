"""Drift statistics against scipy, statsmodels, closed forms and their own null distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial import distance
from statsmodels.stats.multitest import multipletests

from utils.monitoring.drift.multiplicity import alarms
from utils.monitoring.drift.statistics import (
    binned_counts,
    chi_square_test,
    classifier_two_sample_test,
    jensen_shannon,
    ks_distance,
    ks_many,
    ks_pvalue,
    mmd_test,
    psi,
    psi_many,
    psi_null_quantile,
    psi_test,
)


def samples(n=400, m=300, features=5, shift=0.3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), rng.normal(shift, 1.2, size=(m, features))


def false_alarm_bound(level, runs):
    """Largest count of alarms that the level explains in all but one of 10,000 such tests."""
    return stats.binom.ppf(1 - 1e-4, runs, level) / runs


# --- bins -------------------------------------------------------------------------------------------------------------


def test_bins_hold_equal_shares_of_the_reference():
    reference, current = samples(n=1_000)
    before, after = binned_counts(reference[:, 0], current[:, 0])
    assert before.tolist() == [100] * 10
    assert after.sum() == 300


def test_bins_agree_with_numpy_histogram_on_the_same_edges():
    reference, current = samples()
    edges = [-1.0, 0.0, 0.5]
    before, after = binned_counts(reference[:, 0], current[:, 0], edges)
    outer = [-np.inf, *edges, np.inf]
    np.testing.assert_array_equal(before, np.histogram(reference[:, 0], outer)[0])
    np.testing.assert_array_equal(after, np.histogram(current[:, 0], outer)[0])


def test_quantile_edges_are_those_of_numpys_inverted_cdf():
    reference, current = samples(n=403)
    edges = np.quantile(reference[:, 0], np.arange(1, 7) / 7, method="inverted_cdf")
    for mine, theirs in zip(
        binned_counts(reference[:, 0], current[:, 0], 7),
        binned_counts(reference[:, 0], current[:, 0], edges),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_value_on_an_edge_belongs_to_the_bin_below():
    assert binned_counts([0, 1, 2], [1, 1, 2], bins=[1]).current.tolist() == [2, 1]


def test_a_constant_feature_sees_values_on_either_side():
    before, after = binned_counts([3] * 50, [2, 3, 4, 4])
    assert before.tolist() == [0, 50, 0]
    assert after.tolist() == [1, 1, 2]
    assert psi([3] * 50, [2] * 50) > 5
    assert psi([3] * 50, [4] * 50) > 5
    assert psi([3] * 50, [3] * 20) == 0


def test_an_untied_minimum_opens_no_bin_below_it():
    before, _ = binned_counts(np.arange(10), np.arange(-5, 5))
    assert before.tolist() == [1] * 10


def test_tied_values_share_a_bin():
    before, after = binned_counts([0] * 70 + list(range(1, 31)), [0] * 100, bins=10)
    assert before.tolist() == [70, 10, 10, 10]
    assert after.tolist() == [100, 0, 0, 0]


def test_missing_values_form_a_bin_of_their_own():
    before, after = binned_counts([1, 2, 3, 4, np.nan], [1, np.nan, np.nan], bins=2)
    assert before.tolist() == [2, 2, 1]
    assert after.tolist() == [1, 0, 2]


def test_quantiles_are_of_the_values_that_are_present():
    values = np.arange(100.0)
    holes = np.concatenate([values, np.full(300, np.nan)])
    assert binned_counts(holes, values).reference.tolist() == [10] * 10 + [300]


@pytest.mark.parametrize(
    "make",
    [
        list,
        lambda v: pd.Series(v, dtype="category"),
        lambda v: pd.Series(v, dtype="str"),
        lambda v: np.array(v, object),
    ],
)
def test_categories_are_counted_by_value(make):
    before, after = binned_counts(make(["a", "b", "b", "c"]), make(["c", "c", "d"]))
    assert before.tolist() == [1, 2, 1, 0]
    assert after.tolist() == [0, 0, 2, 1]


def test_whole_numbers_declared_as_categories_are_not_binned():
    codes = pd.Series(range(20), dtype="category")
    assert len(binned_counts(codes, codes).reference) == 20


def test_nullable_numbers_are_numbers():
    nullable = pd.array([1, 2, None, 4], dtype="Int64")
    assert binned_counts(nullable, [2, 3], bins=2).reference.tolist() == [2, 1, 1]


# --- PSI --------------------------------------------------------------------------------------------------------------


def test_psi_is_the_symmetric_kullback_leibler_divergence_of_scipy():
    reference, current = samples()
    p, q = (counts / counts.sum() for counts in binned_counts(reference[:, 0], current[:, 0]))
    assert psi(reference[:, 0], current[:, 0]) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))


def test_psi_counts_an_empty_bin_as_half_a_row():
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.125])
    assert psi([1, 1, 2, 2], [1, 1, 1, 1]) == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert psi([1, 1, 1, 1], [1, 1, 2, 2]) == pytest.approx(((p - q) * np.log(p / q)).sum())


def test_psi_many_agrees_with_psi_column_by_column():
    reference, current = samples()
    reference[:, 1] = 7.0
    current[::3, 1] = 6.0
    reference[::5, 2] = np.nan
    current[:, 3] = np.round(current[:, 3])
    reference[:, 3] = np.round(reference[:, 3])
    expected = [psi(reference[:, i], current[:, i]) for i in range(5)]
    np.testing.assert_allclose(psi_many(reference, current), expected)
    assert (psi_many(reference, current) >= 0).all()


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


# --- the others -------------------------------------------------------------------------------------------------------


def test_ks_agrees_with_scipy():
    reference, current = samples()
    reference[:, 2] = np.round(reference[:, 2])
    current[:, 2] = np.round(current[:, 2])
    expected = [stats.ks_2samp(reference[:, i], current[:, i], method="asymp") for i in range(5)]
    distances = ks_many(reference, current)
    np.testing.assert_allclose(distances, [result.statistic for result in expected])
    np.testing.assert_allclose(ks_pvalue(distances, 400, 300), [result.pvalue for result in expected])
    assert ks_distance(reference[:, 2], current[:, 2]) == pytest.approx(expected[2].statistic)
    assert isinstance(ks_pvalue(0.1, 100, 100), float)


def test_chi_square_agrees_with_the_formula_and_scipy():
    reference, current = ["a"] * 30 + ["b"] * 70, ["a"] * 60 + ["b"] * 40
    statistic, pvalue = chi_square_test(reference, current)
    assert statistic == pytest.approx(200 * (30 * 40 - 70 * 60) ** 2 / (100 * 100 * 90 * 110))
    assert pvalue == pytest.approx(stats.chi2.sf(statistic, 1))
    assert chi_square_test([1, 1], [1]) == (0.0, 1.0)
    assert psi_test([1, 1], [1]) == (0.0, 1.0)


def test_jensen_shannon_agrees_with_scipy():
    reference, current = samples()
    before, after = binned_counts(reference[:, 0], current[:, 0])
    assert jensen_shannon(reference[:, 0], current[:, 0]) == pytest.approx(
        distance.jensenshannon(before, after, base=2)
    )


def test_mmd_agrees_with_its_definition():
    reference, current = samples(n=30, m=20, features=2)
    pairs = distance.cdist(np.concatenate([reference, current]), np.concatenate([reference, current]), "sqeuclidean")
    kernel = np.exp(-pairs / (2 * 0.7**2))
    within, other, across = kernel[:30, :30], kernel[30:, 30:], kernel[:30, 30:]
    expected = (within.sum() - 30) / (30 * 29) + (other.sum() - 20) / (20 * 19) - 2 * across.mean()
    result = mmd_test(reference, current, bandwidth=0.7, n_permutations=20)
    assert result.statistic == pytest.approx(expected)
    assert result.bandwidth == 0.7
    both = np.concatenate([reference, current])
    assert mmd_test(reference, current).bandwidth == pytest.approx(np.median(distance.pdist(both)))


def test_mmd_of_a_shifted_gaussian_tends_to_its_closed_form():
    """For N(0, 1) and N(d, 1) and bandwidth h: 2 h / sqrt(h^2 + 2) (1 - exp(-d^2 / (2 (h^2 + 2))))."""
    rng = np.random.default_rng(6)
    values = [
        mmd_test(rng.normal(size=200), rng.normal(1, 1, 200), bandwidth=1, n_permutations=1)[0] for _ in range(60)
    ]
    expected = 2 / np.sqrt(3) * (1 - np.exp(-1 / 6))
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(60)


def test_mmd_permutation_p_value_is_at_least_one_over_permutations_and_uniform_without_drift():
    rng = np.random.default_rng(7)
    far = mmd_test(rng.normal(size=(40, 2)), rng.normal(3, 1, (50, 2)), n_permutations=99)
    assert far.pvalue == pytest.approx(0.01)
    pvalues = np.array([mmd_test(*rng.normal(size=(2, 25)), n_permutations=99, seed=i).pvalue for i in range(200)])
    for level in (0.05, 0.2, 0.5):
        assert (pvalues <= level).mean() <= false_alarm_bound(level, 200)
        assert (pvalues > 1 - level).mean() <= false_alarm_bound(level, 200)


def test_classifier_finds_a_change_that_leaves_every_marginal_intact():
    rng = np.random.default_rng(8)
    dish = rng.normal(size=1_000)
    price = dish + rng.normal(scale=0.5, size=1_000)
    reference = np.column_stack([dish, price])
    misjoined = np.column_stack([dish, rng.permutation(price)])
    assert ks_many(reference, misjoined).max() == 0
    assert psi_many(reference, misjoined).max() == 0
    result = classifier_two_sample_test(reference, misjoined)
    assert result.auc > 0.65
    assert result.pvalue < 1e-4


def test_classifier_auc_and_p_value_are_scipys_mann_whitney_of_the_scores_on_held_out_rows():
    class FirstColumn:
        """Scores a row by its first column; remembers how many rows it was fitted on."""

        def __sklearn_clone__(self):
            return self

        def fit(self, rows, label):
            self.rows, self.label = rows, label

        def predict_proba(self, rows):
            return np.column_stack([-rows[:, 0], rows[:, 0]])

    model = FirstColumn()
    reference, current = np.arange(40.0), np.arange(100.0, 130.0)
    result = classifier_two_sample_test(reference, current, model=model)
    assert result.auc == 1.0
    assert result.pvalue == pytest.approx(
        stats.mannwhitneyu(np.arange(15) + 100, np.arange(20), alternative="greater", method="asymptotic").pvalue
    )
    assert model.rows.shape == (35, 1)
    assert (model.label == (model.rows[:, 0] >= 100)).all()
    assert classifier_two_sample_test(current, reference, model=model).pvalue > 0.99


def test_classifier_test_holds_its_level():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(9)
    pvalues = [
        classifier_two_sample_test(*rng.normal(size=(2, 60, 3)), model=LogisticRegression(), seed=i).pvalue
        for i in range(150)
    ]
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-4
    assert classifier_two_sample_test(np.ones(20), np.ones(20)) == (0.5, 1.0)


# --- many features ----------------------------------------------------------------------------------------------------


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


# --- bad input --------------------------------------------------------------------------------------------------------

ONE = [psi, psi_test, chi_square_test, jensen_shannon, ks_distance, binned_counts]


@pytest.mark.parametrize("function", ONE)
def test_empty_or_wrongly_shaped_samples_are_named(function):
    with pytest.raises(ValueError, match="reference must be a non-empty"):
        function([], [1.0])
    with pytest.raises(ValueError, match="current must be a non-empty"):
        function([1.0], [])
    with pytest.raises(ValueError, match="current must be a non-empty"):
        function([1.0], [[1.0]])
    with pytest.raises(ValueError, match="take the hours"):
        function(np.array(["2024-01-01"], "datetime64[s]"), [1.0])


@pytest.mark.parametrize("function", [psi, psi_many, chi_square_test, jensen_shannon])
@pytest.mark.parametrize("bins", [1, 0, -3, 2.5, True, [2.0, 1.0], [[1.0]], [np.nan], []])
def test_unusable_bins_are_refused(function, bins):
    reference = [[1.0], [2.0]] if function is psi_many else [1.0, 2.0]
    with pytest.raises(ValueError, match="bins must be"):
        function(reference, reference, bins)


@pytest.mark.parametrize("function", [psi_many, ks_many])
def test_tables_of_the_wrong_shape_are_refused(function):
    with pytest.raises(ValueError, match="reference must have shape"):
        function([1.0], [[1.0]])
    with pytest.raises(ValueError, match="current must have shape"):
        function([[1.0]], np.empty((0, 1)))
    with pytest.raises(ValueError, match="got 1 and 2 columns"):
        function([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="must be numbers"):
        function([["a"]], [["b"]])


def test_missing_values_are_refused_where_they_have_no_place():
    hole = np.array([[1.0], [np.nan], [2.0]])
    for function in (ks_many, mmd_test):
        with pytest.raises(ValueError, match="reference must not hold NaN, got 1"):
            function(hole, hole[::2])
        with pytest.raises(ValueError, match="current must not hold NaN, got 1"):
            function(hole[::2], hole)
    with pytest.raises(ValueError, match="must be numbers"):
        ks_distance(["a"], ["b"])


def test_options_out_of_range_are_refused():
    rows = np.arange(10.0)
    for arguments in ((0, 5), (5, -1), (5, 5, 1), (np.nan, 5)):
        with pytest.raises(ValueError, match="whole number"):
            psi_null_quantile(*arguments)
    for level in (0, 1, -0.1, np.nan):
        with pytest.raises(ValueError, match="level must lie"):
            psi_null_quantile(10, 10, 5, level)
        with pytest.raises(ValueError, match="level must lie"):
            alarms([0.5], level)
    with pytest.raises(ValueError, match="method must be"):
        psi_null_quantile(10, 10, method="normal")
    with pytest.raises(ValueError, match="distance must lie"):
        ks_pvalue([0.2, 1.2], 10, 10)
    with pytest.raises(ValueError, match="distance must lie"):
        ks_pvalue(-0.1, 10, 10)
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        mmd_test(rows, rows, bandwidth=0)
    with pytest.raises(ValueError, match="n_permutations"):
        mmd_test(rows, rows, n_permutations=0)
    with pytest.raises(ValueError, match="at least 2 rows"):
        mmd_test(rows[:1], rows)
    with pytest.raises(ValueError, match="at least 4 rows"):
        classifier_two_sample_test(rows, rows[:3])
    for pvalues in ([], [1.1], [-0.1], [np.nan], [[[0.5]]]):
        with pytest.raises(ValueError, match="pvalues must"):
            alarms(pvalues)
    with pytest.raises(ValueError, match="method must be one of"):
        alarms([0.5], method="holm")


def test_options_at_their_bounds_are_accepted():
    assert psi_null_quantile(1, 1, 2, 0.5) == pytest.approx(2 * stats.chi2.ppf(0.5, 1))
    assert ks_pvalue([0.0, 1.0], 1, 1).tolist() == [1.0, 0.0]
    assert ks_pvalue(0.4, 2, 1) == pytest.approx(stats.kstwo.sf(0.4, 1))
    assert alarms([0.0, 1.0], 0.5).tolist() == [True, False]
    assert mmd_test([0.0, 1.0], [0.0, 1.0], n_permutations=1).pvalue in (0.5, 1.0)
    assert 0 <= classifier_two_sample_test(np.arange(4.0), np.arange(4.0)).auc <= 1
    assert mmd_test([1.0, 1.0], [1.0, 1.0]).bandwidth == 1.0
