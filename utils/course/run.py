"""`run`: execute the lessons in parallel and print a table of seconds, peak memory and claims."""

import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from utils.course.claims import STORED, save_claims
from utils.course.lesson_process import STOPPED, LessonRun, run_lesson
from utils.course.notebooks import NOTEBOOKS, CourseError, find_lessons, shown
from utils.course.parameters import check_parameters, parse_parameters
from utils.foundation.checkout import CHECKOUT

__all__ = ["RUNS", "TIME_LIMIT", "copy_path", "cores", "run", "run_all", "run_table", "writable_folder"]

RUNS = CHECKOUT / "runs"
TIME_LIMIT = 600


def run(
    folder: Path = NOTEBOOKS,
    wanted: Sequence[str] = (),
    *,
    parameters: Sequence[tuple[str, str]] = (),
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
    output: Path = RUNS,
    save: bool = False,
    file: Path = STORED,
) -> int:
    """Execute lessons; the executed copies go to `output`, the notebooks stay as they are.

    Args:
        folder: folder of the notebooks.
        wanted: as for `find_lessons`.
        parameters: pairs of name and text.
        jobs: lessons at the same time; by default one per core.
        time_limit: seconds for each lesson.
        output: folder of the executed copies.
        save: also write the claims to `file`; all lessons must run.
        file: where they are written.

    Returns:
        0, or 1 if a lesson failed, or 130 if the person stopped it, after the table of what had finished.

    Raises:
        CourseError: a lesson, parameter or folder can't be used; nothing has run.
    """
    lessons = find_lessons(folder, wanted)
    if save and wanted:
        raise CourseError("--save-claims needs a run of all lessons; leave the lessons out")
    parameters = parse_parameters(parameters)
    for path in lessons:
        check_parameters(path, parameters)
    output = writable_folder(output)
    runs = run_all(lessons, output, parameters, jobs=jobs, time_limit=time_limit)
    finished = [done for done in runs if done.error != STOPPED]
    if finished:
        print(run_table(finished))
    for failed in (done for done in finished if done.error):
        print(f"{failed.lesson} failed, {failed.error}")
    if len(finished) < len(runs):
        print(f"stopped; not finished: {', '.join(done.lesson for done in runs if done.error == STOPPED)}")
        return 130
    if save and not any(done.error for done in runs):
        save_claims({done.lesson: done.claims for done in runs}, file)
        print(f"claims written to {shown(file)}")
    return 1 if any(done.error for done in runs) else 0


def run_all(
    lessons: Sequence[Path],
    output: Path,
    parameters: dict[str, Any],
    *,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
) -> list[LessonRun]:
    """Execute lessons in parallel; on Ctrl-C end those that run, begin no other, and return what there is.

    Args:
        lessons: paths of the notebooks.
        output: folder of the executed copies.
        parameters: name -> value.
        jobs: lessons at the same time; by default one per core.
        time_limit: seconds for each lesson.

    Returns:
        A `LessonRun` for each lesson, in order; its error is STOPPED where it was ended or not begun.
    """
    stop = threading.Event()

    def one(path: Path) -> LessonRun:
        return run_lesson(path, copy_path(output, path), parameters, time_limit=time_limit, stop=stop)

    with ThreadPoolExecutor(jobs or cores()) as pool:
        futures = [pool.submit(one, path) for path in lessons]
        try:
            for _ in tqdm(as_completed(futures), total=len(futures), unit="lesson", disable=None, leave=False):
                pass
        except KeyboardInterrupt:
            stop.set()
        except BaseException:
            stop.set()
            raise
        return [future.result() for future in futures]


def run_table(runs: Sequence[LessonRun]) -> str:
    """Return the table of lessons: seconds, peak memory, claims held of claims made.

    Args:
        runs: at least one.
    """
    width = max(len("lesson"), *(len(done.lesson) for done in runs))
    lines = [f"{'lesson':{width}}  seconds  peak MB  claims"]
    for done in runs:
        claims = f"{done.held}/{len(done.claims)}"
        verdict = "  FAILED" if done.error else ""
        lines.append(f"{done.lesson:{width}}  {done.seconds:7.1f}  {done.peak_mb:7.0f}  {claims:>6}{verdict}")
    return "\n".join(lines)


def copy_path(output: Path, path: Path) -> Path:
    """Return where a lesson's executed copy goes: its part's folder below `output`, which is made.

    Args:
        output: folder of the executed copies.
        path: the notebook.
    """
    target = Path(output) / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def writable_folder(folder: Path) -> Path:
    """Return the folder, made and tried by writing a file.

    Args:
        folder: its path.

    Raises:
        CourseError: it can't be made or written, or is full.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        raise CourseError(f"cannot write to {shown(folder)}: {error.strerror}; choose another with --output") from None
    return Path(folder).resolve()


def cores() -> int:
    """Return the number of cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
