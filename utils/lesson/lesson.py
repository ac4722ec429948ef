"""`Lesson`: what a notebook calls."""

import copy
import importlib
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from IPython import get_ipython
from IPython.display import display

from utils.foundation import checks
from utils.lesson import draft as drafts
from utils.lesson import rubric as rubrics
from utils.lesson.card import card
from utils.lesson.claim import Claim, ClaimFailed
from utils.lesson.display import number, say, table
from utils.lesson.exercise import Exercise, check
from utils.lesson.play import is_live, play
from utils.lesson.prediction import (
    is_counted,
    is_shown,
    judged,
    measured_value,
    prediction,
    refuse_impossible,
    verdict,
)
from utils.lesson.progress import Progress
from utils.lesson.questions import question_bank
from utils.lesson.refusal import Refusal
from utils.lesson.whiteboard import whiteboard


class Lesson:
    """One lesson as its notebook uses it.

    Args:
        lesson_number: 1 to 22, an entry of the question bank.

    Raises:
        Refusal: no such lesson.
    """

    def __init__(self, lesson_number: int) -> None:
        bank = question_bank()
        whole = _whole(lesson_number)
        if whole not in bank:
            raise Refusal(
                f"lesson_number must be a lesson of the course, {min(bank)} to {max(bank)}, got {checks.told(lesson_number)}; "
                "pass its number"
            )
        self.question = bank[whole]
        self.number = whole
        self._progress = Progress()
        self._predictions, self._claims, self._hints_shown, self._failed_cases = {}, {}, {}, {}
        self._shown_here, self._told, self._claimed_in = {}, set(), {}

    # Predict and reveal

    def predict(
        self,
        key: str,
        question: str,
        low: Any = None,
        high: Any = None,
        unit: str = "",
        *,
        range: Sequence[float | None] | None = None,
    ) -> None:
        """Write down an 80% interval for a result before it is shown; leave both ends None to skip.

        Args:
            key: name of the prediction.
            question: what is to be predicted.
            low: lower end of the interval, per cent where the unit is "%".
            high: upper end, likewise.
            unit: as for `number`.
            range: least and greatest value that can occur, as for `prediction`.

        Raises:
            Refusal: the interval can't be meant; nothing is written down.
        """
        made = prediction(key, question, low, high, unit, range)
        self._predictions[key] = made
        asked = f"**Predict.** {question}"
        if made.is_empty:
            say(f"{asked} *Write an interval that you are 80% sure of into `low` and `high`, then run this cell.*")
            return
        known, ends = self._known_prediction(key), {"low": made.low, "high": made.high}
        if not is_shown(known):
            note = "Written down." if self._record("predictions", key, ends) else "Written down for this session."
        elif is_counted(known) and ends == {"low": known["low"], "high": known["high"]}:
            note = "That is what you wrote before the result was shown, and it counts."
        else:
            note = "The result was already shown in this copy, so this one does not count; it is still compared."
        say(f"{asked} You say {made.interval}. {note}")

    def reveal(self, key: str, measured: float) -> None:
        """Show a measured value beside the learner's interval, and count it for the calibration the first time.

        Args:
            key: name of the prediction.
            measured: what this run found, a fraction where the unit is "%".

        Raises:
            Refusal: nothing was asked under this key, or measured is no number or infinite; nothing is written down.
            ValueError: measured is what the question rules out, so the lesson is wrong; nothing is written down.
        """
        if not isinstance(key, str) or key not in self._predictions:
            asked = ", ".join(self._predictions) or "none yet"
            raise Refusal(
                f"key must be one of the predictions asked for, got {checks.told(key)}; run the cell that predicts it first "
                f"(asked so far: {asked})"
            )
        made, measured, known = self._predictions[key], measured_value(measured), self._known_prediction(key)
        refuse_impossible(made, measured)
        if made.is_empty and not is_shown(known) and "low" in known:  # written in an earlier session
            made = made._replace(low=known["low"], high=known["high"])
        if not is_shown(known):
            self._shown_here[key] = judged(made, measured)
            self._record("predictions", key, self._shown_here[key])
        say(f"**Measured: {number(measured, unit=made.unit)}.** {verdict(made, measured)}")

    def _known_prediction(self, key: str) -> dict:
        """Return what is kept of a prediction; where progress can't be saved, what this session remembers."""
        return self._shown_here.get(key) or self._progress.lesson(self.number)["predictions"].get(key, {})

    # Claims

    def claim(
        self,
        id: str,
        text: str,
        measured: float,
        relation: str,
        bound: float | tuple[float, float],
        *,
        because: str,
        unit: str = "",
        placebo: float | None = None,
    ) -> None:
        """Assert a statement of the lesson on this run and emit its machine-readable record.

        Args:
            id: name of the claim, an identifier, once a lesson.
            text: the statement.
            measured: finite number that this run found.
            relation: "<=", ">=" or "within".
            bound: finite number, or (low, high) for "within".
            because: where the bound comes from.
            unit: as for `number`.
            placebo: what the same measurement reads where the planted effect is switched off; the claim holds only if
                it does not meet the bound. None where the claim does not say that something was found.

        Raises:
            ClaimFailed: the statement is false on this run (recorded only, where COURSE_CLAIMS=record).
            ValueError: a part is malformed, the id names another statement or was claimed before in the same run of the
                cell (running a cell again is fine), or measured, bound or placebo is NaN or infinite (recorded as a claim that
                does not hold, where COURSE_CLAIMS=record).
        """
        recording = os.environ.get("COURSE_CLAIMS") == "record"
        made = Claim(id, text, measured, relation, bound, because, unit, placebo, recording)
        known = self._claims.get(id)
        if known and known.text != text:
            raise ValueError(f"id must be new for each claim, {id!r} already says: {known.text}; choose another name")
        cell = _execution()
        if known and cell is not None and self._claimed_in.get(id) == cell:
            raise ValueError(
                f"id must be new for each claim, {id!r} was claimed before in this run of the cell; in a loop claim the "
                "worst case once, after it"
            )
        self._claims[id], self._claimed_in[id] = made, cell
        display(made.bundle, raw=True)
        if not made.holds and not recording:
            raise ClaimFailed(made.sentence)

    def claims(self) -> None:
        """Show the table of all claims made so far, with measured value, placebo, bound and verdict.

        Raises:
            Refusal: no claim was made.
        """
        if not self._claims:
            raise Refusal("claims must be made before they are shown; run the cells above first")
        made = list(self._claims.values())
        columns = {
            "Claim": [c.text for c in made],
            "Measured": [c.measured_text for c in made],
            "Placebo": [c.placebo_text for c in made],
            "Bound": [c.bound_text for c in made],
            "Because": [c.because for c in made],
            "Verdict": [c.verdict for c in made],
        }
        if not any(columns["Placebo"]):
            del columns["Placebo"]
        table(pd.DataFrame(columns))
        self._record("claims", "held", sum(c.holds for c in made))

    # Exercises

    @property
    def exercises(self) -> dict[int, Exercise]:
        """The exercises of this lesson, number -> `Exercise`."""
        module = importlib.import_module(f"utils.exercises.{self.question.name}")
        return {e.number: e for e in module.EXERCISES}

    def check(self, exercise: int, answer: Any) -> None:
        """Say whether the learner's function is right, and if not, what is wrong with it.

        Args:
            exercise: number of the exercise.
            answer: the learner's function; `...` counts as not attempted.

        Raises:
            Refusal: no such exercise.
        """
        asked = self._exercise(exercise)
        exercise, verdict = asked.number, check(asked, answer)
        self._failed_cases[exercise] = verdict.case
        if verdict.state == "passed":
            self._record("exercises", str(exercise), "passed")
        mark = {"passed": "✓ right.", "not attempted": ""}.get(verdict.state, "✗ not yet:")
        try_it = "" if verdict.case is None else f"Try that input: `{asked.name}(*lesson.case({exercise}))`."
        say(" ".join(part for part in (f"Exercise {exercise}:", mark, verdict.message, try_it) if part))

    def case(self, exercise: int) -> tuple:
        """Hand over the input on which the last check of an exercise failed.

        Args:
            exercise: number of the exercise.

        Returns:
            A fresh copy of the arguments, a named tuple: `f(*lesson.case(2))` calls, `lesson.case(2).limit` reads.

        Raises:
            Refusal: no such exercise, or its last check did not fail on an input.
        """
        asked = self._exercise(exercise)
        exercise, name = asked.number, asked.name
        failed = self._failed_cases.get(exercise)
        if failed is None:
            raise Refusal(
                f"exercise must be one whose last check failed, got {exercise}; run lesson.check({exercise}, {name}) first"
            )
        return copy.deepcopy(failed)

    def hint(self, exercise: int) -> None:
        """Show the hints seen so far and the next one; at the end, all of them each time.

        Args:
            exercise: number of the exercise.

        Raises:
            Refusal: no such exercise.
        """
        asked = self._exercise(exercise)
        exercise, hints = asked.number, asked.hints
        shown = self._hints_shown.get(exercise, 0) + 1
        told = [f"Hint {i} of {len(hints)}: {hint}" for i, hint in enumerate(hints[:shown], start=1)]
        if shown > len(hints):
            told.append(f"That was the last hint; `lesson.solution({exercise})` shows the solution.")
        self._hints_shown[exercise] = min(shown, len(hints))
        say("\n\n".join(told))

    def solution(self, exercise: int) -> None:
        """Show the solution's source.

        Args:
            exercise: number of the exercise.

        Raises:
            Refusal: no such exercise.
        """
        say(f"```python\n{self._exercise(exercise).solution_source()}\n```")

    def _exercise(self, exercise: int) -> Exercise:
        known, whole = self.exercises, _whole(exercise)
        if whole not in known:
            raise Refusal(f"exercise must be one of {sorted(known)}, got {checks.told(exercise)}; pass its number")
        return known[whole]

    # Play and answer

    def play(self, draw: Callable[..., None], **controls: Sequence[Any]) -> None:
        """Show `draw` with sliders where there is a live front end, else once with its defaults.

        Args:
            draw: function that shows something; every argument has a default value.
            controls: argument -> (low, high, step) for a slider, or a list of choices.

        Raises:
            ValueError: draw and controls do not fit each other.
        """
        play(draw, **controls)

    def answer(self) -> None:
        """Show the interview answer, its numbers filled in from this run's claims, beside the learner's own draft.

        Raises:
            Refusal: the answer quotes a claim that was not made.
        """
        answer = card(self.question, self._claims)
        draft = drafts.kept(self._progress, self.number)
        if draft:
            say(f"**Your answer, before the lesson.**\n\n{drafts.quoted(draft)}")
        say(answer)
        if self.question.rubric:
            self.rubric()

    # Draft and rubric

    def draft(self, text: str = "") -> None:
        """Keep the learner's own answer, written before the lesson; the newest that is not empty stands.

        Args:
            text: what the learner would say; empty is fine.

        Raises:
            Refusal: not a text.
        """
        text = drafts.cleaned(text)
        if text:
            n = len(text.split())
            told = f"Written down, {number(n)} {'word' if n == 1 else 'words'}. It stands beside the card at the end."
            if not drafts.keep(self._progress, self.number, text):
                told = "*It could not be saved here; set COURSE_HOME to a folder that can be written.*"
            say(f"**Your answer first.** {told}")
            return
        kept = drafts.kept(self._progress, self.number)
        if kept:
            say(f"**Your answer first.** You wrote before, and it is kept:\n\n{drafts.quoted(kept)}")
            return
        say(
            "**Your answer first.** *Write between the quotes what you would say, then run this cell; a few sentences do, "
            "and it stands beside the card at the end. Nothing comes to mind? Read on, and come back when it does.*"
        )

    def rubric(self, ticked: Sequence[int] | None = None) -> None:
        """Show the points of a good answer, and keep which of them the learner found in their own.

        Args:
            ticked: numbers of the points found, `[]` for none of them; None shows the rubric as it was ticked last,
                with check boxes where there is a live front end.

        Raises:
            Refusal: not a list of numbers, or a number that the rubric lacks.
        """
        points = self.question.rubric
        if not points:
            say("*This lesson has no rubric yet.*")
            return
        if ticked is not None:
            ticked = rubrics.checked_ticks(ticked, points)
            self._keep_ticks(ticked)
            say(rubrics.listed(points, ticked))
            return
        kept = rubrics.kept_ticks(self._progress, self.number, points)
        say(rubrics.listed(points, kept))
        if is_live():
            rubrics.show_boxes(len(points), kept or [], self._keep_ticks)

    def _keep_ticks(self, ticked: list[int]) -> None:
        self._record(rubrics.SECTION, rubrics.KEY, ticked)

    # Whiteboard

    def whiteboard(
        self,
        *,
        lit: Iterable[str] = (),
        path: Sequence[str] = (),
        fault: str | tuple[str, str] | None = None,
        title: str = "",
    ) -> None:
        """Show Platter's architecture, the same picture in every lesson, with this lesson's part lit.

        Args:
            lit: names of the components that this lesson is about.
            path: components in the order in which a request or a row meets them; each hop is numbered along its edge.
            fault: the component where the fault sits, or the two ends of the edge.
            title: the finding; by default the lesson's title.

        Raises:
            ValueError: a name that the whiteboard lacks, or two components that follow each other on the path without
                an edge between them.
        """
        whiteboard(lit=lit, path=path, fault=fault, title=title or f"On the whiteboard: {self.question.title}")

    def _record(self, section: str, key: str, value: Any) -> bool:
        is_saved = self._progress.record(self.number, section, key, value)
        trouble = self._progress.trouble
        if trouble and trouble not in self._told:
            self._told.add(trouble)
            say(f"*{trouble}*")
        return is_saved


def _whole(value: Any) -> int | None:
    """Return a whole number of any library as Python's; None for a bool and for what is no whole number."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _execution() -> int | None:
    """Return the number of the cell run that is under way, another one each time a cell runs; None outside a notebook."""
    shell = get_ipython()
    return None if shell is None else shell.execution_count
