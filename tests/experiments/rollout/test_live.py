"""A bad version on real requests is rolled back while every client gets an answer, and nothing stays running."""

import socket
from urllib.parse import urlparse

import httpx
import pytest
from fastapi import FastAPI, Response

from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.live import Splitter, drive, model_server
from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.experiments.rollout.traffic_split import on_canary
from utils.foundation.http_server import serve

PLAN = RolloutPlan([Guardrail("answers", (0.5, 0.7))], steps=(0.1, 0.5, 1.0), minimum_windows=2, maximum_windows=20)


def is_listening(url):
    address = urlparse(url)
    with socket.socket() as client:
        return client.connect_ex((address.hostname, address.port)) == 0


def test_the_bad_version_is_rolled_back_while_every_client_gets_an_answer():
    controller = CanaryController(PLAN)
    with serve(model_server("v1")) as stable, serve(model_server("v2", failure_rate=0.7)) as canary:
        splitter = Splitter(stable, canary, release="v2")
        with serve(splitter.app) as url:
            answers = drive(url, splitter, controller, max_windows=8, requests_per_window=60, n_users=60)
    assert controller.rolled_back
    assert controller.log[-1].reason.startswith("answers: ")
    assert {answer.status for answer in answers} == {200}
    assert {answer.version for answer in answers} == {"v1", "v2"}
    last = [answer for answer in answers if answer.window > len(controller.log)]
    assert len(last) == 60
    assert {(answer.routed_to, answer.version) for answer in last} == {("stable", "v1")}
    # sticky: until the roll back a user met the arm the hash names, at every visit
    before = [answer for answer in answers if answer.window <= len(controller.log)]
    chosen = on_canary([answer.user_id for answer in before], "v2", 0.1)
    assert [answer.routed_to == "canary" for answer in before] == chosen.tolist()
    requests = sum(splitter.counts(arm)["requests"] for arm in ("stable", "canary"))
    assert requests == len(answers)
    assert splitter.counts("stable")["answers"] == splitter.counts("stable")["requests"]
    canary_answers = sum(answer.version == "v2" for answer in answers)
    assert splitter.counts("canary")["answers"] == canary_answers < splitter.counts("canary")["requests"]
    assert not any(is_listening(address) for address in (stable, canary, url))


def test_a_canary_that_is_down_costs_no_client_an_answer_and_is_rolled_back():
    controller = CanaryController(PLAN)
    with serve(model_server("v1")) as stable:
        with serve(model_server("v2")) as canary:
            pass
        splitter = Splitter(stable, canary, release="v2", timeout=1.0)
        with serve(splitter.app) as url:
            answers = drive(url, splitter, controller, max_windows=8, requests_per_window=60, n_users=60)
    assert controller.rolled_back
    assert {(answer.status, answer.version) for answer in answers} == {(200, "v1")}


def test_a_stable_version_that_fails_is_answered_by_the_fallback():
    with serve(model_server("v1", failure_rate=1.0)) as stable:
        splitter = Splitter(stable, stable, release="v2")
        with serve(splitter.app) as url:
            answer = httpx.get(f"{url}/score", params={"user_id": 1, "request": 1})
    assert answer.status_code == 200
    assert answer.json() == {"routed_to": "stable", "version": "fallback", "score": 0.0}
    assert splitter.counts("stable") == {"requests": 1, "answers": 0}


def test_a_healthy_version_is_promoted():
    controller = CanaryController(RolloutPlan([Guardrail("answers", (0.5,))], steps=(0.5, 1.0), minimum_windows=2))
    with serve(model_server("v1")) as stable, serve(model_server("v2")) as canary:
        splitter = Splitter(stable, canary, release="v2")
        with serve(splitter.app) as url:
            answers = drive(url, splitter, controller, max_windows=6, requests_per_window=60, n_users=60)
    assert controller.is_over
    assert controller.share == splitter.share == 1.0
    assert {answer.version for answer in answers if answer.window > len(controller.log)} == {"v2"}


ODD = ["<html>", "[]", "null", "{}", '{"version": "v2"}']


def odd_server(*bodies):
    """A server whose answer to request n is bodies[n] with status 200, be it a score or not."""
    app = FastAPI()

    @app.get("/score")
    async def score(user_id: int, request: int):
        return Response(bodies[request], media_type="application/json")

    return app


def test_an_answer_that_is_no_score_counts_as_none_and_costs_no_client_an_answer():
    with serve(model_server("v1")) as stable, serve(odd_server(*ODD)) as canary:
        splitter = Splitter(stable, canary, release="v2")
        splitter.share = 1.0
        with serve(splitter.app) as url:
            answers = [httpx.get(f"{url}/score", params={"user_id": 1, "request": n}) for n in range(len(ODD))]
    assert {(answer.status_code, answer.json()["version"]) for answer in answers} == {(200, "v1")}
    assert {answer.json()["routed_to"] for answer in answers} == {"canary"}
    assert splitter.counts("canary") == {"requests": len(ODD), "answers": 0}


def test_the_splitter_says_itself_where_it_routed_to():
    body = '{"version": "v2", "score": 0.5, "routed_to": "nowhere"}'
    with serve(odd_server(body)) as url:
        splitter = Splitter(url, url, release="v2")
        with serve(splitter.app) as address:
            answer = httpx.get(f"{address}/score", params={"user_id": 1, "request": 0}).json()
    assert answer == {"routed_to": "stable", "version": "v2", "score": 0.5}


def test_a_user_that_is_none_is_the_clients_error():
    with serve(model_server("v1")) as stable:
        splitter = Splitter(stable, stable, release="v2")
        with serve(splitter.app) as url:
            for address in (url, stable):
                for user in (-1, 2**64, "x"):
                    assert httpx.get(f"{address}/score", params={"user_id": user, "request": 1}).status_code == 422
                assert httpx.get(f"{address}/score", params={"user_id": 1, "request": -1}).status_code == 422
    assert splitter.counts("stable")["requests"] == 0


class Scripted:
    """A controller that promotes to a half and is over after so many windows, whatever it sees."""

    def __init__(self, over_after, final_share, fails=False):
        self.share, self.is_over, self.windows = 0.1, False, 0
        self._over_after, self._final_share, self._fails = over_after, final_share, fails

    def observe(self, stable, canary):
        self.windows += 1
        self.share = 0.5
        if self._fails:
            raise RuntimeError("no decision")
        if self.windows == self._over_after:
            self.share, self.is_over = self._final_share, True


@pytest.fixture(scope="module")
def stable_url():
    with serve(model_server("v1")) as url:
        yield url


@pytest.mark.parametrize(
    ("over_after", "max_windows", "windows_after", "sent", "share"),
    [
        (2, 2, 0, 2, 0.0),  # decided at the last window, and obeyed though nothing is sent after it
        (2, 2, 1, 3, 0.0),
        (2, 5, 2, 4, 0.0),
        (9, 2, 1, 2, 0.5),  # not decided: stops, and leaves the share at the step
        (9, 2.0, 0, 2, 0.5),
    ],
)
def test_windows_are_sent_until_the_end_and_so_many_after(
    stable_url, over_after, max_windows, windows_after, sent, share
):
    splitter, controller = Splitter(stable_url, stable_url, release="v2"), Scripted(over_after, final_share=0.0)
    sizes = {"max_windows": max_windows, "windows_after": windows_after, "requests_per_window": 3, "n_users": 2}
    with serve(splitter.app) as url:
        answers = drive(url, splitter, controller, clients=2, **sizes)
    assert [answer.window for answer in answers] == [w for w in range(1, sent + 1) for _ in range(3)]
    assert [answer.user_id for answer in answers] == [n % 2 for n in range(3 * sent)]
    assert splitter.share == share
    assert controller.windows == min(over_after, max_windows)


def test_when_deciding_fails_everybody_is_routed_back():
    nobody = "http://127.0.0.1:9"
    splitter = Splitter(nobody, nobody, release="v2", timeout=0.2)
    with serve(splitter.app) as url, pytest.raises(RuntimeError, match="no decision"):
        drive(url, splitter, Scripted(9, 0.0, fails=True), max_windows=2, requests_per_window=1)
    assert splitter.share == 0.0


def test_when_sending_fails_after_the_release_is_out_it_stays_out():
    done = Scripted(9, 1.0)
    done.share, done.is_over = 1.0, True
    splitter = Splitter("http://127.0.0.1:9", "http://127.0.0.1:9", release="v2")
    with pytest.raises(httpx.ConnectError):
        drive("http://127.0.0.1:9", splitter, done, max_windows=1, requests_per_window=1)
    assert splitter.share == 1.0


def test_servers_stop_when_the_block_fails():
    addresses = []

    def fail_amid_traffic():
        with serve(model_server("v1")) as stable, serve(model_server("v2")) as canary:
            splitter = Splitter(stable, canary, release="v2")
            with serve(splitter.app) as url:
                addresses.extend([stable, canary, url])
                assert all(is_listening(address) for address in addresses)
                raise RuntimeError("client gave up")

    with pytest.raises(RuntimeError, match="client gave up"):
        fail_amid_traffic()
    assert not any(is_listening(address) for address in addresses)


def test_which_requests_fail_depends_on_their_number_and_not_on_their_order():
    with serve(model_server("v2", failure_rate=0.5)) as url, httpx.Client(base_url=url) as http:
        forward = {n: http.get("/score", params={"user_id": 1, "request": n}).status_code for n in range(12)}
        backward = {n: http.get("/score", params={"user_id": 2, "request": n}).status_code for n in reversed(range(12))}
    assert forward == backward
    assert set(forward.values()) == {200, 500}


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: model_server("v1", failure_rate=2), "failure_rate"),
        (lambda: Splitter("a", "b", release="v2", timeout=0), "timeout"),
        (lambda: model_server("v1", failure_rate=float("nan")), "failure_rate"),
        (lambda: Splitter("a", "b", release="v2").counts("shadow"), "arm"),
        (lambda: Splitter("a", "b", release=""), "release"),
        (lambda: setattr(Splitter("a", "b", release="v2"), "share", 1.5), "share"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=100_001), "requests_per_window"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=1, windows_after=-1), "windows_after"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=1, clients=0), "clients"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=1, clients=257), "clients"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=1, n_users=0), "n_users"),
        (lambda: drive("", None, None, max_windows=0, requests_per_window=1), "max_windows"),
        (lambda: drive("", None, None, max_windows=1, requests_per_window=0), "requests_per_window"),
    ],
)
def test_the_live_rollout_names_a_bad_argument(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()
