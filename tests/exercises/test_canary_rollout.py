"""Exercises of lesson 19 against drawn visits, binomial likelihoods and a table by hand; right and wrong answers."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    results,
    state,
)
from utils.exercises.canary_rollout import EXERCISES

BURN, EVIDENCE, DECISION = in_order(EXERCISES)


def by_counts(share, canary_error_rate, stable_error_rate, objective):
    """Count a million visits: what fails, over what may fail."""
    visits = Fraction(10**6)
    canary = visits * Fraction(share)
    failed = canary * Fraction(canary_error_rate) + (visits - canary) * Fraction(stable_error_rate)
    return float(failed / (visits * (1 - Fraction(objective))))


def test_the_burn_is_that_of_counted_visits():
    assert_solution_is(BURN, by_counts, (0.25, 0.5, 0.25, 0.875), (1.0, 0.3, 0.9, 0.7))
    by_hand = [
        ((0.01, 1, 0, 0.999), 10),
        ((0.01, 1, 0.001, 0.999), 10.99),
        ((0.1, 0.05, 0.002, 0.99), 0.68),
        ((0.5, 0.004, 0.001, 0.995), 0.5),
        ((0.013, 0.0123, 0.00117, 0.9973), 0.4869222222222222),
    ]
    assert_by_hand(BURN, by_hand)


def by_likelihoods(canary_events, stable_events, canary_visits, stable_visits, ratio):
    """The log of two binomial likelihoods of where the events fell, given how many there were."""
    total, found = 0.0, []
    for c, s, n, m in zip(canary_events, stable_events, canary_visits, stable_visits, strict=True):
        alike = n / (n + m)
        worse = ratio * n / (ratio * n + m)
        total += stats.binom.logpmf(c, c + s, worse) - stats.binom.logpmf(c, c + s, alike)
        found.append(total)
    return np.array(found)


def test_the_evidence_is_the_ratio_of_binomial_likelihoods():
    rng = np.random.default_rng(0)
    more = [
        (rng.poisson(5, 6), rng.poisson(90, 6), rng.poisson(100, 6), rng.poisson(2_000, 6), ratio)
        for ratio in (0.5, 1.5, 4.0)
    ]
    for case in [*EVIDENCE.cases(), *more]:
        assert EVIDENCE.solution(*case) == pytest.approx(by_likelihoods(*case), rel=1e-9)
    with_rounded_results = [
        (([1, 0, 3], [9, 12, 8], [100] * 3, [9_900] * 3, 4), [1.090706, 0.7360007, 4.569737]),
        (([40, 55], [460, 440], [950, 1_050], [9_000, 8_000], 0.8), [0.7143333, 0.06298912]),
        (([6, 2], [5, 7], [5_000] * 2, [4_000, 6_000], 1.5), [-0.2635564, -1.295776]),
    ]
    assert_by_hand(EVIDENCE, with_rounded_results)
    assert results(EVIDENCE)[0][-1] == pytest.approx(4 * np.log(4) - 33 * np.log(1.03))


def test_e_to_the_evidence_is_one_on_average_where_the_versions_are_alike():
    rng = np.random.default_rng(0)
    events = rng.poisson(20, 40_000)
    canary = rng.binomial(events, 0.25)
    evidence = EVIDENCE.solution(canary, events - canary, np.full(40_000, 25.0), np.full(40_000, 75.0), 1.3)
    each = np.diff(evidence, prepend=0.0)
    assert np.exp(each).mean() == pytest.approx(1, abs=4 * np.exp(each).std() / 200)


BAD, CLEARED, OPEN = "roll back", "promote", "hold"
BY_STATE = {
    (-6.0, -5.0, -7.0): CLEARED,
    (-6.0, 1.0, -7.0): OPEN,
    (7.0, -6.0, -6.0): BAD,
    (2.0, 1.0, 3.0): OPEN,
    (4.0, 3.5, 2.0): OPEN,
    (-6.0, 7.0, -6.0): BAD,
    (-9.0, -1.0, -9.0): OPEN,
    (-1.0, -2.0, -3.0): OPEN,
    (-6.0, -6.0, 5.5): OPEN,
    (-6.0, -6.0, 5.8): BAD,
    (-4.5, -6.0, -6.0): OPEN,
    (-4.7, -6.0, -6.0): CLEARED,
}
OTHER_PLANS = [
    (BAD, ([3.5], True, 9, 5, 40, 3.0, -2.0)),
    (BAD, ([3.0], True, 9, 5, 40, 3.0, -2.0)),
    (CLEARED, ([-2.0, -2.5], True, 9, 5, 40, 3.0, -2.0)),
    (CLEARED, ([-2.5], True, 5, 5, 40, 3.0, -2.0)),
    (OPEN, ([-2.5, -3.0], True, 4, 5, 40, 3.0, -2.0)),
    (OPEN, ([8.0, -8.0], True, 40, 30, 90, 9.0, -7.0)),
    (OPEN, ([-6.0, -5.0], True, 40, 30, 90, 9.0, -7.0)),
    (OPEN, ([-8.0, -7.5], True, 29, 30, 90, 9.0, -7.0)),
    (BAD, ([-6.0, -5.0], True, 40, 30, 40, 9.0, -7.0)),
]


def test_the_decision_is_that_of_the_table_by_hand():
    cases = DECISION.cases()
    assert [(DECISION.solution(*case), case) for case in cases[-9:]] == OTHER_PLANS
    assert {tuple(case[0]) for case in cases[:-9]} == set(BY_STATE)
    for evidence, usable, windows, *plan in cases[:-9]:
        wanted = BY_STATE[tuple(evidence)] if usable else OPEN
        if wanted == CLEARED and windows in (3, 14):
            wanted = OPEN
        if wanted == OPEN and windows == 60:
            wanted = BAD
        assert plan == [15, 60, 5.66, -4.61]
        assert DECISION.solution(evidence, usable, windows, *plan) == wanted
    assert len(cases) == 12 * 2 * 6 + 9


def test_evidence_at_a_boundary_has_reached_it():
    assert DECISION.solution([5.66, -9.0], True, 1, 15, 60, 5.66, -4.61) == "roll back"
    assert DECISION.solution([-4.61, -9.0], True, 15, 15, 60, 5.66, -4.61) == "promote"
    assert DECISION.solution([-4.61, -9.0], True, 60, 15, 60, 5.66, -4.61) == "promote"


def by_loop(canary_events, stable_events, canary_visits, stable_visits, ratio):
    total, found = 0.0, []
    for c, s, n, m in zip(canary_events, stable_events, canary_visits, stable_visits, strict=True):
        share = n / (n + m)
        total += c * np.log(ratio / (1 + share * (ratio - 1))) + s * np.log(1 / (1 + share * (ratio - 1)))
        found.append(total)
    return found


def by_frame(canary_events, stable_events, canary_visits, stable_visits, ratio):
    log = pd.DataFrame({"c": canary_events, "s": stable_events, "n": canary_visits, "m": stable_visits})
    expected = ratio * log.n / (ratio * log.n + log.m)
    return (
        log.c * np.log(expected * (log.n + log.m) / log.n) + log.s * np.log((1 - expected) * (log.n + log.m) / log.m)
    ).cumsum()


def decision(evidence, usable, windows, minimum, maximum, above, below, *, worst=max):
    bad, good = worst(evidence) >= above, worst(evidence) <= below and windows >= minimum
    late = windows >= maximum
    return np.select([usable and bad, usable and good, late], ["roll back", "promote", "roll back"], "hold")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (BURN, by_counts),
        (BURN, lambda p, c, s, o: (s + p * (c - s)) / (1 - o)),
        (BURN, lambda p, c, s, o: np.float32(np.average([c, s], weights=[p, 1 - p]) / (1 - o))),
        (BURN, lambda p, c, s, o: p * (c / (1 - o)) + (1 - p) * (s / (1 - o))),
        (EVIDENCE, by_loop),
        (EVIDENCE, by_frame),
        (EVIDENCE, by_likelihoods),
        (EVIDENCE, lambda *columns: tuple(np.float64(x) for x in by_loop(*columns))),
        (EVIDENCE, lambda *columns: by_frame(*columns).to_numpy(dtype=np.float32)),
        (DECISION, decision),
        (DECISION, lambda *readings: str(decision(*readings))),
        (DECISION, lambda *readings: decision(*readings, worst=np.max)[()]),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def with_share(share):
    def answer(canary_events, stable_events, canary_visits, stable_visits, ratio):
        factor = np.log(1 + share(canary_visits, stable_visits) * (ratio - 1))
        return np.cumsum(canary_events * np.log(ratio) - (canary_events + stable_events) * factor)

    return answer


def first_may_roll_back(evidence, usable, windows, minimum, maximum, above, below):
    if usable and evidence[0] >= above:
        return "roll back"
    return decision(np.minimum(evidence, above - 1e-9), usable, windows, minimum, maximum, above, below)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (BURN, lambda p, c, s, o: (p * c + s) / (1 - o)),
        (BURN, lambda p, c, s, o: (p * c + (1 - p) * s) * (1 - o)),
        (BURN, lambda p, c, s, o: p * (c - s) / (1 - o)),
        (BURN, lambda p, c, s, o: ((1 - p) * c + p * s) / (1 - o)),
        (BURN, lambda p, c, s, o: (p * c + (1 - p) * s) / 0.001),
        (BURN, lambda p, c, s, o: 10.0),
        (EVIDENCE, with_share(lambda n, m: n.sum() / (n + m).sum())),
        (EVIDENCE, with_share(lambda n, m: (n / (n + m))[0])),
        (EVIDENCE, with_share(lambda n, m: n / m)),
        (EVIDENCE, with_share(lambda n, m: np.cumsum(n) / np.cumsum(n + m))),
        (EVIDENCE, lambda *columns: by_likelihoods(*columns)[-1]),
        (EVIDENCE, lambda *columns: by_likelihoods(*columns) / np.log(10)),
        (EVIDENCE, lambda *columns: np.exp(by_likelihoods(*columns))),
        (EVIDENCE, lambda *columns: -by_likelihoods(*columns)),
        (EVIDENCE, lambda *columns: by_likelihoods(*columns).round(2)),
        (EVIDENCE, lambda c, s, n, m, ratio: by_likelihoods(c, s, n, m, 4.0)),
        (EVIDENCE, lambda c, s, n, m, ratio: by_likelihoods(s, c, m, n, ratio)),
        (DECISION, lambda e, *rest: decision([np.mean(e)], *rest)),
        (DECISION, lambda e, *rest: decision([np.median(e)], *rest)),
        (DECISION, lambda e, *rest: decision(e[:1], *rest)),
        (DECISION, lambda e, *rest: decision(e[-1:], *rest)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above, 0)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above, below + 0.15)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above, below - 0.15)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above + 0.2, below)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above - 0.2, below)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, 5.66, below)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above, -4.61)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w, 15, x, above, below)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w - 1, m, x, above, below)),
        (DECISION, lambda e, u, w, m, x, above, below: decision(e, u, w + 1, m, x, above, below)),
        (DECISION, lambda e, u, w, m, x, *edges: decision(e, u, w, m, x, *edges) if e[0] < edges[0] else "roll back"),
        (DECISION, lambda e, u, w, m, x, *edges: decision(e, u, w, m, x + 1, *edges)),
        (DECISION, lambda e, u, w, m, x, *edges: decision(e, u, w, m, x - 1, *edges)),
        (DECISION, lambda e, u, w, m, x, *edges: decision(e, u, w, m, 60, *edges)),
        (DECISION, lambda e, u, w, m, x, *edges: decision(e, u, w, m, x, *edges) if u else "hold"),
        (DECISION, first_may_roll_back),
        (DECISION, lambda *readings: "hold"),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def unnormalized(canary_events, stable_events, canary_visits, stable_visits, ratio):
    share = canary_visits / (canary_visits + stable_visits)
    return np.cumsum(canary_events * np.log(ratio) + stable_events * np.log1p(-(ratio - 1) * share / (1 - share)))


def relative_rate(canary_events, stable_events, canary_visits, stable_visits, ratio):
    log = pd.DataFrame({"c": canary_events, "s": stable_events, "n": canary_visits, "m": stable_visits}).cumsum()
    return np.log(log.c * log.m / (log.n * log.s))


MISTAKES = [
    (BURN, "canary only", lambda p, c, s, o: c / (1 - o)),
    (BURN, "stable forgotten", lambda p, c, s, o: c * p / (1 - o)),
    (BURN, "objective", lambda p, c, s, o: by_counts(p, c, s, 1 - o)),
    (BURN, "unweighted", lambda p, c, s, o: by_counts(0.5, c, s, o)),
    (EVIDENCE, "hits only", with_share(lambda n, m: 0)),
    (EVIDENCE, "not normalized", unnormalized),
    (EVIDENCE, "even split", with_share(lambda n, m: 0.5)),
    (EVIDENCE, "each window alone", lambda *columns: np.diff(by_likelihoods(*columns), prepend=0)),
    (EVIDENCE, "ratio of rates", relative_rate),
    (
        DECISION,
        "any cleared",
        lambda e, *rest: (
            "promote" if decision(e, *rest, worst=min) == "promote" and max(e) < rest[-2] else decision(e, *rest)
        ),
    ),
    (DECISION, "no minimum", lambda e, u, w, m, *rest: decision(e, u, w, 0, *rest)),
    (DECISION, "waits to roll back", lambda e, u, w, m, *rest: decision(e, u, w, m, *rest) if w >= m else "hold"),
    (DECISION, "blind", lambda e, u, *rest: decision(e, True, *rest)),
    (DECISION, "adds up", lambda *readings: decision(*readings, worst=sum)),
    (
        DECISION,
        "by the clock",
        lambda e, u, w, m, x, above, below: decision(e, u, w, m, x, above, above if w < x else below),
    ),
    (DECISION, "never ends", lambda e, u, w, m, x, *edges: decision(e, u, w, m, np.inf, *edges)),
    (
        DECISION,
        "ends by going on",
        lambda e, u, w, m, x, above, below: (
            "promote" if w >= x and not (u and max(e) >= above) else decision(e, u, w, m, x, above, below)
        ),
    ),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
