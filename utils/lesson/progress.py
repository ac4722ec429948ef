"""What a learner has done so far: one JSON file, in COURSE_HOME or `.course` of the checkout."""

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from utils.foundation.checkout import CHECKOUT

LOCK_SECONDS = 2.0


class Progress:
    """Predictions, passed exercises and finished lessons, kept across sessions.

    Args:
        home: folder of `progress.json`; by default COURSE_HOME, else `.course` in the checkout.
    """

    def __init__(self, home=None):
        self.path = Path(home or os.environ.get("COURSE_HOME") or CHECKOUT / ".course") / "progress.json"

    def read(self):
        """Return all that is known, lesson -> dictionary; a damaged file is set aside, never overwritten."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            self._set_aside()
            return {}
        if not isinstance(data, dict) or not all(isinstance(v, dict) for v in data.values()):
            self._set_aside()
            return {}
        return data

    def lesson(self, number):
        """Return what is known of one lesson: `predictions`, `exercises`, `claims`."""
        known = self.read().get(f"{number:02}", {})
        return {"predictions": {}, "exercises": {}, **known}

    def record(self, number, section, key, value):
        """Store `value` under lesson, section and key; return False where the folder can't be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked():
                data = self.read()
                data.setdefault(f"{number:02}", {}).setdefault(section, {})[key] = value
                self._write(data)
        except OSError:
            return False
        return True

    def _write(self, data):
        handle, name = tempfile.mkstemp(dir=self.path.parent, suffix=".json")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=1, sort_keys=True)
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def _set_aside(self):
        with contextlib.suppress(OSError):
            os.replace(self.path, self.path.with_name(f"progress.damaged-{time.time_ns()}.json"))

    @contextlib.contextmanager
    def _locked(self):
        """Hold a lock file, so that two notebooks don't overwrite each other; a stale lock is broken."""
        lock = self.path.with_suffix(".lock")
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
                break
            except FileExistsError:
                if time.monotonic() > deadline:
                    with contextlib.suppress(OSError):
                        os.unlink(lock)
                time.sleep(0.01)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.unlink(lock)
