"""What a canary of a given size can see: the power of a single look, and the requests that it takes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from utils.foundation import checks

__all__ = ["canary_requests_needed", "exact_power", "normal_power"]

MOST_REQUESTS = 10**15
MOST_OUTCOMES = 10_000_000  # pairs of counts that fit into memory
FRACTION = "pass a fraction such as 0.01"


def normal_power(n_requests: int, share: float, base: float, ratio: float, *, alpha: float = 0.05) -> float:
    """Return the power of the one-sided pooled z-test by the normal approximation.

    Args:
        n_requests: requests in both arms together.
        share: the canary's share of them.
        base: the stable version's rate of events.
        ratio: the canary's rate ÷ the stable one's.
        alpha: level of the test.

    Returns:
        Probability of alarm. Below about ten expected events on the canary it is not to be trusted; see `exact_power`.

    Raises:
        ValueError: if an argument is out of its range.

    >>> [round(normal_power(n, 0.01, 0.001, 2), 2) for n in (10_000, 100_000, 1_000_000)]
    [0.17, 0.32, 0.86]
    """
    alpha = checks.significance_level(alpha)
    n_canary, n_stable, base, risk = _arms(n_requests, share, base, ratio)
    pooled = (n_canary * risk + n_stable * base) / (n_canary + n_stable)
    null_sd = math.sqrt(pooled * (1 - pooled) * (1 / n_canary + 1 / n_stable))
    true_sd = math.sqrt(risk * (1 - risk) / n_canary + base * (1 - base) / n_stable)
    return float(stats.norm.sf((stats.norm.isf(alpha) * null_sd - (risk - base)) / true_sd))


def exact_power(n_requests: int, share: float, base: float, ratio: float, *, alpha: float = 0.05) -> float:
    """Return the power of Fisher's one-sided exact test of the canary's events, summed over all outcomes.

    Args:
        n_requests: as in `normal_power`.
        share: as in `normal_power`.
        base: as in `normal_power`.
        ratio: as in `normal_power`.
        alpha: as in `normal_power`.

    Returns:
        Probability of alarm, to about 1e-9.

    Raises:
        ValueError: if an argument is out of its range, or there are too many outcomes to sum over.
    """
    alpha = checks.significance_level(alpha)
    n_canary, n_stable, base, risk = _arms(n_requests, share, base, ratio)
    canary = _likely(stats.binom(n_canary, risk))
    stable = _likely(stats.binom(n_stable, base))
    _check_outcomes(canary.size * stable.size)
    totals = np.arange(canary[0] + stable[0], canary[-1] + stable[-1] + 1)
    alarm_from = _fisher_alarm_from(totals, n_canary, n_canary + n_stable, alpha)
    needed = alarm_from[(canary[:, None] + stable[None, :]) - totals[0]]
    weights = stats.binom.pmf(canary, n_canary, risk)[:, None] * stats.binom.pmf(stable, n_stable, base)[None, :]
    return float(weights[canary[:, None] >= needed].sum())


def _fisher_alarm_from(totals: NDArray[np.int64], n_canary: int, n_requests: int, alpha: float) -> NDArray[np.int64]:
    """Return, for each total of events, the smallest count on the canary with upper tail of at most alpha."""
    low = int(stats.hypergeom.ppf(1e-12, n_requests, totals[0], n_canary))
    top = int(stats.hypergeom.isf(1e-12, n_requests, totals[-1], n_canary)) + 1
    _check_outcomes((top - low + 1) * totals.size)
    counts = np.arange(low, top + 1)
    density = _hypergeometric(counts[:, None], totals[None, :], n_canary, n_requests)
    tail = np.cumsum(density[::-1], axis=0)[::-1]
    return np.where((tail <= alpha).any(axis=0), low + np.argmax(tail <= alpha, axis=0), top + 1)


def _check_outcomes(outcomes: int) -> None:
    if outcomes > MOST_OUTCOMES:
        raise ValueError(
            f"n_requests must leave at most {MOST_OUTCOMES:,} outcomes to sum over, got {outcomes:,}; "
            "with so many events normal_power is as good"
        )


def _hypergeometric(
    count: NDArray[np.int64], total: NDArray[np.int64], n_canary: int, n_requests: int
) -> NDArray[np.float64]:
    """Return the probability of `count` events on the canary given the total; scipy's own is slow on large tables."""

    def log_choose(n: Any, k: Any) -> Any:
        return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

    possible = (count <= total) & (count <= n_canary) & (total - count <= n_requests - n_canary)
    k = np.where(possible, count, np.maximum(total - (n_requests - n_canary), 0))
    ways = log_choose(n_canary, k) + log_choose(n_requests - n_canary, total - k) - log_choose(n_requests, total)
    return np.where(possible, np.exp(ways), 0.0)


def _likely(distribution: Any) -> NDArray[np.int64]:
    return np.arange(int(distribution.ppf(1e-10)), int(distribution.isf(1e-10)) + 1)


def canary_requests_needed(base: float, ratio: float, *, alpha: float = 0.05, power: float = 0.80) -> int:
    """Return the canary requests a one-sided test against a well-known base rate needs.

    The stable arm is 99 times as large at a 1% step, so its rate counts as known: the normal approximation of the
    test of one proportion, with the variance under each hypothesis.

    Args:
        base: the stable version's rate of events.
        ratio: the canary's rate ÷ the stable one's, not 1.
        alpha: level of the test.
        power: probability of alarm wanted.

    Returns:
        Requests, rounded as the closest integer.

    Raises:
        ValueError: if an argument is out of its range.

    >>> canary_requests_needed(0.001, 2), canary_requests_needed(0.001, 1.1)
    (8026, 638191)
    """
    base, alpha = checks.fraction("base", base, FRACTION), checks.significance_level(alpha)
    power = checks.fraction("power", power, "use 0.8")
    if power <= alpha:
        raise ValueError(f"power must exceed alpha, got {power} against {alpha}; use 0.8")
    ratio, risk = _checked_ratio(base, ratio)
    if ratio == 1:
        raise ValueError("ratio must not be 1, got 1; use for example 2")
    spread = stats.norm.isf(alpha) * math.sqrt(base * (1 - base)) + stats.norm.ppf(power) * math.sqrt(risk * (1 - risk))
    root = spread / (base * (ratio - 1))
    if abs(root) > math.sqrt(MOST_REQUESTS):
        raise ValueError(f"ratio must be one that requests can show, got {ratio} at base {base}; move it away from 1")
    return max(1, round(root**2))


def _arms(n_requests: int, share: float, base: float, ratio: float) -> tuple[int, int, float, float]:
    """Return the requests of canary and stable version, and their rates of events (stable, canary)."""
    share, base = checks.fraction("share", share, FRACTION), checks.fraction("base", base, FRACTION)
    risk = _checked_ratio(base, ratio)[1]
    n_requests = checks.count("n_requests", n_requests, "pass more requests", maximum=MOST_REQUESTS)
    n_canary = round(n_requests * share)
    if not 1 <= n_canary < n_requests:
        raise ValueError(f"n_requests must give each arm at least 1 request, got {n_requests}; pass more requests")
    return n_canary, n_requests - n_canary, base, risk


def _checked_ratio(base: float, ratio: float) -> tuple[float, float]:
    """Return the ratio and the canary's rate of events."""
    ratio = checks.positive("ratio", ratio, "use for example 2")
    if base * ratio >= 1:
        raise ValueError(f"ratio must keep base × ratio below 1, got {ratio} × {base}; use for example 2")
    return ratio, base * ratio
