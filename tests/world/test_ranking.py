"""Wrong answers of a policy are told what is wrong with them."""

import numpy as np
import pytest

from utils.world import Ranking, World


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
