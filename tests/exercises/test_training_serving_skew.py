"""Exercises of lesson 7 against scipy, DuckDB and tables by hand; right and wrong answers of others."""

import itertools
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
from utils.exercises.training_serving_skew import EXERCISES
from utils.lesson.first_moves import first_moves

VISITS, PARITY, TRIAGE = in_order(EXERCISES)
READ = [row for row in first_moves().moves if "slice" not in row.symptom]  # the readings of lesson 7 have no slices


def by_binomial(share, escape):
    """Return the least number of visits by scipy's law for the number of touched ones."""
    visits = max(1, int(math.log(escape) / math.log(1 - share)) - 3)
    while stats.binom.cdf(0, visits, share) > escape + 1e-12:
        visits += 1
    return visits


def test_the_number_of_visits_is_that_of_the_binomial_law():
    assert_solution_is(VISITS, by_binomial, (0.02, 0.001), (0.004, 0.2))
    by_hand = [(0.5, 0.25, 2), (0.5, 0.26, 2), (0.5, 0.24, 3), (0.01, 0.01, 459), (0.001, 0.05, 2995)]
    by_hand += [(0.3, 0.001, 20), (0.2, 0.9, 1)]
    assert_by_hand(VISITS, [((share, escape), visits) for share, escape, visits in by_hand])


def by_sql(served, recomputed, tolerance):
    # DuckDB 1.1 can't read a frame whose index runs backwards
    served, recomputed = served.reset_index(drop=True), recomputed.reset_index(drop=True)
    # DuckDB reads a frame's NaN as NULL; IS DISTINCT FROM calls two NULL equal
    [(share,)] = duckdb.sql(
        "SELECT avg(CASE WHEN s.id IS NULL THEN 1 WHEN s.value IS NULL AND r.value IS NULL THEN 0 "
        "WHEN s.value IS NULL OR r.value IS NULL THEN 1 WHEN abs(s.value - r.value) > "
        f"{float(tolerance)!r} THEN 1 ELSE 0 END) "
        "FROM (SELECT id, CASE WHEN isnan(value) THEN NULL ELSE value END AS value FROM recomputed) r "
        "LEFT JOIN (SELECT id, CASE WHEN isnan(value) THEN NULL ELSE value END AS value FROM served) s ON s.id = r.id"
    ).fetchall()
    return share


def some_frames():
    rng = np.random.default_rng(0)
    for _ in range(10):
        again = pd.DataFrame({"id": rng.permutation(20)[:12], "value": rng.choice([1.0, 2.0, 4.0, np.nan], 12)})
        served = pd.DataFrame({"id": rng.permutation(20)[:12], "value": rng.choice([1.0, 2.0, 4.0, np.nan], 12)})
        yield served, again, 1.5


def test_the_share_is_what_sql_counts():
    assert_solution_is(PARITY, by_sql, *some_frames())


def test_the_share_was_counted_by_hand():
    by_hand = [  # served, recomputed
        (("5:4 4:nan 3:3.05 2:2 9:1", "1:1 2:nan 3:3 4:nan 5:5", 0.1), 0.6),
        (("2:2 1:1", "1:1 2:2", 0), 0),
        (("5:4 4:nan", "4:nan 5:5", 0.5), 0.5),
        (("1:1 2:2", "3:1 4:2", 0), 1),
        (("5:4 4:nan 3:3.05 2:2 9:1", "2:2 7:nan", 0.1), 0.5),
        (("1:nan 2:2", "1:0 2:2", 0.1), 0.5),
        (("1:1 2:2.25 3:2.5", "1:1 3:3", 0.5), 0),
        (("1:1.255 2:2.25", "1:1 2:2", 0.25), 0.5),
    ]
    assert_by_hand(PARITY, by_hand)


def by_table(released, arrive, served, trained, inputs, orders_lost):
    """Return the move of the course's table for the first symptom that is there."""
    fell = orders_lost > 1
    there = [fell and released, served + trained > 0, not arrive, fell, inputs > 1, True]
    return next(row.move for row, is_there in zip(READ, there, strict=True) if is_there)


def test_the_first_move_is_that_of_the_courses_table():
    assert_solution_is(TRIAGE, by_table)
    assert {TRIAGE.solution(*case) for case in TRIAGE.cases()} == {row.move for row in READ}


@pytest.mark.parametrize(
    ("readings", "move"),
    [
        ((True, True, 0.0, 0.0, 0.5, 1.5), "roll back"),
        ((True, True, 0.3, 0.0, 2.0, 1.5), "roll back"),
        ((True, True, 0.3, 0.0, 2.0, 0.5), "fix the pipeline"),
        ((False, True, 0.0, 1.0, 0.5, 0.5), "fix the pipeline"),
        ((False, False, 0.3, 0.0, 0.5, 1.5), "fix the pipeline"),
        ((False, False, 0.0, 0.0, 2.0, 1.5), "fix the tracking"),
        ((False, False, 0.0, 0.0, 0.5, 0.5), "fix the tracking"),
        ((False, True, 0.0, 0.0, 2.0, 1.5), "retrain"),
        ((False, True, 0.0, 0.0, 0.5, 1.5), "retrain"),
        ((False, True, 0.0, 0.0, 2.0, 0.5), "watch"),
        ((True, True, 0.0, 0.0, 2.0, 0.5), "watch"),
        ((True, True, 0.0, 0.0, 0.5, 0.5), "nothing"),
    ],
)
def test_the_first_move_was_worked_out_by_hand(readings, move):
    assert TRIAGE.solution(*readings) == move


def by_select(released, labels_arrive, served_wrong, trained_wrong, inputs, orders_lost):
    asked = [
        bool(released and orders_lost > 1),
        max(served_wrong, trained_wrong) > 0,
        not labels_arrive,
        orders_lost > 1,
        inputs > 1,
    ]
    return np.select(asked, ["roll back", "fix the pipeline", "fix the tracking", "retrain", "watch"], "nothing")


def in_one_line(r, a, s, t, i, c):
    fixed = "fix the pipeline" if s or t else None if a else "fix the tracking"
    return (r and c >= 1 and "roll back") or fixed or (c >= 1 and "retrain") or (i >= 1 and "watch") or "nothing"


def by_cases(released, labels_arrive, served_wrong, trained_wrong, inputs, orders_lost):
    quality_fell = orders_lost > 1.0
    if quality_fell:
        if released:
            return "roll back"
        if any([served_wrong, trained_wrong]):
            return "fix the pipeline"
        return "retrain" if labels_arrive else "fix the tracking"
    if served_wrong != 0 or trained_wrong != 0:
        return "fix the pipeline"
    if not labels_arrive:
        return "fix the tracking"
    return {True: "watch", False: "nothing"}[inputs > 1]


LAUNCHES = {  # of the lesson, a run of it: served wrong, trained wrong, inputs, orders lost
    "none": (0.0, 0.0, 0.7, 0.1, "nothing"),
    "unit": (1.0, 0.0, 165, 8, "roll back"),
    "time zone": (0.74, 0.0, 0.7, 3, "roll back"),
    "default fill": (0.3, 0.0, 4.9, 1.2, "roll back"),
    "misjoin": (0.94, 0.0, 1.9, 1.4, "roll back"),
    "look-ahead": (0.0, 1.0, 0.9, 2, "roll back"),
    "new city": (0.0, 0.0, 4.9, 0.3, "watch"),
}


@pytest.mark.parametrize(("served", "trained", "inputs", "lost", "move"), LAUNCHES.values(), ids=LAUNCHES)
def test_the_rule_gives_the_first_move_that_the_card_gives(served, trained, inputs, lost, move):
    assert TRIAGE.solution(True, True, served, trained, inputs, lost) == move


def test_where_nothing_shipped_there_is_nothing_to_roll_back():
    assert TRIAGE.solution(False, True, 1.0, 0.0, 16.7, 5.0) == "fix the pipeline"
    assert TRIAGE.solution(True, False, 0.0, 0.0, 0.5, 5.0) == "roll back"  # orders are counted without the tracking


def by_dictionary(served, recomputed, tolerance):
    known = dict(zip(served["id"], served["value"], strict=True))
    bad = 0
    for key, value in zip(recomputed["id"], recomputed["value"], strict=True):
        if key not in known or np.isnan(known[key]) != np.isnan(value) or abs(known[key] - value) > tolerance:
            bad += 1
    return bad / len(recomputed)


def by_index(served, recomputed, tolerance):
    ours, theirs = recomputed.set_index("id")["value"], served.set_index("id")["value"]
    theirs = theirs.reindex(ours.index, fill_value=np.inf)
    agree = (ours - theirs).abs().le(tolerance) | (ours.isna() & theirs.isna())
    return np.float32((~agree).mean())


def by_numpy(served, recomputed, tolerance):
    pair = recomputed.merge(served, on="id", how="left", indicator=True)
    close = np.isclose(pair["value_x"], pair["value_y"], rtol=0, atol=tolerance + 1e-12, equal_nan=True)
    return np.array(1 - np.mean(close & (pair["_merge"] == "both")))


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (VISITS, by_binomial),
        (VISITS, lambda s, e: max(1, math.ceil(math.log(e) / math.log(1 - s) - 1e-9))),
        (VISITS, lambda s, e: math.ceil(math.log(e) / math.log(1 - s))),
        (VISITS, lambda s, e: int(np.ceil(np.log(e) / np.log1p(-s)))),
        (VISITS, lambda s, e: next(n for n in itertools.count(1) if 1 - (1 - s) ** n >= 1 - e - 1e-12)),
        (VISITS, lambda s, e: np.argmax((1 - s) ** np.arange(1, 5_000) <= e) + 1),
        (VISITS, lambda s, e: float(np.searchsorted(-((1 - s) ** np.arange(1, 5_000)), -e) + 1)),
        (PARITY, by_dictionary),
        (PARITY, by_index),
        (PARITY, by_numpy),
        (PARITY, by_sql),
        (TRIAGE, by_table),
        (TRIAGE, by_cases),
        (TRIAGE, by_select),
        (TRIAGE, in_one_line),
    ],
)  # fmt: skip
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def left_merge(served, recomputed):
    return recomputed.merge(served, on="id", how="left", suffixes=("_again", ""))


def no_indicator(served, recomputed, tolerance):
    pair = left_merge(served, recomputed)
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    return (far | (pair["value"].isna() != pair["value_again"].isna())).mean()


def served_nan_passes(served, recomputed, tolerance):
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""), indicator=True)
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    missing = pair["value_again"].isna() & pair["value"].notna()
    return (far | missing | (pair["_merge"] == "left_only")).mean()


def recomputed_nan_passes(served, recomputed, tolerance):
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""), indicator=True)
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    missing = pair["value"].isna() & pair["value_again"].notna()
    return (far | missing | (pair["_merge"] == "left_only")).mean()


def of_the_served_rows(served, recomputed, tolerance):
    return by_dictionary(served, recomputed, tolerance) * len(recomputed) / len(served)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (VISITS, lambda s, e: by_binomial(s, e) + 1),
        (VISITS, lambda s, e: by_binomial(s, 0.01)),
        (VISITS, lambda s, e: by_binomial(s, e / 2)),
        (VISITS, lambda s, e: math.ceil((1 - e) / s)),
        (VISITS, lambda s, e: math.ceil(-math.log(e) / s)),
        (VISITS, lambda s, e: by_binomial(1 - s, e)),
        (VISITS, lambda s, e: next(n for n in itertools.count(1) if (1 - s) ** n < e)),
        (PARITY, no_indicator),
        (PARITY, served_nan_passes),
        (PARITY, recomputed_nan_passes),
        (PARITY, of_the_served_rows),
        (PARITY, lambda s, r, t: by_dictionary(s, r, 0.1)),
        (PARITY, lambda s, r, t: by_dictionary(s, r, t + 0.01)),
        (PARITY, lambda s, r, t: by_dictionary(s, r, t - 1e-9)),
        (PARITY, lambda s, r, t: by_dictionary(s, r, t) * len(r)),
        (PARITY, lambda s, r, t: 1 - by_dictionary(s, r, t)),
        (PARITY, lambda s, r, t: by_dictionary(s.dropna(), r, t)),
        (PARITY, lambda s, r, t: by_dictionary(s.fillna(0), r.fillna(0), t)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, s * (s > 1e-3), t, i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, s, t * (t > 1e-3), i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, s, t, i, c / 1.05)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, s, t, i / 1.05, c)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, s, t, i, c * 1.05)),
        (TRIAGE, lambda r, a, s, t, i, c: "fix the tracking" if not a else by_table(r, a, s, t, i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: "roll back" if r and i > 1 else by_table(False, a, s, t, i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: "watch" if i > 1 and c <= 1 else by_table(r, a, s, t, i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, min(s, t), min(s, t), i, c)),
        (TRIAGE, lambda r, a, s, t, i, c: by_table(r, a, 0, t, i, c)),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def by_rows(served, recomputed, tolerance):
    pairs = zip(served["value"], recomputed["value"], strict=False)
    bad = sum(np.isnan(a) != np.isnan(b) or abs(a - b) > tolerance for a, b in pairs)
    return (bad + max(0, len(recomputed) - len(served))) / len(recomputed)


def inner(served, recomputed, tolerance):
    both = recomputed[recomputed["id"].isin(served["id"])]
    return by_dictionary(served, both, tolerance) if len(both) else np.nan


def nan_differs(served, recomputed, tolerance):
    known = dict(zip(served["id"], served["value"], strict=True))
    pairs = [(known.get(k, np.nan), v) for k, v in zip(recomputed["id"], recomputed["value"], strict=True)]
    return np.mean([not abs(a - b) <= tolerance for a, b in pairs])


def nan_agrees(served, recomputed, tolerance):
    known = dict(zip(served["id"], served["value"], strict=True))
    pairs = [(known.get(k, np.nan), v) for k, v in zip(recomputed["id"], recomputed["value"], strict=True)]
    return np.mean([abs(a - b) > tolerance for a, b in pairs])


def too_large_only(served, recomputed, tolerance):
    known = dict(zip(served["id"], served["value"], strict=True))
    bad = [
        k not in known or np.isnan(known[k]) != np.isnan(v) or known[k] - v > tolerance
        for k, v in zip(recomputed["id"], recomputed["value"], strict=True)
    ]
    return np.mean(bad)


def by_logarithm(rounded, chance):
    return lambda s, e: max(1, rounded(math.log(chance(e)) / math.log1p(-s)))


MISTAKES = [
    (VISITS, "rounded down", lambda s, e: max(1, int(math.log(e, 1 - s)))),
    (VISITS, "expected one", lambda s, e: -int(-1 // s)),
    (VISITS, "rule of three", lambda s, e: np.ceil(3 / s)),
    (VISITS, "caught for escape", by_logarithm(math.ceil, lambda e: 1 - e)),
    (PARITY, "by position", by_rows),
    (PARITY, "inner join", inner),
    (PARITY, "nan never agrees", nan_differs),
    (PARITY, "nan always agrees", nan_agrees),
    (PARITY, "signed", too_large_only),
    (
        TRIAGE,
        "retrain on alarm",
        lambda r, a, s, t, i, c: (
            "retrain" if by_table(r, a, s, t, i, c) == "watch" and not r else by_table(r, a, s, t, i, c)
        ),
    ),
    (TRIAGE, "never rolls back", lambda r, a, s, t, i, c: by_table(0, a, s, t, i, c)),
    (TRIAGE, "always rolls back", lambda r, a, s, t, i, c: "roll back" if r else by_table(r, a, s, t, i, c)),
    (TRIAGE, "served only", lambda r, a, s, t, i, c: by_table(r, a, s, 0, i, c)),
    (
        TRIAGE,
        "skew needs an alarm",
        lambda r, a, s, t, i, c: by_table(r, a, s, t, i, c) if i > 1 else by_table(r, a, 0, 0, i, c),
    ),
    (
        TRIAGE,
        "skew needs a loss",
        lambda r, a, s, t, i, c: by_table(r, a, s, t, i, c) if c > 1 else by_table(r, a, 0, 0, i, c),
    ),
    (
        TRIAGE,
        "retrain first",
        lambda r, a, s, t, i, c: by_table(r, a, s, t, i, c) if c <= 1 or r else "retrain",
    ),
    (TRIAGE, "labels taken on trust", lambda r, a, s, t, i, c: by_table(r, 1, s, t, i, c)),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
