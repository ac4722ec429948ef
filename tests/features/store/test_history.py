"""The history's file: who may open it, and for how long."""

import subprocess
import sys

import duckdb
import pytest

from tests.features.store.rates import RATES
from utils.features.store import history
from utils.features.store.history import History

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that has the file open until it gets a line."""
    path = tmp_path / "offline.duckdb"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"open"
        yield process, History(path)
        if process.poll() is None:
            process.communicate(b"\n")


def test_a_file_that_another_process_keeps_open_is_told_in_one_sentence(other_process, monkeypatch):
    monkeypatch.setattr(history, "PATIENCE", 0.05)
    with pytest.raises(RuntimeError, match=r"folder must not be open in another process, got .*; close that store"):
        other_process[1].create(RATES)


def test_a_file_that_another_process_closes_soon_is_waited_for(other_process, monkeypatch):
    process, waiting = other_process
    monkeypatch.setattr(history.time, "sleep", lambda _: process.communicate(b"\n"))
    waiting.create(RATES)
    assert waiting.last(RATES) == -1


def test_another_error_is_not_waited_out(tmp_path):
    (tmp_path / "offline.duckdb").mkdir()
    with pytest.raises(duckdb.Error):
        History(tmp_path / "offline.duckdb").create(RATES)


def test_the_file_is_closed_by_the_last_block_also_after_an_error(tmp_path):
    ours = History(tmp_path / "offline.duckdb")
    with pytest.raises(KeyError), ours.opened():  # noqa: PT012
        ours.create(RATES)
        with ours.opened():
            assert ours.last(RATES) == -1
        assert ours.last(RATES) == -1
        raise KeyError
    code = f"import duckdb; print(duckdb.connect({str(ours.path)!r}).execute('SELECT count(*) FROM rates').fetchall())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[(0,)]"
    assert ours.last(RATES) == -1  # and it is opened anew
