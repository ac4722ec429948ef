"""The shuffled share of visitors sees its own candidates in their order."""

import numpy as np
import pytest

from utils.features.skew.shuffled_feed import ShuffledFeed
from utils.world import World


def test_the_log_shows_the_first_ten_candidates_of_each_visit_in_order():
    world = World(seed=1, n_users=50, n_dishes=60, days=3)
    visits = world.sessions(2, 3, 30)
    dishes = world.dishes.loc[world.dishes["launch_day"] <= 2, "dish_id"].to_numpy()
    candidates = np.array([np.random.default_rng(s).permutation(dishes)[:12] for s in range(len(visits.user_id))])
    log = world.simulate(ShuffledFeed(visits, candidates), 30, start_day=2, end_day=3)
    shown = log.sort_values(["session_id", "position"])["dish_id"].to_numpy().reshape(-1, 10)
    np.testing.assert_array_equal(shown, candidates[np.argsort(visits.session_id), :10])
    np.testing.assert_allclose(log["propensity"], 1 / 12)


@pytest.mark.parametrize("shape", [(3, 9), (2, 12), (36,)])
def test_candidates_that_do_not_fit_the_visits_are_refused(shape):
    visits = World(seed=1, n_users=50, n_dishes=60, days=3).sessions(2, 3, 30)
    three = type(visits)(*(column[:3] for column in visits))
    with pytest.raises(ValueError, match="candidates"):
        ShuffledFeed(three, np.zeros(shape, dtype=int))
