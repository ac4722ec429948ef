"""Evidence is a binomial likelihood ratio, fair under healthy canaries, and told as a power of ten."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.experiments.rollout.evidence import log_evidence, odds


@pytest.mark.parametrize(("ratio", "share"), [(4, 0.01), (2, 0.1), (0.8, 0.01), (0.95, 0.5)])
def test_evidence_is_the_binomial_likelihood_ratio(ratio, share):
    canary, total = np.arange(12), 40
    chance = share * ratio / (1 - share + share * ratio)
    expected = stats.binom.logpmf(canary, total, chance) - stats.binom.logpmf(canary, total, share)
    np.testing.assert_allclose(log_evidence(canary, total - canary, share, ratio), expected, rtol=1e-9)


@pytest.mark.parametrize("ratio", [4, 0.5])
def test_bets_on_a_healthy_canary_are_fair_or_worse_under_the_hypergeometric_split(ratio):
    requests, canary_requests, total = 400, 40, 30
    split = stats.hypergeom(requests, total, canary_requests)
    canary = np.arange(total + 1)
    mean = (split.pmf(canary) * np.exp(log_evidence(canary, total - canary, 0.1, ratio))).sum()
    assert mean <= 1 + 1e-12
    assert mean > 0.5  # a statistic that is always small would be fair too, and useless


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((-1, 0, 0.1, 2), "canary_events"),
        ((0, math.nan, 0.1, 2), "stable_events"),
        (([], [], 0.1, 2), "canary_events"),
        ((1, 1, 1.1, 2), "share"),
        ((1, 1, math.nan, 2), "share"),
        ((1, 1, 0.1, 0), "ratio"),
        ((1, 1, 0.1, math.inf), "ratio"),
        (([1, -1], 0, 0.1, 2), "canary_events"),
        ((1, [1, math.nan], 0.1, 2), "stable_events"),
        ((2.0**54, 0, 0.1, 2), "canary_events"),
        ((1, 1, [0.1, -0.1], 2), "share"),
        ((1, 1, 0.1, [2, 0]), "ratio"),
        ((1, 1, 0.1, 1e-10), "ratio"),
        (("many", 1, 0.1, 2), "canary_events"),
        ((np.ma.masked_equal([1, 9], 9), 1, 0.1, 2), "canary_events"),
    ],
)
def test_evidence_names_a_bad_argument(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        log_evidence(*arguments)


def test_noise_discounts_evidence_by_the_inflation_of_the_variance_it_causes():
    # simulate log-normal arms: the variance of the canary's count, given the total, inflates by 1 + T·s·(1 − s)·noise
    rng, share, mean, noise = np.random.default_rng(12), 0.5, 200.0, 0.02
    own = rng.normal(0, math.sqrt(noise / 2), (2, 40_000))
    canary, stable = rng.poisson(mean / 2 * np.exp(own))
    inflation = np.var((canary - stable) / 2) / (mean * share * (1 - share))
    discount = log_evidence(130, 70, share, 1.5) / log_evidence(130, 70, share, 1.5, noise=noise)
    assert discount == pytest.approx(inflation, rel=0.05)
    with pytest.raises(ValueError, match=r"^noise must"):
        log_evidence(1, 1, 0.1, 2, noise=-1)


@given(st.floats(-700, 700))
@settings(deadline=None)
def test_odds_read_as_pythons_own_scientific_format(evidence):
    assert odds(evidence) == f"{math.exp(evidence):.0e} to 1"


@pytest.mark.parametrize(("power", "told"), [(400, "1e+400 to 1"), (-1_000, "1e-1000 to 1"), (0, "1e+00 to 1")])
def test_odds_have_no_largest_size(power, told):
    assert odds((power + 1e-9) * math.log(10)) == told


def test_a_digit_that_rounds_up_to_ten_moves_the_power():
    assert odds(math.log(9.7e5)) == "1e+06 to 1"
    with pytest.raises(ValueError, match=r"^evidence must"):
        odds(math.inf)


def test_evidence_stays_finite_at_the_limits_of_its_arguments():
    most = 2.0**53
    for ratio in (1e-9, 1e9):
        for share in (0.0, 1e-12, 1.0):
            for noise in (0.0, 1e9):
                assert np.isfinite(log_evidence([most, 0, most], [0, most, most], share, ratio, noise=noise)).all()


def test_a_share_of_one_teaches_nothing():
    assert log_evidence(1_000, 0, 1.0, 1e-9) == pytest.approx(0, abs=1e-3)


def test_windows_of_both_arms_meet_by_label():
    canary, stable = pd.Series([4.0, 0.0], index=["mon", "tue"]), pd.Series([9.0, 1.0], index=["tue", "mon"])
    np.testing.assert_array_equal(log_evidence(canary, stable, 0.1, 2), log_evidence([4, 0], [1, 9], 0.1, 2))


def test_all_five_labeled_arguments_meet_window_by_window():
    first = {"canary_events": [4, 0], "stable_events": [0, 4], "share": [0.01, 0.2], "ratio": [4, 2], "noise": [0, 1]}
    expected = log_evidence(**first).tolist()
    for name in list(first)[1:]:
        series = {key: pd.Series(values, index=["a", "b"]) for key, values in first.items()}
        series[name] = series[name].iloc[::-1]
        assert log_evidence(**series).tolist() == expected, name
    only_late = {"share": pd.Series([0.01, 0.2], index=["a", "b"]), "ratio": pd.Series([2, 4], index=["b", "a"])}
    assert log_evidence([4, 0], [0, 4], **only_late, noise=[0, 1]).tolist() == expected
