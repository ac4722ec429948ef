"""Exercises of lesson 20, drift detection."""

from collections.abc import Sequence

from scipy import stats

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def quiet_days_that_alarm(threshold: float, n: int, m: int, bins: int) -> float:
    """Return the share of quiet days with PSI above the threshold, by the limit law.

    n, m: rows of the reference and of the day. bins: number of bins.
    """
    return stats.chi2.sf(threshold / (1 / n + 1 / m), bins - 1)


def first_alarm(values: Sequence[float], target: float, slack: float, threshold: float) -> int:
    """Return the step at which an upward CUSUM first exceeds the threshold.

    Steps are counted from 0; -1 if it never does.

    values: sequence of numbers. target: their mean without drift.
    slack: departure that is tolerated.
    """
    total = 0.0
    for step, value in enumerate(values):
        total = max(0.0, total + value - target - slack)
        if total > threshold:
            return step
    return -1


def first_move(
    outside: float,
    labels_p: float,
    residual_p: float,
    slices: int,
    inputs_p: float,
    features: int,
    days: int,
    enough: int,
) -> str:
    """Return the first move, one of the six in the task.

    outside: share of rows with a value outside its declared range.
    labels_p: p-value that the share of missing outcomes is that of the reference.
    residual_p: smallest p-value of clicks minus predictions over the slices.
    slices: number of slices that were tested.
    inputs_p: smallest p-value over the input features.
    features: number of features that were tested.
    days: of clicks from the new world that are at hand.
    enough: days from which a model retrained on them alone beats the correction.
    """
    level = 0.001
    if outside > 0:
        return "fix the pipeline"
    if labels_p < level:
        return "fix the tracking"
    if residual_p * slices < level:
        return "retrain" if days >= enough else "correct the slices"
    return "watch" if inputs_p * features < level else "nothing"


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


def _evening(
    outside: float,
    labels_p: float,
    residual_p: float,
    slices: int,
    inputs_p: float,
    features: int,
    days: int,
    enough: int,
    *,
    order: str = "bug labels residual",
    level: float = 0.001,
    counted: bool = True,
    mended: bool = True,
) -> str:
    slices, features = (slices, features) if counted else (1, 1)
    found = {
        "bug": ("fix the pipeline", outside > 0),
        "labels": ("fix the tracking", labels_p < level),
        "residual": ("retrain" if days >= enough or not mended else "correct the slices", residual_p * slices < level),
    }
    for name in order.split():
        move, speaks = found[name]
        if speaks:
            return move
    return "watch" if inputs_p * features < level else "nothing"


def _evening_cases() -> list[tuple]:
    return [
        (0.0, 0.4, 0.3, 12, 0.2, 8, 1, 7),  # nothing
        (0.0, 0.4, 0.00005, 12, 0.2, 8, 1, 7),  # 0.0006 after twelve slices
        (0.0, 0.4, 0.0002, 12, 0.2, 8, 1, 7),  # 0.0024 after twelve slices
        (0.0, 0.4, 0.00095 / 12, 12, 0.2, 8, 1, 7),  # on both sides of the level
        (0.0, 0.4, 0.00105 / 12, 12, 0.2, 8, 1, 7),
        (0.0, 0.4, 0.0002, 4, 0.2, 8, 14, 7),  # 0.0008 after four
        (0.0, 0.4, 1e-9, 12, 1e-30, 8, 7, 7),
        (0.0, 0.4, 1e-9, 12, 1e-30, 8, 6, 7),
        (0.0, 0.4, 1e-9, 12, 0.3, 8, 3, 3),
        (0.0, 0.4, 1e-9, 12, 0.3, 8, 13, 14),
        (0.0, 0.4, 0.02, 12, 1e-30, 8, 28, 7),  # a new city
        (0.0, 0.4, 0.02, 12, 0.0002, 8, 1, 7),  # 0.0016 after eight features
        (0.0, 0.4, 0.02, 12, 0.00095 / 8, 8, 1, 7),
        (0.0, 0.4, 0.02, 12, 0.00105 / 8, 8, 1, 7),
        (1.0, 0.4, 1e-40, 12, 1e-99, 8, 28, 7),  # prices in cents
        (1e-5, 1e-12, 0.5, 12, 0.5, 8, 1, 7),  # one row of a hundred thousand is a bug too
        (1e-5, 0.4, 1e-9, 12, 0.5, 8, 1, 7),
        (0.0, 1e-12, 1e-9, 12, 0.5, 8, 28, 7),  # lost tracking
        (0.0, 0.00095, 1e-9, 12, 0.5, 8, 2, 7),
        (0.0, 0.00105, 1e-9, 12, 0.5, 8, 2, 7),
        (0.0, 0.00105, 0.5, 12, 0.5, 8, 2, 7),
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
            "Write the detector that found the turn of taste, for one stream and one direction. The sum takes the excess "
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
        praise="Six lines, known since 1954; what it watches decides what it can find.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="Monday evening",
        task=(
            'It is Monday evening, and the monitor has five readings. Return the first move: `"fix the pipeline"`, '
            '`"fix the tracking"`, `"correct the slices"`, `"retrain"`, `"watch"` or `"nothing"`. A p-value speaks below '
            "0.001, and one that is the smallest of many is first multiplied by their number. Use what this lesson "
            "measured: which reading makes the others worthless, and what to do until there are enough days of the new "
            "world to retrain on those alone."
        ),
        solution=first_move,
        cases=_evening_cases,
        mistakes=(
            Mistake(
                "not counted",
                lambda *case: _evening(*case, counted=False),
                "You compare the smallest of many p-values with the level as if it were the only one.",
            ),
            Mistake(
                "five per cent",
                lambda *case: _evening(*case, level=0.05),
                "You alarm at 5%. A monitor that looks every day is wrong every twentieth; the task says 0.001.",
            ),
            Mistake(
                "retrain at once",
                lambda *case: _evening(*case, mended=False),
                "You retrain before there are enough days. Until then the offsets by slice are worth more than a new model.",
            ),
            Mistake(
                "labels last",
                lambda *case: _evening(*case, order="bug residual labels"),
                "You trust a residual that is made of damaged labels. Ask whether the outcomes arrive before you use them.",
            ),
            Mistake(
                "bug last",
                lambda *case: _evening(*case, order="labels residual bug"),
                "You retrain or blame the labels while a value is out of range. The model would learn the bug.",
            ),
        ),
        hints=(
            "Put the readings in the order in which one makes the next worthless.",
            "Multiply a smallest p-value by how many it was chosen from, and compare with 0.001. At `enough` days, retrain.",
        ),
        praise="Inputs first, labels second, then the model: a few offsets at once, a new model when it beats them.",
    ),
)
