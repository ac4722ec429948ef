"""An HTTP application that fails for a while and counts the requests it gets."""

import json
import threading
import time

from utils.foundation import checks


class FlakyApp:
    """Answer 200, or 503 while an outage lasts; run it with utils.foundation.http_server.serve.

    Args:
        clock: function that returns seconds.

    Attributes:
        requests: list of (second, status), in order of arrival.

    References:
        The ASGI specification, version 3.0.
    """

    def __init__(self, *, clock=time.monotonic):
        if not callable(clock):
            raise ValueError(f"clock must be a function, got {clock!r:.60}; pass time.monotonic without calling it")
        self.clock = clock
        self.requests = []
        self._healthy_again = float("-inf")
        self._lock = threading.Lock()

    def fail_for(self, seconds):
        """Start an outage of `seconds` now; 0 ends one.

        Raises:
            ValueError: seconds is negative or not a number.
        """
        seconds = checks.not_negative("seconds", seconds, "give the length of the outage; 0 ends it")
        with self._lock:
            self._healthy_again = self.clock() + seconds

    def count(self, status=None):
        """Return the number of requests, of one HTTP status if given."""
        with self._lock:
            return sum(status in (None, answered) for _, answered in self.requests)

    async def __call__(self, scope, receive, send):
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

    async def _lifespan(self, receive, send):
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
