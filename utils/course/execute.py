"""`execute`: run the notebooks in place, so that their stored outputs are those of the present code."""

import copy
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nbformat import NotebookNode
from tqdm import tqdm

from utils.course.folding import fold
from utils.course.kernels import environment, kernel_environment
from utils.course.normalise import normalise, standard_error
from utils.course.notebooks import (
    NOTEBOOKS,
    CourseError,
    find_notebooks,
    first_line,
    notebook_text,
    read_notebook,
    shown,
    write_atomically,
)
from utils.course.run import TIME_LIMIT, cores

__all__ = ["execute", "execute_one", "executed_copy"]


def execute(
    folder: Path = NOTEBOOKS,
    wanted: Sequence[str] = (),
    *,
    check: bool = False,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
) -> int:
    """Execute notebooks and store their outputs in normal form; a notebook with a failing cell stays as it was.

    Args:
        folder: folder of the notebooks.
        wanted: as for `find_lessons`; empty means all, the index too.
        check: write nothing; say which stored files would change.
        jobs: notebooks at the same time; by default one per core.
        time_limit: seconds for each cell.

    Returns:
        0, or 1 if a cell failed or, with `check`, a file would change.
    """
    paths = find_notebooks(folder, wanted)
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as scratch,
        environment(kernel_environment(scratch)),
        ThreadPoolExecutor(jobs or cores()) as pool,
    ):
        futures = [
            pool.submit(execute_one, path, Path(scratch) / str(n), check=check, time_limit=time_limit)
            for n, path in enumerate(paths)
        ]
        for _ in tqdm(as_completed(futures), total=len(futures), unit="notebook", disable=None, leave=False):
            pass
    outcomes = [future.result() for future in futures]
    for path, (_, message) in zip(paths, outcomes, strict=True):
        print(f"{shown(path)}: {message}")
    return 0 if all(good for good, _ in outcomes) else 1


def execute_one(path: Path, scratch: Path, *, check: bool = False, time_limit: float = TIME_LIMIT) -> tuple[bool, str]:
    """Execute one notebook; return whether all is well and a phrase that says what became of it.

    Args:
        path: the notebook.
        scratch: folder for what its kernel writes, which is made.
        check: write nothing.
        time_limit: seconds for each cell.
    """
    try:
        stored = read_notebook(path)
        executed = executed_copy(stored, path.parent, scratch, time_limit=time_limit)
        text = notebook_text(executed)
        before = path.read_text(encoding="utf-8")
        if text == before:
            return True, "unchanged"
        if check:
            return False, "the stored outputs differ; run: python -m utils.course execute"
        write_atomically(path, text)
        return True, "written"
    except CourseError as error:
        return False, str(error)


def executed_copy(stored: NotebookNode, folder: Path, scratch: Path, *, time_limit: float = TIME_LIMIT) -> NotebookNode:
    """Return a notebook folded as its tags say, executed in a fresh kernel and brought into normal form.

    Args:
        stored: the notebook, which stays as it is.
        folder: the kernel's working directory.
        scratch: folder for what the kernel writes, which is made.
        time_limit: seconds for each cell.

    Raises:
        CourseError: a folded cell has no title, a cell failed, ran too long, wrote to standard error, or the kernel died.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = copy.deepcopy(stored)
    place = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            place += bool(cell.source.strip())
            cell.outputs, cell.execution_count = [], None
            try:
                fold(cell)
            except CourseError as error:
                raise CourseError(f"not written, cell {place}: {error}") from None
    scratch.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook, timeout=time_limit, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    begun = []
    client.on_cell_execute = lambda cell, cell_index: begun.append(cell_index)
    try:
        client.execute(env={**os.environ, **kernel_environment(scratch)})
    except CellExecutionError as error:
        raise CourseError(f"not written, cell {len(begun)}: {error.ename}: {first_line(error.evalue)}") from None
    except CellTimeoutError:
        raise CourseError(f"not written, cell {len(begun)}: over {time_limit:g} s") from None
    except DeadKernelError:
        raise CourseError(f"not written, cell {len(begun)}: the kernel died") from None
    noise = standard_error(notebook)
    if noise:
        place, line = noise[0]
        raise CourseError(f"not written, cell {place} wrote to standard error: {first_line(line)}")
    return normalise(notebook, stored)
