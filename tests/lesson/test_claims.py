"""Claims: relations, refusals, the record that machines read, and what a false claim does."""

import json
import re

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from utils.course.claims import made_twice
from utils.lesson import Claim, ClaimFailed, Lesson
from utils.lesson.claim import MIME

NAN, INF = float("nan"), float("inf")


def made(measured, relation, bound, **rest):
    return Claim("moved", "Keys move", measured, relation, bound, because="closed form", **rest)


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "holds"),
    [
        (1.0, "<=", 1.0, True),
        (1.0001, "<=", 1.0, False),
        (1.0, ">=", 1.0, True),
        (0.9999, ">=", 1.0, False),
        (1.0, "within", (1.0, 2.0), True),
        (2.0, "within", (1.0, 2.0), True),
        (0.9999, "within", (1.0, 2.0), False),
        (2.0001, "within", (1.0, 2.0), False),
    ],
)
def test_a_claim_holds_at_its_bound_and_not_beyond(measured, relation, bound, holds):
    assert made(measured, relation, bound).holds is holds


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": "not an id"}, "id must"),
        ({"relation": "<"}, "relation must"),
        ({"because": " "}, "because must"),
        ({"measured": "many"}, "measured must"),
        ({"measured": "3"}, "measured must"),
        ({"measured": True}, "measured must"),
        ({"measured": None}, "measured must"),
        ({"measured": NAN}, "measured must be a finite number, got nan in claim 'x'; compute it"),
        ({"measured": INF}, "measured must be a finite"),
        ({"measured": np.float32("-inf")}, "measured must be a finite"),
        ({"bound": NAN}, "bound must be a finite"),
        ({"bound": -INF}, "bound must be a finite"),
        ({"relation": "within", "bound": (0.0, INF)}, "bound must be a finite"),
        ({"relation": "within", "bound": (NAN, 1.0)}, "bound must be a finite"),
        ({"placebo": NAN}, "placebo must be a finite"),
        ({"placebo": INF}, "placebo must be a finite"),
        ({"placebo": "none"}, "placebo must be a finite"),
        ({"text": ""}, "text must"),
        ({"text": None}, "text must"),
        ({"id": 3}, "id must"),
        ({"relation": "within", "bound": (1.0, 2.0, 3.0)}, "bound must be (low, high)"),
        ({"relation": "within", "bound": 1.0}, "bound must"),
        ({"relation": "within", "bound": (2.0, 1.0)}, "bound must"),
    ],
)
def test_a_malformed_claim_is_refused_by_name(change, named):
    arguments = {"id": "x", "text": "t", "measured": 1.0, "relation": "<=", "bound": 2.0, "because": "b"} | change
    with pytest.raises(ValueError, match=re.escape(named)):
        Claim(**arguments)


@pytest.mark.parametrize(
    ("relation", "bound", "measured", "placebo", "verdict"),
    [
        (">=", 0.05, 0.06, 0.049, "holds"),
        (">=", 0.05, 0.06, 0.05, "false: placebo too"),
        (">=", 0.05, 0.04, 0.05, "false"),
        (">=", 0.05, 0.04, 0.01, "false"),
        ("<=", 0.05, 0.05, 0.051, "holds"),
        ("<=", 0.05, 0.05, 0.05, "false: placebo too"),
        ("<=", 0.05, 0.06, 0.07, "false"),
        ("within", (1, 2), 1.5, 0.99, "holds"),
        ("within", (1, 2), 1.5, 2.01, "holds"),
        ("within", (1, 2), 1.5, 1.0, "false: placebo too"),
        ("within", (1, 2), 1.5, 2.0, "false: placebo too"),
        ("within", (1, 2), 2.5, 0.5, "false"),
    ],
)
def test_a_claim_holds_only_if_its_placebo_does_not_meet_the_bound(relation, bound, measured, placebo, verdict):
    claim = made(measured, relation, bound, placebo=placebo)
    assert claim.verdict == verdict
    assert claim.holds is (verdict == "holds")
    assert claim.record["placebo"] == placebo


def test_a_claim_without_placebo_records_none():
    assert "placebo" not in made(1, "<=", 2).record
    assert made(1, "<=", 2, placebo=0).record["placebo"] == 0


def test_a_placebo_that_meets_the_bound_too_has_a_sentence_of_its_own(shown):
    with pytest.raises(ClaimFailed, match=re.escape("but the placebo, 7%, meets the bound too: the measurement says")):
        Lesson(7).claim("a", "The fault costs", 0.06, ">=", 0.05, because="x", unit="%", placebo=0.07)
    assert shown[0][MIME]["holds"] is False


def test_the_sentence_gives_the_placebo_beside_the_measured_value():
    sentence = made(0.06, ">=", 0.05, unit="%", placebo=0.001).sentence
    assert sentence == "Keys move: holds. Measured 6%, placebo 0.1%, bound ≥\u00a05% (closed form)."
    assert "Measured 4%, placebo 6%, bound" in made(0.04, ">=", 0.05, unit="%", placebo=0.06).sentence


NOT_FINITE = [
    {"measured": NAN},
    {"measured": -INF},  # which would meet "<="
    {"bound": INF},
    {"placebo": NAN},
    {"placebo": INF},  # which would miss "<=", as a placebo should
    {"measured": -INF, "bound": -INF},
    {"relation": "within", "bound": (-INF, 2.0)},
    {"relation": "within", "bound": (0.0, INF)},
    {"relation": ">=", "measured": INF},
]


@pytest.mark.parametrize("change", NOT_FINITE)
def test_a_value_that_is_not_finite_stops_a_lesson_and_is_recorded_as_false_in_a_sweep(change, shown, monkeypatch):
    parts = {"measured": 1.0, "relation": "<=", "bound": 2.0} | change
    lesson, rest = Lesson(7), {"because": "x", **({"placebo": parts.pop("placebo")} if "placebo" in parts else {})}
    with pytest.raises(ValueError, match="must be a finite number"):
        lesson.claim("a", "It holds", *parts.values(), **rest)
    assert not shown
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    lesson.claim("a", "It holds", *parts.values(), **rest)
    assert shown[-1][MIME]["holds"] is False
    assert json.loads(json.dumps(shown[-1][MIME], allow_nan=False))["id"] == "a"
    lesson.claims()
    assert shown[-1]["text/plain"].splitlines()[-1].endswith("| false |")


@pytest.mark.parametrize("change", [{"measured": "many"}, {"measured": None}, {"placebo": "nan"}, {"bound": True}])
def test_a_sweep_refuses_what_is_no_number_too(change, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    parts = {"measured": 1.0, "relation": "<=", "bound": 2.0, "placebo": 3.0} | change
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be a finite number"):
        Lesson(7).claim("a", "It holds", because="x", **parts)


def test_the_record_is_json_with_the_documented_fields():
    record = json.loads(json.dumps(made(1 / 3, "within", (0.1, 0.5)).record))
    assert record["measured"] == pytest.approx(1 / 3, rel=1e-5)
    assert (record["id"], record["relation"], record["bound"], record["holds"]) == ("moved", "within", [0.1, 0.5], True)


def test_a_claim_that_holds_emits_its_record_where_it_is_made_and_is_shown_once_in_the_table(shown):
    lesson = Lesson(7)
    lesson.claim("a", "Ten is enough", 9, "<=", 10, because="counted", unit="orders")
    [bundle] = shown
    assert bundle[MIME]["holds"] is True
    assert {kind: text for kind, text in bundle.items() if kind != MIME} == {"text/plain": ""}
    lesson.claims()
    assert shown[-1]["text/plain"].count("Ten is enough") == 1


def test_a_false_claim_is_shown_and_then_fails_with_what_was_measured(shown):
    with pytest.raises(ClaimFailed, match="Measured 11, bound ≤\u00a010"):
        Lesson(7).claim("a", "Ten is enough", 11, "<=", 10, because="counted")
    assert shown[0][MIME]["holds"] is False
    assert shown[0]["text/plain"] == "✗ Ten is enough: is FALSE on this run. Measured 11, bound ≤\u00a010 (counted)."
    assert shown[0]["text/markdown"] == shown[0]["text/plain"]


def test_where_claims_are_only_recorded_a_false_one_does_not_stop_the_notebook(shown, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    Lesson(7).claim("a", "Ten is enough", 11, "<=", 10, because="counted")
    assert shown[0][MIME]["holds"] is False


def test_two_claims_cannot_share_an_id_but_a_cell_can_run_twice(shown):
    lesson = Lesson(7)
    lesson.claim("a", "One", 1, "<=", 1, because="x")
    lesson.claim("a", "One", 1, "<=", 1, because="x")
    with pytest.raises(ValueError, match="already says"):
        lesson.claim("a", "Another", 1, "<=", 1, because="x")


def test_one_id_in_a_loop_is_told_and_a_cell_can_run_again(shown):
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    InteractiveShell._instance = shell
    try:
        shell.run_cell("from utils.lesson import Lesson\nlesson = Lesson(7)", store_history=True)
        once = "lesson.claim('a', 'One', 1, '<=', 1, because='x')"
        for _ in range(2):
            assert shell.run_cell(once, store_history=True).success
        done = shell.run_cell(f"for _ in range(2):\n    {once}", store_history=True)
    finally:
        InteractiveShell._instance = None
    assert "was claimed before in this run of the cell" in str(done.error_in_exec)


def test_a_notebook_with_two_claims_of_one_id_is_told():
    def cell(*names):
        return {"outputs": [{"data": {MIME: {"id": name}}} for name in names]}

    assert made_twice({"cells": [cell("a", "b"), {}, cell("c")]}) == []
    assert made_twice({"cells": [cell("a", "b"), {}, cell("b")]}) == ["b"]


def test_the_table_lists_every_claim_with_its_verdict(shown, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    lesson = Lesson(7)
    lesson.claim("a", "One", 0.05, "<=", 0.1, because="x", unit="%")
    lesson.claim("b", "Two", 3, ">=", 4, because="y")
    lesson.claims()
    rows = shown[-1]["text/plain"].splitlines()[2:]
    assert rows == ["| One | 5% | ≤\u00a010% | x | holds |", "| Two | 3 | ≥\u00a04 | y | false |"]


def test_the_table_has_a_column_of_placebos_where_a_claim_has_one(shown, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    lesson = Lesson(7)
    lesson.claim("a", "One", 0.05, "<=", 0.1, because="x", unit="%", placebo=0.4)
    lesson.claim("b", "Two", 5, ">=", 4, because="y", placebo=6)
    lesson.claim("c", "Three", 5, ">=", 4, because="z")
    lesson.claims()
    head, _, *rows = shown[-1]["text/plain"].splitlines()
    assert head == "| Claim | Measured | Placebo | Bound | Because | Verdict |"
    assert rows == [
        "| One | 5% | 40% | ≤\u00a010% | x | holds |",
        "| Two | 5 | 6 | ≥\u00a04 | y | false: placebo too |",
        "| Three | 5 |  | ≥\u00a04 | z | holds |",
    ]


def test_the_number_of_claims_that_held_is_kept(shown, home, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    lesson = Lesson(7)
    for name, measured in (("a", 1), ("b", 3), ("c", 2)):
        lesson.claim(name, name, measured, "<=", 2, because="x")
    lesson.claims()
    assert json.loads((home / "progress.json").read_text())["07"]["claims"] == {"held": 2}


def test_a_lesson_without_claims_says_so():
    with pytest.raises(ValueError, match="claims must be made"):
        Lesson(7).claims()


def test_an_unknown_lesson_is_refused():
    with pytest.raises(ValueError, match="number must be a lesson of the course, 1 to 22, got 23"):
        Lesson(23)


def test_a_miss_by_little_is_written_with_the_digits_that_show_it():
    claim = Claim("share", "Half", 0.4999999, ">=", 0.5, "by design")
    assert claim.measured_text == "0.4999999"
    assert Claim("share", "Half", 0.5000001, ">=", 0.5, "by design").measured_text == "0.5"
