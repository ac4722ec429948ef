"""Exercises of lesson 15 against a drawn log, statsmodels' weighted mean and the library's interval; answers of others."""

from collections import Counter
from fractions import Fraction
from math import erf, sqrt

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
from utils.learning.feedback.off_policy import snips

VISITS, ESTIMATE, STEP = in_order(EXERCISES)


def test_the_visits_are_those_after_which_a_drawn_log_has_shown_the_dish_often_enough():
    rng = np.random.default_rng(0)
    for wanted, epsilon, n_candidates in [(100, 0.1, 20), (30, 0.5, 7)]:
        visits = round(VISITS.solution(wanted, epsilon, n_candidates))
        explores = rng.random((400, visits)) < epsilon
        shown = (explores & (rng.integers(n_candidates, size=(400, visits), dtype=np.int8) == 3)).sum(axis=1)
        assert abs(shown.mean() - wanted) < 4 * np.sqrt(wanted / 400)
    by_hand = [((100, 0.1, 20), 20_000), ((100, 0.01, 20), 200_000), ((1, 0.01, 20), 2_000), ((50, 1, 200), 10_000)]
    by_hand.append(((7, 0.3, 11), 7 / (0.3 / 11)))
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
        (
            ([0, 1, 1, 0], [0.9, 0.01, 0.5, 0.002], [0.1, 0.9, 0, 0.3]),
            (90 / (240 + 1 / 9), (240 + 1 / 9) ** 2 / (8_100 + 22_500 + 1 / 81)),
        ),
        (([1, 1, 0], [0.6, 0.3, 0.1], [0, 0.8, 0.2]), (4 / 7, (14 / 3) ** 2 / (64 / 9 + 4))),
    ]
    assert_by_hand(ESTIMATE, by_hand)


def test_the_next_step_reads_worth_mean_weight_and_the_librarys_interval():
    answers = []
    for weight, clicked, current in STEP.cases():
        largest = max(1, weight.max())
        found = snips(clicked, np.full(len(weight), 1 / largest), weight / largest, level=erf(2 / sqrt(2)))
        believed = found.effective_sample_size > 15 and 0.5 < weight.mean() < 1.5
        lies = "test it" if found.low > current else "drop it" if found.high < current else "log more"
        answers.append(lies if believed else "explore first")
        assert STEP.solution(weight, clicked, current) == answers[-1]
    assert Counter(answers) == {"test it": 4, "log more": 8, "drop it": 4, "explore first": 19}


def test_the_cases_keep_clear_of_every_line_that_the_lesson_leaves_open():
    for weight, clicked, current in STEP.cases():
        worth, mean_weight = weight.sum() ** 2 / (weight**2).sum(), weight.mean()
        assert worth < 6 or worth > 25
        assert not 0.35 < mean_weight < 0.75
        assert not 1.25 < mean_weight < 1.6
        value = np.average(clicked, weights=weight)
        error = np.sqrt(((weight * (clicked - value)) ** 2).sum()) / weight.sum()
        if worth > 25:
            assert all(abs(abs(value - current) - n * error) > 0.005 for n in (1.96, 2))


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


def step(weight, clicked, current, *, enough=15, off=0.5, errors=2.0, divisor=np.sum, cut=np.inf):
    """Return the next step as somebody else would write it; the keywords are what may be moved."""
    w = np.minimum(np.asarray(weight), cut)
    worth, mean_weight = w.sum() ** 2 / (w @ w), w.mean()
    value = w @ clicked / divisor(w)
    half = errors * np.sqrt(np.sum((w * (clicked - value)) ** 2)) / divisor(w)
    blind = worth < enough or not 1 - off <= mean_weight <= 1 + off
    return np.select(
        [blind, value - half > current, value + half < current], ["explore first", "test it", "drop it"], "log more"
    )


def step_by_library(weight, clicked, current):
    largest = max(1, weight.max())
    found = snips(clicked, np.full(len(weight), 1 / largest), weight / largest)
    if found.effective_sample_size < 20 or abs(weight.mean() - 1) * np.sqrt(found.effective_sample_size) > 3:
        return "explore first"
    return ["log more", "test it", "drop it"][int(found.low > current) - int(found.high < current)]


def step_by_frame(weight, clicked, current):
    log = pd.DataFrame({"w": weight, "c": clicked})
    if log.w.sum() ** 2 / (log.w**2).sum() <= 12 or log.w.mean() < 0.5 or log.w.mean() > 1.5:
        return "explore first"
    value = (log.w * log.c).sum() / log.w.sum()
    error = ((log.w * (log.c - value)) ** 2).sum() ** 0.5 / log.w.sum()
    if abs(value - current) <= 2 * error:
        return "log more"
    return "test it" if value > current else "drop it"


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (VISITS, lambda wanted, epsilon, n: wanted / (epsilon * (1 / n))),
        (VISITS, lambda wanted, epsilon, n: Fraction(wanted) * n / Fraction(epsilon)),
        (VISITS, lambda wanted, epsilon, n: sum([n / epsilon] * wanted)),
        (VISITS, lambda wanted, epsilon, n: np.array([wanted]) @ np.array([n / epsilon])),
        (ESTIMATE, by_loop),
        (ESTIMATE, by_frame),
        (ESTIMATE, by_exact_sums),
        (ESTIMATE, by_statsmodels),
        (ESTIMATE, lambda *columns: np.array(by_loop(*columns), dtype=np.float32)),
        (STEP, step),
        (STEP, step_by_library),
        (STEP, step_by_frame),
        (STEP, lambda *log: step(*log, enough=24, off=0.3, errors=1.96).item()),
        (STEP, lambda *log: str(step(*log, enough=7, off=0.6))),
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
        (VISITS, lambda wanted, epsilon, n: np.ceil(wanted * n / epsilon)),
        (VISITS, lambda wanted, epsilon, n: round(wanted * n / epsilon)),
        (ESTIMATE, lambda c, old, new: by_loop(c, np.maximum(old, 0.05), new)),
        (ESTIMATE, lambda c, old, new: (by_loop(c, old, new)[0], kish((new / old)[new > 0][:2], c))),
        (ESTIMATE, parts_of(lambda w, c: np.average(c, weights=np.minimum(w, 20)), kish)),
        (STEP, lambda *log: step(*log, enough=1)),
        (STEP, lambda *log: step(*log, enough=2)),
        (STEP, lambda *log: step(*log, enough=100)),
        (STEP, lambda *log: step(*log, off=0.05)),
        (STEP, lambda *log: step(*log, off=0.1)),
        (STEP, lambda *log: step(*log, off=0.95)),
        (STEP, lambda *log: step(*log, off=5)),
        (STEP, lambda *log: step(*log, errors=1.0)),
        (STEP, lambda *log: step(*log, errors=3.0)),
        (STEP, lambda *log: step(*log, cut=10)),
        (STEP, lambda w, c, current: step(w, c, 0.4)),
        (STEP, lambda w, c, current: step(w, c[::-1], current)),
        (STEP, lambda w, c, current: "explore first" if len(w) < 15 else step(w, c, current, enough=0)),
        (STEP, lambda w, c, current: "explore first" if (c > 0).sum() < 15 else step(w, c, current, enough=0)),
        (STEP, lambda *log: "log more"),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def step_of_ips(weight, clicked, current):
    rows, judged = weight * clicked, step(weight, clicked, current)
    half = 2 * rows.std() / len(rows) ** 0.5
    if judged == "explore first":
        return judged
    return "test it" if rows.mean() - half > current else "drop it" if rows.mean() + half < current else "log more"


MISTAKES = [
    (VISITS, "all exploration is ours", lambda wanted, epsilon, n: wanted / epsilon),
    (VISITS, "explores always", lambda wanted, epsilon, n: n * wanted),
    (VISITS, "favorite left out", lambda wanted, epsilon, n: wanted / epsilon * (n - 1)),
    (VISITS, "fraction upside down", lambda wanted, epsilon, n: epsilon / n * wanted),
    (ESTIMATE, "not normalized", parts_of(lambda w, c: (w * c).sum() / len(w), kish)),
    (
        ESTIMATE,
        "upside down",
        lambda clicked, old, new: by_loop(clicked, np.array(new).tolist(), old) if np.all(new) else (np.nan, np.nan),
    ),
    (ESTIMATE, "worth of the clicks", parts_of(mean, lambda w, c: kish(w[c == 1], c))),
    (ESTIMATE, "rows", parts_of(mean, lambda w, c: len(c))),
    (ESTIMATE, "old rule", parts_of(lambda w, c: c.sum() / len(c), kish)),
    (STEP, "by the interval", lambda *log: step(*log, enough=0, off=np.inf)),
    (STEP, "worth alone", lambda *log: step(*log, off=np.inf)),
    (STEP, "mean weight alone", lambda *log: step(*log, enough=0)),
    (STEP, "by the middle", lambda *log: step(*log, errors=0)),
    (
        STEP,
        "too heavy only",
        lambda w, c, current: "explore first" if w.mean() > 1.5 else step(w, c, current, off=np.inf),
    ),
    (STEP, "not normalized", lambda w, c, current: step_of_ips(w, c, current)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
