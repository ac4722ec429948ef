"""The linear contextual bandit against scikit-learn's ridge regression and the exact normal posterior."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from utils.learning.feedback.linear_bandit import learn, linucb_scores, new_model, thompson_scores

RNG = np.random.default_rng(0)
FEATURES, WEIGHT = RNG.normal(size=(80, 4)), RNG.uniform(0.2, 2.0, 80)
REWARD = FEATURES @ [1.0, -0.5, 0.0, 2.0] + RNG.normal(size=80)
OPTIONS = RNG.normal(size=(6, 4))
COVARIANCE = np.linalg.inv(3.0 * np.eye(4) + (FEATURES.T * WEIGHT) @ FEATURES)


@pytest.fixture
def model():
    """Two batches."""
    first = learn(new_model(4, ridge=3.0), FEATURES[:30], REWARD[:30], weight=WEIGHT[:30])
    return learn(first, FEATURES[30:], REWARD[30:], weight=WEIGHT[30:])


def test_batches_add_up_to_weighted_ridge_regression(model):
    reference = Ridge(alpha=3.0, fit_intercept=False).fit(FEATURES, REWARD, sample_weight=WEIGHT)
    assert model.coefficients == pytest.approx(reference.coef_)
    assert linucb_scores(model, OPTIONS, alpha=0) == pytest.approx(reference.predict(OPTIONS))


def test_bound_adds_alpha_standard_deviations(model):
    width = linucb_scores(model, OPTIONS, alpha=1.5) - linucb_scores(model, OPTIONS, alpha=0)
    assert width == pytest.approx(1.5 * np.sqrt(np.diag(OPTIONS @ COVARIANCE @ OPTIONS.T)))


def test_draws_have_the_posteriors_mean_and_covariance(model):
    draws = thompson_scores(model, OPTIONS, np.random.default_rng(1), n_draws=40_000, scale=0.5)
    expected = 0.25 * OPTIONS @ COVARIANCE @ OPTIONS.T
    deviation = np.sqrt(np.diag(expected))
    # Five standard errors of a mean, and of a covariance: sqrt(2 / 40,000) times both deviations.
    assert (np.abs(draws.mean(axis=0) - linucb_scores(model, OPTIONS, alpha=0)) < 5 * deviation / 200).all()
    assert (np.abs(np.cov(draws.T) - expected) < 5 * np.sqrt(2 / 40_000) * np.outer(deviation, deviation)).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: new_model(0), "n_features must be"),
        (lambda: new_model(2, ridge=0), "ridge must be"),
        (lambda: learn(new_model(2), [[1.0]], [1]), r"features must have shape \(rows, 2\)"),
        (lambda: learn(new_model(2), np.empty((0, 2)), []), "features must have shape"),
        (lambda: learn(new_model(1), [[np.nan]], [1]), "features must be finite"),
        (lambda: learn(new_model(1), [[1.0]], [1, 2]), "reward must have one entry"),
        (lambda: learn(new_model(1), [[1.0]], [1], weight=[-1]), "weight must lie in"),
        (lambda: linucb_scores(new_model(1), [[1.0]], alpha=-1), "alpha must be"),
        (lambda: thompson_scores(new_model(1), [[1.0]], RNG, n_draws=0), "n_draws must be"),
        (lambda: thompson_scores(new_model(1), [[1.0]], RNG, scale=-1), "scale must be"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()
