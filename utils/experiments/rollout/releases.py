"""New versions of which the truth is known: what is worse in them, from when and at which share of the traffic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks

__all__ = ["FAULTS", "HEALTHY", "Release"]

LARGEST_RATIO = 1e9
LONGEST = 1e9  # minutes


@dataclass(frozen=True)
class Release:
    """What is true of a new version, as ratios to the stable version's rates.

    Args:
        name: for tables.
        errors: canary rate ÷ stable rate once the fault acts.
        slow: the same of slow answers.
        orders: the same of orders.
        grows_over: minutes over which the fault grows linearly from nothing to its ratio, 0 for at once.
        from_share: share of the traffic from which the fault acts.
        incident: first and last minute of an incident that multiplies errors and slow answers of *both* versions.
        incident_ratio: by how much.
        incident_adds: whether the incident's own failures are as many in both versions, so that the fault does not
            multiply them and looks smaller while it lasts.

    Raises:
        ValueError: if a value is out of its range.
    """

    name: str
    errors: float = 1.0
    slow: float = 1.0
    orders: float = 1.0
    grows_over: float = 0.0
    from_share: float = 0.0
    incident: tuple[float, float] | None = None
    incident_ratio: float = 5.0
    incident_adds: bool = False

    def __post_init__(self) -> None:
        for name in ("errors", "slow", "orders", "incident_ratio"):
            checks.positive(name, getattr(self, name), "use 1 for no change")
            checks.number(name, getattr(self, name), high=LARGEST_RATIO, remedy="use 1 for no change")
        checks.number("grows_over", self.grows_over, low=0, high=LONGEST, remedy="use 0 for at once")
        checks.share("from_share", self.from_share, "use 0 for every share")
        if not isinstance(self.incident_adds, bool):
            raise ValueError(f"incident_adds must be True or False, got {self.incident_adds!r:.60}; choose one")
        if self.incident is not None:
            minutes = checks.array("incident", self.incident, low=0, high=LONGEST, dimensions=1)
            if len(minutes) != 2 or minutes[0] > minutes[1]:
                raise ValueError(
                    f"incident must be its first and last minute, got {self.incident!r:.60}; use for example (20, 40)"
                )

    @property
    def is_faulty(self) -> bool:
        """Whether the release is worse than the stable version in anything."""
        return self.errors > 1 or self.slow > 1 or self.orders < 1

    def ratios(self, minute: float, share: ArrayLike) -> NDArray[np.float64]:
        """Return the true ratios canary rate ÷ stable rate.

        Args:
            minute: minutes since the release.
            share: the canary's share of the traffic, shape (…).

        Returns:
            Ratios in the order of `EVENTS`, shape (3, …).
        """
        share = np.asarray(share, float)
        grown = 1.0 if self.grows_over == 0 else min(minute / self.grows_over, 1.0)
        acting = grown * (share >= self.from_share)
        full = np.array([self.errors, self.slow, self.orders]).reshape(3, *([1] * share.ndim))
        beside = self.both_arms(minute) if self.incident_adds else np.ones(3)
        return 1 + (full - 1) * acting / beside.reshape(3, *([1] * share.ndim))

    def both_arms(self, minute: float) -> NDArray[np.float64]:
        """Return by how much an incident multiplies the rates of both versions.

        Args:
            minute: minutes since the release.

        Returns:
            Factors in the order of `EVENTS`, shape (3,).
        """
        acts = self.incident is not None and self.incident[0] <= minute <= self.incident[1]
        return np.array([self.incident_ratio, self.incident_ratio, 1.0]) if acts else np.ones(3)


FAULTS = (
    Release("errors", errors=5.0),
    Release("latency tail", slow=3.0),
    Release("business only", orders=0.75),
    Release("slow leak", slow=8.0, grows_over=240.0),
    Release("high share only", errors=3.0, slow=2.0, from_share=0.5),
    Release("half more errors", errors=1.5),
)
HEALTHY = (
    Release("healthy"),
    Release("healthy, incident in both", incident=(20.0, 40.0)),
)
