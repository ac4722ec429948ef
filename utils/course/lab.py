"""`lab`: JupyterLab on the map of the lessons, on this machine only, in the learner's own copies."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from utils.course.notebooks import NOTEBOOKS, CourseError, shown
from utils.course.working_copies import LEARN, make_working_copies
from utils.foundation.checkout import CHECKOUT

__all__ = ["chosen_port", "is_free", "lab", "lab_command", "starting_page"]

FIRST_PORT, LAST_PORT = 8888, 8987
# what a person may change in JupyterLab's settings; until then no question about news covers the map
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def lab(port: str = "", fresh: Sequence[str] = ()) -> int:
    """Bring the working copies up, start JupyterLab and wait for its end; return its exit status.

    Args:
        port: a port as text, or "" for the first free one from 8888 on.
        fresh: lessons whose copies are made anew, as for `make_working_copies`.

    Raises:
        CourseError: the port is not a port, or is busy; or a fresh copy can't be made.
    """
    number = chosen_port(port)
    command = lab_command(number, starting_page(fresh))
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        overrides = Path(folder) / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir()
        overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
        paths = [path for path in (os.environ.get("JUPYTER_CONFIG_PATH"), folder) if path]
        return subprocess.call(command, cwd=CHECKOUT, env=os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths)})


def starting_page(fresh: Sequence[str] = (), notebooks: Path = NOTEBOOKS, folder: Path = LEARN) -> Path:
    """Bring the working copies up, print what there is to know, and return the notebook to open first.

    Args:
        fresh: lessons whose copies are made anew.
        notebooks: folder of the authors' notebooks.
        folder: folder of the copies.

    Raises:
        CourseError: a fresh copy was asked for and can't be made.
    """
    try:
        for sentence in make_working_copies(fresh, notebooks, folder):
            print(sentence)
    except CourseError as error:
        if fresh:
            raise
        print(
            f"{error}\nThe authors' notebooks in {shown(notebooks)} are opened instead; answers can't be saved there."
        )
        folder = notebooks
    index = folder / "index.ipynb"
    return index if index.is_file() else folder


def lab_command(port: int, target: Path) -> list[str]:
    """Return the command line of JupyterLab: no news, no update check, nothing sent anywhere.

    Args:
        port: a free port.
        target: notebook or folder inside the checkout that the printed address opens.
    """
    page = f"/lab/tree/{quote(target.relative_to(CHECKOUT).as_posix())}"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={CHECKOUT}", f"--LabApp.default_url={page}", "--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container; it listens on 127.0.0.1 only
    return command


def chosen_port(text: str = "") -> int:
    """Return a free port: the one asked for, or the first free one.

    Args:
        text: a port, or "".

    Raises:
        CourseError: it is no port or is busy, or all that are tried are busy.
    """
    if not text:
        for port in range(FIRST_PORT, LAST_PORT + 1):
            if is_free(port):
                return port
        raise CourseError(f"ports {FIRST_PORT} to {LAST_PORT} are all busy; choose another: make lab PORT=9000")
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CourseError(f"port must be a number from 1 to 65535, got {text!r}; for example make lab PORT=8889")
    if not is_free(int(text)):
        raise CourseError(
            f"port {text} is busy; choose another, make lab PORT={int(text) % 65535 + 1}, or leave it out"
        )
    return int(text)


def is_free(port: int) -> bool:
    """Whether a server can bind this port on 127.0.0.1.

    Args:
        port: 1 to 65535.
    """
    with socket.socket() as server:
        if os.name == "posix":
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
