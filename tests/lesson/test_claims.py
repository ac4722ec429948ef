"""Claims: relations, refusals, the record that machines read, and what a false claim does."""

import json

import pytest

from utils.lesson import Claim, ClaimFailed, Lesson
from utils.lesson.claim import MIME


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
        (float("nan"), "<=", 1.0, False),
        (float("nan"), ">=", 1.0, False),
        (float("nan"), "within", (0.0, 1.0), False),
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
        ({"bound": float("nan")}, "bound must"),
        ({"relation": "within", "bound": 1.0}, "bound must"),
        ({"relation": "within", "bound": (2.0, 1.0)}, "bound must"),
    ],
)
def test_a_malformed_claim_is_refused_by_name(change, named):
    arguments = {"id": "x", "text": "t", "measured": 1.0, "relation": "<=", "bound": 2.0, "because": "b"} | change
    with pytest.raises(ValueError, match=named):
        Claim(**arguments)


def test_the_record_is_json_with_the_documented_fields():
    record = json.loads(json.dumps(made(1 / 3, "within", (0.1, 0.5)).record))
    assert record["measured"] == pytest.approx(1 / 3, rel=1e-5)
    assert (record["id"], record["relation"], record["bound"], record["holds"]) == ("moved", "within", [0.1, 0.5], True)
    assert json.loads(json.dumps(made(float("nan"), "<=", 1.0).record))["holds"] is False


def test_a_claim_shows_its_record_and_its_sentence(shown):
    Lesson(7).claim("a", "Ten is enough", 9, "<=", 10, because="counted", unit="orders")
    [bundle] = shown
    assert bundle[MIME]["holds"] is True
    assert bundle["text/plain"] == "✓ Ten is enough: holds. Measured 9 orders, bound ≤\u00a010 orders (counted)."


def test_a_false_claim_is_shown_and_then_fails_with_what_was_measured(shown):
    with pytest.raises(ClaimFailed, match="Measured 11, bound ≤\u00a010"):
        Lesson(7).claim("a", "Ten is enough", 11, "<=", 10, because="counted")
    assert shown[0][MIME]["holds"] is False


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


def test_the_table_lists_every_claim_with_its_verdict(shown, monkeypatch):
    monkeypatch.setenv("COURSE_CLAIMS", "record")
    lesson = Lesson(7)
    lesson.claim("a", "One", 0.05, "<=", 0.1, because="x", unit="%")
    lesson.claim("b", "Two", 3, ">=", 4, because="y")
    lesson.claims()
    rows = shown[-1]["text/plain"].splitlines()[2:]
    assert rows == ["| One | 5% | ≤\u00a010% | x | holds |", "| Two | 3 | ≥\u00a04 | y | false |"]


def test_a_lesson_without_claims_says_so():
    with pytest.raises(ValueError, match="claims must be made"):
        Lesson(7).claims()


def test_an_unknown_lesson_is_refused():
    with pytest.raises(ValueError, match="number must be a lesson of the course, 1 to 22, got 23"):
        Lesson(23)
