"""Imports between the packages of utils point downwards only, as DESIGN.md says."""

import ast
from pathlib import Path

import pytest

UTILS = Path(__file__).resolve().parents[1] / "utils"
PARTS = {"features", "systems", "learning", "experiments", "monitoring"}
GROUND = {"world", "lesson"}
MAY_IMPORT = {
    "lesson": set(),
    "world": set(),
    **{part: GROUND | PARTS for part in PARTS},
    "course": {"lesson"},
    "exercises": GROUND | PARTS | {"course"},
}


def imported_modules(source, package):
    """Return the dotted names of utils that a module's source imports; `package` resolves relative imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "utils"}


def violations(source, package):
    """Return the imports of a module in `package` (such as "utils.world") that do not point downwards."""
    own = package.split(".")[1]
    found = []
    for name in imported_modules(source, package):
        parts = name.split(".")
        room = parts[1] if len(parts) > 1 else ""
        private = own in PARTS and room in PARTS - {own} and any(part.startswith("_") for part in parts[2:])
        if room != own and (room not in MAY_IMPORT[own] or private):
            found.append(name)
    return sorted(found)


def modules():
    return sorted(path for path in UTILS.rglob("*.py") if path.parent != UTILS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(UTILS).as_posix())
def test_module_imports_only_from_layers_below(path):
    package = ".".join(("utils", *path.parent.relative_to(UTILS).parts))
    assert violations(path.read_text(encoding="utf-8"), package) == []


def test_every_package_of_utils_has_a_layer():
    assert {path.parent.relative_to(UTILS).parts[0] for path in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("from utils.learning import bandits", "utils.world", ["utils.learning.bandits"]),
        ("import utils.course.run", "utils.lesson", ["utils.course.run"]),
        ("def f():\n    from utils.exercises import skew", "utils.features", ["utils.exercises.skew"]),
        ("from ..learning import bandits", "utils.world", ["utils.learning.bandits"]),
        ("from utils.systems.queueing import _wait", "utils.learning", ["utils.systems.queueing._wait"]),
        ("from utils import exercises", "utils.world", ["utils.exercises"]),
        ("from utils.systems.queueing import wait", "utils.learning", []),
        ("from utils.world import World\nimport numpy", "utils.learning", []),
        ("from .truth import Truth", "utils.world", []),
        ("from utils.course import run", "utils.exercises", []),
    ],
)
def test_checker_sees_what_points_upwards(source, package, found):
    assert violations(source, package) == found
