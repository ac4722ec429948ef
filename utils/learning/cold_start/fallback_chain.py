"""A fallback chain: sources asked in order, an answer in time whatever they do, and a record of who gave it."""

import copy
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from utils.foundation import checks

__all__ = ["Answer", "Attempt", "FallbackChain"]

ANSWERED, NO_ANSWER, RAISED, TIMED_OUT, BUSY, OUT_OF_TIME = (
    "answered",
    "no answer",
    "raised",
    "timed out",
    "busy",
    "out of time",
)


class Attempt(NamedTuple):
    """What one source did.

    Attributes:
        source: its name.
        outcome: one of the words above.
        detail: the error in words where the outcome is "raised".
    """

    source: str
    outcome: str
    detail: str = ""


class Answer(NamedTuple):
    """What the chain answers.

    Attributes:
        value: the answer.
        source: the name of the source that gave it.
        attempts: what the sources did that were asked, in order.
    """

    value: Any
    source: str
    attempts: tuple[Attempt, ...]


class _Call:
    """One call of a source in a thread of its own; whoever waits may leave, the thread then ends unheard.

    All that the source's objects can do happens in that thread too: their length, and an error's words.
    """

    def __init__(self, source: Callable[[Any], Any], request: Any, slots: threading.Semaphore) -> None:
        self.done = threading.Event()
        self.value, self.outcome, self.detail = None, RAISED, ""
        self._source, self._request, self._slots = source, request, slots
        thread = threading.Thread(target=self._run, name="fallback source", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            slots.release()
            raise

    def _run(self) -> None:
        try:
            value = self._source(self._request)
            if inspect.isawaitable(value):
                _close(value)
                raise TypeError("the source is asynchronous and gave an awaitable; wrap it with asyncio.run")
            self.value, self.outcome = value, NO_ANSWER if _is_empty(value) else ANSWERED
        except BaseException as error:  # a source may do anything, and the chain must still answer
            self.detail = _words(error)
        finally:
            self._slots.release()
            self.done.set()


class FallbackChain:
    """Ask sources in order and return the first answer, within a time limit, with its source reported.

    A source answers with a value, or with None, NaN or something empty: "I don't know". One that raises is passed over. One
    that hangs is abandoned after its share of the time left, which is divided evenly over the sources still to be
    asked. A thread can't be killed from outside, so abandoned calls keep their thread; but a source that has
    `max_concurrent` calls under way is "busy" and not asked at all, which bounds the threads and costs no time. When a
    hung call returns, its late answer is dropped and its place is free again. The threads are daemons: none of them
    keeps the process alive. Safe to use from several threads.

    Args:
        sources: name -> function of the request, the best first.
        last_resort: the answer when no source has one; a value, not a function, so that it can't fail. Each caller gets
            a copy of its own.
        time_limit: seconds that all sources together may take, a day at most.
        max_concurrent: calls of one source that may be under way at once.

    Raises:
        ValueError: a source that can't be called or is asynchronous, an empty name, a last resort that is empty or
            can't be copied, a limit that is not positive.

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
    ) -> None:
        if not isinstance(sources, Mapping):
            raise ValueError(f"sources must map names to functions, got {type(sources).__name__}; pass a dictionary")
        for name, source in sources.items():
            if not isinstance(name, str) or not name or name == self.LAST:
                raise ValueError(f"sources must have names other than {self.LAST!r}, got {name!r}; choose another")
            if not callable(source):
                raise ValueError(f"sources must be functions of the request, got {source!r} for {name!r}; pass one")
            if _is_asynchronous(source):
                raise ValueError(f"sources must not be asynchronous, got one for {name!r}; wrap it with asyncio.run")
        if _is_empty(last_resort):
            raise ValueError(f"last_resort must be an answer, got {last_resort!r}; use the most popular dishes")
        try:
            self._last_resort = copy.deepcopy(last_resort)  # the caller may change theirs
        except Exception as error:
            raise ValueError(f"last_resort must be a value that can be copied: {_words(error)}; use a list") from None
        self.time_limit = checks.seconds("time_limit", time_limit, "0.1 is usual")
        self.max_concurrent = checks.count("max_concurrent", max_concurrent)
        self._sources = dict(sources)
        self._slots = {name: threading.BoundedSemaphore(self.max_concurrent) for name in sources}

    def answer(self, request: Any) -> Answer:
        """Return an answer to the request; never raises, whatever the sources do.

        Args:
            request: what the sources are asked with.
        """
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
        return Answer(copy.deepcopy(self._last_resort), self.LAST, tuple(attempts))

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
        return call.value, Attempt(name, call.outcome, call.detail)


def _is_empty(value: Any) -> bool:
    """Return whether a value says that there is no answer; what has no length and is not missing is an answer."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return True
    try:
        return len(value) == 0
    except TypeError:
        return False


def _is_asynchronous(source: Callable[[Any], Any]) -> bool:
    kinds = inspect.iscoroutinefunction, inspect.isasyncgenfunction
    return any(is_kind(one) for is_kind in kinds for one in (source, type(source).__call__))


def _close(value: Any) -> None:
    """Tell a coroutine that nobody will wait for it."""
    if inspect.iscoroutine(value):
        value.close()


def _words(error: BaseException) -> str:
    """Return an error's type and words, the type alone where the words can't be had."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
