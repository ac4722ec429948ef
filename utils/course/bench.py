"""`bench`: run the benchmarks, which print ratios to peer libraries measured in the same run."""

import os
import subprocess
import sys
from pathlib import Path

from utils.course.kernels import THREADS
from utils.course.notebooks import CourseError
from utils.foundation.checkout import CHECKOUT

__all__ = ["BENCHMARKS", "bench"]

BENCHMARKS = CHECKOUT / "benchmarks"


def bench(folder: Path = BENCHMARKS) -> int:
    """Run every script of a folder, one after the other; return 0, or 1 if one failed."""
    scripts = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    if not scripts:
        raise CourseError("there is no benchmark yet; they are scripts in benchmarks/")
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    failed = []
    for script in scripts:
        print(f"== {script.stem}", flush=True)
        if subprocess.call([sys.executable, str(script)], cwd=CHECKOUT, env=environment):
            failed.append(script.stem)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0
