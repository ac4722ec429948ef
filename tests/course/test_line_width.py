"""Code in notebooks fits beside JupyterLab's side bar: 88 columns."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from utils.course.line_width import COLUMNS, wide_lines
from utils.course.notebooks import NOTEBOOKS, find_notebooks, lesson_number

# lessons of the first edition, whose lines are broken when each gets its second; a new one must not be added here
NOT_YET = {10, 15, 17}


def test_lines_of_code_that_are_too_wide_are_found_by_cell_and_line(tmp_path):
    wide = "x = 1  # " + "é" * COLUMNS
    fits = "y" * COLUMNS
    cells = [
        new_code_cell(wide, metadata={"tags": ["setup"]}),
        new_markdown_cell(wide),
        new_code_cell(""),
        new_code_cell(f"{fits}\n{wide}\n{wide[:89]}"),
    ]
    path = tmp_path / "01_one.ipynb"
    path.write_text(writes(new_notebook(cells=cells)), encoding="utf-8")
    assert [(one.cell, one.line, one.columns) for one in wide_lines(path)] == [(2, 2, len(wide)), (2, 3, 89)]
    assert wide_lines(path, columns=len(wide)) == []


@pytest.mark.parametrize("path", find_notebooks(NOTEBOOKS), ids=lambda path: path.stem)
def test_code_of_a_notebook_is_not_cut(path):
    lines = [f"cell {one.cell}, line {one.line}: {one.text}" for one in wide_lines(path)]
    if lesson_number(path) in NOT_YET:
        assert lines, f"take {lesson_number(path)} out of NOT_YET"
    else:
        assert lines == []
