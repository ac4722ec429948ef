"""Run a FastAPI (or any ASGI) application on 127.0.0.1 for as long as a block of code lasts."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

START_SECONDS = 10.0


@contextmanager
def serve(app, *, stop_seconds=5.0):
    """Serve `app` on a free port of 127.0.0.1; yield its address; stop it at the end, also after an error.

    Args:
        app: ASGI application.
        stop_seconds: how long open requests may still take when the block ends.

    Yields:
        the address, such as "http://127.0.0.1:40123".

    Raises:
        RuntimeError: the application did not start (its own error is in the message).
    """
    import uvicorn

    # asyncio turns Nagle's algorithm off only where the protocol is named; left on, each answer waits 40 ms for an ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="auto", timeout_graceful_shutdown=int(stop_seconds) or 1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listener), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError(
                    "app must start, but its start-up failed; run its start-up code on its own to see why"
                )
            if time.monotonic() > deadline:
                raise RuntimeError(f"app must start within {START_SECONDS:g} s; look for slow work in its start-up")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(stop_seconds + 1)
        listener.close()


def _run(server, listener):
    """Run the server; a start-up that fails ends in SystemExit, which `serve` reports."""
    with suppress(SystemExit):
        server.run(sockets=[listener])
