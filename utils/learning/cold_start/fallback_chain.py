"""A fallback chain: sources asked in order, an answer in time whatever they do, and a record of who gave it."""

import threading
import time
from collections.abc import Callable, Mapping, Sized
from typing import Any, NamedTuple

from utils.foundation import checks

ANSWERED, NO_ANSWER, RAISED, TIMED_OUT, BUSY, OUT_OF_TIME = (
    "answered",
    "no answer",
    "raised",
    "timed out",
    "busy",
    "out of time",
)


class Attempt(NamedTuple):
    """What one source did: its name, the outcome, and for "raised" the error in words."""

    source: str
    outcome: str
    detail: str = ""


class Answer(NamedTuple):
    """What the chain answers: the value, the source that gave it, and all attempts in order."""

    value: Any
    source: str
    attempts: tuple[Attempt, ...]


class _Call:
    """One call of a source in a thread of its own; whoever waits may leave, the thread then ends unheard."""

    def __init__(self, source: Callable, request: Any, slots: threading.Semaphore):
        self.done = threading.Event()
        self.value, self.error = None, None
        self._source, self._request, self._slots = source, request, slots
        thread = threading.Thread(target=self._run, name="fallback source", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            slots.release()
            raise

    def _run(self):
        try:
            self.value = self._source(self._request)
        except BaseException as error:  # a source may do anything, and the chain must still answer
            self.error = error
        finally:
            self._slots.release()
            self.done.set()


class FallbackChain:
    """Ask sources in order and return the first answer, within a time limit, with its source reported.

    A source answers with a value, or with None or something empty: "I don't know". One that raises is passed over. One
    that hangs is abandoned after its share of the time left, which is divided evenly over the sources still to be
    asked. A thread can't be killed from outside, so abandoned calls keep their thread; but a source that has
    `max_concurrent` calls under way is "busy" and not asked at all, which bounds the threads and costs no time. When a
    hung call returns, its late answer is dropped and its place is free again. The threads are daemons: none of them
    keeps the process alive. Safe to use from several threads.

    Args:
        sources: name -> function of the request, the best first.
        last_resort: the answer when no source has one; a value, not a function, so that it can't fail.
        time_limit: seconds that all sources together may take.
        max_concurrent: calls of one source that may be under way at once.

    Raises:
        ValueError: a source that can't be called, a name twice or empty, a limit that is not positive.

    >>> chain = FallbackChain({"own history": {7: ["soup"]}.get}, last_resort=["pizza"], time_limit=1.0)
    >>> chain.answer(7).source, chain.answer(8).source, chain.answer(8).value
    ('own history', 'last resort', ['pizza'])
    """

    LAST = "last resort"

    def __init__(
        self,
        sources: Mapping[str, Callable[[Any], Any]],
        *,
        last_resort: Any,
        time_limit: float = 0.1,
        max_concurrent: int = 4,
    ):
        if not isinstance(sources, Mapping):
            raise ValueError(f"sources must map names to functions, got {type(sources).__name__}; pass a dictionary")
        for name, source in sources.items():
            if not isinstance(name, str) or not name or name == self.LAST:
                raise ValueError(f"sources must have names other than {self.LAST!r}, got {name!r}; choose another")
            if not callable(source):
                raise ValueError(f"sources must be functions of the request, got {source!r} for {name!r}")
        if _is_empty(last_resort):
            raise ValueError(f"last_resort must be an answer, got {last_resort!r}; use the most popular dishes")
        self.time_limit = checks.number("time_limit", time_limit, low=0, open_low=True)
        self.last_resort = last_resort
        self.max_concurrent = checks.count("max_concurrent", max_concurrent)
        self._sources = dict(sources)
        self._slots = {name: threading.BoundedSemaphore(self.max_concurrent) for name in sources}

    def answer(self, request: Any) -> Answer:
        """Return an answer to the request; never raises, whatever the sources do."""
        deadline = time.monotonic() + self.time_limit
        attempts = []
        for position, name in enumerate(self._sources):
            left = deadline - time.monotonic()
            if left <= 0:
                attempts.append(Attempt(name, OUT_OF_TIME))
                continue
            value, attempt = self._ask(name, request, left / (len(self._sources) - position))
            attempts.append(attempt)
            if attempt.outcome == ANSWERED:
                return Answer(value, name, tuple(attempts))
        return Answer(self.last_resort, self.LAST, tuple(attempts))

    def _ask(self, name: str, request: Any, timeout: float) -> tuple[Any, Attempt]:
        slots = self._slots[name]
        if not slots.acquire(blocking=False):
            return None, Attempt(name, BUSY)
        try:
            call = _Call(self._sources[name], request, slots)
        except RuntimeError as error:  # the machine has no thread left
            return None, Attempt(name, RAISED, str(error))
        if not call.done.wait(timeout):
            return None, Attempt(name, TIMED_OUT)
        if call.error is not None:
            return None, Attempt(name, RAISED, f"{type(call.error).__name__}: {call.error}")
        if _is_empty(call.value):
            return None, Attempt(name, NO_ANSWER)
        return call.value, Attempt(name, ANSWERED)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, Sized) and len(value) == 0)
