"""An outage order by order: recovery or metastable collapse.

Orders arrive at random whether or not the server answers (open loop). The server does not know which clients have
stopped waiting, so a long queue makes it work for nobody. Times are seconds.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks
from utils.systems.overload.agenda import Agenda
from utils.systems.overload.guards import Guard, NoGuard
from utils.systems.overload.scenario import Scenario, checked_scenario
from utils.systems.overload.server import Request, Server

__all__ = ["Trace", "simulate_outage"]

MOST_REQUESTS = 20_000_000  # minutes of simulation, gigabytes of events
DRAWN_AT_ONCE = 4_096


class Trace(NamedTuple):
    """What happened in each second of a run; arrays of shape (whole seconds of the horizon,)."""

    placed: NDArray[np.int64]  # orders placed in this second
    confirmed: NDArray[np.int64]  # of these, how many were confirmed within the patience of the customer
    requests: NDArray[np.int64]  # requests that reached the front door
    answers: NDArray[np.int64]  # answers that the server gave, in time or not, by the second of the answer (throughput)
    useful: NDArray[np.int64]  # of these, answers in time (goodput)
    wait: NDArray[np.float64]  # per request that began service, seconds until its service began; shape (n,)

    @property
    def orders_lost(self) -> int:
        """Orders not confirmed within the patience."""
        return int(self.placed.sum() - self.confirmed.sum())

    @property
    def seconds_down(self) -> int:
        """Seconds whose orders were mostly lost."""
        return int((2 * self.confirmed < self.placed).sum())


def simulate_outage(scenario: Scenario, seed: int, *, guard: Guard | Sequence[Guard] | None = None) -> Trace:
    """Run one outage order by order.

    Args:
        scenario: a Scenario.
        seed: a whole number of at least 0, a list of them or a numpy Generator.
        guard: a Guard shared by all clients (one gateway), or a list of them (many clients; each order is one's, at
            random); None for none. They keep state: pass new ones for each run.

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
    guards = _guards(guard)
    end = scenario.horizon + _longest_life(scenario, guards)  # so that every order that counts is decided
    rate = scenario.load * scenario.capacity
    _not_too_many_requests(scenario, rate * end, end)
    arrivals_rng, service_rng, client_rng, guard_rng = checks.seeded("seed", seed).spawn(4)
    agenda = Agenda()
    server = Server(agenda, scenario, _endless(partial(service_rng.exponential, scenario.service_seconds)))
    clients = _Clients(agenda, scenario, server, client_rng, guard_rng)
    placed_at = _arrivals(rate, scenario.horizon, end, arrivals_rng)
    whose = guard_rng.integers(len(guards), size=len(placed_at)).tolist()
    clients.expect(zip(placed_at.tolist(), (guards[number] for number in whose), strict=True))
    with _no_garbage_collection():
        agenda.run(until=end)
    agenda.clear()  # what was still to come holds the clients, who hold the agenda: a circle for the collector
    server.queue.clear()

    seconds = np.arange(int(scenario.horizon) + 1)
    times = (placed_at, clients.confirmed, clients.requests, server.answers, clients.useful)
    return Trace(*(np.histogram(each, seconds)[0] for each in times), np.array(server.waits))


class _Clients:
    """All clients: each sends an order, and tries again with full jitter until it is through or gives up."""

    def __init__(
        self,
        agenda: Agenda,
        scenario: Scenario,
        server: Server,
        rng: np.random.Generator,
        guard_rng: np.random.Generator,
    ) -> None:
        self.agenda, self.scenario, self.server, self.guard_rng = agenda, scenario, server, guard_rng
        self.uniform = _endless(rng.random)
        self.windows = scenario.backoff_windows.tolist()
        self.confirmed: list[float] = []  # when the orders were placed that were confirmed with the customer there
        self.requests: list[float] = []  # when requests reached the front door
        self.useful: list[float] = []  # when answers came in time

    def expect(self, orders: Iterator[tuple[float, Guard]]) -> None:
        """Enter the next order, by the time it is placed and its guard; the others follow one by one."""
        for placed, guard in orders:
            self.agenda.at(placed, self._place, placed, guard, orders)
            break

    def _place(self, placed: float, guard: Guard, orders: Iterator[tuple[float, Guard]]) -> None:
        self.expect(orders)
        self.send(placed, 1, guard)

    def send(self, placed: float, attempt: int, guard: Guard) -> None:
        """Make an attempt for the order that was placed at a time."""
        now, scenario = self.agenda.now, self.scenario
        if scenario.stops_at_patience and now - placed > scenario.patience:
            return  # the customer has left
        if not guard.allows(now, attempt, self.guard_rng):
            if not guard.gives_up:
                self._back_off(placed, attempt, guard)
            return
        self.requests.append(now)
        is_open = True

        def decide(in_time: bool) -> None:
            nonlocal is_open
            if is_open:  # else the client has stopped waiting
                is_open = False
                self._learn(placed, attempt, guard, in_time)

        fails = scenario.error_rate > 0 and next(self.uniform) < scenario.error_rate
        if fails or not self.server.submit(Request(now, decide)):
            decide(False)
        elif is_open:
            self.agenda.at(now + scenario.timeout, decide, False)

    def _learn(self, placed: float, attempt: int, guard: Guard, in_time: bool) -> None:
        guard.record(self.agenda.now, in_time)
        if not in_time:
            self._back_off(placed, attempt, guard)
            return
        self.useful.append(self.agenda.now)
        if self.agenda.now - placed <= self.scenario.patience:
            self.confirmed.append(placed)

    def _back_off(self, placed: float, attempt: int, guard: Guard) -> None:
        if self.scenario.retries is None or attempt <= self.scenario.retries:
            longest = self.windows[min(attempt, len(self.windows)) - 1]  # full jitter: any delay up to this
            self.agenda.at(self.agenda.now + longest * next(self.uniform), self.send, placed, attempt + 1, guard)


def _guards(guard: Guard | Sequence[Guard] | None) -> list[Guard]:
    """Return the guards, one at least, each of them only once."""
    found = [NoGuard()] if guard is None else list(guard) if isinstance(guard, (list, tuple)) else [guard]
    if not found or not all(isinstance(each, Guard) for each in found) or len(set(map(id, found))) < len(found):
        raise ValueError(
            f"guard must be an object such as RetryBudget(), or a list of different ones, got {checks.told(guard)}; "
            "build new ones for each run"
        )
    return found


def _arrivals(rate: float, horizon: float, end: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return when orders are placed; those before the horizon are the same however long the last of them live."""
    spans = ((0.0, horizon), (horizon, end))
    return np.concatenate([np.sort(rng.uniform(*span, rng.poisson(rate * (span[1] - span[0])))) for span in spans])


def _longest_life(scenario: Scenario, guards: list[Guard]) -> float:
    """Return the seconds after which an order is decided: its customer has left, or all its attempts are over."""
    if scenario.retries is None or not all(guard.gives_up for guard in guards):
        return scenario.patience
    windows = scenario.backoff_windows
    delays = windows[np.minimum(np.arange(scenario.retries), len(windows) - 1)].sum()
    return min(scenario.patience, (scenario.retries + 1) * scenario.timeout + float(delays))


def _endless(draw: Callable[..., NDArray[np.float64]]) -> Iterator[float]:
    """Yield one draw after the other, drawn in blocks."""
    while True:
        yield from draw(size=DRAWN_AT_ONCE).tolist()


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
