"""Guards in front of the clients of an overloaded service: which attempts leave, and which are kept back.

One guard is shared by all clients, as at a gateway. It keeps state: each run needs a new one. Times are seconds.
"""

from abc import ABC, abstractmethod

import numpy as np

from utils.foundation import checks

__all__ = ["BURST", "CircuitBreaker", "Guard", "NoGuard", "RetriesUntil", "RetryBudget"]

BURST = 10.0  # retries that a budget allows at once


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

    gives_up = True  # it keeps nothing back, so nothing asks it again

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Let it pass."""
        return True


class RetriesUntil(Guard):
    """Let first attempts pass, and retries until a time: the switch at the gateway.

    Args:
        second: from when on a retry is kept back.

    Raises:
        ValueError: second is negative.
    """

    gives_up = True  # who is kept back is lost now, and does not ask again

    def __init__(self, second: float) -> None:
        self.second = checks.not_negative("second", second, "give the second of the run")

    def allows(self, now: float, attempt: int, rng: np.random.Generator) -> bool:
        """Let a first attempt pass, and a retry before the time."""
        return attempt == 1 or now < self.second


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
