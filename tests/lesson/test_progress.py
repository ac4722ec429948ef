"""Progress: nothing a learner did is lost, whatever happened to its file, and what is wrong is said once."""

import errno
import json
import math
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from utils.foundation.checkout import CHECKOUT
from utils.lesson import Lesson
from utils.lesson.progress import Progress

GOOD = {"06": {"exercises": {"1": "passed", "2": "passed"}}}
needs_a_user = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all files")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make links")


def stored(home):
    return json.loads((home / "progress.json").read_text())


def names(home):
    return sorted(path.name for path in home.iterdir())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_saved_by_any_editor_is_read(home, encoding):
    (home / "progress.json").write_bytes(json.dumps(GOOD).encode(encoding))
    assert Progress().lesson(6)["exercises"] == {"1": "passed", "2": "passed"}
    assert Progress().record(7, "exercises", "3", "passed")
    assert stored(home) == GOOD | {"07": {"exercises": {"3": "passed"}}}
    assert names(home) == ["progress.json"]


@pytest.mark.parametrize("text", ["{half a fi", "[1, 2]", "3", "null", "", "\x00", "[" * 100_000])
def test_a_damaged_file_is_left_alone_by_reading_and_kept_beside_by_writing(home, text):
    (home / "progress.json").write_text(text)
    progress = Progress()
    assert progress.read() == {}
    assert "damaged" in progress.trouble
    assert (home / "progress.json").read_text() == text
    assert progress.record(7, "exercises", "1", "passed")
    [kept] = home.glob("progress.damaged-*.json")
    assert kept.read_text() == text
    assert kept.name in progress.trouble
    assert stored(home) == {"07": {"exercises": {"1": "passed"}}}


@pytest.mark.parametrize(
    "inside",
    [
        {"07": None},
        {"07": [1]},
        {"07": {"predictions": None}},
        {"07": {"exercises": "passed"}},
        {"07": {"claims": 3}},
        {"07": {"predictions": {"x": 3}}},
        {"07": {"predictions": {"x": {"low": "1", "high": 2}}}},
        {"07": {"predictions": {"x": {"low": 1}}}},
        {"07": {"predictions": {"x": {"low": 1, "high": True}}}},
        {"07": {"predictions": {"x": {"low": 1, "high": 2, "measured": 3}}}},
        {"07": {"predictions": {"x": {"low": 1, "high": 2, "measured": None, "contains": True}}}},
        {"07": {"predictions": {"x": {"measured": 3, "contains": True}}}},
    ],
)
def test_an_odd_inside_costs_its_own_entry_only_and_is_told_once(home, shown, inside):
    (home / "progress.json").write_text(json.dumps(GOOD | inside))
    lesson = Lesson(7)
    lesson.predict("x", "?", 1, 2)
    lesson.reveal("x", 5)
    lesson.predict("y", "?", 1, 2)
    told = [bundle["text/plain"] for bundle in shown if "damaged" in bundle["text/plain"]]
    [kept] = home.glob("progress.damaged-*.json")
    assert len(told) == 1
    assert kept.name in told[0]
    assert json.loads(kept.read_text()) == GOOD | inside
    assert stored(home)["06"] == GOOD["06"]
    assert stored(home)["07"]["predictions"]["x"]["measured"] == 5


def test_what_another_version_wrote_is_kept(home):
    other = {
        "version": 2,
        "07": {
            "drafts": {"answer": ["text"]},
            "ribbon": None,
            "predictions": {"x": {"shown": True, "seconds": 3}, "y": {"low": 1, "high": 2, "by": "me"}},
        },
        "notes": [1],
    }
    (home / "progress.json").write_text(json.dumps(other))
    progress = Progress()
    assert progress.record(7, "exercises", "1", "passed")
    assert progress.trouble == ""
    other["07"]["exercises"] = {"1": "passed"}
    assert stored(home) == other
    assert names(home) == ["progress.json"]


def test_numbers_of_numpy_are_kept_as_numbers(home):
    assert Progress().record(7, "claims", "held", np.int64(3))
    assert Progress().record(7, "claims", "all", np.bool_(True))
    assert stored(home) == {"07": {"claims": {"all": True, "held": 3}}}
    with pytest.raises(TypeError, match="can't hold a set"):
        Progress().record(7, "claims", "held", {3})
    assert names(home) == ["progress.json"]


@pytest.mark.parametrize("home_setting", ["~/course", "$HOME/course", "  ~/course  "])
@pytest.mark.parametrize("folder", ["2_features", "6_monitoring"])
def test_course_home_means_the_same_folder_for_all_notebooks(monkeypatch, tmp_path, home_setting, folder):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("COURSE_HOME", home_setting)
    monkeypatch.chdir(CHECKOUT / "notebooks" / folder)
    assert Progress().path == tmp_path / "course" / "progress.json"


def test_a_relative_course_home_counts_from_the_checkout(monkeypatch):
    monkeypatch.chdir(CHECKOUT / "notebooks")
    monkeypatch.setenv("COURSE_HOME", "mine/course")
    assert Progress().path == CHECKOUT / "mine" / "course" / "progress.json"
    for empty in ("", "  "):
        monkeypatch.setenv("COURSE_HOME", empty)
        assert Progress().path == CHECKOUT / ".course" / "progress.json"


def test_a_folder_that_cannot_be_written_is_told_once_and_does_not_stop_the_lesson(tmp_path, monkeypatch, shown):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    lesson = Lesson(7)
    for key in ("cost", "gain"):
        lesson.predict(key, "How many?", 1, 2)
    assert ["set COURSE_HOME" in bundle["text/plain"] for bundle in shown] == [True, False, False]
    assert "Written down for this session" in shown[-1]["text/plain"]


def test_a_file_that_is_a_folder_is_told_and_left_alone(home):
    (home / "progress.json").mkdir()
    progress = Progress()
    assert progress.read() == {}
    assert "can't be read" in progress.trouble
    assert not progress.record(7, "exercises", "1", "passed")
    assert "can't be saved" in progress.trouble
    assert names(home) == ["progress.json"]


def unreadable(path, monkeypatch):
    """Let reading of one file fail as where it belongs to root, for root too."""
    read = Path.read_bytes

    def refuse(self):
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)


def test_a_file_of_somebody_else_is_told_and_left_alone(home, shown, monkeypatch):
    path = home / "progress.json"
    path.write_text(json.dumps(GOOD))
    unreadable(path, monkeypatch)
    progress = Progress()
    assert progress.read() == {}
    assert "can't be read" in progress.trouble
    assert "Permission denied" in progress.trouble
    Lesson(7).predict("x", "?", 1, 2)
    assert "can't be saved" in shown[0]["text/plain"]
    assert names(home) == ["progress.json"]
    assert stored(home) == GOOD


@needs_a_user
def test_a_folder_without_the_right_to_write_is_told(home):
    home.chmod(0o500)
    try:
        progress = Progress()
        assert not progress.record(7, "exercises", "1", "passed")
        assert "Permission denied" in progress.trouble
    finally:
        home.chmod(0o700)


@needs_root
def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path):
    os.chown(tmp_path, 12345, 12346)
    assert Progress(tmp_path / "home").record(7, "exercises", "1", "passed")
    for path in (tmp_path / "home", tmp_path / "home" / "progress.json"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_files_mode_is_kept(home, mode):
    (home / "progress.json").write_text("{}")
    (home / "progress.json").chmod(mode)
    assert Progress().record(7, "exercises", "1", "passed")
    assert (home / "progress.json").stat().st_mode & 0o777 == mode


def test_a_full_disk_is_told_and_loses_nothing(home, monkeypatch):
    (home / "progress.json").write_text(json.dumps(GOOD))
    opened = os.fdopen

    def full(*arguments, **options):
        file = opened(*arguments, **options)
        file.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    progress = Progress()
    assert not progress.record(7, "exercises", "1", "passed")
    assert "No space left on device" in progress.trouble
    assert stored(home) == GOOD
    assert names(home) == ["progress.json"]


@needs_links
def test_a_link_stays_a_link_and_what_it_links_to_is_written(home, tmp_path):
    (home / "progress.json").symlink_to(tmp_path / "elsewhere.json")
    assert Progress().record(7, "exercises", "1", "passed")
    assert Progress().record(7, "exercises", "2", "passed")
    assert (home / "progress.json").is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_text()) == {
        "07": {"exercises": {"1": "passed", "2": "passed"}}
    }


@needs_links
def test_a_link_to_itself_is_told(home):
    (home / "progress.json").symlink_to(home / "progress.json")
    progress = Progress()
    assert progress.read() == {}
    assert not progress.record(7, "exercises", "1", "passed")
    assert progress.trouble


def write_fifty(home, worker):
    progress = Progress(home)
    for i in range(50):
        assert progress.record(7, "exercises", f"{worker}-{i}", "passed")


def test_two_notebooks_writing_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_fifty, args=(tmp_path, w)) for w in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(stored(tmp_path)["07"]["exercises"]) == 100
    assert names(tmp_path) == ["progress.json"]


def test_a_lock_left_by_a_dead_process_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.lesson.progress.LOCK_SECONDS", 0.05)
    (tmp_path / "progress.lock").write_text("")
    assert Progress(tmp_path).record(7, "exercises", "1", "passed")
    assert stored(tmp_path) == {"07": {"exercises": {"1": "passed"}}}


def test_a_lock_that_cannot_be_removed_is_told_instead_of_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.lesson.progress.LOCK_SECONDS", 0.02)
    (tmp_path / "progress.lock").mkdir()
    progress = Progress(tmp_path)
    assert not progress.record(7, "exercises", "1", "passed")
    assert "progress.lock can't be removed" in progress.trouble


def refusing(function, times):
    """Return the function, which fails the first so many times as Windows does while another process looks."""
    left = [times]

    def call(*arguments):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied")
        return function(*arguments)

    return call


@pytest.mark.parametrize("name", ["replace", "open"])
def test_on_windows_a_file_in_use_is_waited_for(home, monkeypatch, name):
    monkeypatch.setattr("utils.lesson.progress.IS_WINDOWS", True)
    monkeypatch.setattr(os, name, refusing(getattr(os, name), 3))
    assert Progress().record(7, "exercises", "1", "passed")
    assert stored(home) == {"07": {"exercises": {"1": "passed"}}}


@pytest.mark.parametrize("is_windows", [True, False])
def test_a_file_in_use_for_ever_is_told(home, monkeypatch, is_windows):
    monkeypatch.setattr("utils.lesson.progress.IS_WINDOWS", is_windows)
    monkeypatch.setattr("utils.lesson.progress.LOCK_SECONDS", 0.05)
    monkeypatch.setattr(os, "replace", refusing(os.replace, 1_000 if is_windows else 1))
    progress = Progress()
    assert not progress.record(7, "exercises", "1", "passed")
    assert "Access is denied" in progress.trouble
    assert names(home) == []


def test_a_fresh_copy_lets_unanswered_predictions_be_made_again(home):
    counted = {"low": 1, "high": 2, "measured": 5, "contains": False}
    for key, value in {"peeked": {"shown": True}, "counted": counted, "open": {"low": 1, "high": 2}}.items():
        Progress().record(7, "predictions", key, value)
    Progress().record(6, "predictions", "peeked", {"shown": True})
    Progress().forget_shown(7)
    assert stored(home)["07"]["predictions"] == {"counted": counted, "open": {"low": 1, "high": 2}}
    assert stored(home)["06"]["predictions"] == {"peeked": {"shown": True}}
    Progress().forget_shown(9)
    assert "09" not in stored(home)


@pytest.mark.parametrize(("section", "value"), [("draft", None), ("rubric", []), ("draft", "text"), ("unknown", 3)])
def test_a_section_that_is_no_dictionary_is_damage_and_hinders_nobody(home, section, value):
    (home / "progress.json").write_text(json.dumps({"07": {section: value, "claims": {"held": 3}}}))
    progress = Progress()
    assert progress.record(7, section, "text", "mine")
    assert progress.read() == {"07": {section: {"text": "mine"}, "claims": {"held": 3}}}


def strictly(text):
    """Return what a parser reads that knows no numbers but JSON's."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, np.float32("inf"), np.float64("nan")])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"measured": x}, lambda x: [1, [x]]])
def test_a_number_that_json_cannot_hold_is_refused_and_nothing_is_written(home, value, wrap):
    progress = Progress()
    assert progress.record(7, "claims", "held", 3)
    before = (home / "progress.json").read_bytes()
    with pytest.raises(ValueError, match="value must hold finite numbers, got"):
        progress.record(7, "claims", "odd", wrap(value))
    assert (home / "progress.json").read_bytes() == before
    assert names(home) == ["progress.json"]


@pytest.mark.parametrize("odd", ["Infinity", "-Infinity", "NaN", "1e999", "1" + 400 * "0"])
def test_an_infinite_number_in_the_file_costs_its_own_entry_and_the_file_is_mended(home, odd):
    counted = '{"low": 1, "high": 2, "measured": %s, "contains": false}'
    text = f'{{"07": {{"predictions": {{"x": {counted % odd}, "y": {counted % 5}}}}}}}'
    (home / "progress.json").write_text(text)
    progress = Progress()
    assert list(progress.lesson(7)["predictions"]) == ["y"]
    assert "damaged" in progress.trouble
    assert progress.record(7, "exercises", "1", "passed")
    [kept] = home.glob("progress.damaged-*.json")
    assert kept.read_text() == text
    assert list(strictly((home / "progress.json").read_text())["07"]["predictions"]) == ["y"]


@pytest.mark.parametrize("odd", ["Infinity", "NaN", "-1e999"])
def test_an_infinite_number_in_what_another_version_wrote_hinders_nobody(home, odd):
    (home / "progress.json").write_text(f'{{"07": {{"ribbon": {{"width": {odd}, "length": 3}}}}}}')
    assert Progress().record(7, "exercises", "1", "passed")
    found = strictly((home / "progress.json").read_text())
    assert found == {"07": {"ribbon": {"width": None, "length": 3}, "exercises": {"1": "passed"}}}
    assert len(list(home.glob("progress.damaged-*.json"))) == 1
