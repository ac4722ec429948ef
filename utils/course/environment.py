"""Sets up a virtual environment from a lock, or makes the locks: `python utils/course/environment.py run`.

The Makefile calls this with the Python it was given, before anything is installed: only the standard library, and
no syntax newer than Python 3.6 (newer annotations stand in quotes), so that a Python that is too old can still say so.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = [
    "CHECKOUT",
    "ENVIRONMENTS",
    "LOCKS",
    "SetupError",
    "environment_version",
    "expected",
    "fetched_uv",
    "main",
    "make_environment",
    "make_locks",
    "put_on_path",
    "python_of",
    "run_quietly",
    "set_up",
    "version_complaint",
]

# Again, not from utils.foundation.checkout: run as a script, before anything is installed, this file finds no package
# of the course, and it holds to the standard library. A test holds both to the same path.
CHECKOUT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
# name: folder of the environment, locks it is installed from
ENVIRONMENTS = {
    "run": (".venv", ("requirements.txt",)),
    "test": (".venv", ("requirements.txt", "requirements-test.txt")),
    "oldest": (".venv-oldest", ("requirements-oldest.txt",)),
    "production": (".venv-production", ("requirements-production.txt",)),
}
LAB, TEST, PRODUCTION = (
    ("--group", "pyproject.toml:lab"),
    ("--group", "pyproject.toml:test"),
    ("--group", "pyproject.toml:production"),
)
# lock: what it is resolved from; the locks before it are there already
LOCKS = (
    ("requirements.txt", LAB),
    ("requirements-test.txt", ("-c", "requirements.txt", *LAB, *TEST)),
    ("requirements-oldest.txt", ("--resolution", "lowest-direct", *LAB, *TEST)),
    ("requirements-production.txt", PRODUCTION),
)
# what pip and uv say where they reach no index; pip then finds no version of anything
NO_NETWORK = re.compile(
    r"from versions: none|No matching distribution|name resolution|getaddrinfo|NewConnectionError|ConnectTimeout|"
    r"Network is unreachable|Connection refused|Max retries exceeded|ProxyError|dns error|error sending request",
    re.IGNORECASE,
)
OFFLINE = (
    ": it reached no package index; go online, or name a mirror (PIP_INDEX_URL) or proxy (HTTPS_PROXY), and run the "
    "same command again. Once set up, the course needs no network"
)


class SetupError(Exception):
    """Something the person can put right; the message is one line."""


def main(arguments: "list[str] | None" = None) -> int:
    """Set up one environment, or make the locks; return the exit status.

    Args:
        arguments: the command line's, by default those of this process.
    """
    parser = argparse.ArgumentParser(description="Set up an environment of the course, or make its locks.")
    parser.add_argument("what", choices=[*ENVIRONMENTS, "lock"])
    parser.add_argument(
        "--given", action="store_true", help="this Python was asked for: rebuild an environment of another"
    )
    parser.add_argument("--target", default="", help="the make target that calls this, for what a message suggests")
    options = parser.parse_args(arguments)
    try:
        if options.what == "lock":
            make_locks()
        else:
            set_up(options.what, given=options.given, target=options.target)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the next call starts afresh", file=sys.stderr)
        return 130
    return 0


def set_up(name: str, given: bool = False, checkout: Path = CHECKOUT, target: str = "") -> None:
    """Bring an environment up to its locks; where its stamp says that it is, nothing happens.

    Args:
        name: a key of ENVIRONMENTS.
        given: the person chose this Python, so an environment of another version is rebuilt.
        checkout: folder of the course.
        target: the make target that calls this, "" where nobody used make.

    Raises:
        SetupError: a lock is missing, this Python does not fit, or a command failed.
    """
    folder, locks = ENVIRONMENTS[name]
    folder = checkout / folder
    for lock in locks:
        if not (checkout / lock).is_file():
            raise SetupError(f"{lock} is missing; fetch it again, or make it with: make lock")
    stamp = folder / f".{name}-stamp"
    version = environment_version(folder)
    wanted = wrong_version = None
    if given or version is None or not OLDEST <= version <= NEWEST:
        wrong_version = version_complaint(sys.version_info, name, target)
        wanted = tuple(sys.version_info[:2])
    if (
        version
        and wanted in (None, version)
        and stamp.is_file()
        and stamp.read_text() == expected(checkout, locks, version)
    ):
        return
    if wrong_version:
        raise SetupError(wrong_version)
    print(f"Setting up {folder.name}; the first time takes a minute or two …", flush=True)
    if version is None or wanted not in (None, version):
        make_environment(folder)
        version = tuple(sys.version_info[:2])
    requirements = [argument for lock in locks for argument in ("-r", str(checkout / lock))]
    pip = [python_of(folder), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run_quietly([*pip, *requirements], f"pip could not install {locks[-1]}")
    put_on_path(folder, checkout)
    # builds matplotlib's font cache, which would otherwise be announced in a lesson's output
    subprocess.call(
        [python_of(folder), "-c", "import matplotlib.font_manager"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for part, (same_folder, part_locks) in ENVIRONMENTS.items():
        if checkout / same_folder == folder and set(part_locks) <= set(locks):
            (folder / f".{part}-stamp").write_text(expected(checkout, part_locks, version))


def version_complaint(version: "tuple[int, ...]", name: str, target: str = "") -> "str | None":
    """Return None if the course runs on this Python, else one line that says what to do.

    Args:
        version: major, minor and micro number.
        name: a key of ENVIRONMENTS.
        target: the make target that calls this, "" where nobody used make.
    """
    found = ".".join(map(str, version[:3]))
    needed = "the course needs {}.{} to {}.{}".format(*OLDEST, *NEWEST)
    command = f"make {target} PYTHON={{}}" if target else f"{{}} utils/course/environment.py {name}"
    if name == "oldest" and tuple(version[:2]) != OLDEST:
        remedy = command.format("python3.11")
        return f"this is Python {found}; the oldest versions are tested on 3.11: {remedy}"
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    verdict = "old" if tuple(version[:2]) < OLDEST else "new"
    return f"Python {found} is too {verdict}, {needed}; choose one: {command.format('python3.12')}"


def environment_version(folder: Path) -> "tuple[int, ...] | None":
    """Return (major, minor) of an environment's Python, or None if there is none or it does not work.

    Args:
        folder: folder of the environment.
    """
    command = [python_of(folder), "-c", "import sys, pip; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=60)
        return tuple(map(int, answer.split()))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def make_environment(folder: Path) -> None:
    """Make an environment with this Python in place of whatever was there.

    Args:
        folder: folder of the environment.

    Raises:
        SetupError: the folder is something else, or venv failed.
    """
    if folder.is_symlink() or folder.is_file():
        raise SetupError(f"{folder.name} is not a folder; remove it")
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    run_quietly(command, f"could not make {folder.name}; on Debian and Ubuntu: apt install {package}")


def put_on_path(folder: Path, checkout: Path) -> None:
    """Make the checkout importable in an environment: a line in its site-packages, no build and no network.

    Args:
        folder: folder of the environment.
        checkout: folder of the course.
    """
    command = [python_of(folder), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site_packages = Path(subprocess.check_output(command).decode().strip())
    (site_packages / "platter-course.pth").write_text(f"{checkout}\n", encoding="utf-8")


def expected(checkout: Path, locks: "tuple[str, ...]", version: "tuple[int, ...]") -> str:
    """Return a stamp's text: it changes with the locks, the Python version and the place of the checkout.

    Args:
        checkout: folder of the course.
        locks: names of the locks in it.
        version: major and minor number.
    """
    parts = [str(checkout), "{}.{}".format(*version), *((checkout / lock).read_text() for lock in locks)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest() + "\n"


def python_of(folder: Path) -> str:
    """Return the path of an environment's Python.

    Args:
        folder: folder of the environment.
    """
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def make_locks(checkout: Path = CHECKOUT) -> None:
    """Resolve pyproject.toml into the locks with uv, which is fetched by pip if it is not there.

    Args:
        checkout: folder of the course.

    Raises:
        SetupError: uv can't be had, or finds no solution.
    """
    with tempfile.TemporaryDirectory() as folder:
        uv = shutil.which("uv") or fetched_uv(Path(folder) / "venv")
        common = [uv, "pip", "compile", "-q", "--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
        common += ["--no-emit-index-url", "--no-header", "--no-annotate"]
        for lock, sources in LOCKS:
            print(f"resolving {lock}", flush=True)
            command = [*common, *sources, "pyproject.toml", "-o", lock]
            run_quietly(command, f"uv could not resolve {lock}", cwd=str(checkout))


def fetched_uv(folder: Path) -> str:
    """Return the path of uv, installed by pip into a throwaway environment.

    Args:
        folder: where that environment is made.

    Raises:
        SetupError: pip could not install it.
    """
    run_quietly([sys.executable, "-m", "venv", str(folder)], "could not make a throwaway environment for uv")
    command = [python_of(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]
    run_quietly(command, "pip could not install uv")
    return str(Path(python_of(folder)).with_name("uv.exe" if os.name == "nt" else "uv"))


def run_quietly(command: "list[str]", complaint: str, cwd: "str | None" = None) -> None:
    """Run a command and show nothing; if it fails, show its last lines.

    Args:
        command: the command line.
        complaint: what the message says if it fails; where the network is the reason, what to do follows.
        cwd: its working directory.

    Raises:
        SetupError: it failed.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd)
    if done.returncode:
        told = done.stdout.decode(errors="replace").strip()
        print("\n".join("  " + line for line in told.splitlines()[-10:]), file=sys.stderr)
        raise SetupError(f"{complaint}{OFFLINE if NO_NETWORK.search(told) else ''}")


if __name__ == "__main__":
    sys.exit(main())
