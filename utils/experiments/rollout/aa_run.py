"""An A/A run: the same version on both sides, to measure how far equal versions stray beyond what counting does."""

import math

import numpy as np
from numpy.typing import NDArray

from utils.experiments.rollout.traffic import Traffic, check_persistence
from utils.foundation import checks

__all__ = ["autoregressive", "noise_of_equal_versions"]

MOST_HOURS = 10_000  # more than a year
MINUTES_AN_HOUR = 60


def autoregressive(persistence: float, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return standard normal series along the last axis, each value correlated with the one before.

    Args:
        persistence: lag-one autocorrelation, in [0, 1).
        shape: shape of the series, time last.
        rng: source of randomness.

    Returns:
        AR(1) series, stationary from the start, of the shape asked for.

    Raises:
        ValueError: if the persistence is out of its range.
    """
    check_persistence(persistence)
    series = rng.standard_normal(shape)
    for t in range(1, shape[-1]):
        series[..., t] = persistence * series[..., t - 1] + math.sqrt(1 - persistence**2) * series[..., t]
    return series


def noise_of_equal_versions(
    traffic: Traffic, share: float, *, hours: int = 336, rng: np.random.Generator | int
) -> float:
    """Run an A/A test at a step's size and return the noise that a `Guardrail` has to know.

    Slow answers are counted hour by hour on both sides. Of the variance of the log ratio of the two counts, what
    counting alone would do is taken off: one over each count, summed.

    Args:
        traffic: the service; `arm_noise` is what is to be measured.
        share: the canary's share in the step.
        hours: how long the run lasts, at least 2.
        rng: a numpy generator or a seed.

    Returns:
        Variance, per minute, of the log ratio of the two sides' rates beyond counting; 0 or more.

    Raises:
        ValueError: if the share or the hours are out of their range, or a side counted nothing in all hours.

    References:
        Gart and Zweifel (1967), "On the bias of various estimators of the logit and its variance", *Biometrika* 54,
        on adding a half to each count.
    """
    share = checks.fraction("share", share, "pass the share of a step before the last")
    hours = checks.count("hours", hours, "use for example 336, two weeks", minimum=2, maximum=MOST_HOURS)
    rng = checks.seeded("rng", rng)
    deviation = traffic.arm_noise * traffic.arm_scale(share)[:, None]
    wander = deviation * autoregressive(traffic.persistence, (2, MINUTES_AN_HOUR * hours), rng)
    rates = traffic.slow_rate * np.exp(wander - deviation**2 / 2)
    counts = rng.poisson(traffic.per_minute * np.array([[1 - share], [share]]) * rates)
    hourly = counts.reshape(2, hours, MINUTES_AN_HOUR).sum(axis=2)
    if not hourly.any(axis=1).all():
        raise ValueError(f"share must leave slow answers on both sides, got {share}; raise it")
    hourly = hourly + 0.5  # so that an hour without any has a logarithm (Haldane, Anscombe)
    ratio = np.log(hourly[1] / hourly[0])
    return max(MINUTES_AN_HOUR * float(ratio.var(ddof=1) - (1 / hourly).sum(axis=0).mean()), 0.0)
