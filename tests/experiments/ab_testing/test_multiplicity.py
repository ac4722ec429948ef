"""The corrections agree with scipy and statsmodels, and bound what they promise to bound."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from utils.experiments.ab_testing.multiplicity import benjamini_hochberg, holm

FAMILIES = [[0.3], [0.001, 0.02, 0.03, 0.04, 0.5], [0.05, 0.05, 0.01, 0.05], [0.9, 0.8, 1.0, 0.0], [0.02, 0.01]]


@pytest.mark.parametrize("pvalues", FAMILIES)
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
@pytest.mark.parametrize(("correction", "method"), [(benjamini_hochberg, "fdr_bh"), (holm, "holm")])
def test_corrections_agree_with_statsmodels(pvalues, level, correction, method):
    rejected, adjusted, _, _ = multipletests(pvalues, alpha=level, method=method)
    ours = correction(pvalues, level)
    np.testing.assert_allclose(ours.adjusted, adjusted)
    np.testing.assert_array_equal(ours.rejected, rejected)


def test_a_matrix_is_corrected_row_by_row_as_scipy_does():
    pvalues = np.random.default_rng(3).random((50, 10)) ** 2
    np.testing.assert_allclose(
        benjamini_hochberg(pvalues).adjusted, stats.false_discovery_control(pvalues, axis=-1, method="bh")
    )
    for row, adjusted in zip(pvalues[:3], holm(pvalues).adjusted[:3], strict=True):
        np.testing.assert_allclose(adjusted, multipletests(row, method="holm")[1])


def test_an_adjusted_pvalue_at_the_level_is_rejected():
    assert benjamini_hochberg([0.05]).rejected.all()
    assert holm([0.05]).rejected.all()


def test_error_rates_are_bounded_over_many_families():
    """Independent families of ten, three of them real: BH's false discovery rate is exactly 0.7 × q; 4 deviations."""
    rng = np.random.default_rng(5)
    z = rng.standard_normal((20_000, 10)) + np.where(np.arange(10) < 3, 3.0, 0.0)
    pvalues = 2 * stats.norm.sf(np.abs(z))
    rejected = benjamini_hochberg(pvalues, 0.1).rejected
    false_share = rejected[:, 3:].sum(axis=1) / np.maximum(rejected.sum(axis=1), 1)
    assert false_share.mean() == pytest.approx(0.07, abs=4 * false_share.std() / np.sqrt(len(z)))
    any_false = holm(pvalues, 0.1).rejected[:, 3:].any(axis=1)
    assert any_false.mean() < 0.1 + 4 * np.sqrt(0.09 / len(z))


@pytest.mark.parametrize("correction", [benjamini_hochberg, holm])
@pytest.mark.parametrize(
    ("pvalues", "level", "message"),
    [
        ([], 0.05, "pvalues must not be empty"),
        ([0.1, np.nan], 0.05, "pvalues must be finite"),
        ([0.1, 1.1], 0.05, "pvalues must lie in"),
        ([-0.1, 1.0], 0.05, "pvalues must lie in"),
        (0.1, 0.05, "pvalues must be an array"),
        ([0.1], 0.0, "must be between 0 and 1"),
        ([0.1], 1.0, "must be between 0 and 1"),
    ],
)
def test_bad_input_names_the_argument(correction, pvalues, level, message):
    with pytest.raises(ValueError, match=message):
        correction(pvalues, level)


def test_each_correction_names_its_own_level():
    with pytest.raises(ValueError, match="q must be"):
        benjamini_hochberg([0.1], 2)
    with pytest.raises(ValueError, match="alpha must be"):
        holm([0.1], 2)
