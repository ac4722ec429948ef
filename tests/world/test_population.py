"""Users come after their sign-up, dishes after their launch, and no two groups of users share what is drawn for them."""

import pytest

from utils.world import World
from utils.world.clock import START


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(sessions_per_day=2_000)


def test_users_come_after_their_sign_up_and_dishes_after_their_launch(world, log):
    log = log.merge(world.users, on="user_id").merge(world.dishes, on="dish_id")
    day = (log["event_time"] - START).dt.days
    assert (day >= log["signup_day"]).all()
    assert (day >= log["launch_day"]).all()
    assert 0.55 < (world.users["signup_day"] == 0).mean() < 0.68
    assert (world.dishes["launch_day"] == 0).sum() == 51
    assert (log["signup_day"] == day).any()
