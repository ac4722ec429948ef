"""Set-up: a wrong Python, a missing lock, a busy port give one line; the locks fit pyproject.toml."""

import ast
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from utils.course import environment
from utils.course.lab import chosen_port
from utils.course.notebooks import CHECKOUT, CourseError
from utils.foundation.checkout import CHECKOUT as FOUNDATION_CHECKOUT

NEEDS = "the course needs 3.11 to 3.13; choose one: "


@pytest.mark.parametrize(
    ("version", "target", "message"),
    [
        ((3, 10, 13), "lab", f"Python 3.10.13 is too old, {NEEDS}make lab PYTHON=python3.12"),
        ((3, 10, 13), "run", f"Python 3.10.13 is too old, {NEEDS}make run PYTHON=python3.12"),
        ((3, 14, 0), "run", f"Python 3.14.0 is too new, {NEEDS}make run PYTHON=python3.12"),
        ((3, 8, 1), "", f"Python 3.8.1 is too old, {NEEDS}python3.12 utils/course/environment.py run"),
        ((3, 11, 0), "lab", None),
        ((3, 13, 9), "lab", None),
    ],
)
def test_python_outside_the_range_is_named_with_the_command_that_was_given(version, target, message):
    assert environment.version_complaint(version, "run", target) == message


def test_the_oldest_versions_are_tested_on_the_oldest_python():
    said = environment.version_complaint((3, 12, 1), "oldest", "test-oldest")
    assert said.endswith("on 3.11: make test-oldest PYTHON=python3.11")
    assert environment.version_complaint((3, 11, 4), "oldest", "test-oldest") is None


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize("target", ["lab", "run", "test", "sweep", "test-oldest"])
def test_make_tells_the_set_up_which_target_was_asked_for(target):
    command = ["make", "--dry-run", "-f", str(CHECKOUT / "Makefile"), target]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT).stdout
    assert f"environment.py --target {target} " in asked


def test_missing_lock_is_one_line(tmp_path):
    with pytest.raises(environment.SetupError, match=r"requirements.txt is missing; .* make lock"):
        environment.set_up("run", checkout=tmp_path)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A checkout with a lock, in which pip's calls are recorded and not carried out."""
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    calls = []
    quietly = environment.run_quietly

    def record(command, complaint, cwd=None):
        calls.append([str(part) for part in command])
        if "venv" in command:
            quietly([*command[:3], "--without-pip", *command[3:]], complaint, cwd)
            site = next((tmp_path / ".venv").glob("[Ll]ib*/**/site-packages"))
            (site / "pip.py").write_text("")

    monkeypatch.setattr(environment, "run_quietly", record)
    return tmp_path, calls


def test_second_set_up_does_nothing_and_a_new_lock_installs_again(offline):
    checkout, calls = offline
    environment.set_up("run", checkout=checkout)
    assert [("venv" in call, "install" in call) for call in calls] == [(True, False), (False, True)]
    environment.set_up("run", checkout=checkout)
    assert len(calls) == 2
    (checkout / "requirements.txt").write_text("numpy==2.4.7\n")
    environment.set_up("run", checkout=checkout)
    assert ["venv" in call for call in calls[2:]] == [False]


def test_half_made_environment_is_rebuilt(offline):
    checkout, calls = offline
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / ".run-stamp").write_text("left over")
    environment.set_up("run", checkout=checkout)
    assert "--clear" in calls[0]


def test_checkout_is_importable_in_the_environment(offline):
    checkout, _ = offline
    (checkout / "only_here.py").write_text("")
    environment.set_up("run", checkout=checkout)
    subprocess.run(
        [environment.python_of(checkout / ".venv"), "-c", "import only_here"], check=True, cwd=checkout.parent
    )


def test_failed_command_shows_its_last_lines_and_the_complaint(capsys):
    program = "print('one'); print('two'); raise SystemExit(3)"
    with pytest.raises(environment.SetupError, match="pip could not"):
        environment.run_quietly([sys.executable, "-c", program], "pip could not")
    assert capsys.readouterr().err == "  one\n  two\n"


@pytest.mark.parametrize(
    "told",
    [
        "ERROR: Could not find a version that satisfies the requirement x (from versions: none)",
        "ERROR: No matching distribution found for anyio==4.9.0",
        "WARNING: Retrying: Failed to establish a new connection: Temporary failure in name resolution",
        "error: error sending request for url",
    ],
)
def test_without_network_the_set_up_says_what_to_do(told):
    with pytest.raises(environment.SetupError) as raised:
        environment.run_quietly([sys.executable, "-c", f"print({told!r}); raise SystemExit(1)"], "pip could not")
    assert str(raised.value).startswith("pip could not: it reached no package index; go online, or name a mirror")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("told", ["error: command 'gcc' failed", "ERROR: [Errno 28] No space left on device"])
def test_another_failure_is_not_put_on_the_network(told):
    with pytest.raises(environment.SetupError, match=r"^pip could not$"):
        environment.run_quietly([sys.executable, "-c", f"print({told!r}); raise SystemExit(1)"], "pip could not")


def test_the_set_up_is_written_for_a_python_that_is_too_old():
    """Python 3.6 must be able to read the file, so that it can say that it is too old."""
    source = Path(environment.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert not re.search(r"removeprefix|removesuffix|capture_output|text=True|missing_ok|:=", source)
    annotations = [
        annotation
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for annotation in (node.returns, *(argument.annotation for argument in node.args.args))
    ]
    assert {type(annotation) for annotation in annotations} <= {ast.Name, ast.Constant}


def test_busy_port_is_named_and_without_a_port_a_free_one_is_chosen():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(CourseError, match=f"port {port} is busy; choose another, make lab PORT="):
            chosen_port(str(port))
    assert 8888 <= chosen_port() <= 8987


@pytest.mark.parametrize("text", ["0", "65536", "abc", "-1", "8888.5"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(CourseError, match="port must be a number from 1 to 65535"):
        chosen_port(text)


PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
CORE = PROJECT["project"]["dependencies"]


def locked(name):
    """Return name -> version of a lock."""
    lines = [Requirement(line) for line in (CHECKOUT / name).read_text().splitlines()]
    return {line.name: str(line.specifier).removeprefix("==") for line in lines}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", CORE + GROUPS["lab"]),
        ("requirements-test.txt", CORE + GROUPS["lab"] + GROUPS["test"]),
        ("requirements-oldest.txt", CORE + GROUPS["lab"] + GROUPS["test"]),
        ("requirements-production.txt", CORE + GROUPS["production"]),
    ],
)
def test_lock_has_every_dependency_of_pyproject_in_a_fitting_version(lock, wanted):
    versions = locked(lock)
    unmet = [
        text for text in wanted if not Requirement(text).specifier.contains(versions.get(Requirement(text).name, "0"))
    ]
    assert unmet == []


def test_test_lock_agrees_with_the_learners_lock():
    learner, test = locked("requirements.txt"), locked("requirements-test.txt")
    assert {name: test.get(name) for name in learner} == learner


def test_oldest_lock_has_the_promised_versions():
    versions = locked("requirements-oldest.txt")
    promised = {"numpy": "2.0", "pandas": "2.2", "scikit-learn": "1.6", "scipy": "1.14", "matplotlib": "3.10"}
    assert {name: ".".join(versions[name].split(".")[:2]) for name in promised} == promised


def test_locks_name_no_index_and_one_version_of_each_package():
    for path in Path(CHECKOUT).glob("requirements*.txt"):
        lines = path.read_text().splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("-")]
        names = [re.match(r"[\w.-]+", line)[0] for line in lines]
        if path.name != "requirements-oldest.txt":  # that one is for a single Python version
            assert len(names) == len(set(names)), path.name


def test_the_set_up_knows_the_checkout_by_itself_and_needs_the_standard_library_alone(tmp_path):
    script = CHECKOUT / "utils" / "course" / "environment.py"
    imported = [
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    ]
    assert "argparse" in imported
    assert {name.partition(".")[0] for name in imported if name} <= sys.stdlib_module_names
    assert None not in imported  # from . import …
    program = f"import runpy; print(runpy.run_path({str(script)!r})['CHECKOUT'])"
    alone = [sys.executable, "-I", "-S", "-c", program]  # no site-packages, no PYTHONPATH
    said = subprocess.run(alone, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert Path(said.strip()) == environment.CHECKOUT == FOUNDATION_CHECKOUT
