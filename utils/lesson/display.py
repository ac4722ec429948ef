"""Words, numbers and small tables that a run prints: the same bytes on every machine."""

import math
from collections.abc import Mapping
from typing import Any, SupportsFloat

import pandas as pd
from IPython.display import display

__all__ = ["SIGNIFICANT_DIGITS", "number", "say", "table"]

SIGNIFICANT_DIGITS = 3


def number(value: SupportsFloat, digits: int = SIGNIFICANT_DIGITS, unit: str = "") -> str:
    """Write a number as a person reads it: few digits, thousands separated, no minus zero.

    Args:
        value: a real number; NaN is written as an en dash.
        digits: significant digits kept (whole numbers keep all of theirs).
        unit: written behind the number; "%" turns a share into percent, "€" is written in front.

    >>> number(0.0512, unit="%"), number(122107), number(1234.5678), number(-0.0), number(3.0, unit="orders")
    ('5.12%', '122,107', '1,235', '0', '3 orders')
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit == "%":
        return _decimal(100 * value, digits) + "%"
    if unit == "€":
        return ("−€" if value < 0 else "€") + _decimal(abs(value), digits).replace("−", "")
    return _decimal(value, digits) + (f" {unit}" if unit else "")


def _decimal(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}".replace("-", "−", 1) if value < 0 else f"{value:.{digits - 1}e}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def say(text: str) -> None:
    """Show a sentence of the lesson, in Markdown, that carries results of this run.

    Args:
        text: the sentence.

    Raises:
        ValueError: it is empty or no text.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"text must be a sentence, got {text!r}; pass a non-empty string")
    display({"text/markdown": text, "text/plain": text}, raw=True)


def table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    formats: Mapping[str, str] | None = None,
    digits: int = SIGNIFICANT_DIGITS,
) -> None:
    """Show a data frame as a small Markdown table, numbers to the right.

    Args:
        frame: pandas data frame; its index is not shown (`reset_index` first where it says something).
        caption: one sentence above the table.
        formats: column name -> unit for `number` ("%", "€", …) or a format such as "{:.2f}".
        digits: significant digits of the other numbers.

    Raises:
        ValueError: the frame has no columns, or `formats` names one that it lacks.
    """
    if len(frame.columns) == 0:
        raise ValueError("frame must have columns, got none; pass the columns to show")
    formats = formats or {}
    unknown = set(formats) - set(frame.columns)
    if unknown:
        raise ValueError(f"formats names columns that frame lacks: {sorted(unknown)}; use {list(frame.columns)}")
    is_number = [kind.kind in "iuf" for kind in (frame[c].to_numpy().dtype for c in frame.columns)]
    lines = ["| " + " | ".join(_cell(c) for c in frame.columns) + " |"]
    lines.append("|" + "|".join("---:" if right else ":---" for right in is_number) + "|")
    for row in zip(*(frame[c].tolist() for c in frame.columns), strict=True):
        cells = [_written(value, formats.get(c), digits) for c, value in zip(frame.columns, row, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    text = (f"**{caption}**\n\n" if caption else "") + "\n".join(lines)
    display({"text/markdown": text, "text/plain": text}, raw=True)


def _written(value: Any, form: str | None, digits: int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, (int, float)):
        if form and "{" in form:
            return form.format(value).replace("-", "−")
        return number(value, digits, form or "")
    return _cell(value)


def _cell(value: Any) -> str:
    return str(value).replace("|", r"\|").replace("\n", " ")
