"""Trust in a prediction against least squares."""

import numpy as np
import pandas as pd
import pytest

from utils.learning.cold_start.trust import trust_in, trust_in_clicks


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


def test_the_slope_goes_beyond_where_the_weight_stops():
    base, prediction = np.zeros((4, 2)), np.ones((4, 2))
    assert trust_in(prediction, base, 1.25 * prediction).slope == pytest.approx(1.25)
    assert trust_in(prediction, base, -prediction).slope == pytest.approx(-1)
    assert trust_in(base, base, prediction).slope == trust_in(base, base, prediction).standard_error == 0


def test_the_prediction_in_full_is_worse_than_the_base_exactly_below_a_slope_of_one_half():
    rng = np.random.default_rng(9)
    for true_slope in (-0.5, 0.2, 0.45, 0.55, 0.9, 1.4):
        base, prediction = rng.standard_normal((2, 30, 3))
        outcome = base + true_slope * (prediction - base) + 0.3 * rng.standard_normal((30, 3))
        is_worse = np.sum((outcome - prediction) ** 2) > np.sum((outcome - base) ** 2)
        assert is_worse == (trust_in(prediction, base, outcome).slope < 0.5)


def test_the_standard_error_is_the_spread_of_the_slope_over_draws_of_cases():
    rng = np.random.default_rng(10)
    found = []
    for _ in range(600):
        base, prediction = np.zeros((50, 3)), rng.standard_normal((50, 3))
        by_case = rng.standard_normal((50, 1)) * prediction  # the dimensions of a case err together
        found.append(trust_in(prediction, base, 0.4 * prediction + 0.3 * by_case))
    spread = np.std([trust.slope for trust in found])
    # Standard deviation over 600 draws: within 3% of the truth in two of three, so 15% is five of them.
    assert np.mean([trust.standard_error for trust in found]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 2)), np.full((4, 2), np.nan), np.zeros(4), np.zeros((0, 2)), np.full((4, 2), 1e200)]
)
def test_trust_needs_aligned_numbers(bad):
    for place, name in enumerate(["prediction", "base", "outcome"]):
        given = [np.ones((4, 2)), np.zeros((4, 2)), np.ones((4, 2))]
        given[place] = bad
        with pytest.raises(ValueError, match="base must have the shape" if len(bad) == 3 and place == 0 else name):
            trust_in(*given)


def test_cases_labeled_in_another_order_are_refused():
    base = pd.DataFrame(np.zeros((2, 2)), index=["soup", "pie"])
    with pytest.raises(ValueError, match="base must have the index of prediction"):
        trust_in(base.iloc[::-1] + 1, base, base)
    with pytest.raises(ValueError, match="outcome must have the columns of prediction"):
        trust_in(base + 1, base, base[[1, 0]])


def looked_at(rng, true_slope, n_cases=60, n_columns=40, n=20):
    base = np.full((n_cases, n_columns), 0.3)
    prediction = base + rng.uniform(-0.15, 0.15, base.shape)
    trials = rng.multinomial(n, np.full(n_columns, 1 / n_columns), size=n_cases)
    return prediction, base, trials, rng.binomial(trials, base + true_slope * (prediction - base))


def test_trust_by_clicks_is_least_squares_over_single_trials():
    prediction, base, trials, successes = looked_at(np.random.default_rng(5), 0.7)
    step, left = [], []
    for place in zip(*np.nonzero(trials), strict=True):
        for trial in range(trials[place]):
            step.append(prediction[place] - base[place])
            left.append((trial < successes[place]) - base[place])
    slope = np.linalg.lstsq(np.array(step)[:, None], np.array(left), rcond=None)[0][0]
    assert trust_in_clicks(prediction, base, trials, successes).slope == pytest.approx(slope)


def test_few_trials_make_the_trust_uncertain_and_not_small_and_its_standard_error_says_so():
    rng = np.random.default_rng(6)
    for n in (5, 40):
        found = [trust_in_clicks(*looked_at(rng, 0.8, n=n)) for _ in range(300)]
        slopes, errors = np.array([(t.slope, t.standard_error) for t in found]).T
        assert abs(slopes.mean() - 0.8) < 5 * slopes.std() / 300**0.5
        # Standard deviation over 300 draws: within 4% of the truth in two of three, so 20% is five of them.
        assert errors.mean() == pytest.approx(slopes.std(), rel=0.2)


def test_trust_by_clicks_is_cut_off_at_both_ends_and_nothing_said_is_not_believed():
    base, trials = np.full((2, 2), 0.5), np.full((2, 2), 10)
    assert trust_in_clicks(base + 0.1, base, trials, np.full((2, 2), 8))[:2] == pytest.approx((1, 3))
    assert trust_in_clicks(base + 0.1, base, trials, np.full((2, 2), 4))[:2] == pytest.approx((0, -1))
    assert trust_in_clicks(base, base, trials, np.full((2, 2), 4)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("place", "bad", "message"),
    [
        (0, np.ones((3, 2)), "prediction must have the shape of trials"),
        (1, np.full((4, 2), np.nan), "base"),
        (1, np.full((4, 2), 1e9), "base"),
        (2, np.zeros((4, 2), int), "successes"),
        (3, np.full((4, 2), -1), "successes"),
    ],
)
def test_trust_by_clicks_needs_rates_and_counts(place, bad, message):
    given = [np.full((4, 2), 0.5), np.full((4, 2), 0.3), np.full((4, 2), 5), np.full((4, 2), 2)]
    given[place] = bad
    with pytest.raises(ValueError, match=message):
        trust_in_clicks(*given)


def test_one_case_alone_can_not_testify():
    trials = np.array([[3, 1], [0, 0]])
    with pytest.raises(ValueError, match="two cases at least, got 1"):
        trust_in_clicks(np.full((2, 2), 0.5), np.full((2, 2), 0.3), trials, trials)
