"""Exercises of lesson 20, drift detection."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def quiet_days_that_alarm(threshold: float, n: int, m: int, bins: int) -> float:
    """Return the share of quiet days on which PSI exceeds the threshold, by the limit law.

    n, m: rows of the reference and of the day. bins: number of bins.
    """
    return stats.chi2.sf(threshold / (1 / n + 1 / m), bins - 1)


def first_alarm(values: Sequence[float], target: float, slack: float, threshold: float) -> int:
    """Return the step, counted from 0, at which an upward CUSUM first exceeds the threshold; -1 if it never does.

    values: sequence of numbers. target: their mean without drift. slack: departure that is tolerated.
    """
    total = 0.0
    for step, value in enumerate(values):
        total = max(0.0, total + value - target - slack)
        if total > threshold:
            return step
    return -1


def cheapest_detector(
    false_alarm_rate: Sequence[float],
    delay: Sequence[float],
    quiet_periods: float,
    changes: float,
    cost_of_alarm: float,
    loss_per_visit: float,
) -> int:
    """Return the index of the detector that costs least in a year.

    false_alarm_rate: probability of a false alarm in one quiet period, for each detector.
    delay: visits until it finds a change, for each detector.
    quiet_periods, changes: number of each in a year.
    cost_of_alarm: euros for the morning that a false alarm takes.
    loss_per_visit: euros lost on each visit while a change is not found.
    """
    false_alarms = quiet_periods * np.asarray(false_alarm_rate) * cost_of_alarm
    late = changes * np.asarray(delay) * loss_per_visit
    return int(np.argmin(false_alarms + late))


def _cusum(
    values: Sequence[float],
    target: float,
    slack: float,
    threshold: float,
    *,
    floor: bool = True,
    two_sided: bool = False,
    first_step: int = 0,
) -> int:
    up = down = 0.0
    for step, value in enumerate(values, start=first_step):
        up, down = up + value - target - slack, down - value + target - slack
        if floor:
            up, down = max(0.0, up), max(0.0, down)
        if up > threshold or (two_sided and down > threshold):
            return step
    return -1


def _one_value_at_a_time(values: Sequence[float], target: float, slack: float, threshold: float) -> int:
    return next((step for step, value in enumerate(values) if value - target - slack > threshold), -1)


def _cusum_cases() -> list[tuple]:
    quiet_then_up = [0.0, -1.0, 0.5, -2.0, -1.0, 2.0, 1.5, 2.0, 1.0]
    return [
        (quiet_then_up, 0.0, 0.25, 3.0),
        (quiet_then_up, 0.0, 0.0, 4.9),
        ([0.0, 1.0, -6.0, -6.0, 0.0], 0.0, 0.5, 4.0),
        ([2.0, 2.5, 3.0, 2.0, 2.5, 3.0], 2.0, 0.4, 0.8),
        ([0.0, 0.0, 9.0], 0.0, 0.5, 5.0),
        ([1.0] * 5, 0.0, 0.25, 2.0),
        ([0.1] * 40, 0.0, 0.1, 1.05),
        ([1.0] * 5, 0.0, 0.5, 1.0),  # at the threshold is not above it
        ([3.0, -3.0, 3.0, 3.0], 0.0, 0.5, 3.0),
        ([-1.0, 5.0, 5.0], 1.0, 0.5, 3.0),
    ]


def _detector_cases() -> list[tuple]:
    rates, delays = [0.01, 0.05, 0.2, 0.4], [900.0, 400.0, 250.0, 200.0]
    return [
        (rates, delays, 100, 4, 300.0, 1.0),
        (rates, delays, 100, 4, 300.0, 3.0),
        (rates, delays, 100, 1, 50.0, 0.1),
        (rates, delays, 100, 12, 50.0, 4.0),
        (rates, delays, 100, 12, 50.0, 1.0),
        (rates, delays, 50, 24, 1_000.0, 2.0),
        ([0.3, 0.02], [100.0, 1_000.0], 120, 2, 200.0, 3.0),
    ]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how often a rule cries wolf",
        task=(
            "A colleague sets the alarm at a fixed PSI. Without drift, PSI follows (1/n + 1/m) times a χ² with "
            "bins − 1 degrees of freedom. On which share of quiet days does the alarm go off? `stats` is scipy's."
        ),
        solution=quiet_days_that_alarm,
        cases=lambda: [(0.1, 100, 100, 10), (0.2, 200, 100, 10), (0.1, 5_000, 150, 20), (0.05, 400, 1_000, 5)],
        mistakes=(
            Mistake(
                "degrees of freedom",
                lambda threshold, n, m, bins: stats.chi2.sf(threshold / (1 / n + 1 / m), bins),
                "You use as many degrees of freedom as bins. The shares add up to one, so the last bin is not free.",
            ),
            Mistake(
                "quiet days without alarm",
                lambda threshold, n, m, bins: stats.chi2.cdf(threshold / (1 / n + 1 / m), bins - 1),
                "That is the share of days that stay below the threshold. The alarm is the other tail.",
            ),
            Mistake(
                "pooled rows",
                lambda threshold, n, m, bins: stats.chi2.sf(threshold * (n + m), bins - 1),
                "You scale by 1/(n + m), as if the samples were one. Each has noise of its own: 1/n + 1/m.",
            ),
            Mistake(
                "exact reference",
                lambda threshold, n, m, bins: stats.chi2.sf(threshold * m, bins - 1),
                "You take the reference's shares for exact. It is a sample too, and adds 1/n.",
            ),
        ),
        hints=(
            "If PSI is a factor times a χ², then PSI exceeds the threshold when the χ² exceeds threshold over factor.",
            "`stats.chi2.sf(x, df)` is the probability of exceeding x.",
        ),
        praise="So a rule of thumb is a statement about sample size. Ask for n before you ask for the PSI.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a CUSUM",
        task=(
            "Write the detector that found the winter menu, for one stream and one direction. The sum takes the excess "
            "of each value over the target, less the slack. It never falls below zero: a good week buys no credit."
        ),
        solution=first_alarm,
        cases=_cusum_cases,
        mistakes=(
            Mistake(
                "no floor",
                lambda *case: _cusum(*case, floor=False),
                "Your sum goes below zero in good times, and has to climb all the way back before it can alarm.",
            ),
            Mistake(
                "no slack",
                lambda values, target, slack, threshold: _cusum(values, target, 0.0, threshold),
                "You leave out the slack, so the sum creeps up on departures that should be tolerated.",
            ),
            Mistake(
                "both directions",
                lambda *case: _cusum(*case, two_sided=True),
                "You alarm when the values fall as well. The task asks for an upward CUSUM.",
            ),
            Mistake(
                "one value at a time",
                _one_value_at_a_time,
                "You compare each value by itself. A small shift shows only in the sum.",
            ),
            Mistake(
                "counted from one",
                lambda *case: _cusum(*case, first_step=1),
                "The steps are counted from 0, and yours from 1.",
            ),
        ),
        hints=(
            "Carry one number from step to step. What happens to it when a value is below the target?",
            "`total = max(0, total + value - target - slack)`, and the alarm when it exceeds the threshold.",
        ),
        praise="Six lines, known since 1954, and the best detector of this lesson once it looks at the right slice.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="the price of a threshold",
        task=(
            "The plane shows what each detector does; what it costs depends on you. A false alarm takes somebody's "
            "morning. A change not found loses money on every visit. Choose the detector that costs least in a year."
        ),
        solution=cheapest_detector,
        cases=_detector_cases,
        mistakes=(
            Mistake(
                "fewest false alarms",
                lambda rate, delay, *rest: int(np.argmin(rate)),
                "You always take the detector with the fewest false alarms. What does its delay cost?",
            ),
            Mistake(
                "shortest delay",
                lambda rate, delay, *rest: int(np.argmin(delay)),
                "You always take the fastest detector. It alarms on quiet days, and each of those costs a morning.",
            ),
            Mistake(
                "one quiet period",
                lambda rate, delay, periods, changes, cost, loss: int(
                    np.argmin(np.asarray(rate) * cost + changes * np.asarray(delay) * loss)
                ),
                "You count the false alarms of one quiet period. There are many in a year, and each can alarm.",
            ),
            Mistake(
                "one change",
                lambda rate, delay, periods, changes, cost, loss: int(
                    np.argmin(periods * np.asarray(rate) * cost + np.asarray(delay) * loss)
                ),
                "You count the delay once. It is paid at every change of the year.",
            ),
        ),
        hints=(
            "Add up two bills for a year: mornings lost to false alarms, revenue lost before the alarm.",
            "Quiet periods × rate × cost of an alarm, plus changes × delay × loss per visit; then the smallest.",
        ),
        praise="A threshold is a price, not a property of the data: where changes are rare, be slow to wake people.",
    ),
)
