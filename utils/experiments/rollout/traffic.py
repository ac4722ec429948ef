"""The service's traffic: how many visits a minute, how often they fail, are slow or end in an order, and noise."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.world.scale import PLATTER

__all__ = ["EVENTS", "Noise", "Traffic", "check_persistence"]

EVENTS = ("errors", "slow", "orders")
MOST_VISITS = 1e12  # a minute; numpy's Poisson ends at 9e18
MOST_MACHINES = 10**9
LARGEST_NOISE = 10.0  # a rate that wanders by e^10 is no rate


@dataclass(frozen=True)
class Traffic:
    """The service's traffic and the stable version's rates; by default Platter's in the busiest minute of Friday.

    Args:
        per_minute: user visits a minute, both versions together; each is counted once.
        error_rate: share of visits that fail.
        slow_rate: share of visits that exceed the latency objective.
        order_rate: share of visits that end in an order.
        shared_noise: standard deviation of the log rate of errors and slow answers that both versions meet alike
            (rhythm, dependencies), 0 for none.
        arm_noise: standard deviation of such noise that each machine meets on its own (its neighbors, its cache); a
            version that runs on m machines wanders by this divided by √m.
        machines: how many serve all of the traffic; a version has its share of them, and at least one.
        persistence: lag-one autocorrelation of both noises, from one minute to the next.

    Raises:
        ValueError: if a value is out of its range.
    """

    per_minute: float = 60 * PLATTER.friday_peak_visits_per_second
    error_rate: float = 0.001
    slow_rate: float = 0.01
    order_rate: float = PLATTER.orders_per_visit
    shared_noise: float = 0.0
    arm_noise: float = 0.0
    machines: int = 100
    persistence: float = 0.8

    def __post_init__(self) -> None:
        checks.positive("per_minute", self.per_minute, "use for example 10_000")
        checks.number("per_minute", self.per_minute, high=MOST_VISITS, remedy="use for example 10_000")
        for name in ("error_rate", "slow_rate", "order_rate"):
            checks.fraction(name, getattr(self, name), "pass a share of visits")
        for name in ("shared_noise", "arm_noise"):
            checks.number(name, getattr(self, name), low=0, high=LARGEST_NOISE, remedy="use 0 for none")
        object.__setattr__(
            self, "machines", checks.count("machines", self.machines, "use for example 100", maximum=MOST_MACHINES)
        )
        check_persistence(self.persistence)

    @property
    def rates(self) -> NDArray[np.float64]:
        """The stable version's rates in the order of `EVENTS`, shape (3,)."""
        return np.array([self.error_rate, self.slow_rate, self.order_rate])

    def arm_scale(self, share: ArrayLike) -> NDArray[np.float64]:
        """Return by how much the machines of each version average their noise out: one over the root of their number.

        Args:
            share: the canary's share of the traffic, shape (…).

        Returns:
            Factors of shape (2, …), stable first.
        """
        share = np.asarray(share, float)
        return 1 / np.sqrt(np.maximum(self.machines * np.stack([1 - share, share]), 1))

    def ratio_noise(self, share: float) -> float:
        """Return the long-run variance a minute of the log ratio of two equal versions at a step.

        Args:
            share: the canary's share of the traffic.

        Returns:
            σ²(1 + φ) / (1 − φ) for the AR(1) noise of each machine, divided by the machines of each version, summed.

        Raises:
            ValueError: if the share is not between 0 and 1.
        """
        scales = self.arm_scale(checks.fraction("share", share, "pass the share of a step before the last"))
        return float((scales**2).sum()) * self.arm_noise**2 * (1 + self.persistence) / (1 - self.persistence)


class Noise:
    """Log rates that wander from minute to minute (AR(1)), stationary from the start.

    Args:
        deviation: standard deviation, 0 or more.
        persistence: lag-one autocorrelation in [0, 1).
        shape: shape of the values, runs last.
        rng: source of randomness.

    Raises:
        ValueError: if the deviation or the persistence is out of its range.
    """

    def __init__(self, deviation: float, persistence: float, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        checks.number("deviation", deviation, low=0, high=LARGEST_NOISE, remedy="use 0 for none")
        check_persistence(persistence)
        self._deviation, self._persistence, self._rng = deviation, persistence, rng
        self.values = deviation * rng.standard_normal(shape) if deviation else np.zeros(shape)

    def step(self) -> None:
        """Move on by one minute."""
        if self._deviation:
            fresh = self._deviation * math.sqrt(1 - self._persistence**2) * self._rng.standard_normal(self.values.shape)
            self.values = self._persistence * self.values + fresh

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Drop the runs that have ended.

        Args:
            runs: which runs go on, shape (runs,).
        """
        self.values = self.values[..., runs]


def check_persistence(persistence: float) -> None:
    """Refuse what is no lag-one autocorrelation of a stationary series.

    Args:
        persistence: in [0, 1).

    Raises:
        ValueError: out of this range.
    """
    if checks.number("persistence", persistence, low=0, high=1, remedy="use 0 for independent minutes") == 1:
        raise ValueError("persistence must be below 1, got 1; use 0 for independent minutes")
