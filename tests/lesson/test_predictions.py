"""Predictions: what can't be meant is asked about, and only what was written before the result counts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from utils.course import index
from utils.lesson import Lesson
from utils.lesson.prediction import prediction, verdict
from utils.lesson.progress import Progress
from utils.lesson.refusal import Refusal


def stored(home):
    return json.loads((home / "progress.json").read_text())["07"]["predictions"]


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (1.5, "Your interval, 1 to 2 s, contains it."),
        (1.0, "Your interval, 1 to 2 s, contains it."),
        (2.0, "Your interval, 1 to 2 s, contains it."),
        (6.0, "Your interval, 1 to 2 s, is too low: measured is 3 times its upper end."),
        (0.5, "Your interval, 1 to 2 s, is too high: measured is 0.5 times its lower end."),
        (-1.0, "Your interval, 1 to 2 s, is too high: measured is 2 s away."),
        (0.0, "Your interval, 1 to 2 s, is too high: measured is 1 s away."),
        (math.nan, "Your interval, 1 to 2 s, can't be judged: this run measured nothing."),
    ],
)
def test_the_verdict_says_where_the_result_lies(measured, said):
    assert verdict(prediction("x", "?", 1, 2, "s"), measured) == said


def test_a_question_in_percent_takes_percent():
    made = prediction("x", "?", 30, 60, "%")
    assert (made.low, made.high) == (0.3, 0.6)
    assert verdict(made, 0.45) == "Your interval, 30% to 60%, contains it."
    assert verdict(made, 0.9) == "Your interval, 30% to 60%, is too low: measured is 1.5 times its upper end."


@given(st.floats(0, 100), st.floats(0, 100))
def test_an_interval_in_percent_means_hundredths_or_is_asked_about(one, other):
    low, high = sorted((one, other))
    if 0 < high <= 1:
        with pytest.raises(Refusal, match="in per cent here"):
            prediction("x", "?", low, high, "%")
        return
    made = prediction("x", "?", low, high, "%")
    assert (made.low, made.high) == (low / 100, high / 100)


def test_fractions_in_a_question_in_percent_are_asked_about_with_both_readings():
    with pytest.raises(Refusal) as refused:
        prediction("x", "?", 0.05, 0.1, "%")
    assert str(refused.value) == (
        "low and high are in per cent here, and 0.05 to 0.1 could be 0.05% to 0.1% or 5% to 10%; "
        'write low=5, high=10 for 5% to 10%, or low="0.05%", high="0.1%" for 0.05% to 0.1%'
    )
    assert prediction("x", "?", 5, 10, "%").interval == "5% to 10%"
    assert prediction("x", "?", "0.05%", "0.1%", "%").interval == "0.05% to 0.1%"
    assert prediction("x", "?", 0, 0, "%").interval == "0% to 0%"
    assert prediction("x", "?", 0.5, 20, "%").interval == "0.5% to 20%"
    with pytest.raises(Refusal, match="in per cent here"):
        prediction("x", "?", -0.1, 0.2, "%", range=(-100, None))
    with pytest.raises(Refusal, match="in per cent here"):
        prediction("x", "?", 0, 1, "%")


@pytest.mark.parametrize(
    ("low", "high", "named"),
    [
        (None, 1, "low is missing"),
        (1, None, "high is missing"),
        (2, 1, "low must not exceed high, got 2 and 1; swap them"),
        ("a", 1, "low must be a number, got 'a'"),
        (1, "5%", "high must be a number of s, got '5%'; leave the % out"),
        (0, float("inf"), "high must be a finite number, got inf"),
        (float("nan"), 1, "low must be a finite number, got nan"),
        (True, 2, "low must be a finite number, got True"),
        ([1], 2, r"low must be a finite number, got \[1\]"),
    ],
)
def test_half_a_prediction_or_a_twisted_one_is_refused(low, high, named):
    with pytest.raises(Refusal, match=named):
        prediction("x", "?", low, high, "s")


def test_numbers_are_read_as_people_write_them():
    made = prediction("x", "?", "1,200", " 1e4 ", "orders")
    assert (made.low, made.high, made.interval) == (1200, 10_000, "1,200 to 10,000 orders")
    assert prediction("x", "?", "−3", 2, "€").interval == "−€3 to €2"


@pytest.mark.parametrize(
    ("low", "high", "unit", "bounds", "said"),
    [
        (100, 500, "tests", (0, 200), "must lie from 0 to 200 tests, got 100 and 500"),
        (-1, 5, "tests", (0, 200), "must lie from 0 to 200 tests, got -1 and 5"),
        (30, 130, "%", None, "must lie from 0% to 100%, got 30 and 130"),
        (-5, 30, "%", None, "must lie from 0% to 100%, got -5 and 30"),
        (-5, 30, "orders", None, "must lie at or above 0 orders, got -5 and 30"),
        (-150, 30, "%", (-100, None), "must lie at or above −100%, got -150 and 30"),
        (0.9, 1.2, "", (0, 1), "must lie from 0 to 1, got 0.9 and 1.2"),
        (1, 3, "s", (None, 2), "must lie at or below 2 s, got 1 and 3"),
    ],
)
def test_what_cannot_come_out_is_refused(low, high, unit, bounds, said):
    with pytest.raises(Refusal) as refused:
        prediction("x", "?", low, high, unit, range=bounds)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("low", "high", "unit", "bounds"),
    [
        (0, 200, "tests", (0, 200)),
        (0, 100, "%", None),
        (-100, 250, "%", (-100, None)),
        (-5, 5, "€", None),
        (-5, 5, "points", None),
        (-5, 5, "", None),
        (0, 5, "orders", None),
    ],
)
def test_the_ends_of_the_range_can_come_out(low, high, unit, bounds):
    assert not prediction("x", "?", low, high, unit, range=bounds).is_empty


@pytest.mark.parametrize("bounds", [(2, 1), (1, 1), (1,), 5, ("a", "b")])
def test_a_range_that_is_none_is_the_lessons_fault_not_the_learners(bounds):
    with pytest.raises(ValueError, match="range must be") as raised:
        prediction("x", "?", range=bounds)
    assert not isinstance(raised.value, Refusal)


def test_a_refused_prediction_is_not_kept_and_the_mended_one_counts(shown, home):
    lesson = Lesson(7)
    with pytest.raises(ValueError, match="must lie"):
        lesson.predict("cost", "How many?", 300, 500, "tests", range=(0, 200))
    assert shown == []
    with pytest.raises(Refusal, match="run the cell that predicts it first"):
        lesson.reveal("cost", 40)
    lesson.predict("cost", "How many?", 30, 50, "tests", range=(0, 200))
    lesson.reveal("cost", 40)
    assert stored(home)["cost"] == {"low": 30, "high": 50, "measured": 40, "contains": True}


def test_a_notebook_shows_a_refusal_in_one_line(capsys):
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    done = shell.run_cell(
        "from utils.lesson.prediction import prediction\nprediction('x', '?', low=2, high=1, unit='s')"
    )
    assert isinstance(done.error_in_exec, ValueError)
    assert capsys.readouterr().out == "Not yet: low must not exceed high, got 2 and 1; swap them\n"


def test_an_empty_prediction_is_not_counted(shown):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?")
    lesson.reveal("cost", 5)
    assert "You made no prediction." in shown[-1]["text/plain"]
    assert index.calibration().n == 0


def test_only_the_prediction_made_before_the_result_counts(shown, home):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    lesson.reveal("cost", 5)
    lesson.predict("cost", "How many?", 4, 6)
    lesson.reveal("cost", 5)
    assert "already shown in this copy, so this one does not count; it is still compared" in shown[-2]["text/plain"]
    assert "4 to 6, contains it" in shown[-1]["text/plain"]
    assert stored(home)["cost"] == {"low": 1, "high": 2, "measured": 5, "contains": False}


@pytest.mark.parametrize(("measured", "contains"), [(0.99, False), (1, True), (2, True), (2.01, False)])
def test_the_ends_belong_to_the_interval(shown, home, measured, contains):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    lesson.reveal("cost", measured)
    assert stored(home)["cost"]["contains"] is contains
    assert ("contains it" in shown[-1]["text/plain"]) is contains


@pytest.mark.parametrize("is_restarted", [False, True])
def test_an_interval_written_after_the_result_was_shown_never_counts(shown, home, is_restarted):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?")
    lesson.reveal("cost", 5)
    lesson = Lesson(7) if is_restarted else lesson
    lesson.predict("cost", "How many?", 4, 6)
    lesson.reveal("cost", 5)
    assert "does not count" in shown[-2]["text/plain"]
    assert stored(home)["cost"] == {"shown": True}
    assert index.calibration().n == 0


def test_an_interval_may_be_changed_until_the_result_is_shown(shown, home):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    lesson.predict("cost", "How many?", 4, 6)
    lesson.reveal("cost", 5)
    assert "Written down." in shown[1]["text/plain"]
    assert stored(home)["cost"]["contains"] is True


def test_running_the_lesson_again_says_that_the_first_one_counts(shown):
    for _ in range(2):
        lesson = Lesson(7)
        lesson.predict("cost", "How many?", 1, 2)
        lesson.reveal("cost", 5)
    assert "before the result was shown, and it counts" in shown[-2]["text/plain"]


def test_without_a_place_to_keep_it_peeking_is_still_noticed(shown, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    lesson = Lesson(7)
    lesson.predict("cost", "How many?")
    lesson.reveal("cost", 5)
    lesson.predict("cost", "How many?", 4, 6)
    assert "does not count" in shown[-1]["text/plain"]


def test_a_result_that_was_not_measured_does_not_count(shown, home):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    lesson.reveal("cost", math.nan)
    assert "can't be judged" in shown[-1]["text/plain"]
    assert index.calibration().n == 0


@pytest.mark.parametrize("measured", [math.inf, -math.inf, None, "5", True, 10**400])
def test_what_is_no_finite_number_is_refused_and_the_prediction_stays_open(shown, home, measured):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    with pytest.raises(Refusal, match="measured must be a finite number"):
        lesson.reveal("cost", measured)
    assert stored(home)["cost"] == {"low": 1, "high": 2}
    lesson.reveal("cost", np.float32(1.5))
    assert stored(home)["cost"]["contains"] is True


def test_revealing_what_was_not_asked_names_what_was(shown):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?")
    with pytest.raises(Refusal, match=r"got 'gain'; run the cell .* \(asked so far: cost\)"):
        lesson.reveal("gain", 5)


@pytest.mark.parametrize("text", ["1,5", "1.000,5", "12,34", ",5"])
def test_a_decimal_comma_is_refused_rather_than_read_as_thousands(text):
    with pytest.raises(Refusal, match="decimal point"):
        prediction("x", "?", text, "2,000", "s")


def test_shares_that_differ_are_told_in_points_and_a_near_miss_is_not_one_times_the_end():
    assert verdict(prediction("x", "?", 0, 0, "%"), 0.3).endswith("is too low: measured is 30 points away.")
    assert "1 times" not in verdict(prediction("x", "?", 1, 2, "s"), 2.0000000001)


def test_an_interval_of_an_earlier_session_counts_although_the_cell_ran_again_without_one(shown):
    Lesson(7).predict("k", "?", 10, 20, "orders")
    again = Lesson(7)
    again.predict("k", "?", None, None, "orders")
    again.reveal("k", 15)
    assert Progress().lesson(7)["predictions"]["k"]["contains"] is True


@pytest.mark.parametrize(
    ("asked", "measured", "named"),
    [
        ({"unit": "%"}, 45, "from 0% to 100%, as the question of 'x' says, got 4,500%"),
        ({"unit": "%"}, -0.01, "from 0% to 100%"),
        ({"unit": "tests", "range": (0, 200)}, 201, "from 0 to 200 tests"),
        ({"unit": "orders"}, -1, "at or above 0 orders"),
    ],
)
@pytest.mark.parametrize("ends", [(30, 60), (None, None)])
def test_what_the_question_rules_out_is_the_lessons_fault_and_not_kept(shown, home, asked, measured, named, ends):
    lesson = Lesson(7)
    lesson.predict("x", "How many?", *ends, **asked)
    n_shown = len(shown)
    with pytest.raises(ValueError, match=named) as raised:
        lesson.reveal("x", measured)
    assert not isinstance(raised.value, Refusal)
    assert len(shown) == n_shown
    lesson.reveal("x", 0.45)
    assert "Measured" in shown[-1]["text/plain"]
    assert ends[0] is None or stored(home)["x"]["measured"] == 0.45


def test_a_measured_value_at_the_end_of_its_range_may_be_rounded(shown):
    lesson = Lesson(7)
    lesson.predict("x", "What share?", 90, 100, "%")
    lesson.reveal("x", 1 + 1e-12)
    assert "Measured: 100%" in shown[-1]["text/plain"]
