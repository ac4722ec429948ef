"""Factorization against ridge regression of scikit-learn and the conditional mean of a joint normal."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from utils.learning.cold_start.matrix_factorization import alternating_least_squares, fold_in


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
        ({"factors": np.ones((4, 2))}, "factors must have one row for each of the 3 columns"),
        ({"factors": np.ones(3)}, "factors must have 2 dimensions"),
        ({"factors": np.full((3, 2), np.nan)}, "factors must be finite"),
        ({"noise": 0}, "noise must be"),
        ({"prior_covariance": np.eye(3)}, "prior_covariance must have shape"),
        ({"prior_covariance": -np.eye(2)}, "prior_covariance must be symmetric"),
        ({"prior_covariance": np.array([[1.0, 0.5], [0.0, 1.0]])}, "prior_covariance must be symmetric"),
        ({"prior_covariance": 1e-9 * np.array([[1.0, 0.5], [0.0, 1.0]])}, "prior_covariance must be symmetric"),
        ({"prior_covariance": 1e9 * np.array([[1.0, 2.0], [2.0, 1.0]])}, "prior_covariance must be symmetric"),
        ({"prior_covariance": np.full((2, 2), np.nan)}, "prior_covariance must be finite"),
        ({"trials": pd.DataFrame(np.ones((2, 3)), index=[1, 0]), "successes": pd.DataFrame(np.ones((2, 3)))}, "index"),
        ({"prior_mean": np.array([[0.0, np.nan]])}, "prior_mean must be finite"),
        ({"prior_mean": np.ones(3)}, "prior_mean must fit"),
        ({"offset": np.ones((5, 5))}, "offset must fit"),
        ({"offset": np.nan}, "offset must be finite"),
        ({"prior_mean": np.ma.masked_equal([1.0, 9.0], 9.0)}, "prior_mean must not be masked"),
        ({"prior_mean": ["1", "2"]}, "prior_mean must hold numbers"),
        ({"noise": 1e-320}, "noise must be"),
        ({"prior_covariance": 1e-320 * np.eye(2)}, "prior_covariance must be symmetric and positive"),
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
    for option in ({"rank": 20_000}, {"regularization": 1e-320}):
        with pytest.raises(ValueError, match=next(iter(option))):
            alternating_least_squares(ones, ones, **option)


DISHES, USERS, FACTORS = ["soup", "pie", "roll"], ["Ada", "Ben"], ["f1", "f2"]
LABELED = {
    "factors": pd.DataFrame(np.ones((3, 2)), index=DISHES, columns=FACTORS),
    "trials": pd.DataFrame(np.ones((2, 3)), index=USERS, columns=DISHES),
    "prior_covariance": pd.DataFrame(np.eye(2), index=FACTORS, columns=FACTORS),
    "prior_mean": pd.DataFrame(np.ones((2, 2)), index=USERS, columns=FACTORS),
    "offset": pd.DataFrame(np.ones((2, 3)), index=USERS, columns=DISHES),
}


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("factors", 0),
        ("factors", 1),
        ("prior_covariance", 0),
        ("prior_covariance", 1),
        ("prior_mean", 0),
        ("prior_mean", 1),
        ("offset", 0),
        ("offset", 1),
    ],
)
def test_fold_in_refuses_labels_in_another_order(name, axis):
    arguments = GOOD | LABELED | {"successes": LABELED["trials"]}
    assert fold_in(**arguments).shape == (2, 2)
    frame = arguments[name]
    arguments[name] = frame.iloc[::-1] if axis == 0 else frame.iloc[:, ::-1]
    with pytest.raises(ValueError, match="must come in the order of"):
        fold_in(**arguments)


def test_fold_in_refuses_a_prior_mean_whose_factors_come_in_another_order():
    arguments = {key: LABELED[key] for key in ("prior_covariance",)} | {"noise": 1.0}
    with pytest.raises(ValueError, match="labels of prior_mean must come in the order of"):
        fold_in(
            LABELED["factors"], np.ones((2, 3)), np.ones((2, 3)), **arguments, prior_mean=pd.Series({"f2": 1, "f1": 0})
        )
