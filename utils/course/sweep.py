"""`sweep`: run lessons on many seeds and count, claim by claim, how often each held."""

import json
import os
import tempfile
from pathlib import Path

import joblib

from utils.course.claims import significant
from utils.course.lesson_process import run_lesson
from utils.course.notebooks import NOTEBOOKS, CourseError, find_lessons, shown, write_atomically
from utils.course.parameters import check_parameters
from utils.course.run import RUNS, TIME_LIMIT, cores, writable_folder

FIRST_SEED = 1000
RECORD = {"COURSE_CLAIMS": "record"}


def sweep(
    folder=NOTEBOOKS, wanted=(), *, seeds=20, first_seed=FIRST_SEED, jobs=None, time_limit=TIME_LIMIT, output=RUNS
):
    """Run lessons x seeds through joblib, print a table of the claims, write `sweep.json` to `output`.

    Where DASK_SCHEDULER_ADDRESS is set the runs go to that Dask cluster, whose workers need this checkout at the same
    path; else to processes of this machine.

    Args:
        folder: folder of the notebooks.
        wanted: as for `find_lessons`.
        seeds: number of seeds, `first_seed`, `first_seed` + 1, …
        first_seed: the first.
        jobs: runs at the same time; by default one per core.
        time_limit: seconds for each run.
        output: folder of the results.

    Returns:
        0, or 1 if a claim was false on any seed or a lesson failed.
    """
    if seeds < 1:
        raise CourseError(f"seeds must be at least 1, got {seeds}; for example make sweep SEEDS=20")
    lessons = find_lessons(folder, wanted)
    for path in lessons:
        check_parameters(path, {"SEED": first_seed})
    output = writable_folder(output)
    pairs = [(path, seed) for path in lessons for seed in range(first_seed, first_seed + seeds)]
    tasks = [joblib.delayed(run_seed)(str(path), seed, time_limit) for path, seed in pairs]
    runs = in_parallel(tasks, jobs or cores())
    summary = summarise(runs)
    print(sweep_table(summary))
    for one in (one for one in runs if one["error"]):
        print(f"{one['lesson']} with SEED={one['seed']} failed, {one['error']}")
    text = json.dumps({"runs": runs, "claims": summary}, indent=1, ensure_ascii=False) + "\n"
    write_atomically(output / "sweep.json", text)
    print(f"results in {shown(output / 'sweep.json')}")
    return 1 if any(one["error"] for one in runs) or any(row["held"] < row["of"] for row in summary) else 0


def run_seed(path, seed, time_limit):
    """Run one lesson with one seed, false claims recorded; return lesson, seed, seconds, error and claims."""
    with tempfile.TemporaryDirectory(prefix="course-sweep-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / Path(path).name
        done = run_lesson(path, copy, {"SEED": seed}, time_limit=time_limit, variables=RECORD)
    return {
        "lesson": done.lesson,
        "seed": seed,
        "seconds": round(done.seconds, 2),
        "error": done.error,
        "claims": done.claims,
    }


def in_parallel(tasks, jobs):
    """Return the results of joblib tasks, in order: from the Dask cluster named, else from local processes."""
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if not address:
        return joblib.Parallel(n_jobs=jobs, backend="loky")(tasks)
    try:
        from distributed import Client
    except ImportError:
        raise CourseError("DASK_SCHEDULER_ADDRESS is set but Dask is missing; install requirements-test.txt") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise CourseError(f"no Dask scheduler at {address}: {type(error).__name__}; start one or unset it") from None
    with client, joblib.parallel_config("dask", client=client):
        return joblib.Parallel()(tasks)


def summarise(runs):
    """Return one row a claim: held on how many of how many seeds, and the worst measured value beside its bound."""
    rows = {}
    for one in runs:
        for record in one["claims"]:
            row = rows.setdefault((one["lesson"], record["id"]), {"held": 0, "of": 0, "worst": None, "margin": None})
            row["held"] += record["holds"]
            row["of"] += 1
            gap = margin(record)
            if row["margin"] is None or gap < row["margin"]:
                row.update(worst=record["measured"], bound=record["bound"], relation=record["relation"], margin=gap)
                row["seed"] = one["seed"]
    for row in rows.values():
        row.pop("margin")
    return [{"lesson": lesson, "id": name, **row} for (lesson, name), row in rows.items()]


def margin(record):
    """Return how far the measured value is on the right side of its bound; negative where the claim is false.

    >>> margin({"measured": 0.7, "relation": "within", "bound": [0.5, 1.0]}) == 0.7 - 0.5
    True
    """
    measured = float(record["measured"])
    if measured != measured:
        return -float("inf")
    if record["relation"] == "within":
        low, high = map(float, record["bound"])
        return min(measured - low, high - measured)
    bound = float(record["bound"])
    gap = bound - measured if record["relation"] == "<=" else measured - bound
    return 0.0 if gap != gap else gap  # infinite measured value and bound


def sweep_table(summary):
    """Return the table of claims."""
    head = ("lesson", "claim", "held", "worst", "bound", "seed")
    rows = [
        (
            row["lesson"],
            row["id"],
            f"{row['held']} of {row['of']}",
            str(significant(row["worst"])),
            f"{row['relation']} {significant(row['bound'])}",
            str(row["seed"]),
        )
        for row in summary
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
