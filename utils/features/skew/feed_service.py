"""The feed service of lesson 07, over HTTP: fetch features, score, rank, and log what was served."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from utils.features.skew.online_features import OnlineFeatures, Visit
from utils.features.skew.serving_database import record_served
from utils.features.times import moment
from utils.foundation import checks
from utils.foundation.http_server import serve
from utils.world import Sessions

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["feed_app", "serve_in_process", "serve_visits"]


class Model(Protocol):
    """A classifier as scikit-learn fits it."""

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Return the probabilities of no click and of a click, (n, 2), from the columns `FEATURES`, (n, 6)."""


def feed_app(online: OnlineFeatures, model: Model, *, feed_length: int = 10) -> "FastAPI":
    """Build the feed service.

    `POST /feed` takes a list of visits (`session_id, user_id, dish_ids, time`), as a gateway that collects them for a
    few milliseconds sends them, and returns their feeds, best dish first. What no visit can be is answered with 422.

    Args:
        online: where the features are read.
        model: fitted scikit-learn classifier; sees the columns `FEATURES`.
        feed_length: dishes in a feed.

    Returns:
        FastAPI application.

    Raises:
        ValueError: a feed that is not at least one dish long.
    """
    from fastapi import FastAPI, HTTPException

    feed_length = checks.count("feed_length", feed_length)
    app, lock = FastAPI(), threading.Lock()

    @app.post("/feed")
    def feed(visits: list[Visit]) -> list[list[int]]:
        if not visits:
            return []
        with lock:  # one SQLite connection, and FastAPI calls this from a pool of threads
            try:
                blocks = [online.fetch(visit) for visit in visits]
            except ValueError as error:
                raise HTTPException(422, str(error)) from error
            scores = iter(model.predict_proba(np.concatenate(blocks))[:, 1].tolist())
            scored = [[next(scores) for _ in block] for block in blocks]
            record_served(online.connection, _log_rows(visits, blocks, scored))
        return [_ranked(visit.dish_ids, part)[:feed_length] for visit, part in zip(visits, scored, strict=True)]

    return app


def _ranked(dish_ids: list[int], scores: list[float]) -> list[int]:
    """Return the dishes in order of falling score; ties keep their order."""
    return [dish_ids[i] for i in sorted(range(len(dish_ids)), key=lambda i: -scores[i])]


def _log_rows(
    visits: list[Visit], blocks: list[list[list[float]]], scored: list[list[float]]
) -> Iterator[tuple[Any, ...]]:
    """Give one row for each dish that was scored: who, what, when, the features as served, the score."""
    for visit, block, part in zip(visits, blocks, scored, strict=True):
        time = moment("time", visit.time)
        for dish_id, row, score in zip(visit.dish_ids, block, part, strict=True):
            yield visit.session_id, visit.user_id, dish_id, time, *row, score


def serve_visits(app: "FastAPI", sessions: Sessions, candidates: np.ndarray, *, batch: int = 256) -> np.ndarray:
    """Start the service, send it every visit over HTTP as a gateway does, and stop it.

    Args:
        app: application from `feed_app`.
        sessions: `utils.world` sessions, n of them.
        candidates: dishes that could be shown, shape (n, k).
        batch: visits in one request.

    Returns:
        Feeds, shape (n, feed length), best dish first.

    Raises:
        ValueError: candidates that are not one row a visit, a batch of none.
        httpx.HTTPStatusError: the service refuses a visit.
    """
    import httpx

    requests, feeds = _requests(sessions, candidates, batch), []
    with serve(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as client:
        for request in requests:
            feeds += client.post("/feed", json=request).raise_for_status().json()
    return np.array(feeds)


def serve_in_process(app: "FastAPI", sessions: Sessions, candidates: np.ndarray, *, batch: int = 256) -> np.ndarray:
    """Do as `serve_visits` without a socket: the same requests reach the application as a server would hand them over.

    It spares the tenths of a second that a server takes to stop. Arguments, feeds and errors are those of `serve_visits`.

    References:
        ASGI specification 3.0, https://asgi.readthedocs.io/en/latest/specs/main.html
    """
    import httpx

    requests = _requests(sessions, candidates, batch)

    async def ask() -> list[list[int]]:
        transport, feeds = httpx.ASGITransport(app=app), []
        async with httpx.AsyncClient(transport=transport, base_url="http://feed", verify=False) as client:
            for request in requests:
                feeds += (await client.post("/feed", json=request)).raise_for_status().json()
        return feeds

    with ThreadPoolExecutor(1) as pool:  # a notebook's own thread already runs an event loop
        return np.array(pool.submit(lambda: asyncio.run(ask())).result())


def _requests(sessions: Sessions, candidates: np.ndarray, batch: int) -> list[list[dict[str, Any]]]:
    """Return the bodies of the requests, a batch of visits each."""
    batch, candidates = checks.count("batch", batch), np.asarray(candidates)
    if candidates.ndim != 2 or len(candidates) != len(sessions.session_id):
        raise ValueError(
            f"candidates must have one row for each of the {len(sessions.session_id)} sessions, got shape "
            f"{candidates.shape}; draw them for the same sessions"
        )
    visits = [
        {"session_id": session, "user_id": user, "dish_ids": dishes, "time": str(time)}
        for session, user, dishes, time in zip(
            sessions.session_id.tolist(), sessions.user_id.tolist(), candidates.tolist(), sessions.time, strict=True
        )
    ]
    return [visits[start : start + batch] for start in range(0, len(visits), batch)]
