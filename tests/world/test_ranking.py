"""Wrong answers of a policy are told what is wrong with them."""

import numpy as np
import pandas as pd
import pytest

from utils.world import PopularityPolicy, Ranking, Sessions, World
from utils.world.ranking import check_policy, check_ranking
from utils.world.traffic import join


@pytest.fixture(scope="module")
def world():
    return World(seed=5, n_users=1_000, n_dishes=40, days=14)


class Shows:
    """A policy that shows what it is told, with a given propensity."""

    def __init__(self, feed, propensity=0.5, columns=10):
        self.feed, self.propensity, self.columns = np.asarray(feed), propensity, columns

    def rank(self, sessions, rng):
        n = len(sessions.user_id)
        return Ranking(np.tile(self.feed, (n, 1)), np.full((n, self.columns), self.propensity))


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        (Shows(range(9)), "policy.*shape"),
        (Shows(range(10), columns=9), "policy.*shape"),
        (Shows([*range(9), 8]), "policy.*twice"),
        (Shows([*range(9), 39]), "policy.*launch"),
        (Shows([*range(9), 40]), "policy.*from 0 to 39"),
        (Shows([*range(9), -1]), "policy.*from 0 to 39"),
        (Shows(np.arange(10.0)), "policy.*whole numbers"),
        (Shows(range(10), propensity=0.0), "policy.*propensity"),
        (Shows(range(10), propensity=1.01), "policy.*propensity"),
        (Shows(range(10), propensity=np.nan), "policy.*propensity"),
    ],
)
def test_wrong_answers_of_a_policy_are_refused(world, policy, complaint):
    with pytest.raises(ValueError, match=complaint):
        world.simulate(policy, 5, end_day=1)
    with pytest.raises(ValueError, match=complaint):
        world.truth.policy_value(policy, n_sessions=5, end_day=1)


def test_a_policy_may_state_certainty(world):
    assert len(world.simulate(Shows(range(10), propensity=1.0), 5, end_day=1)) == 40


class Answers:
    """A policy that answers what it is told."""

    def __init__(self, answer):
        self.answer = answer

    def rank(self, sessions, rng):
        return self.answer(len(sessions.user_id))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda n: None, "policy must return two arrays, got NoneType"),
        (lambda n: np.zeros((2, n, 10)), "policy must return two arrays, got ndarray"),
        (lambda n: (np.tile(range(10), (n, 1)),), "policy must return two arrays, got tuple"),
        (lambda n: (pd.DataFrame(np.tile(range(10), (n, 1))), np.ones((n, 10))), "policy must return arrays.*order"),
        (lambda n: (np.tile(range(10), (n, 1)), pd.DataFrame(np.ones((n, 10)))), "policy must return arrays.*order"),
        (lambda n: (np.tile(range(10), (n, 1)), np.full((n, 10), "1")), "policy must return propensity"),
        (lambda n: (np.tile(range(10), (n, 1)), np.full((n, 10), True)), "policy must return propensity"),
        (lambda n: (np.full((n, 10), True), np.ones((n, 10))), "policy must return dish_id as whole numbers"),
        (lambda n: (np.tile([*range(9), None], (n, 1)), np.ones((n, 10))), "policy must return dish_id as whole"),
    ],
)
def test_answers_that_are_no_feeds_are_refused(world, answer, complaint):
    with pytest.raises(ValueError, match=complaint):
        world.simulate(Answers(answer), 5, end_day=1)
    with pytest.raises(ValueError, match=complaint):
        world.truth.policy_value(Answers(answer), n_sessions=5, end_day=1)


@pytest.mark.parametrize("wrong", ["first", "last"])
def test_one_wrong_session_among_many_is_enough(world, wrong):
    row = 0 if wrong == "first" else -1
    for position in (0, 9):
        for part, value in ((0, 1), (0, 40), (0, -1), (1, 0.0), (1, np.nan), (1, 1 + 1e-12)):

            def answer(n, part=part, position=position, value=value):
                parts = np.tile(np.arange(2, 12), (n, 1)), np.full((n, 10), 0.5)
                parts[part][row, position] = value if part or value != 1 else parts[0][row, position - 5]
                return parts

            with pytest.raises(ValueError, match="policy must"):
                world.simulate(Answers(answer), 50, end_day=1)


def test_a_dish_may_be_shown_from_its_launch_day_on(world):
    newest = int(world.dishes["dish_id"].max())
    day = int(world.dishes["launch_day"].max())
    assert world.simulate(Shows([*range(9), newest]), 5, start_day=day, end_day=day + 1)["dish_id"].max() == newest
    with pytest.raises(ValueError, match="launch_day"):
        world.simulate(Shows([*range(9), newest]), 5, start_day=day - 1, end_day=day)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_dishes_may_be_whole_numbers_of_any_type(world, dtype):
    log = world.simulate(Shows(np.arange(10, dtype=dtype), propensity=1), 5, end_day=1)
    assert log["dish_id"].dtype == np.int32
    assert log["dish_id"].tolist() == list(range(10)) * 4


def test_no_sessions_have_no_feeds(world):
    nothing = join([])
    ranking = check_ranking((np.empty((0, 10), int), np.empty((0, 10))), nothing, world.dishes["launch_day"].to_numpy())
    assert ranking.dish_id.shape == ranking.propensity.shape == (0, 10)
    with pytest.raises(ValueError, match="shape"):
        check_ranking((np.empty((1, 10), int), np.ones((1, 10))), nothing, world.dishes["launch_day"].to_numpy())


@pytest.mark.parametrize("value", [None, "popular", PopularityPolicy, 3, Sessions])
def test_a_policy_is_an_object_that_ranks(world, value):
    with pytest.raises(ValueError, match=r"policy must have a method rank\(sessions, rng\), got .*; pass an object"):
        check_policy(value)
    if value is not None:  # which simulates the usual policy
        with pytest.raises(ValueError, match="policy must have a method"):
            world.simulate(value, 5)
    with pytest.raises(ValueError, match="policy must have a method"):
        world.truth.policy_value(value)
