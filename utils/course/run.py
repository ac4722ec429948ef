"""`run`: execute the lessons in parallel and print a table of seconds, peak memory and claims."""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from utils.course.claims import STORED, save_claims
from utils.course.lesson_process import run_lesson
from utils.course.notebooks import NOTEBOOKS, CourseError, find_lessons, shown
from utils.course.parameters import check_parameters, parse_parameters
from utils.foundation.checkout import CHECKOUT

RUNS = CHECKOUT / "runs"
TIME_LIMIT = 600


def run(
    folder=NOTEBOOKS,
    wanted=(),
    *,
    parameters=(),
    jobs=None,
    time_limit=TIME_LIMIT,
    output=RUNS,
    save=False,
    file=STORED,
):
    """Execute lessons; the executed copies go to `output`, the notebooks stay as they are.

    Args:
        folder: folder of the notebooks.
        wanted: as for `find_lessons`.
        parameters: pairs of name and text.
        jobs: lessons at the same time; by default one per core.
        time_limit: seconds for each lesson.
        output: folder of the executed copies.
        save: also write the claims to `file`; all lessons must run.

    Returns:
        0, or 1 if a lesson failed.
    """
    lessons = find_lessons(folder, wanted)
    if save and wanted:
        raise CourseError("--save-claims needs a run of all lessons; leave the lessons out")
    parameters = parse_parameters(parameters)
    for path in lessons:
        check_parameters(path, parameters)
    output = writable_folder(output)
    with ThreadPoolExecutor(jobs or cores()) as pool:
        futures = [
            pool.submit(run_lesson, path, copy_path(output, path), parameters, time_limit=time_limit)
            for path in lessons
        ]
        for _ in tqdm(as_completed(futures), total=len(futures), unit="lesson", disable=None, leave=False):
            pass
    runs = [future.result() for future in futures]
    print(run_table(runs))
    for failed in (done for done in runs if done.error):
        print(f"{failed.lesson} failed, {failed.error}")
    if save and not any(done.error for done in runs):
        save_claims({done.lesson: done.claims for done in runs}, file)
        print(f"claims written to {shown(file)}")
    return 1 if any(done.error for done in runs) else 0


def run_table(runs):
    """Return the table of lessons: seconds, peak memory, claims held of claims made."""
    width = max(len("lesson"), *(len(done.lesson) for done in runs))
    lines = [f"{'lesson':{width}}  seconds  peak MB  claims"]
    for done in runs:
        claims = f"{done.held}/{len(done.claims)}"
        verdict = "  FAILED" if done.error else ""
        lines.append(f"{done.lesson:{width}}  {done.seconds:7.1f}  {done.peak_mb:7.0f}  {claims:>6}{verdict}")
    return "\n".join(lines)


def copy_path(output, path):
    """Return where a lesson's executed copy goes: its part's folder below `output`, which is made."""
    target = Path(output) / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def writable_folder(folder):
    """Return the folder, made and tried by writing a file.

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


def cores():
    """Return the number of cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
