"""The map of the course and the learner's calibration."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from utils.course import index
from utils.lesson.progress import Progress


def test_the_map_names_every_lesson_once_and_links_those_that_exist():
    text = index.map_of_lessons()
    for row in index.rows():
        link = f"[{row.title}]({row.notebook})"
        assert text.count(link) == row.is_built
        assert text.count(f"| {row.number} | ") == 1
    assert text.count("*not\u00a0built\u00a0yet*") == sum(not row.is_built for row in index.rows())
    assert index.map_of_lessons(root="").count("](2_features/") >= 1


def test_passed_exercises_and_revealed_predictions_are_counted(home):
    progress = Progress()
    progress.record(7, "exercises", "1", "passed")
    progress.record(7, "predictions", "a", {"low": 1, "high": 2})
    progress.record(7, "predictions", "b", {"low": 1, "high": 2, "measured": 3, "contains": False})
    [row] = [row for row in index.rows() if row.number == 7]
    assert (row.exercises_passed, row.predictions_made) == (1, 1)
    assert "1 of 3" in index.map_of_lessons()


@pytest.mark.parametrize(
    ("contained", "n", "said"),
    [(8, 10, "what chance allows"), (5, 20, "too narrow"), (60, 60, "wider than they need")],
)
def test_calibration_is_judged_by_an_exact_interval(home, contained, n, said):
    progress = Progress()
    for i in range(n):
        progress.record(7, "predictions", f"p{i}", {"low": 0, "high": 1, "measured": 0.5, "contains": i < contained})
    found = index.calibration()
    low, high = proportion_confint(contained, n, alpha=0.05, method="beta")
    assert (found.n, found.contained) == (n, contained)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert said in index.verdict(found)
