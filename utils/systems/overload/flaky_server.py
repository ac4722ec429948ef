"""An HTTP application that fails for a while and counts the requests it gets."""

import json
import threading
import time
from collections.abc import Callable

from utils.foundation import checks

__all__ = ["FlakyApp"]


class FlakyApp:
    """Answer 200, or 503 while an outage lasts; run it with utils.foundation.http_server.serve.

    Args:
        clock: function that returns seconds.

    Attributes:
        requests: list of (second, status), in order of arrival.

    Raises:
        ValueError: clock cannot be called.

    References:
        The ASGI specification, version 3.0.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not callable(clock):
            raise ValueError(
                f"clock must be a function, got {checks.told(clock)}; pass time.monotonic without calling it"
            )
        self.clock = clock
        self.requests: list[tuple[float, int]] = []
        self._healthy_again = float("-inf")
        self._lock = threading.Lock()

    def fail_for(self, seconds: float) -> None:
        """Start an outage of `seconds` now; 0 ends one.

        Args:
            seconds: how long every answer is 503.

        Raises:
            ValueError: seconds is negative or not a number.
        """
        seconds = checks.not_negative("seconds", seconds, "give the length of the outage; 0 ends it")
        with self._lock:
            self._healthy_again = self.clock() + seconds

    def count(self, status: int | None = None) -> int:
        """Count the requests answered so far.

        Args:
            status: HTTP status; None for all.

        Returns:
            Number of requests.
        """
        with self._lock:
            return sum(status in (None, answered) for _, answered in self.requests)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Serve one connection by the ASGI protocol."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        with self._lock:
            now = self.clock()
            status = 503 if now < self._healthy_again else 200
            self.requests.append((now, status))
        body = json.dumps({"order": "confirmed" if status == 200 else "failed"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _lifespan(self, receive: Callable, send: Callable) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
