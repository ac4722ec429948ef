"""A server of finite capacity, clients that keep coming, an outage, and retries: recovery or metastable collapse.

Orders arrive at random whether or not the server answers (open loop). The server works first in, first out, and does
not know which clients have stopped waiting, so a long queue makes it work for nobody. Times are seconds.
"""

import gc
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import simpy

from utils.foundation import checks


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the server and its clients are, and when the front door is closed."""

    servers: int = 10  # requests worked on at once
    service_seconds: float = 0.2  # mean of the exponential service time
    load: float = 0.8  # orders per second ÷ (servers ÷ service_seconds)
    timeout: float = 1.0  # a client waits this long for an answer
    outage_start: float = 10.0
    outage_seconds: float = 10.0  # 0 for no outage
    stalls: bool = False  # in the outage: False, requests are refused at once; True, they queue and no work starts
    horizon: float = 60.0  # orders placed until then count; they keep coming while the last ones are decided
    patience: float = 15.0  # an order confirmed later than this is lost all the same
    stops_at_patience: bool = False  # True: the client stops retrying when the customer has left
    retries: int | None = None  # per order; None for no limit
    backoff_base: float = 0.05  # of full jitter between attempts
    backoff_cap: float = 2.0
    queue_limit: int | None = None  # requests that may wait; more are refused at once (load shedding)

    def __post_init__(self):
        """Raise a ValueError that names the first bad field."""
        checks.count("servers", self.servers, "give the number of workers")
        checks.positive("load", self.load, "give the share of capacity that first attempts need")
        for name in ("service_seconds", "timeout", "horizon", "patience", "backoff_base", "backoff_cap"):
            checks.positive(name, getattr(self, name), "give seconds")
        for name in ("outage_start", "outage_seconds"):
            checks.not_negative(name, getattr(self, name), "give seconds; an outage of 0 s is none")
        for name in ("retries", "queue_limit"):
            if getattr(self, name) is not None:
                checks.count(name, getattr(self, name), "use None for no limit", minimum=0)
        if self.backoff_cap < self.backoff_base:
            raise ValueError(
                f"backoff_cap must be at least backoff_base = {self.backoff_base:g}, got {self.backoff_cap:g}; raise it"
            )

    @property
    def capacity(self):
        """Requests per second that the server completes when it is never idle."""
        return self.servers / self.service_seconds

    @property
    def outage_end(self):
        """Second at which the front door opens again."""
        return self.outage_start + self.outage_seconds


class Trace(NamedTuple):
    """What happened in each second of a run; arrays of shape (whole seconds of the horizon,)."""

    placed: np.ndarray  # orders placed in this second
    confirmed: np.ndarray  # of these, how many were confirmed within the patience of the customer
    requests: np.ndarray  # requests that reached the front door
    useful: np.ndarray  # answers in time, by the second of the answer (goodput)
    wait: np.ndarray  # per request that began service, seconds until its service began; shape (n,)

    @property
    def orders_lost(self):
        """Orders not confirmed within the patience."""
        return int(self.placed.sum() - self.confirmed.sum())

    @property
    def seconds_down(self):
        """Seconds whose orders were mostly lost."""
        return int((2 * self.confirmed < self.placed).sum())


class NoGuard:
    """Let every attempt pass."""

    gives_up = False  # True: an order whose attempt is kept back is lost; False: it backs off and asks again

    def allows(self, now, attempt, rng):
        """Return whether the client may send attempt number `attempt` (from 1) at time `now`."""
        return True

    def record(self, now, success):
        """Learn how a sent attempt ended."""


class RetryBudget(NoGuard):
    """Let retries pass while they are at most `ratio` of first attempts, by a token bucket.

    Args:
        ratio: tokens that each first attempt adds; a retry takes one.
        burst: tokens that the bucket holds.

    References:
        Google, Site Reliability Engineering (2016), chapter 21, "Deciding to Retry": a retry ratio of 10% per client.
    """

    gives_up = True  # waiting for a token would only move the retry

    def __init__(self, ratio=0.1, burst=10.0):
        self.ratio = checks.fraction("ratio", ratio, "use 0.1 for one retry in ten requests")
        self.burst = checks.positive("burst", burst, "give the retries allowed at once")
        self.tokens = self.burst

    def allows(self, now, attempt, rng):
        """Take a token for a retry, add a part of one for a first attempt."""
        if attempt == 1:
            self.tokens = min(self.burst, self.tokens + self.ratio)
            return True
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def rejection_probability(requests, accepts, *, k=2.0):
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
    counts = {"requests": np.asarray(requests), "accepts": np.asarray(accepts)}
    for name, values in counts.items():
        good = values.dtype.kind in "iuf" and values.size > 0
        if not good or not np.isfinite(values).all() or (values < 0).any():
            raise ValueError(f"{name} must hold counts of zero or more, got {values!r:.60}; count within one window")
    requests, accepts = counts["requests"].astype(float), counts["accepts"].astype(float)
    if requests.shape != accepts.shape or (accepts > requests).any():
        raise ValueError(
            f"accepts must be at most requests, of one shape, got {accepts!r:.60}; count both in one window"
        )
    return np.maximum(0.0, (requests - k * accepts) / (requests + 1))


class AdaptiveThrottle(NoGuard):
    """Drop attempts at the client with `rejection_probability` over a sliding window.

    Args:
        k: requests tolerated per accept.
        window: seconds of history; the book keeps two minutes.
        gives_up: True, an order kept back is lost (the throttle stands outside the retries); False, it backs off and
            asks again (the retries stand outside the throttle).
    """

    def __init__(self, k=2.0, window=10.0, *, gives_up=True):
        self.gives_up = bool(gives_up)
        self.k = checks.positive("k", k, "use 2, or less to throttle earlier")
        self.window = checks.positive("window", window, "give seconds of history")
        self.requests, self.accepts = deque(), deque()

    def allows(self, now, attempt, rng):
        """Draw whether this attempt is sent; count it now if not, else when its outcome is known."""
        for times in (self.requests, self.accepts):
            while times and times[0] < now - self.window:
                times.popleft()
        requests, accepts = len(self.requests), len(self.accepts)
        rejected = rng.random() < max(0.0, (requests - self.k * accepts) / (requests + 1))
        if rejected:
            self.requests.append(now)
        return not rejected

    def record(self, now, success):
        """Count a request, and an accept if it was one; those under way are no evidence yet."""
        self.requests.append(now)
        if success:
            self.accepts.append(now)


class CircuitBreaker(NoGuard):
    """Stop sending after failures in a row; after a pause let one probe through.

    Args:
        failures: failures in a row that open the breaker.
        pause: seconds that it stays open.
        gives_up: True, an order kept back is lost (the breaker stands outside the retries); False, it backs off and
            asks again (the retries stand outside the breaker).

    References:
        Nygard, Release It! (2nd edition, 2018), chapter 5.
    """

    def __init__(self, failures=20, pause=5.0, *, gives_up=True):
        self.gives_up = bool(gives_up)
        self.limit = checks.count("failures", failures, "give the failures in a row that open it")
        self.pause = checks.positive("pause", pause, "give seconds")
        self.failures, self.opened, self.probing = 0, None, False

    def allows(self, now, attempt, rng):
        """Return whether the breaker is closed, or this attempt is the probe."""
        if self.opened is None:
            return True
        if self.probing or now < self.opened + self.pause:
            return False
        self.probing = True
        return True

    def record(self, now, success):
        """Close on a success, open on the last of too many failures in a row or on a failed probe."""
        if success:
            self.failures, self.opened, self.probing = 0, None, False
            return
        self.failures += 1
        if self.failures >= self.limit and (self.opened is None or self.probing):
            self.opened, self.probing = now, False


class _Server:
    def __init__(self, env, scenario, rng):
        self.env, self.scenario, self.rng = env, scenario, rng
        self.busy, self.queue, self.waits = 0, deque(), []
        if scenario.stalls:
            env.timeout(scenario.outage_end).callbacks.append(self._start_idle_servers)

    def submit(self):
        """Return an event that succeeds with True when the work is done, or None if refused at the door."""
        s = self.scenario
        no_worker = self.busy == s.servers or (s.stalls and self._outage())
        full = s.queue_limit is not None and no_worker and len(self.queue) >= s.queue_limit
        if full or (not s.stalls and self._outage()):
            return None
        answer = self.env.event()
        self.queue.append((self.env.now, answer))
        self._start_idle_servers()
        return answer

    def _outage(self):
        return self.scenario.outage_start <= self.env.now < self.scenario.outage_end

    def _start_idle_servers(self, _event=None):
        stalled = self.scenario.stalls and self._outage()
        while self.queue and self.busy < self.scenario.servers and not stalled:
            self.busy += 1
            self._start()

    def _start(self):
        arrived, answer = self.queue.popleft()
        self.waits.append(self.env.now - arrived)
        work = self.env.timeout(self.rng.exponential(self.scenario.service_seconds), value=answer)
        work.callbacks.append(self._finish)

    def _finish(self, work):
        if not work.value.triggered:  # else the client has stopped waiting and the work was for nobody
            work.value.succeed(True)
        self.busy -= 1
        self._start_idle_servers()


@contextmanager
def _no_garbage_collection():
    """Keep the collector out of a run: its events die by reference count, and looking for cycles doubles its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def simulate_outage(scenario, seed, *, guard=None):
    """Run one outage on simpy.

    Args:
        scenario: a Scenario.
        seed: anything np.random.default_rng takes.
        guard: RetryBudget, AdaptiveThrottle or CircuitBreaker shared by all clients (one gateway); None for none.
            It keeps state: pass a new one for each run.

    Returns:
        Trace.

    Raises:
        ValueError: scenario is not a Scenario, or guard not a guard.

    References:
        Bronson, Aghayev, Charapko and Zhu, "Metastable Failures in Distributed Systems", HotOS 2021.

    >>> calm = simulate_outage(Scenario(outage_seconds=0, horizon=20), seed=0)
    >>> calm.orders_lost
    0
    """
    if not isinstance(scenario, Scenario):
        raise ValueError(f"scenario must be a Scenario, got {scenario!r:.60}; write Scenario(load=0.8)")
    guard = NoGuard() if guard is None else guard
    if not isinstance(guard, NoGuard):
        raise ValueError(
            f"guard must be an object such as RetryBudget(), got {guard!r:.60}; build a new one for each run"
        )
    arrivals_rng, service_rng, client_rng = np.random.default_rng(seed).spawn(3)
    env = simpy.Environment()
    server = _Server(env, scenario, service_rng)
    rate = scenario.load * scenario.capacity
    end = scenario.horizon + scenario.patience  # so that every order that counts is decided
    placed_at = np.sort(arrivals_rng.uniform(0, end, arrivals_rng.poisson(rate * end)))
    log = {"confirmed": [], "requests": [], "useful": []}

    def send(attempt):
        """Send one attempt; return whether its answer came in time, None if the guard kept it back."""
        if not guard.allows(env.now, attempt, client_rng):
            return None
        log["requests"].append(env.now)
        answer = server.submit()
        if answer is not None:
            clock = env.timeout(scenario.timeout)
            clock.callbacks.append(lambda _: None if answer.triggered else answer.succeed(False))
            in_time = yield answer
        else:
            in_time = False
        guard.record(env.now, in_time)
        return in_time

    def order(placed):
        yield env.timeout(placed)
        attempt = 1
        while True:
            in_time = yield from send(attempt)
            if in_time:
                log["useful"].append(env.now)
                if env.now - placed <= scenario.patience:
                    log["confirmed"].append(placed)
                return
            out_of_retries = scenario.retries is not None and attempt > scenario.retries
            customer_left = scenario.stops_at_patience and env.now - placed > scenario.patience
            if out_of_retries or customer_left or (in_time is None and guard.gives_up):
                return
            window = min(scenario.backoff_cap, scenario.backoff_base * 2.0 ** min(attempt, 60))
            yield env.timeout(client_rng.uniform(0, window))
            attempt += 1

    for placed in placed_at:
        env.process(order(placed))
    with _no_garbage_collection():
        env.run(until=end)

    seconds = np.arange(int(scenario.horizon) + 1)
    binned = {name: np.histogram(times, seconds)[0] for name, times in log.items()}
    return Trace(
        np.histogram(placed_at, seconds)[0],
        binned["confirmed"],
        binned["requests"],
        binned["useful"],
        np.array(server.waits),
    )


def simulate_outage_grid(scenario, seed, *, load, retries, outage_seconds=None, budget_ratio=None, step=0.05):
    """Run many outages at once in steps of time, as flows of orders rather than single ones.

    The queue is first in, first out, so the requests sent in one step are answered in time if the cumulative number
    of requests served reaches theirs before the timeout. Orders that wait to retry sit in one pool per number of
    failures and leave it at random with the mean delay of full jitter. Requests arrive and are served in Poisson
    numbers; the rest is fluid. It agrees with `simulate_outage` on which runs recover (tests/test_metastable.py).

    Args:
        scenario: the Scenario, but for its load, retries and outage_seconds; queue_limit and stops_at_patience must
            be at their defaults.
        seed: anything np.random.default_rng takes.
        load: share of capacity that first attempts need; any shape.
        retries: per order, np.inf for no limit; broadcast with load.
        outage_seconds: broadcast with load; None takes the scenario's.
        budget_ratio: tokens per first attempt of a retry budget with a burst of 10; broadcast with load; None for none.
        step: seconds per step; at most half the time from the timeout to the mean service time.

    Returns:
        Goodput in the last fifth of the horizon ÷ orders placed in it: about 1 recovered, about 0 collapsed. Shape of
        the broadcast arguments.

    Raises:
        ValueError: an argument is out of range.

    >>> share = simulate_outage_grid(Scenario(stalls=True), seed=0, load=[0.2, 0.8], retries=3)
    >>> (share > 0.5).tolist()
    [True, False]
    """
    cells, load, retries, outage, ratio, shape = _grid(scenario, load, retries, outage_seconds, budget_ratio)
    step = checks.positive("step", step, "use 0.05")
    wait_steps = round((scenario.timeout - scenario.service_seconds) / step)
    timeout_steps = round(scenario.timeout / step)
    if wait_steps < 2:
        raise ValueError(f"step must be at most half of timeout − service_seconds, got {step:g}; use a smaller step")
    rng = np.random.default_rng(seed)
    doublings = int(np.ceil(np.log2(scenario.backoff_cap / scenario.backoff_base))) + 1
    levels = max([doublings, *(retries[np.isfinite(retries)].astype(int) + 1)])
    failures = np.arange(1, levels + 1)
    mean_delay = np.minimum(scenario.backoff_cap, scenario.backoff_base * 2.0**failures) / 2
    leaving = -np.expm1(-step / mean_delay)
    may_retry = failures <= retries[:, None]
    burst = np.where(np.isinf(ratio), np.inf, 10.0)  # without a budget there is always a token
    pool, tokens, ratio = np.zeros((cells, levels)), burst, np.where(np.isinf(ratio), 0, ratio)
    sent_before, served, history, served_history = np.zeros(cells), np.zeros(cells), deque(), deque()
    steps = round(scenario.horizon / step)
    placed_total, useful_total = np.zeros(cells), np.zeros(cells)
    for now in range(steps):
        time = now * step
        out = (scenario.outage_start <= time) & (time < scenario.outage_start + outage)
        first = rng.poisson(load * scenario.capacity * step).astype(float)
        due = pool * leaving
        pool -= due
        tokens = np.minimum(burst, tokens + ratio * first)
        wanted = due.sum(axis=1)
        granted = np.minimum(wanted, tokens)
        tokens = tokens - granted
        due *= np.divide(granted, wanted, out=np.zeros(cells), where=wanted > 0)[:, None]
        sent = np.concatenate([first[:, None], due[:, :-1]], axis=1)
        sent[:, -1] += due[:, -1]
        refused = out & (not scenario.stalls)
        entering = np.where(refused[:, None], 0, sent)
        history.append((sent_before, entering))
        sent_before = sent_before + entering.sum(axis=1)
        work = np.where(out & scenario.stalls, 0, rng.poisson(scenario.capacity * step, cells))
        served = np.minimum(sent_before, served + work)
        served_history.append(served)
        failed = sent - entering
        if now >= timeout_steps:
            before, cohort = history.popleft()
            total = cohort.sum(axis=1)
            in_time = np.clip(served_history[wait_steps] - before, 0, total)
            served_history.popleft()
            failed += cohort * (1 - np.divide(in_time, total, out=np.ones(cells), where=total > 0))[:, None]
            if now >= 0.8 * steps:
                useful_total += in_time
        if now >= 0.8 * steps:
            placed_total += first
        pool += np.where(may_retry, failed, 0)
    return (useful_total / np.maximum(placed_total, 1)).reshape(shape)


def _grid(scenario, load, retries, outage_seconds, budget_ratio):
    if not isinstance(scenario, Scenario):
        raise ValueError(f"scenario must be a Scenario, got {scenario!r:.60}; write Scenario(load=0.8)")
    if scenario.queue_limit is not None or scenario.stops_at_patience:
        raise ValueError(
            f"scenario must keep queue_limit and stops_at_patience unset, got {scenario}; use simulate_outage"
        )
    outage_seconds = scenario.outage_seconds if outage_seconds is None else outage_seconds
    budget_ratio = np.inf if budget_ratio is None else budget_ratio
    arrays = {"load": load, "retries": retries, "outage_seconds": outage_seconds, "budget_ratio": budget_ratio}
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or array.size == 0 or np.isnan(array).any() or (array < 0).any():
            raise ValueError(f"{name} must hold numbers of zero or more, got {value!r:.60}; fill the gaps")
        arrays[name] = array.astype(float)
    for name in ("load", "outage_seconds"):
        if np.isinf(arrays[name]).any():
            raise ValueError(f"{name} must be finite, got infinity; use a number beyond the horizon")
    if (arrays["retries"] != np.floor(arrays["retries"])).any():
        raise ValueError(f"retries must hold whole numbers, got {retries!r:.60}; use np.inf for no limit")
    try:
        grid = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"load must broadcast with the rest, got {shapes}; add axes with [:, None]") from None
    return grid[0].size, *(array.ravel() for array in grid), grid[0].shape
