"""Parameters given on the command line, checked against the cell tagged `parameters` before anything runs.

A value has its default's type. Where the default is a positive whole number the value must be one too (a seed may be
0), and where it is not negative the value must not be. A lesson that needs more says so at the end of the comment:
`LOOKS = 20  # how often the team looks (at least 2)`; also `(at most 7)` and `(0 to 1)`.
"""

import ast
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from utils.course.notebooks import CourseError, has_tag

__all__ = ["Declared", "check_parameters", "declared_parameters", "parse_parameters"]

NUMBER = r"([-\d._]+)"
STATED = re.compile(rf"\((?:at least {NUMBER}|at most {NUMBER}|{NUMBER} to {NUMBER})\)\s*$")
SEED = "SEED"


class Declared(NamedTuple):
    """A parameter as its notebook declares it.

    Attributes:
        default: its value, None where that is no literal, which fits anything.
        least: the least value that makes sense, minus infinity where that is not known.
        greatest: the greatest, likewise.
    """

    default: Any
    least: float = -math.inf
    greatest: float = math.inf


def parse_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return name -> value from pairs of texts; a value is a Python literal, or else a text.

    Args:
        pairs: name and text.

    >>> parse_parameters([("SEED", "3"), ("CITY", "Lyon")])
    {'SEED': 3, 'CITY': 'Lyon'}
    """
    return {name: _literal(text, otherwise=text) for name, text in pairs}


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Check that a notebook declares these parameters, with values of the same type and in its range.

    Args:
        path: the notebook.
        parameters: name -> value.

    Raises:
        CourseError: a name is unknown, or a value is of another type or out of range; says which are known and an
            example.
    """
    if not parameters:
        return
    declared = declared_parameters(path)
    for name, value in parameters.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise CourseError(f"{path.stem} has no parameter {name}; it has: {known}")
        wanted = _unmet(value, declared[name])
        if wanted:
            raise CourseError(
                f"parameter {name} of {path.stem} must be {wanted}, got {value!r}; "
                f"for example -p {name} {declared[name].default}"
            )


def declared_parameters(path: Path) -> dict[str, Declared]:
    """Return name -> `Declared` of a notebook's parameters.

    Args:
        path: the notebook.
    """
    from papermill.translators import PythonTranslator

    notebook = nbformat.read(path, as_version=4)
    tagged = [cell for cell in notebook.cells if has_tag(cell, "parameters")]
    if not tagged:
        return {}
    return {one.name: _declared(one.name, one.default, one.help) for one in PythonTranslator.inspect(tagged[0])}


def _declared(name: str, default: str, comment: str) -> Declared:
    """Return default and range of one parameter.

    >>> _declared("LOOKS", "20", "how often the team looks (at least 2)")
    Declared(default=20, least=2.0, greatest=inf)
    >>> _declared("SHARE", "0.1", ""), _declared("SEED", "7", "")
    (Declared(default=0.1, least=0, greatest=inf), Declared(default=7, least=0, greatest=inf))
    """
    value = _literal(default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Declared(value)
    stated = STATED.search(comment or "")
    if stated:
        least, greatest, low, high = stated.groups()
        return Declared(value, float(least or low or "-inf"), float(greatest or high or "inf"))
    if value < 0:
        return Declared(value)
    return Declared(value, 1 if isinstance(value, int) and value > 0 and name != SEED else 0)


def _unmet(value: Any, declared: Declared) -> str:
    """Return what a value ought to be, "" where it is."""
    default, least, greatest = declared
    if default is None:
        return ""
    if not (type(value) is type(default) or (isinstance(default, float) and type(value) is int)):
        return type(default).__name__
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return ""
    is_finite = value == value and abs(value) != math.inf
    if is_finite and least <= value <= greatest:
        return ""
    if math.isinf(greatest):
        return "finite" if math.isinf(least) else f"{least:g} or more"
    return f"{greatest:g} or less" if math.isinf(least) else f"from {least:g} to {greatest:g}"


def _literal(text: str, otherwise: Any = None) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return otherwise
