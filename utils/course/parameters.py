"""Parameters given on the command line, checked against the cell tagged `parameters` before anything runs."""

import ast

import nbformat

from utils.course.notebooks import CourseError, has_tag


def parse_parameters(pairs):
    """Return name -> value from pairs of texts; a value is a Python literal, or else a text.

    >>> parse_parameters([("SEED", "3"), ("CITY", "Lyon")])
    {'SEED': 3, 'CITY': 'Lyon'}
    """
    return {name: _literal(text) for name, text in pairs}


def check_parameters(path, parameters):
    """Check that a notebook declares these parameters, with values of the same type.

    Raises:
        CourseError: a name is unknown, or a value is of another type; says which are known and an example.
    """
    if not parameters:
        return
    declared = declared_parameters(path)
    for name, value in parameters.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise CourseError(f"{path.stem} has no parameter {name}; it has: {known}")
        default = declared[name]
        if not _fits(value, default):
            wanted = type(default).__name__
            raise CourseError(
                f"parameter {name} of {path.stem} must be {wanted}, got {value!r}; for example -p {name} {default}"
            )


def declared_parameters(path):
    """Return name -> default of a notebook's parameters; a default that is no literal is None, which fits anything."""
    from papermill.translators import PythonTranslator

    notebook = nbformat.read(path, as_version=4)
    tagged = [cell for cell in notebook.cells if has_tag(cell, "parameters")]
    if not tagged:
        return {}
    found = PythonTranslator.inspect(tagged[0])
    return {parameter.name: _literal(parameter.default, otherwise=None) for parameter in found}


def _fits(value, default):
    if default is None or type(value) is type(default):
        return True
    return isinstance(default, float) and type(value) is int


def _literal(text, **otherwise):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return otherwise.get("otherwise", text)
