"""Predictions: an 80% interval written down before the result is shown."""

import math
from typing import NamedTuple

from utils.lesson.display import number

LEVEL = 0.8


class Prediction(NamedTuple):
    """An interval that the learner believes to hold the result with 80% probability; empty if both ends are None."""

    key: str
    question: str
    low: float | None
    high: float | None
    unit: str

    @property
    def is_empty(self):
        """Whether the learner wrote nothing."""
        return self.low is None


def prediction(key, question, low=None, high=None, unit=""):
    """Check and return a prediction.

    Raises:
        ValueError: one end alone, ends in the wrong order, or not numbers.

    >>> prediction("cost", "How many orders are lost?", 5, 20, "orders").is_empty
    False
    """
    if not str(key).isidentifier():
        raise ValueError(f"key must be an identifier, got {key!r}; use letters, digits and underscores")
    if (low is None) != (high is None):
        missing = "low" if low is None else "high"
        raise ValueError(f"{missing} is missing; give both ends of your interval, or neither to skip the prediction")
    if low is not None:
        try:
            low, high = float(low), float(high)
        except (TypeError, ValueError):
            raise ValueError(f"low and high must be numbers, got {low!r} and {high!r}") from None
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"low and high must be finite, got {low} and {high}; a wide interval is fine")
        if low > high:
            raise ValueError(f"low must not exceed high, got {low} and {high}; swap them")
    return Prediction(key, question, low, high, unit)


def verdict(predicted, measured):
    """Say how the measured value lies to the predicted interval, in one sentence.

    >>> verdict(prediction("x", "?", 1, 2, "s"), 6.0)
    'Your interval, 1 to 2 s, is too low: measured is 3 times its upper end.'
    """
    if predicted.is_empty:
        return "You made no prediction."
    low, high, unit = predicted.low, predicted.high, predicted.unit
    suffix = "" if unit in ("%", "€") else (f" {unit}" if unit else "")
    scale = unit if unit in ("%", "€") else ""
    interval = f"{number(low, unit=scale)} to {number(high, unit=scale)}{suffix}"
    if low <= measured <= high:
        return f"Your interval, {interval}, contains it."
    end, side, name = (high, "low", "upper") if measured > high else (low, "high", "lower")
    if end * measured > 0:
        return f"Your interval, {interval}, is too {side}: measured is {number(measured / end)} times its {name} end."
    return f"Your interval, {interval}, is too {side}: measured is {number(abs(measured - end), unit=unit)} away."
