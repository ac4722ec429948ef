"""Many rollouts at once: the sequential controller beside the rules that are commonly used instead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy import stats

from utils.experiments.rollout.controller import RolloutPlan, log_evidence
from utils.experiments.rollout.release_faults import EVENTS, Noise, Release, Traffic, draw_minute, true_rates

HOLD, PROMOTE, ROLL_BACK = 0, 1, -1


class Rule(Protocol):
    """Decides for many rollouts at once; `steps` are the canary's shares."""

    steps: tuple[float, ...]

    def start(self, n_runs: int) -> None:
        """Begin with `n_runs` rollouts, each in its first step."""

    def update(self, step: np.ndarray, visits: np.ndarray, events: np.ndarray) -> np.ndarray:
        """Read one minute, of shapes (runs,), (2, runs) and (2, 3, runs), and return HOLD, PROMOTE or ROLL_BACK."""

    def keep(self, runs: np.ndarray) -> None:
        """Drop the rollouts that have ended."""


class _Timed:
    """What every rule needs: the minutes each rollout has spent in its step."""

    def start(self, n_runs: int) -> None:
        self._minutes = np.zeros(n_runs, int)

    def _moved(self, action: np.ndarray) -> np.ndarray:
        self._minutes[action == PROMOTE] = 0
        return action

    def keep(self, runs: np.ndarray) -> None:
        self._minutes = self._minutes[runs]


class SequentialRule(_Timed):
    """The test of `CanaryController` for many rollouts at once, on usable data; the decisions are the same."""

    def __init__(self, plan: RolloutPlan) -> None:
        self.plan, self.steps = plan, plan.steps
        names = [guardrail.name for guardrail in plan.guardrails]
        unknown = sorted(set(names) - set(EVENTS))
        if unknown:
            raise ValueError(f"guardrails must be among {EVENTS}, got {unknown}; rename or remove them")
        self._rows = [EVENTS.index(name) for name in names]
        self._ratios = np.array([guardrail.ratios for guardrail in plan.guardrails])
        self._noise = np.array([[guardrail.noise] for guardrail in plan.guardrails])

    def start(self, n_runs: int) -> None:
        super().start(n_runs)
        self._evidence = np.zeros((len(self._rows), n_runs))

    def update(self, step: np.ndarray, visits: np.ndarray, events: np.ndarray) -> np.ndarray:
        stable, canary = events[0, self._rows], events[1, self._rows]
        share = visits[1] / visits.sum(axis=0)
        ratio = self._ratios[:, step]
        gain = log_evidence(canary, stable, share, ratio, noise=self._noise)
        self._evidence = np.maximum(self._evidence + gain, self.plan.floor)
        self._minutes += 1
        worst = self._evidence.max(axis=0)
        action = np.full(step.size, HOLD)
        action[self._minutes >= self.plan.maximum_windows] = ROLL_BACK
        action[(worst <= self.plan.promote_below) & (self._minutes >= self.plan.minimum_windows)] = PROMOTE
        action[worst >= self.plan.roll_back_above] = ROLL_BACK
        self._evidence[:, action == PROMOTE] = 0.0
        return self._moved(action)

    def keep(self, runs: np.ndarray) -> None:
        super().keep(runs)
        self._evidence = self._evidence[:, runs]


class GlobalErrorRule(_Timed):
    """The usual answer: steps by the clock, and back when the error rate of the whole service is above a threshold.

    Args:
        threshold: error rate over both arms above which to roll back.
        window: minutes the rate is taken over.
        minutes_per_step: minutes after which a step promotes.
        steps: the canary's shares.
    """

    def __init__(
        self, threshold: float, *, window: int = 5, minutes_per_step: int = 30, steps=(0.01, 0.10, 0.50, 1.00)
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {threshold!r}; pass an error rate such as 0.01")
        self.threshold, self.window, self.minutes_per_step, self.steps = threshold, window, minutes_per_step, steps

    def start(self, n_runs: int) -> None:
        super().start(n_runs)
        self._recent = np.zeros((self.window, 2, n_runs))
        self._clock = 0

    def update(self, step: np.ndarray, visits: np.ndarray, events: np.ndarray) -> np.ndarray:
        self._recent[self._clock % self.window] = events[:, 0].sum(axis=0), visits.sum(axis=0)
        self._clock += 1
        self._minutes += 1
        errors, total = self._recent.sum(axis=0)
        action = np.where(self._minutes >= self.minutes_per_step, PROMOTE, HOLD)
        if self._clock >= self.window:
            action[errors / total > self.threshold] = ROLL_BACK
        return self._moved(action)

    def keep(self, runs: np.ndarray) -> None:
        super().keep(runs)
        self._recent = self._recent[..., runs]


class _PerMinute(_Timed):
    """Keeps each arm's per-minute rates of the present step, for rules that compare them at its end."""

    def __init__(self, *, minutes_per_step: int = 30, steps=(0.01, 0.10, 0.50, 1.00)) -> None:
        if minutes_per_step < 5:
            raise ValueError(f"minutes_per_step must be at least 5, got {minutes_per_step!r}; use for example 30")
        self.minutes_per_step, self.steps = minutes_per_step, steps

    def start(self, n_runs: int) -> None:
        super().start(n_runs)
        self._visits = np.zeros((self.minutes_per_step, 2, n_runs))
        self._counts = np.zeros((self.minutes_per_step, 2, 3, n_runs))

    def update(self, step: np.ndarray, visits: np.ndarray, events: np.ndarray) -> np.ndarray:
        # all rollouts of a timed rule are in the same minute of their step
        row = int(self._minutes[0])
        self._visits[row], self._counts[row] = visits, events
        self._minutes += 1
        if row + 1 < self.minutes_per_step:
            return np.full(step.size, HOLD)
        return self._moved(np.where(self._is_bad(), ROLL_BACK, PROMOTE))

    def _is_bad(self) -> np.ndarray:
        raise NotImplementedError

    def keep(self, runs: np.ndarray) -> None:
        super().keep(runs)
        self._visits, self._counts = self._visits[..., runs], self._counts[..., runs]


class ArmThresholdRule(_PerMinute):
    """Compares the arms at the end of each step: back when the canary is worse by a fixed factor in any event.

    Args:
        factor: how much worse, above 1.
        minutes_per_step, steps: as for `GlobalErrorRule`.
    """

    def __init__(self, factor: float = 1.5, **timing) -> None:
        if not factor > 1:
            raise ValueError(f"factor must be above 1, got {factor!r}; use for example 1.5")
        super().__init__(**timing)
        self.factor = factor

    def _is_bad(self) -> np.ndarray:
        rates = self._counts.sum(axis=0) / self._visits.sum(axis=0)[:, None]
        more = rates[1, :2] > self.factor * rates[0, :2]
        return more.any(axis=0) | (rates[1, 2] * self.factor < rates[0, 2])


class MannWhitneyRule(_PerMinute):
    """Compares the arms' per-minute rates by Mann and Whitney's test at the end of each step, event by event.

    Args:
        alpha: two-sided level; the release is rolled back when a difference is in the bad direction.
        minutes_per_step, steps: as for `GlobalErrorRule`.
    """

    def __init__(self, alpha: float = 0.02, **timing) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}; use for example 0.02")
        super().__init__(**timing)
        self.alpha = alpha

    def _is_bad(self) -> np.ndarray:
        rates = self._counts / np.maximum(self._visits, 1)[:, :, None]
        stable, canary = rates[:, 0], rates[:, 1]
        more = stats.mannwhitneyu(canary[:, :2], stable[:, :2], alternative="greater", method="asymptotic").pvalue
        fewer = stats.mannwhitneyu(canary[:, 2], stable[:, 2], alternative="less", method="asymptotic").pvalue
        return (more < self.alpha / 2).any(axis=0) | (fewer < self.alpha / 2)


class Rollouts(NamedTuple):
    """What became of each simulated rollout; arrays of shape (runs,)."""

    rolled_back: np.ndarray
    minutes: np.ndarray
    share: np.ndarray
    canary_visits: np.ndarray
    harmed: np.ndarray


@dataclass
class _Tally:
    """Where the results of all runs are collected while fewer and fewer are still on their way."""

    n_runs: int

    def __post_init__(self) -> None:
        self.alive = np.arange(self.n_runs)
        self.rolled_back = np.zeros(self.n_runs, bool)
        self.minutes = np.zeros(self.n_runs)
        self.share = np.zeros(self.n_runs)
        self.canary_visits = np.zeros(self.n_runs)
        self.harmed = np.zeros(self.n_runs)


def simulate_rollouts(
    release: Release, rule: Rule, *, traffic: Traffic | None = None, n_runs: int, rng, horizon: int = 720
) -> Rollouts:
    """Play many rollouts of one release under one rule, minute by minute.

    Args:
        release: the new version.
        rule: who decides.
        traffic: the service; the default `Traffic()` if None.
        n_runs: number of rollouts, at least 1.
        rng: a numpy generator.
        horizon: minutes after which harm is no longer counted; a faulty release that is out by then stays out.

    Returns:
        For each run: whether it was rolled back, when it was decided (minutes), at which share, visits served by the
        canary until then, and visits harmed within the horizon: the expected excess of failed, slow and order-less
        visits over what the stable version would have given them.

    Raises:
        ValueError: if `n_runs` or `horizon` is below 1.
    """
    for name, value in (("n_runs", n_runs), ("horizon", horizon)):
        if not (isinstance(value, int | np.integer) and value >= 1):
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}; use for example 500")
    traffic = Traffic() if traffic is None else traffic
    tally, shares = _Tally(int(n_runs)), np.asarray(rule.steps, float)
    still_to_come = _harm_after(release, traffic, horizon, shares[-1])
    step = np.zeros(n_runs, int)
    shared = Noise(traffic.shared_noise, traffic.persistence, (2, n_runs), rng)
    own = Noise(traffic.arm_noise, traffic.persistence, (2, 2, n_runs), rng)
    rule.start(n_runs)
    for minute in range(horizon):
        share = shares[step]
        rates = true_rates(release, traffic, minute, share, shared.values, own.values)
        visits, events = draw_minute(rates, traffic, share, rng)
        _count_harm(tally, release, minute, share, rates, visits)
        action = rule.update(step, visits, events)
        step = step + (action == PROMOTE)
        back, out = action == ROLL_BACK, (action == PROMOTE) & (step == shares.size - 1)
        ended = tally.alive[back | out]
        tally.rolled_back[tally.alive[back]] = True
        tally.minutes[ended], tally.share[ended] = minute + 1, share[back | out]
        tally.harmed[tally.alive[out]] += still_to_come[minute + 1]
        running = ~(back | out)
        if not running.any():
            break
        if not running.all():
            tally.alive, step = tally.alive[running], step[running]
            for part in (rule, shared, own):
                part.keep(running)
        shared.step()
        own.step()
    else:
        tally.minutes[tally.alive], tally.share[tally.alive] = horizon, shares[step]
    return Rollouts(tally.rolled_back, tally.minutes, tally.share, tally.canary_visits, tally.harmed)


def _worse_by(ratios: np.ndarray) -> np.ndarray:
    """Return the harmful part of the ratios' distance from 1: more errors, more slow answers, fewer orders."""
    return np.stack([np.maximum(ratios[0] - 1, 0), np.maximum(ratios[1] - 1, 0), np.maximum(1 - ratios[2], 0)])


def _count_harm(tally: _Tally, release: Release, minute: int, share, rates, visits) -> None:
    ratios = release.ratios(minute, share)
    as_stable = rates[1] / ratios
    tally.canary_visits[tally.alive] += visits[1]
    tally.harmed[tally.alive] += visits[1] * (as_stable * _worse_by(ratios)).sum(axis=0)


def _harm_after(release: Release, traffic: Traffic, horizon: int, share: float) -> np.ndarray:
    """Return the harm still to come for a release that is out at each minute 0 … horizon, shape (horizon + 1,)."""
    # nothing changes any more once the fault has grown and the incident is over
    steady = math.floor(max(release.grows_over, release.incident[1] if release.incident else 0.0)) + 1
    minutes = range(min(horizon, steady + 1))
    rates = [
        (traffic.rates * release.both_arms(minute) * _worse_by(release.ratios(minute, share))).sum()
        for minute in minutes
    ]
    harm = traffic.per_minute * share * np.pad(rates, (0, horizon - len(rates)), mode="edge")
    return np.append(np.cumsum(harm[::-1])[::-1], 0.0)
