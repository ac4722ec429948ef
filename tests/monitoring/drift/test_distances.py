"""Distances against scipy and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial import distance

from utils.monitoring.drift.binning import binned_counts
from utils.monitoring.drift.distances import jensen_shannon, ks_distance, ks_many, psi, psi_many, psi_of_counts
from utils.monitoring.drift.two_sample_tests import ks_pvalue


def samples(n=400, m=300, features=5, shift=0.3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), rng.normal(shift, 1.2, size=(m, features))


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


def test_jensen_shannon_agrees_with_scipy():
    reference, current = samples()
    before, after = binned_counts(reference[:, 0], current[:, 0])
    assert jensen_shannon(reference[:, 0], current[:, 0]) == pytest.approx(
        distance.jensenshannon(before, after, base=2)
    )


def test_counts_of_labeled_bins_meet_by_label():
    before, after = pd.Series({"cash": 30, "card": 10}), pd.Series({"card": 30, "cash": 10})
    assert psi_of_counts(before, after) == pytest.approx(np.log(3))  # 2 · (¾ − ¼) · log 3
    with pytest.raises(ValueError, match="after must carry the labels of before"):
        psi_of_counts(before, pd.Series({"card": 30, "cheque": 10}))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([1, 2], [1, 2, 3], "after must have the shape of before"),
        ([], [], "before must not be empty"),
        ([0, 0], [1, 2], "before must have rows in some bin"),
        ([[1, 2], [1, 0]], [[1, 0], [1, 0]], "after must have rows in some bin"),
        ([1, -2], [1, 2], "before must lie in"),
        ([1, 2], ["1", "2"], "after must hold numbers"),
        ([1, np.nan], [1, 2], "before must be finite"),
    ],
)
def test_counts_that_give_no_psi_are_refused(before, after, message):
    with pytest.raises(ValueError, match=message):
        psi_of_counts(before, after)
