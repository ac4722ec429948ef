"""`publish`: stamp the repository's address into the README's badges and the notebooks' set-up cells."""

import json
import re
from pathlib import Path

from utils.course.colab import REPOSITORY_LINE, is_setup_cell
from utils.course.marked_text import between
from utils.course.notebooks import NOTEBOOKS, CourseError, find_notebooks, has_tag, shown, write_atomically
from utils.foundation.checkout import CHECKOUT

__all__ = ["badges", "publish", "with_repository"]

REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}/[A-Za-z0-9._-]{1,100}")
INDEX = "notebooks/index.ipynb"


def publish(repository: str, readme: Path = CHECKOUT / "README.md", folder: Path = NOTEBOOKS) -> int:
    """Stamp a repository, or take the stamp back where it is empty; stored outputs stay as they are.

    Args:
        repository: "owner/name" on GitHub, or "".
        readme: file with the two marks between which the badges stand.
        folder: folder of the notebooks.

    Returns:
        0.

    Raises:
        CourseError: the name is not of that form, or the README has no marks.
    """
    if repository and (not REPOSITORY.fullmatch(repository) or repository.endswith(("/.", "/..", ".git"))):
        raise CourseError(f"REPO must be owner/name, got {repository!r}; for example make publish REPO=owner/name")
    changes = {readme: between(_text(readme), "badges", badges(repository))}
    for path in find_notebooks(folder):
        changes[path] = with_repository(_text(path), repository)
    changed = [path for path, text in changes.items() if text != _text(path)]
    for path in changed:
        write_atomically(path, changes[path])
    what = f"stamped with {repository}" if repository else "stamp taken back"
    print(f"{what}: {', '.join(map(shown, changed)) or 'nothing to change'}")
    return 0


def badges(repository: str) -> str:
    """Return the lines of the badges, Binder and Colab, both opening the map of the lessons; "" without a repository."""
    if not repository:
        return ""
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{INDEX}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/{INDEX}"
    return (
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def with_repository(text: str, repository: str) -> str:
    """Return a notebook's text with the repository in its set-up cells; only those lines differ."""
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if not has_tag(cell, "setup") or not is_setup_cell(source):
            continue
        old = json.dumps(REPOSITORY_LINE.search(source)[0], ensure_ascii=False)[1:-1]
        new = json.dumps(f'REPOSITORY = "{repository}"', ensure_ascii=False)[1:-1]
        text = text.replace(f'"{old}\\n"', f'"{new}\\n"')
    return text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CourseError(f"cannot read {shown(path)}: {error.strerror}; fetch it again") from None
