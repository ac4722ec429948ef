"""Traffic has the rhythm of the week, of the local day, and of the users."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.world import World
from utils.world.clock import START
from utils.world.traffic import WEEKEND_HOURS, WORKDAY_HOURS

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
