"""What an exercise is: its task, its solution, the inputs it is tried on, and the mistakes known by name."""

import ast
import inspect
import textwrap
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Exercise", "Mistake"]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes:
        name: short identifier.
        answer: function with the solution's signature that makes the mistake.
        message: what to tell a learner whose results equal those of `answer`: what is wrong, not the solution.
    """

    name: str
    answer: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        number: 1, 2 or 3.
        kind: "compute", "build" or "decide".
        title: the exercise's name in a few words, shown in the lesson.
        task: Markdown, shown in the lesson.
        solution: the function; the learner's stub is its signature, without types, and its docstring.
        cases: function that returns the list of argument tuples on which answers are compared.
        mistakes: the mistakes known by name.
        hints: two, from vague to pointed.
        praise: what a right answer has shown, one sentence.
        also_right: functions of other conventions that the task's words allow; an answer that agrees with one of them
            on all cases is right.
        agree: whether a result (first) counts as equal to the solution's (second), by default `close`; what came piece by
            piece comes as `Finished`.
    """

    number: int
    kind: str
    title: str
    task: str
    solution: Callable[..., Any]
    cases: Callable[[], list[tuple]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str]
    praise: str
    also_right: tuple[Callable[..., Any], ...] = ()
    agree: Callable[[Any, Any], bool] | None = None

    @property
    def name(self) -> str:
        """The name of the function asked for."""
        return self.solution.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's arguments, in order."""
        return tuple(inspect.signature(self.solution).parameters)

    def named_cases(self) -> list[tuple]:
        """Return the cases as named tuples, so that `f(*case)` calls and `case.argument` reads."""
        case_type = namedtuple("Case", self.parameters)
        return [case_type(*case) for case in self.cases()]

    def stub(self) -> str:
        """Return the source of the learner's cell: signature and docstring of the solution, `return ...`."""
        lines = self.solution_source().splitlines()
        docstring = ast.parse("\n".join(lines)).body[0].body[0]
        head = [f"def {self.name}({', '.join(self.parameters)}):", *lines[docstring.lineno - 1 : docstring.end_lineno]]
        return "\n".join([*head, "    return ...  # your answer"])

    def solution_source(self) -> str:
        """Return the source of the solution."""
        return textwrap.dedent(inspect.getsource(self.solution)).rstrip()
