"""An outage order by order, on simpy: recovery or metastable collapse.

Orders arrive at random whether or not the server answers (open loop). The server works first in, first out, and does
not know which clients have stopped waiting, so a long queue makes it work for nobody. Times are seconds.
"""

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from utils.foundation import checks
from utils.systems.overload import backoff
from utils.systems.overload.guards import Guard, NoGuard
from utils.systems.overload.scenario import Scenario, checked_scenario
from utils.systems.overload.server import Server

__all__ = ["Trace", "simulate_outage"]

MOST_REQUESTS = 20_000_000  # minutes of simulation, gigabytes of events


class Trace(NamedTuple):
    """What happened in each second of a run; arrays of shape (whole seconds of the horizon,)."""

    placed: NDArray[np.int64]  # orders placed in this second
    confirmed: NDArray[np.int64]  # of these, how many were confirmed within the patience of the customer
    requests: NDArray[np.int64]  # requests that reached the front door
    useful: NDArray[np.int64]  # answers in time, by the second of the answer (goodput)
    wait: NDArray[np.float64]  # per request that began service, seconds until its service began; shape (n,)

    @property
    def orders_lost(self) -> int:
        """Orders not confirmed within the patience."""
        return int(self.placed.sum() - self.confirmed.sum())

    @property
    def seconds_down(self) -> int:
        """Seconds whose orders were mostly lost."""
        return int((2 * self.confirmed < self.placed).sum())


def simulate_outage(scenario: Scenario, seed: int, *, guard: Guard | None = None) -> Trace:
    """Run one outage order by order.

    Args:
        scenario: a Scenario.
        seed: anything np.random.default_rng takes.
        guard: a Guard shared by all clients (one gateway); None for none. It keeps state: pass a new one for each run.

    Returns:
        Trace.

    Raises:
        ValueError: scenario is not a Scenario, guard not a Guard, or more than 20 million requests could be sent.

    References:
        Bronson, Aghayev, Charapko and Zhu, "Metastable Failures in Distributed Systems", HotOS 2021.

    >>> calm = simulate_outage(Scenario(outage_seconds=0, horizon=20), seed=0)
    >>> calm.orders_lost
    0
    """
    scenario = checked_scenario(scenario)
    guard = NoGuard() if guard is None else guard
    if not isinstance(guard, Guard):
        raise ValueError(
            f"guard must be an object such as RetryBudget(), got {checks.told(guard)}; build a new one for each run"
        )
    end = scenario.horizon + scenario.patience  # so that every order that counts is decided
    rate = scenario.load * scenario.capacity
    _not_too_many_requests(scenario, rate * end, end)
    arrivals_rng, service_rng, client_rng = checks.seeded("seed", seed).spawn(3)
    env = simpy.Environment()
    server = Server(env, scenario, service_rng)
    clients = _Clients(env, scenario, server, guard, client_rng)
    placed_at = np.sort(arrivals_rng.uniform(0, end, arrivals_rng.poisson(rate * end)))
    for placed in placed_at:
        env.process(clients.order(placed))
    with _no_garbage_collection():
        env.run(until=end)

    seconds = np.arange(int(scenario.horizon) + 1)
    times = (placed_at, clients.confirmed, clients.requests, clients.useful)
    return Trace(*(np.histogram(each, seconds)[0] for each in times), np.array(server.waits))


class _Clients:
    """All clients: each places an order, and tries again with full jitter until it is through or gives up."""

    def __init__(
        self, env: simpy.Environment, scenario: Scenario, server: Server, guard: Guard, rng: np.random.Generator
    ) -> None:
        self.env, self.scenario, self.server, self.guard, self.rng = env, scenario, server, guard, rng
        self.windows = scenario.backoff_windows.tolist()
        self.confirmed: list[float] = []  # when the orders were placed that were confirmed with the customer there
        self.requests: list[float] = []  # when requests reached the front door
        self.useful: list[float] = []  # when answers came in time

    def order(self, placed: float) -> Generator[simpy.Event, Any, None]:
        """Live through one order that is placed at a time."""
        scenario = self.scenario
        yield self.env.timeout(placed)
        attempt = 1
        while True:
            in_time = yield from self._send(attempt)
            if in_time:
                self.useful.append(self.env.now)
                if self.env.now - placed <= scenario.patience:
                    self.confirmed.append(placed)
                return
            out_of_retries = scenario.retries is not None and attempt > scenario.retries
            customer_left = scenario.stops_at_patience and self.env.now - placed > scenario.patience
            if out_of_retries or customer_left or (in_time is None and self.guard.gives_up):
                return
            longest = self.windows[min(attempt, len(self.windows)) - 1]
            yield self.env.timeout(backoff.full_jitter(longest, self.rng))
            attempt += 1

    def _send(self, attempt: int) -> Generator[simpy.Event, Any, bool | None]:
        """Send one attempt; return whether its answer came in time, None if the guard kept it back."""
        if not self.guard.allows(self.env.now, attempt, self.rng):
            return None
        self.requests.append(self.env.now)
        answer = self.server.submit()
        in_time = False
        if answer is not None:
            clock = self.env.timeout(self.scenario.timeout)
            clock.callbacks.append(lambda _: None if answer.triggered else answer.succeed(False))
            in_time = yield answer
        self.guard.record(self.env.now, in_time)
        return in_time


def _not_too_many_requests(scenario: Scenario, orders: float, end: float) -> None:
    """Raise unless memory and time suffice even if all orders retry until the end."""
    attempts = 1 + min(np.inf if scenario.retries is None else scenario.retries, 2 * end / scenario.backoff_cap)
    if orders * attempts > MOST_REQUESTS:
        raise ValueError(
            f"scenario must allow at most {MOST_REQUESTS:,} requests, got {orders:,.0f} orders × {attempts:,.0f} "
            "attempts; shorten the horizon, lower load × servers ÷ service_seconds, or raise backoff_cap"
        )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector out of a run: its events die by reference count, and looking for cycles doubles its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
