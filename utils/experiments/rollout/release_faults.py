"""Request streams of two versions with a known fault in the new one, drawn for many rollouts at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

EVENTS = ("errors", "slow", "orders")


@dataclass(frozen=True)
class Traffic:
    """The service's traffic and the stable version's rates.

    Args:
        per_minute: user visits a minute, both versions together; each is counted once.
        error_rate, slow_rate, order_rate: share of visits that fail, exceed the latency objective, end in an order.
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
        if not (math.isfinite(self.per_minute) and self.per_minute > 0):
            raise ValueError(f"per_minute must be positive, got {self.per_minute!r}; use for example 10_000")
        for name in ("error_rate", "slow_rate", "order_rate"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must lie between 0 and 1, got {getattr(self, name)!r}; pass a share of visits"
                )
        for name in ("shared_noise", "arm_noise"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)!r}; use 0 for none")
        if not 0 <= self.persistence < 1:
            raise ValueError(f"persistence must be in [0, 1), got {self.persistence!r}; use 0 for independent minutes")

    @property
    def rates(self) -> np.ndarray:
        """The stable version's rates in the order of `EVENTS`, shape (3,)."""
        return np.array([self.error_rate, self.slow_rate, self.order_rate])

    @property
    def ratio_noise(self) -> float:
        """Long-run variance a minute of the log ratio of the arms: 2σ²(1 + φ) / (1 − φ) for AR(1) noise in each."""
        return 2 * self.arm_noise**2 * (1 + self.persistence) / (1 - self.persistence)


@dataclass(frozen=True)
class Release:
    """What is true of a new version, as ratios to the stable version's rates.

    Args:
        name: for tables.
        errors, slow, orders: canary rate ÷ stable rate once the fault acts.
        grows_over: minutes over which the fault grows linearly from nothing to its ratio, 0 for at once.
        from_share: share of the traffic from which the fault acts.
        incident: first and last minute of an incident that multiplies errors and slow answers of *both* versions.
        incident_ratio: by how much.

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

    def __post_init__(self) -> None:
        for name in ("errors", "slow", "orders", "incident_ratio"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be a positive ratio, got {getattr(self, name)!r}; use 1 for no change")
        if not 0 <= self.grows_over < math.inf:
            raise ValueError(f"grows_over must be 0 or more minutes, got {self.grows_over!r}; use 0 for at once")
        if not 0 <= self.from_share <= 1:
            raise ValueError(f"from_share must be from 0 to 1, got {self.from_share!r}; use 0 for every share")

    @property
    def is_faulty(self) -> bool:
        """Whether the release is worse than the stable version in anything."""
        return self.errors > 1 or self.slow > 1 or self.orders < 1

    def ratios(self, minute: float, share) -> np.ndarray:
        """Return the true ratios at a minute since the release, shape (3, …) for shares of shape (…)."""
        share = np.asarray(share, float)
        grown = 1.0 if self.grows_over == 0 else min(minute / self.grows_over, 1.0)
        acting = grown * (share >= self.from_share)
        full = np.array([self.errors, self.slow, self.orders]).reshape(3, *([1] * share.ndim))
        return 1 + (full - 1) * acting

    def both_arms(self, minute: float) -> np.ndarray:
        """Return by how much an incident multiplies the rates of both versions at a minute, shape (3,)."""
        acts = self.incident is not None and self.incident[0] <= minute <= self.incident[1]
        return np.array([self.incident_ratio, self.incident_ratio, 1.0]) if acts else np.ones(3)


FAULTS = (
    Release("errors", errors=5.0),
    Release("latency tail", slow=3.0),
    Release("business only", orders=0.75),
    Release("slow leak", slow=8.0, grows_over=240.0),
    Release("high share only", errors=3.0, slow=2.0, from_share=0.5),
)
HEALTHY = (
    Release("healthy"),
    Release("healthy, incident in both", incident=(20.0, 40.0)),
)


class Noise:
    """Log rates that wander from minute to minute (AR(1)), stationary from the start.

    Args:
        deviation: standard deviation, 0 or more.
        persistence: lag-one autocorrelation in [0, 1).
        shape: shape of the values, runs last.
        rng: source of randomness.
    """

    def __init__(self, deviation: float, persistence: float, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self._deviation, self._persistence, self._rng = deviation, persistence, rng
        self.values = deviation * rng.standard_normal(shape) if deviation else np.zeros(shape)

    def step(self) -> None:
        """Move on by one minute."""
        if self._deviation:
            fresh = self._deviation * math.sqrt(1 - self._persistence**2) * self._rng.standard_normal(self.values.shape)
            self.values = self._persistence * self.values + fresh

    def keep(self, runs: np.ndarray) -> None:
        """Drop the runs that have ended."""
        self.values = self.values[..., runs]


def true_rates(release: Release, traffic: Traffic, minute: float, share: np.ndarray, shared, own) -> np.ndarray:
    """Return each arm's true rates, shape (2, 3, runs), stable first.

    Args:
        release: the new version.
        traffic: the service.
        minute: minutes since the release.
        share: the canary's share in each run, shape (runs,).
        shared: log noise of both arms, shape (2, runs) for errors and slow answers.
        own: log noise of each arm, shape (2, 2, runs), stable first.
    """
    rates = np.empty((2, 3, share.size))
    rates[:] = (traffic.rates * release.both_arms(minute))[None, :, None]
    rates[:, :2] *= np.exp(shared[None] + own)
    rates[1] *= release.ratios(minute, share)
    return np.minimum(rates, 1.0)


def draw_minute(rates: np.ndarray, traffic: Traffic, share: np.ndarray, rng: np.random.Generator):
    """Draw one minute of both arms.

    Args:
        rates: true rates, shape (2, 3, runs), stable first.
        traffic: the service.
        share: the canary's share in each run, shape (runs,).
        rng: source of randomness.

    Returns:
        Visits of shape (2, runs) and events of shape (2, 3, runs), stable first.
    """
    visits = rng.poisson(traffic.per_minute * np.stack([1 - share, share]))
    return visits, rng.binomial(visits[:, None, :], rates)
