"""What holds for every exercise of the course."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest

import utils.exercises
from utils.lesson.exercise import check

MODULES = sorted(m.name for m in pkgutil.iter_modules(utils.exercises.__path__))
ALL = [(name, e) for name in MODULES for e in importlib.import_module(f"utils.exercises.{name}").EXERCISES]
NAMED = [pytest.param(e, id=f"{name}-{e.number}") for name, e in ALL]
WRONG = [pytest.param(e, m, id=f"{name}-{e.number}-{m.name}") for name, e in ALL for m in e.mistakes]


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
