"""The environment in which the notebooks' kernels run: this interpreter, no person's settings, one thread each."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["INLINE_FIGURES", "THREADS", "environment", "kernel_environment"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
INLINE_FIGURES = "module://matplotlib_inline.backend_inline"


def kernel_environment(folder: str | os.PathLike) -> dict[str, str]:
    """Return the environment variables that make kernels the same on every machine.

    Args:
        folder: an existing temporary folder for what kernels write: progress, history, connection files.

    Returns:
        Variables to lay over `os.environ`. The kernel named python3 is the running interpreter,
        whatever kernels are installed.
    """
    folder = Path(folder)
    spec = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
    spec.write_text(json.dumps({"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python"}))
    variables = {
        "COURSE_STATIC": "1",
        "COURSE_HOME": str(folder / "progress"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PATH": str(folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "MPLBACKEND": INLINE_FIGURES,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **{name: "1" for name in THREADS},
    }
    if not _home_is_writable() and "MPLCONFIGDIR" not in os.environ:
        variables["MPLCONFIGDIR"] = str(folder / "matplotlib")
    return variables


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Lay variables over `os.environ` for a while.

    Args:
        variables: name -> value.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _home_is_writable() -> bool:
    """Whether matplotlib can keep its font cache; otherwise it warns on standard error, into the outputs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    while not cache.exists() and cache != cache.parent:
        cache = cache.parent
    try:
        with tempfile.TemporaryFile(dir=cache):
            return True
    except OSError:
        return False
