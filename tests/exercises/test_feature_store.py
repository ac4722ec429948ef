"""Exercises of lesson 6 against quantiles of a delay, DuckDB and a table by hand; right and wrong answers of others."""

import math

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

WAIT, KNOWN, SOURCE = in_order(EXERCISES)
NAN = np.nan


def by_scipy(late_share, mean_hours, complete):
    return max(0.0, stats.expon.isf(min(1, (1 - complete) / late_share), scale=mean_hours))


def test_the_wait_is_a_quantile_of_the_delay():
    assert_solution_is(WAIT, by_scipy, (0.07, 3.0, 0.995), (1.0, 2.0, 0.5), (0.2, 6.0, 0.8))
    by_hand = [
        ((0.05, 3, 0.99), 4.828314),
        ((0.06, 3, 0.999), 12.283033),
        ((0.5, 0.5, 0.9), 0.804719),
        ((0.05, 3, 0.95), 0),
        ((0.04, 3, 0.9), 0),
    ]
    assert_by_hand(WAIT, by_hand)


def test_nobody_late_means_no_wait():
    assert WAIT.solution(0.0, 3.0, 0.99) == 0


def by_sql(event_time, available_time, value, asked, ttl):
    rows = pd.DataFrame({"happened": event_time, "arrived": available_time, "value": value})  # noqa: F841
    [(found,)] = duckdb.execute(
        "SELECT max_by(value, (happened, arrived)) FROM rows WHERE happened <= $1 AND arrived <= $1 AND $1 - happened <= $2",
        [asked, ttl],
    ).fetchall()
    return NAN if found is None else found


def test_what_was_known_is_what_sql_finds():
    rng = np.random.default_rng(0)
    more = []
    for _ in range(12):
        happened = rng.integers(0, 6, 6).astype(float)  # corrections
        arrived = happened + rng.permutation(6) * 1.25
        more.append((happened, arrived, rng.normal(size=6), 6.5, float(rng.integers(1, 9))))
    assert_solution_is(KNOWN, by_sql, *more)


def test_what_was_known_was_worked_out_by_hand():
    rows = [3, 1, 6, 2, 3], [3.5, 1, 9, 8, 4.5], [12, 50, 7, 31, 9]
    by_hand = {
        (0.5, 24): NAN,
        (1, 24): 50,
        (3.2, 24): 50,
        (3.5, 24): 12,
        (4.49, 24): 12,
        (4.5, 24): 9,
        (8.5, 24): 9,
        (9, 3): 7,
        (9, 24): 7,
        (8.99, 24): 9,
        (7, 3.8): NAN,
        (5, 2): 9,
        (20, 2): NAN,
    }
    worked = [((*rows, asked, ttl), value) for (asked, ttl), value in by_hand.items()]
    moved = [[column[i] for i in (4, 2, 0, 3, 1)] for column in rows]
    assert_by_hand(KNOWN, [*worked, *(((*moved, *case[3:]), value) for case, value in worked[3:7])])


@pytest.mark.parametrize(
    ("logged", "needed", "history", "delay", "source"),
    [
        (30, 30, "overwritten", None, "serving log"),
        (31, 30, "appended", 5.0, "serving log"),
        (12, 7, "appended", 0.0, "serving log"),
        (29, 30, "appended", None, "join on arrival"),
        (0, 30, "appended", 5.0, "join on arrival"),
        (29, 30, "overwritten", 5.0, "backfill"),
        (0, 30, "overwritten", 0.25, "backfill"),
        (29, 30, "overwritten", 0.0, "none yet"),
        (0, 30, "overwritten", None, "none yet"),
    ],
)
def test_the_source_is_that_of_the_table_by_hand(logged, needed, history, delay, source):
    assert (logged, needed, history, delay) in SOURCE.cases()
    assert SOURCE.solution(logged, needed, history, delay) == source


def by_loop(event_time, available_time, value, asked, ttl):
    best, newest = float("nan"), (-float("inf"),)
    for happened, arrived, v in zip(event_time, available_time, value, strict=True):
        is_known = max(happened, arrived) <= asked and happened >= asked - ttl - 1e-12
        if is_known and (happened, arrived) > newest:
            best, newest = v, (happened, arrived)
    return best


def by_sorting(event_time, available_time, value, asked, ttl):
    rows = pd.DataFrame({"e": event_time, "a": available_time, "v": value}).sort_values(["e", "a"])
    rows = rows[(rows.e <= asked) & (rows.a <= asked) & (asked - rows.e <= ttl)]
    return rows.v.iloc[-1] if len(rows) else pd.NA


def by_list(event_time, available_time, value, asked, ttl):
    known = [row for row in zip(event_time, available_time, value, strict=True) if max(row[:2]) <= asked]
    known = [row for row in known if asked - row[0] <= ttl]
    return np.float32(max(known)[2]) if known else np.array(np.nan)


def by_where(days, needed, history, delay):
    past = np.where(history == "appended", "join on arrival", "backfill" if delay else "none yet")
    return np.where(days >= needed, "serving log", past)


def source(logged, appended, delayed, otherwise="none yet"):
    answers = ("serving log", logged), ("join on arrival", appended), ("backfill", delayed)
    return next((answer for answer, is_it in answers if is_it), otherwise)


def in_steps(logged, needed, history, delay):
    if not logged < needed:
        return "serving log"
    if history != "overwritten":
        return "join on arrival"
    return "none yet" if delay is None or delay <= 0 else "backfill"


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (WAIT, by_scipy),
        (WAIT, lambda late, mean, complete: mean * math.log(max(1, late / (1 - complete)))),
        (WAIT, lambda late, mean, complete: -mean * min(np.log1p(-complete) - np.log(late), 0)),
        (WAIT, lambda late, mean, complete: np.float64(by_scipy(late, mean, complete)).round(9)),
        (KNOWN, by_loop),
        (KNOWN, by_sorting),
        (KNOWN, by_list),
        (SOURCE, in_steps),
        (SOURCE, by_where),
        (SOURCE, lambda days, n, h, d: source(days / n >= 1, h.startswith("app"), (d or 0) > 0)),
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
        (WAIT, lambda late, mean, complete: mean * max(0, np.log10(late / (1 - complete)))),
        (WAIT, lambda late, mean, complete: max(0, np.log(late / (1 - complete)))),
        (WAIT, lambda late, mean, complete: mean * abs(np.log(late / (1 - complete)))),
        (WAIT, lambda late, mean, complete: mean * max(0, 1 - (1 - complete) / late)),
        (WAIT, lambda late, mean, complete: 4.828314),
        (WAIT, lambda late, mean, complete: np.ceil(by_scipy(late, mean, complete))),
        (KNOWN, masked(lambda e, a, v: v.max())),
        (KNOWN, masked(lambda e, a, v: v[0])),
        (KNOWN, masked(lambda e, a, v: v[-1])),
        (KNOWN, masked(lambda e, a, v: v.mean())),
        (KNOWN, masked(lambda e, a, v: v[np.argmin(e)])),
        (KNOWN, masked(lambda e, a, v: v[np.argmax(e)])),
        (KNOWN, masked(lambda e, a, v: v[len(e) - 1 - np.argmax(e[::-1])])),
        (KNOWN, masked(lambda e, a, v: v[e == e.max()].mean())),
        (KNOWN, lambda e, a, v, asked, ttl: np.nan_to_num(by_loop(e, a, v, asked, ttl))),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked, 24.0)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked - 1e-6, ttl + 1e-6)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked + 0.02, ttl)),
        (KNOWN, lambda e, a, v, asked, ttl: by_loop(e, a, v, asked, ttl - 1e-6)),
        (SOURCE, lambda days, n, h, d: "serving log"),
        (SOURCE, lambda days, n, h, d: "serving log" if days > n else in_steps(min(days, n - 1), n, h, d)),
        (SOURCE, lambda days, n, h, d: "serving log" if days >= 30 else in_steps(0, n, h, d)),
        (SOURCE, lambda days, n, h, d: "backfill" if d and days < n else in_steps(days, n, h, d)),
        (SOURCE, lambda days, n, h, d: in_steps(days, n, h, d if d and d >= 1 else None)),
        (SOURCE, lambda days, n, h, d: "none yet" if h == "overwritten" and not d else in_steps(days, n, h, d)),
        (SOURCE, lambda days, n, h, d: in_steps(days, n, h, d).title()),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def newest(known, value, *orders):
    return value[max(np.flatnonzero(known), key=lambda i: [o[i] for o in orders])] if known.any() else np.nan


def final(event_time, available_time, value):
    rows = pd.DataFrame({"e": event_time, "a": available_time, "v": value}).sort_values("a")
    rows = rows.drop_duplicates("e", keep="last")
    return rows["e"], rows["a"], rows["v"]


MISTAKES = [
    (WAIT, "of the late ones", lambda late, mean, complete: stats.expon.ppf(complete, scale=mean)),
    (WAIT, "before the event", lambda late, mean, complete: mean * (math.log(late) - math.log(1 - complete))),
    (WAIT, "mean delay", lambda late, mean, complete: float(mean)),
    (WAIT, "what is in", lambda late, mean, complete: mean * math.log(max(1, late / complete))),
    (KNOWN, "event time only", lambda e, a, v, t, ttl: newest((e <= t) & (e >= t - ttl - 1e-12), v, e, a)),
    (KNOWN, "last arrival", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t) & (t - e <= ttl), v, a)),
    (KNOWN, "first version", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t) & (t - e <= ttl), v, e, -a)),
    (KNOWN, "final version", lambda e, a, v, t, ttl: by_sorting(*final(e, a, v), t, ttl)),
    (KNOWN, "age since arrival", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t) & (t - a <= ttl), v, e, a)),
    (KNOWN, "strictly before", lambda e, a, v, t, ttl: newest((e < t) & (a < t) & (t - e < ttl), v, e, a)),
    (KNOWN, "no ttl", lambda e, a, v, t, ttl: newest((e <= t) & (a <= t), v, e, a)),
    (SOURCE, "backfill without a delay", lambda days, n, h, d: source(days >= n, h == "appended", True)),
    (SOURCE, "a delay of zero", lambda days, n, h, d: source(days >= n, h == "appended", d is not None)),
    (
        SOURCE,
        "join before log",
        lambda days, n, h, d: "join on arrival" if h == "appended" else source(days >= n, False, d),
    ),
    (SOURCE, "any log", lambda days, n, h, d: source(days > 0, h == "appended", d)),
    (SOURCE, "overwritten history", lambda days, n, h, d: ("join on arrival", "serving log")[days >= n]),
    (SOURCE, "never backfill", lambda days, n, h, d: source(days >= n, h == "appended", False)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
