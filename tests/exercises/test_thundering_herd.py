"""Exercises of lesson 13 against counted calls, a bucket of debts, a queue drained step by step; answers of others."""

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tests.exercises.judging import assert_by_hand, assert_solution_is, in_order, mistake, named_mistakes, state
from utils.exercises.thundering_herd import EXERCISES

EDGE, BUDGET, PROTECTION = in_order(EXERCISES)


def requests_at_the_bottom(retries, layers):
    """Count what reaches the bottom for one order while nothing there succeeds, call by call."""
    if layers == 0:
        return 1
    return sum(requests_at_the_bottom(retries, layers - 1) for _ in range(1 + retries))


def counted_edge(retries, layers):
    return 1 / requests_at_the_bottom(retries, layers)


def test_the_edge_is_where_the_counted_requests_fill_the_service():
    assert_solution_is(EDGE, counted_edge, (1, 5), (4, 2), (2, 1))
    by_hand = {(0, 1): 1, (1, 1): 1 / 2, (3, 1): 1 / 4, (3, 3): 1 / 64, (2, 2): 1 / 9, (0, 4): 1}
    assert_by_hand(EDGE, list(by_hand.items()))


def by_debt(attempts, ratio, burst):
    """The bucket seen from above, in exact fractions: what is missing to full, paid back by first attempts."""
    debt, passed = Fraction(0), []
    for attempt in attempts:
        if attempt == "first":
            debt = max(Fraction(0), debt - Fraction(ratio))
        may_pass = attempt == "first" or Fraction(burst) - debt >= 1
        debt += attempt == "retry" and may_pass
        passed.append(bool(may_pass))
    return passed


def test_what_a_budget_lets_pass_is_what_a_bucket_of_debts_does():
    rng = np.random.default_rng(0)
    more = [
        (
            rng.choice(["first", "retry"], 40).tolist(),
            float(rng.choice([0.125, 0.25, 0.5])),
            float(rng.choice([1, 2.5, 4])),
        )
        for _ in range(20)
    ]
    assert_solution_is(BUDGET, by_debt, *more)


def test_what_a_budget_lets_pass_was_counted_by_hand():
    by_hand = [  # f: a first attempt, r: a retry; 1: passes
        ("frrrrfrfr", 0.5, 2, "111001011"),
        (20 * "f" + 6 * "r", 0.25, 3, 23 * "1" + "000"),
        ("rr" + 8 * "fr", 0.25, 1, "10" + 2 * "10101011"),
        (12 * "r", 0.5, 4, "1111" + 8 * "0"),
        ("rrfrfffrr", 0.5, 1.5, "101111110"),
        ("frr", 0.25, 1, "110"),
    ]
    words = {"f": "first", "r": "retry"}
    table = [(([words[a] for a in asked], *plan), [p == "1" for p in passed]) for asked, *plan, passed in by_hand]
    assert_by_hand(BUDGET, table)


def seconds_until_empty(load, stall_seconds, step=0.01):
    """Let work pile up while nothing is served, then serve one unit a second and go on receiving, step by step."""
    queue = sum(load * step for _ in range(round(stall_seconds / step)))
    seconds = 0.0
    while queue > 1e-9:
        queue = max(0.0, queue + load * step - step)
        seconds += step
    return seconds


def test_the_protection_is_that_of_a_queue_drained_step_by_step():
    outages = {(load, stall) for load, _, stall, _ in PROTECTION.cases() if load < 1}
    late_for = {outage: seconds_until_empty(*outage) for outage in outages}
    for load, retries, stall, tolerated in PROTECTION.cases():
        wanted = "nothing" if load * requests_at_the_bottom(retries, 1) <= 1 else "retry budget"
        if load >= 1:
            wanted = "more servers"
        elif late_for[load, stall] > tolerated:
            wanted = "queue limit"
        assert PROTECTION.solution(load, retries, stall, tolerated) == wanted, (load, retries, stall, tolerated)


def test_the_cases_on_both_sides_of_an_edge_were_decided_by_hand():
    by_hand = [
        ((0.99, 0, 0, 5), "nothing"),
        ((1.01, 0, 0, 5), "more servers"),
        ((0.8, 0, 10, 39), "queue limit"),
        ((0.8, 0, 10, 41), "nothing"),
        ((0.5, 0, 30, 29), "queue limit"),
        ((0.5, 0, 30, 31), "nothing"),
        ((0.26, 3, 0, 5), "retry budget"),
        ((0.24, 3, 0, 5), "nothing"),
        ((0.35, 2, 0, 5), "retry budget"),
        ((0.32, 2, 0, 5), "nothing"),
    ]
    cases = PROTECTION.cases()
    assert [(case, PROTECTION.solution(*case)) for case in cases[-10:]] == by_hand
    assert cases[:-10] == list(itertools.product((0.2, 0.4, 0.8, 1.1), (0, 1, 3), (0, 10), (5, 20, 60)))


def test_what_fits_exactly_is_tolerated_but_a_full_service_is_not():
    assert PROTECTION.solution(0.5, 1, 10, 10) == "nothing"
    assert PROTECTION.solution(1.0, 0, 0, 10) == "more servers"


def tokens(
    attempts, ratio, burst, *, start=None, cap=True, needed=1.0, cost=1.0, retries_earn=False, first_costs=False
):
    level, passed = burst if start is None else start, []
    for attempt in attempts:
        earns = attempt == "first" or retries_earn
        level += ratio * earns
        if cap and earns and level > burst:
            level = burst
        ok = attempt == "first" or level >= needed
        if ok and (attempt == "retry" or first_costs):
            level -= cost
        passed.append(ok)
    return passed


def rule(load, retries, stall, tolerated):
    late = load < 1 and load * stall > tolerated * (1 - load)
    conditions = [load >= 1, late, load * (retries + 1) > 1]
    return np.select(conditions, ["more servers", "queue limit", "retry budget"], "nothing")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (EDGE, counted_edge),
        (EDGE, lambda retries, layers: Fraction(1, (1 + retries) ** layers)),
        (EDGE, lambda retries, layers: np.float32(1 + retries) ** -layers),
        (EDGE, lambda retries, layers: np.prod(np.full(layers, 1 / (1 + retries)))),
        (BUDGET, by_debt),
        (BUDGET, lambda *case: np.array(by_debt(*case))),
        (BUDGET, lambda *case: pd.Series(by_debt(*case))),
        (BUDGET, lambda *case: tuple(map(np.bool_, by_debt(*case)))),
        (PROTECTION, rule),
        (PROTECTION, lambda *case: rule(*case).item()),
        (PROTECTION, lambda load, r, s, t: "more servers" if load >= 1 else str(rule(load, r, s, t))),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (EDGE, lambda retries, layers: 1 / (1 + retries**layers)),
        (EDGE, lambda retries, layers: 1 / (2 + retries) ** layers),
        (EDGE, lambda retries, layers: (1 + retries) ** -(layers - 1.0)),
        (EDGE, lambda retries, layers: 1 / 64),
        (EDGE, lambda retries, layers: round(counted_edge(retries, layers), 2)),
        (BUDGET, lambda *case: tokens(*case, needed=1.01)),
        (BUDGET, lambda *case: tokens(*case, needed=0.75)),
        (BUDGET, lambda *case: tokens(*case, cost=0.5)),
        (BUDGET, lambda *case: tokens(*case, cost=0)),
        (BUDGET, lambda *case: tokens(*case, first_costs=True)),
        (BUDGET, lambda *case: tokens(*case, start=1.0)),
        (BUDGET, lambda attempts, ratio, burst: tokens(attempts, 0.5, burst)),
        (BUDGET, lambda attempts, ratio, burst: tokens(attempts, 1.0, burst)),
        (BUDGET, lambda attempts, ratio, burst: tokens(attempts, ratio, burst + ratio)),
        (BUDGET, lambda attempts, ratio, burst: tokens(attempts, ratio, int(burst))),
        (BUDGET, lambda attempts, ratio, burst: [True] * len(attempts)),
        (BUDGET, lambda attempts, ratio, burst: [a == "first" for a in attempts]),
        (BUDGET, lambda *case: [int(p) for p in tokens(*case)]),
        (BUDGET, lambda *case: sum(tokens(*case))),
        (PROTECTION, lambda load, r, s, t: rule(load + 0.02, r, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load - 0.02, r, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 0.95 * t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 1.05 * t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 20.0)),
        (PROTECTION, lambda load, r, s, t: rule(load, r - 1, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r + 1, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, 3 * (r > 0), s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s / load, t)),
        (PROTECTION, lambda load, r, s, t: "nothing" if load < 0.5 else rule(load, r, s, t)),
        (PROTECTION, lambda load, r, s, t: "queue limit"),
        (
            PROTECTION,
            lambda load, r, s, t: "retry budget" if load < 1 and load * (1 + r) > 1 else rule(load, r, s, t),
        ),
    ],
)
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


MISTAKES = [
    (EDGE, "layers add", lambda retries, layers: 1 / (1 + layers * retries)),
    (EDGE, "one layer", lambda retries, layers: counted_edge(retries, 1)),
    (EDGE, "retries for attempts", lambda retries, layers: counted_edge(max(retries - 1, 0), layers)),
    (EDGE, "attempts", requests_at_the_bottom),
    (BUDGET, "starts empty", lambda *case: tokens(*case, start=0)),
    (BUDGET, "no upper end", lambda *case: tokens(*case, cap=False)),
    (BUDGET, "part of a token", lambda *case: tokens(*case, needed=1e-6)),
    (BUDGET, "retries earn", lambda *case: tokens(*case, retries_earn=True)),
    (PROTECTION, "budget for everything", lambda load, r, s, t: rule(load, r, 0, t)),
    (
        PROTECTION,
        "stall against tolerance",
        lambda load, r, s, t: "queue limit" if load < 1 and s > t else rule(load, r, 0, t),
    ),
    (PROTECTION, "first attempts fit", lambda load, r, s, t: rule(load, 0, s, t)),
    (PROTECTION, "buy servers", lambda *case: str(rule(*case)).replace("retry budget", "more servers")),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
