"""Traffic has the rhythm of the week, of the local day, and of the users."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.world import Sessions, World
from utils.world.cities import CITIES, City
from utils.world.clock import START
from utils.world.traffic import (
    DAY_IDS,
    SESSIONS_PER_DAY_LIMIT,
    SOURCE_IDS,
    SOURCES_LIMIT,
    WEEKDAY,
    WEEKEND_HOURS,
    WORKDAY_HOURS,
    Source,
    check_sessions,
    is_weekend,
    join,
    rhythm,
    week_profile,
)
from utils.world.users import draw_users

RARE = 1e-5


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(sessions_per_day=2_000)


def test_the_week_has_its_rhythm_and_its_mean(log):
    day = (log["event_time"] - START).dt.days
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
    assert sessions.time[0] < START + np.timedelta64(10, "m")
    assert START + np.timedelta64(1430, "m") < sessions.time[-1] < START + np.timedelta64(1, "D")


def test_users_differ_in_how_often_they_come(world):
    sessions = world.sessions(sessions_per_day=4_000)
    first = world.users.query("signup_day == 0")["user_id"]
    count = np.bincount(sessions.user_id, minlength=2_000)[first]
    assert count.var() > 5 * count.mean()  # a Poisson count has variance = mean


def test_the_weekend_is_the_calendars():
    days = pd.date_range("2024-01-01", periods=21)
    assert [is_weekend(day) for day in range(21)] == (days.day_of_week >= 5).tolist()


def test_weekdays_have_a_mean_of_one():
    assert np.mean(WEEKDAY) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("weekend", "hours"), [(False, WORKDAY_HOURS), (True, WEEKEND_HOURS)])
def test_the_rhythm_is_a_straight_line_from_hour_to_hour_of_the_local_clock(weekend, hours):
    cities = (City("Here", 0, 0.5), City("East", 3, 0.3), City("West", -5, 0.2))
    found = rhythm(cities, weekend=weekend)
    assert found.shape == (3, 1440)
    for city, line in zip(cities, found, strict=True):
        for utc_minute in (0, 1, 59, 60, 719, 1_290, 1_439):
            hour, minute = divmod((utc_minute + 60 * city.utc_offset_hours) % 1440, 60)
            expected = hours[hour] + (hours[(hour + 1) % 24] - hours[hour]) * minute / 60
            assert line[utc_minute] == pytest.approx(expected, rel=1e-12)


def test_the_profile_of_a_week_has_the_weekdays_means():
    profile = week_profile(CITIES)
    assert profile.shape == (7, 1440)
    np.testing.assert_allclose(profile.mean(axis=1), WEEKDAY, rtol=1e-12)
    one = week_profile((City("Here", 0, 1.0),))
    assert one[0, 18 * 60] / one[0, 3 * 60] == pytest.approx(WORKDAY_HOURS[18] / WORKDAY_HOURS[3])
    assert one[6, 18 * 60] / one[6, 3 * 60] == pytest.approx(WEEKEND_HOURS[18] / WEEKEND_HOURS[3])
    shared = week_profile((City("Here", 0, 0.25), City("There", 0, 0.75)))
    np.testing.assert_allclose(shared, one, rtol=1e-12)


def test_worlds_draw_their_traffic_by_the_profile_of_a_week():
    expected = week_profile(CITIES).reshape(7, 24, 60).mean(axis=2)
    found = []
    for seed in range(30):
        world = World(seed=seed, n_users=1_000, n_dishes=10, days=7)
        hours = (world.sessions(sessions_per_day=1_000).time - START) // np.timedelta64(1, "h")
        found.append(np.bincount(hours.astype(int), minlength=168).reshape(7, 24) / (1_000 / 24))
    found = np.array(found)
    z = (found.mean(axis=0) - expected) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)))
    # 168 t-statistics with 29 degrees of freedom, hardly dependent
    assert np.abs(z).max() < stats.t.isf(RARE / 2, 29)
    assert 0.6 < np.mean(z**2) < 1.6


def test_parts_become_one_in_their_order():
    world = World(seed=0, n_users=50, n_dishes=10, days=3)
    parts = [world.sessions(day, day + 1, 20) for day in range(3)]
    for found, expected in zip(join(parts), world.sessions(0, 3, 20), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_no_parts_are_no_sessions_of_the_same_types():
    world = World(seed=0, n_users=50, n_dishes=10, days=1)
    for nothing in (join([]), join([join([]), join([])])):
        for found, expected in zip(nothing, world.sessions(0, 1, 20), strict=True):
            assert found.shape == (0,)
            assert found.dtype == expected.dtype
    check_sessions(join([]))


def test_users_come_in_proportion_to_their_activity():
    world = World(seed=8, n_users=40, n_dishes=10, days=1)
    users = world._users
    early = np.flatnonzero(users.signup_day == 0)
    count = np.bincount(world.sessions(0, 1, 40_000).user_id, minlength=40)[early]
    for city in range(len(CITIES)):
        members = users.city[early] == city
        if members.sum() > 1:
            expected = users.activity[early][members] / users.activity[early][members].sum() * count[members].sum()
            assert stats.chisquare(count[members], expected).pvalue > RARE


def source(**arguments):
    users = draw_users(
        np.random.default_rng(0),
        30,
        cities=CITIES,
        city_cuisine=np.zeros((len(CITIES), 12)),
        signup_day=np.arange(30) // 10,
    )
    return users, Source(users, np.arange(5, 30), purpose="test", **arguments)


def test_only_members_who_have_signed_up_come():
    users, members = source()
    for day, last in ((0, 10), (1, 20), (2, 30), (9, 30)):
        (drawn,) = members.draw(0, day, 3_000)
        assert set(drawn.user_id) == set(range(5, last))
        assert (users.signup_day[drawn.user_id] <= day).all()
        assert ((drawn.time - START) // np.timedelta64(1, "D") == day).all()


def test_no_two_sessions_have_one_number():
    numbers = [
        drawn.session_id
        for index in (0, 1, 9)
        for day in (2, 3)
        for drawn in source(index=index)[1].draw(0, day, 5_000)
    ]
    numbers = np.concatenate(numbers)
    assert len(np.unique(numbers)) == len(numbers) == 3 * 2 * 5_000
    assert set(numbers // DAY_IDS) == {2, 3}


def test_the_busiest_day_of_the_largest_source_has_numbers_for_all_its_sessions():
    assert source()[1].sessions_on(5, SESSIONS_PER_DAY_LIMIT) == 5_800_000 < SOURCE_IDS
    assert SOURCES_LIMIT * SOURCE_IDS <= DAY_IDS
    assert SOURCES_LIMIT == 10


def test_a_source_has_the_traffic_of_its_days():
    quiet = source(traffic=lambda day: 0.5 * (day == 4))[1]
    assert [quiet.sessions_on(day, 1_000) for day in range(7)] == [0, 0, 0, 0, 560, 0, 0]
    assert [source()[1].sessions_on(day, 1_000) for day in range(8)] == [880, 880, 920, 980, 1120, 1160, 1060, 880]
    assert quiet.draw(0, 3, 0) == []
    assert quiet.blocks(0, 3, 1_000) == []
    (block,) = quiet.blocks(0, 4, 1_000)
    assert (block.source, block.day, block.number, len(block)) == ("test", 4, 0, 560)
    assert [(block.number, len(block)) for block in source()[1].blocks(0, 4, 5_000)] == [(0, 4_096), (1, 1_504)]


GOOD = Sessions(np.arange(2), np.zeros(2, np.int32), np.full(2, np.datetime64("2024-01-01", "us")))


@pytest.mark.parametrize(
    ("sessions", "complaint"),
    [
        (None, "sessions must hold the columns session_id, user_id, time"),
        (pd.DataFrame({"user_id": [1], "time": [START]}), "sessions must hold the columns"),
        (GOOD._replace(user_id=3), "sessions must hold the columns"),
        (GOOD._replace(time=np.full((2, 1), START)), "sessions must hold the columns"),
        (GOOD._replace(user_id=np.zeros(3, int)), r"sessions must have columns of one length, got \[2, 3, 2\]"),
        (GOOD._replace(time=np.array(["2024-01-01", "NaT"], "datetime64[us]")), "sessions.time must not hold NaT"),
        (GOOD._replace(time=np.zeros(2)), "sessions.time must hold times"),
        (GOOD._replace(time=np.full(2, START - 1)), "sessions must not be before day 0, 2024-01-01"),
    ],
)
def test_what_are_no_sessions_is_said(sessions, complaint):
    check_sessions(GOOD)
    with pytest.raises(ValueError, match=complaint):
        check_sessions(sessions)
