"""`sweep`: run lessons on many seeds and say of each claim how often it held and how far it is from its bound."""

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from utils.course.claims import significant
from utils.course.lesson_process import run_lesson
from utils.course.notebooks import NOTEBOOKS, CourseError, find_lessons, shown, write_atomically
from utils.course.parameters import check_parameters
from utils.course.run import RUNS, TIME_LIMIT, cores, writable_folder

__all__ = [
    "ENOUGH",
    "EXACT",
    "FIRST_SEED",
    "MIXED",
    "NOT_FINITE",
    "WITH_BOUND",
    "distance",
    "in_parallel",
    "is_false",
    "is_narrow",
    "margin",
    "run_seed",
    "summarise",
    "sweep",
    "sweep_table",
]

FIRST_SEED = 1000
RECORD = {"COURSE_CLAIMS": "record"}
ENOUGH = 4  # standard deviations; a normal value passes such a bound once in 30,000 seeds
EXACT, WITH_BOUND, NOT_FINITE, MIXED = "exact", "with its bound", "not finite", "mixed"
MARK = "!"
WORDS = {
    EXACT: "the same on every seed",
    WITH_BOUND: "the measured value moves, its distance to the bound does not",
    NOT_FINITE: "infinite or no number on some seed",
    MIXED: "made with another relation, or without its placebo, on some seed",
}
ROUNDING = 1e-12  # of the measured value: what differs by less is the rounding of one and the same number


def sweep(
    folder: Path = NOTEBOOKS,
    wanted: Sequence[str] = (),
    *,
    seeds: int = 20,
    first_seed: int = FIRST_SEED,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
    output: Path = RUNS,
    strict: bool = False,
) -> int:
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
        strict: let a margin below `ENOUGH` fail the sweep too.

    Returns:
        0, or 1 if a claim was false or not made on any seed, its records differ in kind, or a lesson failed, or with
        `strict` has too small a margin.

    Raises:
        CourseError: seeds is below one, a lesson has no parameter SEED, or the results can't be written.
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
    failed = any(one["error"] for one in runs) or any(map(is_false, summary))
    return int(failed or (strict and any(is_narrow(row["margin"]) for row in summary)))


def run_seed(path: str, seed: int, time_limit: float) -> dict:
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


def in_parallel(tasks: Sequence[tuple], jobs: int) -> list[dict]:
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


def summarise(runs: Sequence[dict]) -> list[dict]:
    """Return one row a claim: on how many of the lesson's seeds it held, the worst measured value, and its margin.

    Args:
        runs: results of `run_seed`.

    Returns:
        Rows in the order in which the claims were made, with `lesson`, `id`, `held`, `made` and `of` (seeds on which it
        held, it was made, and the lesson ran), `worst`, `bound` and `relation` and `seed` of that worst value, and
        `margin` as `margin` gives it.
    """
    seeds = Counter(one["lesson"] for one in runs)
    made: dict[tuple[str, str], list[tuple[int, dict]]] = {}
    for one in runs:
        for record in one["claims"]:
            made.setdefault((one["lesson"], record["id"]), []).append((one["seed"], record))
    rows = []
    for (lesson, name), found in made.items():
        seed, worst = min(found, key=lambda pair: distance(pair[1]))
        records = [record for _, record in found]
        row = {"lesson": lesson, "id": name, "held": sum(r["holds"] for r in records), "made": len(records)}
        row["of"] = seeds[lesson]
        row |= {"worst": worst["measured"], "bound": worst["bound"], "relation": worst["relation"], "seed": seed}
        rows.append(row | {"margin": margin(records)})
    return rows


def distance(record: Mapping[str, Any]) -> float:
    """Return how far the measured value is inside its bound, or the placebo outside it if that is less.

    Returns:
        The distance; negative where the claim is false, minus infinity where a value is infinite or NaN.

    >>> distance({"measured": 0.7, "relation": "within", "bound": [0.5, 1.0]}) == 0.7 - 0.5
    True
    """
    sides = _sides(record)
    return min(sides) if all(map(math.isfinite, sides)) else -math.inf  # such a claim never holds


def _sides(record: Mapping[str, Any]) -> list[float]:
    """Return the distance to each side of the bound, two where the relation is "within", and that of the placebo."""
    measured = float(record["measured"])
    outside = [float(record["placebo"])] if "placebo" in record else []  # it must miss the bound
    if record["relation"] == "within":
        low, high = map(float, record["bound"])
        return [measured - low, high - measured, *(max(low - placebo, placebo - high) for placebo in outside)]
    bound, sign = float(record["bound"]), 1 if record["relation"] == ">=" else -1
    return [sign * (measured - bound), *(sign * (bound - placebo) for placebo in outside)]


def margin(records: Sequence[Mapping[str, Any]]) -> float | str | None:
    """Return how many standard deviations over the seeds lie between a claim's measured value and its bound.

    It is the mean distance to the bound divided by the standard deviation (n - 1) of that distance, so that a bound
    which the run computes may vary too. Of a claim "within" two bounds the nearer side counts.

    Args:
        records: one record of the same claim a seed.

    Returns:
        The number, negative where the claim is false on average; `EXACT` where the measured value is the same on every
        seed, and so is its distance; `WITH_BOUND` where it varies and the distance does not; `NOT_FINITE` where a value
        is infinite or NaN; `MIXED` where the records differ in their relation or only some have a placebo; None on a
        single seed, which shows no variation.

    >>> margin([{"measured": value, "relation": "<=", "bound": 10} for value in (1, 2, 3)])
    8.0
    """
    if len({(record["relation"], "placebo" in record) for record in records}) > 1:
        return MIXED
    sides = [np.array(side) for side in zip(*map(_sides, records), strict=True)]
    if not all(np.isfinite(side).all() for side in sides):
        return NOT_FINITE
    if len(records) < 2:
        return None
    measured = np.array([float(record["measured"]) for record in records])
    smallest = ROUNDING * np.abs(measured).max()
    spreads = [side.std(ddof=1) for side in sides]
    if max(spreads) <= smallest:
        return EXACT if measured.std(ddof=1) <= smallest else WITH_BOUND
    return min(float(side.mean() / spread) if spread else math.inf for side, spread in zip(sides, spreads, strict=True))


def is_narrow(found: float | str | None) -> bool:
    """Whether a margin is too small to trust a claim on a seed that nobody has tried."""
    return found in (NOT_FINITE, MIXED) or (isinstance(found, float) and found < ENOUGH)


def is_false(row: Mapping[str, Any]) -> bool:
    """Whether a claim was false or not made on some seed, or its records can't be compared."""
    return row["held"] < row["of"] or row["margin"] == MIXED


def sweep_table(summary: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of claims, and under it in words what its marks mean."""
    head = ("lesson", "claim", "held", "worst", "bound", "seed", "margin")
    rows = [
        (
            row["lesson"],
            row["id"],
            f"{row['held']} of {row['of']}",
            str(significant(row["worst"])),
            f"{row['relation']} {significant(row['bound'])}",
            str(row["seed"]),
            _margin_text(row),
        )
        for row in summary
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), *_legend(summary)])


def _margin_text(row: Mapping[str, Any]) -> str:
    found = "-" if row["margin"] is None else row["margin"]
    text = f"{found:.1f}" if isinstance(found, float) else found
    return f"{text} {MARK}" if is_narrow(row["margin"]) or is_false(row) else text


def _legend(summary: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the sentences below the table."""
    lines = []
    if any(row["margin"] is not None for row in summary):
        used = [f"{word}: {meaning}" for word, meaning in WORDS.items() if word in {row["margin"] for row in summary}]
        lines.append("; ".join(["margin: standard deviations over the seeds between a claim and its bound", *used]))
    false = sum(row["held"] < row["made"] for row in summary)
    missing = sum(row["made"] < row["of"] for row in summary)
    narrow = sum(is_narrow(row["margin"]) for row in summary)
    for count, one, more, rest in (
        (false, "is", "are", "false on some seed"),
        (missing, "was", "were", "not made on every seed"),
        (narrow, "has", "have", f"a margin of less than {ENOUGH}: expect it to fail on somebody's seed"),
    ):
        if count:
            who = f"1 claim {one}" if count == 1 else f"{count} claims {more}"
            lines.append(f"{MARK} {who} {rest}")
    return lines
