"""What a canary of a given size can see: power, sample sizes, burn rate and the exact error rates of a step's test."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special, stats


def _check_between(name: str, value: float, low: float = 0.0, high: float = 1.0) -> None:
    if not (np.isscalar(value) and low < value < high):
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r}; pass a fraction such as 0.01")


def _arms(n_requests: int, share: float, base: float, ratio: float) -> tuple[int, int, float]:
    _check_between("share", share)
    _check_between("base", base)
    if not (np.isscalar(ratio) and ratio > 0 and base * ratio < 1):
        raise ValueError(f"ratio must be positive and base × ratio below 1, got {ratio!r}; use for example 2")
    if not (np.isscalar(n_requests) and np.isfinite(n_requests) and round(n_requests * share) >= 1):
        raise ValueError(f"n_requests must give the canary at least 1 request, got {n_requests!r}; pass more requests")
    n_canary = round(n_requests * share)
    return n_canary, int(n_requests) - n_canary, base * ratio


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
    _check_between("alpha", alpha)
    n_canary, n_stable, risk = _arms(n_requests, share, base, ratio)
    pooled = (n_canary * risk + n_stable * base) / (n_canary + n_stable)
    null_sd = math.sqrt(pooled * (1 - pooled) * (1 / n_canary + 1 / n_stable))
    true_sd = math.sqrt(risk * (1 - risk) / n_canary + base * (1 - base) / n_stable)
    return float(stats.norm.sf((stats.norm.isf(alpha) * null_sd - (risk - base)) / true_sd))


def exact_power(n_requests: int, share: float, base: float, ratio: float, *, alpha: float = 0.05) -> float:
    """Return the power of Fisher's one-sided exact test of the canary's events, summed over all outcomes.

    Args:
        n_requests, share, base, ratio, alpha: as in `normal_power`.

    Returns:
        Probability of alarm, to about 1e-9.

    Raises:
        ValueError: if an argument is out of its range.
    """
    _check_between("alpha", alpha)
    n_canary, n_stable, risk = _arms(n_requests, share, base, ratio)
    canary = _likely(stats.binom(n_canary, risk))
    stable = _likely(stats.binom(n_stable, base))
    totals = np.arange(canary[0] + stable[0], canary[-1] + stable[-1] + 1)
    alarm_from = _fisher_alarm_from(totals, n_canary, n_canary + n_stable, alpha)
    needed = alarm_from[(canary[:, None] + stable[None, :]) - totals[0]]
    weights = stats.binom.pmf(canary, n_canary, risk)[:, None] * stats.binom.pmf(stable, n_stable, base)[None, :]
    return float(weights[canary[:, None] >= needed].sum())


def _fisher_alarm_from(totals: np.ndarray, n_canary: int, n_requests: int, alpha: float) -> np.ndarray:
    """Return, for each total of events, the smallest count on the canary with upper tail of at most alpha."""
    top = int(stats.hypergeom.isf(1e-12, n_requests, totals[-1], n_canary)) + 1
    counts = np.arange(top + 1)
    density = _hypergeometric(counts[:, None], totals[None, :], n_canary, n_requests)
    tail = np.cumsum(density[::-1], axis=0)[::-1]
    return np.where((tail <= alpha).any(axis=0), np.argmax(tail <= alpha, axis=0), top + 1)


def _hypergeometric(count, total, n_canary, n_requests):
    """Return the probability of `count` events on the canary given the total; scipy's own is slow on large tables."""

    def log_choose(n, k):
        return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

    possible = (count <= total) & (count <= n_canary) & (total - count <= n_requests - n_canary)
    k = np.where(possible, count, np.maximum(total - (n_requests - n_canary), 0))
    ways = log_choose(n_canary, k) + log_choose(n_requests - n_canary, total - k) - log_choose(n_requests, total)
    return np.where(possible, np.exp(ways), 0.0)


def _likely(distribution) -> np.ndarray:
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
    _check_between("base", base)
    _check_between("alpha", alpha)
    _check_between("power", power)
    if not (np.isscalar(ratio) and ratio > 0 and ratio != 1 and base * ratio < 1):
        raise ValueError(f"ratio must be positive, not 1, and base × ratio below 1, got {ratio!r}; use for example 2")
    risk = base * ratio
    spread = stats.norm.isf(alpha) * math.sqrt(base * (1 - base)) + stats.norm.ppf(power) * math.sqrt(risk * (1 - risk))
    return round((spread / (risk - base)) ** 2)


def burn_rate(
    share: float, canary_error_rate: float, *, objective: float = 0.999, stable_error_rate: float = 0.0
) -> float:
    """Return how many times faster than allowed the whole service spends its error budget.

    Args:
        share: the canary's share of requests, 0 to 1.
        canary_error_rate, stable_error_rate: share of each arm's requests that fail, 0 to 1.
        objective: the service-level objective, such as 0.999.

    Returns:
        Error rate over both arms ÷ (1 − objective).

    Raises:
        ValueError: if an argument is out of its range.

    Reference: Google, *The Site Reliability Workbook*, chapter 5, "Alerting on SLOs".

    >>> round(burn_rate(0.01, 1.0), 1)        # a canary that fails every request; the page goes off at 14.4
    10.0
    """
    _check_between("objective", objective)
    rates = {"share": share, "canary_error_rate": canary_error_rate, "stable_error_rate": stable_error_rate}
    for name, value in rates.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, got {value!r}; pass a fraction such as 0.01")
    return (share * canary_error_rate + (1 - share) * stable_error_rate) / (1 - objective)


class StepErrorRates(NamedTuple):
    """What one guardrail's test does in one step, by events seen in both arms together."""

    rolls_back: float
    promotes: float
    undecided: float
    mean_events: float


def step_error_rates(
    share: float,
    ratio: float,
    true_ratio: float,
    *,
    roll_back_above: float,
    promote_below: float,
    max_events: int = 20_000,
) -> StepErrorRates:
    """Return the exact decision probabilities of the sequential test that looks after every event.

    The test's state is how many of the events so far fell on the canary; its distribution is carried forward event by
    event, and what crosses a boundary is taken out. The rate of events plays no part.

    Args:
        share: the canary's share of requests.
        ratio: the ratio the test looks for.
        true_ratio: the canary's true rate ÷ the stable one's.
        roll_back_above, promote_below: boundaries on the log evidence.
        max_events: events after which the test gives up.

    Returns:
        Probabilities of rolling back, promoting and not deciding; mean number of events used.

    Raises:
        ValueError: if an argument is out of its range.
    """
    _check_test(share, ratio, true_ratio, roll_back_above, promote_below, max_events=max_events)
    rolls_back = promotes = mean_events = 0.0
    alive = 1.0
    looks = _looks(share, ratio, true_ratio, roll_back_above, promote_below, events_per_look=1)
    for _, (up, down, left) in zip(range(int(max_events)), looks, strict=False):
        mean_events += alive
        rolls_back, promotes, alive = rolls_back + up, promotes + down, left
    return StepErrorRates(rolls_back, promotes, alive, mean_events)


def exposure(
    share: float,
    ratio: float,
    true_ratio: float,
    *,
    roll_back_above: float,
    promote_below: float,
    events_per_look: int = 1,
    probability: float = 0.99,
    max_looks: int = 20_000,
) -> int:
    """Return the looks within which the sequential test rolls a fault back with the given probability.

    Args:
        share, ratio, true_ratio, roll_back_above, promote_below: as in `step_error_rates`.
        events_per_look: events in both arms between two looks at the evidence.
        probability: of having rolled back, over all rollouts.
        max_looks: looks after which the search gives up.

    Returns:
        Number of looks; times `events_per_look`, events.

    Raises:
        ValueError: if an argument is out of its range, or the test never reaches the probability.
    """
    sizes = {"events_per_look": events_per_look, "max_looks": max_looks}
    _check_test(share, ratio, true_ratio, roll_back_above, promote_below, **sizes)
    _check_between("probability", probability)
    rolled_back = 0.0
    looks = _looks(share, ratio, true_ratio, roll_back_above, promote_below, events_per_look=int(events_per_look))
    for look, (up, _, _) in zip(range(1, int(max_looks) + 1), looks, strict=False):
        rolled_back += up
        if rolled_back >= probability:
            return look
    raise ValueError(
        f"probability must be one the test can reach, got {probability} where {rolled_back:.4f} are rolled back; "
        "lower it, look for a smaller ratio, or raise max_looks"
    )


def _check_test(share, ratio, true_ratio, roll_back_above, promote_below, **sizes) -> None:
    _check_between("share", share)
    for name, value in {"ratio": ratio, "true_ratio": true_ratio, **sizes}.items():
        if not (np.isscalar(value) and np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, got {value!r}; use for example 2")
    if not promote_below < 0 < roll_back_above or ratio == 1:
        raise ValueError(
            f"promote_below must be negative, roll_back_above positive and ratio not 1, got {promote_below!r}, "
            f"{roll_back_above!r} and {ratio!r}; take the boundaries of a RolloutPlan"
        )


def _looks(share, ratio, true_ratio, roll_back_above, promote_below, *, events_per_look):
    """Yield, look by look, the probabilities of rolling back and promoting at it, and of going on."""
    chance = share * true_ratio / (1 + share * (true_ratio - 1))
    per_event, per_hit = math.log1p(share * (ratio - 1)), math.log(ratio)
    hits = stats.binom.pmf(np.arange(events_per_look + 1), events_per_look, chance)
    hits = hits[: np.flatnonzero(hits > 1e-18)[-1] + 1]
    # alive[i] is the probability that first + i events fell on the canary and no boundary was crossed.
    alive, first, n = np.ones(1), 0, 0
    while alive.sum() >= 1e-12:
        n += events_per_look
        alive = np.convolve(alive, hits)
        evidence = (first + np.arange(alive.size)) * per_hit - n * per_event
        up, down = evidence >= roll_back_above, evidence <= promote_below
        inside = np.flatnonzero(~(up | down))
        crossed = float(alive[up].sum()), float(alive[down].sum())
        alive = alive[inside[0] : inside[-1] + 1] if inside.size else np.zeros(1)
        first += int(inside[0]) if inside.size else 0
        yield *crossed, float(alive.sum())
