"""Exercises: functions checked against a solution, with a message for each mistake that people make."""

import ast
import copy
import inspect
import numbers
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from utils.lesson.display import number

RELATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes:
        name: short identifier.
        answer: function with the solution's signature that makes the mistake.
        message: what to tell a learner whose results equal those of `answer`: what is wrong, not the solution.
    """

    name: str
    answer: Callable
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        number: 1, 2 or 3.
        kind: "compute", "build" or "decide".
        title, task: Markdown, shown in the lesson.
        solution: the function; the learner's stub is its signature and docstring.
        cases: function that returns the list of argument tuples on which answers are compared.
        mistakes: the mistakes known by name.
        hints: two, from vague to pointed.
        praise: what a right answer has shown, one sentence.
        agree: whether two results count as equal, by default `close`.
    """

    number: int
    kind: str
    title: str
    task: str
    solution: Callable
    cases: Callable[[], list[tuple]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str]
    praise: str
    agree: Callable | None = None

    def stub(self):
        """Return the source of the learner's cell: signature and docstring of the solution, `return ...`."""
        source = textwrap.dedent(inspect.getsource(self.solution))
        body = ast.parse(source).body[0].body
        head = "\n".join(source.splitlines()[: body[0].end_lineno])
        return f"{head}\n    return ...  # your answer"

    def solution_source(self):
        """Return the source of the solution."""
        return textwrap.dedent(inspect.getsource(self.solution)).rstrip()


class Verdict(NamedTuple):
    """Outcome of a check: `state` is "not attempted", "passed", "mistake", "wrong" or "error"."""

    state: str
    message: str
    mistake: str = ""


def check(exercise, answer):
    """Compare a learner's function with the solution and say what is wrong with it.

    Args:
        exercise: the `Exercise`.
        answer: the learner's function.

    Returns:
        `Verdict`; never raises because of what the learner wrote.
    """
    agree = exercise.agree or close
    if answer is ...:
        return Verdict("not attempted", "not attempted.")
    name = exercise.solution.__name__
    if not callable(answer):
        return Verdict("error", f"pass the function itself, `{name}`, not what it returns (got {_short(answer)}).")
    cases = exercise.cases()
    results = []
    for case in cases:
        try:
            results.append(answer(*copy.deepcopy(case)))
        except Exception as error:
            told = f"`{_call(name, case)}` raised {type(error).__name__}: {error}"
            return Verdict("error", f"{told.rstrip('.')}. Run the function on that input yourself.")
        if results[-1] is ...:
            return Verdict("not attempted", "not attempted.")
        if results[-1] is None:
            return Verdict("error", f"`{_call(name, case)}` returned None: is a `return` missing?")
    wanted = [exercise.solution(*copy.deepcopy(case)) for case in cases]
    if all(map(agree, results, wanted)):
        return Verdict("passed", exercise.praise)
    for mistake in exercise.mistakes:
        if all(map(agree, results, (mistake.answer(*copy.deepcopy(case)) for case in cases))):
            return Verdict("mistake", mistake.message, mistake.name)
    return Verdict("wrong", _difference(name, cases, results, wanted, agree))


def close(a, b):
    """Whether two results are equal: text and flags exactly, numbers to a relative 1e-6, containers part by part.

    >>> close(0.1 + 0.2, 0.3), close([1, 2], (1, 2)), close("ship", "hold")
    (True, True, False)
    """
    if isinstance(a, (str, bool, np.bool_)) or isinstance(b, (str, bool, np.bool_)):
        return type(a) in _like(b) and bool(a == b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in b)
    if isinstance(a, (set, frozenset)) or isinstance(b, (set, frozenset)):
        return a == b
    try:
        a, b = np.asarray(a), np.asarray(b)
    except ValueError:
        return False
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "biufc" and b.dtype.kind in "biufc":
        return bool(np.allclose(a, b, rtol=RELATIVE_TOLERANCE, atol=1e-12, equal_nan=True))
    if a.ndim == 0:
        return bool(a == b)
    return all(close(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))


def _like(value):
    return (bool, np.bool_) if isinstance(value, (bool, np.bool_)) else (type(value),)


def _difference(name, cases, results, wanted, agree):
    """Say on which input the answer differs, and in which direction, without giving the solution away."""
    for case, got, want in zip(cases, results, wanted, strict=True):
        if agree(got, want):
            continue
        told = f"`{_call(name, case)}` gives {_short(got)}"
        if isinstance(got, numbers.Real) and isinstance(want, numbers.Real) and not isinstance(want, bool):
            return f"{told}, which is too {'large' if got > want else 'small' if got < want else 'undefined'}."
        if np.shape(got) != np.shape(want):
            return f"{told}, of shape {np.shape(got)}; shape {np.shape(want)} is asked for."
        return f"{told}, which is not right."
    raise AssertionError("called without a difference")


def _call(name, case):
    return f"{name}({', '.join(_short(argument) for argument in case)})"


def _short(value, width=60):
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"array of shape {value.shape}"
    if hasattr(value, "columns"):
        return f"data frame of {len(value)} rows"
    text = " ".join(repr(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"
