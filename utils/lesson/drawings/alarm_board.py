"""A board of alarms: a row a case, a column a detector, dark where it speaks, and what it read in words."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from utils.lesson.drawings.strokes import WORDS

__all__ = ["draw_alarm_board"]

MOST_LETTERS = 11  # of a line above a column


def draw_alarm_board(ax: Axes, alarms: pd.DataFrame, words: pd.DataFrame, *, fontsize: float = 9) -> None:
    """Draw which detector speaks in which case, and write its reading into each tile.

    Args:
        ax: axes of `figure`.
        alarms: of true and false; a row a case, a column a detector.
        words: what each tile says, same rows and columns in the same order.
        fontsize: of the tiles, points.

    Raises:
        ValueError: an empty board, values other than true and false, rows or columns that differ.
    """
    loud = alarms.to_numpy()
    if loud.size == 0 or loud.dtype != bool:
        raise ValueError(f"alarms must hold true and false, got {loud.dtype} of shape {loud.shape}; compare first")
    if not (alarms.index.equals(words.index) and alarms.columns.equals(words.columns)):
        raise ValueError("words must have the rows and columns of alarms, got others; build both from one table")
    ax.imshow(loud, cmap="Greys", vmin=0, vmax=1.5, aspect="auto")
    ax.set_xticks(range(loud.shape[1]), [_heading(str(name)) for name in alarms.columns], fontsize=fontsize - 0.5)
    ax.set_yticks(range(loud.shape[0]), [str(name) for name in alarms.index])
    ax.grid(False)
    for (row, column), speaks in np.ndenumerate(loud):
        color = "white" if speaks else WORDS
        ax.text(column, row, words.iloc[row, column], ha="center", va="center", color=color, fontsize=fontsize)


def _heading(name: str) -> str:
    """Break a detector's name between words, so that no line is long."""
    lines = [""]
    for word in name.replace("-", "- ").split():
        longer = f"{lines[-1]}{'' if lines[-1].endswith('-') else ' '}{word}".strip()
        if lines[-1] and len(longer) > MOST_LETTERS:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
