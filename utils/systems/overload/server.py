"""A server with a queue, and workers that do not know which clients have stopped waiting."""

from collections import deque
from collections.abc import Callable, Iterator

from utils.systems.overload.agenda import Agenda
from utils.systems.overload.scenario import Scenario

__all__ = ["Request", "Server"]


class Request:
    """One request under way.

    Args:
        sent: seconds at which it reached the front door.
        decide: called with True when an answer comes, with False when the request is dropped from the queue.
    """

    __slots__ = ("decide", "sent")

    def __init__(self, sent: float, decide: Callable[[bool], None]) -> None:
        self.sent, self.decide = sent, decide


class Server:
    """The server of a scenario.

    Args:
        agenda: of the simulation, at time 0.
        scenario: the Scenario.
        service_seconds: endless, the time of each service.

    Attributes:
        waits: seconds in the queue of each request whose service has begun, in that order.
        answers: second at which each service ended, whether or not anybody waited for it.
    """

    def __init__(self, agenda: Agenda, scenario: Scenario, service_seconds: Iterator[float]) -> None:
        self.agenda, self.scenario, self.service_seconds = agenda, scenario, service_seconds
        self.outage_start, self.outage_end = scenario.outage_start, scenario.outage_end
        self.busy = 0
        self.owed = 0.0  # seconds of work that refusals have cost, done by the next worker who begins
        self.queue: deque[Request] = deque()
        self.waits: list[float] = []
        self.answers: list[float] = []
        if scenario.stalls:
            agenda.at(scenario.outage_end, self._start_idle_workers)
        if scenario.emptied_at is not None:
            agenda.at(scenario.emptied_at, self._empty)

    def submit(self, request: Request) -> bool:
        """Ask for service.

        Args:
            request: the request, sent now.

        Returns:
            False if it is refused at the door; then nothing is decided later.
        """
        s, out = self.scenario, self._outage()
        if out and not s.stalls:
            return False
        if s.queue_limit is not None and (self.busy == s.servers or out) and len(self.queue) >= s.queue_limit:
            self.owed += 0 if out else s.refusal_seconds
            return False
        self.queue.append(request)
        self._start_idle_workers()
        return True

    def _empty(self) -> None:
        dropped, self.queue = self.queue, deque()
        for request in dropped:
            request.decide(False)

    def _outage(self) -> bool:
        return self.outage_start <= self.agenda.now < self.outage_end

    def _start_idle_workers(self) -> None:
        s, now = self.scenario, self.agenda.now
        stalled = s.stalls and self._outage()
        while self.queue and self.busy < s.servers and not stalled:
            request = self.queue.pop() if s.newest_first else self.queue.popleft()
            wait = now - request.sent
            if s.longest_wait is not None and wait > s.longest_wait:
                request.decide(False)
                continue
            self.busy += 1
            self.waits.append(wait)
            self.agenda.at(now + next(self.service_seconds) + self.owed, self._finish, request)
            self.owed = 0.0

    def _finish(self, request: Request) -> None:
        self.answers.append(self.agenda.now)
        request.decide(True)
        self.busy -= 1
        self._start_idle_workers()
