"""Trust in a prediction against least squares."""

import numpy as np
import pandas as pd
import pytest

from utils.learning.cold_start.trust import trust_in


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
