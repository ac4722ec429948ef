"""Folded cells: set-up, drawing and table code that a reader opens with one click.

An author tags a cell `plumbing` and starts it with a comment; `make execute` makes the rest of that one tag: what folds
the cell in JupyterLab (`jupyter.source_hidden`), in the web book (tag `hide-input`) and on Colab (`cellView: form`,
which shows the first line's `# @title`). Without the tag all of this is taken back.
"""

import re

from nbformat import NotebookNode

from utils.course.notebooks import CourseError, has_tag

__all__ = ["PLUMBING", "fold"]

PLUMBING, HIDE_INPUT = "plumbing", "hide-input"
COLAB_VIEW, COLAB_TITLE = "cellView", "# @title "
COMMENT = re.compile(r"#\s*(?:@title\s+)?(\S.*)")


def fold(cell: NotebookNode) -> None:
    """Fold a code cell that is tagged `plumbing`, in place, and open one that is not; twice gives the same.

    Args:
        cell: code cell; its first line, a comment, becomes the title that Colab shows.

    Raises:
        CourseError: a tagged cell does not start with a comment.
    """
    first, newline, rest = cell.source.partition("\n")
    comment = COMMENT.fullmatch(first)
    tags = [tag for tag in cell.metadata.get("tags", []) if tag != HIDE_INPUT]
    if has_tag(cell, PLUMBING):
        if not comment:
            raise CourseError(f"a cell tagged {PLUMBING} must start with a comment, its title, got {first!r:.60}")
        cell.source = f"{COLAB_TITLE}{comment[1]}{newline}{rest}"
        cell.metadata["tags"] = [*tags, HIDE_INPUT]
        cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), "source_hidden": True}
        cell.metadata[COLAB_VIEW] = "form"
        return
    if comment and first.startswith(COLAB_TITLE):
        cell.source = f"# {comment[1]}{newline}{rest}"
    if "tags" in cell.metadata:
        cell.metadata["tags"] = tags
    cell.metadata.get("jupyter", {}).pop("source_hidden", None)
    cell.metadata.pop(COLAB_VIEW, None)
    for name in ("tags", "jupyter"):
        if name in cell.metadata and not cell.metadata[name]:
            del cell.metadata[name]
