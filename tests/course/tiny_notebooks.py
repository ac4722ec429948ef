"""Tiny notebooks for the tests of the runner."""

import json

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

PARAMETERS = 'SEED = 7\nRATE = 0.5\nCITY = "Lyon"'


def claim(name, measured, bound):
    """Return the source of a cell that claims measured <= bound; it raises where the lesson's apparatus would."""
    return (
        "import os\n"
        "from IPython.display import display\n"
        f"measured, bound = float({measured}), float({bound})\n"
        f"record = dict(id={name!r}, text='t', measured=measured, relation='<=', bound=bound)\n"
        "record['holds'] = measured <= bound\n"
        "display({'application/vnd.lesson.claim+json': record, 'text/plain': 'c'}, raw=True)\n"
        "class ClaimFailed(AssertionError): pass\n"
        "if measured > bound and os.environ.get('COURSE_CLAIMS') != 'record':\n"
        f"    raise ClaimFailed(f'{name}: measured {{measured}}')"
    )


def write_notebook(folder, name, *sources, parameters=PARAMETERS):
    """Write a notebook of a parameters cell, a line of prose and these code cells; return its path."""
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]})] if parameters else []
    cells += [new_markdown_cell("Prose."), *(new_code_cell(source) for source in sources)]
    path = folder / "1_part" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(writes(new_notebook(cells=cells)), encoding="utf-8")
    return path


def outputs(path):
    """Return the outputs of all code cells of a notebook's file."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]
