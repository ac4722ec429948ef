"""The Makefile, `.ci/run` and the public workflows: their commands exist, and one failure does not hide another."""

import os
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from utils.foundation.checkout import CHECKOUT

MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (CHECKOUT / ".github" / "workflows").glob("*.yml")
}
needs_make = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="there is no make here")


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def matrix(job):
    return job["strategy"]["matrix"]


def test_workflows_call_only_targets_that_there_are():
    runs = [command for flow in WORKFLOWS.values() for job in flow["jobs"].values() for command in commands(job)]
    called = {target for command in runs for target in re.findall(r"\bmake ([\w-]+)", command)}
    assert {"lint", "test", "test-oldest", "test-production", "sweep"} <= called <= TARGETS


def test_each_push_is_linted_tested_on_every_python_and_its_lessons_run_on_one():
    jobs = WORKFLOWS["ci"]["jobs"]
    assert sorted(jobs) == ["code", "lessons", "lint"]
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert matrix(jobs["code"])["python"] == ["3.11", "3.12", "3.13"]
    assert commands(jobs["code"]) == ["make test ONLY=tests PYTHON=python${{ matrix.python }}"]
    assert commands(jobs["lessons"]) == ["make test ONLY=notebooks"]


def test_the_night_has_every_python_the_oldest_versions_twenty_seeds_and_the_other_systems():
    jobs = WORKFLOWS["nightly"]["jobs"]
    assert matrix(jobs["pythons"])["python"] == ["3.11", "3.12", "3.13"]
    assert commands(jobs["oldest"]) == ["make test-oldest"]
    assert commands(jobs["seeds"]) == ["make sweep SEEDS=20"]
    assert [row["system"] for row in matrix(jobs["systems"])["include"]] == ["macos-latest", "windows-latest"]


def stand_in(folder, name, body):
    """Write a program that notes how it was called, then does what `body` says; return its path."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n{body}\n')
    path.chmod(0o755)
    return path


@needs_make
@pytest.mark.parametrize(
    ("body", "status"), [("true", 0), ('test "$2" = pytest', 2), ('test "$2" = utils.course', 2), ("false", 2)]
)
def test_on_the_oldest_versions_lessons_and_tests_both_run_whichever_fails(tmp_path, body, status):
    python = stand_in(tmp_path, "python", body)
    done = subprocess.run(
        ["make", "test-oldest", "SET_UP=@true", f"OLDEST={python}"], cwd=CHECKOUT, capture_output=True
    )
    assert done.returncode == status
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[:3] for call in calls] == [["python", "-m", "utils.course"], ["python", "-m", "pytest"]]


@needs_make
@pytest.mark.parametrize(
    ("body", "status"), [("true", 0), ('test "$1" = test', 1), ('test "$1" = lint', 1), ("false", 1)]
)
def test_the_private_ci_lints_and_tests_whichever_fails(tmp_path, body, status):
    for name in ("chromium", "chromedriver"):
        stand_in(tmp_path, name, "true")
    stand_in(tmp_path, "make", body)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", CHECKOUT / ".ci" / "run"], env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL
    )
    assert done.returncode == status
    assert (tmp_path / "calls").read_text().splitlines() == ["make lint", "make test"]


@needs_make
def test_make_takes_the_number_of_a_new_lesson(tmp_path):
    python = stand_in(tmp_path, "python", "true")
    for arguments in (["lesson", "05"], ["lesson"]):
        subprocess.run(["make", *arguments, "SET_UP=@true", f"VENV={python}"], cwd=CHECKOUT, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split() for call in calls] == [
        ["python", "-m", "utils.course", "lesson", "05"],
        ["python", "-m", "utils.course", "lesson"],
    ]


@needs_make
def test_make_help_names_every_target():
    said = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert {*re.findall(r"^make ([\w-]+)", said, re.MULTILINE), "help"} == TARGETS
