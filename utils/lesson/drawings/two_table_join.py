"""Two tables joined row by row: the row on the right that each row on the left picks, and the rows that come too late."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from utils.lesson.drawings.strokes import DARK, INK, WORDS, arrow, box, cross, page
from utils.lesson.figure import lesson_style

__all__ = ["draw_join"]

CELL_HEIGHT, GAP = 0.34, 0.12  # of a row, and between rows
LETTER = 0.082  # width of a letter of a cell
WAY = 1.9  # between the tables
NOTHING = "∅"


@lesson_style()
def draw_join(
    ax: Axes,
    left: Sequence[str],
    right: Sequence[str],
    picks: Sequence[int | None],
    *,
    too_late: Sequence[int] = (),
    titles: tuple[str, str] = ("", ""),
) -> None:
    """Draw the rows of two tables and an arrow from each row on the left to the one that it picks.

    Args:
        ax: axes of `figure`.
        left: the rows of the left table, in words, from the top.
        right: the rows of the right table, in words, from the top.
        picks: for each row on the left the number of its row on the right, counted from 0; None where it finds none.
        too_late: numbers of the rows on the right that came too late for all rows on the left, which are crossed.
        titles: above the two tables.

    Raises:
        ValueError: an empty table, not one pick for each row on the left, a row that is not there, or a pick of a row
            that came too late.
    """
    left, right = _rows("left", left), _rows("right", right)
    picks = _checked_picks(picks, left, right)
    late = [_row_number("too_late", number, right) for number in too_late]
    if set(late) & set(picks):
        raise ValueError(
            f"too_late must be rows that nobody picks, got {sorted(set(late) & set(picks))}; drop them there"
        )
    widths = [
        max(len(text) for text in [*rows, title]) * LETTER + 0.3
        for rows, title in zip((left, right), titles, strict=True)
    ]
    height = max(len(left), len(right)) * (CELL_HEIGHT + GAP) + 0.5
    page(ax, widths[0] + WAY + widths[1] + 0.6, height)
    x_left, x_right = 0.2 + widths[0] / 2, 0.2 + widths[0] + WAY + widths[1] / 2
    for x, title in zip((x_left, x_right), titles, strict=True):
        ax.text(x, height - 0.14, title, ha="center", va="center", fontsize=9, fontweight="bold", color=INK)
    for row, (words, pick) in enumerate(zip(left, picks, strict=True)):
        box(ax, (x_left, _y(row, height)), (widths[0], CELL_HEIGHT), words, met=True, fontsize=8.6)
        _draw_pick(ax, x_left + widths[0] / 2, x_right - widths[1] / 2, row, pick, height)
    for row, words in enumerate(right):
        middle = (x_right, _y(row, height))
        box(ax, middle, (widths[1], CELL_HEIGHT), words, lit=row in picks, broken=row in late, fontsize=8.6)
        if row in late:
            cross(ax, (middle[0] + widths[1] / 2, middle[1]), radius=0.11)


def _draw_pick(ax: Axes, start: float, end: float, row: int, pick: int | None, height: float) -> None:
    y = _y(row, height)
    if pick is None:
        arrow(ax, [(start, y), (start + 0.35, y)], color=WORDS, lw=1.2)
        ax.text(start + 0.48, y, NOTHING, ha="center", va="center", fontsize=11, color=DARK)
        return
    arrow(
        ax, [(start, y), (start + 0.15, y), (end - 0.25, _y(pick, height)), (end, _y(pick, height))], lit=True, lw=1.5
    )


def _y(row: int, height: float) -> float:
    return height - 0.5 - row * (CELL_HEIGHT + GAP)


def _rows(argument: str, rows: Sequence[str]) -> list[str]:
    if isinstance(rows, str) or not len(rows):
        raise ValueError(f"{argument} must be a list of rows in words, got {rows!r}; write one text a row")
    return [str(row) for row in rows]


def _checked_picks(picks: Sequence[int | None], left: Sequence[str], right: Sequence[str]) -> list[int | None]:
    if len(picks) != len(left):
        raise ValueError(
            f"picks must have one entry for each of the {len(left)} rows of left, got {len(picks)}; add None"
        )
    return [None if pick is None else _row_number("picks", pick, right) for pick in picks]


def _row_number(argument: str, number: Any, rows: Sequence[str]) -> int:
    if isinstance(number, bool) or number not in range(len(rows)):
        raise ValueError(f"{argument} must be rows of right, 0 to {len(rows) - 1}, got {number!r}; count from 0")
    return int(number)
