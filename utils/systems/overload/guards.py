"""Guards in front of the clients of an overloaded service: which attempts leave, and which are kept back.

One guard is shared by all clients, as at a gateway. It keeps state: each run needs a new one. Times are seconds.
"""

from abc import ABC, abstractmethod
from collections import deque
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks, labels

__all__ = ["BURST", "AdaptiveThrottle", "CircuitBreaker", "Guard", "NoGuard", "RetryBudget", "rejection_probability"]

BURST = 10.0  # retries that a budget allows at once

Counts = TypeVar("Counts", float, NDArray[np.float64])


class Guard(ABC):
    """What every guard does: let an attempt pass or keep it back, and learn how those that passed ended.

    Attributes:
        gives_up: True, an order whose attempt is kept back is lost; False, it backs off and asks again.
    """

    gives_up: bool = False

    @abstractmethod
    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Decide on an attempt before it is sent.

        Args:
            now: seconds.
            attempt: number of the order's attempt, from 1.
            rng: source of randomness, for a guard that draws.

        Returns:
            True if the client may send it.
        """

    def record(self, now: float, success: bool) -> None:
        """Learn how a sent attempt ended; a guard that does not care keeps this method.

        Args:
            now: seconds at which the outcome was known.
            success: True if an answer came in time.
        """
        return


class NoGuard(Guard):
    """Let every attempt pass."""

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Let it pass."""
        return True


class RetryBudget(Guard):
    """Let retries pass while they are at most `ratio` of first attempts, by a token bucket.

    Args:
        ratio: tokens that each first attempt adds; a retry takes one.
        burst: tokens that the bucket holds, at least one.

    Raises:
        ValueError: ratio is not between 0 and 1, or burst is below 1, where no retry would ever pass.

    References:
        Google, Site Reliability Engineering (2016), chapter 21, "Deciding to Retry": a retry ratio of 10% per client.
    """

    gives_up = True  # waiting for a token would only move the retry

    def __init__(self, ratio: float = 0.1, burst: float = BURST) -> None:
        self.ratio = checks.fraction("ratio", ratio, "use 0.1 for one retry in ten requests")
        self.burst = checks.number("burst", burst, low=1, remedy="give the retries allowed at once")
        self.tokens = self.burst

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Take a token for a retry, add a part of one for a first attempt."""
        if attempt == 1:
            self.tokens = min(self.burst, self.tokens + self.ratio)
            return True
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def rejection_probability(requests: ArrayLike, accepts: ArrayLike, *, k: float = 2.0) -> NDArray[np.float64]:
    """Return the probability with which an adaptive throttle drops a request before it leaves the client.

    Args:
        requests: attempts in the window, dropped ones included; any shape.
        accepts: of these, how many the server accepted; same shape.
        k: requests tolerated per accept; 2 lets about twice the accepted rate through.

    Returns:
        max(0, (requests − k·accepts) / (requests + 1)), array of the same shape.

    Raises:
        ValueError: negative or NaN counts, accepts above requests, k not positive.

    References:
        Google, Site Reliability Engineering (2016), chapter 21, "Client-Side Throttling", equation 21-1.

    >>> float(rejection_probability(100, 25))
    0.49504950495049505
    """
    k = checks.positive("k", k, "use 2, or less to throttle earlier")
    labels.same_labels(requests=requests, accepts=accepts)
    requests, accepts = _counts("requests", requests), _counts("accepts", accepts)
    if requests.shape != accepts.shape or (accepts > requests).any():
        raise ValueError(
            f"accepts must be at most requests, of one shape, got {checks.told(accepts)}; count both in one window"
        )
    return np.maximum(0.0, _excess(requests, accepts, k))


def _excess(requests: Counts, accepts: Counts, k: float) -> Counts:
    """Return the share of requests beyond k for each accept; below zero, none is dropped."""
    return (requests - k * accepts) / (requests + 1)


def _counts(name: str, values: ArrayLike) -> NDArray[np.float64]:
    found = checks.array(name, np.atleast_1d(values), low=0, remedy="count within one window")
    return found.reshape(np.shape(values))


class AdaptiveThrottle(Guard):
    """Drop attempts at the client with `rejection_probability` over a sliding window.

    Args:
        k: requests tolerated per accept.
        window: seconds of history; the book keeps two minutes.
        gives_up: True, an order kept back is lost (the throttle stands outside the retries); False, it backs off and
            asks again (the retries stand outside the throttle).

    Raises:
        ValueError: k or window is not positive.
    """

    def __init__(self, k: float = 2.0, window: float = 10.0, *, gives_up: bool = True) -> None:
        self.gives_up = bool(gives_up)
        self.k = checks.positive("k", k, "use 2, or less to throttle earlier")
        self.window = checks.positive("window", window, "give seconds of history")
        self.requests: deque[float] = deque()
        self.accepts: deque[float] = deque()

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Draw whether this attempt is sent; count it now if not, else when its outcome is known."""
        for times in (self.requests, self.accepts):
            while times and times[0] < now - self.window:
                times.popleft()
        rejected = rng.random() < _excess(len(self.requests), len(self.accepts), self.k)
        if rejected:
            self.requests.append(now)
        return not rejected

    def record(self, now: float, success: bool) -> None:
        """Count a request, and an accept if it was one; those under way are no evidence yet."""
        self.requests.append(now)
        if success:
            self.accepts.append(now)


class CircuitBreaker(Guard):
    """Stop sending after failures in a row; after a pause let one probe through.

    Args:
        failures: failures in a row that open the breaker.
        pause: seconds that it stays open.
        gives_up: True, an order kept back is lost (the breaker stands outside the retries); False, it backs off and
            asks again (the retries stand outside the breaker).

    Raises:
        ValueError: failures is below one, or pause not positive.

    References:
        Nygard, Release It! (2nd edition, 2018), chapter 5.
    """

    def __init__(self, failures: int = 20, pause: float = 5.0, *, gives_up: bool = True) -> None:
        self.gives_up = bool(gives_up)
        self.limit = checks.count("failures", failures, "give the failures in a row that open it")
        self.pause = checks.positive("pause", pause, "give seconds")
        self.failures, self.probing = 0, False
        self.opened: float | None = None

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Return whether the breaker is closed, or this attempt is the probe."""
        if self.opened is None:
            return True
        if self.probing or now < self.opened + self.pause:
            return False
        self.probing = True
        return True

    def record(self, now: float, success: bool) -> None:
        """Close on a success, open on the last of too many failures in a row or on a failed probe."""
        if success:
            self.failures, self.opened, self.probing = 0, None, False
            return
        self.failures += 1
        if self.failures >= self.limit and (self.opened is None or self.probing):
            self.opened, self.probing = now, False
