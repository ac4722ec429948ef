"""The feed service over HTTP: it serves what the offline side computes, and refuses what is no visit."""

import asyncio

import httpx
import numpy as np
import pandas as pd
import pytest

from utils.features.skew import click_features, serving_database
from utils.features.skew.feed_service import feed_app, serve_in_process, serve_visits
from utils.features.skew.online_features import OnlineFeatures
from utils.features.skew.parity import replay_parity
from utils.foundation.http_server import serve

DAY = 21


class EvenModel:
    """A model that likes the second feature."""

    def predict_proba(self, rows):
        score = rows[:, 1] / 100
        return np.column_stack([1 - score, score])


def test_what_is_served_over_http_is_what_the_offline_side_computes(platter):
    world, _, dimensions, rates = platter
    visits = world.sessions(DAY, DAY + 1, sessions_per_day=40)
    candidates = np.random.default_rng(0).permuted(np.tile(np.arange(50), (len(visits.user_id), 1)), axis=1)[:, :12]
    with serving_database.copy_of(serving_database.new_database(rates, dimensions)) as connection:
        app = feed_app(OnlineFeatures(connection), EvenModel())
        feeds = serve_visits(app, visits, candidates, batch=7)
        served = serving_database.served_log(connection)
    assert len(served) == candidates.size
    made = click_features.features_at(rates, dimensions, served["user_id"], served["dish_id"], served["event_time"])
    key = ["session_id", "dish_id"]
    assert replay_parity(served, pd.concat([served[key], made], axis=1), key=key).is_clean
    times = dict(zip(visits.session_id.tolist(), visits.time, strict=True))
    assert all(times[s] == t for s, t in zip(served["session_id"], served["event_time"].to_numpy(), strict=True))
    minutes = dimensions.preparation_minutes[feeds]
    assert feeds.shape == (len(visits.user_id), 10)
    assert np.all(np.diff(minutes, axis=1) <= 0)
    assert np.all(minutes[:, -1] >= np.sort(dimensions.preparation_minutes[candidates], axis=1)[:, 2])


def test_in_process_the_same_is_served_logged_and_refused(platter):
    world, _, dimensions, rates = platter
    visits = world.sessions(DAY, DAY + 1, sessions_per_day=40)
    candidates = np.random.default_rng(1).permuted(np.tile(np.arange(50), (len(visits.user_id), 1)), axis=1)[:, :12]
    database, feeds, logs = serving_database.new_database(rates, dimensions), [], []
    for serve_them in (serve_visits, serve_in_process):
        with serving_database.copy_of(database) as connection:
            app = feed_app(OnlineFeatures(connection), EvenModel())
            feeds.append(serve_them(app, visits, candidates, batch=9))
            logs.append(serving_database.served_log(connection))
            with pytest.raises(httpx.HTTPStatusError, match="422"):
                serve_them(app, visits, candidates + 10**6)
    assert np.array_equal(*feeds)
    pd.testing.assert_frame_equal(*logs)
    with pytest.raises(ValueError, match="candidates must have one row"):
        serve_in_process(None, visits, candidates[1:])


def test_candidates_of_other_visits_are_refused(platter):
    visits = platter[0].sessions(DAY, DAY + 1, sessions_per_day=40)
    with pytest.raises(ValueError, match="candidates must have one row for each of the"):
        serve_visits(None, visits, np.zeros((len(visits.user_id) - 1, 5), int))
    with pytest.raises(ValueError, match="candidates must have one row"):
        serve_visits(None, visits, np.zeros(len(visits.user_id), int))
    with pytest.raises(ValueError, match="batch must be"):
        serve_visits(None, visits, np.zeros((len(visits.user_id), 5), int), batch=0)


def test_a_malformed_visit_is_refused_and_the_service_goes_on(platter):
    _, _, dimensions, rates = platter
    store = serving_database.new_database(rates, dimensions)
    visit = {"session_id": 1, "user_id": 7, "dish_ids": [3, 4], "time": "2024-01-22T12:00:00"}
    with serve(feed_app(OnlineFeatures(store), EvenModel())) as url:
        for wrong in (
            {"dish_ids": []},
            {"user_id": "seven"},
            {"time": "noon"},
            {"dish_ids": [3, 10**6]},
            {"user_id": 10**6},
            {"user_id": -1},
        ):
            assert httpx.post(f"{url}/feed", json=[visit | wrong]).status_code == 422
        assert httpx.post(f"{url}/feed", json=[]).json() == []
        assert len(serving_database.served_log(store)) == 0
        assert httpx.post(f"{url}/feed", json=[visit | {"time": "2024-01-22T14:00:00+02:00"}]).status_code == 200
    assert serving_database.served_log(store)["event_time"].tolist() == [pd.Timestamp("2024-01-22 12:00")] * 2


def asked(app, visit):
    """Return the app's answer to one visit, asked without a server in between."""

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://feed") as client:
            return await client.post("/feed", json=[visit])

    return asyncio.run(ask())


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59.999999", "2024-02-29T23:59:59.000001", "2999-01-01T00:00:00"])
def test_the_log_keeps_the_very_microsecond_of_a_visit(platter, time):
    _, _, dimensions, rates = platter
    store = serving_database.new_database(rates, dimensions)
    visit = {"session_id": 1, "user_id": 7, "dish_ids": [3], "time": time}
    assert asked(feed_app(OnlineFeatures(store), EvenModel()), visit).status_code == 200
    [(kept,)] = store.execute("SELECT time_us FROM served").fetchall()
    assert kept == np.datetime64(time, "us").astype(int)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_feed_is_as_long_as_asked_and_no_longer_than_its_candidates(platter, length):
    _, _, dimensions, rates = platter
    visit = {"session_id": 1, "user_id": 7, "dish_ids": [3, 4], "time": "2024-01-22T12:00:00"}
    store = serving_database.new_database(rates, dimensions)
    [feed] = asked(feed_app(OnlineFeatures(store), EvenModel(), feed_length=length), visit).json()
    best_first = sorted([3, 4], key=lambda dish: -dimensions.preparation_minutes[dish])
    assert feed == best_first[:length]


def test_a_feed_has_at_least_one_dish():
    with pytest.raises(ValueError, match="feed_length must be"):
        feed_app(None, EvenModel(), feed_length=0)
