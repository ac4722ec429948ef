"""Exercises of lesson 6 against binomial tails, DuckDB and a table by hand; right and wrong answers of others."""

from fractions import Fraction

import duckdb
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
    state,
)
from utils.exercises.feature_store import EXERCISES

LATE, KNOWN, SOURCE = in_order(EXERCISES)
NAN = np.nan


def test_an_hour_is_late_when_a_binomial_count_is_not_zero():
    assert_solution_is(LATE, lambda late, n: stats.binom.sf(0, n, late), (0.3, 7), (1e-3, 500), (1.0, 2))
    by_hand = [((0.05, 1), 0.05), ((0.05, 40), 0.8714878), ((0.06, 80), 0.9929168), ((0.5, 3), 0.875), ((0, 10), 0)]
    assert_by_hand(LATE, by_hand)


def by_sql(event_time, available_time, value, asked, ttl):
    rows = pd.DataFrame({"happened": event_time, "arrived": available_time, "value": value})  # noqa: F841
    [(found,)] = duckdb.execute(
        "SELECT max_by(value, happened) FROM rows WHERE happened <= $1 AND arrived <= $1 AND $1 - happened <= $2",
        [asked, ttl],
    ).fetchall()
    return NAN if found is None else found


def test_what_was_known_is_what_sql_finds():
    rng = np.random.default_rng(0)
    more = []
    for _ in range(30):
        happened = rng.permutation(12)[:6].astype(float)
        more.append((happened, happened + rng.integers(0, 5, 6), rng.normal(size=6), 9.0, float(rng.integers(1, 9))))
    assert_solution_is(KNOWN, by_sql, *more)


def test_what_was_known_was_worked_out_by_hand():
    rows = [3, 1, 6, 2], [3.5, 1, 9, 8], [12, 50, 7, 31]
    by_hand = {
        (0.5, 24): NAN,
        (1, 24): 50,
        (3.2, 24): 50,
        (8.5, 24): 12,
        (9, 3): 7,
        (9, 24): 7,
        (8.99, 24): 12,
        (7, 3.8): NAN,
        (5, 2): 12,
        (20, 2): NAN,
    }
    assert_by_hand(KNOWN, [((*rows, asked, ttl), value) for (asked, ttl), value in by_hand.items()])


def test_the_source_is_that_of_the_table_by_hand():
    table = {
        (True, True, True): "serving log",
        (True, True, False): "serving log",
        (True, False, True): "serving log",
        (True, False, False): "serving log",
        (False, True, True): "join on arrival",
        (False, True, False): "join on arrival",
        (False, False, True): "backfill",
        (False, False, False): "none yet",
    }
    assert {case: SOURCE.solution(*case) for case in SOURCE.cases()} == table


def by_loop(event_time, available_time, value, asked, ttl):
    best, newest = float("nan"), -float("inf")
    for happened, arrived, v in zip(event_time, available_time, value, strict=True):
        if max(happened, arrived) <= asked and happened >= asked - ttl - 1e-12 and happened > newest:
            best, newest = v, happened
    return best


def by_sorting(event_time, available_time, value, asked, ttl):
    rows = pd.DataFrame({"e": event_time, "a": available_time, "v": value}).sort_values("e")
    rows = rows[(rows.e <= asked) & (rows.a <= asked) & (asked - rows.e <= ttl)]
    return rows.v.iloc[-1] if len(rows) else pd.NA


def by_list(event_time, available_time, value, asked, ttl):
    known = [(e, v) for e, a, v in zip(event_time, available_time, value, strict=True) if e <= asked and a <= asked]
    known = [(e, v) for e, v in known if asked - e <= ttl]
    return np.float32(max(known)[1]) if known else np.array(np.nan)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (LATE, lambda late, n: stats.binom.sf(0, n, late)),
        (LATE, lambda late, n: 1 - np.prod(np.full(n, 1 - late))),
        (LATE, lambda late, n: -np.expm1(n * np.log1p(-late))),
        (LATE, lambda late, n: 1 - (1 - Fraction(late)) ** n),
        (LATE, lambda late, n: np.float32(1 - (1 - late) ** n)),
        (KNOWN, by_loop),
        (KNOWN, by_sorting),
        (KNOWN, by_list),
        (SOURCE, lambda a, b, c: "serving log" if a else "join on arrival" if b else ("none yet", "backfill")[c]),
        (SOURCE, lambda *readings: np.select(readings, ["serving log", "join on arrival", "backfill"], "none yet")),
        (SOURCE, lambda a, b, c: np.where(a, "serving log", np.where(b, "join on arrival", np.where(c, "backfill", "none yet")))),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def masked(pick):
    def answer(event_time, available_time, value, asked, ttl):
        known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
        return pick(event_time[known], available_time[known], value[known]) if known.any() else np.nan

    return answer


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (LATE, lambda late, n: 1 - (1 - late) ** (n - 1)),
        (LATE, lambda late, n: 1 - (1 - late) ** (n + 1)),
        (LATE, lambda late, n: min(1, late * n)),
        (LATE, lambda late, n: 1 - np.exp(-late * n)),
        (LATE, lambda late, n: 0.8714878),
        (LATE, lambda late, n: round(1 - (1 - late) ** n, 3)),
        (KNOWN, masked(lambda e, a, v: v.max())),
        (KNOWN, masked(lambda e, a, v: v[0])),
        (KNOWN, masked(lambda e, a, v: v[-1])),
        (KNOWN, masked(lambda e, a, v: v.mean())),
        (KNOWN, masked(lambda e, a, v: v[np.argmin(e)])),
        (KNOWN, lambda e, a, v, asked, ttl: np.nan_to_num(by_loop(e, a, v, asked, ttl))),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked, 24.0)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked - 1e-6, ttl + 1e-6)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked + 0.02, ttl)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked, ttl - 1e-6)),
        (SOURCE, lambda a, b, c: "serving log"),
        (SOURCE, lambda a, b, c: "none yet" if not c else "serving log" if a else "join on arrival" if b else "backfill"),
        (SOURCE, lambda a, b, c: "backfill" if c else "serving log" if a else "join on arrival" if b else "none yet"),
        (SOURCE, lambda a, b, c: "Serving log" if a else "join on arrival" if b else "backfill" if c else "none yet"),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def newest(known, order, value):
    return value[max(np.flatnonzero(known), key=lambda i: order[i])] if known.any() else np.nan


MISTAKES = [
    (LATE, "same share", lambda late, n: late),
    (LATE, "sum", lambda late, n: n * late),
    (LATE, "all late", lambda late, n: stats.binom.pmf(n, n, late)),
    (LATE, "none late", lambda late, n: stats.binom.pmf(0, n, late)),
    (KNOWN, "event time only", lambda e, a, v, t, ttl: newest((e <= t) & (e >= t - ttl - 1e-12), e, v)),
    (KNOWN, "last arrival", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t) & (t - e <= ttl), a, v)),
    (KNOWN, "age since arrival", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t) & (t - a <= ttl), e, v)),
    (KNOWN, "strictly before", lambda e, a, v, t, ttl: newest((e < t) & (a < t) & (t - e < ttl), e, v)),
    (KNOWN, "no ttl", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t), e, v)),
    (SOURCE, "join by event time", lambda a, b, c: "serving log" if a else "join on arrival" if b else "backfill"),
    (
        SOURCE,
        "join before log",
        lambda a, b, c: "join on arrival" if b else "serving log" if a else "backfill" if c else "none yet",
    ),
    (SOURCE, "only the log", lambda a, b, c: ("none yet", "serving log")[a]),
    (SOURCE, "never backfill", lambda a, b, c: "serving log" if a else "join on arrival" if b else "none yet"),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
