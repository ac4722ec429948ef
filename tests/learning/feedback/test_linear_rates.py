"""The linear feed against the dense ridge regression of the same rows, scikit-learn's, and a formula by hand."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from utils.learning.feedback.linear_rates import LinUCB
from utils.world import World

EYE = np.arange(1, 11) ** -0.8


@pytest.fixture(scope="module")
def world():
    return World(seed=3, n_users=60, n_dishes=20, days=3)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(None, 40, end_day=2)


@pytest.fixture(scope="module")
def learned(world, log):
    """A model that has learned the log in two batches."""
    model = LinUCB(world, EYE, prior=0.2, alpha=0.5, ridge=4.0)
    model.learn(log[log.index < 300])
    model.learn(log[log.index >= 300])
    return model


def dense(model, log):
    return (model.columns(log)[:, :, None] == np.arange(len(model.response))).any(axis=1).astype(float)


def described(world, log):
    """Return what makes two impressions equal to the model, one text a row; the log is in order of its users."""
    rows = log.merge(world.users, on="user_id").merge(world.dishes, on="dish_id").merge(world.cities, on="city")
    local = (rows["event_time"] + (60 * rows["utc_offset_hours"]).astype("timedelta64[m]")).dt.hour // 4
    groups = local.astype(str), rows["age_band"].astype(str), rows["city"]
    return [rows["dish_id"], *(rows["cuisine"] + group for group in groups)]


def test_each_column_is_one_dish_or_one_cuisine_in_one_group(world, log):
    log = log.sort_values("user_id", kind="stable").reset_index(drop=True)
    columns = LinUCB(world, EYE, prior=0.2).columns(log)
    for column, meaning in zip(columns.T, described(world, log), strict=True):
        pairs = set(zip(column.tolist(), meaning.tolist(), strict=True))
        assert len(pairs) == len({c for c, _ in pairs}) == len({m for _, m in pairs})
    kinds = [set(column) for column in columns.T]
    assert len(set().union(*kinds)) == sum(map(len, kinds))


def test_two_batches_are_one_weighted_ridge_regression(learned, log):
    looked = EYE[log["position"] - 1]
    reference = Ridge(alpha=4.0, fit_intercept=False)
    reference.fit(dense(learned, log), log["clicked"] / looked - 0.2, sample_weight=looked)
    assert np.linalg.solve(learned.precision, learned.response) == pytest.approx(reference.coef_, abs=1e-9)


def test_the_score_is_the_prior_plus_the_coefficients_plus_alpha_standard_errors(world, learned):
    sessions = world.sessions(2, 3, sessions_per_day=15)
    scores = learned.scores(sessions)
    assert scores.shape == (len(sessions.user_id), 20)
    covariance = np.linalg.inv(learned.precision)
    for visit, dish in [(0, 0), (3, 7), (len(scores) - 1, 19)]:
        user, time = sessions.user_id[visit : visit + 1], sessions.time[visit : visit + 1]
        x = np.zeros(len(learned.response))
        x[learned._columns(learned._groups(user, time), np.array([dish]))[0]] = 1
        expected = 0.2 + x @ covariance @ learned.response + 0.5 * np.sqrt(x @ covariance @ x)
        assert scores[visit, dish] == pytest.approx(expected)


def test_without_alpha_nothing_is_added_for_doubt(world):
    model = LinUCB(world, EYE, prior=0.3, alpha=0)
    assert (model.scores(world.sessions(2, 3, sessions_per_day=5)) == 0.3).all()
    model.alpha = 1.0
    assert model.scores(world.sessions(2, 3, sessions_per_day=5)) == pytest.approx(0.3 + np.sqrt(4 / 10))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda world, log: LinUCB(world, np.zeros(10), prior=0.1), "examination must be positive"),
        (lambda world, log: LinUCB(world, EYE, prior=1.5), "prior must"),
        (lambda world, log: LinUCB(world, EYE, prior=0.1, alpha=-1), "alpha must"),
        (lambda world, log: LinUCB(world, EYE, prior=0.1, ridge=0), "ridge must"),
        (lambda world, log: LinUCB(world, EYE[:5], prior=0.1).learn(log), "log must have positions from 1 to 5"),
        (lambda world, log: LinUCB(world, EYE, prior=0.1).learn(log.drop(columns="clicked")), "a column clicked"),
    ],
)
def test_bad_input_is_named_with_its_remedy(world, log, call, words):
    with pytest.raises(ValueError, match=words):
        call(world, log)
