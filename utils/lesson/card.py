"""The interview answer, written out with the numbers that this run measured."""

from string import Formatter


def card(question, claims):
    """Return the answer card in Markdown.

    Args:
        question: `Question` of the bank.
        claims: claim id -> `Claim`, of this run.

    Raises:
        ValueError: the answer quotes a claim that the lesson has not made.
    """
    missing = sorted(question.claim_ids - claims.keys())
    if missing:
        raise ValueError(f"the answer quotes claims that were not made: {missing}; run the cells above first")
    values = {key: claim.measured_text for key, claim in claims.items()}

    def filled(text):
        return Formatter().vformat(" ".join(text.split()), (), values)

    parts = [
        f"**In 30 seconds.** {filled(question.thirty_seconds)}",
        "**In two minutes.**",
        *(filled(paragraph) for paragraph in question.two_minutes.split("\n\n")),
        "**Follow-ups** (answer first, then open)",
    ]
    for follow_up in question.follow_ups:
        parts.append(
            f"<details><summary>{filled(follow_up.question)}</summary>\n\n"
            f"- *Weak:* {filled(follow_up.weak)}\n- *Fair:* {filled(follow_up.fair)}\n"
            f"- *Strong:* {filled(follow_up.strong)}\n\n</details>"
        )
    parts.append("**Red flags**\n\n" + "\n".join(f"- {filled(flag)}" for flag in question.red_flags))
    return "\n\n".join(parts)
