"""Checks say what is wrong in this answer, hand over the input, and never raise for what a learner wrote."""

import asyncio
import dataclasses
import signal
import sqlite3
import threading
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from utils.lesson import Exercise, Lesson, Mistake
from utils.lesson.exercise import check, time_limit


def mean(values: list) -> float:
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
    also_right=(lambda values: -mean(values),),
)


def attempted(function, **limit):
    return check(EXAMPLE, function, **limit)


@pytest.mark.parametrize(
    "right",
    [
        np.mean,
        lambda values: pd.Series(values).mean(),
        lambda values: np.array(np.mean(values)),
        lambda values: np.mean(np.array(values, dtype=np.float32)),
        lambda values: sum(map(Fraction, values)) / len(values),
        lambda values, start=0: sum(values, start) / len(values),
        lambda *arguments: np.mean(arguments[0]),
    ],
)
def test_a_right_answer_passes(right):
    assert attempted(right) == ("passed", "The mean it is.", "", None)


def test_an_answer_by_another_convention_passes_if_it_keeps_to_it():
    assert attempted(lambda values: -np.mean(values)).state == "passed"
    assert attempted(lambda values: np.mean(values) * (1 if len(values) == 1 else -1)).state == "wrong"


def test_the_stub_is_signature_without_types_and_docstring_and_counts_as_not_attempted():
    assert EXAMPLE.stub() == 'def mean(values):\n    """Return the mean of `values`."""\n    return ...  # your answer'
    namespace = {}
    exec(EXAMPLE.stub(), namespace)
    assert attempted(namespace["mean"]).state == "not attempted"
    assert attempted(...).state == "not attempted"


def test_a_known_mistake_gets_its_own_message():
    verdict = attempted(lambda values: sum(values))
    assert verdict == ("mistake", EXAMPLE.mistakes[0].message, "sum", ([1, 2, 6],))
    assert verdict.case.values == [1, 2, 6]


@pytest.mark.parametrize(
    ("answer", "said", "case"),
    [
        (lambda values: 99, "`mean(values=[1, 2, 6])` gives 99, which is too large.", [1, 2, 6]),
        (lambda values: -1, "`mean(values=[1, 2, 6])` gives -1, which is too small.", [1, 2, 6]),
        (lambda values: 3 if len(values) == 3 else 0, "`mean(values=[4])` gives 0, which is too small.", [4.0]),
        (lambda values: "3", "gives '3', a text, where a number is asked for", [1, 2, 6]),
        (lambda values: [3.0], "gives [3], a sequence, where a number is asked for", [1, 2, 6]),
        (lambda values: float("nan"), "gives NaN, where a number is asked for", [1, 2, 6]),
        (lambda values: None, "returned None: is a `return` missing?", [1, 2, 6]),
        (lambda values: 1 / 0, "`mean(values=[1, 2, 6])` raised ZeroDivisionError: division by zero.", [1, 2, 6]),
        (lambda values: 3 if len(values) == 3 else ..., "`mean(values=[4])` gives `...`: that branch is still", [4.0]),
        (lambda: 3, "it is called as `mean(values)`, and yours takes `()`", [1, 2, 6]),
        (lambda values, weights: 3, "it is called as `mean(values)`, and yours takes `(values, weights)`", [1, 2, 6]),
        (lambda values: (value for value in values), "gives a generator: return the finished result", [1, 2, 6]),
    ],
)
def test_any_other_wrong_answer_is_told_where_it_is_wrong(answer, said, case):
    verdict = attempted(answer)
    assert said in verdict.message
    assert verdict.state in ("wrong", "error")
    assert verdict.case == (case,)


def test_the_result_instead_of_the_function_is_told():
    assert "pass the function itself, `mean`, not what it returns (got 3)" in attempted(3.0).message
    assert attempted(EvilResult()).state == "error"


def test_async_functions_are_told():
    async def later(values):
        return sum(values) / len(values)

    assert "write `def`, without `async`" in attempted(later).message


async def later_mean(values):
    return sum(values) / len(values)


def alarmed(values):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return 3


def wrapped(function):
    """Return the function, whose errors are told as one of its own, as careful people do."""

    def answer(values):
        try:
            return function(values)
        except Exception as error:
            raise LookupError("no mean") from error

    return answer


THREAD = "The check runs in a thread of its own, "


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        ("connection", "which can't use the notebook's connection: connect inside the function."),
        (
            lambda values: asyncio.get_event_loop_policy().get_event_loop().run_until_complete(later_mean(values)),
            "apart from the notebook's event loop: make one inside the function, with `asyncio.run(…)`.",
        ),
        (
            lambda values: asyncio.get_running_loop().time(),
            "apart from the notebook's event loop: make one inside the function, with `asyncio.run(…)`.",
        ),
        ("loop", "apart from the notebook's event loop: make one inside the function, with `asyncio.run(…)`."),
        (alarmed, "which can't receive a signal: leave `signal` out; a check has a time limit already."),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_an_answer_that_fails_because_of_the_checks_thread_is_told_what_to_do(answer, remedy, careful):
    if answer == "connection":
        connection = sqlite3.connect(":memory:")

        def answer(values):
            return connection.execute("SELECT 3").fetchone()[0]

    async def check_where_a_loop_runs():
        loop = asyncio.get_running_loop()
        function = (lambda values: loop.run_until_complete(later_mean(values))) if answer == "loop" else answer
        return attempted(wrapped(function) if careful else function)

    verdict = asyncio.run(check_where_a_loop_runs())
    assert verdict.state == "error"
    assert "` raised " in verdict.message
    assert verdict.message.endswith(f". {THREAD}{remedy}")
    assert verdict.message.count(THREAD) == 1


def test_what_is_made_inside_the_function_works():
    def by_sqlite(values):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
        return connection.execute("SELECT avg(x) FROM t").fetchone()[0]

    assert attempted(by_sqlite).state == "passed"
    assert attempted(lambda values: asyncio.run(later_mean(values))).state == "passed"


@pytest.mark.parametrize("error", [RuntimeError("loop"), ValueError("thread"), sqlite3.ProgrammingError("closed")])
def test_other_errors_of_the_same_kinds_are_not_blamed_on_the_thread(error):
    assert THREAD not in attempted(raising(error)).message


def test_errors_that_are_each_others_cause_are_told_too():
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert "raised ValueError: a." in attempted(raising(one)).message


def test_an_answer_that_changes_its_input_does_not_spoil_the_comparison():
    def draining(values):
        total, n = 0, len(values)
        while values:
            total += values.pop()
        return total / n

    assert attempted(draining).state == "passed"


def test_results_kept_in_one_list_are_those_of_their_calls():
    kept = []

    def remembering(values):
        kept.append(sum(values) / len(values))
        return kept

    told = attempted(remembering).message
    assert "gives [3], a sequence" in told


class EvilResult:
    """Whatever is asked of it, it raises; what `raise_` raises is set on the class."""

    raised = RuntimeError

    def _raise(self, *arguments):
        raise self.raised

    __eq__ = __bool__ = __len__ = __iter__ = __array__ = __float__ = __repr__ = __hash__ = __deepcopy__ = _raise
    __class__ = property(_raise)


class ExitingResult(EvilResult):
    raised = SystemExit


class InterruptingResult(EvilResult):
    raised = KeyboardInterrupt


class EvilError(Exception):
    def __str__(self):
        raise SystemExit


def raising(error):
    def answer(values):
        raise error

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: [[1], [1, 2]],
        lambda values: pd.NA,
        lambda values: {1.0},
        lambda values: EvilResult(),
        lambda values: ExitingResult(),
        lambda values: InterruptingResult(),
        lambda values: [EvilResult()],
        lambda values: {"a": EvilResult()},
        lambda values: np.array([EvilResult()], dtype=object),
        lambda values: EvilResult,
        lambda values: object(),
        lambda values: 10**5000,
        lambda values: np.ma.masked,
        lambda values: print,
        lambda values: type("X", (), {"__getattr__": EvilResult._raise, "raised": ValueError})(),
        lambda values: answer_itself(values),
        raising(SystemExit(1)),
        raising(KeyboardInterrupt()),
        raising(GeneratorExit()),
        raising(StopIteration()),
        raising(EvilError()),
        lambda values: values.missing,
        int,
        type("Callable", (), {"__call__": EvilResult._raise, "__signature__": 3, "raised": SystemExit})(),
    ],
)
def test_nothing_that_a_learner_writes_makes_the_check_raise(answer):
    verdict = attempted(answer)
    assert verdict.state in ("wrong", "error")
    assert verdict.message.endswith((".", "?"))


def answer_itself(values):
    return answer_itself(values)


def test_a_bug_of_the_exercise_itself_is_not_hidden():
    def broken(values):
        raise LookupError("ours")

    exercise = Exercise(1, "compute", "", "", broken, lambda: [([1],)], (), ("", ""), "")
    with pytest.raises(LookupError, match="ours"):
        check(exercise, len)


def spin(values):
    while True:
        pass


class EndlessEquality(float):
    def __float__(self):
        spin(self)


def test_an_answer_that_does_not_end_is_stopped_with_a_sentence():
    verdict = attempted(spin, seconds=0.05)
    assert verdict.state == "error"
    assert verdict.message == (
        "`mean(values=[1, 2, 6])` did not end within 0.05 seconds and was stopped. Which loop never ends?"
    )
    assert verdict.case == ([1, 2, 6],)
    assert attempted(lambda values: spin(values) if values == [4.0] else 3, seconds=0.05).case == ([4.0],)
    assert attempted(np.mean).state == "passed"


def test_an_answer_that_waits_in_c_is_left_behind_with_a_sentence(monkeypatch):
    monkeypatch.setattr(time_limit, "GRACE_SECONDS", 0.05)
    gate = threading.Lock()
    with gate:
        verdict = attempted(lambda values: gate.acquire(), seconds=0.05)
    assert "It waits where Python can't stop it, and goes on in the background" in verdict.message


def test_a_result_that_can_not_be_compared_in_time_is_told():
    verdict = attempted(lambda values: EndlessEquality(3), seconds=0.05)
    assert "what `mean(values=[1, 2, 6])` returns can't be compared" in verdict.message


def test_an_answer_may_take_some_time():
    def slow(values):
        time.sleep(0.01)
        return np.mean(values)

    assert attempted(slow).state == "passed"


def test_a_check_outside_the_main_thread_works():
    states = []
    thread = threading.Thread(target=lambda: states.extend(attempted(f, seconds=0.05).state for f in (spin, np.mean)))
    thread.start()
    thread.join(10)
    assert states == ["error", "passed"]


@pytest.fixture
def lesson():
    return Lesson(7)


def test_a_pass_is_kept(shown, home, lesson):
    lesson.check(1, lesson.exercises[1].solution)
    assert "right." in shown[-1]["text/plain"]
    assert '"1": "passed"' in (home / "progress.json").read_text()
    lesson.check(1, len)
    assert '"1": "passed"' in (home / "progress.json").read_text()


def test_hints_come_one_by_one_and_can_be_read_again(shown, lesson):
    first, second = lesson.exercises[1].hints
    for expected in (
        f"Hint 1 of 2: {first}",
        f"Hint 1 of 2: {first}\n\nHint 2 of 2: {second}",
        f"Hint 1 of 2: {first}\n\nHint 2 of 2: {second}\n\nThat was the last hint; "
        "`lesson.solution(1)` shows the solution.",
    ):
        lesson.hint(1)
        assert shown[-1]["text/plain"] == expected
    lesson.hint(1)
    assert shown[-1]["text/plain"] == expected
    lesson.hint(2)
    assert shown[-1]["text/plain"] == f"Hint 1 of 2: {lesson.exercises[2].hints[0]}"


def test_the_solution_is_shown(shown, lesson):
    lesson.solution(1)
    assert "def deviation_ratio" in shown[-1]["text/plain"]


def test_the_input_on_which_a_check_failed_is_handed_over(shown, lesson):
    def half_right(served, recomputed, tolerance):
        return 0.0

    lesson.check(2, half_right)
    assert shown[-1]["text/plain"].endswith("Try that input: `share_mismatched(*lesson.case(2))`.")
    case = lesson.case(2)
    assert case._fields == ("served", "recomputed", "tolerance")
    assert lesson.exercises[2].solution(*case) > 0
    assert half_right(*case) == 0
    case.served["value"] = 0.0
    assert not (lesson.case(2).served["value"] == 0).all()


def test_there_is_a_case_only_after_a_check_that_failed(shown, lesson):
    with pytest.raises(ValueError, match=r"exercise must be one whose last check failed, got 1; run lesson.check\(1, "):
        lesson.case(1)
    lesson.check(1, lambda n: 1)
    assert lesson.case(1).n >= 2
    lesson.check(1, lesson.exercises[1].solution)
    with pytest.raises(ValueError, match="last check failed"):
        lesson.case(1)
    lesson.check(1, ...)
    assert shown[-1]["text/plain"] == "Exercise 1: not attempted."


@pytest.mark.parametrize("method", ["hint", "solution", "case"])
def test_an_exercise_that_is_not_there_is_told(method, lesson):
    with pytest.raises(ValueError, match=r"exercise must be one of \[1, 2, 3\], got 9"):
        getattr(lesson, method)(9)
    with pytest.raises(ValueError, match=r"exercise must be one of"):
        lesson.check(9, len)


class Nameless(type):
    def __getattribute__(cls, name):
        if name == "__name__":
            raise RuntimeError("no name")
        return super().__getattribute__(name)


class Odd(metaclass=Nameless):
    def __repr__(self):
        raise RuntimeError("no words")


def test_an_answer_whose_type_has_no_name_is_told_as_wrong():
    exercise = EXAMPLE
    assert check(exercise, lambda *arguments: Odd()).state in ("wrong", "error")


def test_a_tuple_of_one_list_that_is_filled_anew_each_time_keeps_each_result():
    reused = []

    def answer(values):
        reused[:] = [max(values)]
        return reused, len(values)

    exercise = dataclasses.replace(
        EXAMPLE,
        solution=lambda values: ([max(values)], len(values)),
        cases=lambda: [([1, 2],), ([5],)],
        mistakes=(),
        agree=None,
    )
    assert check(exercise, answer).state == "passed"
