"""The question bank: a file a lesson, the one source for lessons, index, README, flash cards and mock interviews.

`data/questions/<nn>_<name>.yaml` holds all that is said about a lesson outside its notebook. The file's name gives the
lesson's number and name, so that a lesson is added by adding its file.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import yaml

from utils.foundation.checkout import CHECKOUT

__all__ = ["BANK", "PARTS", "SPOKEN", "Case", "FollowUp", "Question", "question_bank"]

SPOKEN = "spoken"  # the form of a field that is to be said, as in {claim_id:spoken}
BANK = CHECKOUT / "data" / "questions"
PARTS = {
    "1_framing": "Framing the problem",
    "2_features": "Features and data",
    "3_systems": "Systems",
    "4_learning": "Learning",
    "5_experiments": "Experiments and rollout",
    "6_monitoring": "Monitoring",
    "7_capstone": "Capstone",
}
FILE_NAME = re.compile(r"(0[1-9]|[1-9]\d)_([a-z][a-z0-9_]*)")


class FollowUp(NamedTuple):
    """A follow-up question with a weak, a fair and a strong answer."""

    question: str
    weak: str
    fair: str
    strong: str


class Case(NamedTuple):
    """A public incident or case report that the lesson tells: what happened, who says so, and in which year."""

    text: str
    source: str
    year: int


class Question(NamedTuple):
    """One entry of the bank; `thirty_seconds` and `two_minutes` hold `{claim_id}` where a result belongs.

    Attributes:
        lesson: number, from the name of the file.
        part: folder of the notebook, a key of `PARTS`.
        name: the notebook's name without its number, from the name of the file.
        title: what the map calls the lesson.
        question: as an interviewer puts it.
        usual_answer: what most candidates say.
        left_out: what that answer leaves out.
        thirty_seconds: the spoken answer; empty until the lesson is built.
        two_minutes: the long answer, paragraphs apart by an empty line.
        follow_ups: three, each with graded answers.
        red_flags: what costs the offer.
        rubric: points to tick beside the learner's own answer.
        allowed_decimals: decimals that the answers may type: constants of the question, never results of a run.
        finding: claim id of the one line that the README quotes.
        cases: public reports for the section "Elsewhere".
    """

    lesson: int
    part: str
    name: str
    title: str
    question: str
    usual_answer: str
    left_out: str
    thirty_seconds: str = ""
    two_minutes: str = ""
    follow_ups: tuple[FollowUp, ...] = ()
    red_flags: tuple[str, ...] = ()
    rubric: tuple[str, ...] = ()
    allowed_decimals: tuple[str, ...] = ()
    finding: str = ""
    cases: tuple[Case, ...] = ()

    @property
    def notebook(self) -> str:
        """Path of the lesson's notebook below the checkout."""
        return f"notebooks/{self.part}/{self.lesson:02}_{self.name}.ipynb"

    @property
    def claim_ids(self) -> set[str]:
        """The claims that the answer quotes, anywhere on the card."""
        spoken = [
            self.thirty_seconds,
            self.two_minutes,
            *(text for f in self.follow_ups for text in f),
            *self.red_flags,
        ]
        return {field for text in spoken for _, field, _, _ in Formatter().parse(text) if field is not None}


@functools.cache
def question_bank(folder: Path = BANK) -> dict[int, Question]:
    """Return the bank, lesson number -> `Question`, in the order of the numbers.

    Args:
        folder: where the files lie.

    Returns:
        One entry a file.

    Raises:
        ValueError: the folder holds no file, a file's name is not that of a lesson, two have one number, or a file is
            not YAML, lacks a field, or has one that is unknown or of another kind; the message names file and field.
    """
    paths = sorted(path for path in Path(folder).glob("*.yaml") if not path.name.startswith("."))
    if not paths:
        raise ValueError(f"the question bank {Path(folder).name} is missing; restore it with git")
    bank: dict[int, Question] = {}
    for path in paths:
        question = _question(path)
        if question.lesson in bank:
            raise ValueError(f"{path.name} has the number of lesson {bank[question.lesson].name}; choose a free one")
        bank[question.lesson] = question
    return bank


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"must be a text, got {value!r}; write one, in quotes where it looks like a number")
    return value


def _quoting(value: Any) -> str:
    """Return a text of the card, whose fields are `{claim_id}` or `{claim_id:spoken}` and nothing else."""
    text = _text(value)
    try:
        fields = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise TypeError(f"must close each brace it opens, got {text!r:.80}: {error}; write {{{{ for a brace") from None
    for name, form, conversion in fields:
        if not name.isidentifier() or conversion or form not in ("", SPOKEN):
            written = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise TypeError(
                f"must quote a claim as {{claim_id}} or {{claim_id:{SPOKEN}}}, got {{{written}}}; write one of these"
            )
    return text


def _year(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"must be a year, got {value!r}; write it as a number")
    return value


def _part(value: Any) -> str:
    if value not in PARTS:
        raise TypeError(f"must be one of {', '.join(PARTS)}, got {value!r}; a new part needs a title in PARTS")
    return value


def _each(read: Callable[[Any], Any]) -> Callable[[Any], tuple]:
    def read_all(values: Any) -> tuple:
        if not isinstance(values, list):
            raise TypeError(f"must be a list, got {values!r}; start each entry with a dash")
        return tuple(read(value) for value in values)

    return read_all


def _record(kind: type, **readers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(entry: Any) -> Any:
        if not isinstance(entry, dict) or entry.keys() != readers.keys():
            raise TypeError(f"must have {', '.join(readers)}, got {entry!r:.80}; write these fields and no other")
        return kind(**{field: reader(entry[field]) for field, reader in readers.items()})

    return read


READERS: dict[str, Callable[[Any], Any]] = {
    "part": _part,
    "title": _text,
    "question": _text,
    "usual_answer": _text,
    "left_out": _text,
    "thirty_seconds": _quoting,
    "two_minutes": _quoting,
    "follow_ups": _each(_record(FollowUp, question=_quoting, weak=_quoting, fair=_quoting, strong=_quoting)),
    "red_flags": _each(_quoting),
    "rubric": _each(_text),
    "allowed_decimals": _each(_text),
    "finding": _text,
    "cases": _each(_record(Case, text=_text, source=_text, year=_year)),
}
REQUIRED = ("part", "title", "question", "usual_answer", "left_out")


def _question(path: Path) -> Question:
    named = FILE_NAME.fullmatch(path.stem)
    if not named:
        raise ValueError(f"a file of the question bank must be called <nn>_<name>.yaml, got {path.name}; rename it")
    try:
        entry = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} of the question bank can't be read: {error}; put its YAML right") from None
    if not isinstance(entry, dict):
        raise ValueError(f"{path.name} of the question bank must hold fields; see the other files")
    for field in REQUIRED:
        if field not in entry:
            raise ValueError(f"{path.name} of the question bank has no {field}; see the other files")
    values = {}
    for field, value in entry.items():
        if field not in READERS:
            raise ValueError(
                f"{path.name} of the question bank has an unknown field {field!r}; known are {', '.join(READERS)}"
            )
        try:
            values[field] = READERS[field](value)
        except TypeError as error:
            raise ValueError(f"{path.name} of the question bank: {field} {error}") from None
    return Question(lesson=int(named[1]), name=named[2], **values)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """The safe loader, in C where it is there; a field written twice is an error instead of the last one's value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [key.value for key, _ in node.value]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(problem=f"the field {twice!r} is there twice")
        return super().construct_mapping(node, deep)
