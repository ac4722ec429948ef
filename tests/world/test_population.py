"""Users come after their sign-up, dishes after their launch, and no two groups of users share what is drawn for them."""

import numpy as np
import pytest

from utils.world import Bots, NewCity, World
from utils.world.clock import START
from utils.world.incidents import LostTracking, named
from utils.world.population import populate


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


def test_users_without_incidents_are_the_first_and_the_same(world):
    crowded = World(seed=2, n_users=2_000, n_dishes=60, days=14, incidents=[Bots(start_day=1), NewCity(start_day=2)])
    assert crowded.users[:2_000].equals(world.users)
    assert len(crowded.users) == 2_000 + 25 + 500
    assert crowded.users["user_id"].tolist() == list(range(2_525))


def test_each_group_of_users_is_a_source_with_its_members():
    incidents = (Bots(start_day=1), LostTracking(start_day=1), NewCity(start_day=2))
    users, sources = populate(0, 100, 5, named(incidents))
    assert [source.purpose for source in sources] == [
        "sessions, regular",
        "sessions, Bots 1",
        "sessions, NewCity 2",
    ]
    assert [source.index for source in sources] == [0, 1, 2]
    assert [source.are_people for source in sources] == [True, False, True]
    members = [sorted(source.user_id.tolist()) for source in sources]
    assert members == [list(range(100)), list(range(100, 125)), list(range(125, 150))]
    assert len(users) == 150


def test_as_many_groups_as_there_are_numbers_for_and_no_more():
    def cities(n):
        return [NewCity(start_day=0, city=f"City {i}", share=0.1) for i in range(n)]

    world = World(seed=0, n_users=50, n_dishes=10, days=2, incidents=cities(9))
    sessions = world.sessions(sessions_per_day=100)
    assert len(np.unique(sessions.session_id)) == len(sessions.session_id)
    assert len(world.cities) == 14
    with pytest.raises(ValueError, match="incidents must bring at most 9 new groups of users, got 10; leave out"):
        World(seed=0, n_users=50, n_dishes=10, days=2, incidents=cities(10))
