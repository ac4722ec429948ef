"""Working copies: what a learner writes into stays apart from the authors' notebooks.

They lie in `learn/`, which git ignores, in the same folders as in `notebooks/`, so that links between lessons hold. A copy
carries in its metadata what it was made from; so it is known, without any other file, whether the learner has written
into it and whether the authors have changed the lesson since. Lessons are copied without outputs, which would give the
results away before they are predicted; the map keeps its own.
"""

import copy
import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from nbformat import NotebookNode

from utils.course.notebooks import (
    NOTEBOOKS,
    CourseError,
    find_lessons,
    find_notebooks,
    lesson_number,
    notebook_text,
    read_notebook,
    shown,
    write_atomically,
)
from utils.foundation.checkout import CHECKOUT
from utils.lesson.progress import Progress

__all__ = ["LEARN", "fingerprint", "make_working_copies", "working_copy"]

LEARN = CHECKOUT / "learn"
ALL = "all"


def make_working_copies(fresh: Sequence[str] = (), notebooks: Path = NOTEBOOKS, folder: Path = LEARN) -> list[str]:
    """Make the copies that are missing, and renew those into which nobody has written.

    Args:
        fresh: lessons to make anew: numbers, names, or "all" in any case, also separated by commas; a copy with answers
            is kept beside under another name.
        notebooks: folder of the authors' notebooks.
        folder: folder of the copies.

    Returns:
        Sentences that the learner should read: copies made anew, lessons that changed since their copy was made, and
        copies of lessons that the course no longer has under that name, which stay as they are.

    Raises:
        CourseError: there is no such lesson, or the folder can't be written.
    """
    originals = find_notebooks(notebooks)
    renewed = _renewed(fresh, originals, notebooks)
    sentences, changed = [], []
    for original in originals:
        made, target = working_copy(original), folder / original.relative_to(notebooks)
        is_old = target.exists() and _made_from(target) != _origin(made)
        if target.exists() and original.stem in renewed:
            sentences.append(_made_anew(made, target))
        elif not target.exists() or (is_old and not _is_touched(target)):
            _write(target, made)
        elif is_old and lesson_number(original) is not None:
            changed.append(f"{lesson_number(original):02}")
    if changed:
        sentences.append(
            f"Changed since you began: {', '.join(changed)}. What you wrote is kept; for the new version, with yours "
            f'beside it: make lab FRESH="{" ".join(changed)}"'
        )
    orphans = _orphans({original.relative_to(notebooks) for original in originals}, folder)
    return sentences + ([f"Kept, but no longer in the course under that name: {orphans}."] if orphans else [])


def working_copy(original: Path) -> NotebookNode:
    """Return a learner's copy of a notebook, a lesson without outputs.

    Args:
        original: path of the authors' notebook.
    """
    notebook = copy.deepcopy(read_notebook(original))
    notebook.metadata["course"] = {"made_from": fingerprint(notebook)}
    if lesson_number(original) is not None:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
    return notebook


def fingerprint(notebook: NotebookNode) -> str:
    """Return a short text that changes with any cell's source, and with nothing else.

    Args:
        notebook: a notebook in format 4.
    """
    sources = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]


def _renewed(fresh: Sequence[str], originals: Sequence[Path], notebooks: Path) -> set[str]:
    """Return the stems of the notebooks whose copies are to be made anew."""
    names = [name for text in fresh for name in ([text] if text.endswith(".ipynb") else text.replace(",", " ").split())]
    known = {path.stem for path in originals}
    if ALL in map(str.casefold, names):
        return known
    wanted = {path.stem for path in find_lessons(notebooks, names)} if names else set()
    if wanted - known:
        raise CourseError(f"there is no lesson {min(wanted - known)} in {shown(notebooks)}; give its number")
    return wanted


def _orphans(known: Collection[Path], folder: Path) -> str:
    """Return the copies whose original is gone, each with the name that its number has now; "" if there are none."""
    now = {lesson_number(path): path for path in known}
    found = []
    for path in sorted(folder.rglob("*.ipynb")):
        place = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in place.parts)  # a checkpoint of JupyterLab
        if place in known or is_hidden or lesson_number(path) is None or not _made_from(path):
            continue
        successor = now.get(lesson_number(path))
        found.append(shown(path) + (f" (now {successor.as_posix()})" if successor else ""))
    return ", ".join(found)


def _made_anew(made: NotebookNode, target: Path) -> str:
    """Put a fresh copy in place; keep the old one beside it if there is anything of the learner's in it."""
    told = f"{shown(target)} is fresh"
    if _is_touched(target):
        names = (target.with_name(f"{target.stem}.before-{n}.ipynb") for n in range(1, 10_000))
        kept = next(name for name in names if not name.exists())
        try:
            target.rename(kept)
        except OSError as error:
            raise CourseError(f"cannot move {shown(target)}: {error.strerror}; check its folder") from None
        told += f"; yours is kept as {kept.name}"
    _write(target, made)
    if lesson_number(target) is not None:
        Progress().forget_shown(lesson_number(target))
    return f"{told}."


def _write(target: Path, made: NotebookNode) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"cannot make {shown(target.parent)}: {error.strerror}; check the checkout's folder"
        ) from None
    write_atomically(target, notebook_text(made))


def _is_touched(target: Path) -> bool:
    """Whether a cell of a copy is not as it was copied; a file that is no notebook is somebody's too."""
    try:
        notebook = read_notebook(target)
    except (CourseError, OSError):
        return True
    return fingerprint(notebook) != _origin(notebook)


def _made_from(target: Path) -> str:
    try:
        return _origin(read_notebook(target))
    except (CourseError, OSError):
        return ""


def _origin(notebook: NotebookNode) -> str:
    return notebook.metadata.get("course", {}).get("made_from", "")
