"""Exercises of lesson 15 against a drawn log, statsmodels' weighted mean and a table by hand; answers of others."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    state,
)
from utils.exercises.feedback_loops import EXERCISES

VISITS, ESTIMATE, STEP = in_order(EXERCISES)


def test_the_visits_are_those_after_which_a_drawn_log_has_shown_the_dish_often_enough():
    rng = np.random.default_rng(0)
    for wanted, epsilon, n_candidates in [(100, 0.1, 20), (30, 0.5, 7)]:
        visits = round(VISITS.solution(wanted, epsilon, n_candidates))
        explores = rng.random((400, visits)) < epsilon
        shown = (explores & (rng.integers(n_candidates, size=(400, visits), dtype=np.int8) == 3)).sum(axis=1)
        assert abs(shown.mean() - wanted) < 4 * np.sqrt(wanted / 400)
    by_hand = [((100, 0.1, 20), 20_000), ((100, 0.01, 20), 200_000), ((1, 0.01, 20), 2_000), ((50, 1, 200), 10_000)]
    assert_by_hand(VISITS, by_hand)


def by_statsmodels(clicked, propensity, target_propensity):
    weights = np.divide(target_propensity, propensity)
    # Kish: n / (1 + squared coefficient of variation of the weights)
    worth = len(weights) / (1 + np.var(weights) / np.mean(weights) ** 2)
    return DescrStatsW(clicked, weights=weights).mean, worth


def test_the_estimate_is_statsmodels_weighted_mean_and_kishs_sample_size():
    rng = np.random.default_rng(0)
    more = [
        (rng.integers(0, 2, n).astype(float), rng.uniform(0.05, 1, n), rng.uniform(0, 1, n)) for n in (2, 5, 40, 300)
    ]
    assert_solution_is(ESTIMATE, by_statsmodels, *more)
    by_hand = [
        (([1, 0, 1, 0], [0.5, 0.5, 0.25, 0.25], [0.5, 0.25, 0.5, 0.75]), (3 / 6.5, 6.5**2 / (1 + 0.25 + 4 + 9))),
        (([0, 1, 1], [0.9, 0.9, 0.05], [0.05, 0.05, 0.9]), (325 / 326, 326**2 / (2 + 324**2))),
        (([1, 0], [0.5, 0.25], [0.5, 0.25]), (0.5, 2)),
    ]
    assert_by_hand(ESTIMATE, by_hand)


TABLE = [
    ("test it", (800, 1.02, 0.14, 0.18, 0.12)),
    ("drop it", (800, 0.97, 0.14, 0.18, 0.20)),
    ("log more", (800, 0.97, 0.11, 0.18, 0.12)),
    ("log more", (800, 0.97, 0.11, 0.18, 0.16)),
    ("explore first", (3, 0.9, 0.14, 0.18, 0.12)),
    ("explore first", (1_900, 0.1, 0.01, 0.03, 0.12)),
    ("explore first", (400, 1.6, 0.20, 0.30, 0.12)),
    ("explore first", (3, 0.1, 0.01, 0.03, 0.12)),
    ("explore first", (99, 1, 0.14, 0.18, 0.12)),
    ("test it", (100, 1, 0.14, 0.18, 0.12)),
    ("drop it", (101, 1, 0.14, 0.18, 0.20)),
    ("explore first", (50, 1, 0.11, 0.18, 0.12)),
    ("log more", (250, 1, 0.11, 0.18, 0.12)),
    ("test it", (800, 1.19, 0.14, 0.18, 0.12)),
    ("explore first", (800, 1.21, 0.14, 0.18, 0.12)),
    ("drop it", (800, 0.81, 0.14, 0.18, 0.20)),
    ("explore first", (800, 0.79, 0.14, 0.18, 0.20)),
    ("log more", (800, 1.1, 0.11, 0.18, 0.12)),
    ("test it", (800, 0.9, 0.121, 0.18, 0.12)),
    ("log more", (800, 0.9, 0.119, 0.18, 0.12)),
    ("drop it", (800, 0.9, 0.01, 0.119, 0.12)),
    ("log more", (800, 0.9, 0.01, 0.121, 0.12)),
]


def test_the_next_step_is_that_of_the_table_by_hand():
    assert [(STEP.solution(*case), case) for case in STEP.cases()] == TABLE


def test_an_interval_that_ends_at_the_current_value_has_not_decided():
    assert [STEP.solution(800, 1, low, low + 0.1, 0.12) for low in (0.12, 0.02)] == ["log more", "log more"]
    assert [STEP.solution(800, mean, 0.2, 0.3, 0.12) for mean in (0.75, 0.875, 1.125, 1.25)] == [
        "explore first",
        "test it",
        "test it",
        "explore first",
    ]


def by_loop(clicked, propensity, target_propensity):
    total = value = squares = 0.0
    for click, old, new in zip(clicked, propensity, target_propensity, strict=True):
        weight = new / old
        total, value, squares = total + weight, value + weight * click, squares + weight * weight
    return [value / total, total * total / squares]


def by_frame(clicked, propensity, target_propensity):
    log = pd.DataFrame({"clicked": clicked, "w": target_propensity / propensity})
    return pd.Series({"value": (log.w * log.clicked).sum() / log.w.sum(), "worth": log.w.sum() ** 2 / (log.w**2).sum()})


def by_exact_sums(clicked, propensity, target_propensity):
    weights = [Fraction(new) / Fraction(old) for new, old in zip(target_propensity, propensity, strict=True)]
    value = sum(w * Fraction(c) for w, c in zip(weights, clicked, strict=True)) / sum(weights)
    return value, sum(weights) ** 2 / sum(w**2 for w in weights)


def step(worth, mean_weight, low, high, current, *, enough=100, off=0.2):
    conditions = [worth < enough or not 1 - off <= mean_weight <= 1 + off, low > current, high < current]
    return np.select(conditions, ["explore first", "test it", "drop it"], "log more")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (VISITS, lambda wanted, epsilon, n: wanted / (epsilon * (1 / n))),
        (VISITS, lambda wanted, epsilon, n: Fraction(wanted) * n / Fraction(epsilon)),
        (VISITS, lambda wanted, epsilon, n: round(wanted * n / epsilon)),
        (VISITS, lambda wanted, epsilon, n: np.array([wanted]) @ np.array([n / epsilon])),
        (ESTIMATE, by_loop),
        (ESTIMATE, by_frame),
        (ESTIMATE, by_exact_sums),
        (ESTIMATE, by_statsmodels),
        (ESTIMATE, lambda *columns: np.array(by_loop(*columns), dtype=np.float32)),
        (STEP, step),
        (STEP, lambda *readings: step(*readings).item()),
        (STEP, lambda w, m, low, high, c: "explore first" if w < 100 or m < 0.8 or m > 1.2 else str(step(w, 1, low, high, c))),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def parts_of(value, worth):
    def answer(clicked, propensity, target_propensity):
        weight = target_propensity / propensity
        return value(weight, clicked), worth(weight, clicked)

    return answer


def mean(weight, clicked):
    return np.average(clicked, weights=weight)


def kish(weight, clicked):
    return weight.sum() ** 2 / (weight**2).sum()


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (VISITS, lambda wanted, epsilon, n: wanted * n),
        (VISITS, lambda wanted, epsilon, n: wanted * n / (epsilon + (1 - epsilon) / n)),
        (VISITS, lambda wanted, epsilon, n: wanted / epsilon**n),
        (VISITS, lambda wanted, epsilon, n: 20_000),
        (VISITS, lambda wanted, epsilon, n: wanted * n / epsilon + 1),
        (VISITS, lambda wanted, epsilon, n: wanted * 20 / epsilon),
        (ESTIMATE, parts_of(mean, lambda w, c: w.sum())),
        (ESTIMATE, parts_of(mean, lambda w, c: w.sum() / (w**2).sum())),
        (ESTIMATE, parts_of(mean, lambda w, c: w.mean() ** 2 / (w**2).mean())),
        (ESTIMATE, parts_of(mean, lambda w, c: len(w) / (1 + np.var(w, ddof=1) / np.mean(w) ** 2))),
        (ESTIMATE, parts_of(lambda w, c: (w * c).sum() / (w[c > 0].sum() or 1), kish)),
        (ESTIMATE, parts_of(lambda w, c: np.average(c, weights=np.minimum(w, 10)), kish)),
        (ESTIMATE, parts_of(lambda w, c: np.median(c), kish)),
        (ESTIMATE, parts_of(kish, mean)),
        (ESTIMATE, lambda *columns: by_loop(*columns)[0]),
        (STEP, lambda *readings: step(*readings, enough=10)),
        (STEP, lambda *readings: step(*readings, enough=99)),
        (STEP, lambda *readings: step(*readings, enough=101)),
        (STEP, lambda *readings: step(*readings, enough=300)),
        (STEP, lambda *readings: step(*readings, off=0.5)),
        (STEP, lambda *readings: step(*readings, off=0.22)),
        (STEP, lambda *readings: step(*readings, off=0.18)),
        (STEP, lambda *readings: step(*readings, off=0.05)),
        (STEP, lambda w, m, low, high, c: step(w, m, low, high, 0.12)),
        (STEP, lambda w, m, low, high, c: step(w, m, low - 0.002, high, c)),
        (STEP, lambda w, m, low, high, c: step(w, m, low + 0.002, high, c)),
        (STEP, lambda w, m, low, high, c: step(w, m, low, high + 0.002, c)),
        (STEP, lambda w, m, low, high, c: step(w, m, low, high - 0.002, c)),
        (STEP, lambda w, m, low, high, c: step(w, min(m, 1), low, high, c)),
        (STEP, lambda w, m, low, high, c: "explore first" if w < 100 and abs(m - 1) > 0.2 else step(w, 1, low, high, c)),
        (STEP, lambda *readings: "log more"),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


MISTAKES = [
    (VISITS, "all exploration is ours", lambda wanted, epsilon, n: wanted / epsilon),
    (VISITS, "explores always", lambda wanted, epsilon, n: n * wanted),
    (VISITS, "favorite left out", lambda wanted, epsilon, n: wanted / epsilon * (n - 1)),
    (VISITS, "fraction upside down", lambda wanted, epsilon, n: epsilon / n * wanted),
    (ESTIMATE, "not normalized", parts_of(lambda w, c: (w * c).sum() / len(w), kish)),
    (ESTIMATE, "upside down", lambda clicked, old, new: by_loop(clicked, new, old)),
    (ESTIMATE, "worth of the clicks", parts_of(mean, lambda w, c: kish(w[c == 1], c))),
    (ESTIMATE, "rows", parts_of(mean, lambda w, c: len(c))),
    (ESTIMATE, "old rule", parts_of(lambda w, c: c.sum() / len(c), kish)),
    (STEP, "by the interval", lambda w, *rest: step(1e9, 1.0, *rest[1:])),
    (STEP, "worth alone", lambda w, m, *rest: step(w, 1.0, *rest)),
    (
        STEP,
        "by the middle",
        lambda w, m, low, high, c: step(w, m, (low + high) / 2, (low + high) / 2 - 1e-9, c),
    ),
    (STEP, "too heavy only", lambda w, m, *rest: step(w, max(m, 1.0), *rest)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
