"""MMD and the classifier against scipy, closed forms, definitions and their own levels."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial import distance

from utils.monitoring.drift import joint_tests
from utils.monitoring.drift.distances import ks_many, psi_many
from utils.monitoring.drift.joint_tests import classifier_two_sample_test, mmd_test


def samples(n=400, m=300, features=5, shift=0.3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), rng.normal(shift, 1.2, size=(m, features))


def false_alarm_bound(level, runs):
    """Largest count of alarms that the level explains in all but one of 10,000 such tests."""
    return stats.binom.ppf(1 - 1e-4, runs, level) / runs


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


def test_missing_values_that_come_to_depend_on_another_column_are_found_by_the_classifier():
    rng = np.random.default_rng(12)
    reference, current = rng.normal(size=(2, 800, 2))
    reference[rng.random(800) < 0.3, 1] = np.nan
    quiet = rng.normal(size=(800, 2))
    quiet[rng.random(800) < 0.3, 1] = np.nan
    current[current[:, 0] > stats.norm.isf(0.3), 1] = np.nan  # as many, but where the first column is high
    assert classifier_two_sample_test(reference, current).pvalue < 1e-6
    assert classifier_two_sample_test(reference, quiet).pvalue > 1e-3


def test_a_model_that_takes_no_missing_values_is_told_so():
    from sklearn.linear_model import LogisticRegression

    rows = np.arange(40.0).reshape(20, 2)
    holes = np.where(rows % 5 == 0, np.nan, rows)
    with pytest.raises(ValueError, match=r"^reference and current must hold no NaN for this model, got \d+; fill them"):
        classifier_two_sample_test(holes, holes, model=LogisticRegression())


def test_a_common_offset_does_not_change_mmd():
    rng = np.random.default_rng(13)
    reference, current = rng.normal(size=(30, 2)), rng.normal(0.5, 1, size=(40, 2))
    here, far = mmd_test(reference, current), mmd_test(reference + 1e9, current + 1e9)
    assert far.pvalue == here.pvalue
    assert far.statistic == pytest.approx(here.statistic, rel=1e-5)
    assert far.bandwidth == pytest.approx(here.bandwidth, rel=1e-5)


def test_columns_of_frames_are_matched_by_name_in_every_test_of_rows():
    rng = np.random.default_rng(14)
    reference = pd.DataFrame({"price": rng.normal(12, 3, 60), "minutes": rng.normal(30, 5, 60)})
    current = pd.DataFrame({"price": rng.normal(12, 3, 60), "minutes": rng.normal(30, 5, 60)})
    swapped = current[["minutes", "price"]]
    assert mmd_test(reference, swapped) == mmd_test(reference, current)
    assert classifier_two_sample_test(reference, swapped) == classifier_two_sample_test(reference, current)


def test_options_at_their_bounds_are_accepted():
    assert mmd_test([0.0, 1.0], [0.0, 1.0], n_permutations=1).pvalue in (0.5, 1.0)
    assert mmd_test([0.0, 1.0], [0.0, 1.0], bandwidth=1e-200).statistic == pytest.approx(-1.0)
    assert 0 <= classifier_two_sample_test(np.arange(4.0), np.arange(4.0)).auc <= 1
    assert mmd_test([1.0, 1.0], [1.0, 1.0]).bandwidth == 1.0


ROWS = np.arange(10.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: mmd_test(ROWS, ROWS, bandwidth=0), "bandwidth"),
        (lambda: mmd_test(ROWS, ROWS, bandwidth=math.inf), "bandwidth"),
        (lambda: mmd_test(ROWS, ROWS, n_permutations=0), "n_permutations"),
        (lambda: mmd_test(ROWS, ROWS, n_permutations=10**14), "n_permutations"),
        (lambda: mmd_test(ROWS, ROWS, seed="x"), "seed"),
        (lambda: mmd_test(ROWS[:1], ROWS), "mmd_test"),
        (lambda: mmd_test(ROWS, ROWS[:1]), "mmd_test"),
        (lambda: mmd_test([1.0, math.inf, 2.0], ROWS), "reference"),
        (lambda: mmd_test(ROWS, [1.0, -math.inf, 2.0]), "current"),
        (lambda: mmd_test(ROWS * 1e200, ROWS), "reference and current"),
        (
            lambda: mmd_test([1e154, 0, -1e154], [1e154, -1e154]),
            "reference and current",
        ),  # squares fit, distances don't
        (lambda: classifier_two_sample_test(ROWS, ROWS[:3]), "classifier_two_sample_test"),
        (lambda: classifier_two_sample_test(ROWS[:3], ROWS), "classifier_two_sample_test"),
        (lambda: classifier_two_sample_test(ROWS, [1, 2, 3, math.inf]), "current"),
        (lambda: classifier_two_sample_test(ROWS, ROWS, model="forest"), "model"),
        (lambda: classifier_two_sample_test(ROWS, ROWS, seed=-1), "seed"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()


def test_permutations_that_tie_with_the_samples_count_as_large():
    assert mmd_test([1.0, 1.0], [1.0, 1.0, 1.0], n_permutations=19).pvalue == 1.0


def test_as_many_rows_as_fit_are_taken(monkeypatch):
    monkeypatch.setattr(joint_tests, "MOST_PAIRED_ROWS", 6)
    assert 0 < mmd_test(ROWS[:3], ROWS[:3]).pvalue <= 1
    with pytest.raises(ValueError, match=r"^mmd_test must have at most 6 rows in all, got 3 and 4; "):
        mmd_test(ROWS[:3], ROWS[:4])
    monkeypatch.setattr(joint_tests, "MOST_PERMUTED", 60)
    assert 0 < mmd_test(ROWS[:3], ROWS[:3], n_permutations=10).pvalue <= 1
    with pytest.raises(ValueError, match=r"^n_permutations must be at most 10, got 11; "):
        mmd_test(ROWS[:3], ROWS[:3], n_permutations=11)
