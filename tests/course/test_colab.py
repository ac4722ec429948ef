"""The set-up cell: on Colab it fetches the course and adds what is missing only; elsewhere it finds the checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils.course.colab import SETUP_CELL, canonical, is_setup_cell, missing_requirements
from utils.course.marked_text import markers
from utils.course.notebooks import CHECKOUT, CourseError, lesson_number
from utils.course.publish import publish

START, END = markers("badges")
STAMPED = SETUP_CELL.replace('REPOSITORY = ""', 'REPOSITORY = "owner/course"')
FAKE_PIP = """\
import json, os, sys
arguments = sys.argv[1:]
constraints = open(arguments[arguments.index("-c") + 1]).read().splitlines()
json.dump({"arguments": arguments, "constraints": constraints}, open(os.environ["PIP_RECORD"], "w"))
"""


def git(*arguments, folder):
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A bare Python with a stand-in google.colab, a recorder in place of pip, and two installed distributions."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "bare"], check=True)
    modules = folder / "modules"
    for name, text in {
        "google/colab/__init__.py": "",
        "pip/__init__.py": "",
        "pip/__main__.py": FAKE_PIP,
        "numpy-2.0.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: numpy\nVersion: 2.0.2\n",
        "scikit_learn-1.6.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: scikit_learn\nVersion: 1.6.1\n",
    }.items():
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (modules / name).write_text(text)
    origin = folder / "origin" / "owner" / "course"
    for package in ("course", "foundation"):
        shutil.copytree(CHECKOUT / "utils" / package, origin / "utils" / package)
    shutil.copy(CHECKOUT / "utils" / "__init__.py", origin / "utils")
    shutil.copy(CHECKOUT / "pyproject.toml", origin)
    git("init", "-q", folder=origin)
    git("add", "-A", folder=origin)
    git("commit", "-q", "-m", "Course", folder=origin)
    return folder


def run_cell(colab, source, folder, *, on_colab=True):
    """Run a set-up cell as a kernel's first cell; return the finished process."""
    folder.mkdir(parents=True, exist_ok=True)
    python = colab / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    origin = (colab / "origin").as_uri() + "/"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment |= {
        "PYTHONPATH": str(colab / "modules"),
        "PIP_RECORD": str(folder / "pip.json"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    first = "import google.colab\n" if on_colab else ""
    program = f"{first}{source}\nimport utils.course; print(utils.course.__file__)"
    command = [python, "-c", program]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_on_colab_the_course_is_fetched_and_only_what_is_missing_is_asked_for(colab, tmp_path):
    done = run_cell(colab, STAMPED, tmp_path / "content")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).is_relative_to((tmp_path / "content" / "platter-course").resolve())
    asked = json.loads((tmp_path / "content" / "pip.json").read_text())
    names = [part for part in asked["arguments"] if ">=" in part]
    assert any(name.startswith("river>=") for name in names)
    assert not any(name.startswith(("numpy", "scikit-learn")) for name in names)
    assert {"numpy==2.0.2", "scikit_learn==1.6.1"} <= set(asked["constraints"])
    assert not {"--upgrade", "-U", "--force-reinstall", "--ignore-installed"} & set(asked["arguments"])


def test_set_up_cell_can_run_twice(colab, tmp_path):
    assert run_cell(colab, STAMPED, tmp_path).returncode == 0
    assert run_cell(colab, STAMPED, tmp_path).returncode == 0


def test_on_colab_without_a_stamp_the_message_is_one_line(colab, tmp_path):
    done = run_cell(colab, SETUP_CELL, tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "badge in the README" in done.stderr


def test_in_a_checkout_nothing_is_fetched_or_installed(colab, tmp_path):
    inside = tmp_path / "checkout" / "notebooks" / "1_part"
    shutil.copytree(colab / "origin" / "owner" / "course", tmp_path / "checkout")
    done = run_cell(colab, SETUP_CELL, inside, on_colab=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).is_relative_to((tmp_path / "checkout").resolve())
    assert not (inside / "pip.json").exists()


def test_nothing_is_missing_where_the_course_is_installed():
    assert missing_requirements() == []


def test_core_requirements_are_plain_names_with_a_bound():
    import tomllib

    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    assert not [one for one in tomllib.loads(text)["project"]["dependencies"] if set("[;@") & set(one)]
    assert canonical("Scikit_Learn") == "scikit-learn"


LESSONS = sorted(path for path in (CHECKOUT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_notebook_has_the_one_set_up_cell(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "setup" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1 or lesson_number(path) is None
    assert all(is_setup_cell("".join(cell["source"])) for cell in tagged)


def course(tmp_path):
    """Return a README and a folder with a notebook, the lines of whose set-up cell are stored as nbformat does."""
    readme = tmp_path / "README.md"
    readme.write_text(f"# Course\n{START}\n{END}\nText.\n")
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["setup"]}, "source": SETUP_CELL.splitlines(True), "outputs": []},
        {"cell_type": "code", "metadata": {}, "source": ["1"], "outputs": [{"data": {"text/plain": ["é"]}}]},
    ]
    path = tmp_path / "notebooks" / "1_part" / "01_a.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return readme, path


def test_publish_stamps_once_and_takes_the_stamp_back(tmp_path):
    readme, path = course(tmp_path)
    before = readme.read_text(), path.read_text(encoding="utf-8")
    for _ in range(2):
        publish("owner/course", readme, tmp_path / "notebooks")
        assert path.read_text(encoding="utf-8") == before[1].replace('= \\"\\"', '= \\"owner/course\\"')
        assert readme.read_text().count("owner/course") == 2
    publish("other/name", readme, tmp_path / "notebooks")
    assert "owner/course" not in readme.read_text() + path.read_text(encoding="utf-8")
    publish("", readme, tmp_path / "notebooks")
    assert (readme.read_text(), path.read_text(encoding="utf-8")) == before


@pytest.mark.parametrize("name", ["course", "owner/", "own er/x", "https://github.com/o/n", '"/x', "o/n\n", "-o/n"])
def test_publish_refuses_what_is_no_repository(tmp_path, name):
    readme, path = course(tmp_path)
    before = path.read_bytes()
    with pytest.raises(CourseError, match="REPO must be owner/name"):
        publish(name, readme, tmp_path / "notebooks")
    assert path.read_bytes() == before


def test_publish_without_marks_in_the_readme_changes_nothing(tmp_path):
    readme, path = course(tmp_path)
    readme.write_text("# Course\n")
    before = path.read_bytes()
    with pytest.raises(CourseError, match=r"README.md needs one line"):
        publish("owner/course", readme, tmp_path / "notebooks")
    assert path.read_bytes() == before
