"""Detectors of a change in the mean of a stream: Page-Hinkley, CUSUM and ADWIN.

A detector is a statistic that grows while the stream departs from its past, and a threshold. The functions here take
many runs at once, shape (runs, steps), so that one sweep over thresholds draws the whole trade-off.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.monitoring.drift.alarm_times import NO_ALARM, checked_streams

__all__ = ["adwin_first_alarm", "cusum_statistic", "page_hinkley_statistic"]

SIGNS = {"up": (1,), "down": (-1,), "both": (1, -1)}


def page_hinkley_statistic(
    streams: ArrayLike,
    *,
    slack: float = 0.005,
    min_steps: int = 30,
    forgetting: float = 1.0,
    direction: str = "both",
) -> NDArray[np.float64]:
    """Page-Hinkley statistic after every step of many streams, without resets.

    It sums the deviations from the running mean, less a slack; the statistic is how far the sum has risen above its
    lowest point.

    Args:
        streams: shape (runs, steps) or (steps,), finite.
        slack: drift of the mean that is tolerated, in units of the stream, not negative.
        min_steps: steps before the first alarm; the statistic is 0 until then.
        forgetting: factor on the past sum, in (0, 1].
        direction: "up", "down" or "both".

    Returns:
        Array of the shape of `streams`; `first_alarm` compares it with a threshold.

    Raises:
        ValueError: empty or not finite streams, or an option out of range.

    References:
        E. Page, "Continuous inspection schemes", Biometrika 41 (1954); J. Gama et al., "A survey on concept drift
        adaptation", ACM Computing Surveys 46 (2014).

    >>> page_hinkley_statistic([0, 0, 0, 4, 4], slack=0.1, min_steps=1).round(2)
    array([0. , 0. , 0. , 2.9, 5.2])
    """
    streams, slack = _bounded(streams), _slack(slack)
    min_steps = checks.count("min_steps", min_steps, "30 is usual")
    remedy = "use 1 to forget nothing"
    forgetting = checks.number("forgetting", forgetting, low=0, high=1, open_low=True, remedy=remedy)
    checks.choice("direction", direction, tuple(SIGNS))
    mean = np.cumsum(streams, axis=-1) / np.arange(1, streams.shape[-1] + 1)
    deviation = streams - mean
    statistic = np.max([_rise(sign * deviation - slack, forgetting) for sign in SIGNS[direction]], axis=0)
    statistic[..., : min_steps - 1] = 0.0
    return statistic


def cusum_statistic(streams: ArrayLike, *, target: float, slack: float, direction: str = "both") -> NDArray[np.float64]:
    """CUSUM statistic after every step: as Page-Hinkley, with the mean before the change known and fixed.

    Args:
        streams: shape (runs, steps) or (steps,), finite.
        target: the mean without drift, from a reference period.
        slack: departure that is tolerated, in units of the stream; half of the shift to be found is the usual choice.
        direction: "up", "down" or "both".

    Returns:
        Array of the shape of `streams`.

    Raises:
        ValueError: empty or not finite streams or target, negative slack, unknown direction.

    References:
        E. Page, "Continuous inspection schemes", Biometrika 41 (1954).

    >>> cusum_statistic([0, 1, -1, 1, 1], target=0, slack=0.25, direction="up")
    array([0.  , 0.75, 0.  , 0.75, 1.5 ])
    """
    streams, slack = _bounded(streams), _slack(slack)
    remedy = "take the mean of a reference period"
    target = checks.number("target", target, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE, remedy=remedy)
    checks.choice("direction", direction, tuple(SIGNS))
    return np.max([_rise(sign * (streams - target) - slack, 1.0) for sign in SIGNS[direction]], axis=0)


def adwin_first_alarm(streams: ArrayLike, *, confidence: float = 0.002, check_every: int = 32) -> NDArray[np.int64]:
    """First step at which river's ADWIN reports a change, for each of many streams.

    Args:
        streams: shape (runs, steps) or (steps,), finite; one call of river's detector a value.
        confidence: ADWIN's delta, in (0, 1): smaller alarms less.
        check_every: steps between ADWIN's tests.

    Returns:
        Integers of shape (runs,); NO_ALARM where no change was reported.

    Raises:
        ValueError: empty or not finite streams, confidence outside (0, 1), check_every below 1.

    References:
        A. Bifet and R. Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007.
    """
    from river.drift import ADWIN

    streams = np.atleast_2d(_bounded(streams))
    confidence = checks.fraction("confidence", confidence, "river's default is 0.002")
    check_every = checks.count("check_every", check_every, "river's default is 32")
    alarms = np.full(len(streams), NO_ALARM)
    for run, stream in enumerate(streams.tolist()):
        detector = ADWIN(delta=confidence, clock=check_every)
        for step, value in enumerate(stream):
            detector.update(value)
            if detector.drift_detected:
                alarms[run] = step
                break
    return alarms


def _bounded(streams: ArrayLike) -> NDArray[np.float64]:
    """Return checked streams whose sums and squares stay finite."""
    found = checked_streams("streams", streams)
    return checks.array("streams", found, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)


def _slack(slack: float) -> float:
    return checks.number("slack", slack, low=0, high=LARGEST_SQUARABLE, remedy="use 0 to tolerate no drift")


def _rise(increments: NDArray[np.float64], forgetting: float) -> NDArray[np.float64]:
    """Rise of the running sum above its lowest point, zero included, along the last axis."""
    if forgetting == 1.0:
        sums = np.cumsum(increments, axis=-1)
    else:
        from scipy.signal import lfilter

        sums = lfilter([1.0], [1.0, -forgetting], increments, axis=-1)
    return sums - np.minimum(np.minimum.accumulate(sums, axis=-1), 0.0)
