"""Checks say what is wrong in this answer; every exercise of the course is tried three ways."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest

import utils.exercises
from utils.lesson import Exercise, Lesson, Mistake
from utils.lesson.exercise import check, close

MODULES = sorted(m.name for m in pkgutil.iter_modules(utils.exercises.__path__))
ALL = [(name, e) for name in MODULES for e in importlib.import_module(f"utils.exercises.{name}").EXERCISES]
NAMED = [pytest.param(e, id=f"{name}-{e.number}") for name, e in ALL]
WRONG = [pytest.param(e, m, id=f"{name}-{e.number}-{m.name}") for name, e in ALL for m in e.mistakes]


def mean(values):
    """Return the mean of `values`."""
    return sum(values) / len(values)


EXAMPLE = Exercise(
    number=1,
    kind="compute",
    title="Mean",
    task="Compute the mean.",
    solution=mean,
    cases=lambda: [([1, 2, 6],), ([4.0],)],
    mistakes=(Mistake("sum", lambda values: sum(values), "That is the sum: divide by how many there are."),),
    hints=("Add up.", "Divide."),
    praise="The mean it is.",
)


def attempted(function):
    return check(EXAMPLE, function)


def test_a_right_answer_passes():
    assert attempted(lambda values: np.mean(values)) == ("passed", "The mean it is.", "")


def test_the_stub_is_signature_and_docstring_and_counts_as_not_attempted():
    assert EXAMPLE.stub() == 'def mean(values):\n    """Return the mean of `values`."""\n    return ...  # your answer'
    namespace = {}
    exec(EXAMPLE.stub(), namespace)
    assert attempted(namespace["mean"]).state == "not attempted"
    assert attempted(...).state == "not attempted"


def test_a_known_mistake_gets_its_own_message():
    assert attempted(lambda values: sum(values)) == ("mistake", EXAMPLE.mistakes[0].message, "sum")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda values: 99, "`mean([1, 2, 6])` gives 99, which is too large"),
        (lambda values: -1, "`mean([1, 2, 6])` gives -1, which is too small"),
        (lambda values: 3 if len(values) == 3 else 0, "`mean([4.0])` gives 0, which is too small"),
        (lambda values: "3", "gives '3', which is not right"),
        (lambda values: [3.0], "of shape (1,); shape () is asked for"),
        (lambda values: None, "returned None: is a `return` missing?"),
        (lambda values: 1 / 0, "`mean([1, 2, 6])` raised ZeroDivisionError: division by zero"),
        (lambda: 3, "raised TypeError"),
        (3.0, "pass the function itself, `mean`, not what it returns (got 3)"),
    ],
)
def test_any_other_wrong_answer_is_told_where_it_is_wrong(answer, said):
    verdict = attempted(answer)
    assert said in verdict.message
    assert verdict.state in ("wrong", "error")


def test_an_answer_that_changes_its_input_does_not_spoil_the_comparison():
    def draining(values):
        total, n = 0, len(values)
        while values:
            total += values.pop()
        return total / n

    assert attempted(draining).state == "passed"


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.0 + 1e-4, False),
        (float("nan"), float("nan"), True),
        (True, 1, False),
        (1, True, False),
        (np.bool_(True), True, True),
        ("1", 1, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        ({1, 2}, {2, 1}, True),
        ([1, [2, 3]], [1, [2]], False),
        (np.ones((2, 1)), np.ones(2), False),
        (["x", "y"], np.array(["x", "y"]), True),
        (["x", "y"], ["x", "z"], False),
        (pd.Series([1, 2]), [1, 2], True),
    ],
)
def test_results_are_compared_part_by_part(a, b, equal):
    assert close(a, b) is equal


@pytest.mark.parametrize("exercise", NAMED)
def test_the_stub_says_not_attempted(exercise):
    namespace = {"np": np, "pd": pd}
    exec(exercise.stub(), namespace)
    assert check(exercise, namespace[exercise.solution.__name__]).state == "not attempted"


@pytest.mark.parametrize("exercise", NAMED)
def test_the_solution_passes(exercise):
    assert check(exercise, exercise.solution).state == "passed"


@pytest.mark.parametrize(("exercise", "mistake"), WRONG)
def test_each_mistake_fails_with_its_own_message(exercise, mistake):
    verdict = check(exercise, mistake.answer)
    assert (verdict.state, verdict.mistake, verdict.message) == ("mistake", mistake.name, mistake.message)


@pytest.mark.parametrize("name", MODULES)
def test_a_lesson_has_three_rising_exercises_with_hints_and_mistakes(name):
    exercises = importlib.import_module(f"utils.exercises.{name}").EXERCISES
    assert [(e.number, e.kind) for e in exercises] == [(1, "compute"), (2, "build"), (3, "decide")]
    for exercise in exercises:
        assert len(exercise.hints) == 2
        assert len({m.message for m in exercise.mistakes}) == len(exercise.mistakes) >= 2
        assert exercise.solution.__doc__


def test_there_are_exercises():
    assert MODULES


def test_a_pass_is_kept_and_hints_come_one_by_one(shown, home):
    lesson = Lesson(7)
    first = lesson.exercises[1]
    lesson.check(1, first.solution)
    assert "right." in shown[-1]["text/plain"]
    assert '"1": "passed"' in (home / "progress.json").read_text()
    for text in (*first.hints, "That was the last hint"):
        lesson.hint(1)
        assert text in shown[-1]["text/plain"]
    lesson.solution(1)
    assert f"def {first.solution.__name__}" in shown[-1]["text/plain"]
    with pytest.raises(ValueError, match="exercise must be one of"):
        lesson.check(9, first.solution)
