"""Predictions: an 80% interval written down before the result is shown."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from utils.foundation import checks
from utils.lesson.display import number
from utils.lesson.refusal import Refusal

__all__ = [
    "LEVEL",
    "Prediction",
    "is_counted",
    "is_shown",
    "judged",
    "measured_value",
    "prediction",
    "refuse_impossible",
    "verdict",
]

LEVEL = 0.8
ROUNDING = 1e-9
PERCENT, EUROS = "%", "€"
SIGNED_UNITS = ("", EUROS, "points")  # of which a negative amount can be meant


class Prediction(NamedTuple):
    """An interval that the learner believes to hold the result with 80% probability; empty if both ends are None.

    Attributes:
        key: name of the prediction.
        question: what is predicted.
        low: lower end in the unit of `reveal`: a fraction where the unit is "%".
        high: upper end, likewise.
        unit: as for `number`.
        least: least value that can come out, in the unit of `reveal`.
        greatest: greatest value that can.
    """

    key: str
    question: str
    low: float | None
    high: float | None
    unit: str
    least: float = -math.inf
    greatest: float = math.inf

    @property
    def is_empty(self) -> bool:
        """Whether the learner wrote nothing."""
        return self.low is None

    @property
    def interval(self) -> str:
        """The interval in words.

        >>> prediction("x", "?", 5, 20, "%").interval, prediction("x", "?", 5, 20, "orders").interval
        ('5% to 20%', '5 to 20 orders')
        """
        return _written(self.low, self.high, self.unit)


def prediction(
    key: str,
    question: str,
    low: Any = None,
    high: Any = None,
    unit: str = "",
    range: Sequence[float | None] | None = None,
) -> Prediction:
    """Check and return a prediction.

    Args:
        key: name of the prediction, an identifier.
        question: what is predicted.
        low: lower end, per cent where the unit is "%"; a text such as "0.5%" or "1,200" is read too.
        high: upper end, likewise; leave both out to predict nothing.
        unit: as for `number`.
        range: least and greatest value that can occur, in the same unit; None on a side leaves it open. By default 0 to
            100 where the unit is "%", anything where it is "€", "points" or none, and zero or more for other units.

    Raises:
        Refusal: a `ValueError`: one end alone, ends in the wrong order or out of range, not numbers, or an interval in
            per cent inside 0 to 1, which may have been meant as fractions.
        ValueError: the lesson's own arguments are wrong: key or range.

    >>> prediction("cost", "How many orders are lost?", 5, 20, "orders").is_empty
    False
    """
    if not str(key).isidentifier():
        raise ValueError(f"key must be an identifier, got {key!r}; use letters, digits and underscores")
    least, greatest = _range(range, unit)
    scale = 100 if unit == PERCENT else 1
    can_be = (least / scale, greatest / scale)
    if low is None and high is None:
        return Prediction(key, question, None, None, unit, *can_be)
    if low is None or high is None:
        missing = "low" if low is None else "high"
        raise Refusal(f"{missing} is missing; give both ends of your interval, or neither to skip the prediction")
    low, low_is_clear = _end("low", low, unit)
    high, high_is_clear = _end("high", high, unit)
    if low > high:
        raise Refusal(f"low must not exceed high, got {_plain(low)} and {_plain(high)}; swap them")
    is_clear = unit != PERCENT or low_is_clear or high_is_clear or low == high == 0
    if not is_clear and max(abs(low), abs(high)) <= 1:
        meant, said = (_written(scale * low, scale * high, PERCENT) for scale in (1, 0.01))
        raise Refusal(
            f"low and high are in per cent here, and {_plain(low)} to {_plain(high)} could be {said} or {meant}; "
            f"write low={_plain(100 * low)}, high={_plain(100 * high)} for {meant}, "
            f'or low="{_plain(low)}%", high="{_plain(high)}%" for {said}'
        )
    if low < least or high > greatest:
        raise Refusal(
            f"low and high must lie {_between(least, greatest, unit)}, got {_plain(low)} and {_plain(high)}; "
            "nothing else can come out"
        )
    return Prediction(key, question, low / scale, high / scale, unit, *can_be)


def verdict(predicted: Prediction, measured: float) -> str:
    """Say how the measured value lies to the predicted interval, in one sentence.

    Args:
        predicted: the prediction.
        measured: what the run found, a fraction where the unit is "%".

    >>> verdict(prediction("x", "?", 1, 2, "s"), 6.0)
    'Your interval, 1 to 2 s, is too low: measured is 3 times its upper end.'
    """
    if predicted.is_empty:
        return "You made no prediction."
    low, high, unit = predicted.low, predicted.high, predicted.unit
    if math.isnan(measured):
        return f"Your interval, {predicted.interval}, can't be judged: this run measured nothing."
    if low <= measured <= high:
        return f"Your interval, {predicted.interval}, contains it."
    end, side, name = (high, "low", "upper") if measured > high else (low, "high", "lower")
    if end * measured > 0 and number(measured / end) != "1":
        return (
            f"Your interval, {predicted.interval}, is too {side}: measured is {number(measured / end)} times its "
            f"{name} end."
        )
    return (
        f"Your interval, {predicted.interval}, is too {side}: measured is {_distance(abs(measured - end), unit)} away."
    )


def _distance(gap: float, unit: str) -> str:
    """Return how far two values lie apart; shares differ by points."""
    return number(100 * gap, unit="points") if unit == PERCENT else number(gap, unit=unit)


def measured_value(measured: Any) -> float:
    """Return what a run found as a float; NaN, where it found nothing, passes.

    Args:
        measured: a number of any library.

    Raises:
        Refusal: not a number, or infinite.
    """
    try:
        is_nothing = math.isnan(measured)
    except (TypeError, ValueError, OverflowError):
        is_nothing = False
    if is_nothing:
        return math.nan
    try:
        return checks.number("measured", measured)
    except ValueError:
        raise Refusal(
            f"measured must be a finite number, got {checks.told(measured)}; run the cells above first, from the top"
        ) from None


def refuse_impossible(made: Prediction, measured: float) -> None:
    """Raise where a run found what the question rules out: the lesson is wrong, not the learner.

    Args:
        made: the prediction, with the range of its question.
        measured: what the run found, a fraction where the unit is "%"; NaN passes.

    Raises:
        ValueError: outside the range by more than rounding.
    """
    room = ROUNDING * max(1.0, abs(measured))
    if measured < made.least - room or measured > made.greatest + room:
        scale = 100 if made.unit == PERCENT else 1
        fraction = ", a fraction where the unit is %" if scale == 100 else ""
        raise ValueError(
            f"measured must lie {_between(scale * made.least, scale * made.greatest, made.unit)}, as the question of "
            f"{made.key!r} says, got {number(measured, unit=made.unit)}; correct what is revealed{fraction}, or the "
            "range of the prediction"
        )


def judged(made: Prediction, measured: float) -> dict[str, Any]:
    """Return what is kept of a prediction once its result is shown.

    Args:
        made: the prediction; an empty one is kept too, so that none written afterwards counts.
        measured: what the run found; where it is NaN the prediction does not count either.

    Returns:
        `low`, `high`, `measured` and `contains` of one that counts; `shown` alone otherwise.
    """
    if made.is_empty or math.isnan(measured):
        return {"shown": True}
    ends = {"low": made.low, "high": made.high}
    return {**ends, "measured": measured, "contains": made.low <= measured <= made.high}


def is_counted(kept: Mapping[str, Any]) -> bool:
    """Whether what is kept of a prediction counts for the calibration."""
    return "measured" in kept


def is_shown(kept: Mapping[str, Any]) -> bool:
    """Whether its result was shown, so that an interval written now does not count."""
    return is_counted(kept) or "shown" in kept


GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?%?$")  # thousands, as in 1,200.5


def _end(name: str, value: Any, unit: str) -> tuple[float, bool]:
    """Return one end as a number in the unit asked for, and whether a percent sign says what was meant."""
    has_sign = False
    if isinstance(value, str):
        text = value.strip().replace("−", "-")
        if "," in text and not GROUPED.match(text):
            raise Refusal(
                f"{name} must be a number with a decimal point, got {value!r}; write 1.5, or 1,500 for thousands"
            )
        text = text.replace(",", "")
        has_sign = text.endswith("%")
        if has_sign and unit != PERCENT:
            raise Refusal(f"{name} must be a number of {unit or 'the measured value'}, got {value!r}; leave the % out")
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            raise Refusal(f"{name} must be a number, got {value!r}; write for example {name}=5") from None
    try:
        return checks.number(name, value), has_sign
    except ValueError:
        raise Refusal(f"{name} must be a finite number, got {value!r}; a wide interval is fine") from None


def _range(given: Sequence[float | None] | None, unit: str) -> tuple[float, float]:
    if given is None:
        return (-math.inf if unit in SIGNED_UNITS else 0), (100 if unit == PERCENT else math.inf)
    try:
        least, greatest = given
        least = -math.inf if least is None else float(least)
        greatest = math.inf if greatest is None else float(greatest)
    except (TypeError, ValueError):
        raise ValueError(f"range must be (least, greatest), got {given!r}; None leaves a side open") from None
    if not least < greatest:
        raise ValueError(f"range must be (least, greatest) with least < greatest, got {given!r}; swap them")
    return least, greatest


def _between(least: float, greatest: float, unit: str) -> str:
    scale, suffix = (100 if unit == PERCENT else 1), _suffix(unit)
    if greatest == math.inf:
        return f"at or above {number(least / scale, unit=unit)}"
    if least == -math.inf:
        return f"at or below {number(greatest / scale, unit=unit)}"
    written = [number(end / scale, unit="" if suffix else unit) for end in (least, greatest)]
    return f"from {written[0]} to {written[1]}{suffix}"


def _written(low: float, high: float, unit: str) -> str:
    suffix = _suffix(unit)
    ends = [number(end, unit="" if suffix else unit) for end in (low, high)]
    return f"{ends[0]} to {ends[1]}{suffix}"


def _suffix(unit: str) -> str:
    return "" if unit in ("", PERCENT, EUROS) else f" {unit}"


def _plain(value: float) -> str:
    """Return a number as a learner would type it."""
    return f"{value:.12g}"
