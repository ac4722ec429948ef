"""Bins against numpy's histogram and quantiles, and by hand."""

import numpy as np
import pandas as pd
import pytest

from utils.monitoring.drift.binning import binned_counts
from utils.monitoring.drift.distances import jensen_shannon, psi, psi_many
from utils.monitoring.drift.two_sample_tests import chi_square_test, psi_test


def samples(n=400, m=300, features=5, shift=0.3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), rng.normal(shift, 1.2, size=(m, features))


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


@pytest.mark.parametrize("function", [psi, psi_many, chi_square_test, jensen_shannon])
@pytest.mark.parametrize(
    "bins",
    [
        1,
        0,
        -3,
        2.5,
        True,
        10**15,
        "ten",
        [2.0, 1.0],
        [0.0, 2.0, 1.0],
        [0.0, 1.0, 1.0],
        [[1.0]],
        [np.nan],
        [0.0, np.nan],
        [],
    ],
)
def test_unusable_bins_are_refused(function, bins):
    reference = [[1.0], [2.0]] if function is psi_many else [1.0, 2.0]
    with pytest.raises(ValueError, match="bins must be"):
        function(reference, reference, bins)


def test_ten_bins_are_the_default_of_every_function():
    reference, current = np.arange(100.0), np.arange(50.0, 150.0)
    assert len(binned_counts(reference, current).reference) == 10
    assert psi(reference, current) == psi(reference, current, 10) != psi(reference, current, 9)
    assert psi_many(reference[:, None], current[:, None])[0] == psi(reference, current, 10)
    assert psi_test(reference, current) == psi_test(reference, current, 10) != psi_test(reference, current, 11)
    assert chi_square_test(reference, current) == chi_square_test(reference, current, 10)
    assert jensen_shannon(reference, current) == jensen_shannon(reference, current, 10)


@pytest.mark.parametrize("bins", [["1.5", "2.5"], [b"1", b"2"], np.ma.masked_equal([1.0, 9.0], 9.0), [False, True]])
def test_edges_that_are_no_numbers_are_refused(bins):
    with pytest.raises(ValueError, match="bins must be a number of bins or increasing inner edges"):
        binned_counts([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], bins)
