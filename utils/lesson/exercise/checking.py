"""`check`: run a learner's function on an exercise's cases and say what is wrong with it."""

import copy
import inspect
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from utils.lesson.exercise.comparison import close, parts, plain
from utils.lesson.exercise.definition import Exercise
from utils.lesson.exercise.finished import MOST_PARTS, Endless, Finished, finished
from utils.lesson.exercise.time_limit import Stopped, TimeUp, call_within, guarded
from utils.lesson.exercise.wording import call_text, difference, error_text, short, thread_text

__all__ = ["Verdict", "check"]

TIME_LIMIT_SECONDS = 5.0


class Verdict(NamedTuple):
    """Outcome of a check.

    Attributes:
        state: "not attempted", "passed", "mistake", "wrong" or "error".
        message: what to tell the learner.
        mistake: name of the mistake, where it is a known one.
        case: the input on which the answer fails, a named tuple of the function's arguments; None if there is none.
    """

    state: str
    message: str
    mistake: str = ""
    case: tuple | None = None


def check(exercise: Exercise, answer: Any, *, seconds: float = TIME_LIMIT_SECONDS) -> Verdict:
    """Compare a learner's function with the solution and say what is wrong with it.

    The function runs in a thread of its own with a time limit (see `time_limit` for what this can't stop).

    Args:
        exercise: the exercise.
        answer: the learner's function, or whatever was passed in its place.
        seconds: time for all cases together.

    Returns:
        `Verdict`; never raises because of what the learner wrote. An interrupt from the keyboard passes through.
    """
    if answer is ...:
        return Verdict("not attempted", "not attempted.")
    attempt = _Attempt(exercise, answer)
    try:
        return call_within(seconds, attempt.judge)
    except TimeUp as end:
        return attempt.out_of_time(seconds, end.has_ended)


class _Failure(Exception):
    """The answer is judged already: carries its verdict out of the cases."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class _Attempt:
    """One answer to one exercise, and the case that is being tried."""

    def __init__(self, exercise: Exercise, answer: Any) -> None:
        self._exercise, self._answer = exercise, answer
        self._cases = exercise.named_cases()
        self._running, self._is_comparing = self._cases[0], False

    def judge(self) -> Verdict:
        name = self._exercise.name
        if not callable(self._answer):
            told = f"pass the function itself, `{name}`, not what it returns (got {short(self._answer)})."
            return Verdict("error", told)
        try:
            return self._compared([self._tried(case) for case in self._cases])
        except _Failure as failure:
            return failure.verdict

    def out_of_time(self, seconds: float, has_ended: bool) -> Verdict:
        told = f"`{call_text(self._exercise.name, self._running)}`"
        if self._is_comparing:
            told = f"what {told} returns can't be compared with anything: that did not end within {seconds:g} seconds."
        elif has_ended:
            told += f" did not end within {seconds:g} seconds and was stopped. Which loop never ends?"
        else:
            told += (
                f" did not end within {seconds:g} seconds. It waits where Python can't stop it, and goes on in the "
                "background until you restart the kernel."
            )
        return Verdict("error", told, case=self._running)

    def _tried(self, case: tuple) -> Any:
        """Return the answer's result for a case; a result that can't be one ends the check."""
        self._running = case
        if complaint := guarded(self._signature_complaint, case, otherwise=None):
            raise _Failure(Verdict("error", complaint, case=case))
        try:
            result = finished(self._answer(*copy.deepcopy(case)))
        except Stopped:
            raise
        except Endless:
            told = f"gives an iterator that goes on after {MOST_PARTS:,} parts: return a finished result."
            raise self._failure(case, told) from None
        except BaseException as error:
            told = f"raised {guarded(error_text, error, otherwise='an error')}."
            reason = guarded(thread_text, error, otherwise="")
            raise self._failure(case, f"{told} {reason}".rstrip()) from None
        if complaint := guarded(_complaint, result, otherwise=None):
            raise self._failure(case, complaint)
        return guarded(_kept, result, otherwise=result)

    def _failure(self, case: tuple, told: str) -> _Failure:
        return _Failure(Verdict("error", f"`{call_text(self._exercise.name, case)}` {told}", case=case))

    def _signature_complaint(self, case: tuple) -> str | None:
        """Say so where the answer can't be called with the case's arguments; functions without a signature pass."""
        signature = inspect.signature(self._answer)
        try:
            signature.bind(*case)
        except TypeError:
            wanted = f"{self._exercise.name}({', '.join(case._fields)})"
            return f"it is called as `{wanted}`, and yours takes `{signature}`."
        return None

    def _compared(self, results: list) -> Verdict:
        cases, exercise = self._cases, self._exercise
        if unfinished := [case for case, result in zip(cases, results, strict=True) if result is ...]:
            if len(unfinished) == len(results):
                return Verdict("not attempted", "not attempted.")
            return self._failure(unfinished[0], "gives `...`: that branch is still to be written.").verdict
        self._is_comparing = True
        wanted = self._results_of(exercise.solution)
        agreed = [self._agree(case, got, want) for case, got, want in zip(cases, results, wanted, strict=True)]
        if all(agreed) or any(self._equals(results, function) for function in exercise.also_right):
            return Verdict("passed", exercise.praise)
        first = agreed.index(False)
        for mistake in exercise.mistakes:
            if self._equals(results, mistake.answer):
                return Verdict("mistake", mistake.message, mistake.name, cases[first])
        if type(results[first]) is Finished and parts(plain(wanted[first])) is None:
            return self._failure(cases[first], _unfinished(results[first])).verdict
        unworded = f"gives {short(results[first])}, which is not right"
        told = guarded(difference, results[first], wanted[first], wanted, otherwise=unworded)
        return Verdict("wrong", f"`{call_text(exercise.name, cases[first])}` {told}.", case=cases[first])

    def _results_of(self, function: Callable[..., Any]) -> list:
        return [finished(function(*copy.deepcopy(case))) for case in self._cases]

    def _equals(self, results: list, function: Callable[..., Any]) -> bool:
        return all(map(self._agree, self._cases, results, self._results_of(function)))

    def _agree(self, case: tuple, got: Any, want: Any) -> bool:
        self._running = case
        agree = self._exercise.agree or close
        return guarded(lambda: bool(agree(got, want)), otherwise=False)


def _complaint(result: Any) -> str | None:
    """Say so where a result can't be one, whatever the exercise."""
    if result is None:
        return "returned None: is a `return` missing?"
    if inspect.iscoroutine(result):
        result.close()
        return "gives a coroutine: write `def`, without `async`."
    if inspect.isasyncgen(result):
        return "gives an asynchronous generator: write `def`, without `async`."
    return None


def _unfinished(result: Finished) -> str:
    """Say that something other than a sequence is asked for."""
    if result.is_generator:
        return "gives a generator: return the finished result, without `yield`."
    return "gives its result piece by piece: return the finished one."


def _kept(result: Any) -> Any:
    """Return a copy of a container, so that a later call that changes the same one does not change this result."""
    is_container = isinstance(result, (list, tuple, dict, set, deque, bytearray)) or hasattr(type(result), "__array__")
    return guarded(copy.deepcopy, result, otherwise=result) if is_container else result
