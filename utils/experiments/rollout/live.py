"""A rollout on real requests: two versions of a model server, a splitter with sticky users, and clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import NamedTuple

from utils.experiments.assignment import bucket
from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.traffic_split import on_canary
from utils.foundation import checks


def model_server(version: str, *, failure_rate: float = 0.0):
    """Return an application that scores a user, and fails a known share of its requests.

    Which requests fail is a matter of their number and the version only, so that a run can be repeated whatever the
    order in which the requests arrive.

    Args:
        version: name in the answers.
        failure_rate: share of the requests answered with status 500.

    Returns:
        An ASGI application with `GET /score?user_id=…&request=…`.

    Raises:
        ValueError: if the failure rate is not from 0 to 1.
    """
    from fastapi import FastAPI, HTTPException

    if not 0 <= failure_rate <= 1:
        raise ValueError(f"failure_rate must be from 0 to 1, got {failure_rate!r}; use 0 for a healthy server")
    app = FastAPI()

    @app.get("/score")
    async def score(user_id: int, request: int) -> dict:
        if bucket([request], f"failures of {version}")[0] < failure_rate:
            raise HTTPException(500, "model failed")
        return {"version": version, "score": float(bucket([user_id], "score")[0])}

    return app


class Splitter:
    """A proxy that routes each user to one version, answers from the other when that fails, and counts per arm.

    Args:
        stable_url, canary_url: addresses of the two model servers.
        release: name of the release, which salts the split.
        timeout: seconds after which a version counts as failed.
    """

    def __init__(self, stable_url: str, canary_url: str, *, release: str, timeout: float = 2.0) -> None:
        if not timeout > 0:
            raise ValueError(f"timeout must be positive, got {timeout!r}; pass seconds such as 2")
        self.share = 0.0
        self._urls = {"stable": stable_url, "canary": canary_url}
        self._release, self._timeout = release, timeout
        self._counts = {"stable": Counter(requests=0, answers=0), "canary": Counter(requests=0, answers=0)}
        self.app = self._application()

    def counts(self, arm: str) -> dict[str, int]:
        """Return an arm's counters since the start: requests routed to it and those it answered itself."""
        if arm not in self._counts:
            raise ValueError(f"arm must be 'stable' or 'canary', got {arm!r}; choose one of them")
        return dict(self._counts[arm])

    def _application(self):
        import httpx
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app):
            async with httpx.AsyncClient(timeout=self._timeout) as self._client:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/score")
        async def score(user_id: int, request: int) -> dict:
            arm = "canary" if on_canary([user_id], self._release, self.share)[0] else "stable"
            answer = await self._ask(arm, user_id, request)
            self._counts[arm]["requests"] += 1
            self._counts[arm]["answers"] += answer is not None
            if answer is None and arm == "canary":
                answer = await self._ask("stable", user_id, request)
            return {"routed_to": arm} | (answer or {"version": "fallback", "score": 0.0})

        return app

    async def _ask(self, arm: str, user_id: int, request: int) -> dict | None:
        import httpx

        try:
            response = await self._client.get(
                f"{self._urls[arm]}/score", params={"user_id": user_id, "request": request}
            )
        except httpx.HTTPError:
            return None
        return response.json() if response.status_code == 200 else None


class Answer(NamedTuple):
    """What one client got: its window, user, HTTP status, the arm it was routed to and the version that answered."""

    window: int
    user_id: int
    status: int
    routed_to: str
    version: str


def drive(
    url: str,
    splitter: Splitter,
    controller: CanaryController,
    *,
    max_windows: int,
    requests_per_window: int,
    n_users: int = 1_000,
    windows_after: int = 1,
    clients: int = 8,
) -> list[Answer]:
    """Send requests window by window, let the controller decide after each, and obey it.

    Args:
        url: the splitter's address.
        splitter: the splitter served there; its share is set from the controller's.
        controller: who decides.
        max_windows: windows after which to stop, decided or not.
        requests_per_window: requests in a window.
        n_users: users, who return in turn.
        windows_after: windows sent after the rollout's end, to see what clients get then.
        clients: requests in flight at once.

    Returns:
        One answer per request, in order of sending.

    Raises:
        ValueError: if a size is below 1.
    """
    sizes = {"max_windows": max_windows, "requests_per_window": requests_per_window, "n_users": n_users}
    for name, value in {**sizes, "clients": clients}.items():
        checks.count(name, value)
    import httpx

    answers: list[Answer] = []
    with httpx.Client(base_url=url, timeout=10.0) as http, ThreadPoolExecutor(clients) as pool:
        for window in _windows(controller, max_windows, windows_after):
            splitter.share = controller.share
            requests = range(len(answers), len(answers) + requests_per_window)
            answers += pool.map(lambda request, window=window: _ask(http, window, request, n_users), requests)
            if not controller.is_over:
                controller.observe(splitter.counts("stable"), splitter.counts("canary"))
    splitter.share = controller.share
    return answers


def _windows(controller: CanaryController, max_windows: int, windows_after: int) -> Iterator[int]:
    after = 0
    for window in range(1, max_windows + windows_after + 1):
        if controller.is_over:
            after += 1
        if after > windows_after or (window > max_windows and not controller.is_over):
            return
        yield window


def _ask(http, window: int, request: int, n_users: int) -> Answer:
    user_id = request % n_users
    response = http.get("/score", params={"user_id": user_id, "request": request})
    body = response.json() if response.status_code == 200 else {}
    return Answer(window, user_id, response.status_code, body.get("routed_to", ""), body.get("version", ""))
