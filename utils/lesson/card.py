"""The interview answer, written out with the numbers that this run measured."""

import math
from collections.abc import Mapping
from string import Formatter

from utils.lesson.claim import Claim
from utils.lesson.questions import SPOKEN, Question
from utils.lesson.refusal import Refusal
from utils.lesson.spoken import spoken

__all__ = ["SPOKEN", "card", "filled"]


def card(question: Question, claims: Mapping[str, Claim]) -> str:
    """Return the answer card in Markdown.

    Args:
        question: entry of the bank.
        claims: claim id -> claim of this run.

    Returns:
        The answers in 30 seconds and in two minutes, the follow-ups and the red flags.

    Raises:
        Refusal: the answer quotes a claim that was not made, because a cell above was not run.
        ValueError: the answer has a field that can't be filled.
    """
    missing = sorted(question.claim_ids - claims.keys())
    if missing:
        raise Refusal(f"the answer quotes claims that were not made: {missing}; run the cells above first")

    def written(text: str) -> str:
        return filled(" ".join(text.split()), claims)

    parts = [
        f"**In 30 seconds.** {written(question.thirty_seconds)}",
        "**In two minutes.**",
        *(written(paragraph) for paragraph in question.two_minutes.split("\n\n")),
        "**Follow-ups** (answer first, then open)",
    ]
    for follow_up in question.follow_ups:
        parts.append(
            f"<details><summary>{written(follow_up.question)}</summary>\n\n"
            f"- *Weak:* {written(follow_up.weak)}\n- *Fair:* {written(follow_up.fair)}\n"
            f"- *Strong:* {written(follow_up.strong)}\n\n</details>"
        )
    parts.append("**Red flags**\n\n" + "\n".join(f"- {written(flag)}" for flag in question.red_flags))
    return "\n\n".join(parts)


def filled(text: str, claims: Mapping[str, Claim]) -> str:
    """Return a text with its fields filled: `{claim_id}` by the measured value, `{claim_id:spoken}` by its speech.

    Args:
        text: of the question bank.
        claims: claim id -> claim.

    Returns:
        The text without fields.

    Raises:
        ValueError: a field names no claim, or asks for another form.
    """
    for _, field, _, conversion in Formatter().parse(text):
        if field is not None and (field not in claims or conversion):
            field = f"{field}!{conversion}" if conversion else field
            raise ValueError(
                f"the answer has the field {field!r}, which is no claim; write {{claim_id}} or {{claim_id:{SPOKEN}}}"
            )
    return text.format_map({name: _Quoted(claim) for name, claim in claims.items()})


class _Quoted:
    """A measured value in a text; a value that can't be spoken (NaN, where claims are only recorded) is written."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim

    def __format__(self, form: str) -> str:
        if form not in ("", SPOKEN):
            raise ValueError(f"the form of {self._claim.id!r} must be nothing or {SPOKEN!r}, got {form!r}; choose one")
        if form == SPOKEN and math.isfinite(self._claim.measured):
            return spoken(self._claim.measured, self._claim.unit)
        return self._claim.measured_text
