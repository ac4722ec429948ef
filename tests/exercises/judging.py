"""What a check makes of an answer, and small frames for the tests of a lesson's exercises."""

import numpy as np

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
        np.testing.assert_equal(_rounded(exercise.solution(*case)), _rounded(reference(*case)), err_msg=str(case))


def _rounded(value):
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    is_number = isinstance(value, (float, np.floating))
    return float(f"{value:.10g}") if is_number else value
