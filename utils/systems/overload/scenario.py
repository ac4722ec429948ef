"""The scenario of an outage: a server of finite capacity, clients that keep coming and retry. Times are seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks
from utils.systems.overload import backoff

__all__ = ["Scenario", "checked_scenario"]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the server and its clients are, and when the front door is closed.

    Raises:
        ValueError: a field is out of range; the message names the first.
    """

    servers: int = 10  # requests worked on at once
    service_seconds: float = 0.2  # mean of the exponential service time
    load: float = 0.8  # orders per second ÷ (servers ÷ service_seconds)
    timeout: float = 1.0  # a client waits this long for an answer
    outage_start: float = 10.0
    outage_seconds: float = 10.0  # 0 for no outage
    stalls: bool = False  # in the outage: False, requests are refused at once; True, they queue and no work starts
    horizon: float = 60.0  # orders placed until then count; they keep coming while the last ones are decided
    patience: float = 15.0  # an order confirmed later than this is lost all the same
    stops_at_patience: bool = False  # True: no attempt is sent once the customer has left
    retries: int | None = None  # per order; None for no limit
    backoff_base: float = 0.05  # of full jitter between attempts
    backoff_cap: float = 2.0
    error_rate: float = 0.0  # share of requests that fail at once and at random, outage or not (sporadic failures)
    queue_limit: int | None = None  # requests that may wait; more are refused at once (load shedding)
    longest_wait: float | None = None  # what has waited longer when its turn comes is dropped (deadline, CoDel)
    emptied_at: float | None = None  # the queue is thrown away at this second (a restart); its clients see an error
    newest_first: bool = False  # the queue is last in, first out
    refusal_seconds: float = 0.0  # of a worker's time that refusing one request at a full queue takes

    def __post_init__(self) -> None:
        """Check the fields, and keep numbers as Python's int and float."""
        kept = {"servers": checks.count("servers", self.servers, "give the number of workers")}
        kept["load"] = checks.positive("load", self.load, "give the share of capacity that first attempts need")
        for name in ("service_seconds", "timeout", "patience"):
            kept[name] = checks.positive(name, getattr(self, name), "give seconds")
        kept["horizon"] = checks.number("horizon", self.horizon, low=1, remedy="give seconds, at least one")
        for name in ("outage_start", "outage_seconds"):
            kept[name] = checks.not_negative(name, getattr(self, name), "give seconds; an outage of 0 s is none")
        kept["error_rate"] = checks.share("error_rate", self.error_rate, "0.02 is one request in fifty")
        kept["refusal_seconds"] = checks.not_negative("refusal_seconds", self.refusal_seconds, "give seconds")
        for name, remedy in (("longest_wait", "use None for no limit"), ("emptied_at", "use None to keep the queue")):
            if getattr(self, name) is not None:
                kept[name] = checks.positive(name, getattr(self, name), remedy)
        for name in ("retries", "queue_limit"):
            if getattr(self, name) is not None:
                kept[name] = checks.count(name, getattr(self, name), "use None for no limit", minimum=0)
        for name in ("stalls", "stops_at_patience", "newest_first"):
            checks.truth(name, getattr(self, name), "choose one")
        base, cap = backoff.checked_base_and_cap(self.backoff_base, self.backoff_cap, prefix="backoff_", unit="seconds")
        for name, value in {**kept, "backoff_base": base, "backoff_cap": cap}.items():
            object.__setattr__(self, name, value)

    @property
    def capacity(self) -> float:
        """Requests per second that the server completes when it is never idle."""
        return self.servers / self.service_seconds

    @property
    def outage_end(self) -> float:
        """Second at which the front door opens again."""
        return self.outage_start + self.outage_seconds

    @property
    def backoff_windows(self) -> NDArray[np.float64]:
        """Longest delay in seconds after 1, 2, … failures; the last, which is the cap, stands for all later ones."""
        return backoff.windows(self.backoff_base, self.backoff_cap)


def checked_scenario(scenario: Scenario) -> Scenario:
    """Return the argument `scenario`.

    Args:
        scenario: anything.

    Returns:
        The same.

    Raises:
        ValueError: it is no Scenario.
    """
    if not isinstance(scenario, Scenario):
        raise ValueError(f"scenario must be a Scenario, got {checks.told(scenario)}; write Scenario(load=0.8)")
    return scenario
