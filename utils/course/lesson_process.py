"""One lesson in one process of its own: papermill, a time limit, the peak memory of its kernel, the claims it made."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil

from utils.course.claims import describe, harvest, made_twice
from utils.course.kernels import kernel_environment
from utils.course.notebooks import first_line
from utils.foundation.checkout import CHECKOUT

__all__ = ["STOPPED", "LessonRun", "PeakMemory", "end_process_tree", "main", "run_lesson"]

SAMPLE_SECONDS, LOOK_SECONDS = 0.05, 0.2
STOPPED = "stopped"
# Ctrl-C reaches every process of a terminal; this one leaves it to the runner, which ends it and its kernel together
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, lambda *_: None); sys.path.insert(0, sys.argv[1]); "
    "from utils.course.lesson_process import main; main(*sys.argv[2:])"
)


@dataclass(frozen=True)
class LessonRun:
    """What one execution of a lesson gave.

    Attributes:
        lesson: name of the notebook without its ending.
        seconds: from the start of the process to its end.
        peak_mb: largest resident memory of the kernel and its children together, in MB (10^6 bytes).
        claims: the records of the claims the lesson got to.
        error: None, or one line that says what went wrong and in which code cell.
    """

    lesson: str
    seconds: float
    peak_mb: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None

    @property
    def held(self) -> int:
        """The number of claims that hold."""
        return sum(record["holds"] for record in self.claims)


def run_lesson(
    path: str | Path,
    output: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    time_limit: float = 600,
    variables: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> LessonRun:
    """Execute a notebook by papermill in a child process and return a `LessonRun`; no failure raises.

    Args:
        path: the notebook; its folder is the working directory.
        output: where the executed copy goes; its folder exists.
        parameters: values for the cell tagged `parameters`.
        time_limit: seconds, after which the child and its kernel are ended.
        variables: further environment variables for the kernel.
        stop: once it is set the child and its kernel are ended, and the error is STOPPED.
    """
    path, output = Path(path).resolve(), Path(output).absolute()
    started, stop = time.monotonic(), stop or threading.Event()
    if stop.is_set():
        return LessonRun(path.stem, 0.0, error=STOPPED)
    # A kernel that is being ended may still write into the folder while it is removed.
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        report, log = Path(folder) / "report.json", Path(folder) / "log"
        environment = {**os.environ, **kernel_environment(folder), **(variables or {})}
        request = json.dumps({"path": str(path), "output": str(output), "parameters": parameters or {}})
        try:
            if output.is_file():  # a copy of an earlier run would be taken for this one's
                output.unlink()
            with open(log, "wb") as stream:
                command = [sys.executable, "-c", PROGRAM, str(CHECKOUT), request, str(report)]
                child = subprocess.Popen(
                    command, env=environment, cwd=path.parent, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
                )
                finished = _wait(child, time_limit, stop)
        except OSError as error:
            return LessonRun(path.stem, time.monotonic() - started, error=f"cannot start: {error}")
        seconds = time.monotonic() - started
        found = {"peak_mb": 0.0, "error": None}
        if report.is_file():
            found = json.loads(report.read_text(encoding="utf-8"))
        elif not finished and stop.is_set():
            return LessonRun(path.stem, seconds, error=STOPPED)
        elif not finished:
            found["error"] = f"{_where(output)}stopped after the time limit of {time_limit:g} s"
        else:
            last = first_line(log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2])
            found["error"] = f"its process ended with status {child.returncode}: {last or 'it said nothing'}"
    executed = _read(output)
    records, twice = (harvest(executed), made_twice(executed)) if executed else ([], [])
    error = found["error"] or _false_claims(records, variables)
    if twice and not error:
        error = f"claim {twice[0]} is made twice: give each claim an id of its own"
    return LessonRun(path.stem, seconds, found["peak_mb"], records, error)


def main(request: str, report: str) -> None:
    """Execute the request of `run_lesson` in this process and write the report.

    Args:
        request: JSON with path, output and parameters.
        report: path of the JSON file to write, with peak memory and error.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    request = json.loads(request)
    error = None
    with PeakMemory() as peak:
        try:
            papermill.execute_notebook(
                request["path"],
                request["output"],
                request["parameters"],
                kernel_name="python3",
                language="python",
                cwd=Path(request["path"]).parent,
                progress_bar=False,
            )
        except PapermillExecutionError as failure:
            place = _cell_of_count(request["output"], failure.exec_count)
            error = f"{place}{failure.ename}: {first_line(failure.evalue) or 'no message'}"
        except (DeadKernelError, CellTimeoutError):
            error = f"{_where(Path(request['output']))}the kernel died"
        except OSError as failure:
            error = f"cannot write the executed copy: {failure.strerror or failure}"
        except Exception as failure:  # whatever else papermill or the notebook's file does
            error = f"{type(failure).__name__}: {first_line(str(failure))}"
    Path(report).write_text(json.dumps({"peak_mb": peak.bytes / 1e6, "error": error}), encoding="utf-8")


class PeakMemory:
    """Samples the resident memory of this process's children; `bytes` is the largest sum seen."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(SAMPLE_SECONDS):
            total = 0
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss
            self.bytes = max(self.bytes, total)


def end_process_tree(pid: int) -> None:
    """End a process and all it started, at once.

    Args:
        pid: its number; one that is gone is fine.
    """
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        tree = [*parent.children(recursive=True), parent]
        for process in tree:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(tree, timeout=5)


def _wait(child: subprocess.Popen, time_limit: float, stop: threading.Event) -> bool:
    """Return whether the child ended by itself, before the time limit and before it was to stop."""
    deadline = time.monotonic() + time_limit
    try:
        while not stop.is_set() and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
                return True
        return False
    finally:
        if child.poll() is None:  # out of time, or to be stopped
            end_process_tree(child.pid)
            child.wait()


def _read(output: str | Path) -> nbformat.NotebookNode | None:
    try:
        return nbformat.read(output, as_version=4)
    except Exception:  # no copy was written, or half of one
        return None


def _where(output: Path) -> str:
    """Return "cell 3: " for the last code cell that was begun in a partly executed copy."""
    notebook = _read(output)
    cells = notebook.cells if notebook else []
    status = [cell.metadata.get("papermill", {}).get("status", "pending") for cell in cells]
    begun = [n for n, cell in enumerate(cells) if cell.cell_type == "code" and status[n] != "pending"]
    return f"cell {_code_cell(notebook, begun[-1])}: " if begun else ""


def _cell_of_count(output: str | Path, count: int) -> str:
    """Return "cell 3: " for the cell with this execution count; an injected parameters cell has shifted the counts."""
    notebook = _read(output)
    places = [n for n, cell in enumerate(notebook.cells if notebook else []) if cell.get("execution_count") == count]
    return f"cell {_code_cell(notebook, places[0])}: " if places else ""


def _code_cell(notebook: nbformat.NotebookNode | None, index: int) -> int:
    """Return the number a learner sees beside the cell after Run all: empty and injected cells have none."""
    cells = notebook.cells[: index + 1] if notebook else []
    injected = "injected-parameters"
    own = (cell for cell in cells if injected not in cell.metadata.get("tags", []))
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in own)


def _false_claims(records: Sequence[Mapping[str, Any]], variables: Mapping[str, str] | None) -> str | None:
    if (variables or {}).get("COURSE_CLAIMS") == "record":
        return None
    false = [record for record in records if not record["holds"]]
    return f"claim {false[0]['id']} is false: {describe(false[0])}" if false else None
