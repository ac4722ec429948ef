"""Run a FastAPI (or any ASGI) application on 127.0.0.1 for as long as a block of code lasts."""

import math
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from utils.foundation import checks

__all__ = ["serve"]

HOST = "127.0.0.1"
START_SECONDS = 10.0

App = Callable[..., Awaitable[None]]


@contextmanager
def serve(app: App, *, port: int = 0, stop_seconds: float = 5.0) -> Iterator[str]:
    """Serve `app` on 127.0.0.1; yield its address once it answers; stop it at the end, also after an error.

    Args:
        app: ASGI application.
        port: 0 for one that is free.
        stop_seconds: how long open requests may still take when the block ends.

    Yields:
        The address, such as "http://127.0.0.1:40123".

    Raises:
        ValueError: app cannot be called, the port is taken or not from 0 to 65535, or stop_seconds is not
            positive or more than a day.
        RuntimeError: the application did not start; its own error is in the message.
    """
    import uvicorn

    if not callable(app):
        raise ValueError(f"app must be an ASGI application, got {app!r:.60}; pass FastAPI() or one like it")
    stop_seconds = checks.seconds("stop_seconds", stop_seconds, "give the seconds that open requests may take")
    listener = _listen(checks.count("port", port, "use 0 for one that is free", minimum=0))
    errors: list[BaseException] = []
    config = uvicorn.Config(
        _watched(app, errors),
        log_level="critical",
        access_log=False,
        lifespan="auto",
        timeout_graceful_shutdown=math.ceil(stop_seconds),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listener), daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread, errors)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(stop_seconds + 1)
        listener.close()


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named; left on, each answer waits 40 ms for an ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ValueError(f"port must be free and at most 65535, got {port} ({error}); use 0 for a free one") from None
    return listener


def _watched(app: App, errors: list[BaseException]) -> App:
    """Return the application; what its start-up raises is kept in `errors` and ends the server.

    By the ASGI specification a server goes on if an application raises as soon as it is called for its lifespan: it
    may know nothing of it. One that has taken the start-up event and then raises has failed to start.
    """

    async def watched(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        taken = []

        async def receive_and_tell() -> dict[str, Any]:
            taken.append(await receive())
            return taken[-1]

        try:
            await app(scope, receive_and_tell if scope["type"] == "lifespan" else receive, send)
        except BaseException as error:
            if taken:
                errors.append(error)
                with suppress(Exception):  # refused where the application has told its failure, or its start, itself
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise

    return watched


def _wait_until_started(server: Any, thread: threading.Thread, errors: list[BaseException]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive():
            told = f" with {type(errors[0]).__name__}: {errors[0]}" if errors else ""
            cause = errors[0] if errors else None
            raise RuntimeError(f"app must start, but its start-up failed{told}; repair its start-up code") from cause
        if time.monotonic() > deadline:
            raise RuntimeError(f"app must start within {START_SECONDS:g} s; look for slow work in its start-up")
        time.sleep(0.005)


def _run(server: Any, listener: socket.socket) -> None:
    """Run the server; a start-up that fails ends in SystemExit, which `serve` reports."""
    with suppress(SystemExit):
        server.run(sockets=[listener])
