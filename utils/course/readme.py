"""The parts of the README that are made from the course itself: the map, the findings, the figure.

`python -m utils.course.readme` writes them; `--check` says whether they are up to date.
"""

import argparse
import base64
import json
import re
import sys

from utils.course.claims import STORED
from utils.course.index import map_of_lessons
from utils.course.notebooks import read_notebook, write_atomically
from utils.foundation.checkout import CHECKOUT
from utils.lesson.claim import Claim
from utils.lesson.progress import Progress
from utils.lesson.questions import question_bank

README = CHECKOUT / "README.md"
FIGURE = CHECKOUT / "docs" / "alarms_and_money.png"
FIGURE_LESSON, FIGURE_TITLE = 7, "Figure: The alarms do not follow the money"
# lesson -> the claim that says most in one line
FINDINGS = {
    6: "event_inflation",
    7: "misjoin_loss",
    10: "modulo_lost",
    13: "storm_multiple",
    14: "promise_raw",
    15: "true_shortfall",
    17: "peeking",
    19: "usual_orders",
    20: "winter_gain",
}


def between(text, name, content):
    """Return a text whose part between the markers of `name` is `content`."""
    pattern = re.compile(rf"(<!-- {name}:start -->\n).*?(\n?<!-- {name}:end -->)", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"README.md must have the markers of {name!r} once, start and end")
    return pattern.sub(lambda found: f"{found[1]}{content}\n<!-- {name}:end -->", text)


def lesson_map(nobody):
    """Return the map of lessons without anybody's progress."""
    lines = [
        line.rsplit("|", 2)[0] + "|" if line.startswith("|") else line for line in map_of_lessons(nobody).split("\n")
    ]
    marked = []
    for line, full in zip(lines, map_of_lessons(nobody).split("\n"), strict=True):
        marked.append(line.rstrip("|").rstrip() + " *(not built yet)* |" if "not\u00a0built" in full else line)
    return "\n".join(marked)


def findings():
    """Return one measured claim a lesson as a Markdown table."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    lines = ["| Lesson | What the run asserts | Measured | Bound |", "|:---|:---|---:|---:|"]
    for number, claim_id in FINDINGS.items():
        question = question_bank()[number]
        record = stored[f"{number:02}_{question.name}"][claim_id]
        fields = {key: record[key] for key in ("text", "measured", "relation", "bound", "because", "unit")}
        claim = Claim(claim_id, **fields)
        lines.append(f"| {question.title} | {claim.text} | {claim.measured_text} | {claim.bound_text} |")
    return "\n".join(lines)


def figure():
    """Return the bytes of the README's figure and its words, as stored in its lesson."""
    notebook = read_notebook(CHECKOUT / question_bank()[FIGURE_LESSON].notebook)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}) and output["data"]["text/plain"].startswith(FIGURE_TITLE):
                return base64.b64decode(output["data"]["image/png"]), output["metadata"]["image/png"]["alt"]
    raise ValueError(f"lesson {FIGURE_LESSON} has no figure whose title starts with {FIGURE_TITLE!r}")


def made(nobody):
    """Return the README's text and the figure's bytes as they should be."""
    image, words = figure()
    text = between(README.read_text(encoding="utf-8"), "map", lesson_map(nobody))
    text = between(text, "findings", findings())
    return between(text, "figure", f"![{words}](docs/{FIGURE.name})"), image


def main(arguments=None):
    """Write the README's made parts, or with `--check` say whether they are up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    options = parser.parse_args(arguments)
    text, image = made(Progress(CHECKOUT / "runs" / "nobody"))
    current = FIGURE.read_bytes() if FIGURE.exists() else b""
    is_current = text == README.read_text(encoding="utf-8") and image == current
    if options.check:
        print("README is up to date" if is_current else "README is out of date: python -m utils.course.readme")
        return 0 if is_current else 1
    FIGURE.parent.mkdir(exist_ok=True)
    FIGURE.write_bytes(image)
    write_atomically(README, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
