"""`lesson`: the skeleton of a new lesson, so that all lessons start alike: notebook, exercises and their tests.

What the author still has to write is marked `TODO`; the skeleton runs from top to bottom as it is.
"""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.course.colab import SETUP_CELL
from utils.course.folding import PLUMBING, fold
from utils.course.normalise import KERNEL
from utils.course.notebooks import CourseError, notebook_text, shown, write_atomically
from utils.foundation.checkout import CHECKOUT
from utils.lesson.questions import Question, question_bank

__all__ = ["LEAST_CLAIMS", "SECTIONS", "new_lesson", "skeleton_exercises", "skeleton_notebook", "skeleton_tests"]

# what a lesson's headings contain, in order
SECTIONS = (
    "question",
    "whiteboard",
    "your answer first",
    "predict",
    "run",
    "break",
    "fix",
    "claims",
    "exercises",
    "interview answer",
    "in production",
    "elsewhere",
    "going deeper",
)

LEAST_CLAIMS = 4  # of a finished lesson, and of its skeleton

OPENING = Template("""\
# $nn · $title

## The question

> $question

**The usual answer.** $usual_answer

**What it leaves out.** $left_out

TODO: one paragraph. What happens at Platter, with money or users at stake, and what this lesson runs to find out.

| | |
|:---|:---|
| You will be able to | TODO: three things, as verbs |
| Time | TODO minutes |
| Before this | TODO |""")

IMPORTS = Template("""\
import numpy as np

from utils.lesson import Lesson, figure, say

lesson = Lesson($number)""")

PARAMETERS = Template("""\
SEED = $number
VISITS = 10_000""")

WHITEBOARD = """\
lesson.whiteboard(
    lit=["feed service"],
    path=["client", "gateway", "feed service"],
    fault="feed service",
)"""

DRAFT = '''\
lesson.draft("""

""")'''

PREDICT_COST = """\
lesson.predict(
    "cost",
    "TODO: which share of the visits is lost?",
    low=None, high=None, unit="%",
)"""

RUN = """\
rng = np.random.default_rng(SEED)
lost = {"healthy": rng.random(VISITS) < 0.01}
say(f"On a quiet evening {lost['healthy'].mean():.1%} of the visits are lost.")"""

BREAK = """\
lost["broken"] = rng.random(VISITS) < 0.2
lesson.reveal("cost", lost["broken"].mean())"""

PREDICT_GAIN = """\
lesson.predict(
    "rest",
    "TODO: which share of the visits is still lost after the repair?",
    low=None, high=None, unit="%",
)"""

FIX = """\
lost["repaired"] = rng.random(VISITS) < 0.02
lesson.reveal("rest", lost["repaired"].mean())"""

DRAWING = """\
# Draws the share of visits lost in each arm
share = {arm: 100 * gone.mean() for arm, gone in lost.items()}
words = ", ".join(f"{arm} {value:.1f}%" for arm, value in share.items())
alt = f"Share of visits lost: {words}."
with figure("TODO: the finding in one line", alt=alt, size=(6, 2)) as ax:
    ax.barh(list(share), list(share.values()))
    ax.set(xlabel="visits lost, %")"""

CLAIMS_OF_THE_FAULT = """\
lesson.claim(
    "quiet", "TODO: on a quiet evening at most a fiftieth of the visits is lost",
    lost["healthy"].mean(), "<=", 0.02, unit="%",
    because="TODO: where the bound comes from",
)
lesson.claim(
    "fault_costs", "TODO: the fault costs at least a tenth of the visits",
    lost["broken"].mean(), ">=", 0.1, unit="%", placebo=lost["healthy"].mean(),
    because="TODO: where the bound comes from",
)"""

CLAIMS_OF_THE_REPAIR = """\
error = 5 * np.sqrt(0.25 / VISITS)
lesson.claim(
    "repair_saves", "TODO: the repair saves at least half of what the fault cost",
    1 - lost["repaired"].mean() / lost["broken"].mean(), ">=", 0.5, unit="%",
    because="TODO: where the bound comes from",
)
lesson.claim(
    "repair_holds", "TODO: repaired, no more is lost than on a quiet evening",
    lost["repaired"].mean(), "<=", lost["healthy"].mean() + error, unit="%",
    because="TODO: five standard errors of a share",
)"""

FUNCTIONS = (
    ("compute", "todo_compute", "TODO: Return a number, and say its unit.", "return visits * share", "visits, share"),
    ("build", "todo_build", "TODO: Return what the function builds.", "return sorted(values)", "values"),
    (
        "decide",
        "todo_decide",
        'TODO: Return "act" or "wait".',
        'return "act" if measured > expected else "wait"',
        "measured, expected",
    ),
)
TYPES = {"visits": "int", "share": "float", "values": "list", "measured": "float", "expected": "float"}
RESULTS = {"compute": "float", "build": "list", "decide": "str"}
CASES = ("[(1_000, 0.1), (0, 0.1), (10, 0.0)]", "[([3, 1, 2],), ([],)]", "[(2, 1), (1, 1), (0, 1)]")
WRONG = ("visits + share", "values", '"act"')
ALSO_WRONG = ("visits", "[]", '"wait"')
TRUE = ("((1_000, 0.1), 100)", "(([3, 1, 2],), [1, 2, 3])", '((1, 1), "wait")')

EXERCISE = Template("""\
    Exercise(
        number=$place,
        kind="$kind",
        title="TODO",
        task="$task",
        solution=$name,
        cases=lambda: $cases,
        mistakes=(
            Mistake("todo", lambda $arguments: $wrong, "TODO: what is wrong with it, not the solution."),
            Mistake("todo_too", lambda $arguments: $also_wrong, "TODO: what is wrong with that."),
        ),
        hints=("TODO: a vague one.", "TODO: a pointed one."),
        praise="TODO: what a right answer has shown.",
    ),""")

TESTS = Template('''\
"""Exercises of lesson $number: each solution against something that is not itself."""

import pytest

from utils.exercises.$name import EXERCISES


@pytest.mark.parametrize(
    ("number", "arguments", "right"),
    [
$rows
    ],
)
def test_solution_gives_what_was_worked_out_by_hand(number, arguments, right):
    """TODO: a closed form, a library, or a truth table written by hand, on both sides of each boundary."""
    assert EXERCISES[number - 1].solution(*arguments) == right
''')


def new_lesson(number: int, *, checkout: Path = CHECKOUT, bank: Mapping[int, Question] | None = None) -> int:
    """Write the skeleton of a lesson: its notebook, the module of its exercises and their tests.

    Args:
        number: of a file in data/questions.
        checkout: folder of the course.
        bank: the course's own by default.

    Returns:
        0.

    Raises:
        CourseError: the bank has no such lesson, or one of the three files is there already; nothing is written then.
    """
    bank = question_bank() if bank is None else bank
    if number not in bank:
        raise CourseError(
            f"there is no lesson {number} in data/questions; write data/questions/{number:02}_<name>.yaml first"
        )
    question = bank[number]
    texts = {
        checkout / question.notebook: notebook_text(skeleton_notebook(question)),
        checkout / "utils" / "exercises" / f"{question.name}.py": skeleton_exercises(question),
        checkout / "tests" / "exercises" / f"test_{question.name}.py": skeleton_tests(question),
    }
    for path in texts:
        if path.exists():
            raise CourseError(f"{shown(path)} is there already; move it away to start afresh")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
        print(f"made {shown(path)}")
    return 0


def skeleton_notebook(question: Question) -> NotebookNode:
    """Return the notebook of a lesson that is to be written, sections in the order of `SECTIONS`, nothing executed."""
    fields = {"nn": f"{question.lesson:02}", "number": question.lesson, "title": question.title}
    fields |= {name: " ".join(getattr(question, name).split()) for name in ("question", "usual_answer", "left_out")}
    cells = [
        new_markdown_cell(OPENING.substitute(fields)),
        _code(SETUP_CELL.strip(), "setup", PLUMBING),
        _code(IMPORTS.substitute(fields)),
        _code(PARAMETERS.substitute(fields), "parameters"),
        _prose("The whiteboard", "TODO: which part of Platter this lesson is about, and where the fault sits."),
        _code(WHITEBOARD),
        _prose("Your answer first", "What would you say now? A few sentences between the quotes do; empty is fine."),
        _code(DRAFT),
        _prose("Predict", "TODO: what is about to be broken, and what the learner is to estimate."),
        _code(PREDICT_COST),
        _prose("Run it", "TODO: the control arm."),
        _code(RUN),
        _prose("Break it", "TODO: the failure arm, in units that a person feels."),
        _code(BREAK),
        new_markdown_cell("TODO: the idea of the repair, and what it should leave."),
        _code(PREDICT_GAIN),
        _prose("Fix it", "TODO: the repair, and what it does not do."),
        _code(FIX),
        _code(DRAWING, PLUMBING),
        _prose("Claims", "TODO: what has been shown, and what decides each bound."),
        _code(CLAIMS_OF_THE_FAULT),
        _code(CLAIMS_OF_THE_REPAIR),
        _code("lesson.claims()"),
        *_exercise_cells(),
        _prose("The interview answer", "Read it beside yours, then tick in the rubric below it what yours had."),
        _code("lesson.answer()"),
        _prose("In production", "TODO: tools and what they really do, limits as we met them, what changes at 100×."),
        _prose("Elsewhere", _cases(question)),
        _prose("Going deeper", "TODO: closed forms and libraries, further experiments, the interactive cell."),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place:02}"
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def skeleton_exercises(question: Question) -> str:
    """Return the source of the module with the lesson's three exercises."""
    functions, entries = [], []
    for place, (kind, name, docstring, body, arguments) in enumerate(FUNCTIONS, 1):
        typed = ", ".join(f"{argument}: {TYPES[argument]}" for argument in arguments.split(", "))
        functions.append(f'def {name}({typed}) -> {RESULTS[kind]}:\n    """{docstring}"""\n    {body}\n')
        fields = {"place": place, "kind": kind, "name": name, "arguments": arguments, "task": _task(kind)}
        entries.append(
            EXERCISE.substitute(
                fields, cases=CASES[place - 1], wrong=WRONG[place - 1], also_wrong=ALSO_WRONG[place - 1]
            )
        )
    head = f'"""Exercises of lesson {question.lesson}, {question.name.replace("_", " ")}."""\n\n'
    head += 'from utils.lesson import Exercise, Mistake\n\n__all__ = ["EXERCISES"]\n'
    return "\n\n".join([head, *functions, "EXERCISES = (\n" + "\n".join(entries) + "\n)\n"])


def skeleton_tests(question: Question) -> str:
    """Return the source of the tests of the lesson's exercises."""
    rows = "\n".join(f"        ({place}, *{true})," for place, true in enumerate(TRUE, 1))
    return TESTS.substitute(number=question.lesson, name=question.name, rows=rows)


def _exercise_cells() -> list[NotebookNode]:
    cells = []
    for place, (kind, name, docstring, _, arguments) in enumerate(FUNCTIONS, 1):
        heading = "## Exercises\n\n" if place == 1 else ""
        cells.append(new_markdown_cell(f"{heading}### Exercise {place} · {kind}: TODO\n\n{_task(kind)}"))
        stub = f'def {name}({arguments}):\n    """{docstring}"""\n    return ...  # your answer'
        calls = f"lesson.check({place}, {name})\n# lesson.hint({place})\n# lesson.solution({place})"
        cells.append(_code(f"{stub}\n\n\n{calls}", "exercise"))
    return cells


def _task(kind: str) -> str:
    return f"TODO: what to {kind}, with one example."


def _cases(question: Question) -> str:
    if not question.cases:
        return "TODO: two or three public incidents or case reports with source and year, each checked."
    return "\n".join(f"- {' '.join(case.text.split())} ({case.source}, {case.year})" for case in question.cases)


def _prose(heading: str, text: str) -> NotebookNode:
    return new_markdown_cell(f"## {heading}\n\n{text}")


def _code(source: str, *tags: str) -> NotebookNode:
    cell = new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
    fold(cell)
    return cell
