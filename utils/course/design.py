"""The part of DESIGN.md that is made from the course itself: the table of public names, read from each `__all__`.

`python -m utils.course.design` writes it; `--check` says whether it is up to date.
"""

import argparse
import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from utils.course.marked_text import between
from utils.course.notebooks import write_atomically
from utils.foundation.checkout import CHECKOUT

__all__ = ["DESIGN", "exported", "made", "main", "names_table", "public_names"]

DESIGN = CHECKOUT / "DESIGN.md"
WITHOUT_NAMES = {"exercises", "course"}  # the runner is used by command, an exercise by its number


def exported(source: str) -> tuple[str, ...]:
    """Return the names in the `__all__` of a module's source, in its order; none where there is no `__all__`.

    >>> exported('__all__ = ["psi", "ks_distance"]')
    ('psi', 'ks_distance')
    """
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if [target.id for target in targets if isinstance(target, ast.Name)] == ["__all__"]:
            return tuple(ast.literal_eval(node.value))
    return ()


def public_names(root: Path = CHECKOUT / "utils") -> dict[str, tuple[str, ...]]:
    """Return module -> its public names for every module that states them, nothing imported.

    Args:
        root: folder of the package utils.
    """
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = ("utils", *path.relative_to(root).with_suffix("").parts)
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        names = exported(path.read_text(encoding="utf-8"))
        if names and parts[1] not in WITHOUT_NAMES:
            found[module] = names
    return found


def names_table(names: Mapping[str, Sequence[str]]) -> str:
    """Return the table of modules and names in Markdown."""
    lines = [f"| `{module}` | {', '.join(f'`{name}`' for name in names[module])} |" for module in sorted(names)]
    return "\n".join(["| module | names |", "|---|---|", *lines])


def made() -> str:
    """Return the text of DESIGN.md as it should be."""
    return between(DESIGN.read_text(encoding="utf-8"), "names", names_table(public_names()), page=DESIGN.name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table into DESIGN.md, or with `--check` say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something would change")
    options = parser.parse_args(arguments)
    text = made()
    if options.check:
        is_current = text == DESIGN.read_text(encoding="utf-8")
        print("DESIGN is up to date" if is_current else "DESIGN is out of date: python -m utils.course.design")
        return 0 if is_current else 1
    write_atomically(DESIGN, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
