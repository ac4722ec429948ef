"""The map of the course and the learner's calibration."""

import shutil

import pytest
from statsmodels.stats.proportion import proportion_confint

from utils.course import index, readme
from utils.foundation.checkout import CHECKOUT
from utils.lesson.progress import Progress
from utils.lesson.questions import BANK, question_bank


def test_the_learners_map_names_every_lesson_once_and_links_those_that_exist():
    text, rows = index.learner_map(), index.map_of_lessons()
    assert [row.number for row in rows] == list(question_bank())
    for row in rows:
        link = f"[{row.title}]({row.notebook.removeprefix('notebooks/')})"
        assert text.count(link) == row.is_built == (CHECKOUT / row.notebook).exists()
        assert text.count(f"| {row.number} | ") == 1
    assert text.count("*not\u00a0built\u00a0yet*") == sum(not row.is_built for row in rows)
    assert "](notebooks/2_features/" in index.learner_map(root="notebooks/")


def test_passed_exercises_and_revealed_predictions_are_counted(home):
    progress = Progress()
    progress.record(7, "exercises", "1", "passed")
    progress.record(7, "predictions", "a", {"low": 1, "high": 2})
    progress.record(7, "predictions", "b", {"low": 1, "high": 2, "measured": 3, "contains": False})
    [row] = [row for row in index.map_of_lessons() if row.number == 7]
    assert (row.exercises_passed, row.predictions_made) == (1, 1)
    assert "1 of 3" in index.learner_map()


def test_one_more_file_of_the_bank_is_one_more_line_in_its_part_and_in_the_readme(tmp_path):
    folder = shutil.copytree(BANK, tmp_path / "questions")
    fields = {"part": "2_features", "title": "Extra", "question": "Why | how?", "usual_answer": "U", "left_out": "L"}
    text = "\n".join(f"{field}: {value}" for field, value in fields.items())
    (folder / "99_extra.yaml").write_text(text, encoding="utf-8")
    rows = index.map_of_lessons(bank=question_bank(folder))
    assert [row.number for row in rows][7:10] == [8, 99, 9]
    line = "| 99 | Extra | Why \\| how? *(not built yet)* |"
    was, now = (readme.lesson_map(some).splitlines() for some in (index.map_of_lessons(), rows))
    assert [found for found in now if found not in was] == [line]
    assert now.index(line) == now.index("**Systems**") - 2
    assert len(now) == len(was) + 1


def test_a_table_a_part_in_markdown_whatever_the_order_of_the_bank():
    bank = {number: question_bank()[number] for number in (9, 3, 2)}
    rows = index.map_of_lessons(bank=bank)
    text = index.tables_by_part(rows, ("", "A", "B"), lambda row: (str(row.number), "", "a|b"))
    assert text == (
        "**Framing the problem**\n\n| | A | B |\n|---:|:---|:---|\n| 2 | | a\\|b |\n| 3 | | a\\|b |\n\n"
        "**Systems**\n\n| | A | B |\n|---:|:---|:---|\n| 9 | | a\\|b |"
    )


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


def test_nothing_revealed_leaves_the_share_open_and_one_prediction_is_judged():
    assert index.calibration() == (0, 0, 0.0, 1.0)
    assert index.verdict(index.calibration()).startswith("No prediction has been revealed yet.")
    Progress().record(7, "predictions", "only", {"low": 0, "high": 1, "measured": 0.5, "contains": True})
    assert index.calibration() == (1, 1, pytest.approx(0.025), 1.0)  # at a share of 2.5%, one of one has that chance
    told = "1 of 1 intervals held the result; 80% is the aim. That is within what chance allows (95% interval "
    assert index.verdict(index.calibration()).startswith(told)
    for low, high in ((0.8, 1.0), (0.0, 0.8)):  # an interval holds its ends
        assert "what chance allows" in index.verdict(index.Calibration(9, 8, low, high))


def test_the_map_says_where_progress_cannot_be_read(home):
    assert not index.learner_map().startswith("*Your")
    (home / "progress.json").mkdir()
    assert index.learner_map().startswith(f"*Your progress can't be read in {home}")
