"""The runner: what it prints for a lesson that works, and for each way in which one can fail."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from tests.course.tiny_notebooks import claim, outputs, write_notebook
from tests.waiting import wait_until
from utils.course.__main__ import main
from utils.course.claims import claims_text, significant
from utils.course.lesson_process import run_lesson
from utils.foundation.checkout import CHECKOUT

LOOK_AROUND = (
    "import os, sys\n"
    "print(sys.executable, SEED, os.getcwd(), os.environ['COURSE_STATIC'], os.environ['OMP_NUM_THREADS'], sep='\\n')\n"
    "from pathlib import Path\n"
    "Path(os.environ['COURSE_HOME']).mkdir(parents=True)"
)


HANG = "time.sleep(600)"


def command(*arguments):
    """Return exit status, standard output and standard error of one command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """One `run` over a good lesson and three that fail; returns folder, executed copies, status and output."""
    folder = tmp_path_factory.mktemp("mixed")
    book = folder / "book"
    ballast = "ballast = bytearray(150_000_000)\nimport time; time.sleep(0.3)"
    write_notebook(book, "01_good", LOOK_AROUND, ballast, claim("kept", "RATE", 1), claim("too", 1, 2))
    write_notebook(book, "02_raises", "x = 1", "raise ValueError('first line\\nsecond line')")
    write_notebook(book, "03_false", claim("kept", 1, 2), claim("broken", 2, 1), claim("never_reached", 1, 2))
    write_notebook(book, "04_dies", "import os; os._exit(1)")
    before = {path: path.read_bytes() for path in book.rglob("*.ipynb")}
    status, out, err = command("run", "--notebooks", book, "--output", folder / "out", "-p", "SEED", "3")
    assert {path: path.read_bytes() for path in book.rglob("*.ipynb")} == before
    return folder, status, out, err


def test_run_exits_with_1_and_prints_nothing_but_table_and_failures(mixed):
    _, status, out, err = mixed
    assert status == 1
    assert err == ""
    assert len(out.splitlines()) == 1 + 4 + 3


def test_run_names_each_failed_lesson_with_its_cell_and_error_in_one_line(mixed):
    out = mixed[2].splitlines()
    assert "02_raises failed, cell 3: ValueError: first line" in out
    assert "03_false failed, cell 3: ClaimFailed: broken: measured 2.0" in out
    assert "04_dies failed, cell 2: the kernel died" in out


def test_run_counts_the_claims_that_were_reached(mixed):
    rows = {line.split()[0]: line.split()[3:] for line in mixed[2].splitlines()[1:5]}
    assert rows == {
        "01_good": ["2/2"],
        "02_raises": ["0/0", "FAILED"],
        "03_false": ["1/2", "FAILED"],
        "04_dies": ["0/0", "FAILED"],
    }


def test_run_measures_the_memory_of_the_kernel(mixed):
    peak = {line.split()[0]: float(line.split()[2]) for line in mixed[2].splitlines()[1:5]}
    # The ballast of 150 MB is resident beside an interpreter that alone takes 40 MB or more.
    assert 150 < peak["01_good"] - 0.5 * peak["02_raises"] < 400


def test_executed_copy_ran_with_this_python_in_its_folder_with_the_parameter(mixed):
    folder = mixed[0]
    copy = folder / "out" / "1_part" / "01_good.ipynb"
    printed = "".join(outputs(copy)[0]["text"]).split("\n")
    where = os.path.realpath(folder / "book" / "1_part")
    assert printed[:2] == [sys.executable, "3"]
    assert os.path.realpath(printed[2]) == where
    assert printed[3:5] == ["1", "1"]


def test_lesson_over_the_time_limit_is_stopped(tmp_path):
    path = write_notebook(tmp_path, "05_hangs", "import time; time.sleep(600)")
    done = run_lesson(path, tmp_path / "copy.ipynb", time_limit=0.5)
    assert re.fullmatch(r"(cell \d: )?stopped after the time limit of 0.5 s", done.error)
    assert done.seconds < 60


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to signal")
def test_stopped_by_the_person_the_runner_prints_what_had_finished_and_leaves_no_process(tmp_path):
    book, pid = tmp_path / "book", tmp_path / "pid"
    write_notebook(book, "01_good", claim("kept", 1, 2))
    write_notebook(
        book, "02_hangs", f"import os, time, pathlib\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))", HANG
    )
    write_notebook(book, "03_waits", "1")
    command = [
        sys.executable,
        "-m",
        "utils.course",
        "run",
        "--jobs",
        "1",
        "--notebooks",
        book,
        "--output",
        tmp_path / "o",
    ]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        runner = subprocess.Popen(
            list(map(str, command)),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(lambda: pid.is_file() and pid.read_text(), seconds=60)
    os.killpg(runner.pid, signal.SIGINT)  # as the terminal does
    out, err = runner.communicate(timeout=10)
    lines = out.decode().splitlines()
    assert runner.returncode == 130
    assert err == b""
    assert [line.split()[0] for line in lines] == ["lesson", "01_good", "stopped;"]
    assert lines[-1] == "stopped; not finished: 02_hangs, 03_waits"
    wait_until(lambda: not psutil.pid_exists(int(pid.read_text())), seconds=10)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SEED", "abc", "error: parameter SEED of 01_good must be int, got 'abc'; for example -p SEED 7\n"),
        ("SEED", "1.5", "error: parameter SEED of 01_good must be int, got 1.5; for example -p SEED 7\n"),
        ("SEED", "True", "error: parameter SEED of 01_good must be int, got True; for example -p SEED 7\n"),
        ("CITY", "3", "error: parameter CITY of 01_good must be str, got 3; for example -p CITY Lyon\n"),
        ("SEEDS", "3", "error: 01_good has no parameter SEEDS; it has: SEED, RATE, CITY\n"),
    ],
)
def test_wrong_parameter_is_one_line_and_nothing_runs(tmp_path, name, value, message):
    write_notebook(tmp_path / "book", "01_good", "x = 1")
    arguments = ("--notebooks", tmp_path / "book", "--output", tmp_path / "out", "-p", name, value)
    assert command("run", *arguments) == (1, "", message)
    assert not (tmp_path / "out").exists()


def test_output_folder_below_a_file_is_one_line(tmp_path):
    write_notebook(tmp_path / "book", "01_good", "x = 1")
    (tmp_path / "file").write_text("")
    status, out, err = command("run", "--notebooks", tmp_path / "book", "--output", tmp_path / "file" / "out")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"error: cannot write to .*: .*; choose another with --output\n", err)


FULL_DISK = """\
import builtins, errno, os
usual_open = builtins.open
def full_open(file, *arguments, **options):
    if str(file).endswith("copy.ipynb"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return usual_open(file, *arguments, **options)
builtins.open = full_open
"""


def test_full_disk_is_named_as_the_error_of_the_lesson(tmp_path):
    path = write_notebook(tmp_path, "01_good", "x = 1")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "sitecustomize.py").write_text(FULL_DISK)
    done = run_lesson(path, tmp_path / "copy.ipynb", variables={"PYTHONPATH": str(tmp_path / "full")})
    assert done.error == "cannot write the executed copy: No space left on device"


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make links")
def test_copy_of_an_earlier_run_is_removed_but_never_what_it_links_to(tmp_path):
    path = write_notebook(tmp_path, "01_good", parameters="")
    path.write_text("{")
    (tmp_path / "precious.ipynb").write_text("precious")
    (tmp_path / "copy.ipynb").symlink_to(tmp_path / "precious.ipynb")
    run_lesson(path, tmp_path / "copy.ipynb")
    assert (tmp_path / "precious.ipynb").read_text() == "precious"


def test_folder_without_lessons_is_one_line(tmp_path):
    status, out, err = command("run", "--notebooks", tmp_path, "--output", tmp_path / "out")
    assert (status, out) == (1, "")
    assert err.startswith("error: no lesson found in ")
    assert err.count("\n") == 1


def test_unknown_lesson_is_one_line_that_lists_those_built(tmp_path):
    write_notebook(tmp_path, "07_skew")
    status, _, err = command("run", "9", "--notebooks", tmp_path)
    assert status == 1
    assert err.endswith("built so far: 07\n")


def test_notebook_that_is_not_json_fails_alone(tmp_path):
    path = write_notebook(tmp_path, "01_good")
    path.write_text("{")
    done = run_lesson(path, tmp_path / "copy.ipynb")
    assert "\n" not in done.error
    assert done.claims == []


def test_claims_file_is_sorted_and_has_four_significant_digits():
    record = {
        "id": "b",
        "text": "t",
        "measured": 0.123456,
        "relation": "within",
        "bound": [0.0, 1.23456],
        "holds": True,
    }
    table = json.loads(claims_text({"02_b": [record, {**record, "id": "a", "measured": "inf"}], "01_a": []}))
    assert list(table) == ["01_a", "02_b"]
    assert list(table["02_b"]) == ["a", "b"]
    assert table["02_b"]["b"]["measured"] == 0.1235
    assert table["02_b"]["b"]["bound"] == [0.0, 1.235]
    assert table["02_b"]["a"]["measured"] == "inf"


def test_significant_digits_of_small_and_large_numbers():
    assert [significant(x) for x in (1234567.0, 0.000123456, -9.99999, 5)] == [1235000.0, 0.0001235, -10.0, 5]


def test_sweep_through_a_dask_cluster_counts_how_often_each_claim_held(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is installed with requirements-test.txt only")
    write_notebook(tmp_path / "book", "01_good", claim("always", 0, 1), claim("only_1000", "SEED", 1000))
    # workers that are threads start at once; over TCP they are sent what processes would be
    limits = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(host="127.0.0.1", protocol="tcp://", **limits) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        before = cluster.scheduler.transition_counter
        arguments = ("--seeds", 2, "--notebooks", tmp_path / "book", "--output", tmp_path / "out")
        status, out, err = command("sweep", *arguments)
        assert cluster.scheduler.transition_counter > before
    assert (status, err) == (1, "")
    rows = [line.split() for line in out.splitlines()[1:3]]
    assert [(row[1], " ".join(row[2:5]), row[5], " ".join(row[9:])) for row in rows] == [
        ("always", "2 of 2", "0.0", "exact"),
        ("only_1000", "1 of 2", "1001.0", "-0.7 !"),  # distances 0 and -1: mean -1/2, standard deviation 1/sqrt(2)
    ]
    assert out.splitlines()[4] == "! 1 claim is false on some seed"
    assert out.splitlines()[5] == "! 1 claim has a margin of less than 4: expect it to fail on somebody's seed"
    stored = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert [one["seed"] for one in stored["runs"]] == [1000, 1001]
    assert [row["margin"] for row in stored["claims"]] == ["exact", pytest.approx(-(0.5**0.5))]


def test_sweep_on_this_machine_exits_with_0_when_every_claim_held(tmp_path, monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    write_notebook(tmp_path / "book", "01_good", claim("always", "SEED", 5))
    arguments = ("--seeds", 1, "--first-seed", 5, "--jobs", 1, "--output", tmp_path / "out")
    status, out, _ = command("sweep", "01", "--notebooks", tmp_path / "book", *arguments)
    assert status == 0
    assert "1 of 1  5.0    <= 5.0  5     -" in out


def test_only_a_strict_sweep_fails_for_a_claim_that_holds_close_to_its_bound(tmp_path, monkeypatch):
    write_notebook(tmp_path / "book", "01_good", parameters="SEED = 7")
    record = {"id": "close", "text": "c", "relation": "<=", "bound": 1001, "holds": True}
    runs = [
        {"lesson": "01_good", "seed": seed, "seconds": 1.0, "error": "", "claims": [{**record, "measured": seed}]}
        for seed in (1000, 1001)
    ]
    monkeypatch.setattr("utils.course.sweep.in_parallel", lambda tasks, jobs: runs[: len(tasks)])
    arguments = ("sweep", "--notebooks", tmp_path / "book", "--seeds", 2, "--output", tmp_path / "out")
    status, out, _ = command(*arguments)
    assert (status, "2 of 2" in out, "0.7 !" in out) == (0, True, True)
    assert command(*arguments, "--strict")[0] == 1


def test_sweep_without_its_scheduler_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is installed with requirements-test.txt only")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "nonsense://127.0.0.1:1")
    write_notebook(tmp_path / "book", "01_good")
    status, out, err = command("sweep", "--notebooks", tmp_path / "book", "--output", tmp_path / "out")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"error: no Dask scheduler at nonsense://127.0.0.1:1: \w+; start one or unset it\n", err)


def test_seeds_must_be_a_positive_number(capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "--seeds", "many"])
    err = capsys.readouterr().err
    assert err.startswith("error: argument --seeds: must be a positive number, got 'many'; see ")
    assert err.count("\n") == 1
