"""A new lesson's skeleton has all sections in order, runs from top to bottom, and never overwrites."""

import re
import sys

import pytest

import utils.exercises
from utils.course.__main__ import main
from utils.course.colab import is_setup_cell
from utils.course.notebooks import CourseError, read_notebook
from utils.course.template import LEAST_CLAIMS, SECTIONS, new_lesson
from utils.lesson.claim import MIME
from utils.lesson.questions import Case, FollowUp, Question, question_bank

EXTRA = Question(
    lesson=23,
    part="2_features",
    name="extra_lesson",
    title="An extra lesson",
    question="Why\n  so?",
    usual_answer="Because.",
    left_out="How much $it costs.",
    thirty_seconds="It costs {fault_costs}.",
    two_minutes="It costs {fault_costs}.\n\nRepaired, {repair_holds}.",
    follow_ups=(FollowUp("And then?", "No.", "Perhaps.", "So {fault_costs}."),),
    red_flags=("Says nothing.",),
    rubric=("Names the cost.", "Asks first."),
    cases=(Case("It went down\n  for a day.", "A post", 2019),),
)


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory):
    """A checkout with the skeleton of lesson 23."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "utils" / "exercises").mkdir(parents=True)  # as in a checkout, where other lessons are
    assert new_lesson(23, checkout=folder, bank={23: EXTRA}) == 0
    return folder


@pytest.fixture
def cells(skeleton):
    return read_notebook(skeleton / EXTRA.notebook).cells


def test_three_files_are_written_where_the_course_looks_for_them(skeleton):
    found = sorted(str(path.relative_to(skeleton)).replace("\\", "/") for path in skeleton.rglob("*") if path.is_file())
    assert found == [
        "notebooks/2_features/23_extra_lesson.ipynb",
        "tests/exercises/test_extra_lesson.py",
        "utils/exercises/extra_lesson.py",
    ]


def test_the_sections_are_there_once_and_in_order(cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = [line.lower() for line in text.splitlines() if line.startswith("## ")]
    assert len(headings) == len(SECTIONS)
    assert all(section in heading for section, heading in zip(SECTIONS, headings, strict=True))
    [exercises] = [cell.source for cell in cells if "## Exercises\n" in cell.source]
    assert "### Exercise 1" in exercises


def test_the_opening_is_that_of_the_bank_and_the_cases_are_told(cells):
    opening = cells[0].source
    for text in ("# 23 · An extra lesson", "> Why so?", "Because.", "How much $it costs."):
        assert text in opening
    [elsewhere] = [cell.source for cell in cells if cell.source.startswith("## Elsewhere")]
    assert elsewhere.endswith("- It went down for a day. (A post, 2019)")


def test_set_up_and_drawing_are_folded_and_what_the_learner_fills_in_is_open(cells):
    code = [cell for cell in cells if cell.cell_type == "code"]
    folded = [cell for cell in code if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert is_setup_cell(code[0].source)
    assert [cell.source.partition("\n")[0][:14] for cell in folded] == ["# @title Set-u", "# @title Draws"]
    assert [cell.metadata.get("tags") for cell in code if cell.source.startswith("SEED")] == [["parameters"]]
    assert sum(cell.metadata.get("tags") == ["exercise"] for cell in code) == 3
    assert all(max(map(len, cell.source.splitlines())) <= 88 for cell in code[1:])


def test_nothing_that_is_there_is_overwritten(skeleton, tmp_path):
    with pytest.raises(CourseError, match=r"23_extra_lesson\.ipynb is there already; move it away"):
        new_lesson(23, checkout=skeleton, bank={23: EXTRA})
    (tmp_path / "tests" / "exercises").mkdir(parents=True)
    (tmp_path / "tests" / "exercises" / "test_extra_lesson.py").write_text("mine")
    with pytest.raises(CourseError, match=r"test_extra_lesson\.py is there already"):
        new_lesson(23, checkout=tmp_path, bank={23: EXTRA})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["test_extra_lesson.py"]


def test_a_lesson_without_a_file_in_the_bank_is_refused_with_the_remedy(capsys):
    assert main(["lesson", "99"]) == 1
    assert capsys.readouterr().err == (
        "error: there is no lesson 99 in data/questions; write data/questions/99_<name>.yaml first\n"
    )


def test_a_built_lesson_is_never_begun_again(capsys):
    assert main(["lesson", "07"]) == 1
    assert "07_training_serving_skew.ipynb is there already" in capsys.readouterr().err


@pytest.fixture
def extra_exercises(skeleton, monkeypatch):
    """Let `utils.exercises` find the skeleton's module."""
    monkeypatch.setattr(utils.exercises, "__path__", [*utils.exercises.__path__, str(skeleton / "utils" / "exercises")])
    yield __import__("utils.exercises.extra_lesson", fromlist=["EXERCISES"]).EXERCISES
    sys.modules.pop("utils.exercises.extra_lesson")


def test_the_stubs_are_those_of_the_exercises_whose_tests_pass(skeleton, cells, extra_exercises):
    stubs = [cell.source for cell in cells if cell.metadata.get("tags") == ["exercise"]]
    for exercise, cell in zip(extra_exercises, stubs, strict=True):
        assert cell.startswith(exercise.stub())
        assert f"lesson.check({exercise.number}, {exercise.solution.__name__})" in cell
        assert any(exercise.task in other.source for other in cells)
    assert [exercise.kind for exercise in extra_exercises] == ["compute", "build", "decide"]
    source = (skeleton / "tests" / "exercises" / "test_extra_lesson.py").read_text(encoding="utf-8")
    tests = {}
    exec(compile(source, "test_extra_lesson.py", "exec"), tests)
    test = tests["test_solution_gives_what_was_worked_out_by_hand"]
    rows = test.pytestmark[0].args[1]
    assert len(rows) == 3
    for row in rows:
        test(*row)


def test_the_skeleton_runs_from_top_to_bottom(cells, extra_exercises, shown, home, monkeypatch):
    monkeypatch.setattr("utils.lesson.lesson.question_bank", lambda: {**question_bank(), 23: EXTRA})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COURSE_STATIC", "1")
    names = {}
    for cell in cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), names)
    said = "\n".join(str(bundle.get("text/markdown", "")) for bundle in shown)
    assert re.search(r"In 30 seconds\.\*\* It costs \d", said)
    assert said.count("not attempted") == 3
    assert said.count("**Rubric.**") == said.count("Names the cost.") == 1
    claims = [bundle[MIME] for bundle in shown if MIME in bundle]
    assert len({claim["id"] for claim in claims}) == len(claims) >= LEAST_CLAIMS >= 4
    assert all(claim["holds"] for claim in claims)
    assert any("placebo" in claim for claim in claims)
