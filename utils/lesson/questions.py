"""The question bank: one source for lessons, index, flash cards and mock interviews."""

import functools
from pathlib import Path
from string import Formatter
from typing import NamedTuple

import yaml

from utils.foundation.checkout import CHECKOUT

BANK = CHECKOUT / "data" / "questions.yaml"


class FollowUp(NamedTuple):
    """A follow-up question with a weak, a fair and a strong answer."""

    question: str
    weak: str
    fair: str
    strong: str


class Question(NamedTuple):
    """One entry of the bank; `thirty_seconds` and `two_minutes` hold `{claim_id}` where a result belongs."""

    lesson: int
    part: str
    name: str
    title: str
    question: str
    usual_answer: str
    left_out: str
    thirty_seconds: str
    two_minutes: str
    follow_ups: tuple[FollowUp, ...]
    red_flags: tuple[str, ...]

    @property
    def notebook(self):
        """Path of the lesson's notebook below the checkout."""
        return f"notebooks/{self.part}/{self.lesson:02}_{self.name}.ipynb"

    @property
    def claim_ids(self):
        """The claims that the answer quotes."""
        texts = [self.thirty_seconds, self.two_minutes, *(text for f in self.follow_ups for text in f[1:])]
        return {field for text in texts for _, field, _, _ in Formatter().parse(text) if field}


@functools.cache
def question_bank(path=BANK):
    """Return the bank, lesson number -> `Question`.

    Raises:
        ValueError: the file is missing, is not YAML, or an entry lacks a field.
    """
    try:
        entries = yaml.load(
            Path(path).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except FileNotFoundError:
        raise ValueError(f"the question bank {Path(path).name} is missing; restore it with git") from None
    except yaml.YAMLError as error:
        raise ValueError(f"the question bank {Path(path).name} can't be read: {error}") from None
    return {entry["lesson"]: _question(entry) for entry in entries}


def _question(entry):
    try:
        follow_ups = tuple(FollowUp(**f) for f in entry.get("follow_ups", ()))
        rest = {field: entry.get(field, "") for field in ("thirty_seconds", "two_minutes")}
        fixed = {
            field: entry[field] for field in ("lesson", "part", "name", "title", "question", "usual_answer", "left_out")
        }
        return Question(**fixed, **rest, follow_ups=follow_ups, red_flags=tuple(entry.get("red_flags", ())))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"entry {entry.get('lesson')!r} of the question bank: {error}; see the other entries"
        ) from None
