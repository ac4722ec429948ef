"""The two implementations of the click features: each against DuckDB or a loop, and against each other over HTTP."""

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import httpx
import numpy as np
import pandas as pd
import pytest

from utils.features.skew import click_features, serving_database
from utils.features.skew.click_features import FEATURES
from utils.features.skew.feed_service import feed_app, serve_visits
from utils.features.skew.online_features import OnlineFeatures, Visit
from utils.features.skew.parity import replay_parity
from utils.foundation.http_server import serve
from utils.world import UniformPolicy, World
from utils.world.clock import local_hour

DAY = 21


class EvenModel:
    """A model that likes the second feature."""

    def predict_proba(self, rows):
        score = rows[:, 1] / 100
        return np.column_stack([1 - score, score])


@pytest.fixture(scope="module")
def platter():
    world = World(3, n_users=200, n_dishes=60, days=30)
    log = world.simulate(UniformPolicy(world), sessions_per_day=60, start_day=10, end_day=DAY)
    dimensions = click_features.Dimensions.of(world.catalogue(DAY), world.users, world.cities)
    return world, log, dimensions, click_features.snapshot(log, dimensions, DAY)


def test_local_hour_agrees_with_the_time_zone_database():
    utc = datetime(2024, 1, 10, 3, 30, tzinfo=ZoneInfo("UTC"))
    for zone, offset in (("Asia/Singapore", 8), ("America/New_York", -5), ("Atlantic/Reykjavik", 0)):
        here = local_hour(np.datetime64(utc.replace(tzinfo=None)), offset)
        assert here == utc.astimezone(ZoneInfo(zone)).hour


def test_rates_agree_with_a_database(platter):
    _, log, dimensions, rates = platter
    midnight = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAY)
    shown = log.assign(cuisine=dimensions.cuisine[log["dish_id"]])  # noqa: F841, read by DuckDB
    window = f"available_time >= '{midnight - pd.Timedelta(days=7)}' AND available_time < '{midnight}'"
    [(prior,)] = duckdb.sql(f"SELECT avg(clicked::INT) FROM shown WHERE {window}").fetchall()
    assert rates.prior == pytest.approx(prior)
    for key, strength, found in (
        ("dish_id", 60, lambda k: rates.dish_rate[k]),
        ("user_id", 40, lambda k: rates.user_rate[k]),
        ("user_id, cuisine", 25, lambda k, c: rates.user_cuisine_rate[k, c]),
    ):
        wanted = duckdb.sql(
            f"SELECT {key}, (sum(clicked::INT) + {strength} * {prior}) / (count(*) + {strength}) "
            f"FROM shown WHERE {window} GROUP BY {key}"
        ).fetchall()
        assert len(wanted) > 40
        for *keys, rate in wanted:
            assert found(*keys) == pytest.approx(rate)


def test_the_hour_of_a_rate_is_the_users(platter):
    _, log, dimensions, rates = platter
    seen = log[(log["available_time"] >= "2024-01-15") & (log["available_time"] < "2024-01-22")]
    hour = (seen["event_time"].dt.hour + dimensions.utc_offset_hours[seen["user_id"]]) % 24
    groups = seen["clicked"].groupby([dimensions.cuisine[seen["dish_id"]], hour.to_numpy()])
    wanted = (groups.sum() + 60 * rates.prior) / (groups.size() + 60)
    for (cuisine, at), rate in wanted.items():
        assert rates.cuisine_hour_rate[cuisine, at] == pytest.approx(rate)


def test_an_event_counts_from_the_day_it_arrives(platter):
    _, log, dimensions, rates = platter
    late = log[log["event_time"] < "2024-01-22"].copy()
    late["available_time"] = late["available_time"].where(late["dish_id"] != 5, pd.Timestamp("2024-01-23"))
    again = click_features.snapshot(late, dimensions, DAY)
    assert rates.dish_shown[5] > 0
    assert again.dish_shown[5] == 0
    assert again.dish_rate[5] == pytest.approx(again.prior)


def test_training_rows_see_the_midnight_before_them(platter):
    _, log, dimensions, _ = platter
    rows = log[log["event_time"] >= "2024-01-19"].sample(50, random_state=0)
    made = click_features.offline_features(log, dimensions, rows)
    assert list(made.columns) == FEATURES
    assert made.index.equals(rows.index)
    for index, row in rows.head(10).iterrows():
        day = (row["event_time"] - pd.Timestamp("2024-01-01")).days
        rates = click_features.snapshot(log, dimensions, day)
        assert made.loc[index, "dish_rate"] == rates.dish_rate[row["dish_id"]]
        assert made.loc[index, "user_rate"] == rates.user_rate[row["user_id"]]


def test_a_window_without_events_is_refused(platter):
    _, log, dimensions, _ = platter
    with pytest.raises(ValueError, match="log holds no event that arrived in the 7 days before day 3"):
        click_features.snapshot(log, dimensions, 3)
    with pytest.raises(ValueError, match="window_days must be positive, got 0"):
        click_features.snapshot(log, dimensions, DAY, window_days=0)


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


def test_keys_never_shown_fall_back_to_the_prior(platter):
    _, log, dimensions, _ = platter
    seen = log[(log["dish_id"] != 4) & (log["user_id"] != 7)]
    rates = click_features.snapshot(seen, dimensions, DAY)
    online = OnlineFeatures(serving_database.new_database(rates, dimensions))
    [row] = online.fetch(Visit(1, 7, [4], datetime(2024, 1, 22, 12)))
    assert row[2] == row[4] == row[5] == pytest.approx(rates.prior)


def test_a_malformed_visit_is_refused_and_the_service_goes_on(platter):
    _, _, dimensions, rates = platter
    store = serving_database.new_database(rates, dimensions)
    visit = {"session_id": 1, "user_id": 7, "dish_ids": [3, 4], "time": "2024-01-22T12:00:00"}
    with serve(feed_app(OnlineFeatures(store), EvenModel())) as url:
        for wrong in ({"dish_ids": []}, {"user_id": "seven"}, {"time": "noon"}):
            assert httpx.post(f"{url}/feed", json=[visit | wrong]).status_code == 422
        assert httpx.post(f"{url}/feed", json=[visit]).status_code == 200
    assert len(serving_database.served_log(store)) == 2


def test_a_server_is_gone_when_its_block_ends_also_by_an_error():
    from fastapi import FastAPI

    before = threading.active_count()
    with pytest.raises(KeyError, match="in the block"), serve(FastAPI()) as url:  # noqa: PT012, the block is the point
        assert httpx.get(f"{url}/docs").status_code == 200
        raise KeyError("in the block")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert threading.active_count() <= before + 1


def test_an_app_that_fails_to_start_is_told():
    from contextlib import asynccontextmanager

    from fastapi import FastAPI

    @asynccontextmanager
    async def broken(app):
        raise OSError("no model file")
        yield

    with pytest.raises(RuntimeError, match="its start-up failed"), serve(FastAPI(lifespan=broken)):
        pass
