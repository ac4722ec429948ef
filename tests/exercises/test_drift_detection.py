"""Exercises of lesson 20 against drawn quiet days, a maximum of sums and bills added by hand; answers of others."""

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

QUIET, CUSUM, CHEAPEST = in_order(EXERCISES)


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


def bills(rates, delays, periods, changes, per_alarm, per_visit):
    return [periods * r * per_alarm + changes * d * per_visit for r, d in zip(rates, delays, strict=True)]


def test_the_cheapest_detector_is_that_of_the_bills_added_by_hand():
    by_hand = [
        [300 + 3_600, 1_500 + 1_600, 6_000 + 1_000, 12_000 + 800],
        [300 + 10_800, 1_500 + 4_800, 6_000 + 3_000, 12_000 + 2_400],
        [50 + 90, 250 + 40, 1_000 + 25, 2_000 + 20],
        [50 + 43_200, 250 + 19_200, 1_000 + 12_000, 2_000 + 9_600],
        [50 + 10_800, 250 + 4_800, 1_000 + 3_000, 2_000 + 2_400],
        [500 + 43_200, 2_500 + 19_200, 10_000 + 12_000, 20_000 + 9_600],
        [7_200 + 600, 480 + 6_000],
    ]
    for case, bill in zip(CHEAPEST.cases(), by_hand, strict=True):
        assert np.allclose(bills(*case), bill)
        assert CHEAPEST.solution(*case) == bill.index(min(bill))
    assert results(CHEAPEST) == [1, 1, 0, 3, 2, 1, 1]


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
        (CHEAPEST, lambda *case: min(enumerate(bills(*case)), key=lambda pair: pair[1])[0]),
        (CHEAPEST, lambda *case: pd.Series(bills(*case)).idxmin()),
        (CHEAPEST, lambda *case: np.array(bills(*case)).argsort()[0]),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def bill_of(alarms, visits):
    def answer(rates, delays, periods, changes, per_alarm, per_visit):
        rates, delays = np.asarray(rates), np.asarray(delays)
        return int(np.argmin(alarms(rates, periods, per_alarm) + visits(delays, changes, per_visit)))

    return answer


def yearly(x, times, price):
    return x * times * price


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
        (CHEAPEST, bill_of(lambda r, n, p: r * p, lambda d, n, p: d * p)),
        (CHEAPEST, bill_of(lambda r, n, p: r * n, yearly)),
        (CHEAPEST, bill_of(yearly, lambda d, n, p: d * n)),
        (CHEAPEST, lambda *case: int(np.argmax(bills(*case)))),
        (CHEAPEST, lambda *case: min(bills(*case))),
        (CHEAPEST, lambda *case: int(np.argmin(bills(*case))) + 1),
        (CHEAPEST, lambda *case: 1),
        (CHEAPEST, lambda rates, delays, *rest: int(np.argmin(np.asarray(rates) * np.asarray(delays)))),
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
    (CHEAPEST, "fewest false alarms", lambda rates, *rest: rates.index(min(rates))),
    (CHEAPEST, "shortest delay", lambda rates, delays, *rest: delays.index(min(delays))),
    (CHEAPEST, "one quiet period", bill_of(lambda r, n, p: r * p, yearly)),
    (CHEAPEST, "one change", bill_of(yearly, lambda d, n, p: d * p)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
