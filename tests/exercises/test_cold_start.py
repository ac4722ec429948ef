"""Exercises of lesson 14 against an integral, lazy iteration and tables by hand; right and wrong answers of others."""

import collections
import contextlib
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    results,
    state,
)
from utils.exercises.cold_start import EXERCISES

RATE, CHAIN, STEP = in_order(EXERCISES)


def integrated(clicks, looks, alpha, beta):
    """Bayes' rule by numerical integration over the rate, without conjugacy."""

    def weight(rate):
        return stats.binom.pmf(clicks, looks, rate) * stats.beta.pdf(rate, alpha, beta)

    total, _ = integrate.quad(weight, 0, 1, epsabs=0, epsrel=1e-11, limit=200)
    first, _ = integrate.quad(lambda rate: rate * weight(rate), 0, 1, epsabs=0, epsrel=1e-11, limit=200)
    return first / total


def test_the_rate_is_the_mean_of_the_posterior_by_integration():
    for case in [*RATE.cases(), (2, 7, 3, 4), (0, 5, 1.5, 2.5)]:
        assert RATE.solution(*case) == pytest.approx(integrated(*case), rel=1e-7)
    by_hand = [
        ((3, 10, 2, 98), 5 / 110),
        ((0, 0, 2, 98), 0.02),
        ((0, 40, 2, 98), 2 / 140),
        ((30, 100, 5, 15), 35 / 120),
        ((1, 1, 1, 1), 2 / 3),
    ]
    assert_by_hand(RATE, by_hand)


def lazily(sources, request, last_resort):
    def asked():
        for name, source in sources:
            with contextlib.suppress(Exception):
                yield source(request), name
        yield last_resort, "last resort"

    return next((a, name) for a, name in asked() if not (a is None or (isinstance(a, list) and len(a) == 0)))


def test_the_chain_answers_as_worked_out_by_hand():
    assert results(CHAIN) == [
        (["soup", "pie"], "own"),
        (["pizza"], "popular"),
        (["pizza"], "popular"),
        (["pizza"], "popular"),
        (["pizza"], "popular"),
        (["pizza"], "popular"),
        (0, "count"),
        (["toast"], "last resort"),
        (["toast"], "last resort"),
        (["pizza"], "popular"),
        (["soup"], "soup"),
        (["pizza"], "popular"),
        (["pizza"], "popular"),
        (["toast"], "last resort"),
        (["pie"], "pie"),
        (["pizza"], "popular"),
    ]
    assert_solution_is(CHAIN, lazily, ([("a", {}.get), ("b", [3, 4].__getitem__)], 1, None), ([("a", len)], 3, 9))


def test_the_next_step_is_that_of_the_table_by_hand():
    unasked = {0: "explore", 5: "measure", 20: "measure", 80: "measure"}
    by_hand = [((weight, None, 0.0, n, 14), step) for weight in (0.0, 1.0) for n, step in unasked.items()]
    by_hand += [
        ((1.0, 1.0, 0.04, 80, 14), "leave"),
        ((1.0, 0.97, 0.04, 45, 14), "leave"),
        ((0.1, 0.14, 0.05, 80, 14), "leave"),
        ((0.5, 0.6, 0.1, 250, 100), "leave"),
        ((0.5, 0.35, 0.1, 80, 14), "leave"),
        ((0.2, 0.35, 0.1, 60, 14), "leave"),
        ((0.5, 0.35, 0.1, 5, 14), "explore"),
        ((0.0, 0.05, 0.05, 80, 14), "leave"),
        ((1.0, 0.1, 0.05, 0, 14), "correct"),
        ((1.0, 0.1, 0.05, 80, 14), "correct"),
        ((1.0, 0.7, 0.05, 0, 14), "correct"),
        ((1.0, 0.7, 0.05, 80, 14), "correct"),
        ((0.1, 1.0, 0.05, 0, 14), "correct"),
        ((0.1, 1.0, 0.05, 80, 14), "correct"),
        ((0.5, 0.2, 0.05, 0, 14), "correct"),
        ((0.5, 0.2, 0.05, 80, 14), "correct"),
        ((0.3, 0.2, 0.01, 60, 14), "correct"),
        ((0.9, 0.0, 0.05, 80, 14), "correct"),
        ((0.9, 0.0, 0.05, 2, 14), "correct"),
        ((0.0, 0.9, 0.05, 80, 14), "correct"),
        ((0.1, 0.12, 0.05, 0, 14), "explore"),
        ((0.1, 0.12, 0.05, 2, 14), "explore"),
        ((0.1, 0.12, 0.05, 7, 14), "explore"),
        ((0.1, 0.12, 0.05, 30, 100), "explore"),
        ((0.1, 0.12, 0.05, 55, 100), "explore"),
        ((1.0, 1.0, 0.05, 2, 14), "explore"),
        ((0.0, 0.0, 0.05, 2, 14), "explore"),
        ((0.1, 0.12, 0.05, 25, 14), "leave"),
        ((0.1, 0.12, 0.05, 12, 5), "leave"),
        ((0.1, 0.12, 0.05, 60, 14), "leave"),
        ((0.1, 0.12, 0.05, 190, 100), "leave"),
    ]
    assert list(STEP.cases()) == [case for case, _ in by_hand]
    assert results(STEP) == [step for _, step in by_hand]


def by_recursion(sources, request, last_resort):
    if not sources:
        return last_resort, "last resort"
    (name, source), *others = sources
    try:
        answer = source(request)
    except Exception:
        answer = None
    return by_recursion(others, request, last_resort) if answer is None or answer == [] else (answer, name)


Answered = collections.namedtuple("Answered", "answer source")


def step(weight, trust, standard_error, looks, strength, *, errors=3.0, few=1.0):
    if trust is None:
        return "measure" if looks else "explore"
    gap = np.abs(weight - trust) / standard_error
    return str(np.select([gap > errors, looks < few * strength], ["correct", "explore"], "leave"))


def by_half_a_say(weight, trust, standard_error, looks, strength):
    """The prior's share of the say, instead of counts."""
    if trust is None:
        return "explore" if looks == 0 else "measure"
    if not trust - 2 * standard_error <= weight <= trust + 2 * standard_error:
        return "correct"
    return {True: "explore", False: "leave"}[strength / (strength + looks) > 0.5]


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (RATE, lambda c, n, a, b: stats.beta(a + c, b + n - c).mean()),
        (RATE, lambda c, n, a, b: Fraction(a + c, a + b + n)),
        (RATE, lambda c, n, a, b: np.float32(a + c) / np.float32(a + b + n)),
        (RATE, lambda c, n, a, b: (a + b) / (a + b + n) * a / (a + b) + (n / (a + b + n) * c / n if n else 0)),
        (CHAIN, lazily),
        (CHAIN, by_recursion),
        (CHAIN, lambda *case: list(lazily(*case))),
        (CHAIN, lambda *case: Answered(*lazily(*case))),
        (CHAIN, lambda *case: tuple(kind(x) for kind, x in zip((np.array, np.str_), lazily(*case), strict=True))),
        (CHAIN, lambda sources, request, last: lazily(iter(sources), request, last)),
        (STEP, step),
        (STEP, by_half_a_say),
        (STEP, lambda *case: step(*case, errors=2.0, few=0.7)),
        (STEP, lambda *case: step(*case, errors=4.5, few=1.5)),
        (STEP, lambda *case: np.str_(step(*map(lambda x: x and np.float64(x), case)))),
        (
            STEP,
            lambda w, t, e, n, s: (
                ["explore", "measure"][n > 0]
                if t is None
                else "correct"
                if e and (w - t) ** 2 > 9 * e**2
                else "explore"
                if n <= s
                else "leave"
            ),
        ),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def eager(sources, request, last_resort):
    answers = []
    for name, source in sources:
        with contextlib.suppress(Exception):
            answers.append((source(request), name))
    found = [(a, name) for a, name in answers if a is not None and not (isinstance(a, list) and len(a) == 0)]
    return found[0] if found else (last_resort, "last resort")


def eager_dictionary(sources, request, last_resort):
    answers = {}
    for name, source in sources[::-1]:
        with contextlib.suppress(Exception):
            answers[name] = source(request)
    for name in list(answers)[::-1]:
        if answers[name] is not None and answers[name] != []:
            return answers[name], name
    return last_resort, "last resort"


def without_try(sources, request, last_resort):
    for name, source in sources:
        if (answer := source(request)) is not None and answer != []:
            return answer, name
    return last_resort, "last resort"


def serves_none(sources, request, last_resort):
    for name, source in sources:
        with contextlib.suppress(Exception):
            if (answer := source(request)) != []:
                return answer, name
    return last_resort, "last resort"


def type_errors_answer(sources, request, last_resort):
    for name, source in sources:
        answer = []
        try:
            answer = source(request)
            if answer is None or len(answer) == 0:
                continue
        except TypeError:  # meant for a number, which has no length
            pass
        except Exception:
            continue
        return answer, name
    return last_resort, "last resort"


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (RATE, lambda c, n, a, b: (a + c) / (a + b + n + 1)),
        (RATE, lambda c, n, a, b: (2 + c) / (100 + n)),
        (RATE, lambda c, n, a, b: (1 + c) / (2 + n)),
        (RATE, lambda c, n, a, b: a / (a + b)),
        (RATE, lambda c, n, a, b: (a + c) / (a + b + n - c)),
        (RATE, lambda c, n, a, b: round((a + c) / (a + b + n), 4)),
        (CHAIN, eager),
        (CHAIN, eager_dictionary),
        (CHAIN, without_try),
        (CHAIN, serves_none),
        (CHAIN, lambda *case: lazily(*case)[::-1]),
        (CHAIN, lambda *case: lazily(*case)[0]),
        (CHAIN, lambda sources, request, last: lazily(sources[:1], request, last)),
        (CHAIN, lambda sources, request, last: lazily(sources[::-1], request, last)),
        (CHAIN, lambda sources, request, last: (lazily(sources, request, last)[0], "popular")),
        (CHAIN, lambda *case: looping(*case, caught=(KeyError, ConnectionError))),
        (CHAIN, lambda *case: looping(*case, caught=ArithmeticError)),
        (CHAIN, lambda *case: looping(*case, caught=(LookupError, OSError, ArithmeticError))),
        (CHAIN, lambda *case: looping(*case, caught=(LookupError, OSError, ArithmeticError, ValueError))),
        (CHAIN, type_errors_answer),
        (STEP, lambda w, t, e, n, s: step(w, t or None, e, n, s)),
        (STEP, lambda w, t, e, n, s: step(w, t, e, n, s) if w or t is None else "leave"),
        (STEP, lambda *case: step(*case, errors=1.05)),
        (STEP, lambda w, t, e, n, s: "leave" if (t or 0) > 0.5 and n < s and w == t else step(w, t, e, n, s)),
        (STEP, lambda w, t, e, n, s: "measure" if t is None else step(w, t, e, n, s)),
        (STEP, lambda w, t, e, n, s: step(w, t, e, n, 30)),
        (STEP, lambda w, t, e, n, s: step(w, t, e, n, 14)),
        (STEP, lambda w, t, e, n, s: step(w, t, 0.05, n, s)),
        (STEP, lambda *case: step(*case, errors=0.5)),
        (STEP, lambda *case: step(*case, errors=8)),
        (STEP, lambda *case: step(*case, few=0.4)),
        (STEP, lambda *case: step(*case, few=2.5)),
        (STEP, lambda w, t, e, n, s: "explore" if n < s else step(w, t, e, n, s)),
        (STEP, lambda w, t, e, n, s: step(w, 1.0 if t is None else t, e or 0.05, n, s)),
        (STEP, lambda w, t, e, n, s: "explore" if (t or 0) < 0.5 else "leave"),
        (STEP, lambda w, t, e, n, s: step(w, t, e, s - n, s)),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake", "error")


@pytest.mark.parametrize("answer", [without_try, lambda *case: looping(*case, caught=OSError)])
def test_a_source_that_raises_is_not_survived_by_chance(answer):
    assert state(CHAIN, answer) == "error"


def looping(
    sources,
    request,
    last_resort,
    *,
    goes_on=True,
    is_answer=lambda a: a is not None and a != [],
    name_of=None,
    caught=Exception,
    stops_at=(),
):
    for name, source in sources:
        try:
            answer = source(request)
        except caught as error:
            if not goes_on or isinstance(error, stops_at):
                break
            continue
        if is_answer(answer):
            return answer, name_of or name
    return last_resort, name_of or "last resort"


def twice(sources, request, last_resort):
    for name, source in sources:
        with contextlib.suppress(Exception):
            if source(request) not in (None, []):
                return source(request), name
    return last_resort, "last resort"


MISTAKES = [
    (RATE, "raw rate", lambda c, n, a, b: c / max(n, 1)),
    (RATE, "beta is the total", lambda c, n, a, b: (c + a) / (n + b)),
    (
        RATE,
        "average of two rates",
        lambda c, n, a, b: np.mean([a / (a + b), c / n]) if n else stats.beta(a, b).mean(),
    ),
    (RATE, "mode", lambda c, n, a, b: (a + c - 1) / max(a + b + n - 2, 1)),
    (CHAIN, "stops at an error", lambda *case: looping(*case, goes_on=False)),
    (CHAIN, "serves the empty", lambda *case: looping(*case, is_answer=lambda a: a is not None)),
    (CHAIN, "drops zero", lambda *case: looping(*case, is_answer=bool)),
    (CHAIN, "asks them all", eager),
    (CHAIN, "forgets the source", lambda s, *rest: looping(s, *rest, name_of=s[0][0] if s else "last resort")),
    (
        CHAIN,
        "expects its errors",
        lambda *case: looping(*case, stops_at=(TypeError, ValueError, AttributeError, RuntimeError)),
    ),
    (CHAIN, "asks twice", twice),
    (STEP, "always explores", lambda *case: "explore"),
    (STEP, "unmeasured is worthless", lambda w, t, e, n, s: step(w, t or 0.0, e or 1e-9, n, s)),
    (STEP, "zero is not asked", lambda w, t, e, n, s: step(w, t or None, e, n, s)),
    (STEP, "asks nobody", lambda w, t, e, n, s: step(w, t, e, n, s) if t is not None else "measure"),
    (STEP, "noise is a difference", lambda *case: step(*case, errors=1e-9)),
    (STEP, "believes too much only", lambda w, t, e, n, s: step(max(w, t or 0), t, e, n, s)),
    (STEP, "one number for few", lambda w, t, e, n, s: step(w, t, e, n, 20)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
