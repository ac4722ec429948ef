"""A claim: what a lesson says is so, what this run measured, and the bound that decides."""

import json
import math
from dataclasses import dataclass

from utils.lesson.display import number

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
        measured: what this run found.
        relation: "<=", ">=" or "within".
        bound: a number, or (low, high) for "within".
        because: where the bound comes from: a closed form, a confidence bound, a source.
        unit: as for `number`.

    >>> Claim("moved", "At most a tenth of the keys move", 0.09, "<=", 0.1, "1/(N+1)", "%").holds
    True
    """

    id: str
    text: str
    measured: float
    relation: str
    bound: float | tuple[float, float]
    because: str
    unit: str = ""

    def __post_init__(self):
        if not self.id.isidentifier():
            raise ValueError(f"id must be an identifier, got {self.id!r}; use letters, digits and underscores")
        if self.relation not in RELATIONS:
            raise ValueError(f"relation must be one of {RELATIONS}, got {self.relation!r}")
        if not self.because.strip():
            raise ValueError(f"because must give the reason of the bound of {self.id!r}, got nothing; name its source")
        object.__setattr__(self, "measured", _real("measured", self.measured))
        if self.relation == "within":
            try:
                low, high = self.bound
            except TypeError:
                raise ValueError(f"bound must be (low, high) for 'within', got {self.bound!r}") from None
            low, high = _real("bound", low), _real("bound", high)
            if not low <= high:
                raise ValueError(f"bound must be (low, high) with low <= high, got {self.bound!r}")
            object.__setattr__(self, "bound", (low, high))
        else:
            object.__setattr__(self, "bound", _real("bound", self.bound))
            if math.isnan(self.bound):
                raise ValueError("bound must be a number, got NaN; compute it before the claim")

    @property
    def holds(self):
        """Whether the measured value keeps the bound; NaN never does."""
        if self.relation == "<=":
            return self.measured <= self.bound
        if self.relation == ">=":
            return self.measured >= self.bound
        return self.bound[0] <= self.measured <= self.bound[1]

    @property
    def measured_text(self):
        """The measured value, written out."""
        return number(self.measured, unit=self.unit)

    @property
    def bound_text(self):
        """The relation and its bound, written out."""
        if self.relation == "within":
            return f"within {number(self.bound[0], unit=self.unit)} … {number(self.bound[1], unit=self.unit)}"
        return {"<=": "≤", ">=": "≥"}[self.relation] + NO_BREAK + number(self.bound, unit=self.unit)

    @property
    def sentence(self):
        """Statement, measured value, bound and verdict in one line."""
        verdict = "holds" if self.holds else "is FALSE on this run"
        return f"{self.text}: {verdict}. Measured {self.measured_text}, bound {self.bound_text} ({self.because})."

    @property
    def record(self):
        """The machine-readable form, floats rounded to six significant digits."""
        bound = [_rounded(b) for b in self.bound] if self.relation == "within" else _rounded(self.bound)
        return {
            "id": self.id,
            "text": self.text,
            "measured": _rounded(self.measured),
            "relation": self.relation,
            "bound": bound,
            "holds": self.holds,
            "unit": self.unit,
            "because": self.because,
        }

    @property
    def bundle(self):
        """The display data: the record for machines, the sentence for people."""
        mark = "✓" if self.holds else "✗"
        json.dumps(self.record)  # a record that can't be written fails here, not in the notebook's file
        return {MIME: self.record, "text/markdown": f"{mark} {self.sentence}", "text/plain": f"{mark} {self.sentence}"}


def _real(name, value):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None


def _rounded(value):
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)
