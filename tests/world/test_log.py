"""The log has compact types, ten positions a session, and events that arrive late or never."""

import numpy as np
import pytest
from scipy import stats

from utils.world import World

RARE = 1e-5


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


@pytest.fixture(scope="module")
def log(world):
    return world.simulate(sessions_per_day=2_000)


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


def test_orders_need_clicks_and_revenue_needs_orders(log):
    assert not (log["ordered"] & ~log["clicked"]).any()
    assert ((log["revenue"] > 0) == log["ordered"]).all()
    np.testing.assert_allclose(log["revenue"] * 100, np.round(log["revenue"] * 100), atol=1e-6)
