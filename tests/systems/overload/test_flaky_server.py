"""The app that fails for a while, over real HTTP on 127.0.0.1 and by its clock."""

import asyncio

import httpx
import pytest

from utils.foundation.http_server import serve
from utils.systems.overload.flaky_server import FlakyApp


def get(app, n=1):
    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return [await client.get("/order") for _ in range(n)]

    return asyncio.run(ask())


def test_it_fails_exactly_as_long_as_told_and_counts_what_it_answered():
    now = [100.0]
    app = FlakyApp(clock=lambda: now[0])
    assert get(app)[0].status_code == 200
    app.fail_for(1.0)
    assert [answer.status_code for answer in get(app, 2)] == [503, 503]
    now[0] = 100.999
    assert get(app)[0].json() == {"order": "failed"}
    now[0] = 101.0
    assert get(app)[0].json() == {"order": "confirmed"}
    assert (app.count(), app.count(503), app.count(200)) == (5, 3, 2)
    assert app.requests[0] == (100.0, 200)
    assert app.requests[-1] == (101.0, 200)
    app.fail_for(5.0)
    app.fail_for(0)
    assert get(app)[0].status_code == 200


def test_it_serves_over_http():
    app = FlakyApp()
    with serve(app) as url:
        app.fail_for(60.0)
        assert httpx.get(url).status_code == 503
        app.fail_for(0)
        assert httpx.get(url).json() == {"order": "confirmed"}
    assert app.count() == 2


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: FlakyApp().fail_for(-1), "seconds"),
        (lambda: FlakyApp().fail_for(float("nan")), "seconds"),
        (lambda: FlakyApp(clock=3), "clock"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
