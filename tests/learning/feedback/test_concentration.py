"""Concentration against the definition by all pairs."""

import numpy as np
import pytest

from utils.learning.feedback.concentration import catalogue_coverage, gini


def test_gini_is_half_the_relative_mean_difference():
    exposure = np.random.default_rng(13).pareto(1.5, 60)
    difference = np.abs(exposure[:, None] - exposure).mean()
    assert gini(exposure) == pytest.approx(difference / (2 * exposure.mean()))
    assert gini([0] * 99 + [1]) == pytest.approx(0.99)
    assert gini([7]) == 0
    assert gini([0, 1e308, 1e308, 1e308]) == pytest.approx(0.25)


def test_catalogue_coverage_counts_the_threshold_in():
    assert catalogue_coverage([0, 1, 2, 3]) == 0.75
    assert catalogue_coverage([0, 1, 2, 3], at_least=2) == 0.5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gini([]), "exposure must not be empty"),
        (lambda: gini([0, 0]), "exposure must not be all zero"),
        (lambda: gini([-1, 2]), "exposure must lie in"),
        (lambda: catalogue_coverage([np.nan]), "exposure must be finite"),
        (lambda: catalogue_coverage([1], at_least=0), "at_least must be"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()
