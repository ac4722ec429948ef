"""A claim: what a lesson says is so, what this run measured, and the bound that decides.

A claim that something was found has a placebo: what the same measurement reads where the planted effect is switched
off. It holds only if the measured value meets the bound and the placebo does not; otherwise the measurement would say
the same of nothing.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from utils.foundation import checks
from utils.lesson.display import SIGNIFICANT_DIGITS, number

__all__ = ["MIME", "RELATIONS", "Claim", "ClaimFailed"]

MIME = "application/vnd.lesson.claim+json"
NO_BREAK = "\u00a0"
RELATIONS = ("<=", ">=", "within")


class ClaimFailed(AssertionError):
    """A claim of the lesson is false on this run; the message says what was measured."""


@dataclass(frozen=True)
class Claim:
    """One asserted statement.

    Attributes:
        id: name by which the answer card and the records refer to it, an identifier.
        text: the statement in words.
        measured: what this run found, finite.
        relation: "<=", ">=" or "within".
        bound: a finite number, or (low, high) for "within".
        because: where the bound comes from: a closed form, a confidence bound, a source.
        unit: as for `number`.
        placebo: what the same measurement reads without the planted effect, finite; None where nothing was planted.
        recording: whether a measured value, bound or placebo that is NaN or infinite is kept, as a claim that does not
            hold, instead of refused: for runs that only record (COURSE_CLAIMS=record).

    Raises:
        ValueError: a part is malformed, or a number is not finite; the message names the claim and the part.

    >>> Claim("moved", "At most a tenth of the keys move", 0.09, "<=", 0.1, "1/(N+1)", "%", placebo=0.9).holds
    True
    """

    id: str
    text: str
    measured: float
    relation: str
    bound: float | tuple[float, float]
    because: str
    unit: str = ""
    placebo: float | None = None
    recording: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id.isidentifier():
            raise ValueError(f"id must be an identifier, got {self.id!r}; use letters, digits and underscores")
        checks.choice("relation", self.relation, RELATIONS)
        for name, wanted in (("text", "state what is so"), ("because", "give the reason of the bound")):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{name} must {wanted} of {self.id!r}, got {value!r}; write it in words")
        object.__setattr__(self, "measured", self._finite("measured", self.measured))
        object.__setattr__(self, "bound", self._checked_bound())
        if self.placebo is not None:
            object.__setattr__(self, "placebo", self._finite("placebo", self.placebo))

    def _checked_bound(self) -> float | tuple[float, float]:
        if self.relation != "within":
            return self._finite("bound", self.bound)
        try:
            low, high = self.bound
        except (TypeError, ValueError):
            raise ValueError(
                f"bound must be (low, high) for 'within', got {self.bound!r}; pass both ends of {self.id!r}"
            ) from None
        low, high = self._finite("bound", low), self._finite("bound", high)
        if low > high:
            raise ValueError(f"bound must be (low, high) with low <= high, got {self.bound!r}; swap them")
        return low, high

    def _finite(self, name: str, value: Any) -> float:
        """Return a number that is finite, or merely a number where the run only records."""
        try:
            return checks.number(name, value)
        except ValueError:
            if self.recording and _is_not_finite(value):
                return float(value)
            raise ValueError(
                f"{name} must be a finite number, got {value!r} in claim {self.id!r}; compute it before the claim"
            ) from None

    def _meets(self, value: float) -> bool:
        """Whether a value meets the bound; NaN and infinity never do, nor does anything meet such a bound."""
        low, high = self.bound if self.relation == "within" else (self.bound, self.bound)
        if not all(map(math.isfinite, (value, low, high))):
            return False
        return (self.relation == "<=" or value >= low) and (self.relation == ">=" or value <= high)

    @property
    def placebo_meets(self) -> bool:
        """Whether there is a placebo and it meets the bound too, so that the measurement shows nothing."""
        return self.placebo is not None and self._meets(self.placebo)

    @property
    def holds(self) -> bool:
        """Whether the measured value meets the bound and the placebo, where there is one, is a number that does not."""
        is_told_apart = self.placebo is None or (math.isfinite(self.placebo) and not self._meets(self.placebo))
        return self._meets(self.measured) and is_told_apart

    @property
    def measured_text(self) -> str:
        """The measured value, written out."""
        bounds = self.bound if self.relation == "within" else (self.bound,)
        for digits in range(SIGNIFICANT_DIGITS, 17):  # more where a value that misses the bound would read like it
            text = number(self.measured, digits, unit=self.unit)
            if self.holds or all(text != number(b, digits, unit=self.unit) for b in bounds if b != self.measured):
                break
        return text

    @property
    def placebo_text(self) -> str:
        """The placebo's value, written out; nothing where there is none."""
        return "" if self.placebo is None else number(self.placebo, unit=self.unit)

    @property
    def bound_text(self) -> str:
        """The relation and its bound, written out."""
        if self.relation == "within":
            return f"within {number(self.bound[0], unit=self.unit)} … {number(self.bound[1], unit=self.unit)}"
        return {"<=": "≤", ">=": "≥"}[self.relation] + NO_BREAK + number(self.bound, unit=self.unit)

    @property
    def verdict(self) -> str:
        """The verdict in a few words: holds, false, or false because the placebo meets the bound too."""
        if self.holds:
            return "holds"
        return "false: placebo too" if self._meets(self.measured) and self.placebo_meets else "false"

    @property
    def sentence(self) -> str:
        """Statement, measured value, placebo, bound and verdict in one line."""
        if self.verdict == "false: placebo too":
            return (
                f"{self.text}: is FALSE on this run. Measured {self.measured_text}, bound {self.bound_text} "
                f"({self.because}); but the placebo, {self.placebo_text}, meets the bound too: the measurement says the "
                "same where the planted effect is switched off."
            )
        verdict = "holds" if self.holds else "is FALSE on this run"
        placebo = f"placebo {self.placebo_text}, " if self.placebo is not None else ""
        return (
            f"{self.text}: {verdict}. Measured {self.measured_text}, {placebo}bound {self.bound_text} ({self.because})."
        )

    @property
    def record(self) -> dict[str, Any]:
        """The machine-readable form, floats rounded to six significant digits; `placebo` only where there is one."""
        bound = [_rounded(b) for b in self.bound] if self.relation == "within" else _rounded(self.bound)
        placebo = {} if self.placebo is None else {"placebo": _rounded(self.placebo)}
        return {
            "id": self.id,
            "text": self.text,
            "measured": _rounded(self.measured),
            "relation": self.relation,
            "bound": bound,
            **placebo,
            "holds": self.holds,
            "unit": self.unit,
            "because": self.because,
        }

    @property
    def bundle(self) -> dict[str, Any]:
        """The display data where the claim is made: the record for machines, and words only where it is false.

        What holds is shown once, in the lesson's table of claims.
        """
        record = self.record
        json.dumps(record)  # a record that can't be written fails here, not in the notebook's file
        if self.holds:
            return {
                MIME: record,
                "text/plain": "",
            }  # an empty text, lest a front end says that it can't show the record
        return {MIME: record, "text/markdown": f"✗ {self.sentence}", "text/plain": f"✗ {self.sentence}"}


def _is_not_finite(value: Any) -> bool:
    try:
        return not isinstance(value, (str, bytes, bool)) and not math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _rounded(value: float) -> float | str:
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)
