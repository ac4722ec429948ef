"""Adjusted p-values against statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from utils.foundation.multiple_testing import benjamini_hochberg_adjusted, bonferroni_adjusted, checked_pvalues

ADJUSTMENTS = [(bonferroni_adjusted, "bonferroni"), (benjamini_hochberg_adjusted, "fdr_bh")]


@pytest.mark.parametrize(("adjusted", "theirs"), ADJUSTMENTS)
@settings(deadline=None)
@given(pvalues=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_one_family_is_adjusted_as_by_statsmodels(adjusted, theirs, pvalues):
    assert adjusted(pvalues) == pytest.approx(multipletests(pvalues, 0.05, theirs)[1])


@pytest.mark.parametrize(("adjusted", "theirs"), ADJUSTMENTS)
def test_each_row_is_a_family_of_its_own(adjusted, theirs):
    pvalues = np.random.default_rng(1).beta(0.3, 1, size=(4, 3, 7))
    expected = [[multipletests(family, 0.05, theirs)[1] for family in day] for day in pvalues]
    np.testing.assert_allclose(adjusted(pvalues), expected)


@pytest.mark.parametrize(
    "function", [bonferroni_adjusted, benjamini_hochberg_adjusted, lambda values: checked_pvalues("pvalues", values)]
)
@pytest.mark.parametrize("bad", [[], [1.1], [-0.1], [np.nan], [0.5, np.nan], [0.5, 2.0], 0.5, ["0.5"], [[0.5], [-1]]])
def test_what_are_no_pvalues_is_refused(function, bad):
    with pytest.raises(ValueError, match=r"^pvalues must .*got .*; "):
        function(bad)


def test_pvalues_at_both_ends_are_fine():
    assert checked_pvalues("p", [0, 1]).tolist() == [0.0, 1.0]
