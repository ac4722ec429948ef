"""A world is the same for the same seed, a part of it is a part of the whole, and wrong arguments are named."""

import numpy as np
import pandas as pd
import pytest

from utils.world import PopularityPolicy, World
from utils.world.clock import START


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(sessions_per_day=2_000)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones():
    first, again, other = (World(seed=seed, n_users=300, n_dishes=20, days=3) for seed in (7, 7, 8))
    expected = first.simulate(sessions_per_day=50)
    pd.testing.assert_frame_equal(again.simulate(sessions_per_day=50), expected, check_exact=True)
    found = other.simulate(sessions_per_day=50)
    for column in ("user_id", "dish_id", "event_time", "clicked"):
        assert (found[column] != expected[column]).mean() > 0.05
    assert (first.dishes["price"] != other.dishes["price"]).mean() > 0.5
    assert (first.users["city"] != other.users["city"]).mean() > 0.3


def test_a_window_is_a_part_of_the_whole(world, log):
    part = world.simulate(sessions_per_day=2_000, start_day=3, end_day=5)
    day = (log["event_time"] - START).dt.days
    pd.testing.assert_frame_equal(part, log[day.isin([3, 4])].reset_index(drop=True), check_exact=True)


def test_sessions_are_the_contexts_of_the_log(world, log):
    sessions = world.sessions(sessions_per_day=2_000)
    for name, column in zip(("session_id", "user_id", "event_time"), sessions, strict=True):
        np.testing.assert_array_equal(log[name].to_numpy()[::10], column)
    assert log["session_id"].nunique() * 10 == len(log)


def test_two_policies_meet_the_same_sessions_and_the_same_luck(world):
    one, two = (world.simulate(PopularityPolicy(world, epsilon=epsilon), 1_000) for epsilon in (0.0, 0.5))
    for column in ("session_id", "user_id", "position", "event_time", "available_time"):
        pd.testing.assert_series_equal(one[column], two[column])
    same = one["dish_id"] == two["dish_id"]
    assert 0.4 < same.mean() < 0.7
    outcomes = ["clicked", "ordered", "revenue"]
    pd.testing.assert_frame_equal(one.loc[same, outcomes], two.loc[same, outcomes])


def test_the_smallest_world_works():
    world = World(seed=0, n_users=1, n_dishes=10, days=1)
    log = world.simulate(sessions_per_day=1)
    assert len(log) == 10
    assert log["user_id"].unique().tolist() == [0]
    assert len(world.catalogue(0)) == 10


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        *(({"seed": seed}, "seed") for seed in (-1, 1.5, None, True, "0", np.nan)),
        *(({"n_users": n}, "n_users") for n in (0, -1, 2.5, np.nan, True, 10**18)),
        *(({"n_dishes": n}, "n_dishes") for n in (9, 10.5, np.inf, 10**18)),
        *(({"days": n}, "days") for n in (0, np.nan, 36_526, 1.5, 10**18)),
        ({"incidents": ("bots",)}, "incidents"),
        ({"incidents": None}, "incidents"),
    ],
)
def test_a_world_names_the_argument_that_is_wrong(arguments, named):
    with pytest.raises(ValueError, match=named):
        World(**arguments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        *(({"sessions_per_day": n}, "sessions_per_day") for n in (0, 5_000_001, 2.5, np.nan, True, "20")),
        *(({"batch_size": n}, "batch_size") for n in (0, 0.5, np.nan, None)),
        ({"start_day": -1}, "start_day"),
        ({"start_day": 14}, "start_day"),
        ({"end_day": 15}, "end_day"),
        ({"start_day": 3, "end_day": 3}, "end_day"),
        ({"start_day": 1.5}, "start_day"),
        ({"policy": "popular"}, "policy"),
        ({"policy": PopularityPolicy}, "policy"),
    ],
)
def test_a_simulation_names_the_argument_that_is_wrong(world, arguments, named):
    with pytest.raises(ValueError, match=named):
        world.simulate(**arguments)


def test_a_number_means_the_same_in_every_type():
    expected = World(seed=3, n_users=60, n_dishes=12, days=2).simulate(sessions_per_day=20)
    other = World(seed=np.int64(3), n_users=60.0, n_dishes=np.float32(12), days=np.array(2))
    assert other.simulate(sessions_per_day=20.0, batch_size=7.0, start_day=0.0, end_day=np.uint8(2)).equals(expected)


def test_a_large_seed_is_a_seed():
    first, second = (World(seed=seed, n_users=20, n_dishes=10, days=1).dishes["price"] for seed in (2**64, 2**64 + 1))
    assert not first.equals(second)


@pytest.mark.parametrize("day", [-1, 14, 1.5, np.nan, None, True, "3"])
def test_a_catalogue_is_of_a_day_of_the_world(world, day):
    with pytest.raises(ValueError, match=r"^day must be"):
        world.catalogue(day)


def test_a_catalogue_holds_what_has_launched(world):
    launch_day = world.dishes["launch_day"]
    for day in (0, 5, 13, 13.0):
        catalogue = world.catalogue(day)
        assert catalogue["dish_id"].tolist() == np.flatnonzero(launch_day <= day).tolist()
        assert catalogue.index.tolist() == list(range(len(catalogue)))
        assert catalogue.columns.equals(world.dishes.columns)
    assert len(world.catalogue(0)) < len(world.catalogue(13)) == 60


def test_popularity_is_quality_with_an_error():
    world = World(seed=5, n_users=10, n_dishes=4_000, days=1)
    quality = world._dishes.quality
    error = world.popularity - quality
    assert abs(error.std() / 0.7 - 1) < 4.5 / np.sqrt(2 * 4_000)
    assert abs(np.corrcoef(error, quality)[0, 1]) < 4.5 / np.sqrt(4_000)


def test_a_log_that_would_fill_the_memory_is_refused(monkeypatch):
    world = World(seed=0, n_users=20, n_dishes=10, days=7)
    monkeypatch.setattr("utils.world.world.SESSIONS_LIMIT", 140)
    assert len(world.simulate(sessions_per_day=20)) == 1_400
    with pytest.raises(ValueError, match="at most 140 sessions in all, got 146; simulate fewer days at a time"):
        world.simulate(sessions_per_day=21)
    assert len(world.simulate(sessions_per_day=21, end_day=6)) == 1_240


def test_the_usual_world_has_the_stated_size():
    world = World()
    assert (world.seed, len(world.users), len(world.dishes), world.days) == (0, 20_000, 400, 60)
    assert len(world.sessions(0, 7).user_id) == 7 * 2_000
