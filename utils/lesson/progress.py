"""What a learner has done so far: one JSON file, in COURSE_HOME or `.course` of the checkout."""

import contextlib
import errno
import json
import math
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from utils.foundation.checkout import CHECKOUT
from utils.foundation.checks import told

__all__ = ["LOCK_SECONDS", "Progress"]

LOCK_SECONDS = 2.0
IS_WINDOWS = os.name == "nt"
SECTIONS = ("predictions", "exercises", "claims", "draft", "rubric")  # others are kept as they are
LESSON_KEY = re.compile(r"\d\d")
REMEDY = "set COURSE_HOME to a folder of your own that can be written"


class Progress:
    """Predictions, passed exercises and finished lessons, kept across sessions.

    Whatever is wrong with the file or its folder, no method raises because of it: `trouble` says it in a sentence.

    Args:
        home: folder of `progress.json`; by default COURSE_HOME, else `.course` in the checkout. `~` and variables are
            expanded, and a relative folder counts from the checkout, so that all notebooks mean the same one.
    """

    def __init__(self, home: str | os.PathLike | None = None) -> None:
        given = str(home or os.environ.get("COURSE_HOME", "").strip() or ".course")
        self.path = CHECKOUT / os.path.expanduser(os.path.expandvars(given)) / "progress.json"
        self.trouble = ""

    def read(self) -> dict[str, Any]:
        """Return all that is known, lesson -> section -> key -> value, and leave the file as it is.

        Entries that are not as this class writes them are left out; sections and lessons it does not know are kept.
        """
        try:
            sound, self.trouble = self._load()
        except OSError as error:
            sound, self.trouble = {}, f"Your progress can't be read in {self.path.parent}: {error.strerror}; {REMEDY}."
        return sound

    def lesson(self, number: int) -> dict[str, Any]:
        """Return what is known of one lesson: `predictions`, `exercises`, `claims`.

        Args:
            number: the lesson's number.
        """
        known = self.read().get(f"{number:02}", {})
        return {"predictions": {}, "exercises": {}, **known}

    def record(self, number: int, section: str, key: str, value: Any) -> bool:
        """Store a value under lesson, section and key; a damaged file is first set aside, and `trouble` says where.

        Args:
            number: the lesson's number.
            section: "predictions", "exercises", "claims" or another name.
            key: name inside the section.
            value: what JSON can hold, numpy's numbers too.

        Returns:
            False where it could not be stored: the folder can't be written, is full, or the file can't be read.

        Raises:
            ValueError: a number is NaN or infinite, which JSON has no word for; nothing is written.
        """
        _check_finite(value)
        self.trouble = ""
        try:
            self._make_home()
            with self._locked():
                data, damage = self._load()
                kept = self._set_aside() if damage else ""
                sections = data.setdefault(f"{number:02}", {})
                sections[section] = {**(found if isinstance(found := sections.get(section), dict) else {}), key: value}
                self._write(data)
                self.trouble = damage and f"{damage} It is kept as {kept}."
        except OSError as error:
            self.trouble = f"Your progress can't be saved in {self.path.parent}: {error.strerror}; {REMEDY}."
            return False
        return True

    def forget_shown(self, number: int) -> None:
        """Let results of a lesson that were shown without a prediction be predicted again, in a fresh working copy.

        Args:
            number: the lesson's number.
        """
        with contextlib.suppress(OSError), self._locked():
            data, damage = self._load()
            known = data.get(f"{number:02}", {}).get("predictions", {})
            kept = {key: value for key, value in known.items() if "measured" in value or "shown" not in value}
            if not damage and kept != known:
                data[f"{number:02}"]["predictions"] = kept
                self._write(data)

    def _load(self) -> tuple[dict[str, Any], str]:
        """Return the sound part of the file, and a sentence on what is wrong with the rest."""
        odd = []

        def finite(text: str) -> float | None:
            number = float(text)
            return number if math.isfinite(number) else odd.append(text)

        try:
            # finds out UTF-8, with a mark or without, UTF-16 and UTF-32; a number that is not finite becomes null
            data = json.loads(self.path.read_bytes(), parse_constant=odd.append, parse_float=finite)
        except FileNotFoundError:
            return {}, ""
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            return {}, "Your progress file was damaged, and nothing in it could be read."
        sound = _sound(data)
        return sound, "" if sound == data and not odd else "A part of your progress file was damaged and is left out."

    def _make_home(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _give_to_owner(folder, folder.parent)

    def _write(self, data: dict[str, Any]) -> None:
        """Put the file in place whole; through a link, what it links to."""
        text = json.dumps(data, indent=1, sort_keys=True, default=_plain, allow_nan=False)
        target = Path(os.path.realpath(self.path))
        name = target.with_name(f"progress.{os.getpid()}-{time.time_ns()}.json")
        try:
            with os.fdopen(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "w", encoding="utf-8") as file:
                file.write(text)
            if target.exists():
                os.chmod(name, target.stat().st_mode & 0o777)
            _give_to_owner(name, target if target.exists() else target.parent)
            _replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def _set_aside(self) -> str:
        """Copy the damaged file beside itself and return the copy's name; the original is replaced by what follows."""
        name = self.path.with_name(f"progress.damaged-{time.time_ns()}.json")
        shutil.copyfile(self.path, name)
        _give_to_owner(name, self.path)
        return name.name

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold a lock file, so that two notebooks don't overwrite each other; one that nobody releases is broken."""
        lock = self.path.with_suffix(".lock")
        holder, since, give_up = None, time.monotonic(), time.monotonic() + 10 * LOCK_SECONDS
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
                break
            except (FileExistsError, PermissionError) as error:
                # on Windows a lock that is being removed refuses; elsewhere the folder can't be written
                if isinstance(error, PermissionError) and not IS_WINDOWS:
                    raise
            now, seen = time.monotonic(), _identity(lock)
            if seen != holder:
                holder, since = seen, now
            elif now > since + LOCK_SECONDS:
                with contextlib.suppress(OSError):
                    os.unlink(lock)
            if now > give_up:
                raise TimeoutError(errno.ETIMEDOUT, f"{lock.name} can't be removed")
            time.sleep(0.01)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.unlink(lock)


def _identity(lock: Path) -> tuple[int, int] | None:
    """Return what tells a lock file from the next one of the same name; None where it is gone."""
    try:
        found = os.stat(lock)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _replace(name: Path, target: Path) -> None:
    """Rename over the target; Windows refuses for the moments in which another process reads it."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.replace(name, target)
            return
        except PermissionError:
            if not IS_WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _give_to_owner(path: Path, like: Path) -> None:
    """Where root writes (sudo, a container), let the file belong to whom its surroundings belong."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        found = like.stat()
        with contextlib.suppress(OSError):
            os.chown(path, found.st_uid, found.st_gid)


def _sound(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without what can't be an entry of ours; what has another name is another version's business."""
    lessons = {key: value for key, value in data.items() if LESSON_KEY.fullmatch(key) and isinstance(value, dict)}
    others = {key: value for key, value in data.items() if not LESSON_KEY.fullmatch(key)}
    return others | {key: _sound_lesson(value) for key, value in lessons.items()}


def _sound_lesson(sections: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in sections.items() if name not in SECTIONS or isinstance(value, dict)}
    if "predictions" in found:
        found["predictions"] = {key: value for key, value in found["predictions"].items() if _is_prediction(value)}
    return found


def _is_prediction(value: Any) -> bool:
    """Whether a value is a prediction: two ends, or with the result, or shown without one."""
    if not isinstance(value, dict):
        return False
    if "measured" in value and not isinstance(value.get("contains"), bool):
        return False
    wanted = {"low", "high"} if {"low", "high", "measured"} & value.keys() else set()
    numbers = [value.get(name) for name in (*wanted, *({"measured"} & value.keys()))]
    return all(map(_is_finite_number, numbers))


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _check_finite(value: Any) -> None:
    try:
        json.dumps(value, default=_plain, allow_nan=False)
    except ValueError:
        raise ValueError(
            f"value must hold finite numbers, got {told(value)}; leave out what was not measured"
        ) from None


def _plain(value: Any) -> Any:
    """Return a numpy number as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"progress can't hold a {type(value).__name__}; pass numbers, texts, lists or dictionaries")
