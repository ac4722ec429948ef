"""Many rollouts of one release under one rule, minute by minute, and the harm that each did."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.experiments.rollout.releases import Release
from utils.experiments.rollout.request_stream import draw_minute, equal_rates, with_fault
from utils.experiments.rollout.rules import GIVE_UP, HOLD, PROMOTE, ROLL_BACK, Rule
from utils.experiments.rollout.traffic import Noise, Traffic
from utils.foundation import checks

__all__ = ["Rollouts", "simulate_rollouts"]

MOST_RUNS, MOST_MINUTES = 100_000, 1_000_000


class Rollouts(NamedTuple):
    """What became of each simulated rollout; arrays of shape (runs,).

    Args:
        rolled_back: whether it was rolled back.
        timed_out: whether that was because the evidence did not suffice in time.
        minutes: when it was decided, in minutes: rolled back, or fully out.
        share: the canary's share of the traffic when it was decided.
        canary_visits: visits served by the canary until then.
        harmed: visits harmed within the horizon.
    """

    rolled_back: NDArray[np.bool_]
    timed_out: NDArray[np.bool_]
    minutes: NDArray[np.float64]
    share: NDArray[np.float64]
    canary_visits: NDArray[np.float64]
    harmed: NDArray[np.float64]

    @property
    def by_evidence(self) -> NDArray[np.bool_]:
        """Whether a rollout was rolled back because of what was seen, and not because time ran out."""
        return self.rolled_back & ~self.timed_out

    @property
    def in_steps(self) -> NDArray[np.bool_]:
        """Whether a rollout was rolled back while the old version still served a part of the traffic."""
        return self.rolled_back & (self.share < 1)


@dataclass
class _Tally:
    """Where the results of all runs are collected while fewer and fewer are still on their way."""

    n_runs: int

    def __post_init__(self) -> None:
        self.alive = np.arange(self.n_runs)
        self.rolled_back, self.timed_out = np.zeros((2, self.n_runs), bool)
        self.minutes = np.zeros(self.n_runs)
        self.share = np.zeros(self.n_runs)
        self.canary_visits = np.zeros(self.n_runs)
        self.harmed = np.zeros(self.n_runs)


def simulate_rollouts(
    release: Release,
    rule: Rule,
    *,
    traffic: Traffic | None = None,
    n_runs: int,
    rng: np.random.Generator | int,
    horizon: int = 720,
    watch: Rule | None = None,
) -> Rollouts:
    """Play many rollouts of one release under one rule, minute by minute.

    Args:
        release: the new version.
        rule: who decides while both versions serve.
        traffic: the service; the default `Traffic()` if None.
        n_runs: number of rollouts, at least 1.
        rng: a numpy generator or a seed.
        horizon: minutes after which harm is no longer counted; a faulty release that is out by then stays out.
        watch: who may still roll back once the new version serves all; it sees the service from the first minute on.
            None for nobody.

    Returns:
        For each run: whether it was rolled back, whether for want of evidence, when it was decided (minutes), at which
        share, visits served by the new version until then, and visits harmed within the horizon: the expected excess
        of failed, slow and order-less visits over what the stable version would have given them.

    Raises:
        ValueError: if `n_runs` or `horizon` is below 1 or too large.
    """
    n_runs = checks.count("n_runs", n_runs, "use for example 500", maximum=MOST_RUNS)
    horizon = checks.count("horizon", horizon, "count minutes, such as 720", maximum=MOST_MINUTES)
    rng = checks.seeded("rng", rng)
    traffic = Traffic() if traffic is None else traffic
    tally, shares = _Tally(n_runs), np.asarray(rule.steps, float)
    last = shares.size - 1
    still_to_come = _harm_after(release, traffic, horizon, shares[last])
    step = np.zeros(n_runs, int)
    shared = Noise(traffic.shared_noise, traffic.persistence, (2, n_runs), rng)
    own = Noise(traffic.arm_noise, traffic.persistence, (2, 2, n_runs), rng)
    rules = [rule] if watch is None else [rule, watch]
    for deciding in rules:
        deciding.start(n_runs)
    for minute in range(horizon):
        share = shares[step]
        wander = own.values  # all zero where no machine wanders
        if traffic.arm_noise:
            wander = _of_mean_one(wander, traffic.arm_noise, traffic.arm_scale(share)[:, None])
        as_stable = equal_rates(release, traffic, minute, shared.values, wander)
        rates = with_fault(as_stable, release, minute, share)
        visits, events = draw_minute(rates, traffic, share, rng)
        is_out = step == last
        tally.canary_visits[tally.alive] += visits[1]
        tally.harmed[tally.alive] += visits[1] * _excess(as_stable[1], rates[1])
        action = np.full(step.size, HOLD) if is_out.all() else rule.update(np.minimum(step, last - 1), visits, events)
        if watch is not None:
            alarm = watch.update(step, visits, events) == ROLL_BACK
            action = np.where(is_out, np.where(alarm, ROLL_BACK, HOLD), action)
        step = step + (action == PROMOTE)
        back, just_out = action <= ROLL_BACK, (action == PROMOTE) & (step == last)
        tally.rolled_back[tally.alive[back]] = True
        tally.timed_out[tally.alive[action == GIVE_UP]] = True
        decided = tally.alive[back | just_out]
        tally.minutes[decided], tally.share[decided] = minute + 1, share[back | just_out]
        running = ~back
        if watch is None:
            tally.harmed[tally.alive[just_out]] += still_to_come[minute + 1]
            running &= ~just_out
        if not running.any():
            break
        if not running.all():
            tally.alive, step = tally.alive[running], step[running]
            for part in (*rules, shared, own):
                part.keep(running)
        shared.step()
        own.step()
    else:
        unfinished = step < last
        tally.minutes[tally.alive[unfinished]] = horizon
        tally.share[tally.alive[unfinished]] = shares[step[unfinished]]
    return Rollouts(tally.rolled_back, tally.timed_out, tally.minutes, tally.share, tally.canary_visits, tally.harmed)


def _of_mean_one(noise: NDArray[np.float64], deviation: float, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log noise scaled, and lowered so that its exponential is one on average: no version is worse for it."""
    return noise * scale - (deviation * scale) ** 2 / 2


def _excess(as_stable: NDArray[np.float64], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the rates of shape (3, …) are worse: more errors, more slow answers, fewer orders, summed."""
    worse = rates - as_stable
    worse[2] *= -1
    return np.maximum(worse, 0, out=worse).sum(axis=0)


def _harm_after(release: Release, traffic: Traffic, horizon: int, share: float) -> NDArray[np.float64]:
    """Return the harm still to come for a release that is out at each minute 0 … horizon, shape (horizon + 1,)."""
    # nothing changes any more once the fault has grown and the incident is over
    steady = math.floor(max(release.grows_over, release.incident[1] if release.incident else 0.0)) + 1
    calm, all_out = np.zeros((2, 1)), np.array([share])
    harm = []
    for minute in range(min(horizon, steady + 1)):
        as_stable = equal_rates(release, traffic, minute, calm, calm[None])
        harm.append(_excess(as_stable[1], with_fault(as_stable, release, minute, all_out)[1])[0])
    harm = traffic.per_minute * share * np.pad(harm, (0, horizon - len(harm)), mode="edge")
    return np.append(np.cumsum(harm[::-1])[::-1], 0.0)
