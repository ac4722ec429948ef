"""`Lesson`: what a notebook calls."""

import copy
import importlib
import os
from typing import Any

import pandas as pd
from IPython.display import display

from utils.lesson.card import card
from utils.lesson.claim import Claim, ClaimFailed
from utils.lesson.display import number, say, table
from utils.lesson.exercise import Exercise, check
from utils.lesson.play import play
from utils.lesson.prediction import prediction, verdict
from utils.lesson.progress import Progress
from utils.lesson.questions import question_bank


class Lesson:
    """One lesson as its notebook uses it.

    Args:
        lesson_number: 1 to 22, an entry of the question bank.

    Raises:
        ValueError: no such lesson.
    """

    def __init__(self, lesson_number):
        bank = question_bank()
        if lesson_number not in bank:
            raise ValueError(
                f"number must be a lesson of the course, {min(bank)} to {max(bank)}, got {lesson_number!r}"
            )
        self.question = bank[lesson_number]
        self.number = lesson_number
        self._progress = Progress()
        self._predictions, self._claims, self._hints_shown, self._failed_cases = {}, {}, {}, {}

    # Predict and reveal

    def predict(self, key, question, low=None, high=None, unit=""):
        """Write down an 80% interval for a result before it is shown; leave both ends None to skip.

        Args:
            key: name of the prediction.
            question: what is to be predicted.
            low, high: ends of the interval; shares as fractions where the unit is "%".
            unit: as for `number`.
        """
        made = prediction(key, question, low, high, unit)
        self._predictions[key] = made
        asked = f"**Predict.** {question}"
        if made.is_empty:
            say(f"{asked} *Write an interval that you are 80% sure of into `low` and `high`, then run this cell.*")
            return
        if self._seen(key):
            note = "The result was shown before, so this one does not count."
        else:
            self._record("predictions", key, {"low": made.low, "high": made.high})
            note = "Written down."
        say(f"{asked} You say {number(made.low, unit=unit)} to {number(made.high, unit=unit)}. {note}")

    def reveal(self, key, measured):
        """Show a measured value beside the learner's interval, and count it for the calibration.

        Raises:
            ValueError: nothing was asked under this key.
        """
        if key not in self._predictions:
            raise ValueError(f"key must be one of the predictions {list(self._predictions)}, got {key!r}")
        made, measured = self._predictions[key], float(measured)
        if not made.is_empty and not self._seen(key):
            value = {"low": made.low, "high": made.high, "measured": measured}
            self._record("predictions", key, {**value, "contains": made.low <= measured <= made.high})
        say(f"**Measured: {number(measured, unit=made.unit)}.** {verdict(made, measured)}")

    def _seen(self, key):
        return "measured" in self._progress.lesson(self.number)["predictions"].get(key, {})

    # Claims

    def claim(self, id, text, measured, relation, bound, *, because, unit=""):
        """Assert a statement of the lesson on this run and show it with its machine-readable record.

        Args:
            id: name of the claim, an identifier, once a lesson.
            text: the statement.
            measured: number that this run found.
            relation: "<=", ">=" or "within".
            bound: number, or (low, high) for "within".
            because: where the bound comes from.
            unit: as for `number`.

        Raises:
            ClaimFailed: the statement is false on this run (recorded only, where COURSE_CLAIMS=record).
        """
        made = Claim(id, text, measured, relation, bound, because, unit)
        known = self._claims.get(id)
        if known and known.text != text:
            raise ValueError(f"id must be new for each claim, {id!r} already says: {known.text}")
        self._claims[id] = made
        display(made.bundle, raw=True)
        if not made.holds and os.environ.get("COURSE_CLAIMS") != "record":
            raise ClaimFailed(made.sentence)

    def claims(self):
        """Show the table of all claims made so far, with measured value, bound and verdict."""
        if not self._claims:
            raise ValueError("claims must be made before they are shown; run the cells above first")
        made = list(self._claims.values())
        table(
            pd.DataFrame(
                {
                    "Claim": [c.text for c in made],
                    "Measured": [c.measured_text for c in made],
                    "Bound": [c.bound_text for c in made],
                    "Because": [c.because for c in made],
                    "Verdict": ["holds" if c.holds else "false" for c in made],
                }
            )
        )
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
            ValueError: no such exercise.
        """
        asked = self._exercise(exercise)
        verdict = check(asked, answer)
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
            ValueError: no such exercise, or its last check did not fail on an input.
        """
        name = self._exercise(exercise).name
        failed = self._failed_cases.get(exercise)
        if failed is None:
            raise ValueError(
                f"exercise must be one whose last check failed, got {exercise}; run lesson.check({exercise}, {name}) first"
            )
        return copy.deepcopy(failed)

    def hint(self, exercise: int) -> None:
        """Show the hints seen so far and the next one; at the end, all of them each time.

        Args:
            exercise: number of the exercise.

        Raises:
            ValueError: no such exercise.
        """
        hints, shown = self._exercise(exercise).hints, self._hints_shown.get(exercise, 0) + 1
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
            ValueError: no such exercise.
        """
        say(f"```python\n{self._exercise(exercise).solution_source()}\n```")

    def _exercise(self, exercise: int) -> Exercise:
        known = self.exercises
        if exercise not in known:
            raise ValueError(f"exercise must be one of {sorted(known)}, got {exercise!r}; pass its number")
        return known[exercise]

    # Play and answer

    def play(self, draw, **controls):
        """Show `draw` with sliders where there is a live front end, else once with its defaults."""
        play(draw, **controls)

    def answer(self):
        """Show the interview answer, its numbers filled in from this run's claims."""
        say(card(self.question, self._claims))

    def _record(self, section, key, value):
        if not self._progress.record(self.number, section, key, value):
            say("*Your progress could not be saved here; set COURSE_HOME to a folder that can be written.*")
