"""Welch, the delta method and CUPED agree with scipy, with resampling and with regression."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.experiments.ab_testing.inference import cuped, ratio_test, welch_from_moments, welch_test


def skewed(rng, users, scale=1.0):
    return scale * rng.lognormal(0.0, 1.0, users)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_welch_agrees_with_scipy(alpha):
    rng = np.random.default_rng(1)
    control, treatment = skewed(rng, 40), skewed(rng, 25, scale=2.0)
    ours = welch_test(control, treatment, alpha)
    reference = stats.ttest_ind(treatment, control, equal_var=False)
    interval = reference.confidence_interval(1 - alpha)
    assert ours.difference == pytest.approx(treatment.mean() - control.mean())
    assert ours.statistic == pytest.approx(reference.statistic)
    assert ours.pvalue == pytest.approx(reference.pvalue)
    assert ours.degrees_of_freedom == pytest.approx(reference.df)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))
    assert ours.standard_error == pytest.approx(ours.difference / ours.statistic)


def test_many_experiments_at_once_give_what_each_gives_alone():
    rng = np.random.default_rng(2)
    control, treatment = skewed(rng, (7, 3, 50)), skewed(rng, (7, 3, 60))
    ours, reference = welch_test(control, treatment), stats.ttest_ind(treatment, control, axis=-1, equal_var=False)
    assert ours.pvalue.shape == (7, 3)
    np.testing.assert_allclose(ours.pvalue, reference.pvalue)


def test_moments_give_the_same_test_as_scipy():
    ours = welch_from_moments(10.0, 4.0, 50, 11.0, 9.0, 70)
    reference = stats.ttest_ind_from_stats(11.0, 3.0, 70, 10.0, 2.0, 50, equal_var=False)
    assert (ours.statistic, ours.pvalue) == pytest.approx((reference.statistic, reference.pvalue))


def test_default_interval_is_a_95_percent_one():
    sample = [1.0, 2.0, 4.0], [2.0, 5.0, 9.0]
    assert welch_test(*sample) == welch_test(*sample, 0.05)
    views = [1.0, 2.0, 2.0], [3.0, 1.0, 2.0]
    assert ratio_test(sample[0], views[0], sample[1], views[1]) == ratio_test(
        sample[0], views[0], sample[1], views[1], 0.05
    )
    assert welch_from_moments(1, 1, 9, 2, 1, 9) == welch_from_moments(1, 1, 9, 2, 1, 9, 0.05)


def sessions_and_clicks(rng, users, mean_rate=0.2):
    """Users differ in how often they come and in how often they click: requests of one user are not independent."""
    sessions = rng.geometric(0.1, users)
    rate = rng.beta(5 * mean_rate, 5 * (1 - mean_rate), users)
    return rng.binomial(sessions, rate).astype(float), sessions.astype(float)


def test_ratio_test_reports_the_difference_of_ratios_of_sums():
    rng = np.random.default_rng(4)
    clicks0, views0 = sessions_and_clicks(rng, 300)
    clicks1, views1 = sessions_and_clicks(rng, 400, 0.3)
    test = ratio_test(clicks0, views0, clicks1, views1)
    assert test.difference == pytest.approx(clicks1.sum() / views1.sum() - clicks0.sum() / views0.sum())


def test_delta_method_error_agrees_with_the_bootstrap_over_users():
    """The bootstrap error of 1,000 resamples has itself an error of 1/√2,000 = 2.2%; the bound is four of these."""
    rng = np.random.default_rng(6)
    clicks0, views0 = sessions_and_clicks(rng, 2_000)
    clicks1, views1 = sessions_and_clicks(rng, 1_000)
    draws0, draws1 = rng.integers(2_000, size=(1_000, 2_000)), rng.integers(1_000, size=(1_000, 1_000))
    ratios0 = clicks0[draws0].sum(axis=1) / views0[draws0].sum(axis=1)
    ratios1 = clicks1[draws1].sum(axis=1) / views1[draws1].sum(axis=1)
    test = ratio_test(clicks0, views0, clicks1, views1)
    assert test.standard_error == pytest.approx((ratios1 - ratios0).std(), rel=0.09)


def test_with_one_view_a_user_the_ratio_test_is_welch():
    rng = np.random.default_rng(8)
    control, treatment = skewed(rng, 30), skewed(rng, 40)
    ours = ratio_test(control, np.ones(30), treatment, np.ones(40))
    reference = stats.ttest_ind(treatment, control, equal_var=False)
    assert (ours.statistic, ours.pvalue) == pytest.approx((reference.statistic, reference.pvalue))


def test_a_user_without_exposure_counts_as_a_zero_in_both_sums():
    clicks, views = np.array([1.0, 0.0, 2.0, 1.0]), np.array([2.0, 0.0, 3.0, 4.0])
    test = ratio_test(clicks, views, clicks + 1, views + 1)
    assert test.difference == pytest.approx(8 / 13 - 4 / 9)
    small = ratio_test(clicks / 10, views / 10, clicks, views)
    assert small.difference == pytest.approx(0.0, abs=1e-12)


def test_under_no_effect_the_delta_method_keeps_five_percent():
    """2,000 A/A experiments: five percent plus or minus four binomial deviations, two points."""
    rng = np.random.default_rng(9)
    clicks, views = sessions_and_clicks(rng, (2_000, 2, 500))
    pvalues = ratio_test(clicks[:, 0], views[:, 0], clicks[:, 1], views[:, 1]).pvalue
    assert np.mean(pvalues < 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2_000))


def test_cuped_is_the_residual_of_a_regression():
    rng = np.random.default_rng(10)
    before = skewed(rng, 500)
    after = 3 + 0.7 * before + rng.normal(0, 1, 500)
    fit, result = stats.linregress(before, after), cuped(after, before)
    assert result.theta == pytest.approx(fit.slope)
    assert result.correlation == pytest.approx(fit.rvalue)
    assert result.variance_reduction == pytest.approx(fit.rvalue**2)
    np.testing.assert_allclose(result.adjusted, after - fit.slope * (before - before.mean()))


def test_cuped_keeps_the_mean_and_shrinks_the_variance_by_one_minus_rho_squared():
    rng = np.random.default_rng(11)
    before = rng.normal(5, 2, 400)
    after = -0.6 * before + rng.normal(0, 1, 400)
    result = cuped(after, before)
    assert result.correlation < 0
    assert result.adjusted.mean() == pytest.approx(after.mean())
    assert result.adjusted.var() / after.var() == pytest.approx(1 - np.corrcoef(before, after)[0, 1] ** 2)


@given(st.floats(-1e6, 1e6), st.integers(2, 300), st.integers(2, 300))
@settings(deadline=None)
def test_a_constant_metric_is_refused_whatever_the_value(value, users0, users1):
    with pytest.raises(ValueError, match="control and treatment must vary"):
        welch_test([value] * users0, [value + 1] * users1)
    with pytest.raises(ValueError, match="covariate and metric must vary"):
        cuped(np.arange(users0), [value] * users0)
    with pytest.raises(ValueError, match="covariate and metric must vary"):
        cuped([value] * users0, np.arange(users0))


@given(st.floats(0.01, 100), st.lists(st.integers(1, 50), min_size=2, max_size=8))
@settings(deadline=None)
def test_the_same_ratio_for_every_user_is_refused(ratio, views):
    views = np.array(views, float)
    with pytest.raises(ValueError, match="control and treatment must vary"):
        ratio_test(ratio * views, views, ratio * views[::-1], views[::-1])


def test_prices_that_differ_by_rounding_only_are_constant():
    prices = np.array([19.99, 19.99 * (1 + 2e-16), 20 - 0.01])
    with pytest.raises(ValueError, match="control and treatment must vary"):
        welch_test(prices, prices)
    assert welch_test(prices, [19.0, 20.0, 22.0]).degrees_of_freedom == pytest.approx(2)


def test_a_small_spread_on_a_large_mean_is_no_constant():
    spread = np.array([0.0, 1.0, 3.0, 2.0])
    far = welch_test(1e9 + spread, 1e9 + 2 * spread)
    assert far.pvalue == pytest.approx(stats.ttest_ind(spread, 2 * spread, equal_var=False).pvalue, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-80, 1e-3, 1e90])
def test_welch_has_no_unit(scale):
    control, treatment = np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0, 9.0, 3.0])
    ours, plain = welch_test(control * scale, treatment * scale), welch_test(control, treatment)
    assert (ours.pvalue, ours.degrees_of_freedom) == pytest.approx((plain.pvalue, plain.degrees_of_freedom), rel=1e-9)
    assert cuped(control * scale, control**2 * scale).correlation == pytest.approx(
        cuped(control, control**2).correlation, rel=1e-9
    )


MILLIONTHS = st.integers(-(10**9), 10**9)  # up to a thousand; nothing so small that its square is zero


@given(st.lists(MILLIONTHS, min_size=2, max_size=20, unique=True), MILLIONTHS.filter(bool))
@settings(deadline=None)
def test_a_correlation_never_passes_one(values, slope):
    values, slope = np.array(values) / 1e6, slope / 1e6
    if np.ptp(values) < 1e-6 * np.abs(values).max():
        return
    result = cuped(slope * values, values)
    assert abs(result.correlation) <= 1
    assert result.variance_reduction == pytest.approx(1)


def test_users_meet_by_label_in_any_order():
    metric, covariate = pd.Series([1.0, 2.0, 4.0], index=[0, 1, 2]), pd.Series([4.0, 2.0, 1.0], index=[2, 1, 0])
    assert cuped(metric, covariate).theta == pytest.approx(1)
    clicks, views = pd.Series([1.0, 2.0, 5.0], index=list("abc")), pd.Series([9.0, 3.0, 4.0], index=list("cab"))
    arranged = ratio_test(clicks.to_numpy(), [3.0, 4.0, 9.0], clicks.to_numpy() * 2, [3.0, 4.0, 9.0])
    assert ratio_test(clicks, views, clicks * 2, views) == arranged
    with pytest.raises(ValueError, match=r"covariate must carry the labels of metric, got a difference in \['d'\]"):
        cuped(clicks.rename_axis("user"), views.rename({"a": "d"}))


HALF = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: welch_test([], HALF), "control must hold at least 2"),
        (lambda: welch_test(HALF, [1.0]), "treatment must hold at least 2"),
        (lambda: welch_test([1.0, np.nan], HALF), "control must be finite"),
        (lambda: welch_test(HALF, [1.0, np.inf]), "treatment must be finite"),
        (lambda: welch_test(np.ma.masked_equal([1.0, 2.0, 999.0], 999), HALF), "control must not be masked"),
        (lambda: welch_test([1e200, -1e200], HALF), "control must lie in"),
        (lambda: welch_from_moments(1, [1, 0], 9, 1, [1, 0], 9), "control and treatment must vary"),
        (lambda: welch_from_moments([1, np.nan], 1, 9, 1, 1, 9), "control_mean must be finite"),
        (lambda: welch_from_moments(1, 1, [9, 1], 1, 1, 9), "control_users must lie in"),
        (lambda: welch_from_moments(1, 1, 9, 1, 1, [9, 1]), "treatment_users must lie in"),
        (lambda: welch_from_moments(1, [1, -1], 9, 1, 3, 9), "control_variance must lie in"),
        (lambda: welch_from_moments(1, 3, 9, 1, [1, -1], 9), "treatment_variance must lie in"),
        (lambda: ratio_test([HALF, HALF], [HALF, [0, 0, 0]], [HALF] * 2, [HALF] * 2), "must be non-negative and not"),
        (lambda: welch_test(HALF, "text"), "treatment must hold numbers"),
        (lambda: welch_test([HALF], HALF), "control and treatment must have equal leading shapes"),
        (lambda: welch_test([1.0, 1.0], [1.0, 1.0]), "control and treatment must vary"),
        (lambda: welch_test(HALF, HALF, alpha=5), "alpha must be between 0 and 1"),
        (lambda: welch_from_moments(1, -1, 9, 1, 2, 9), "control_variance must lie in"),
        (lambda: welch_from_moments(1, 1, 9, 1, -1, 9), "treatment_variance must lie in"),
        (lambda: welch_from_moments(1, 1, 1, 1, 1, 9), "control_users must lie in"),
        (lambda: welch_from_moments(1, 1, 9, 1, 1, 1), "treatment_users must lie in"),
        (lambda: welch_from_moments("1", 1, 9, 1, 1, 9), "control_mean must hold numbers"),
        (
            lambda: welch_from_moments(np.ma.masked_equal([1.0, 9.0], 9), 1, 9, 1, 1, 9),
            "control_mean must not be masked",
        ),
        (lambda: welch_from_moments(1, 1, 2.5, 1, 1, 9), "control_users must be whole"),
        (lambda: welch_from_moments(1, 1e-320, 9, 1, 1e-320, 9), "must not be so small"),
        (lambda: welch_from_moments(-1e308, 1, 9, 1e308, 1, 9), "control_mean must lie in"),
        (lambda: welch_from_moments(np.nan, 1, 9, 1, 1, 9), "control_mean must be finite"),
        (lambda: ratio_test(HALF, [1.0, 2.0], HALF, HALF), "control_denominator must have the shape"),
        (lambda: ratio_test(HALF, HALF, HALF, [0.0, 0.0, 0.0]), "treatment_denominator must be non-negative"),
        (lambda: ratio_test(HALF, [-1.0, 2.0, 3.0], HALF, HALF), "control_denominator must be non-negative"),
        (lambda: ratio_test(HALF, HALF, [1.0, np.nan, 1.0], HALF), "treatment_numerator must be finite"),
        (lambda: ratio_test([HALF], [HALF], HALF, HALF), "control and treatment must have equal leading shapes"),
        (lambda: cuped(HALF, [1.0, 2.0]), "covariate must have the metric's one axis"),
        (lambda: cuped([HALF], [HALF]), "covariate must have the metric's one axis"),
        (lambda: cuped(HALF, [1.0, 1.0, 1.0]), "covariate and metric must vary"),
        (lambda: cuped([1.0, 1.0, 1.0], HALF), "covariate and metric must vary"),
        (lambda: cuped([np.nan, 1.0, 1.0], HALF), "metric must be finite"),
        (lambda: cuped([1.0], [1.0]), "metric must hold at least 2"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_two_users_an_arm_are_enough_for_welch():
    assert welch_from_moments(0, 1, 2, 1, 1, 2).degrees_of_freedom == pytest.approx(2)
    assert welch_test([1.0, 2.0], [3.0, 3.0]).degrees_of_freedom == pytest.approx(1)


def test_labeled_moments_of_two_arms_meet_by_label():
    control, treatment = pd.Series({"Lyon": 1.0, "Nice": 5.0}), pd.Series({"Nice": 6.0, "Lyon": 4.0})
    assert welch_from_moments(control, 1, 9, treatment, 1, 9).difference.tolist() == [3.0, 1.0]
    with pytest.raises(ValueError, match="treatment_mean must carry the labels of control_mean"):
        welch_from_moments(control, 1, 9, pd.Series({"Nice": 6.0, "Metz": 4.0}), 1, 9)


def test_frames_of_experiments_in_another_order_are_refused():
    control = pd.DataFrame([[1.0, 2.0], [5.0, 7.0]], index=["Lyon", "Nice"])
    with pytest.raises(ValueError, match="order of index of control"):
        welch_test(control, control.iloc[::-1])
    with pytest.raises(ValueError, match="order of index of control"):
        ratio_test(control, control, control.iloc[::-1], control.iloc[::-1])
    assert ratio_test(control, control.iloc[::-1] ** 2, control, control).difference[0] == 1 - 3 / 5
