"""The server of a block: it answers inside, is gone afterwards, and says why it did not start."""

import asyncio
import socket
import threading
import time

import httpx
import pytest

from utils.foundation import http_server
from utils.foundation.http_server import serve


async def hello(scope, receive, send):
    """Answer every request with 200; know nothing of lifespan events."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def starting(during_startup):
    """Return an application whose start-up calls a function."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await during_startup()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

    return app


def no_server_left(before):
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    return threading.active_count() <= before


def test_it_answers_on_127_0_0_1_from_the_first_line_of_the_block_and_is_gone_after_an_error_in_it():
    before = threading.active_count()
    with pytest.raises(KeyError, match="in the block"), serve(hello) as url:  # noqa: PT012, the block is the point
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(url).text == "hello"
        raise KeyError("in the block")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert no_server_left(before)


def test_two_servers_have_two_ports():
    with serve(hello) as one, serve(hello) as other:
        assert one != other
        assert httpx.get(one).text == httpx.get(other).text == "hello"


def test_a_port_may_be_chosen_and_a_taken_one_is_told():
    with serve(hello) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(ValueError, match=rf"^port must be free .*got {port} .*; use 0"), serve(hello, port=port):
            pass
        assert httpx.get(url).text == "hello"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve(hello, port=port) as url:
        assert url == f"http://127.0.0.1:{port}"


def test_an_app_that_fails_to_start_is_told_with_its_own_error():
    before = threading.active_count()

    async def fail():
        raise OSError("no model file")

    told = "start-up failed with OSError: no model file; "
    with pytest.raises(RuntimeError, match=told) as caught, serve(starting(fail)):
        pass
    assert isinstance(caught.value.__cause__, OSError)
    assert no_server_left(before)


def test_an_app_that_never_gets_started_is_given_up(monkeypatch):
    monkeypatch.setattr(http_server, "START_SECONDS", 0.05)
    release = threading.Event()

    async def wait():
        while not release.is_set():
            await asyncio.sleep(0.01)

    threading.Timer(0.2, release.set).start()
    with pytest.raises(RuntimeError, match=r"app must start within 0.05 s; "), serve(starting(wait)):
        pass


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"app": 3}, "app"),
        ({"port": -1}, "port"),
        ({"port": 70_000}, "port"),
        ({"port": "80"}, "port"),
        ({"stop_seconds": 0}, "stop_seconds"),
    ],
)
def test_bad_arguments_are_named(options, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "), serve(**{"app": hello} | options):
        pass
