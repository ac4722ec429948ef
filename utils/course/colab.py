"""The set-up cell of the lessons, and what it needs on Colab: the requirements that are missing, and only those.

Only the standard library: this runs before anything is installed.
"""

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from utils.foundation.checkout import CHECKOUT

__all__ = [
    "REPOSITORY_LINE",
    "SETUP_CELL",
    "canonical",
    "install_missing_requirements",
    "installed",
    "is_setup_cell",
    "missing_requirements",
]

REPOSITORY_LINE = re.compile(r'^REPOSITORY = "([^"\n]*)"', re.MULTILINE)

SETUP_CELL = """\
# @title Set-up: finds the course here, or on Colab fetches it. Nothing to fill in.
import subprocess, sys
from pathlib import Path

REPOSITORY = ""
root = next((folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "utils/course").is_dir()), None)
if "google.colab" in sys.modules and root is None:
    root = Path("platter-course").resolve()
    if not REPOSITORY:
        sys.exit("This copy does not know its repository: open the notebook from the badge in the README.")
    if not root.exists():
        subprocess.run(["git", "clone", "-q", "--depth=1", f"https://github.com/{REPOSITORY}", str(root)], check=True)
sys.path[:0] = [str(root)] if root else []
if "google.colab" in sys.modules:
    from utils.course.colab import install_missing_requirements
    install_missing_requirements()
"""


def is_setup_cell(source: str) -> bool:
    """Whether a cell's source is the set-up cell, stamped with a repository or not."""
    return REPOSITORY_LINE.sub('REPOSITORY = ""', source).strip() == SETUP_CELL.strip()


def missing_requirements(pyproject: Path = CHECKOUT / "pyproject.toml") -> list[str]:
    """Return the course's own requirements, such as "river>=0.22", of which no version is installed."""
    requirements = tomllib.loads(Path(pyproject).read_text(encoding="utf-8"))["project"]["dependencies"]
    present = {canonical(name) for name, _ in installed()}
    return [text for text in requirements if canonical(re.match(r"[\w.-]+", text)[0]) not in present]


def install_missing_requirements(pyproject: Path = CHECKOUT / "pyproject.toml") -> None:
    """Install what is missing with pip; what is installed keeps its version, for the kernel may have loaded it."""
    missing = missing_requirements(pyproject)
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "installed.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in installed()), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "-c", str(constraints), *missing], capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        sys.exit(f"pip could not add {', '.join(missing)}: {last[0]}")
    importlib.invalidate_caches()


def installed() -> list[tuple[str, str]]:
    """Return (name, version) of every installed distribution that pip can be held to."""
    found = {(dist.metadata["Name"], dist.version) for dist in importlib.metadata.distributions()}
    return sorted((name, version) for name, version in found if name and re.match(r"\d+(\.\d+)*", version or ""))


def canonical(name: str) -> str:
    """Return a distribution's name as indexes compare it.

    >>> canonical("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
