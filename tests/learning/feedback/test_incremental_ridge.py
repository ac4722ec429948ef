"""Ridge regression in batches against scikit-learn's, all at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from utils.learning.feedback.incremental_ridge import learn, new_model

RNG = np.random.default_rng(0)
FEATURES, WEIGHT = RNG.normal(size=(80, 4)), RNG.uniform(0.2, 2.0, 80)
REWARD = FEATURES @ [1.0, -0.5, 0.0, 2.0] + RNG.normal(size=80)
COVARIANCE = np.linalg.inv(3.0 * np.eye(4) + (FEATURES.T * WEIGHT) @ FEATURES)


@pytest.fixture
def model():
    """Two batches."""
    first = learn(new_model(4, ridge=3.0), FEATURES[:30], REWARD[:30], weight=WEIGHT[:30])
    return learn(first, FEATURES[30:], REWARD[30:], weight=WEIGHT[30:])


def test_batches_add_up_to_weighted_ridge_regression(model):
    reference = Ridge(alpha=3.0, fit_intercept=False).fit(FEATURES, REWARD, sample_weight=WEIGHT)
    assert model.coefficients == pytest.approx(reference.coef_)
    assert np.linalg.inv(model.precision) == pytest.approx(COVARIANCE)


def test_a_batch_leaves_the_model_before_as_it_was():
    before = new_model(2)
    learn(before, [[1.0, 2.0]], [1])
    assert before.precision.tolist() == np.eye(2).tolist()
    assert before.response.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: new_model(0), "n_features must be"),
        (lambda: new_model(2, ridge=0), "ridge must be"),
        (lambda: learn(new_model(2), [[1.0]], [1]), "features must have 2 columns"),
        (lambda: learn(new_model(2), np.empty((0, 2)), []), "features must not be empty"),
        (lambda: learn(new_model(1), [[np.nan]], [1]), "features must be finite"),
        (lambda: learn(new_model(1), [[1.0]], [1, 2]), "reward must have one entry"),
        (lambda: learn(new_model(1), [[1.0]], [1], weight=[-1]), "weight must lie in"),
        (lambda: learn(new_model(1), [[1.0], [2.0]], [1]), "reward must have one entry"),
        (lambda: learn(new_model(1), [[1.0]], [1], weight=[1, 1]), "weight must have one entry"),
        (
            lambda: learn(new_model(1), [[1.0], [2.0]], pd.Series([1, 0]), weight=pd.Series([1, 2], index=[1, 0])),
            "weight must have the index of reward",
        ),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_columns_of_a_later_batch_meet_those_of_the_first_by_name():
    first = pd.DataFrame([[1.0, 0.0], [0.0, 2.0]], columns=["price", "minutes"])
    later = first[["minutes", "price"]]
    by_name = learn(learn(new_model(2), first, [1, 0]), later, [1, 0])
    by_place = learn(learn(new_model(2), first.to_numpy(), [1, 0]), first.to_numpy(), [1, 0])
    np.testing.assert_array_equal(by_name.precision, by_place.precision)
    np.testing.assert_array_equal(by_name.response, by_place.response)
    with pytest.raises(ValueError, match="features must carry the labels of the model"):
        learn(by_name, first.rename(columns={"price": "cost"}), [1, 0])


def test_rows_of_features_and_rewards_in_another_order_are_refused():
    features = pd.DataFrame([[1.0], [2.0]], index=["Ada", "Ben"])
    with pytest.raises(ValueError, match="reward must have the index of features"):
        learn(new_model(1), features, pd.Series([1, 0], index=["Ben", "Ada"]))


def test_a_model_too_large_for_memory_is_refused():
    with pytest.raises(ValueError, match="n_features must be at most 10,000"):
        new_model(10**6)
