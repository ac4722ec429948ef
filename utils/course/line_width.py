"""Which code lines of the notebooks are wider than JupyterLab shows beside its side bar at 1,300 pixels.

`python -m utils.course.line_width` lists them, those of an exercise's stub with the docstring of its solution in mind.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from utils.course.notebooks import NOTEBOOKS, find_notebooks, has_tag, read_notebook, shown

__all__ = ["COLUMNS", "WideLine", "main", "wide_lines"]

COLUMNS = 88


class WideLine(NamedTuple):
    """One line that is cut.

    Attributes:
        path: the notebook.
        cell: number of the code cell as a learner sees it after Run all, counted from 1.
        line: number of the line in the cell, counted from 1.
        columns: its width.
        text: the line.
    """

    path: Path
    cell: int
    line: int
    columns: int
    text: str


def wide_lines(path: Path, columns: int = COLUMNS) -> list[WideLine]:
    """Return the code lines of a notebook that are wider than a number of columns.

    The set-up cell is folded, and the same in all notebooks; its lines do not count.

    Args:
        path: the notebook.
        columns: how many are shown.
    """
    found, number = [], 0
    for cell in read_notebook(path).cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        number += 1
        if has_tag(cell, "setup"):
            continue
        for place, line in enumerate(cell.source.splitlines(), start=1):
            if len(line) > columns:
                found.append(WideLine(path, number, place, len(line), line))
    return found


def main() -> int:
    """Print every line that is too wide, and how many a notebook has; return 1 if there are any."""
    total = 0
    for path in find_notebooks(NOTEBOOKS):
        lines = wide_lines(path)
        total += len(lines)
        for one in lines:
            print(f"{shown(path)}, cell {one.cell}, line {one.line}: {one.columns} columns: {one.text.strip()}")
        print(f"{shown(path)}: {len(lines)} lines over {COLUMNS} columns")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
