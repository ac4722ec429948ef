"""Cold start: shrinkage against closed forms, factorization against scikit-learn, the chain against bad sources."""

import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import Ridge

from utils.learning.cold_start.content import ContentFeatures
from utils.learning.cold_start.matrix_factorization import alternating_least_squares, fold_in
from utils.learning.cold_start.shrinkage import (
    FallbackChain,
    beta_binomial_shrinkage,
    fit_prior_strength,
    group_rates,
    james_stein,
    trust_in,
)

# First 45 at-bats and remainder of the 1970 season as printed by Efron and Morris (1975, table 1; 1977).
BASEBALL_HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
BASEBALL_REST = np.array(
    [
        *(0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269),
        *(0.230, 0.264, 0.256, 0.303, 0.264, 0.226, 0.285, 0.316, 0.200),
    ]
)


# Beta-binomial shrinkage


def test_two_in_a_hundred_and_three_of_ten_is_a_posterior_mean_of_0455():
    assert beta_binomial_shrinkage(3, 10, prior_mean=0.02, prior_strength=100) == pytest.approx(5 / 110)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.99), st.floats(0.1, 1e4))
def test_shrinkage_is_the_mean_of_the_beta_posterior(successes, failures, mean, strength):
    wanted = stats.beta.mean(mean * strength + successes, (1 - mean) * strength + failures)
    got = beta_binomial_shrinkage(successes, successes + failures, prior_mean=mean, prior_strength=strength)
    assert got == pytest.approx(wanted, rel=1e-12)


def test_shrinkage_broadcasts_priors_over_columns():
    got = beta_binomial_shrinkage([[0, 1], [2, 2]], [[0, 2], [4, 2]], prior_mean=[0.2, 0.5], prior_strength=4)
    np.testing.assert_allclose(got, [[0.2, 0.5], [(0.8 + 2) / 8, 4 / 6]])


def test_fitted_strength_is_the_maximum_of_scipys_likelihood():
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 60, size=120)
    successes = rng.binomial(trials, rng.beta(6, 14, size=120))
    grid = np.geomspace(1, 500, 4_000)
    likelihood = [stats.betabinom.logpmf(successes, trials, 0.3 * s, 0.7 * s).sum() for s in grid]
    assert fit_prior_strength(successes, trials, prior_mean=0.3) == pytest.approx(
        grid[np.argmax(likelihood)], rel=0.005
    )


def test_fitted_strength_finds_the_truth_and_its_absence():
    rng = np.random.default_rng(2)
    trials = np.full(4_000, 50)
    # The estimate's standard error at 4,000 groups is below 4% (curvature of the likelihood), so 15% is over 3 of them.
    varied = fit_prior_strength(rng.binomial(trials, rng.beta(4, 16, 4_000)), trials, prior_mean=0.2)
    assert varied == pytest.approx(20, rel=0.15)
    assert fit_prior_strength(rng.binomial(trials, 0.2), trials, prior_mean=0.2) > 1_000
    assert fit_prior_strength([50, 0] * 9, [50] * 18, prior_mean=0.5) < 0.5


def test_group_rates_are_pooled_counts_shrunk_toward_the_parent():
    trials = np.array([[10, 4], [20, 6], [5, 0]])
    successes = np.array([[1, 2], [9, 3], [5, 0]])
    got = group_rates([0, 1, 0], trials, successes, parent=[0.4, 0.5])
    pooled_trials, pooled = np.array([[15, 4], [20, 6]]), np.array([[6, 2], [9, 3]])
    assert got.prior_strength == pytest.approx(fit_prior_strength(pooled, pooled_trials, prior_mean=[0.4, 0.5]))
    s = got.prior_strength
    np.testing.assert_allclose(got.rates, (s * np.array([0.4, 0.5]) + pooled) / (s + pooled_trials))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((np.nan, 10, 0.1, 5), "successes must be finite"),
        ((1, np.nan, 0.1, 5), "trials must be finite"),
        ((-1, 10, 0.1, 5), "successes must lie"),
        ((1, -2, 0.1, 5), "trials must lie"),
        ((3, 2, 0.1, 5), "successes must not exceed trials"),
        ((1, 2, 0.0, 5), "prior_mean must lie"),
        ((1, 2, 1.0, 5), "prior_mean must lie"),
        ((1, 2, np.nan, 5), "prior_mean must be finite"),
        ((1, 2, 0.5, 0), "prior_strength must be"),
        ((1, 2, 0.5, np.nan), "prior_strength must be"),
        (([], [], 0.5, 1), "successes must not be empty"),
        (([1, 2], [3, 4, 5], 0.5, 1), "must be numbers of one shape"),
        (("x", 2, 0.5, 1), "must be numbers of one shape"),
    ],
)
def test_bad_counts_are_named(arguments, named):
    successes, trials, mean, strength = arguments
    with pytest.raises(ValueError, match=named):
        beta_binomial_shrinkage(successes, trials, prior_mean=mean, prior_strength=strength)


def test_nothing_seen_fits_no_prior():
    with pytest.raises(ValueError, match="trials must not all be 0"):
        fit_prior_strength([0, 0], [0, 0], prior_mean=0.5)
    with pytest.raises(ValueError, match="group must hold one whole code"):
        group_rates([0.5, 1], np.ones((2, 2)), np.ones((2, 2)), parent=[0.5, 0.5])
    with pytest.raises(ValueError, match="group must hold one whole code"):
        group_rates([0, 1, 1], np.ones((2, 2)), np.ones((2, 2)), parent=[0.5, 0.5])


# Trust


def test_trust_is_the_least_squares_slope_between_base_and_prediction():
    rng = np.random.default_rng(3)
    base, prediction = rng.standard_normal((2, 40, 3))
    outcome = base + 0.6 * (prediction - base) + 0.1 * rng.standard_normal((40, 3))
    slope = np.linalg.lstsq((prediction - base).reshape(-1, 1), (outcome - base).ravel(), rcond=None)[0][0]
    got = trust_in(prediction, base, outcome)
    assert got.weight == pytest.approx(slope)
    left = outcome - base - slope * (prediction - base)
    np.testing.assert_allclose(np.diag(got.covariance), (left**2).mean(axis=0), rtol=1e-6)
    share = 40 / 46  # off the diagonal, 40 cases in 3 dimensions keep 40 / (40 + 6)
    assert got.covariance[0, 1] == pytest.approx(share * (left[:, 0] * left[:, 1]).mean())


def test_trust_stays_between_ignoring_and_believing():
    base, prediction = np.zeros((4, 2)), np.ones((4, 2))
    assert trust_in(prediction, base, -prediction).weight == 0
    assert trust_in(prediction, base, 3 * prediction).weight == 1
    assert trust_in(base, base, prediction).weight == 0
    assert np.linalg.eigvalsh(trust_in(prediction, base, prediction).covariance)[0] > 0


@pytest.mark.parametrize("bad", [np.zeros((3, 2)), np.full((4, 2), np.nan), np.zeros(4), np.zeros((0, 2))])
def test_trust_needs_aligned_numbers(bad):
    with pytest.raises(ValueError, match="outcome must be a finite matrix"):
        trust_in(np.ones((4, 2)), np.zeros((4, 2)), bad)


# James–Stein


def test_baseball_as_printed_shrinks_to_a_third_of_the_error():
    average = np.array(BASEBALL_HITS) / 45
    center = average.mean()
    shrunk = james_stein(average, center * (1 - center) / 45)
    keep = (shrunk[0] - center) / (average[0] - center)
    assert (round(center, 3), round(keep, 3)) == (0.265, 0.212)  # printed by Efron and Morris
    raw, better = (float(np.sum((e - BASEBALL_REST) ** 2)) for e in (average, shrunk))
    assert raw / better == pytest.approx(3.5, abs=0.05)


def test_james_stein_never_pushes_past_the_mean():
    np.testing.assert_allclose(james_stein([1.0, 2.0, 3.0, 6.0], variance=100.0), 3.0)
    np.testing.assert_allclose(james_stein([2.0] * 4, variance=1.0), 2.0)


@pytest.mark.parametrize(
    ("estimates", "variance", "named"),
    [
        ([1, 2, 3], 1, "estimates must be at least 4"),
        ([1, 2, 3, np.nan], 1, "estimates"),
        ([1, 2, 3, 4], 0, "variance"),
    ],
)
def test_james_stein_refuses(estimates, variance, named):
    with pytest.raises(ValueError, match=named):
        james_stein(estimates, variance)


# Matrix factorization


def random_counts(rng, rows=7, columns=12):
    trials = rng.poisson(3, (rows, columns)).astype(float)
    return trials, rng.binomial(trials.astype(int), 0.3).astype(float)


def test_fold_in_is_scikit_learns_ridge_regression():
    rng = np.random.default_rng(4)
    factors = rng.standard_normal((12, 3))
    trials, successes = random_counts(rng)
    got = fold_in(factors, trials, successes, noise=1.0, prior_covariance=np.eye(3) / 5, offset=0.3)
    for row in range(7):
        used = trials[row] > 0
        rate = successes[row, used] / trials[row, used]
        ridge = Ridge(alpha=5, fit_intercept=False).fit(factors[used], rate - 0.3, sample_weight=trials[row, used])
        np.testing.assert_allclose(got[row], ridge.coef_, rtol=1e-8)


def test_fold_in_is_the_conditional_mean_of_a_joint_normal():
    rng = np.random.default_rng(5)
    factors = rng.standard_normal((4, 2))
    covariance, mean, noise = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([0.2, -0.4]), 0.25
    trials, successes = np.array([[2.0, 1, 0, 5]]), np.array([[1.0, 1, 0, 2]])
    used = trials[0] > 0
    z, rate = factors[used], successes[0, used] / trials[0, used]
    gain = covariance @ z.T @ np.linalg.inv(z @ covariance @ z.T + np.diag(noise / trials[0, used]))
    wanted = mean + gain @ (rate - 0.1 - z @ mean)
    got = fold_in(factors, trials, successes, noise=noise, prior_covariance=covariance, prior_mean=mean, offset=0.1)
    np.testing.assert_allclose(got[0], wanted, rtol=1e-10)


def test_without_trials_the_answer_is_the_prior():
    means = np.array([[1.0, 2.0], [3.0, 4.0]])
    got = fold_in(
        np.ones((3, 2)), np.zeros((2, 3)), np.zeros((2, 3)), noise=1, prior_covariance=np.eye(2), prior_mean=means
    )
    np.testing.assert_allclose(got, means)


def test_als_recovers_rates_of_low_rank_from_many_trials():
    rng = np.random.default_rng(6)
    rates = 0.3 + 0.1 * np.outer(rng.choice([-1, 1], 40), rng.choice([-1, 1], 30))
    trials = np.full(rates.shape, 400.0)
    trials[::3, ::4] = 0  # cells never seen
    model = alternating_least_squares(trials, rng.binomial(trials.astype(int), rates), rank=1, regularization=0.1)
    fitted = model.mean + model.rows @ model.columns.T
    # One factor of 30 cells of 400 trials: standard error about sqrt(.21 / 400 * 2 / 30) = 0.006; five of them.
    assert np.abs(fitted - rates).max() < 0.03


def test_als_descends_to_a_stationary_point_of_its_objective():
    rng = np.random.default_rng(7)
    trials, successes = random_counts(rng, 20, 15)
    model = alternating_least_squares(trials, successes, rank=2, regularization=3.0, sweeps=400, seed=1)
    left = successes - trials * (model.mean + model.rows @ model.columns.T)
    np.testing.assert_allclose(left @ model.columns, 3.0 * model.rows, atol=1e-6)
    np.testing.assert_allclose(left.T @ model.rows, 3.0 * model.columns, atol=1e-6)
    assert model.mean == pytest.approx(successes.sum() / trials.sum())


def test_als_is_the_same_for_the_same_seed():
    trials, successes = random_counts(np.random.default_rng(8))
    first, second = (alternating_least_squares(trials, successes, rank=2, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.rows, second.rows)


GOOD = {
    "factors": np.ones((3, 2)),
    "trials": np.ones((2, 3)),
    "successes": np.ones((2, 3)),
    "noise": 1.0,
    "prior_covariance": np.eye(2),
}


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"trials": np.ones(3)}, "trials must be a matrix"),
        ({"trials": np.ones((2, 2))}, "successes must have the shape"),
        ({"successes": np.full((2, 3), 2.0)}, "successes must not exceed"),
        ({"successes": np.full((2, 3), -1.0)}, "successes must lie"),
        ({"trials": np.full((2, 3), np.nan)}, "trials must be finite"),
        ({"factors": np.ones((4, 2))}, "factors must be finite"),
        ({"factors": np.full((3, 2), np.nan)}, "factors must be finite"),
        ({"noise": 0}, "noise must be"),
        ({"prior_covariance": np.eye(3)}, "prior_covariance must be finite"),
        ({"prior_covariance": -np.eye(2)}, "prior_covariance must be symmetric"),
        ({"prior_covariance": np.array([[1.0, 0.5], [0.0, 1.0]])}, "prior_covariance must be symmetric"),
        ({"prior_mean": np.ones(3)}, "prior_mean and offset must fit"),
        ({"offset": np.ones((5, 5))}, "prior_mean and offset must fit"),
        ({"offset": np.nan}, "prior_mean and offset must be finite"),
    ],
)
def test_fold_in_names_the_bad_argument(bad, named):
    arguments = GOOD | bad
    with pytest.raises(ValueError, match=named):
        fold_in(arguments.pop("factors"), arguments.pop("trials"), arguments.pop("successes"), **arguments)


def test_als_names_the_bad_argument():
    ones = np.ones((2, 2))
    with pytest.raises(ValueError, match="trials must not all be 0"):
        alternating_least_squares(0 * ones, 0 * ones)
    for option in ({"rank": 0}, {"sweeps": 0}, {"regularization": 0}):
        with pytest.raises(ValueError, match=next(iter(option))):
            alternating_least_squares(ones, ones, **option)


# Content

DISHES = pd.DataFrame(
    {
        "description": ["Smoked salmon set.", "Smoked beef stack, with onion."],
        "price": [10.0, 20.0],
        "preparation_minutes": [10, 30],
    }
)


def test_content_features_are_unit_word_vectors_beside_standard_scores():
    features = ContentFeatures(DISHES)(DISHES)
    assert features.shape == (2, 7 + 2)
    np.testing.assert_allclose((features[:, :-2] ** 2).sum(axis=1), 1)
    np.testing.assert_allclose(features[:, -2:], [[-1, -1], [1, 1]])


def test_words_never_seen_count_nothing_and_the_scale_is_that_of_the_known_dishes():
    new = pd.DataFrame({"description": ["Zucchini"], "price": [40.0], "preparation_minutes": [20]})
    features = ContentFeatures(DISHES)(new)
    np.testing.assert_allclose(features[0, :-2], 0)
    np.testing.assert_allclose(features[0, -2:], [3, 0])


@pytest.mark.parametrize(
    "bad",
    [
        DISHES.drop(columns="price"),
        DISHES.iloc[:0],
        DISHES.assign(price=[1.0, np.nan]),
        DISHES.assign(price=[1, -1]),
        None,
    ],
)
def test_content_features_refuse_incomplete_dishes(bad):
    with pytest.raises(ValueError, match="dishes must"):
        ContentFeatures(bad)


# The fallback chain. `LONG` is a limit that no healthy source comes near, `SHORT` one that a blocked source meets.

LONG, SHORT = 30.0, 0.05


def answers(value):
    return lambda request: value


def fails(request):
    raise KeyError("no such user")


def test_the_first_source_that_answers_wins_and_later_ones_are_not_asked():
    asked = []
    chain = FallbackChain(
        {
            "empty store": answers([]),
            "unknown": answers(None),
            "raises": fails,
            "good": answers([1]),
            "spare": asked.append,
        },
        last_resort=[0],
        time_limit=LONG,
    )
    answer = chain.answer(7)
    assert (answer.value, answer.source, asked) == ([1], "good", [])
    assert [(a.source, a.outcome) for a in answer.attempts] == [
        ("empty store", "no answer"),
        ("unknown", "no answer"),
        ("raises", "raised"),
        ("good", "answered"),
    ]
    assert answer.attempts[2].detail == "KeyError: 'no such user'"


def test_the_request_reaches_the_source():
    chain = FallbackChain({"by user": {3: "soup"}.get}, last_resort="pizza", time_limit=LONG)
    assert [chain.answer(user).value for user in (3, 4)] == ["soup", "pizza"]
    assert [chain.answer(user).source for user in (3, 4)] == ["by user", "last resort"]


def test_zero_and_empty_arrays_are_told_apart():
    chain = FallbackChain({"array": answers(np.array([])), "zero": answers(0)}, last_resort=1, time_limit=LONG)
    assert chain.answer(0)[:2] == (0, "zero")


def test_a_source_that_leaves_the_interpreter_is_passed_over():
    def leaves(request):
        raise SystemExit(3)

    chain = FallbackChain({"leaves": leaves}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).attempts[0] == ("leaves", "raised", "SystemExit: 3")


@pytest.fixture
def hanging():
    """A source that hangs until the test ends or `release` is set, and counts its calls."""
    release, calls = threading.Event(), []

    def source(request):
        calls.append(request)
        release.wait(60)
        return ["late"]

    source.release, source.calls = release, calls
    yield source
    release.set()


def test_a_hung_source_is_abandoned_and_the_next_one_answers(hanging):
    chain = FallbackChain({"hangs": hanging, "good": answers([1])}, last_resort=[0], time_limit=2 * SHORT)
    answer = chain.answer(7)
    assert answer.attempts[0] == ("hangs", "timed out", "")
    assert not hanging.release.is_set()
    assert answer.source in ("good", "last resort")  # a slow machine may use up the rest of the limit


def test_hung_calls_hold_a_bounded_number_of_threads_and_cost_no_time_when_busy(hanging):
    before = threading.active_count()
    chain = FallbackChain({"hangs": hanging}, last_resort=[0], time_limit=SHORT, max_concurrent=3)
    outcomes = [chain.answer(request).attempts[0].outcome for request in range(40)]
    assert outcomes == ["timed out"] * 3 + ["busy"] * 37
    assert len(hanging.calls) == 3
    assert threading.active_count() - before <= 3


def test_a_hung_source_is_asked_again_once_its_call_has_ended_and_its_late_answer_is_dropped(hanging):
    chain = FallbackChain({"hangs": hanging}, last_resort=[0], time_limit=SHORT, max_concurrent=1)
    assert chain.answer(1).source == "last resort"
    hanging.release.set()
    give_up = time.monotonic() + LONG
    while (answer := chain.answer(2)).attempts[0].outcome == "busy" and time.monotonic() < give_up:
        time.sleep(0.001)
    assert answer[:2] == (["late"], "hangs")
    assert hanging.calls == [1, 2]


def test_time_left_is_shared_over_the_sources_still_to_be_asked(monkeypatch):
    waited = []

    def wait(event, timeout=None):
        waited.append(timeout)
        return True

    clock = iter([100.0, 100.0, 104.0, 112.5])
    monkeypatch.setattr("utils.learning.cold_start.fallback_chain.time.monotonic", lambda: next(clock))
    chain = FallbackChain({name: fails for name in "abc"}, last_resort=[0], time_limit=12.0)
    monkeypatch.setattr("utils.learning.cold_start.fallback_chain._Call", FinishedCall)
    FinishedCall.waited = waited
    answer = chain.answer(1)
    assert waited == [12.0 / 3, 8.0 / 2]
    assert [a.outcome for a in answer.attempts] == ["no answer", "no answer", "out of time"]


class FinishedCall:
    """Stands in for a call that answered nothing, and notes how long it was given."""

    value = error = None

    def __init__(self, source, request, slots):
        slots.release()
        self.done = self

    def wait(self, timeout):
        self.waited.append(timeout)
        return True


def test_a_machine_without_threads_still_answers(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    chain = FallbackChain({"good": answers([1])}, last_resort=[0], time_limit=LONG, max_concurrent=1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert chain.answer(1).attempts == (("good", "raised", "can't start new thread"),)
    assert chain.answer(1).source == "good"  # the place was given back


def test_threads_of_sources_are_daemons():
    chain = FallbackChain({"thread": lambda _: [threading.current_thread().daemon]}, last_resort=[0], time_limit=LONG)
    assert chain.answer(1).value == [True]


def test_many_callers_at_once_all_get_an_answer(hanging):
    chain = FallbackChain({"hangs": hanging, "good": answers([1])}, last_resort=[0], time_limit=SHORT, max_concurrent=2)
    got = []
    callers = [threading.Thread(target=lambda: got.append(chain.answer(1).source)) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LONG)
    assert len(got) == 20
    assert len(hanging.calls) <= 2


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"sources": [fails]}, "sources must map names"),
        ({"sources": {"": fails}}, "sources must have names"),
        ({"sources": {"last resort": fails}}, "sources must have names"),
        ({"sources": {"a": 3}}, "sources must be functions"),
        ({"last_resort": None}, "last_resort must be an answer"),
        ({"last_resort": []}, "last_resort must be an answer"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"time_limit": np.nan}, "time_limit must be"),
        ({"max_concurrent": 0}, "max_concurrent must be"),
    ],
)
def test_the_chain_names_a_bad_argument(bad, named):
    arguments = {"sources": {"a": fails}, "last_resort": [0]} | bad
    with pytest.raises(ValueError, match=named):
        FallbackChain(arguments.pop("sources"), **arguments)


def test_an_empty_chain_answers_with_the_last_resort():
    assert FallbackChain({}, last_resort=[0]).answer(1) == ([0], "last resort", ())
