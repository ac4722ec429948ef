"""The learner's own answer, written before the lesson is read and shown beside the card at its end."""

import html
import textwrap
from typing import Any

from utils.foundation.checks import told
from utils.lesson.progress import Progress
from utils.lesson.refusal import Refusal

__all__ = ["SECTION", "cleaned", "keep", "kept", "quoted"]

SECTION = "draft"
KEY = "text"


def cleaned(text: Any) -> str:
    """Return a draft without the indentation and the empty lines around it.

    Args:
        text: what the learner wrote; None counts as nothing.

    Returns:
        The text; empty where nothing was written.

    Raises:
        Refusal: not a text.

    >>> cleaned("   One thought.  ")
    'One thought.'
    """
    if text is None:
        return ""
    if not isinstance(text, str):
        raise Refusal(f'text must be what you would say, got {told(text)}; write it between the quotes: draft("""…""")')
    return "\n".join(line.rstrip() for line in textwrap.dedent(text.expandtabs(4)).splitlines()).strip()


def kept(progress: Progress, number: int) -> str:
    """Return the newest draft kept with a learner's progress, empty where there is none."""
    section = progress.lesson(number).get(SECTION)
    text = section.get(KEY) if isinstance(section, dict) else None
    return text if isinstance(text, str) else ""


def keep(progress: Progress, number: int, text: str) -> bool:
    """Keep a draft with a learner's progress; return False where that can't be written."""
    return progress.record(number, SECTION, KEY, text)


def quoted(text: str) -> str:
    """Return a draft as a Markdown quotation; its own signs for tags and formulas stay visible signs."""
    shown = html.escape(text, quote=False).replace("$", "\\$")
    return "\n".join(f"> {line}".rstrip() for line in shown.splitlines())
