"""Exercises of lesson 20 against drawn quiet days, a maximum of sums and a truth table; answers of others."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    results,
    state,
)
from utils.exercises.drift_detection import EXERCISES

QUIET, CUSUM, EVENING = in_order(EXERCISES)


def by_integration(threshold, n, m, bins):
    freedom = bins - 1
    start = threshold * n * m / (n + m)
    norm = 2 ** (freedom / 2) * special.gamma(freedom / 2)
    tail, _ = integrate.quad(lambda x: x ** (freedom / 2 - 1) * np.exp(-x / 2), start, np.inf, epsabs=0, epsrel=1e-11)
    return tail / norm


def test_the_share_of_quiet_days_is_the_tail_of_the_law_and_that_of_drawn_days():
    for case in [*QUIET.cases(), (0.2, 50, 80, 3), (0.01, 9_000, 9_000, 12)]:
        assert QUIET.solution(*case) == pytest.approx(by_integration(*case), rel=1e-7)
    with_rounded_results = [
        ((0.1, 100, 100, 10), 0.8343083),
        ((0.2, 200, 100, 10), 0.1480942),
        ((0.1, 5_000, 150, 20), 0.7499317),
        ((0.05, 400, 1_000, 5), 0.00643685),
    ]
    assert_by_hand(QUIET, with_rounded_results)
    rng = np.random.default_rng(0)
    counts = [rng.multinomial(n, np.full(5, 0.2), size=4_000) / n for n in (400, 1_000)]
    psi = ((counts[0] - counts[1]) * np.log(counts[0] / counts[1])).sum(axis=1)
    assert (psi > 0.02).mean() == pytest.approx(QUIET.solution(0.02, 400, 1_000, 5), abs=0.03)


def by_largest_sum(values, target, slack, threshold):
    """The sum with a floor is the largest sum of the latest values, over all lengths: no recursion, exact."""
    excess = [Fraction(v) - Fraction(target) - Fraction(slack) for v in values]
    for step in range(len(excess)):
        if max(sum(excess[start : step + 1]) for start in range(step + 1)) > Fraction(threshold):
            return step
    return -1


def test_the_alarm_is_that_of_the_largest_sum_of_latest_values():
    rng = np.random.default_rng(0)
    more = [((rng.integers(-8, 10, 15) / 4).tolist(), 0.25, 0.25, float(rng.integers(1, 12)) / 4) for _ in range(40)]
    assert_solution_is(CUSUM, by_largest_sum, *more)
    quiet_then_up = [0, -1, 0.5, -2, -1, 2, 1.5, 2, 1]
    by_hand = [
        ((quiet_then_up, 0, 0.25, 3), 7),
        ((quiet_then_up, 0, 0, 4.9), 7),
        (([0, 1, -6, -6, 0], 0, 0.5, 4), -1),
        (([2, 2.5, 3, 2, 2.5, 3], 2, 0.4, 0.8), 5),
        (([0, 0, 9], 0, 0.5, 5), 2),
        (([1] * 5, 0, 0.25, 2), 2),
        (([0.1] * 40, 0, 0.1, 1.05), -1),
        (([1] * 5, 0, 0.5, 1), 2),
        (([3, -3, 3, 3], 0, 0.5, 3), 3),
        (([-1, 5, 5], 1, 0.5, 3), 1),
    ]
    assert_by_hand(CUSUM, by_hand)
    assert any(CUSUM.solution(*case) == -1 for case in more)


TRUTH = [
    "nothing",
    "correct the slices",
    "nothing",
    "correct the slices",
    "nothing",
    "retrain",
    "retrain",
    "correct the slices",
    "retrain",
    "correct the slices",
    "watch",
    "nothing",
    "watch",
    "nothing",
    "fix the pipeline",
    "fix the pipeline",
    "fix the pipeline",
    "fix the tracking",
    "fix the tracking",
    "correct the slices",
    "nothing",
]


def test_the_evenings_are_those_of_a_truth_table():
    assert results(EVENING) == TRUTH
    near = [
        ((0.0, 0.9, 0.0009, 1, 0.9, 1, 13, 14), "correct the slices"),
        ((0.0, 0.9, 0.0011, 1, 0.9, 1, 13, 14), "nothing"),
        ((0.0, 0.9, 0.0009, 1, 0.9, 1, 14, 14), "retrain"),
        ((0.0, 0.0011, 0.9, 1, 0.0009, 1, 14, 14), "watch"),
        ((0.0, 0.0009, 0.9, 1, 0.0009, 1, 14, 14), "fix the tracking"),
        ((1e-6, 0.0009, 1e-9, 1, 1e-9, 1, 14, 14), "fix the pipeline"),
        ((0.0, 0.9, 0.0009, 1, 0.9, 1, 14, 15), "correct the slices"),
    ]
    assert [EVENING.solution(*case) for case, _ in near] == [move for _, move in near]


def by_recursion(values, target, slack, threshold, total=0.0, step=0):
    if step == len(values):
        return -1
    total = max(0.0, total + (values[step] - target - slack))
    return step if total > threshold else by_recursion(values, target, slack, threshold, total, step + 1)


def by_arrays(values, target, slack, threshold):
    path = np.cumsum(np.asarray(values) - target - slack)
    over = np.flatnonzero(path - np.minimum(np.minimum.accumulate(path), 0) > threshold + 1e-9)
    return over[0] if over.size else np.int64(-1)


def by_series(values, target, slack, threshold):
    path = (pd.Series(values) - target - slack).cumsum()
    over = path - path.cummin().clip(upper=0) > threshold + 1e-9
    return float(over.idxmax()) if over.any() else -1.0


def by_match(outside, labels_p, residual_p, slices, inputs_p, features, days, enough):
    match (outside > 0, labels_p < 1e-3, residual_p < 1e-3 / slices, days >= enough, inputs_p < 1e-3 / features):
        case (True, *_):
            return "fix the pipeline"
        case (_, True, *_):
            return "fix the tracking"
        case (_, _, True, is_enough, _):
            return "retrain" if is_enough else "correct the slices"
        case (*_, True):
            return "watch"
    return "nothing"


def by_table(outside, labels_p, residual_p, slices, inputs_p, features, days, enough):
    moves = {
        "fix the pipeline": outside,
        "fix the tracking": labels_p < 0.001,
        "retrain": residual_p * slices < 0.001 and days > enough - 1,
        "correct the slices": residual_p * slices < 0.001,
        "watch": inputs_p * features < 0.001,
        "nothing": True,
    }
    return next(move for move, speaks in moves.items() if speaks)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (QUIET, by_integration),
        (QUIET, lambda t, n, m, bins: special.gammaincc((bins - 1) / 2, t * n * m / (n + m) / 2)),
        (QUIET, lambda t, n, m, bins: 1 - stats.chi2(df=bins - 1).cdf(t / (1 / n + 1 / m))),
        (QUIET, lambda t, n, m, bins: Decimal(float(stats.chi2.sf(t, bins - 1, scale=1 / n + 1 / m)))),
        (CUSUM, by_largest_sum),
        (CUSUM, by_recursion),
        (CUSUM, by_arrays),
        (CUSUM, by_series),
        (EVENING, by_match),
        (EVENING, by_table),
        (EVENING, lambda *case: np.str_(by_match(*case))),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r * s, 1, i * f, 1, float(d), e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, min(1, r * s), 1, min(1, i * f), 1, d, e)),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (QUIET, lambda t, n, m, bins: stats.chi2.sf(t / (1 / n + 1 / m), bins - 2)),
        (QUIET, lambda t, n, m, bins: stats.chi2.sf(t * n, bins - 1)),
        (QUIET, lambda t, n, m, bins: stats.chi2.sf(t / (2 / min(n, m)), bins - 1)),
        (QUIET, lambda t, n, m, bins: stats.chi2.pdf(t / (1 / n + 1 / m), bins - 1)),
        (QUIET, lambda t, n, m, bins: stats.chi2.sf(0.1 / (1 / n + 1 / m), bins - 1)),
        (QUIET, lambda t, n, m, bins: stats.chi2.sf(t / (1 / n + 1 / m), 9)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, t, s, h - 1e-6)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, t, s, h + 0.3)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, 0.0, s, h)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, t, 0.25, h)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, t, -s, h)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v[1:], t, s, h) + 1),
        (CUSUM, lambda v, t, s, h: by_largest_sum([-x for x in v], -t, s, h)),
        (CUSUM, lambda v, t, s, h: max(by_largest_sum(v, t, s, h), 0)),
        (CUSUM, lambda v, t, s, h: None if by_largest_sum(v, t, s, h) < 0 else by_largest_sum(v, t, s, h)),
        (CUSUM, lambda v, t, s, h: by_largest_sum(v, t, s, h) >= 0),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, 1, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, 1, i, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r / 10, s, i / 10, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o > 0.01, lab, r, s, i, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, f, d + 1, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, f, d - 1, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab / 3, r, s, i, f, d, e)),
        (EVENING, lambda *case: "watch" if by_match(*case) == "nothing" else by_match(*case)),
        (EVENING, lambda *case: by_match(*case).capitalize()),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, f, d, 7)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, f, d, 14)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o > 5e-4, lab, r, s, i, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab / 1.08, r / 1.08, s, i / 1.08, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab * 1.08, r * 1.08, s, i * 1.08, f, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, f, i, s, d, e)),
        (EVENING, lambda o, lab, r, s, i, f, d, e: by_match(o, lab * (s + f), r, s, i, f, d, e)),
        (EVENING, lambda *case: "nothing"),
    ],
)
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake", "error")


def sums(values, target, slack, threshold, *, floor=0.0, both=False, first=0):
    up = down = 0.0
    for i in range(len(values)):
        up = max(floor, up + values[i] - (target + slack))
        down = max(floor, down - values[i] + (target - slack))
        if up > threshold or (both and down > threshold):
            return i + first
    return -1


MISTAKES = [
    (QUIET, "degrees of freedom", lambda t, n, m, bins: by_integration(t, n, m, bins + 1)),
    (QUIET, "quiet days without alarm", lambda *case: 1 - by_integration(*case)),
    (QUIET, "pooled rows", lambda t, n, m, bins: special.chdtrc(bins - 1, (n + m) * t)),
    (QUIET, "exact reference", lambda t, n, m, bins: special.chdtrc(bins - 1, m * t)),
    (CUSUM, "no floor", lambda *case: sums(*case, floor=-np.inf)),
    (CUSUM, "no slack", lambda v, t, s, h: by_largest_sum(v, t, 0, h)),
    (CUSUM, "both directions", lambda *case: sums(*case, both=True)),
    (
        CUSUM,
        "one value at a time",
        lambda v, t, s, h: int(np.argmax(np.array(v) - t - s > h)) if max(v) - t - s > h else -1,
    ),
    (CUSUM, "counted from one", lambda *case: sums(*case, first=1)),
    (EVENING, "not counted", lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, 1, i, 1, d, e)),
    (EVENING, "five per cent", lambda o, lab, r, s, i, f, d, e: by_match(o, lab / 50, r / 50, s, i / 50, f, d, e)),
    (EVENING, "retrain at once", lambda o, lab, r, s, i, f, d, e: by_match(o, lab, r, s, i, f, 99, e)),
    (
        EVENING,
        "labels last",
        lambda o, lab, *rest: by_match(o, lab if by_match(o, 1, *rest) in ("watch", "nothing") else 1, *rest),
    ),
    (
        EVENING,
        "bug last",
        lambda o, *rest: by_match(o if by_match(0, *rest) in ("watch", "nothing") else 0, *rest),
    ),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
