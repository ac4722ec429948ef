"""Exercises of lesson 13 against counted calls, a bucket of debts, a queue drained step by step; answers of others."""

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tests.exercises.judging import assert_by_hand, assert_solution_is, in_order, mistake, named_mistakes, state
from utils.exercises.thundering_herd import EXERCISES
from utils.systems.overload.guards import RetryBudget
from utils.systems.overload.outage import simulate_outage
from utils.systems.overload.scenario import Scenario

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
        ("rffr", 0.75, 1, "1111"),
    ]
    words = {"f": "first", "r": "retry"}
    table = [(([words[a] for a in asked], *plan), [p == "1" for p in passed]) for asked, *plan, passed in by_hand]
    assert_by_hand(BUDGET, table)


def seconds_late(demand, stall_seconds, step=0.005):
    """Let work pile up while nothing is served, then serve on, step by step, until less than a second of it is left."""
    queue = sum(demand * step for _ in range(round(stall_seconds / step)))
    seconds = 0.0
    while queue > 1.0 + 1e-9:
        queue += demand * step - step
        seconds += step
        if seconds > 200 or demand >= 1:
            return np.inf
    return np.inf if demand >= 1 else seconds


def judged(load, retries, stall, tolerated):
    if load >= 1:
        return "more servers"
    attempts = requests_at_the_bottom(retries, 1)
    if seconds_late(load * (1.1 if attempts > 1.1 else attempts), stall) > tolerated:
        return "queue limit"
    return "retry budget" if seconds_late(load * attempts, stall) > tolerated else "nothing"


def test_the_protection_is_that_of_a_queue_drained_step_by_step():
    for case in PROTECTION.cases():
        assert PROTECTION.solution(*case) == judged(*case), case


@pytest.mark.parametrize(
    ("load", "retries", "budget", "is_late"),
    [(0.4, 1, None, True), (0.4, 1, 0.1, False), (0.2, 3, None, True), (0.2, 1, None, False), (0.8, 0, None, True)],
)
def test_the_simulation_is_late_where_the_exercise_says(load, retries, budget, is_late):
    """Ten seconds of stall, twenty tolerated: the four that the first edition's rule got wrong, and one it got right."""
    scenario = Scenario(load=load, retries=retries, stalls=True, horizon=45.0)
    trace = simulate_outage(scenario, 3, guard=budget and RetryBudget(budget))
    confirmed = trace.useful[40:44].sum() / trace.placed[40:44].sum()
    assert (confirmed < 0.5) == is_late
    said = PROTECTION.solution(load, 0 if budget else retries, 10.0, 20.0)
    assert (said != "nothing") == is_late


def test_the_cases_on_both_sides_of_an_edge_were_decided_by_hand():
    by_hand = [
        ((0.99, 0, 0, 5), "nothing"),
        ((1.01, 0, 0, 5), "more servers"),
        ((0.8, 0, 10, 34), "queue limit"),
        ((0.8, 0, 10, 36), "nothing"),
        ((0.4, 1, 10, 34), "retry budget"),
        ((0.4, 1, 10, 36), "nothing"),
        ((0.5, 3, 20, 21), "queue limit"),
        ((0.5, 3, 20, 23), "retry budget"),
        ((0.5, 0, 30, 27), "queue limit"),
        ((0.5, 0, 30, 29), "nothing"),
        ((0.26, 3, 0, 5), "retry budget"),
        ((0.24, 3, 0, 5), "nothing"),
        ((0.35, 2, 0, 5), "retry budget"),
        ((0.32, 2, 0, 5), "nothing"),
        ((0.9, 2, 0, 5), "retry budget"),
        ((0.92, 2, 0, 5), "queue limit"),
        ((0.92, 0, 0, 5), "nothing"),
    ]
    cases = PROTECTION.cases()
    assert [(case, PROTECTION.solution(*case)) for case in cases[-17:]] == by_hand
    assert cases[:-17] == list(itertools.product((0.2, 0.41, 0.8, 1.1), (0, 1, 3), (0, 10), (5, 20, 60)))


def test_what_is_late_for_exactly_as_long_as_tolerated_is_tolerated_but_a_full_service_is_not():
    assert PROTECTION.solution(0.5, 0, 30, 28) == "nothing"
    assert PROTECTION.solution(1.0, 0, 0, 10) == "more servers"
    assert PROTECTION.solution(0.25, 3, 0, 10) == "retry budget"  # a queue that does not shrink


def tokens(
    attempts,
    ratio,
    burst,
    *,
    start=None,
    cap=True,
    needed=1.0,
    cost=1.0,
    retries_earn=False,
    first_costs=False,
    all_or_nothing=False,
):
    level, passed = burst if start is None else start, []
    for attempt in attempts:
        earns = attempt == "first" or retries_earn
        level += ratio * earns
        if cap and earns and level > burst:
            level = level - ratio if all_or_nothing else burst
        ok = attempt == "first" or level >= needed
        if ok and (attempt == "retry" or first_costs):
            level -= cost
        passed.append(ok)
    return passed


def rule(load, retries, stall, tolerated, *, tenth=0.1, timeout=1.0):
    """The same rule by algebra: D seconds of m·load, less the timeout, against tolerated seconds at 1 − m·load."""

    def late(attempts):
        demand = load * attempts
        return demand >= 1 or demand * stall - timeout > tolerated * (1 - demand)

    conditions = [load >= 1, late(1 + min(retries, tenth)), late(1 + retries)]
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
        (BUDGET, lambda *case: tokens(*case, all_or_nothing=True)),
        (BUDGET, lambda attempts, ratio, burst: [True] * len(attempts)),
        (BUDGET, lambda attempts, ratio, burst: [a == "first" for a in attempts]),
        (BUDGET, lambda *case: [int(p) for p in tokens(*case)]),
        (BUDGET, lambda *case: sum(tokens(*case))),
        (PROTECTION, lambda load, r, s, t: rule(load + 0.02, r, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load - 0.02, r, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 0.9 * t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 1.1 * t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, 20.0)),
        (PROTECTION, lambda load, r, s, t: rule(load, r - 1 if r else 0, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r + 1, s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, 3 * (r > 0), s, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s / load, t)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, t, tenth=0.0)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, t, tenth=0.2)),
        (PROTECTION, lambda load, r, s, t: rule(load, r, s, t, timeout=2.0)),
        (PROTECTION, lambda load, r, s, t: "nothing" if load < 0.5 else rule(load, r, s, t)),
        (PROTECTION, lambda load, r, s, t: "nothing" if s == 0 else rule(load, r, s, t)),
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
    (
        PROTECTION,
        "retries forgotten",
        lambda load, r, s, t: (
            str(rule(load, 0, s, t))
            if str(rule(load, 0, s, t)) != "nothing"
            else ("retry budget" if load * (1 + r) >= 1 else "nothing")
        ),
    ),
    (
        PROTECTION,
        "a budget adds",
        lambda load, r, s, t: (
            rule(load, 0.1, s, t)
            if str(rule(load, 0.1, s, t)) in ("queue limit", "more servers")
            else rule(load, r, s, t)
        ),
    ),
    (
        PROTECTION,
        "budget for everything",
        lambda *case: str(rule(*case, tenth=-9)).replace("queue limit", "retry budget"),
    ),
    (
        PROTECTION,
        "stall against tolerance",
        lambda load, r, s, t: (
            "more servers"
            if load >= 1
            else "queue limit"
            if s > t or load * (1 + min(r, 0.1)) >= 1
            else ("retry budget" if load * (1 + r) >= 1 else "nothing")
        ),
    ),
    (PROTECTION, "timeout forgotten", lambda *case: rule(*case, timeout=0.0)),
    (PROTECTION, "first attempts fit", lambda load, r, s, t: rule(load, 0, s, t)),
    (PROTECTION, "buy servers", lambda *case: str(rule(*case)).replace("retry budget", "more servers")),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
