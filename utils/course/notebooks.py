"""The notebooks of the course: where they are, which were asked for, how a file is read and written."""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from utils.foundation.checkout import CHECKOUT

__all__ = [
    "NOTEBOOKS",
    "CourseError",
    "find_lessons",
    "find_notebooks",
    "first_line",
    "give_missing_ids",
    "has_tag",
    "lesson_number",
    "notebook_text",
    "read_notebook",
    "shown",
    "write_atomically",
]

NOTEBOOKS = CHECKOUT / "notebooks"
LESSON_NAME = re.compile(r"(\d\d)_\w+")


class CourseError(Exception):
    """Something the person at the keyboard can put right; the message is one line and names the remedy."""


def lesson_number(path: Path | str) -> int | None:
    """Return the number in a lesson's file name, or None where there is none.

    >>> lesson_number("notebooks/2_features/07_training_serving_skew.ipynb")
    7
    """
    match = LESSON_NAME.fullmatch(Path(path).stem)
    return int(match[1]) if match else None


def find_lessons(folder: Path = NOTEBOOKS, wanted: Sequence[str] = ()) -> list[Path]:
    """Return the lessons' paths in the order of their numbers.

    Args:
        folder: where to look, recursively.
        wanted: numbers ("7", "07"), names ("07_training_serving_skew", with or without the number, in any case) or
            paths; empty means all.

    Returns:
        The paths, each once.

    Raises:
        CourseError: nothing was found, or a wanted one does not exist.
    """
    lessons = sorted((p for p in _notebook_files(folder) if lesson_number(p) is not None), key=lambda path: path.stem)
    if not wanted:
        if not lessons:
            raise CourseError(f"no lesson found in {shown(folder)}; lessons are named <part>/<nn>_<name>.ipynb")
        return lessons
    return list(dict.fromkeys(_wanted_lesson(str(name), lessons, folder) for name in wanted))


def find_notebooks(folder: Path = NOTEBOOKS, wanted: Sequence[str] = ()) -> list[Path]:
    """Return the lessons and, where all are asked for, every other notebook of the folder such as the index.

    Args:
        folder: where to look, recursively.
        wanted: as for `find_lessons`.

    Raises:
        CourseError: nothing was found, or a wanted one does not exist.
    """
    if wanted:
        return find_lessons(folder, wanted)
    notebooks = sorted(_notebook_files(folder))
    if not notebooks:
        raise CourseError(f"no notebook found in {shown(folder)}; the course keeps them in notebooks/<part>/")
    return notebooks


def shown(path: Path | str) -> str:
    """Return a path as a person wants to read it: relative to the current folder where it lies below it."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Return a notebook in format 4.5; a cell without an id gets one that depends on its place only.

    Raises:
        CourseError: the file is not a notebook.
    """
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        if raw["nbformat"] < 4:
            raise CourseError(f"{shown(path)} is in the old format {raw['nbformat']}; open and save it in JupyterLab")
        give_missing_ids(raw["cells"])
        raw["nbformat_minor"] = max(5, raw.get("nbformat_minor", 0))
        return nbformat.reads(json.dumps(raw), as_version=4)
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{shown(path)} is not a notebook: {first_line(str(error)) or type(error).__name__}"
        ) from None


def give_missing_ids(cells: Sequence[dict]) -> None:
    """Give each cell without an id the id `cell-<place>`, counted from 0 and not yet taken."""
    taken = {cell["id"] for cell in cells if "id" in cell}
    for place, cell in enumerate(cells):
        if "id" in cell:
            continue
        candidates = (f"cell-{place}{suffix}" for suffix in ("", *(f"-{n}" for n in range(1, len(cells) + 1))))
        cell["id"] = next(name for name in candidates if name not in taken)
        taken.add(cell["id"])


def notebook_text(notebook: nbformat.NotebookNode) -> str:
    """Return the text of a notebook's file: indent 1, sorted keys, a newline at the end."""
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def write_atomically(path: Path | str, text: str) -> None:
    """Write a text file so that a reader sees the old or the new one, never half; keep the file's mode.

    Args:
        path: the file; its folder exists.
        text: the whole of it.

    Raises:
        CourseError: the folder can't be written or is full.
    """
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise CourseError(
            f"cannot write {shown(path)}: {error.strerror}; free some space or check its folder"
        ) from None


def has_tag(cell: Mapping[str, Any], tag: str) -> bool:
    """Whether a cell carries a tag."""
    return tag in cell.get("metadata", {}).get("tags", [])


def first_line(text: str, width: int = 200) -> str:
    """Return the first line of a text that is not empty, cut to a width."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 1] + "…"


def _notebook_files(folder: Path) -> list[Path]:
    found = Path(folder).rglob("*.ipynb")
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _wanted_lesson(name: str, lessons: Iterable[Path], folder: Path) -> Path:
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise CourseError(f"there is no notebook {name}; give a number such as 07, or a path that exists")
        return Path(name).resolve()
    for path in lessons:
        names = (path.stem.casefold(), path.stem.partition("_")[2].casefold())
        if name.casefold() in names or (name.isdecimal() and int(name) == lesson_number(path)):
            return path
    built = ", ".join(f"{lesson_number(path):02}" for path in lessons) or "none"
    raise CourseError(f"there is no lesson {name} in {shown(folder)}; built so far: {built}")
