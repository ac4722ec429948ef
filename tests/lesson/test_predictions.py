"""Predictions and progress: what a learner writes is kept, counted once, and never lost."""

import json
import multiprocessing
import os

import pytest

from utils.lesson import Lesson
from utils.lesson.prediction import prediction, verdict
from utils.lesson.progress import Progress


def stored(home):
    return json.loads((home / "progress.json").read_text())


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (1.5, "Your interval, 1 to 2 s, contains it."),
        (1.0, "Your interval, 1 to 2 s, contains it."),
        (2.0, "Your interval, 1 to 2 s, contains it."),
        (6.0, "Your interval, 1 to 2 s, is too low: measured is 3 times its upper end."),
        (0.5, "Your interval, 1 to 2 s, is too high: measured is 0.5 times its lower end."),
        (-1.0, "Your interval, 1 to 2 s, is too high: measured is 2 s away."),
    ],
)
def test_the_verdict_says_where_the_result_lies(measured, said):
    assert verdict(prediction("x", "?", 1, 2, "s"), measured) == said


def test_shares_are_written_as_percent():
    assert verdict(prediction("x", "?", 0.1, 0.2, "%"), 0.15) == "Your interval, 10% to 20%, contains it."


@pytest.mark.parametrize(
    ("low", "high", "named"),
    [
        (None, 1, "low is missing"),
        (1, None, "high is missing"),
        (2, 1, "low must not exceed high"),
        ("a", "b", "must be numbers"),
        (0, float("inf"), "must be finite"),
        (float("nan"), 1, "must be finite"),
    ],
)
def test_half_a_prediction_or_a_twisted_one_is_refused(low, high, named):
    with pytest.raises(ValueError, match=named):
        prediction("x", "?", low, high)


def test_an_empty_prediction_is_fine_and_not_counted(shown, home):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?")
    lesson.reveal("cost", 5)
    assert "You made no prediction." in shown[-1]["text/plain"]
    assert not (home / "progress.json").exists()


def test_only_the_prediction_made_before_the_result_counts(shown, home):
    lesson = Lesson(7)
    lesson.predict("cost", "How many?", 1, 2)
    lesson.reveal("cost", 5)
    lesson.predict("cost", "How many?", 4, 6)
    lesson.reveal("cost", 5)
    assert "does not count" in shown[-2]["text/plain"]
    assert stored(home)["07"]["predictions"]["cost"] == {"low": 1, "high": 2, "measured": 5, "contains": False}


def test_revealing_what_was_not_asked_is_refused():
    with pytest.raises(ValueError, match="key must be one of"):
        Lesson(7).reveal("cost", 5)


def test_a_damaged_progress_file_is_set_aside_not_lost(home):
    (home / "progress.json").write_text("{half a fi")
    assert Progress().record(7, "exercises", "1", "passed")
    assert stored(home) == {"07": {"exercises": {"1": "passed"}}}
    [kept] = home.glob("progress.damaged-*.json")
    assert kept.read_text() == "{half a fi"


def test_a_folder_that_cannot_be_written_is_told_and_does_not_stop_the_lesson(tmp_path, monkeypatch, shown):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    Lesson(7).predict("cost", "How many?", 1, 2)
    assert "set COURSE_HOME" in shown[0]["text/plain"]
    assert "Written down" in shown[-1]["text/plain"]


def write_fifty(home, worker):
    progress = Progress(home)
    for i in range(50):
        assert progress.record(7, "exercises", f"{worker}-{i}", "passed")


def test_two_notebooks_writing_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_fifty, args=(tmp_path, w)) for w in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(stored(tmp_path)["07"]["exercises"]) == 100
    assert sorted(os.listdir(tmp_path)) == ["progress.json"]


def test_a_lock_left_by_a_dead_process_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.lesson.progress.LOCK_SECONDS", 0.05)
    (tmp_path / "progress.lock").write_text("")
    assert Progress(tmp_path).record(7, "exercises", "1", "passed")
    assert stored(tmp_path) == {"07": {"exercises": {"1": "passed"}}}
