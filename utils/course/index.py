"""The map of the course, and where a learner stands: lessons, exercises passed, how good the predictions were."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from scipy import stats

from utils.foundation.checkout import CHECKOUT
from utils.lesson.prediction import LEVEL
from utils.lesson.progress import Progress
from utils.lesson.questions import PARTS, Question, question_bank
from utils.lesson.rubric import Score, score

__all__ = [
    "EXERCISES",
    "Calibration",
    "Row",
    "calibration",
    "learner_map",
    "map_of_lessons",
    "tables_by_part",
    "verdict",
]

EXERCISES = 3


class Row(NamedTuple):
    """One lesson on the map.

    Attributes:
        part: folder of the part, a key of `PARTS`.
        number: the lesson's.
        title: what the map calls the lesson.
        question: as an interviewer puts it, on one line.
        notebook: path below the checkout.
        is_built: whether the notebook is there.
        exercises_passed: of `EXERCISES`.
        predictions_made: those whose result the learner has seen.
        rubric: how many points of how many the learner found in their own answer; None where it was not scored.
    """

    part: str
    number: int
    title: str
    question: str
    notebook: str
    is_built: bool
    exercises_passed: int
    predictions_made: int
    rubric: Score | None

    def link(self, root: str) -> str:
        """Return the title as a Markdown link from the folder `root` names, or bare where there is no notebook yet."""
        return f"[{self.title}]({root}{self.notebook.removeprefix('notebooks/')})" if self.is_built else self.title


def map_of_lessons(progress: Progress | None = None, bank: Mapping[int, Question] | None = None) -> list[Row]:
    """Return the lessons part by part in order, each with what the learner has done in it.

    Args:
        progress: the learner's own by default.
        bank: the course's own by default.

    Returns:
        One row a lesson.
    """
    progress = progress or Progress()
    rows = []
    bank = question_bank() if bank is None else bank
    for number, question in sorted(bank.items(), key=lambda entry: (entry[1].part, entry[0])):
        passed = len(progress.lesson(number)["exercises"])
        text = " ".join(question.question.split())
        is_built = (CHECKOUT / question.notebook).exists()
        seen = len(_revealed(progress, number))
        found = score(progress, number, question.rubric)
        rows.append(Row(question.part, number, question.title, text, question.notebook, is_built, passed, seen, found))
    return rows


def _revealed(progress: Progress, number: int) -> list[dict]:
    """Return the predictions of a lesson whose result the learner has seen."""
    return [p for p in progress.lesson(number)["predictions"].values() if "measured" in p]


def tables_by_part(rows: Sequence[Row], head: Sequence[str], cells: Callable[[Row], Sequence[str]]) -> str:
    """Return a Markdown table a part, under the part's title.

    Args:
        rows: lessons in order.
        head: titles of the columns; the first is set to the right, as it holds numbers.
        cells: what a lesson's line says, one text a column.

    Returns:
        The text, without an empty line at either end.
    """
    lines = []
    for part, lessons in groupby(rows, key=lambda row: row.part):
        aligned = "|".join(["---:", *[":---"] * (len(head) - 1)])
        lines += ["", f"**{PARTS[part]}**", "", _line(head), f"|{aligned}|"]
        lines += [_line([cell.replace("|", "\\|") for cell in cells(row)]) for row in lessons]
    return "\n".join(lines).strip()


def _line(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def learner_map(progress: Progress | None = None, *, root: str = "") -> str:
    """Return the index's map in Markdown: titles lead to the lessons, and each says what the learner has done.

    Where the learner's progress can't be read, the map says so first.

    Args:
        progress: the learner's own by default.
        root: what links start from: "" beside the index, "notebooks/" above it.
    """
    progress = progress or Progress()

    def cells(row: Row) -> tuple[str, ...]:
        done = f"{row.exercises_passed} of {EXERCISES}" if row.is_built else "*not\u00a0built\u00a0yet*"
        if row.rubric:
            done += f", rubric {row.rubric.ticked} of {row.rubric.points}"
        return str(row.number), row.link(root), row.question, done

    tables = tables_by_part(map_of_lessons(progress), ("", "Lesson", "Question", "Exercises"), cells)
    return f"*{progress.trouble}*\n\n{tables}" if progress.trouble else tables


class Calibration(NamedTuple):
    """How well a learner's intervals held: `low` and `high` bound the long-run share with 95% confidence."""

    n: int
    contained: int
    low: float
    high: float


def calibration(progress: Progress | None = None) -> Calibration:
    """Count the revealed predictions and those whose interval held the result.

    Args:
        progress: the learner's own by default.

    References:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 26 (1934).
    """
    progress = progress or Progress()
    revealed = [p["contains"] for number in question_bank() for p in _revealed(progress, number)]
    n, contained = len(revealed), sum(revealed)
    if n == 0:
        return Calibration(0, 0, 0.0, 1.0)
    interval = stats.binomtest(contained, n).proportion_ci(0.95, method="exact")
    return Calibration(n, contained, float(interval.low), float(interval.high))


def verdict(found: Calibration) -> str:
    """Say in a sentence what a calibration means.

    >>> verdict(Calibration(0, 0, 0.0, 1.0))
    'No prediction has been revealed yet. Write intervals into the Predict cells before you run on.'
    """
    if found.n == 0:
        return "No prediction has been revealed yet. Write intervals into the Predict cells before you run on."
    told = f"{found.contained} of {found.n} intervals held the result; {LEVEL:.0%} is the aim."
    if found.high < LEVEL:
        return f"{told} Your intervals are too narrow: you are surer than you should be."
    if found.low > LEVEL:
        return f"{told} Your intervals are wider than they need to be."
    return f"{told} That is within what chance allows (95% interval {found.low:.0%} to {found.high:.0%})."
