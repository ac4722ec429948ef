"""Exercises of lesson 7 against pandas, numpy, DuckDB and a table by hand; right and wrong answers of others."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    state,
)
from utils.exercises.training_serving_skew import EXERCISES

RATIO, PARITY, TRIAGE = in_order(EXERCISES)


def measured_ratio(n):
    values = np.arange(n) ** 1.5
    return pd.Series(values).std() / np.std(values)


def test_the_ratio_is_that_of_the_two_libraries():
    assert_solution_is(RATIO, measured_ratio, (3,), (17,))
    squares = {2: 2, 5: 1.25, 30: 30 / 29, 1_000: 1_000 / 999}
    assert_by_hand(RATIO, [((n,), square**0.5) for n, square in squares.items()])


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


def test_the_first_move_is_that_of_the_table_by_hand():
    without_mismatch = {
        (False, False): "nothing",
        (True, False): "watch",
        (False, True): "retrain",
        (True, True): "retrain",
    }
    with_mismatch = dict.fromkeys(without_mismatch, "fix the pipeline")
    by_hand = {0: without_mismatch, 1e-5: with_mismatch, 0.01: with_mismatch, 1: with_mismatch}
    asked = [(mismatch, shifted, fell) for mismatch in by_hand for shifted in (False, True) for fell in (False, True)]
    assert_by_hand(TRIAGE, [((p, shifted, fell), by_hand[p][shifted, fell]) for p, shifted, fell in asked])


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
        (RATIO, measured_ratio),
        (RATIO, lambda n: (n / (n - 1)) ** 0.5),
        (RATIO, lambda n: np.float32(1) / np.sqrt(np.float32(1 - 1 / n))),
        (RATIO, lambda n: pd.Series([n / (n - 1)]).pow(0.5)[0]),
        (PARITY, by_dictionary),
        (PARITY, by_index),
        (PARITY, by_numpy),
        (PARITY, by_sql),
        (TRIAGE, lambda p, s, f: "fix the pipeline" if p else "retrain" if f else "watch" if s else "nothing"),
        (TRIAGE, lambda p, s, f: np.select([p > 0, f, s], ["fix the pipeline", "retrain", "watch"], "nothing")),
        (TRIAGE, lambda p, s, f: next(w for c, w in ((p, "fix the pipeline"), (f, "retrain"), (s, "watch"), (1, "nothing")) if c)),
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
        (RATIO, lambda n: np.sqrt((n + 1) / n)),
        (RATIO, lambda n: np.sqrt(n / (n - 2)) if n > 2 else 1.0),
        (RATIO, lambda n: 2**0.5),
        (RATIO, lambda n: 1 + 1 / (2 * n)),
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
        (TRIAGE, lambda p, s, f: "fix the pipeline" if p > 1e-3 else "retrain" if f else "watch" if s else "nothing"),
        (TRIAGE, lambda p, s, f: "fix the pipeline" if p >= 0 else "retrain" if f else "watch" if s else "nothing"),
        (TRIAGE, lambda p, s, f: "fix the pipeline" if p > 0 else "watch" if s else "retrain" if f else "nothing"),
        (TRIAGE, lambda p, s, f: "fix the pipeline" if p > 0 else "retrain" if f and s else "watch" if s or f else "nothing"),
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


MISTAKES = [
    (RATIO, "variance", lambda n: measured_ratio(n) ** 2),
    (RATIO, "inverted", lambda n: 1 / measured_ratio(n)),
    (RATIO, "no difference", lambda n: 1),
    (PARITY, "by position", by_rows),
    (PARITY, "inner join", inner),
    (PARITY, "nan never agrees", nan_differs),
    (PARITY, "nan always agrees", nan_agrees),
    (PARITY, "signed", too_large_only),
    (TRIAGE, "retrain on alarm", lambda p, s, f: "fix the pipeline" if p else "retrain" if s | f else "nothing"),
    (
        TRIAGE,
        "skew needs an alarm",
        lambda p, s, f: "fix the pipeline" if p and s else "retrain" if f else "watch" if s else "nothing",
    ),
    (
        TRIAGE,
        "skew needs a loss",
        lambda p, s, f: "fix the pipeline" if p and f else "retrain" if f else "watch" if s else "nothing",
    ),
    (
        TRIAGE,
        "retrain first",
        lambda p, s, f: "retrain" if f else "fix the pipeline" if p else "watch" if s else "nothing",
    ),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
