"""The claims of the lessons: harvested from executed notebooks, kept in data/claims.json."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.course.notebooks import CourseError, find_lessons, read_notebook, shown, write_atomically
from utils.foundation.checkout import CHECKOUT

__all__ = [
    "STORED",
    "claims",
    "claims_text",
    "describe",
    "harvest",
    "made_twice",
    "save_claims",
    "significant",
    "stored_claims",
]

STORED = CHECKOUT / "data" / "claims.json"


def harvest(notebook: Mapping[str, Any]) -> list[dict]:
    """Return the claim records in a notebook's outputs, in order; of one id the last, see `made_twice`."""
    return list({record["id"]: record for record in _records(notebook)}.values())


def made_twice(notebook: Mapping[str, Any]) -> list[str]:
    """Return the ids that stand at more than one claim of a notebook, so that one would speak for two quantities."""
    counts = Counter(record["id"] for record in _records(notebook))
    return [name for name, count in counts.items() if count > 1]


def _records(notebook: Mapping[str, Any]) -> list[dict]:
    from utils.lesson.claim import MIME  # not sooner: the process of each lesson would load the whole apparatus

    outputs = (output for cell in notebook["cells"] for output in cell.get("outputs", []))
    records = (output.get("data", {}).get(MIME) for output in outputs)
    return [dict(record) for record in records if record is not None]


def significant(value: Any, digits: int = 4) -> Any:
    """Return a number rounded to so many significant digits; other values as they are.

    >>> significant(0.123456)
    0.1235
    """
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, (list, tuple)):
        return [significant(part, digits) for part in value]
    return value


def claims_text(records_by_lesson: Mapping[str, Sequence[dict]]) -> str:
    """Return the text of data/claims.json: lesson, claim id, and the record with four significant digits."""
    table = {
        lesson: {
            record["id"]: {key: significant(value) for key, value in record.items() if key != "id"}
            for record in records
        }
        for lesson, records in records_by_lesson.items()
    }
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def stored_claims(folder: Path) -> dict[str, list[dict]]:
    """Return the claims in the stored outputs of all lessons: lesson name -> records."""
    return {path.stem: harvest(read_notebook(path)) for path in find_lessons(folder)}


def claims(
    folder: Path, wanted: Sequence[str] = (), *, save: bool = False, check: bool = False, file: Path = STORED
) -> int:
    """Print the claims in the stored outputs; with `save` write them to a file, with `check` compare them with it.

    Args:
        folder: folder of the notebooks.
        wanted: which are printed, as for `find_lessons`.
        save: write the claims of all lessons.
        check: compare the claims of all lessons.
        file: what is written or compared with.

    Returns:
        0, or 1 if a stored claim is false.

    Raises:
        CourseError: with `check` the file differs.
    """
    by_lesson = {path.stem: harvest(read_notebook(path)) for path in find_lessons(folder, wanted)}
    for lesson, records in by_lesson.items():
        print(f"{lesson}: {sum(record['holds'] for record in records)} of {len(records)} hold")
        for record in records:
            print(f"  {'holds' if record['holds'] else 'FALSE':5}  {record['id']}: {describe(record)}")
    status = 0 if all(record["holds"] for records in by_lesson.values() for record in records) else 1
    if save:
        save_claims(stored_claims(folder), file)
    if check:
        path = Path(file)
        if not path.is_file() or path.read_text(encoding="utf-8") != claims_text(stored_claims(folder)):
            raise CourseError(
                f"{shown(path)} differs from the stored outputs; run: python -m utils.course claims --save"
            )
    return status


def save_claims(records_by_lesson: Mapping[str, Sequence[dict]], file: Path = STORED) -> None:
    """Write claims to a file."""
    write_atomically(file, claims_text(records_by_lesson))


def describe(record: Mapping[str, Any]) -> str:
    """Return what was measured, the placebo where there is one, and the bound, in one phrase.

    >>> describe({"measured": 0.0512345, "relation": ">=", "bound": 0.05})
    'measured 0.05123, bound >= 0.05'
    """
    placebo = f", placebo {significant(record['placebo'])}" if "placebo" in record else ""
    bound = f"bound {record['relation']} {significant(record['bound'])}"
    return f"measured {significant(record['measured'])}{placebo}, {bound}"
