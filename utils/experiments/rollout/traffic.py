"""The service's traffic: how many visits a minute, how often they fail, are slow or end in an order, and noise."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks

__all__ = ["EVENTS", "Noise", "Traffic"]

EVENTS = ("errors", "slow", "orders")
MOST_VISITS = 1e12  # a minute; numpy's Poisson ends at 9e18
LARGEST_NOISE = 10.0  # a rate that wanders by e^10 is no rate


@dataclass(frozen=True)
class Traffic:
    """The service's traffic and the stable version's rates.

    Args:
        per_minute: user visits a minute, both versions together; each is counted once.
        error_rate: share of visits that fail.
        slow_rate: share of visits that exceed the latency objective.
        order_rate: share of visits that end in an order.
        shared_noise: standard deviation of the log rate of errors and slow answers that both versions meet alike
            (rhythm, dependencies), 0 for none.
        arm_noise: standard deviation of such noise that each version meets on its own (its pods, its cache).
        persistence: lag-one autocorrelation of both noises, from one minute to the next.

    Raises:
        ValueError: if a value is out of its range.
    """

    per_minute: float = 10_000
    error_rate: float = 0.001
    slow_rate: float = 0.01
    order_rate: float = 0.05
    shared_noise: float = 0.0
    arm_noise: float = 0.0
    persistence: float = 0.8

    def __post_init__(self) -> None:
        checks.positive("per_minute", self.per_minute, "use for example 10_000")
        checks.number("per_minute", self.per_minute, high=MOST_VISITS, remedy="use for example 10_000")
        for name in ("error_rate", "slow_rate", "order_rate"):
            checks.fraction(name, getattr(self, name), "pass a share of visits")
        for name in ("shared_noise", "arm_noise"):
            checks.number(name, getattr(self, name), low=0, high=LARGEST_NOISE, remedy="use 0 for none")
        _check_persistence(self.persistence)

    @property
    def rates(self) -> NDArray[np.float64]:
        """The stable version's rates in the order of `EVENTS`, shape (3,)."""
        return np.array([self.error_rate, self.slow_rate, self.order_rate])

    @property
    def ratio_noise(self) -> float:
        """Long-run variance a minute of the log ratio of the arms: 2σ²(1 + φ) / (1 − φ) for AR(1) noise in each."""
        return 2 * self.arm_noise**2 * (1 + self.persistence) / (1 - self.persistence)


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
        _check_persistence(persistence)
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


def _check_persistence(persistence: float) -> None:
    if checks.number("persistence", persistence, low=0, high=1, remedy="use 0 for independent minutes") == 1:
        raise ValueError("persistence must be below 1, got 1; use 0 for independent minutes")
