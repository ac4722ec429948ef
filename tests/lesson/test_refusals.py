"""Whatever a learner hands to `lesson` that can't be meant is one line in the notebook, never a traceback."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from utils.lesson import Lesson
from utils.lesson.questions import Question
from utils.lesson.refusal import Refusal

CALLS = [
    ("lesson.predict('cost', '?', 2, 1)", "low must not exceed high"),
    ("lesson.reveal('gain', 1)", "key must be one of the predictions asked for, got 'gain'"),
    ("lesson.reveal(['cost'], 1)", "key must be one of the predictions asked for, got ['cost']"),
    ("lesson.reveal('cost', None)", "measured must be a finite number, got None; run the cells above first"),
    ("lesson.reveal('cost', float('inf'))", "measured must be a finite number, got inf"),
    ("lesson.reveal('cost', -np.inf)", "measured must be a finite number, got -inf"),
    ("lesson.reveal('cost', '5')", "measured must be a finite number, got '5'"),
    ("lesson.reveal('cost', 10**400)", "measured must be a finite number, got 1000"),
    ("lesson.reveal('cost', ...)", "measured must be a finite number, got Ellipsis"),
    ("lesson.reveal('cost', np.arange(3))", "measured must be a finite number, got array([0, 1, 2])"),
    ("lesson.check(4, len)", "exercise must be one of [1, 2, 3], got 4; pass its number"),
    ("lesson.check(len, 1)", "exercise must be one of [1, 2, 3], got <built-in function len>"),
    ("lesson.check('1', len)", "exercise must be one of [1, 2, 3], got '1'"),
    ("lesson.case(0)", "exercise must be one of [1, 2, 3], got 0"),
    ("lesson.case(1)", "exercise must be one whose last check failed, got 1; run lesson.check(1, "),
    ("lesson.hint(9)", "exercise must be one of [1, 2, 3], got 9"),
    ("lesson.hint(np.eye(20))", "exercise must be one of [1, 2, 3], got array("),
    ("lesson.solution(None)", "exercise must be one of [1, 2, 3], got None"),
    ("lesson.draft(['a'] * 99)", "text must be what you would say, got ['a', 'a'"),
    ("lesson.rubric(ticked=3)", "ticked must be a list of numbers, got 3"),
    ("lesson.rubric(ticked='13')", "ticked must be a list of numbers, got '13'"),
    ("lesson.rubric(ticked=np.array(3))", "ticked must be a list of numbers, got array(3)"),
    ("lesson.rubric(ticked=[4])", "ticked must hold numbers from 1 to 3, got 4"),
    ("lesson.rubric(ticked=[1 + 0j])", "ticked must hold numbers from 1 to 3, got (1+0j)"),
    ("lesson.rubric(ticked=[[1], [1, 2]])", "ticked must hold numbers from 1 to 3, got [1]"),
    ("lesson.rubric(ticked=np.eye(2))", "ticked must hold numbers from 1 to 3, got array([1., 0.])"),
    ("lesson.claims()", "claims must be made before they are shown; run the cells above first"),
    ("lesson.answer()", "the answer quotes claims that were not made: "),
    ("Lesson(23)", "lesson_number must be a lesson of the course, 1 to 22, got 23"),
    ("Lesson('7')", "lesson_number must be a lesson of the course, 1 to 22, got '7'"),
    ("Lesson([7])", "lesson_number must be a lesson of the course, 1 to 22, got [7]"),
    ("Lesson(7.0)", "lesson_number must be a lesson of the course, 1 to 22, got 7.0"),
]


@pytest.fixture(scope="module")
def shell():
    return InteractiveShell(config=Config(HistoryManager={"enabled": False}))


@pytest.fixture
def lesson():
    """Lesson 7 as its cells above have left it: one prediction, no claim, no check."""
    made = Lesson(7)
    made.question = made.question._replace(rubric=("Asks.", "Sizes.", "Decides."))
    made.predict("cost", "How many?", 1, 2)
    return made


@pytest.mark.parametrize(("call", "said"), CALLS)
def test_a_notebook_shows_it_in_one_line_and_keeps_nothing(call, said, lesson, shell, home, shown, capsys):
    before, count = (home / "progress.json").read_bytes(), len(shown)
    shell.push({"lesson": lesson, "Lesson": Lesson, "np": np})
    done = shell.run_cell(call)
    assert isinstance(done.error_in_exec, Refusal)
    told = capsys.readouterr().out
    assert told.startswith(f"Not yet: {said}")
    assert told.count("\n") == 1
    assert (home / "progress.json").read_bytes() == before
    assert len(shown) == count


def test_an_error_of_the_lessons_own_keeps_its_traceback(lesson, shell, capsys):
    lesson.question = Question(7, "p", "n", "t", "q", "u", "l", "It costs {a:loud}.", "Two.")
    lesson.claim("a", "It costs", 5, ">=", 1, because="x")
    shell.push({"lesson": lesson})
    shell.run_cell("lesson.answer()")
    assert "Traceback" in capsys.readouterr().out


def test_every_method_that_a_learner_calls_is_tried_here():
    called = {"predict", "reveal", "check", "case", "hint", "solution", "draft", "rubric", "claims", "answer"}
    by_authors = {"claim", "whiteboard", "play", "exercises"}
    assert {name for name in vars(Lesson) if not name.startswith("_")} == called | by_authors
    assert {name for name in called if any(call.startswith(f"lesson.{name}(") for call, _ in CALLS)} == called


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.asarray])
def test_whole_numbers_of_any_library_name_a_lesson_and_an_exercise(kind, shown):
    lesson = Lesson(kind(7))
    assert type(lesson.number) is int
    lesson.check(kind(1), ...)
    lesson.hint(kind(1))
    assert "Hint 1 of" in shown[-1]["text/plain"]
    for other in (True, np.True_, 1.0, "1"):
        with pytest.raises(ValueError, match="exercise must be one of"):
            lesson.hint(other)
