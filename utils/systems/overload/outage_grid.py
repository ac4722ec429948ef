"""Many outages at once, as flows of orders in steps of time: a fluid model beside the one order by order.

The queue is first in, first out, so the requests sent in one step are answered in time if the cumulative number of
requests served reaches theirs before the timeout. Orders that wait to retry sit in one pool per number of failures and
leave it at random with the mean delay of full jitter. Requests arrive and are served in Poisson numbers; the rest is
fluid. Times are seconds.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.systems.overload import backoff
from utils.systems.overload.guards import BURST
from utils.systems.overload.scenario import Scenario, checked_scenario

__all__ = ["simulate_outage_grid"]

LAST_PART = 0.8  # of the horizon; what is placed and answered after it is counted
MOST_STEPS = 1_000_000
MOST_NUMBERS = 50_000_000  # kept at once: 400 MB
MOST_WORK = 5_000_000_000  # numbers worked on in all: about a minute

Floats = NDArray[np.float64]


def simulate_outage_grid(
    scenario: Scenario,
    seed: int,
    *,
    load: ArrayLike,
    retries: ArrayLike,
    outage_seconds: ArrayLike | None = None,
    budget_ratio: ArrayLike | None = None,
    step: float = 0.05,
) -> Floats:
    """Run many outages at once, and tell which of them recover.

    Args:
        scenario: the Scenario, but for its load, retries and outage_seconds; queue_limit and stops_at_patience must
            be at their defaults.
        seed: anything np.random.default_rng takes.
        load: share of capacity that first attempts need, above zero; any shape.
        retries: per order, np.inf for no limit; broadcast with load.
        outage_seconds: broadcast with load; None takes the scenario's.
        budget_ratio: tokens per first attempt of a retry budget with a burst of 10; broadcast with load; None for none.
        step: seconds per step; at most half the time from the timeout to the mean service time.

    Returns:
        Goodput in the last fifth of the horizon ÷ orders placed in it: about 1 recovered, about 0 collapsed, NaN where
        none was placed. Shape of the broadcast arguments.

    Raises:
        ValueError: an argument is out of range, or the grid would take gigabytes or minutes.

    >>> share = simulate_outage_grid(Scenario(stalls=True), seed=0, load=[0.2, 0.8], retries=3)
    >>> (share > 0.5).tolist()
    [True, False]
    """
    scenario = checked_scenario(scenario)
    if scenario.queue_limit is not None or scenario.stops_at_patience:
        raise ValueError(
            f"scenario must keep queue_limit and stops_at_patience unset, got {scenario}; use simulate_outage"
        )
    outage_seconds = scenario.outage_seconds if outage_seconds is None else outage_seconds
    budget_ratio = np.inf if budget_ratio is None else budget_ratio
    cells = _cells(load=load, retries=retries, outage_seconds=outage_seconds, budget_ratio=budget_ratio)
    clock = _clock(scenario, checks.positive("step", step, "use 0.05"))
    flows = _Flows(scenario, cells, clock, checks.seeded("seed", seed))
    placed, useful = np.zeros(cells.load.size), np.zeros(cells.load.size)
    for now in range(clock.steps):
        first, in_time = flows.advance(now)
        if now >= LAST_PART * clock.steps:
            placed += first
            useful += in_time
    share = np.divide(useful, placed, out=np.full(placed.shape, np.nan), where=placed > 0)
    return share.reshape(cells.shape)


class _Cells(NamedTuple):
    """The arguments of each cell, arrays of shape (cells,), and the shape that the caller gave."""

    load: Floats
    retries: Floats
    outage_seconds: Floats
    budget_ratio: Floats
    shape: tuple[int, ...]


class _Clock(NamedTuple):
    """Time in steps: how long one is in seconds, and how many there are until …"""

    step: float
    steps: int  # … the horizon
    timeout: int  # … a client stops waiting
    wait: int  # … a request must have begun for its answer to be in time


class _Flows:
    """The state of all cells: orders that wait to retry, requests in the queue, tokens in the bucket."""

    def __init__(self, scenario: Scenario, cells: _Cells, clock: _Clock, rng: np.random.Generator) -> None:
        self.scenario, self.cells, self.clock, self.rng = scenario, cells, clock, rng
        n = cells.load.size
        retries = np.where(cells.retries >= clock.steps, np.inf, cells.retries)  # a failure takes a step or more
        levels = int(max([len(scenario.backoff_windows), *(retries[np.isfinite(retries)] + 1)]))
        _not_too_large(n, levels, clock)
        failures = np.arange(1, levels + 1)
        mean_delay = backoff.window(failures, scenario.backoff_base, scenario.backoff_cap) / 2  # of full jitter
        self.leaving = -np.expm1(-clock.step / mean_delay)
        self.may_retry = failures <= retries[:, None]
        unlimited = np.isinf(cells.budget_ratio)
        self.ratio = np.where(unlimited, 0, cells.budget_ratio)
        self.burst = np.where(unlimited, np.inf, BURST)  # without a budget there is always a token
        self.tokens = self.burst
        self.pool = np.zeros((n, levels))
        self.sent, self.served = np.zeros(n), np.zeros(n)
        self.cohorts: deque[tuple[Floats, Floats]] = deque()  # requests sent before those of a step, and those
        self.served_then: deque[Floats] = deque()

    def advance(self, now: int) -> tuple[Floats, Floats]:
        """Go on by one step; return the orders placed in it and the answers that were decided to be in time."""
        scenario, time = self.scenario, now * self.clock.step
        out = (scenario.outage_start <= time) & (time < scenario.outage_start + self.cells.outage_seconds)
        first = self.rng.poisson(self.cells.load * scenario.capacity * self.clock.step).astype(float)
        sent = self._leave(first)
        entering = np.where((out & (not scenario.stalls))[:, None], 0, sent)
        self.cohorts.append((self.sent, entering))
        self.sent = self.sent + entering.sum(axis=1)
        work = np.where(out & scenario.stalls, 0, self.rng.poisson(scenario.capacity * self.clock.step, out.size))
        self.served = np.minimum(self.sent, self.served + work)
        self.served_then.append(self.served)
        late, in_time = self._decide() if now >= self.clock.timeout else (0, 0)
        self.pool += np.where(self.may_retry, sent - entering + late, 0)
        return first, in_time

    def _leave(self, first: Floats) -> Floats:
        """Return what leaves the clients in this step by the number of failures before, the budget taken off."""
        due = self.pool * self.leaving
        self.pool -= due
        self.tokens = np.minimum(self.burst, self.tokens + self.ratio * first)
        wanted = due.sum(axis=1)
        granted = np.minimum(wanted, self.tokens)
        self.tokens = self.tokens - granted
        due *= np.divide(granted, wanted, out=np.zeros(len(wanted)), where=wanted > 0)[:, None]
        sent = np.concatenate([first[:, None], due[:, :-1]], axis=1)
        sent[:, -1] += due[:, -1]
        return sent

    def _decide(self) -> tuple[Floats, Floats]:
        """Return, of the requests whose timeout ends now, those too late by number of failures, and those in time."""
        before, cohort = self.cohorts.popleft()
        total = cohort.sum(axis=1)
        in_time = np.clip(self.served_then[self.clock.wait] - before, 0, total)
        self.served_then.popleft()
        return cohort * (1 - np.divide(in_time, total, out=np.ones(len(total)), where=total > 0))[:, None], in_time


def _cells(**arguments: ArrayLike) -> _Cells:
    arrays = {name: _numbers(name, value) for name, value in arguments.items()}
    for name in ("load", "outage_seconds"):
        if np.isinf(arrays[name]).any():
            raise ValueError(f"{name} must be finite, got infinity; use a number beyond the horizon")
    if (arrays["load"] <= 0).any() or (arrays["load"] > 1e6).any():
        raise ValueError(
            f"load must be above 0 and at most a million, got {checks.told(arguments['load'])}; 0.8 is usual"
        )
    if (arrays["retries"] != np.floor(arrays["retries"])).any():
        raise ValueError(
            f"retries must hold whole numbers, got {checks.told(arguments['retries'])}; use np.inf for no limit"
        )
    try:
        grid = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"load must broadcast with the rest, got {shapes}; add axes with [:, None]") from None
    return _Cells(*(array.ravel() for array in grid), grid[0].shape)


def _numbers(name: str, value: ArrayLike) -> Floats:
    array = np.asarray(value)
    good = array.dtype.kind in "iuf" and array.size > 0 and not np.ma.is_masked(value)
    if not good or np.isnan(array).any() or (array < 0).any():
        raise ValueError(f"{name} must hold numbers of zero or more, got {checks.told(value)}; fill the gaps")
    return array.astype(float)


def _clock(scenario: Scenario, step: float) -> _Clock:
    clock = _Clock(
        step,
        round(scenario.horizon / step),
        round(scenario.timeout / step),
        round((scenario.timeout - scenario.service_seconds) / step),
    )
    if clock.wait < 2:
        raise ValueError(f"step must be at most half of timeout − service_seconds, got {step:g}; use a smaller step")
    if clock.steps > MOST_STEPS:
        raise ValueError(f"step must give at most {MOST_STEPS:,} steps, got {clock.steps:,}; use a longer one")
    if clock.timeout > LAST_PART * clock.steps:
        raise ValueError(
            f"scenario must have a horizon of at least timeout ÷ {LAST_PART}, got {scenario.horizon:g}; use a longer one"
        )
    return clock


def _not_too_large(cells: int, levels: int, clock: _Clock) -> None:
    size = cells * levels
    if size * clock.timeout > MOST_NUMBERS or size * clock.steps > MOST_WORK:
        raise ValueError(
            f"retries must give a grid that fits, got {cells:,} cells × {levels:,} attempts × {clock.steps:,} steps; "
            "use np.inf for many retries, fewer cells or a longer step"
        )
