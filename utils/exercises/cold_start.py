"""Exercises of lesson 14, cold start."""

from collections.abc import Callable
from functools import partial
from typing import Any

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]

Sources = list[tuple[str, Callable[[Any], Any]]]


def posterior_rate(clicks: int, looks: int, alpha: float, beta: float) -> float:
    """Return the click rate to expect after `clicks` in `looks`, by a Beta prior."""
    return (alpha + clicks) / (alpha + beta + looks)


def first_answer(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    """Return (answer, name of its source) for one request.

    sources: list of (name, function of the request), the best first.
        One that raises, or returns None or an empty list, has no answer.
        The number 0 is an answer. None is asked after one has answered.
    last_resort: the answer if no source has one; it is called "last resort".
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


def next_step(weight: float, trust: float | None, standard_error: float, looks: int, strength: float) -> str:
    """Return what to do about the dishes that were launched last month.

    weight: how far the feed believes their texts, 0 to 1.
    trust: how far the witnesses say that it should, 0 to 1;
        None if nobody has asked them.
    standard_error: of that trust.
    looks: how many looks the median dish has had.
    strength: how many looks the prior of a dish is worth.

    "measure" the trust, "correct" the weight, "explore" (buy a slot)
    or "leave" everything as it is.
    """
    if trust is None:
        return "measure" if looks else "explore"
    if abs(weight - trust) > 3 * standard_error:
        return "correct"
    return "explore" if looks < strength else "leave"


def _is_answer(answer: Any) -> bool:
    return answer is not None and not (isinstance(answer, list) and not answer)


def _chain(
    sources: Sources,
    request: Any,
    last_resort: Any,
    *,
    serves: Callable[[Any], bool] = _is_answer,
    survives: type[Exception] | tuple[type[Exception], ...] = Exception,
) -> tuple[Any, str]:
    """Return the answer of a chain that serves other answers, or survives other errors, than it should."""
    for name, source in sources:
        try:
            answer = source(request)
        except survives:
            continue
        except Exception:
            break
        if serves(answer):
            return answer, name
    return last_resort, "last resort"


def _asks_twice(sources: Sources, request: Any, last_resort: Any) -> tuple[Any, str]:
    for name, source in sources:
        try:
            if _is_answer(source(request)):
                return source(request), name
        except Exception:
            continue
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


def _broken(request: Any) -> float:
    return 1 / 0


def _without_length(request: Any) -> int:
    return len(request)  # raises TypeError for a number


def _not_a_number(request: Any) -> int:
    return int("seven")


def _no_such_field(request: Any) -> Any:
    return request.city


def _not_trained_yet(request: Any) -> None:
    raise RuntimeError("the model is not trained yet")


class _LastPie:
    """A source that gives its answer away: who asks it twice gets nothing the second time."""

    def __init__(self) -> None:
        self._plates = [["pie"]]

    def __call__(self, request: Any) -> list[str] | None:
        return self._plates.pop() if self._plates else None


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
    strict = {7: ["soup", "pie"]}.__getitem__  # raises KeyError for everybody else
    popular = ("popular", lambda user: ["pizza"])
    return [
        ([("own", known), popular], 7, ["toast"]),
        ([("own", known), popular], 8, ["toast"]),
        ([("own", _unreachable), popular], 7, ["toast"]),
        ([("own", strict), popular], 8, ["toast"]),
        ([("own", _broken), ("city", strict), popular], 9, ["toast"]),
        ([("own", empty), popular], 7, ["toast"]),
        ([("count", zero), popular], 7, ["toast"]),
        ([("own", empty), ("city", _unreachable)], 7, ["toast"]),
        ([], 7, ["toast"]),
        ([("own", _unreachable), ("city", empty), popular, ("count", zero)], 7, ["toast"]),
        ([("soup", kitchen.soup), ("pie", kitchen.pie)], 7, ["toast"]),
        ([("own", _without_length), popular], 7, ["toast"]),
        ([("own", _not_a_number), ("city", _no_such_field), popular], 7, ["toast"]),
        ([("own", _no_such_field), ("city", _without_length)], 7, ["toast"]),
        ([("pie", _LastPie()), popular], 7, ["toast"]),
        ([("own", _not_trained_yet), popular], 7, ["toast"]),
    ]


def _decision_cases() -> list[tuple]:
    unasked = [(weight, None, 0.0, looks, 14) for weight in (0.0, 1.0) for looks in (0, 5, 20, 80)]
    # Where the lesson's run decides: one and a half standard errors is noise, five and more are not.
    honest = [(1.0, 1.0, 0.04, 80, 14), (1.0, 0.97, 0.04, 45, 14), (0.1, 0.14, 0.05, 80, 14), (0.5, 0.6, 0.1, 250, 100)]
    honest += [(0.5, 0.35, 0.1, 80, 14), (0.2, 0.35, 0.1, 60, 14), (0.5, 0.35, 0.1, 5, 14), (0.0, 0.05, 0.05, 80, 14)]
    wrong = [(weight, trust, 0.05, looks, 14) for weight, trust in ((1.0, 0.1), (1.0, 0.7), (0.1, 1.0), (0.5, 0.2))
             for looks in (0, 80)]  # fmt: skip
    wrong += [(0.3, 0.2, 0.01, 60, 14), (0.9, 0.0, 0.05, 80, 14), (0.9, 0.0, 0.05, 2, 14), (0.0, 0.9, 0.05, 80, 14)]
    few = [(0.1, 0.12, 0.05, looks, strength) for looks, strength in ((0, 14), (2, 14), (7, 14), (30, 100), (55, 100))]
    few += [(1.0, 1.0, 0.05, 2, 14), (0.0, 0.0, 0.05, 2, 14)]
    enough = [(0.1, 0.12, 0.05, looks, strength) for looks, strength in ((25, 14), (12, 5), (60, 14), (190, 100))]
    return [*unasked, *honest, *wrong, *few, *enough]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="a record that comes along",
        task=(
            "A prior is often written Beta(alpha, beta): a record of alpha clicks and beta looks without one. Write the "
            "expected click rate of a dish after some clicks in some looks. Banners, say, are clicked 2 times in 100; "
            "with Beta(2, 98) and 3 clicks in 10 looks it is 0.0455, and not 0.3. Platter's dishes start higher."
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
            "The priors of the lesson are a chain of fallbacks as well: own looks, city and age, popularity, and at last a "
            "list that can't fail. Write its core: ask the sources in order, pass over those that raise anything at all "
            "or have nothing, and say who answered. Beware: an empty list is no feed, and 0 is a number."
        ),
        solution=first_answer,
        cases=_chain_cases,
        mistakes=(
            Mistake(
                "stops at an error",
                partial(_chain, survives=()),
                "An error in one source ends your chain. The next source may be well: go on.",
            ),
            Mistake(
                "expects its errors",
                partial(_chain, survives=(LookupError, OSError, ArithmeticError)),
                "Your chain survives the errors that you expect, and no other. A source may raise anything: a TypeError too.",
            ),
            Mistake(
                "serves the empty",
                partial(_chain, serves=lambda answer: answer is not None),
                "You serve an empty list. To the user an empty feed is an outage, and the store reports no error.",
            ),
            Mistake(
                "drops zero",
                partial(_chain, serves=bool),
                "You test the answer's truth, and 0 is false in Python. Test for None and for an empty list.",
            ),
            Mistake(
                "asks them all",
                _asks_them_all,
                "You ask every source before you choose. The later ones need not be asked, and may be dear or do harm.",
            ),
            Mistake(
                "asks twice",
                _asks_twice,
                "You call a source once to look and again to serve. The second answer may be another, and costs again.",
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
        title="last month's launches bring few orders",
        task=(
            "You are asked what to do about it. Decide in the order in which the lesson's experiments would: nothing can "
            "be said of a text that nobody has measured, a dish that nobody has ever looked at can't testify, and to "
            "correct a weight is free where a slot costs orders. How large a difference is noise, and how many looks are "
            "few, you have seen measured. Suppose that there are visits enough for a slot to pay."
        ),
        solution=next_step,
        cases=_decision_cases,
        mistakes=(
            Mistake(
                "always explores",
                lambda weight, trust, standard_error, looks, strength: "explore",
                "You buy a slot whatever is wrong. It costs orders from the first day, and corrects no weight.",
            ),
            Mistake(
                "unmeasured is worthless",
                lambda weight, trust, standard_error, looks, strength: next_step(
                    weight, 0.0 if trust is None else trust, standard_error, looks, strength
                ),
                "You take a text that nobody has measured for a worthless one. Ask the witnesses; they have had looks.",
            ),
            Mistake(
                "asks nobody",
                lambda weight, trust, standard_error, looks, strength: (
                    "measure" if trust is None else next_step(weight, trust, standard_error, looks, strength)
                ),
                "You measure where nobody has looked. Without looks there are no witnesses; get them first.",
            ),
            Mistake(
                "zero is not asked",
                lambda weight, trust, standard_error, looks, strength: next_step(
                    weight, trust or None, standard_error, looks, strength
                ),
                "You take a trust of 0 for one that nobody has measured. 0 is a measurement: the texts say nothing.",
            ),
            Mistake(
                "noise is a difference",
                lambda weight, trust, standard_error, looks, strength: (
                    ("measure" if looks else "explore")
                    if trust is None
                    else "correct"
                    if weight != trust
                    else "explore"
                    if looks < strength
                    else "leave"
                ),
                "You correct a weight for any difference. A trust is measured; compare the gap with its standard error.",
            ),
            Mistake(
                "believes too much only",
                lambda weight, trust, standard_error, looks, strength: (
                    ("measure" if looks else "explore")
                    if trust is None
                    else "correct"
                    if weight - trust > 3 * standard_error
                    else "explore"
                    if looks < strength
                    else "leave"
                ),
                "You correct a text that is believed too much. One that is believed too little costs orders as well.",
            ),
            Mistake(
                "one number for few",
                lambda weight, trust, standard_error, looks, strength: (
                    next_step(weight, trust, standard_error, looks, strength)
                    if trust is None
                    else "explore"
                    if (step := next_step(weight, trust, standard_error, 0, 1)) == "explore" and looks < 20
                    else "leave"
                    if step == "explore"
                    else step
                ),
                "Your number of looks is the same for every prior. How many are few depends on what the prior is worth.",
            ),
        ),
        hints=(
            "Three questions in a row: was it measured (can it be?), is the weight what was measured, are the looks few?",
            "Compare the gap with the standard error, either way, and the looks with what the prior is worth.",
        ),
        praise="Measure, then correct what is free, and pay for looks only where they are missing.",
    ),
)
