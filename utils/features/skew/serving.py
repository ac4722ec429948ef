"""The online side: a store of the nightly rates, features fetched per request, and the feed over HTTP.

Nothing here calls the offline code: it is the second implementation of the same features, as most companies have.
"""

import sqlite3
import threading
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from utils.features.skew.click_features import FEATURES
from utils.foundation.http_server import serve

EPOCH = datetime(1970, 1, 1)

SCHEMA = """
CREATE TABLE dish (dish_id INTEGER PRIMARY KEY, price REAL, preparation_minutes REAL, cuisine INTEGER);
CREATE TABLE user (user_id INTEGER PRIMARY KEY, utc_offset_hours INTEGER);
CREATE TABLE dish_rate (dish_id INTEGER PRIMARY KEY, rate REAL);
CREATE TABLE cuisine_hour_rate (cuisine INTEGER, hour INTEGER, rate REAL, PRIMARY KEY (cuisine, hour)) WITHOUT ROWID;
CREATE TABLE user_cuisine_rate (
    user_id INTEGER, cuisine INTEGER, rate REAL, PRIMARY KEY (user_id, cuisine)) WITHOUT ROWID;
CREATE TABLE user_rate (user_id INTEGER PRIMARY KEY, rate REAL);
CREATE TABLE prior (rate REAL);
CREATE TABLE served (session_id INTEGER, user_id INTEGER, dish_id INTEGER, time_us INTEGER, {features}, score REAL);
""".format(features=", ".join(f"{name} REAL" for name in FEATURES))


def materialize(rates, dimensions, connection):
    """Write a night's snapshot and the catalogue to an online store; keys never shown get no row.

    Args:
        rates: `click_features.Snapshot`.
        dimensions: `click_features.Dimensions` as the catalogue feed delivers them.
        connection: open SQLite connection to an empty database.
    """

    def shown(counts, values):
        keys = np.argwhere(counts > 0)
        return [(*key, value) for key, value in zip(keys.tolist(), values[tuple(keys.T)].tolist(), strict=True)]

    n = len(dimensions.price)
    columns = (dimensions.price, dimensions.preparation_minutes, dimensions.cuisine)
    rows = {
        "dish": list(zip(range(n), *(c.tolist() for c in columns), strict=True)),
        "user": list(enumerate(dimensions.utc_offset_hours.tolist())),
        "dish_rate": shown(rates.dish_shown, rates.dish_rate),
        "cuisine_hour_rate": shown(np.ones_like(rates.cuisine_hour_rate), rates.cuisine_hour_rate),
        "user_cuisine_rate": shown(rates.user_cuisine_shown, rates.user_cuisine_rate),
        "user_rate": shown(rates.user_shown, rates.user_rate),
        "prior": [(rates.prior,)],
    }
    with connection:
        connection.executescript(SCHEMA)
        for table, values in rows.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)


def open_store(rates, dimensions):
    """Return a connection to a new store in memory, written by `materialize`."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    materialize(rates, dimensions, connection)
    return connection


def copy_of(store):
    """Return a connection to a copy in memory of a store, usable from the server's threads."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    store.backup(copy)
    return copy


class FeedRequest(NamedTuple):
    """One visit: who, which dishes could be shown, and when (UTC)."""

    session_id: int
    user_id: int
    dish_ids: list[int]
    time: datetime


class OnlineFeatures:
    """Fetch the features of one request from the store. Each method is one read that a team may get wrong.

    Args:
        connection: SQLite connection to a store that `materialize` wrote.
    """

    def __init__(self, connection):
        self.connection = connection
        [(self.prior,)] = connection.execute("SELECT rate FROM prior").fetchall()

    def fetch(self, request):
        """Return the features of a request's dishes, list of rows in the order of `dish_ids` and of `FEATURES`."""
        dishes = self.dishes(request.dish_ids)
        dish_rates = self.dish_rates(request.dish_ids)
        hour = self.hour(request)
        cuisine_rates = self.cuisine_rates(hour)
        tastes, user_rate = self.user(request.user_id)
        return [
            [price, minutes, rate, cuisine_rates[cuisine], tastes.get(cuisine, self.prior), user_rate]
            for (price, minutes, cuisine), rate in zip(dishes, dish_rates, strict=True)
        ]

    def dishes(self, dish_ids):
        """Return (price, preparation minutes, cuisine) of each dish."""
        found = {key: row for key, *row in self._in("SELECT * FROM dish WHERE dish_id IN", dish_ids)}
        return [found[dish_id] for dish_id in dish_ids]

    def dish_rates(self, dish_ids):
        """Return the click rate of each dish, the prior where it has never been shown."""
        found = dict(self._in("SELECT dish_id, rate FROM dish_rate WHERE dish_id IN", dish_ids))
        return [found.get(dish_id, self.prior) for dish_id in dish_ids]

    def hour(self, request):
        """Return the hour on the user's clock."""
        [(offset,)] = self.connection.execute(
            "SELECT utc_offset_hours FROM user WHERE user_id = ?", (request.user_id,)
        ).fetchall()
        return (request.time + timedelta(hours=offset)).hour

    def cuisine_rates(self, hour):
        """Return cuisine -> click rate at this hour."""
        return dict(self.connection.execute("SELECT cuisine, rate FROM cuisine_hour_rate WHERE hour = ?", (hour,)))

    def user(self, user_id):
        """Return the user's click rate by cuisine, and overall; the prior where nothing is known."""
        tastes = dict(
            self.connection.execute("SELECT cuisine, rate FROM user_cuisine_rate WHERE user_id = ?", (user_id,))
        )
        found = self.connection.execute("SELECT rate FROM user_rate WHERE user_id = ?", (user_id,)).fetchone()
        return tastes, found[0] if found else self.prior

    def _in(self, query, keys):
        return self.connection.execute(f"{query} ({', '.join('?' * len(keys))})", keys).fetchall()


def feed_app(online, model, *, feed_length=10):
    """Build the feed service: fetch features, score, rank, and log what was served.

    `POST /feed` takes a list of requests (`session_id, user_id, dish_ids, time`), as a gateway that collects them for a
    few milliseconds sends them, and returns their feeds, best dish first.

    Args:
        online: `OnlineFeatures`.
        model: fitted scikit-learn classifier; sees the columns `FEATURES`.
        feed_length: dishes in a feed.

    Returns:
        FastAPI application.
    """
    from fastapi import FastAPI
    from pydantic import BaseModel, Field

    class Visit(BaseModel):
        session_id: int
        user_id: int
        dish_ids: list[int] = Field(min_length=1)
        time: datetime

    app, lock = FastAPI(), threading.Lock()

    @app.post("/feed")
    def feed(visits: list[Visit]) -> list[list[int]]:
        with lock:  # one SQLite connection, and FastAPI calls this from a pool of threads
            blocks = [online.fetch(visit) for visit in visits]
            scores = iter(model.predict_proba(np.concatenate(blocks))[:, 1].tolist())
            scored = [[next(scores) for _ in block] for block in blocks]
            _log(online.connection, visits, blocks, scored)
        return [_ranked(visit.dish_ids, part)[:feed_length] for visit, part in zip(visits, scored, strict=True)]

    return app


def _ranked(dish_ids, scores):
    """Return the dishes in order of falling score; ties keep their order."""
    return [dish_ids[i] for i in sorted(range(len(dish_ids)), key=lambda i: -scores[i])]


def _log(connection, visits, blocks, scored):
    """Write one row for each dish that was scored: who, what, when, the features as served, the score."""
    rows = [
        (visit.session_id, visit.user_id, dish_id, time, *row, score)
        for visit, block, part in zip(visits, blocks, scored, strict=True)
        for time in [(visit.time - EPOCH) // timedelta(microseconds=1)]
        for dish_id, row, score in zip(visit.dish_ids, block, part, strict=True)
    ]
    with connection:
        connection.executemany(f"INSERT INTO served VALUES ({', '.join('?' * len(rows[0]))})", rows)


def serve_visits(app, sessions, candidates, *, batch=64):
    """Start the service, send it every visit over HTTP as a gateway does, and stop it.

    Args:
        app: application from `feed_app`.
        sessions: `utils.world` sessions, n of them.
        candidates: dishes that could be shown, shape (n, k).
        batch: visits in one request.

    Returns:
        feeds, shape (n, feed length), best dish first.
    """
    import httpx

    visits = [
        {"session_id": session, "user_id": user, "dish_ids": dishes, "time": str(time)}
        for session, user, dishes, time in zip(
            sessions.session_id.tolist(), sessions.user_id.tolist(), candidates.tolist(), sessions.time, strict=True
        )
    ]
    feeds = []
    with serve(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as client:
        for start in range(0, len(visits), batch):
            feeds += client.post("/feed", json=visits[start : start + batch]).raise_for_status().json()
    return np.array(feeds)


def served_log(connection):
    """Read back what was served: `session_id, user_id, dish_id, event_time`, the `FEATURES`, `score`."""
    cursor = connection.execute("SELECT * FROM served ORDER BY session_id, dish_id")
    frame = pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
    frame["time_us"] = frame["time_us"].to_numpy().astype("datetime64[us]")
    return frame.rename(columns={"time_us": "event_time"})
