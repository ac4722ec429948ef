"""A rollout on real requests: two versions of a model server, a splitter with sticky users, and clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from utils.experiments.assignment import LARGEST_ID, bucket
from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.traffic_split import on_canary
from utils.foundation import checks

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

__all__ = ["Answer", "Splitter", "drive", "model_server"]

MOST_REQUESTS = 100_000  # of a window: all are handed to the clients at once
MOST_CLIENTS = 256


def model_server(version: str, *, failure_rate: float = 0.0) -> FastAPI:
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
    failure_rate = checks.share("failure_rate", failure_rate, "use 0 for a healthy server")
    from fastapi import FastAPI, HTTPException

    app = FastAPI()

    @app.get("/score")
    async def score(user_id: int, request: int) -> dict:
        _check_identifiers(user_id, request)
        if bucket([request], f"failures of {version}")[0] < failure_rate:
            raise HTTPException(500, "model failed")
        return {"version": version, "score": float(bucket([user_id], "score")[0])}

    return app


class Splitter:
    """A proxy that routes each user to one version, answers from the other when that fails, and counts per arm.

    Args:
        stable_url: address of the stable version's server.
        canary_url: address of the canary's.
        release: name of the release, which salts the split.
        timeout: seconds after which a version counts as failed.

    Raises:
        ValueError: if the release has no name, or the timeout is not positive.
    """

    def __init__(self, stable_url: str, canary_url: str, *, release: str, timeout: float = 2.0) -> None:
        self._timeout = checks.positive("timeout", timeout, "pass seconds such as 2")
        on_canary([0], release, 0.0)  # refuses a release without a name now and not at the first request
        self._release, self._share = release, 0.0
        self._urls = {"stable": stable_url, "canary": canary_url}
        self._counts = {"stable": Counter(requests=0, answers=0), "canary": Counter(requests=0, answers=0)}
        self.app = self._application()

    @property
    def share(self) -> float:
        """The share of users who are routed to the canary, from 0 to 1."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share = checks.share("share", share, "pass the controller's share")

    def counts(self, arm: str) -> dict[str, int]:
        """Return an arm's counters since the start.

        Args:
            arm: "stable" or "canary".

        Returns:
            "requests" routed to it, and "answers" it gave itself.

        Raises:
            ValueError: if there is no such arm.
        """
        return dict(self._counts[checks.choice("arm", arm, tuple(self._counts))])

    def _application(self) -> FastAPI:
        import httpx
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with httpx.AsyncClient(timeout=self._timeout) as self._client:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/score")
        async def score(user_id: int, request: int) -> dict:
            _check_identifiers(user_id, request)
            arm = "canary" if on_canary([user_id], self._release, self.share)[0] else "stable"
            answer = await self._ask(arm, user_id, request)
            self._counts[arm]["requests"] += 1
            self._counts[arm]["answers"] += answer is not None
            if answer is None and arm == "canary":
                answer = await self._ask("stable", user_id, request)
            return (answer or {"version": "fallback", "score": 0.0}) | {"routed_to": arm}

        return app

    async def _ask(self, arm: str, user_id: int, request: int) -> dict | None:
        """Return a version's answer; None where it gives none in time, an error, or something else than a score."""
        import httpx

        url, parameters = f"{self._urls[arm]}/score", {"user_id": user_id, "request": request}
        try:
            response = await self._client.get(url, params=parameters)
            answer = response.json() if response.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None
        return answer if isinstance(answer, dict) and {"version", "score"} <= answer.keys() else None


class Answer(NamedTuple):
    """What one client got.

    Args:
        window: number of the window it was sent in, from 1.
        user_id: the user.
        status: HTTP status.
        routed_to: the arm it was routed to.
        version: the version that answered.
    """

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

    If sending or deciding breaks off with an error, nobody watches the canary any more: unless the release is fully
    out by then, everybody is routed back to the stable version.

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
        ValueError: if a size is below 1 (windows_after: 0) or too large.
    """
    max_windows = checks.count("max_windows", max_windows)
    requests_per_window = checks.count("requests_per_window", requests_per_window, maximum=MOST_REQUESTS)
    n_users, clients = checks.count("n_users", n_users), checks.count("clients", clients, maximum=MOST_CLIENTS)
    windows_after = checks.count("windows_after", windows_after, minimum=0)
    import httpx

    answers: list[Answer] = []
    try:
        with httpx.Client(base_url=url, timeout=10.0) as http, ThreadPoolExecutor(clients) as pool:
            for window in _windows(controller, max_windows, windows_after):
                splitter.share = controller.share
                requests = range(len(answers), len(answers) + requests_per_window)
                answers += pool.map(lambda request, window=window: _ask(http, window, request, n_users), requests)
                if not controller.is_over:
                    controller.observe(splitter.counts("stable"), splitter.counts("canary"))
    except BaseException:
        splitter.share = controller.share if controller.is_over else 0.0
        raise
    splitter.share = controller.share
    return answers


def _windows(controller: CanaryController, max_windows: int, windows_after: int) -> Iterator[int]:
    after = 0
    for window in count(1):
        if controller.is_over:
            after += 1
        if after > windows_after or (window > max_windows and not controller.is_over):
            return
        yield window


def _ask(http: httpx.Client, window: int, request: int, n_users: int) -> Answer:
    user_id = request % n_users
    response = http.get("/score", params={"user_id": user_id, "request": request})
    body = response.json() if response.status_code == 200 else {}
    return Answer(window, user_id, response.status_code, body.get("routed_to", ""), body.get("version", ""))


def _check_identifiers(*identifiers: int) -> None:
    """Answer with status 422 where a number is none that `bucket` knows."""
    from fastapi import HTTPException

    if not all(0 <= identifier <= LARGEST_ID for identifier in identifiers):
        raise HTTPException(422, "user_id and request must be from 0 to 2**64 - 1")
