"""Request streams of two versions, drawn minute by minute for many rollouts at once."""

import numpy as np
from numpy.typing import NDArray

from utils.experiments.rollout.releases import Release
from utils.experiments.rollout.traffic import Traffic

__all__ = ["draw_minute", "equal_rates", "true_rates", "with_fault"]


def equal_rates(
    release: Release, traffic: Traffic, minute: float, shared: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each arm's rates as they would be if the canary were as good as the stable version.

    Args:
        release: the new version, of which only an incident of both versions counts here.
        traffic: the service.
        minute: minutes since the release.
        shared: log noise of both arms, shape (2, runs) for errors and slow answers.
        own: log noise of each arm, shape (2, 2, runs), stable first.

    Returns:
        Rates of at most 1, shape (2, 3, runs), stable first, events in the order of `EVENTS`.
    """
    rates = np.empty((2, 3, np.shape(shared)[-1]))
    rates[:] = (traffic.rates * release.both_arms(minute))[None, :, None]
    rates[:, :2] *= np.exp(shared[None] + own)
    return np.minimum(rates, 1.0, out=rates)


def with_fault(
    rates: NDArray[np.float64], release: Release, minute: float, share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rates with the release's fault acting on the canary.

    Args:
        rates: of two equally good arms, shape (2, 3, runs), stable first; left as they are.
        release: the new version.
        minute: minutes since the release.
        share: the canary's share in each run, shape (runs,).

    Returns:
        Rates of at most 1, shape (2, 3, runs).
    """
    rates = rates.copy()
    np.minimum(rates[1] * release.ratios(minute, share), 1.0, out=rates[1])
    return rates


def true_rates(
    release: Release,
    traffic: Traffic,
    minute: float,
    share: NDArray[np.float64],
    shared: NDArray[np.float64],
    own: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return each arm's true rates.

    Args:
        release: the new version.
        traffic: the service.
        minute: minutes since the release.
        share: the canary's share in each run, shape (runs,).
        shared: log noise of both arms, shape (2, runs) for errors and slow answers.
        own: log noise of each arm, shape (2, 2, runs), stable first.

    Returns:
        Rates of at most 1, shape (2, 3, runs), stable first.
    """
    return with_fault(equal_rates(release, traffic, minute, shared, own), release, minute, share)


def draw_minute(
    rates: NDArray[np.float64], traffic: Traffic, share: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw one minute of both arms.

    Args:
        rates: true rates, shape (2, 3, runs), stable first.
        traffic: the service.
        share: the canary's share in each run, shape (runs,).
        rng: source of randomness.

    Returns:
        Visits of shape (2, runs) and events of shape (2, 3, runs), stable first.
    """
    visits = rng.poisson(traffic.per_minute * np.array([1 - share, share]))
    return visits, rng.binomial(visits[:, None, :], rates)
