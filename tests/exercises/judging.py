"""What a check makes of an answer, and small frames for the tests of a lesson's exercises."""

import copy

import numpy as np
import pandas as pd

from utils.lesson.exercise import check


def in_order(exercises):
    """Return the exercises numbered 1, 2 and 3."""
    by_number = {exercise.number: exercise for exercise in exercises}
    return [by_number[number] for number in (1, 2, 3)]


def state(exercise, answer):
    """Return how an answer is judged: "passed", "mistake", "wrong" or "error"."""
    return check(exercise, answer).state


def mistake(exercise, answer):
    """Return the name of the mistake that an answer is taken for, "" if for none."""
    return check(exercise, answer).mistake


def named_mistakes(exercises):
    """Return (number of the exercise, name) of every mistake known by name."""
    return {(exercise.number, mistake.name) for exercise in exercises for mistake in exercise.mistakes}


def results(exercise):
    """Return what the solution gives on the exercise's cases, in order."""
    return [exercise.solution(*case) for case in exercise.cases()]


def assert_solution_is(exercise, reference, *more_cases):
    """Hold the solution against a reference on its own cases and on more."""
    for case in [*exercise.cases(), *more_cases]:
        fresh = copy.deepcopy(case)  # as for a check: a case may hold what is used up
        got, want = exercise.solution(*case), reference(*fresh)
        np.testing.assert_equal(_rounded(got), _rounded(want), err_msg=str(case))


def assert_by_hand(exercise, table):
    """Hold the cases and the solution's results against a table of (arguments, result) written by hand.

    A frame is written "id:value id:value"; numbers of results are written to six digits at least.
    """
    assert len(exercise.cases()) == len(table)
    for case, (arguments, result) in zip(exercise.cases(), table, strict=True):
        np.testing.assert_equal(_rounded(case), _rounded(arguments))
        got, want = _rounded(exercise.solution(*case)), _rounded(result)
        if isinstance(want, (str, list)) and not _is_numeric(want):
            assert got == want, case
        else:
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-12, err_msg=str(case))


def _is_numeric(value):
    return isinstance(value, list) and all(isinstance(part, (int, float)) for part in value)


def _rounded(value):
    if isinstance(value, pd.DataFrame):
        return " ".join(f"{i}:{x:g}" for i, x in zip(value["id"], value["value"], strict=True))
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    is_number = isinstance(value, (float, np.floating))
    return float(f"{value:.10g}") if is_number else value
