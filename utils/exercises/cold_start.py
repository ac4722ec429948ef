"""Exercises of lesson 14, cold start."""

from collections.abc import Callable
from typing import Any

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]

Sources = list[tuple[str, Callable[[Any], Any]]]


def posterior_rate(clicks: int, looks: int, alpha: float, beta: float) -> float:
    """Return the expected click rate of a dish after `clicks` in `looks`, where the prior is Beta(alpha, beta)."""
    return (alpha + clicks) / (alpha + beta + looks)


def first_answer(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    """Return (answer, name of its source) for one request; the name of the last resort is "last resort".

    sources: list of (name, function of the request), the best first. A source that raises, or that returns None or an
    empty list, has no answer. The number 0 is an answer.
    """
    for name, source in sources:
        try:
            answer = source(request)
        except Exception:
            continue
        if answer is None or (isinstance(answer, list) and not answer):
            continue
        return answer, name
    return last_resort, "last resort"


def place_new_dish(trust: float | None, looks: int, prior_strength: float) -> str:
    """Return "rank" if a new dish should be ranked by its estimate, "explore" if it should get a slot of its own.

    trust: weight of its text, measured on the latest launches, 0 to 1; None if it was never measured.
    looks: how many looks the dish has had.
    prior_strength: how many looks the prior is worth.
    The text is good enough to rank by from a trust of 0.5 on; own looks are, once they outnumber or equal the prior's.
    """
    if looks >= prior_strength:
        return "rank"
    return "rank" if trust is not None and trust >= 0.5 else "explore"


def _stops_at_an_error(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    for name, source in sources:
        try:
            answer = source(request)
        except Exception:
            break
        if answer is None or (isinstance(answer, list) and not answer):
            continue
        return answer, name
    return last_resort, "last resort"


def _serves_the_empty(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    for name, source in sources:
        try:
            answer = source(request)
        except Exception:
            continue
        if answer is not None:
            return answer, name
    return last_resort, "last resort"


def _drops_zero(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    for name, source in sources:
        try:
            answer = source(request)
        except Exception:
            continue
        if answer:
            return answer, name
    return last_resort, "last resort"


def _forgets_the_source(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    answer, _ = first_answer(sources, request, last_resort)
    return answer, sources[0][0] if sources else "last resort"


def _asks_them_all(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    answers = [(first_answer([source], request, None), source[0]) for source in sources]
    for (answer, answered_by), name in answers:
        if answered_by == name and not (isinstance(answer, list) and not answer):
            return answer, name
    return last_resort, "last resort"


def _unreachable(request: Any) -> None:
    raise ConnectionError("store unreachable")


class _OneOrder:
    """A kitchen that cooks one dish: who asks for another, when it has been served already, spoils it."""

    def __init__(self) -> None:
        self._plate = ["soup"]

    def soup(self, request: Any) -> list[str]:
        return self._plate

    def pie(self, request: Any) -> list[str]:
        self._plate.clear()
        return ["pie"]


def _chain_cases() -> list[tuple]:
    kitchen = _OneOrder()
    known, empty, zero = {7: ["soup", "pie"]}.get, (lambda user: []), (lambda user: 0)
    popular = ("popular", lambda user: ["pizza"])
    return [
        ([("own", known), popular], 7, ["toast"]),
        ([("own", known), popular], 8, ["toast"]),
        ([("own", _unreachable), popular], 7, ["toast"]),
        ([("own", empty), popular], 7, ["toast"]),
        ([("count", zero), popular], 7, ["toast"]),
        ([("own", empty), ("city", _unreachable)], 7, ["toast"]),
        ([], 7, ["toast"]),
        ([("own", _unreachable), ("city", empty), popular, ("count", zero)], 7, ["toast"]),
        ([("soup", kitchen.soup), ("pie", kitchen.pie)], 7, ["toast"]),
    ]


def _decision_cases() -> list[tuple]:
    trusts = (None, 0.0, 0.1, 0.3, 0.49, 0.5, 0.51, 0.9, 1.0)
    grid = [(trust, looks, 30) for trust in trusts for looks in (0, 12, 29, 30, 31, 200)]
    other_priors = [
        (trust, looks, prior) for trust in (None, 0.2, 0.6) for prior in (10, 100) for looks in (9, 10, 99, 100)
    ]
    return grid + other_priors


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="two in a hundred",
        task=(
            "Platter's new dishes are usually clicked 2 times in 100: a prior Beta(2, 98). Write the expected click "
            "rate of a dish after some clicks in some looks, for any Beta(alpha, beta). "
            "After 3 clicks in 10 looks it is 0.0455."
        ),
        solution=posterior_rate,
        cases=lambda: [(3, 10, 2, 98), (0, 0, 2, 98), (0, 40, 2, 98), (30, 100, 5, 15), (1, 1, 1, 1)],
        mistakes=(
            Mistake(
                "raw rate",
                lambda clicks, looks, alpha, beta: clicks / looks if looks else 0.0,
                "That is clicks ÷ looks. The prior has no say in it, and without looks it is no number at all.",
            ),
            Mistake(
                "beta is the total",
                lambda clicks, looks, alpha, beta: (alpha + clicks) / (beta + looks),
                "You use beta as the prior's number of looks. Beta(2, 98) holds 2 clicks and 98 looks *without* one.",
            ),
            Mistake(
                "average of two rates",
                lambda clicks, looks, alpha, beta: (
                    (alpha / (alpha + beta) + clicks / looks) / 2 if looks else alpha / (alpha + beta)
                ),
                "You average the two rates with equal weight. Ten looks weigh less than a hundred: add up the counts.",
            ),
            Mistake(
                "mode",
                lambda clicks, looks, alpha, beta: (
                    (alpha + clicks - 1) / (alpha + beta + looks - 2) if alpha + beta + looks > 2 else 0.5
                ),
                "That is the most likely rate, the mode of the posterior. The expected rate is its mean.",
            ),
        ),
        hints=(
            "Read Beta(2, 98) as a record: so many clicks and so many looks that the dish brought along.",
            "Add clicks to clicks and all looks to all looks, then divide. How many looks does Beta(2, 98) hold?",
        ),
        praise="With no looks it is the prior, with many it is the data, and nobody chose a moment to switch.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a chain that reports its source",
        task=(
            "Write the core of the fallback chain, without the clock: ask the sources in order, pass over those that "
            "raise or have nothing, and say who answered. Beware: an empty list is no feed, and 0 is a number."
        ),
        solution=first_answer,
        cases=_chain_cases,
        mistakes=(
            Mistake(
                "stops at an error",
                _stops_at_an_error,
                "An error in one source ends your chain. The next source may be well: go on.",
            ),
            Mistake(
                "serves the empty",
                _serves_the_empty,
                "You serve an empty list. To the user an empty feed is an outage, and the store reports no error.",
            ),
            Mistake(
                "drops zero",
                _drops_zero,
                "You test the answer's truth, and 0 is false in Python. Test for None and for an empty list.",
            ),
            Mistake(
                "asks them all",
                _asks_them_all,
                "You ask every source before you choose. The later ones need not be asked, and may be dear or do harm.",
            ),
            Mistake(
                "forgets the source",
                _forgets_the_source,
                "You report the first source whoever answered. Then a broken model can't be seen from outside.",
            ),
        ),
        hints=(
            "One loop, one `try` inside it. What should `except` do so that the loop goes on?",
            "Three ways to have no answer: an exception, None, a list of length 0. Return all else, with `name`.",
        ),
        praise="What is missing for earnest use is the clock: a source that hangs passes all your tests.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="rank it or explore it",
        task=(
            "A dish has been launched. Write down the rule that decides whether it is ranked by its estimate or gets "
            "an exploring slot. Think of the copied texts, of the dishes that nobody ever tried, and of a trust "
            "that nobody has measured."
        ),
        solution=place_new_dish,
        cases=_decision_cases,
        mistakes=(
            Mistake(
                "text is enough",
                lambda trust, looks, prior_strength: "rank",
                "You always rank. A dish whose text is worthless then stays at the average and is never looked at.",
            ),
            Mistake(
                "unmeasured is trusted",
                lambda trust, looks, prior_strength: (
                    "rank" if looks >= prior_strength or trust is None or trust >= 0.5 else "explore"
                ),
                "You believe a text whose trust was never measured. That is how the copied descriptions came in.",
            ),
            Mistake(
                "ignores the text",
                lambda trust, looks, prior_strength: "rank" if looks >= prior_strength else "explore",
                "You explore every new dish, also where the text has proved right. Each of those slots costs orders.",
            ),
            Mistake(
                "explores for ever",
                lambda trust, looks, prior_strength: "rank" if trust is not None and trust >= 0.5 else "explore",
                "A dish with a bad text is explored for ever in yours. Once it has looks of its own, they decide.",
            ),
        ),
        hints=(
            "Two kinds of evidence can be good enough to rank by. Which one grows by itself?",
            "Own looks first: compare them with the prior's. Only then ask for trust, and treat None as no trust.",
        ),
        praise="Rank where the evidence is, explore where it is missing, and stop when it has come.",
    ),
)
