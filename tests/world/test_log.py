"""The log has compact types, ten positions a session, and events that arrive late or never."""

import numpy as np
import pytest
from scipy import stats

from utils.world import Ranking, Sessions, World
from utils.world.log import empty_log, frame, upload_delay, write_feeds

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


def test_every_row_of_a_session_arrives_with_its_upload(world, log):
    delay = (log["available_time"] - log["event_time"]).groupby(log["session_id"]).nunique()
    assert delay.max() == 1


def test_delays_have_the_median_and_spread_of_a_lognormal():
    seconds = np.sort(upload_delay(np.random.default_rng(0), np.full(50_000, 2))[0] / 1e6)
    on_time = stats.lognorm(0.8, scale=40)
    # 0.5% of web clients are late; for the others each quantile is the lognormal's
    for quantile in (0.05, 0.25, 0.5, 0.75):
        n_below = (seconds < on_time.ppf(quantile)).sum()
        assert stats.binomtest(int(n_below), 50_000, 0.995 * quantile).pvalue > RARE


def test_feeds_are_written_session_by_session():
    log = empty_log(3)
    sessions = Sessions(np.array([7, 8]), np.array([1, 2]), np.array(["2024-01-01", "2024-01-02"], "datetime64[us]"))
    feeds = np.arange(20).reshape(2, 10)
    for name in log:
        log[name][:] = 0
    write_feeds(log, slice(1, 3), sessions, Ranking(feeds, feeds / 100))
    table = frame(log)[10:]
    assert table["session_id"].tolist() == [7] * 10 + [8] * 10
    assert table["user_id"].tolist() == [1] * 10 + [2] * 10
    assert table["dish_id"].tolist() == list(range(20))
    assert table["position"].tolist() == [*range(1, 11)] * 2
    assert table["propensity"].tolist() == [n / 100 for n in range(20)]
    assert table["event_time"].dt.day.tolist() == [1] * 10 + [2] * 10
    assert (frame(log)[:10][["session_id", "position"]] == 0).all().all()
