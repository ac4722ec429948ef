"""Boundaries and always-valid intervals agree with multivariate normals, quadrature, published tables, simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from utils.experiments.ab_testing.sequential import (
    always_valid_interval,
    exit_probabilities,
    mixture_deviation_for,
    obrien_fleming_boundary,
    pocock_boundary,
)

Z = stats.norm.isf(0.025)


def probability_inside(boundary, times, drift=0.0):
    """Probability that every z stays inside, by scipy's integration of the multivariate normal."""
    times = np.asarray(times)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    limits = {"lower_limit": -np.asarray(boundary), "maxpts": 200_000, "abseps": 1e-6, "releps": 1e-6}
    return stats.multivariate_normal.cdf(np.asarray(boundary), drift * np.sqrt(times), correlation, **limits)


@pytest.mark.parametrize(
    ("looks", "percent"), [(1, 5.0), (2, 8.3), (5, 14.2), (10, 19.3), (20, 24.8), (50, 32.0), (100, 37.4)]
)
def test_peeking_inflates_the_error_rate_as_tabled(looks, percent):
    """Armitage, McPherson, Rowe (1969), "Repeated significance tests on accumulating data", JRSS A 132."""
    assert 100 * exit_probabilities([Z] * looks).sum() == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(("looks", "z"), [(1, 1.960), (2, 2.178), (5, 2.413), (10, 2.555)])
def test_pocock_boundary_has_its_published_values(looks, z):
    assert pocock_boundary(looks, 0.05) == pytest.approx(z, abs=5e-4)


@pytest.mark.parametrize("drift", [0.0, 2.5, -1.0])
@pytest.mark.parametrize(
    ("boundary", "times"),
    [([2.0, 1.8], [0.3, 1.0]), ([2.8, 2.2, 1.9], [0.2, 0.5, 1.0]), ([2.4] * 4, [0.25, 0.5, 0.75, 1])],
)
def test_exit_probabilities_agree_with_the_multivariate_normal(boundary, times, drift):
    ours = np.cumsum(exit_probabilities(boundary, information=times, drift=drift))
    reference = [1 - probability_inside(boundary[:k], times[:k], drift) for k in range(1, len(times) + 1)]
    np.testing.assert_allclose(ours, reference, atol=1e-5)


def test_looks_are_equally_spaced_and_the_null_holds_unless_said_otherwise():
    boundary = [2.6, 2.2, 2.0]
    spent = exit_probabilities(boundary, drift=2.0).sum()
    assert spent == pytest.approx(1 - probability_inside(boundary, [1 / 3, 2 / 3, 1.0], 2.0), abs=1e-5)
    assert exit_probabilities(boundary).sum() == pytest.approx(exit_probabilities(boundary, drift=0.0).sum())


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("looks", [2, 3, 5])
@pytest.mark.parametrize("boundary", [lambda k, a: np.full(k, pocock_boundary(k, a)), obrien_fleming_boundary])
def test_boundaries_spend_exactly_alpha_by_the_multivariate_normal(boundary, looks, alpha):
    spent = 1 - probability_inside(boundary(looks, alpha), np.arange(1, looks + 1) / looks)
    assert spent == pytest.approx(alpha, abs=3e-5)


def test_boundaries_hold_five_percent_for_a_hundred_looks():
    """40,000 random walks: 5% plus or minus four binomial deviations, 0.44 points."""
    z = np.random.default_rng(12).standard_normal((40_000, 100)).cumsum(axis=1) / np.sqrt(np.arange(1, 101))
    for boundary in (pocock_boundary(100), obrien_fleming_boundary(100)):
        assert (np.abs(z) > boundary).any(axis=1).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.0475 / 40_000))


def test_obrien_fleming_falls_with_the_root_of_the_looks_and_is_mild_at_the_end():
    boundary = obrien_fleming_boundary(8)
    np.testing.assert_allclose(boundary * np.sqrt(np.arange(1, 9)), boundary[-1] * np.sqrt(8))
    assert Z < boundary[-1] < pocock_boundary(8) < boundary[0]
    assert obrien_fleming_boundary(1) == pytest.approx([Z])


def test_default_level_is_five_percent():
    assert pocock_boundary(3) == pocock_boundary(3, 0.05)
    np.testing.assert_array_equal(obrien_fleming_boundary(3), obrien_fleming_boundary(3, 0.05))
    assert mixture_deviation_for(1.0) == mixture_deviation_for(1.0, 0.05)
    low, default = (always_valid_interval(1, 1, mixture_deviation=1, **a).low for a in ({"alpha": 0.05}, {}))
    assert low == default


def mixture_likelihood_ratio(estimate, error, deviation, effect=0.0):
    """Average over effects θ ~ N(effect, τ²) of the likelihood ratio of θ against `effect`, by quadrature."""

    def integrand(theta):
        ratio = stats.norm.pdf(estimate, theta, error) / stats.norm.pdf(estimate, effect, error)
        return ratio * stats.norm.pdf(theta, effect, deviation)

    width = 12 * (error + deviation)
    return integrate.quad(integrand, effect - width, effect + width, points=[effect, estimate], limit=500)[0]


@pytest.mark.parametrize(("error", "deviation", "alpha"), [(1.0, 0.5, 0.05), (0.2, 1.5, 0.01), (3.0, 3.0, 0.2)])
def test_edges_of_the_always_valid_interval_are_where_the_mixture_ratio_is_one_over_alpha(error, deviation, alpha):
    low, high, _ = always_valid_interval(1.3, error, mixture_deviation=deviation, alpha=alpha)
    for edge in (low[0], high[0]):
        ratio = mixture_likelihood_ratio(1.3, error, deviation, effect=edge)
        assert ratio == pytest.approx(1 / alpha, rel=1e-6)


@pytest.mark.parametrize("estimate", [0.1, 2.0, -3.5])
def test_always_valid_pvalue_is_one_over_the_mixture_ratio(estimate):
    pvalue = always_valid_interval(estimate, 0.8, mixture_deviation=1.1).pvalue[0]
    assert pvalue == pytest.approx(min(1, 1 / mixture_likelihood_ratio(estimate, 0.8, 1.1)), rel=1e-6)


def test_always_valid_pvalue_is_below_alpha_exactly_when_zero_is_outside():
    estimate = np.linspace(-6, 6, 241)
    low, high, pvalue = always_valid_interval(estimate, np.ones(241), mixture_deviation=2.0, alpha=0.1)
    np.testing.assert_array_equal(pvalue < 0.1, (low > 0) | (high < 0))


def test_always_valid_interval_covers_at_every_one_of_a_thousand_looks():
    """Ville's inequality: at most 5% of paths ever exclude the truth; 4,000 paths, four binomial deviations."""
    rng, looks = np.random.default_rng(13), np.arange(1, 1_001)
    means = (rng.standard_normal((4_000, 1_000)).cumsum(axis=1) + 0.3 * looks) / looks
    errors = np.broadcast_to(1 / np.sqrt(looks), means.shape)
    low, high, _ = always_valid_interval(means, errors, mixture_deviation=0.1)
    ever_wrong = ((low > 0.3) | (high < 0.3)).any(axis=1).mean()
    assert 0.005 < ever_wrong < 0.05 + 4 * np.sqrt(0.0475 / 4_000)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_planned_mixture_gives_the_narrowest_interval(alpha):
    def width(deviation):
        low, high, _ = always_valid_interval(0.0, 2.0, mixture_deviation=deviation, alpha=alpha)
        return (high - low)[0]

    best = mixture_deviation_for(2.0, alpha)
    others = [width(best * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0)]
    assert width(best) < min(others)


@pytest.mark.parametrize("alpha", [1e-6, 0.5, 0.999])
def test_boundaries_spend_their_alpha_at_the_ends_of_its_range(alpha):
    for boundary in (np.full(4, pocock_boundary(4, alpha)), obrien_fleming_boundary(4, alpha)):
        assert exit_probabilities(boundary).sum() == pytest.approx(alpha, abs=1e-8)


def test_a_look_that_nobody_can_win_costs_nothing():
    assert exit_probabilities([1e9, Z]).tolist() == pytest.approx([0, 0.05])
    # the sum of a hundredth of the data is carried no further out than it can lie, so that few nodes are enough
    early = exit_probabilities([1e9, Z], information=[0.01, 1], drift=3.0)
    assert early.tolist() == pytest.approx([0, stats.norm.sf(Z - 3) + stats.norm.cdf(-Z - 3)])
    assert exit_probabilities([1e9, Z], drift=-3.0)[1] == pytest.approx(stats.norm.cdf(3 - Z) + stats.norm.sf(3 + Z))


def test_probabilities_of_stopping_add_up_to_at_most_one():
    for drift in (5.0, 30.0, -300.0):
        total = exit_probabilities([0.3, 0.2, 0.1] * 5, drift=drift).sum()
        assert 0.999 < total <= 1
    # without a cap this one adds up to a rounding more
    assert exit_probabilities([0.13, 0.7, 0.99, 1.09, 1.0, 1.18, 0.18, 0.78, 0.68, 0.76, 0.7], drift=-11.0).sum() <= 1
    assert exit_probabilities([0.01] * 1_000).sum() == pytest.approx(1)  # as many looks as there may be


@given(st.integers(-40, 40), st.integers(-40, 40))
@settings(deadline=None)
def test_always_valid_interval_has_no_unit(unit, strength):
    """Multiplied by any power of two, estimate, error and mixture give the same p-value and the interval that much
    larger."""
    plain = always_valid_interval([2.5, -1.0], [1.0, 0.5], mixture_deviation=2.0**strength)
    scale = 2.0**unit
    scaled = always_valid_interval(
        np.array([2.5, -1.0]) * scale, np.array([1.0, 0.5]) * scale, mixture_deviation=2.0**strength * scale
    )
    np.testing.assert_allclose(scaled.pvalue, plain.pvalue, rtol=1e-12)
    np.testing.assert_allclose(np.array(scaled[:2]) / scale, plain[:2], rtol=1e-12)


def test_always_valid_interval_stays_finite_at_the_limits_of_its_arguments():
    for error in (1e-70, 1e70):
        for deviation in (1e-70, 1e70):
            for estimate in (0.0, 1e70, -1e70):
                result = always_valid_interval([estimate], [error], mixture_deviation=deviation)
                assert np.isfinite(result).all()
                assert 0 <= result.pvalue[0] <= 1


def test_looks_meet_by_label():
    estimate, error = pd.Series([1.0, 2.0], index=["mon", "tue"]), pd.Series([0.5, 0.1], index=["tue", "mon"])
    by_label = always_valid_interval(estimate, error, mixture_deviation=1.0)
    np.testing.assert_array_equal(by_label.low, always_valid_interval([1, 2], [0.1, 0.5], mixture_deviation=1.0).low)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exit_probabilities([]), "boundary must not be empty"),
        (lambda: exit_probabilities([2.0, 0.0]), "boundary must be one axis of positive z"),
        (lambda: exit_probabilities([[2.0]]), "boundary must be one axis of positive z"),
        (lambda: exit_probabilities([2.0, np.nan]), "boundary must be finite"),
        (lambda: exit_probabilities([2.0], drift=np.nan), "drift must be a number"),
        (lambda: exit_probabilities([2.0, 2.0], information=[0.5]), "information must rise"),
        (lambda: exit_probabilities([2.0, 2.0], information=[0.0, 1.0]), "information must rise"),
        (lambda: exit_probabilities([2.0, 2.0], information=[0.5, 0.9]), "information must rise"),
        (lambda: exit_probabilities([2.0] * 3, information=[0.5, 0.5, 1.0]), "information must rise"),
        (lambda: exit_probabilities([2.0] * 1_001), "boundary must have at most 1,000 looks"),
        (lambda: exit_probabilities([2.0] * 3, information=[0.5, 0.5 + 1e-9, 1.0]), "information must rise by larger"),
        (lambda: pocock_boundary(10**9), "looks must be at most 1,000"),
        (lambda: pocock_boundary(2, 1e-20), "alpha must be a number in"),
        (lambda: mixture_deviation_for(1, 1e-200), "alpha must be a number in"),
        (lambda: always_valid_interval([1, 1], [0, 2], mixture_deviation=1), "standard_error must be positive"),
        (lambda: always_valid_interval([1, 1], [2, -1], mixture_deviation=1), "standard_error must be positive"),
        (lambda: always_valid_interval([1], [1e-200], mixture_deviation=1), "standard_error must be at least 1e-70"),
        (
            lambda: always_valid_interval([1, 1], [1, 1e-71], mixture_deviation=1),
            "standard_error must be at least 1e-70",
        ),
        (lambda: always_valid_interval([1], [1e200], mixture_deviation=1), "standard_error must lie in"),
        (lambda: always_valid_interval([1.1e70], [1], mixture_deviation=1), "estimate must lie in"),
        (lambda: always_valid_interval([1], [1], mixture_deviation=1e-200), "mixture_deviation must be a number in"),
        (lambda: pocock_boundary(0), "looks must be a whole number of at least 1"),
        (lambda: pocock_boundary(2.5), "looks must be a whole number"),
        (lambda: pocock_boundary(True), "looks must be a whole number"),
        (lambda: pocock_boundary(2, 0), "alpha must be between 0 and 1"),
        (lambda: obrien_fleming_boundary(-1), "looks must be a whole number"),
        (lambda: obrien_fleming_boundary(2, np.nan), "alpha must be between 0 and 1"),
        (lambda: always_valid_interval([], [], mixture_deviation=1), "estimate must not be empty"),
        (lambda: always_valid_interval([np.nan], [1], mixture_deviation=1), "estimate must be finite"),
        (lambda: always_valid_interval([1], [1, 2], mixture_deviation=1), "standard_error must have the shape"),
        (lambda: always_valid_interval([1], [0], mixture_deviation=1), "standard_error must be positive"),
        (lambda: always_valid_interval([1], [1], mixture_deviation=0), "mixture_deviation must be positive"),
        (lambda: always_valid_interval([1], [1], mixture_deviation=1, alpha=2), "alpha must be between 0 and 1"),
        (lambda: mixture_deviation_for(-1), "standard_error must be positive"),
        (lambda: mixture_deviation_for(1, 1), "alpha must be between 0 and 1"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
