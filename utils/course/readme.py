"""The parts of the README that are made from the course itself: the map, the findings, the figure.

`python -m utils.course.readme` writes them; `--check` says whether they are up to date.
"""

import argparse
import io
import json
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from utils.course.claims import STORED
from utils.course.index import Row, map_of_lessons, tables_by_part
from utils.course.marked_text import between
from utils.course.notebooks import write_atomically
from utils.foundation.checkout import CHECKOUT
from utils.lesson.claim import Claim
from utils.lesson.figure import DOTS_PER_INCH, in_few_colors, lesson_style
from utils.lesson.questions import Question, question_bank
from utils.lesson.whiteboard import SIZE, draw_whiteboard, in_words

__all__ = ["FIGURE", "README", "figure", "findings", "is_same_picture", "lesson_map", "made", "main"]

README = CHECKOUT / "README.md"
FIGURE = CHECKOUT / "docs" / "whiteboard.png"
# one visit to the feed; a figure of a lesson would give away what its learner is about to predict
VISIT = ("client", "gateway", "feed service", "online store", "feed service", "model server")
STEP, SHARE_OF_PIXELS = 64, 0.01  # what another version of matplotlib may change: by so much of 255, in so many pixels


def lesson_map(rows: Sequence[Row]) -> str:
    """Return the README's map in Markdown; lessons that are not built yet say so."""

    def cells(row: Row) -> tuple[str, ...]:
        return str(row.number), row.link("notebooks/"), row.question + ("" if row.is_built else " *(not built yet)*")

    return tables_by_part(rows, ("", "Lesson", "Question"), cells)


def findings(bank: Mapping[int, Question], stored: Mapping[str, Mapping[str, dict]]) -> str:
    """Return one measured claim a built lesson as a Markdown table.

    Args:
        bank: the questions; each names its finding.
        stored: lesson name -> claim id -> record, as in data/claims.json.

    Returns:
        The table.

    Raises:
        ValueError: a lesson has claims, and its finding is none of them.
    """
    lines = ["| Lesson | What the run asserts | Measured | Bound |", "|:---|:---|---:|---:|"]
    for number, question in sorted(bank.items()):
        records = stored.get(f"{number:02}_{question.name}")
        if not question.finding or not records:
            continue
        if question.finding not in records:
            known = ", ".join(records)
            raise ValueError(f"finding of lesson {number} must be one of its claims {known}, got {question.finding!r}")
        record = records[question.finding]
        fields = {key: record[key] for key in ("text", "measured", "relation", "bound", "because", "unit")}
        claim = Claim(question.finding, **fields)
        cells = (question.title, claim.text, claim.measured_text, claim.bound_text)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def figure() -> tuple[bytes, str]:
    """Return the bytes of the README's figure, the whiteboard with the way of one visit, and its words."""
    picture = {"lit": ("feed service",), "path": VISIT}
    with lesson_style():
        canvas = Figure(figsize=SIZE, layout="constrained")
        draw_whiteboard(canvas.subplots(), **picture)
        image = io.BytesIO()
        canvas.savefig(image, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return in_few_colors(image.getvalue()), in_words(**picture)


def is_same_picture(one: bytes, other: bytes) -> bool:
    """Whether two pictures are the same to the eye: letters drawn by another version of matplotlib differ a little.

    Args:
        one: the bytes of a PNG.
        other: likewise; what is no picture is the same as none.
    """
    try:
        ours, theirs = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int) for png in (one, other))
    except (UnidentifiedImageError, OSError):
        return False
    if ours.shape != theirs.shape:
        return False
    return bool((np.abs(ours - theirs).max(axis=2) > STEP).mean() <= SHARE_OF_PIXELS)


def made() -> tuple[str, bytes]:
    """Return the README's text and the figure's bytes as they should be."""
    image, words = figure()
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    text = between(README.read_text(encoding="utf-8"), "map", lesson_map(map_of_lessons()))
    text = between(text, "findings", findings(question_bank(), stored))
    return between(text, "figure", f"![{words}](docs/{FIGURE.name})"), image


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the README's made parts, or with `--check` say whether they are up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    options = parser.parse_args(arguments)
    text, image = made()
    current = FIGURE.read_bytes() if FIGURE.exists() else b""
    is_same = is_same_picture(image, current)
    is_current = text == README.read_text(encoding="utf-8") and is_same
    if options.check:
        print("README is up to date" if is_current else "README is out of date: python -m utils.course.readme")
        return 0 if is_current else 1
    if not is_same:
        FIGURE.parent.mkdir(exist_ok=True)
        FIGURE.write_bytes(image)
    write_atomically(README, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
