"""Detectors of a change in the mean of a stream, and how to judge them: false alarms against delay.

A detector is a statistic that grows while the stream departs from its past, and a threshold. The functions here take
many runs at once, shape (runs, steps), so that one sweep over thresholds draws the whole trade-off.
"""

from typing import NamedTuple

import numpy as np

NO_ALARM = -1
SIGNS = {"up": (1,), "down": (-1,), "both": (1, -1)}


class PageHinkley:
    """Page-Hinkley test on one stream, a value at a time.

    It sums the deviations from the running mean, less a slack, and alarms when the sum has risen by more than the
    threshold above its lowest point.

    Args:
        threshold: rise that alarms, in units of the stream times steps, positive.
        slack: drift of the mean that is tolerated, in units of the stream, not negative.
        min_steps: steps before the first alarm.
        forgetting: factor on the past sum, in (0, 1]; 1 forgets nothing.
        direction: "up", "down" or "both".

    Raises:
        ValueError: an option out of range.

    Source: E. Page, "Continuous inspection schemes", Biometrika 41 (1954); J. Gama et al., "A survey on concept drift
    adaptation", ACM Computing Surveys 46 (2014).

    >>> detector = PageHinkley(threshold=3, slack=0.1, min_steps=2)
    >>> [detector.update(value) for value in (0, 0, 0, 4, 4)]
    [False, False, False, False, True]
    """

    def __init__(self, threshold=50.0, *, slack=0.005, min_steps=30, forgetting=1.0, direction="both"):
        self.threshold = _positive(threshold, "threshold")
        _check_options(slack, min_steps, forgetting, direction)
        self.slack, self.min_steps, self.forgetting, self.direction = slack, min_steps, forgetting, direction
        self.reset()

    def reset(self):
        """Forget the stream, as after an alarm that was handled."""
        self.steps, self.mean, self.statistic = 0, 0.0, 0.0
        self._sums = dict.fromkeys(SIGNS[self.direction], 0.0)
        self._lowest = dict.fromkeys(SIGNS[self.direction], 0.0)

    def update(self, value) -> bool:
        """Take the next value and say whether the detector alarms now.

        Args:
            value: a finite number.

        Returns:
            True if the statistic is above the threshold.

        Raises:
            ValueError: the value is NaN or infinite.
        """
        if not np.isfinite(value):
            raise ValueError(f"value must be finite, got {value}; leave missing values out of the stream")
        self.steps += 1
        self.mean += (value - self.mean) / self.steps
        for sign in self._sums:
            self._sums[sign] = self.forgetting * self._sums[sign] + sign * (value - self.mean) - self.slack
            self._lowest[sign] = min(self._lowest[sign], self._sums[sign])
        self.statistic = max(self._sums[sign] - self._lowest[sign] for sign in self._sums)
        return self.steps >= self.min_steps and self.statistic > self.threshold


def page_hinkley_statistic(streams, *, slack=0.005, min_steps=30, forgetting=1.0, direction="both") -> np.ndarray:
    """Page-Hinkley statistic after every step of many streams, without resets.

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

    >>> page_hinkley_statistic([0, 0, 0, 4, 4], slack=0.1, min_steps=1).round(2)
    array([0. , 0. , 0. , 2.9, 5.2])
    """
    streams = _streams(streams)
    _check_options(slack, min_steps, forgetting, direction)
    mean = np.cumsum(streams, axis=-1) / np.arange(1, streams.shape[-1] + 1)
    deviation = streams - mean
    statistic = np.max([_rise(sign * deviation - slack, forgetting) for sign in SIGNS[direction]], axis=0)
    statistic[..., : min_steps - 1] = 0.0
    return statistic


def cusum_statistic(streams, *, target, slack, direction="both") -> np.ndarray:
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

    Source: E. Page, "Continuous inspection schemes", Biometrika 41 (1954).

    >>> cusum_statistic([0, 1, -1, 1, 1], target=0, slack=0.25, direction="up")
    array([0.  , 0.75, 0.  , 0.75, 1.5 ])
    """
    streams = _streams(streams)
    _check_options(slack, 1, 1.0, direction)
    if not np.isfinite(target):
        raise ValueError(f"target must be finite, got {target}; take the mean of a reference period")
    return np.max([_rise(sign * (streams - target) - slack, 1.0) for sign in SIGNS[direction]], axis=0)


def first_alarm(statistic, threshold) -> np.ndarray:
    """First step, counted from 0, at which the statistic is above the threshold.

    Args:
        statistic: shape (runs, steps) or (steps,).
        threshold: number, or array of shape (steps,) for a limit that moves.

    Returns:
        Integers of shape (runs,); NO_ALARM, which is -1, where it never is.

    Raises:
        ValueError: empty or not finite statistic, NaN in the threshold.

    >>> first_alarm([[0, 2, 3], [0, 1, 1]], threshold=1.5).tolist()
    [1, -1]
    """
    statistic = np.atleast_2d(_streams(statistic, "statistic"))
    if np.isnan(threshold).any():
        raise ValueError("threshold must not be NaN; use infinity where no alarm is wanted")
    above = statistic > threshold
    return np.where(above.any(axis=1), above.argmax(axis=1), NO_ALARM)


def adwin_first_alarm(streams, *, confidence=0.002, check_every=32) -> np.ndarray:
    """First step at which river's ADWIN reports a change, for each of many streams.

    Args:
        streams: shape (runs, steps) or (steps,), finite; one call of river's detector a value.
        confidence: ADWIN's delta, in (0, 1): smaller alarms less.
        check_every: steps between ADWIN's tests.

    Returns:
        Integers of shape (runs,); NO_ALARM where no change was reported.

    Raises:
        ValueError: empty or not finite streams, confidence outside (0, 1), check_every below 1.

    Source: A. Bifet and R. Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007.
    """
    from river.drift import ADWIN

    streams = np.atleast_2d(_streams(streams))
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}; river's default is 0.002")
    if check_every < 1:
        raise ValueError(f"check_every must be at least 1 step, got {check_every}; river's default is 32")
    alarms = np.full(len(streams), NO_ALARM)
    for run, stream in enumerate(streams.tolist()):
        detector = ADWIN(delta=confidence, clock=int(check_every))
        for step, value in enumerate(stream):
            detector.update(value)
            if detector.drift_detected:
                alarms[run] = step
                break
    return alarms


class DetectorOutcome(NamedTuple):
    """What a detector did over many runs with one change each; shares of runs, delays in steps."""

    false_alarm_rate: float  # runs whose first alarm came before the change
    detection_rate: float  # of the other runs, those that alarmed at or after it
    median_delay: float  # over the runs without false alarm; infinite if half of them never alarmed
    mean_delay: float  # over detected changes


def judge(alarms, change) -> DetectorOutcome:
    """False-alarm rate and detection delay from the first alarm of each run.

    Args:
        alarms: shape (runs,), first alarm or NO_ALARM, as from `first_alarm`.
        change: step at which the stream changed, positive.

    Returns:
        DetectorOutcome; delays count from 0, the step of the change itself; NaN where nothing can be said.

    Raises:
        ValueError: no runs, or a change that is not positive.

    >>> judge([3, 12, 14, NO_ALARM], change=10)
    DetectorOutcome(false_alarm_rate=0.25, detection_rate=0.6666666666666666, median_delay=4.0, mean_delay=3.0)
    """
    alarms = np.asarray(alarms)
    if alarms.ndim != 1 or len(alarms) == 0:
        raise ValueError(f"alarms must hold one first alarm a run, got shape {alarms.shape}; see first_alarm")
    change = _positive(change, "change")
    early = (alarms != NO_ALARM) & (alarms < change)
    late = alarms[~early]
    if len(late) == 0:
        return DetectorOutcome(1.0, np.nan, np.nan, np.nan)
    found = late != NO_ALARM
    delay = np.where(found, late - change, np.inf)
    mean = float(delay[found].mean()) if found.any() else np.nan
    middle = float(np.sort(delay)[len(delay) // 2])
    return DetectorOutcome(float(early.mean()), float(found.mean()), middle, mean)


def _rise(increments, forgetting):
    """Rise of the running sum above its lowest point, zero included, along the last axis."""
    if forgetting == 1.0:
        sums = np.cumsum(increments, axis=-1)
    else:
        from scipy.signal import lfilter

        sums = lfilter([1.0], [1.0, -forgetting], increments, axis=-1)
    return sums - np.minimum(np.minimum.accumulate(sums, axis=-1), 0.0)


def _streams(values, name="streams"):
    values = np.asarray(values, float)
    if values.ndim not in (1, 2) or values.size == 0:
        raise ValueError(f"{name} must have shape (runs, steps) or (steps,), none of them 0, got {values.shape}")
    if not np.isfinite(values).all():
        got = int((~np.isfinite(values)).sum())
        raise ValueError(f"{name} must be finite, got {got} values that are not; leave missing values out")
    return values


def _check_options(slack, min_steps, forgetting, direction):
    if not slack >= 0:
        raise ValueError(f"slack must not be negative, got {slack}; use 0 to tolerate no drift")
    if not min_steps >= 1:
        raise ValueError(f"min_steps must be at least 1, got {min_steps}; 30 is usual")
    if not 0 < forgetting <= 1:
        raise ValueError(f"forgetting must lie in (0, 1], got {forgetting}; use 1 to forget nothing")
    if direction not in SIGNS:
        raise ValueError(f'direction must be "up", "down" or "both", got {direction!r}')


def _positive(value, name):
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value
