"""The log: same seed, same bytes; traffic, launch and arrival as described."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.world import PopularityPolicy, UniformPolicy, World
from utils.world.traffic import WEEKEND_HOURS, WORKDAY_HOURS

RARE = 1e-5
EPOCH = np.datetime64("2024-01-01", "us")


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(sessions_per_day=2_000)


@pytest.mark.parametrize("batch_size", [1, 5_000, 1_000_000])
def test_the_batch_size_changes_no_byte(batch_size):
    world = World(seed=4, n_users=500, n_dishes=30, days=2)
    expected = world.simulate(sessions_per_day=6_000)  # two blocks a day
    pd.testing.assert_frame_equal(
        world.simulate(sessions_per_day=6_000, batch_size=batch_size), expected, check_exact=True
    )


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
    day = (log["event_time"] - EPOCH).dt.days
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


def test_columns_have_compact_fixed_types(log):
    assert log.dtypes.astype(str).to_dict() == {
        "session_id": "int64",
        "user_id": "int32",
        "dish_id": "int32",
        "position": "int16",
        "propensity": "float64",
        "event_time": "datetime64[us]",
        "available_time": "datetime64[us]",
        "clicked": "bool",
        "ordered": "bool",
        "revenue": "float64",
    }


def test_a_session_is_ten_positions_of_different_dishes(log):
    assert (log["position"].to_numpy().reshape(-1, 10) == np.arange(1, 11)).all()
    feeds = np.sort(log["dish_id"].to_numpy().reshape(-1, 10), axis=1)
    assert (np.diff(feeds, axis=1) > 0).all()


def test_the_week_has_its_rhythm_and_its_mean(log):
    day = (log["event_time"] - EPOCH).dt.days
    sessions = day.value_counts().sort_index() / 10
    assert sessions.tolist() == [1760, 1760, 1840, 1960, 2240, 2320, 2120] * 2
    assert log["event_time"].dt.day_of_week.iloc[0] == 0


@pytest.mark.parametrize(("weekend", "hours"), [(False, WORKDAY_HOURS), (True, WEEKEND_HOURS)])
def test_the_day_has_the_rhythm_of_the_local_clock(world, weekend, hours):
    sessions = world.sessions(sessions_per_day=4_000)
    frame = pd.DataFrame({"user_id": sessions.user_id, "time": sessions.time}).merge(world.users).merge(world.cities)
    frame = frame[(frame["time"].dt.day_of_week >= 5) == weekend]
    local = (frame["time"].dt.hour + frame["utc_offset_hours"]) % 24
    # The rate moves linearly from one full hour to the next, so an hour holds the mean of its two ends.
    expected = (np.array(hours) + np.roll(hours, -1)) / 2
    # Cities share a UTC minute by their intensities: given the city, the local hour follows the curve.
    for city, group in local.groupby(frame["city"]):
        count = np.bincount(group, minlength=24)
        assert stats.chisquare(count, expected / expected.sum() * count.sum()).pvalue > RARE, city


def test_times_rise_within_a_day_and_fill_it(world):
    sessions = world.sessions(0, 1, 6_000)
    assert (np.diff(sessions.time) >= np.timedelta64(0)).all()
    assert sessions.time[0] < EPOCH + np.timedelta64(10, "m")
    assert EPOCH + np.timedelta64(1430, "m") < sessions.time[-1] < EPOCH + np.timedelta64(1, "D")


def test_users_come_after_their_sign_up_and_dishes_after_their_launch(world, log):
    log = log.merge(world.users, on="user_id").merge(world.dishes, on="dish_id")
    day = (log["event_time"] - EPOCH).dt.days
    assert (day >= log["signup_day"]).all()
    assert (day >= log["launch_day"]).all()
    assert 0.55 < (world.users["signup_day"] == 0).mean() < 0.68
    assert (world.dishes["launch_day"] == 0).sum() == 51
    assert (log["signup_day"] == day).any()


def test_users_differ_in_how_often_they_come(world):
    sessions = world.sessions(sessions_per_day=4_000)
    first = world.users.query("signup_day == 0")["user_id"]
    count = np.bincount(sessions.user_id, minlength=2_000)[first]
    assert count.var() > 5 * count.mean()  # a Poisson count has variance = mean


def test_events_arrive_late_and_some_never(world, log):
    lost = log["available_time"].isna()
    assert stats.binomtest(int(lost.sum()), len(log), 0.01).pvalue > RARE
    delay = (log["available_time"] - log["event_time"]).dt.total_seconds()
    assert delay.min() > 0
    assert 35 < delay.median() < 55
    device = world.users["device"].to_numpy()[log["user_id"]]
    after_an_hour = (delay > 3_600).groupby(device).mean() / (~lost).groupby(device).mean()
    # share that is late × probability that an exponential of mean 3 h exceeds an hour
    late = {"ios": 0.06, "android": 0.08, "web": 0.005}
    for name, share in late.items():
        n = (device == name).sum() / 10  # a session uploads as one
        expected = share * np.exp(-1 / 3)
        assert abs(after_an_hour[name] - expected) < 4.5 * np.sqrt(expected / n), name


def test_memory_grows_with_the_result_only():
    world = World(seed=0, n_users=300, n_dishes=30, days=8)
    policy = UniformPolicy(world)

    def overhead(end_day):
        tracemalloc.start()
        log = world.simulate(policy, 4_000, end_day=end_day)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - log.memory_usage(deep=True).sum()

    overhead(1)
    # contexts of a session are 20 bytes; the blocks of a batch are reused
    assert overhead(8) - overhead(2) < 6 * 4_000 * 100


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": None}, "seed"),
        ({"seed": True}, "seed"),
        ({"n_users": 0}, "n_users"),
        ({"n_dishes": 9}, "n_dishes"),
        ({"days": 0}, "days"),
        ({"days": np.nan}, "days"),
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
        ({"sessions_per_day": 0}, "sessions_per_day"),
        ({"sessions_per_day": 5_000_001}, "sessions_per_day"),
        ({"sessions_per_day": 2.5}, "sessions_per_day"),
        ({"batch_size": 0}, "batch_size"),
        ({"start_day": -1}, "start_day"),
        ({"start_day": 14}, "start_day"),
        ({"end_day": 15}, "end_day"),
        ({"start_day": 3, "end_day": 3}, "end_day"),
        ({"start_day": 1.5}, "start_day"),
        ({"policy": "popular"}, "policy"),
    ],
)
def test_a_simulation_names_the_argument_that_is_wrong(world, arguments, named):
    with pytest.raises(ValueError, match=named):
        world.simulate(**arguments)


def test_the_smallest_world_works():
    world = World(seed=0, n_users=1, n_dishes=10, days=1)
    log = world.simulate(sessions_per_day=1)
    assert len(log) == 10
    assert log["user_id"].unique().tolist() == [0]
    assert len(world.catalogue(0)) == 10


def test_tables_hold_only_what_platter_may_know(world):
    assert world.users.columns.tolist() == ["user_id", "city", "age_band", "device", "signup_day"]
    assert world.cities.columns.tolist() == ["city", "utc_offset_hours", "share"]
    assert world.dishes.columns.tolist() == [
        "dish_id",
        "restaurant_id",
        "cuisine",
        "price",
        "preparation_minutes",
        "launch_day",
        "description",
    ]
    with pytest.raises(ValueError, match="day"):
        world.catalogue(14)
