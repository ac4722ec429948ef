"""A server on simpy: a queue, first in first out, and workers that do not know which clients have stopped waiting."""

from collections import deque

import numpy as np
import simpy

from utils.systems.overload.scenario import Scenario

__all__ = ["Server"]


class Server:
    """The server of a scenario on a simpy environment.

    Args:
        env: the environment, at time 0.
        scenario: the Scenario.
        rng: source of the service times.

    Attributes:
        waits: seconds in the queue of each request whose service has begun, in that order.
    """

    def __init__(self, env: simpy.Environment, scenario: Scenario, rng: np.random.Generator) -> None:
        self.env, self.scenario, self.rng = env, scenario, rng
        self.busy = 0
        self.queue: deque[tuple[float, simpy.Event]] = deque()
        self.waits: list[float] = []
        if scenario.stalls:
            env.timeout(scenario.outage_end).callbacks.append(self._start_idle_servers)

    def submit(self) -> simpy.Event | None:
        """Ask for service.

        Returns:
            An event that succeeds with True when the work is done; None if the request is refused at the door.
        """
        s = self.scenario
        no_worker = self.busy == s.servers or (s.stalls and self._outage())
        full = s.queue_limit is not None and no_worker and len(self.queue) >= s.queue_limit
        if full or (not s.stalls and self._outage()):
            return None
        answer = self.env.event()
        self.queue.append((self.env.now, answer))
        self._start_idle_servers()
        return answer

    def _outage(self) -> bool:
        return self.scenario.outage_start <= self.env.now < self.scenario.outage_end

    def _start_idle_servers(self, _event: simpy.Event | None = None) -> None:
        stalled = self.scenario.stalls and self._outage()
        while self.queue and self.busy < self.scenario.servers and not stalled:
            self.busy += 1
            self._start()

    def _start(self) -> None:
        arrived, answer = self.queue.popleft()
        self.waits.append(self.env.now - arrived)
        work = self.env.timeout(self.rng.exponential(self.scenario.service_seconds), value=answer)
        work.callbacks.append(self._finish)

    def _finish(self, work: simpy.Event) -> None:
        if not work.value.triggered:  # else the client has stopped waiting and the work was for nobody
            work.value.succeed(True)
        self.busy -= 1
        self._start_idle_servers()
