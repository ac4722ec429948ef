"""Imports in utils point downwards only, from room to room without a circle, as DESIGN.md says."""

import ast
import graphlib
import importlib.util

import pytest

from utils.foundation.checkout import CHECKOUT

UTILS = CHECKOUT / "utils"
PARTS = {"framing", "features", "systems", "learning", "experiments", "monitoring"}
GROUND = {"foundation", "world"}
MAY_IMPORT = {
    "foundation": set(),
    "world": {"foundation"},
    "lesson": {"foundation"},
    **{part: GROUND for part in PARTS},
    "capstone": GROUND | PARTS,
    "course": {"foundation", "lesson", "world"},
    "exercises": GROUND | PARTS | {"lesson", "course", "capstone"},
}


def module_name(path):
    """Return the dotted name of a file below utils, a package's `__init__` by the package's name."""
    parts = ("utils", *path.relative_to(UTILS).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules():
    return {module_name(path): path for path in sorted(UTILS.rglob("*.py"))}


def imported_names(source, module, *, is_package=False):
    """Return the dotted names of utils that a module's source imports, relative imports resolved.

    A call of `importlib.import_module` or `__import__` counts where the name of the module is written out.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            base = base[: len(base) - node.level + is_package] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            names |= _written_out(node)
    return {name for name in names if name.split(".")[0] == "utils"}


def _called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", None))


def _written_out(call):
    """Return the module that a call imports, in a set; an empty set where its name is computed."""
    texts = {keyword.arg: keyword.value for keyword in call.keywords}
    texts |= dict(zip(("name", "package"), call.args, strict=False))
    name, package = (getattr(texts.get(key), "value", None) for key in ("name", "package"))
    if not isinstance(name, str):
        return set()
    if _called(call) == "import_module" and name.startswith(".") and isinstance(package, str):
        name = importlib.util.resolve_name(name, package)
    return {name}


def violations(source, module, *, is_package=False):
    """Return the imports of a module (such as "utils.world.truth") that do not point downwards."""
    own = module.split(".")[1]
    rooms = {name: [*name.split("."), ""][1] for name in imported_names(source, module, is_package=is_package)}
    return sorted(name for name, room in rooms.items() if room != own and room not in MAY_IMPORT[own])


def import_graph(sources, packages=()):
    """Return module -> the modules of `sources` (module -> text) that it imports; `packages` name `__init__` files."""
    graph = {}
    for module, text in sources.items():
        found = set()
        for name in imported_names(text, module, is_package=module in packages):
            candidates = [known for known in (name, name.rpartition(".")[0]) if known in sources]
            found |= set(candidates[:1]) - {module}
        graph[module] = found
    return graph


def is_package(path):
    return path.name == "__init__.py"


@pytest.mark.parametrize("module", [name for name in modules() if name != "utils"])
def test_module_imports_only_from_layers_below(module):
    path = modules()[module]
    assert violations(path.read_text(encoding="utf-8"), module, is_package=is_package(path)) == []


def test_no_module_imports_itself_through_others():
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    packages = {name for name, path in modules().items() if is_package(path)}
    order = list(graphlib.TopologicalSorter(import_graph(sources, packages)).static_order())
    assert len(order) == len(sources)


def test_every_package_of_utils_has_a_layer():
    assert {name.split(".")[1] for name in modules() if name != "utils"} <= set(MAY_IMPORT)


def test_the_root_of_utils_holds_packages_only():
    assert [path.name for path in UTILS.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("from utils.learning.feedback import bandits", "utils.world.truth", ["utils.learning.feedback.bandits"]),
        ("import utils.course.run", "utils.lesson.claim", ["utils.course.run"]),
        ("def f():\n    from utils.exercises import skew", "utils.features.skew.parity", ["utils.exercises.skew"]),
        ("from ..learning import feedback", "utils.world.truth", ["utils.learning.feedback"]),
        ("from utils.systems.hashing import ring", "utils.learning.feedback.bandits", ["utils.systems.hashing.ring"]),
        ("from utils.lesson import say", "utils.learning.feedback.bandits", ["utils.lesson.say"]),
        ("from utils.world import World", "utils.foundation.checks", ["utils.world.World"]),
        ("from utils import exercises", "utils.world.truth", ["utils.exercises"]),
        ("from utils.world import World\nimport numpy", "utils.learning.feedback.bandits", []),
        ("from .truth import Truth", "utils.world.world", []),
        ("from utils.features.skew.parity import replay_parity", "utils.features.store.feature_store", []),
        ("from utils.course import run", "utils.exercises.skew", []),
        ("import importlib\nimportlib.import_module('utils.course.run')", "utils.lesson.claim", ["utils.course.run"]),
        ("import_module(name='utils.course')", "utils.lesson.claim", ["utils.course"]),
        ("import_module('..course', 'utils.lesson')", "utils.lesson.claim", ["utils.course"]),
        ("__import__('utils.exercises.skew')", "utils.lesson.claim", ["utils.exercises.skew"]),
        ("import_module('numpy')\nimport_module(name)", "utils.lesson.claim", []),
    ],
)
def test_checker_sees_what_points_upwards(source, module, found):
    assert violations(source, module) == found


def test_checker_resolves_the_relative_imports_of_a_package():
    assert violations("from ..course import run", "utils.lesson", is_package=True) == ["utils.course.run"]
    assert violations("from .claim import Claim", "utils.lesson", is_package=True) == []


def test_checker_sees_a_circle_through_the_relative_imports_of_a_package():
    sources = {"utils.a": "from .one import f", "utils.a.one": "from utils.a import g"}
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(import_graph(sources, {"utils.a"})).prepare()


def test_checker_sees_a_circle_between_rooms():
    sources = {
        "utils.a.one": "from utils.a.two import f",
        "utils.a.two": "def g():\n    from utils.a import one",
        "utils.a": "",
    }
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(import_graph(sources)).prepare()
