"""The map of the course, and where a learner stands: lessons, exercises passed, how good the predictions were."""

from typing import NamedTuple

from scipy import stats

from utils.foundation.checkout import CHECKOUT
from utils.lesson.prediction import LEVEL
from utils.lesson.progress import Progress
from utils.lesson.questions import question_bank

EXERCISES = 3
PARTS = {
    "1_framing": "Framing the problem",
    "2_features": "Features and data",
    "3_systems": "Systems",
    "4_learning": "Learning",
    "5_experiments": "Experiments and rollout",
    "6_monitoring": "Monitoring",
    "7_capstone": "Capstone",
}


class Row(NamedTuple):
    """One lesson on the map."""

    part: str
    number: int
    title: str
    notebook: str
    is_built: bool
    exercises_passed: int
    predictions_made: int


def rows(progress=None):
    """Return the lessons in order, each with what the learner has done in it."""
    progress = progress or Progress()
    found = []
    for number, question in sorted(question_bank().items()):
        known = progress.lesson(number)
        revealed = _revealed(progress, number)
        is_built = (CHECKOUT / question.notebook).exists()
        passed = len(known["exercises"])
        found.append(Row(question.part, number, question.title, question.notebook, is_built, passed, len(revealed)))
    return found


def _revealed(progress, number):
    """Return the predictions of a lesson whose result the learner has seen."""
    return [p for p in progress.lesson(number)["predictions"].values() if "measured" in p]


def map_of_lessons(progress=None, *, root="notebooks/"):
    """Return the map in Markdown, a heading a part, a line a lesson; lessons not built yet are marked.

    Args:
        progress: `Progress`; the learner's own by default.
        root: what links start from: "notebooks/" in the README, "" beside the index.
    """
    lines, part = [], None
    for row in rows(progress):
        if row.part != part:
            part = row.part
            lines += ["", f"**{PARTS[part]}**", "", "| | Lesson | Question | Exercises |", "|---:|:---|:---|:---|"]
        question = " ".join(question_bank()[row.number].question.split())
        title = f"[{row.title}]({root}{row.notebook.removeprefix('notebooks/')})" if row.is_built else row.title
        done = f"{row.exercises_passed} of {EXERCISES}" if row.is_built else "*not\u00a0built\u00a0yet*"
        lines.append(f"| {row.number} | {title} | {question} | {done} |")
    return "\n".join(lines).strip()


class Calibration(NamedTuple):
    """How well a learner's intervals held: `low` and `high` bound the long-run share with 95% confidence."""

    n: int
    contained: int
    low: float
    high: float


def calibration(progress=None):
    """Count the revealed predictions and those whose interval held the result (Clopper and Pearson, 1934)."""
    progress = progress or Progress()
    revealed = [p["contains"] for number in question_bank() for p in _revealed(progress, number)]
    n, contained = len(revealed), sum(revealed)
    if n == 0:
        return Calibration(0, 0, 0.0, 1.0)
    interval = stats.binomtest(contained, n).proportion_ci(0.95, method="exact")
    return Calibration(n, contained, float(interval.low), float(interval.high))


def verdict(found):
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
