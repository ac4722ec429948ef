"""When a detector first alarms, and how to judge it over many runs: false alarms against delay."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import aligned

__all__ = ["NO_ALARM", "DetectorOutcome", "checked_streams", "first_alarm", "judge"]

NO_ALARM = -1


def first_alarm(statistic: ArrayLike, threshold: ArrayLike) -> NDArray[np.int64]:
    """First step, counted from 0, at which the statistic is above the threshold.

    Args:
        statistic: shape (runs, steps) or (steps,).
        threshold: number, or array of shape (steps,) for a limit that moves; infinite where no alarm is wanted.

    Returns:
        Integers of shape (runs,); NO_ALARM, which is -1, where it never is.

    Raises:
        ValueError: empty or not finite statistic, or a threshold that is NaN, masked, no number, of another shape or
            labeled otherwise.

    >>> first_alarm([[0, 2, 3], [0, 1, 1]], threshold=1.5).tolist()
    [1, -1]
    """
    threshold = aligned("threshold", threshold, "statistic", statistic)
    statistic = np.atleast_2d(checked_streams("statistic", statistic))
    above = statistic > _limit(threshold, statistic.shape[1])
    return np.where(above.any(axis=1), above.argmax(axis=1), NO_ALARM)


class DetectorOutcome(NamedTuple):
    """What a detector did over many runs with one change each; shares of runs, delays in steps."""

    false_alarm_rate: float  # runs whose first alarm came before the change
    detection_rate: float  # of the other runs, those that alarmed at or after it
    median_delay: float  # over the runs without false alarm; infinite if half of them never alarmed
    mean_delay: float  # over detected changes


def judge(alarms: ArrayLike, change: float) -> DetectorOutcome:
    """False-alarm rate and detection delay from the first alarm of each run.

    Args:
        alarms: shape (runs,), whole numbers: first alarm or NO_ALARM, as from `first_alarm`.
        change: step at which the stream changed, positive.

    Returns:
        DetectorOutcome; delays count from 0, the step of the change itself; NaN where nothing can be said.

    Raises:
        ValueError: no runs, alarms that are no steps, or a change that is not positive.

    >>> judge([3, 12, 14, NO_ALARM], change=10)
    DetectorOutcome(false_alarm_rate=0.25, detection_rate=0.6666666666666666, median_delay=4.0, mean_delay=3.0)
    """
    alarms = checks.array("alarms", alarms, low=NO_ALARM, dimensions=1, remedy="see first_alarm")
    if (alarms != np.floor(alarms)).any():
        raise ValueError(f"alarms must hold whole numbers, got {checks.told(alarms)}; see first_alarm")
    change = checks.positive("change", change, "give the step at which the stream changed")
    early = (alarms != NO_ALARM) & (alarms < change)
    late = alarms[~early]
    if len(late) == 0:
        return DetectorOutcome(1.0, np.nan, np.nan, np.nan)
    found = late != NO_ALARM
    delay = np.where(found, late - change, np.inf)
    mean = float(delay[found].mean()) if found.any() else np.nan
    middle = float(np.sort(delay)[len(delay) // 2])
    return DetectorOutcome(float(early.mean()), float(found.mean()), middle, mean)


def checked_streams(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return streams as floats.

    Args:
        name: the argument's name, for the message.
        values: shape (runs, steps) or (steps,).

    Returns:
        Array of float64 of the same shape.

    Raises:
        ValueError: empty, not finite, not numeric, or of more than two dimensions.
    """
    found = checks.array(name, values, remedy="leave missing values out")
    if found.ndim > 2:
        raise ValueError(f"{name} must have shape (runs, steps) or (steps,), got {found.shape}; reshape it")
    return found


def _limit(threshold: ArrayLike, steps: int) -> NDArray[np.float64]:
    if np.ma.is_masked(threshold):
        got = np.ma.count_masked(threshold)
        raise ValueError(f"threshold must not be masked, got {got} masked values; use infinity for no alarm")
    limit = np.asarray(threshold)
    if limit.dtype.kind not in "iuf" or limit.shape not in ((), (steps,)):
        got = f"{limit.dtype} of shape {limit.shape}"
        raise ValueError(f"threshold must be a number or one for each of {steps} steps, got {got}; pass one number")
    if np.isnan(limit).any():
        raise ValueError(f"threshold must not be NaN, got {np.isnan(limit).sum()}; use infinity for no alarm")
    return limit.astype(float)
