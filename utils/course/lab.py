"""`lab`: JupyterLab on the map of the lessons, on this machine only."""

import os
import socket
import subprocess
import sys

from utils.course.notebooks import NOTEBOOKS, CourseError
from utils.foundation.checkout import CHECKOUT

FIRST_PORT, LAST_PORT = 8888, 8987


def lab(port="", notebooks=NOTEBOOKS):
    """Start JupyterLab and wait for its end; return its exit status.

    Args:
        port: a port as text, or "" for the first free one from 8888 on.
        notebooks: folder that holds `index.ipynb`.

    Raises:
        CourseError: the port is not a port, or is busy.
    """
    index = notebooks / "index.ipynb"
    return subprocess.call(lab_command(chosen_port(port), index if index.is_file() else notebooks), cwd=CHECKOUT)


def lab_command(port, target):
    """Return the command line of JupyterLab: no news, no update check, nothing sent anywhere."""
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(target),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    command += [f"--ServerApp.root_dir={CHECKOUT}", "--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container; it listens on 127.0.0.1 only
    return command


def chosen_port(text=""):
    """Return a free port: the one asked for, or the first free one.

    Raises:
        CourseError: as for `lab`.
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


def is_free(port):
    """Whether a server can bind this port on 127.0.0.1."""
    with socket.socket() as server:
        if os.name == "posix":
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
