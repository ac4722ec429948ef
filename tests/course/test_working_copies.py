"""Working copies: a learner's answers outlive an update, the authors' notebooks stay clean, results stay hidden."""

import json
import os
import shutil

import nbformat
import pytest

from tests.course.tiny_notebooks import write_notebook
from utils.course.lab import lab_command, starting_page
from utils.course.notebooks import NOTEBOOKS, CourseError, read_notebook
from utils.course.working_copies import LEARN, make_working_copies, working_copy
from utils.foundation.checkout import CHECKOUT
from utils.lesson.progress import Progress

LESSON = "1_part/01_one.ipynb"


@pytest.fixture
def book(tmp_path):
    """Two lessons with stored results and a map with its output, and the folder of their copies."""
    notebooks = tmp_path / "notebooks"
    for name in ("01_one", "02_two"):
        path = write_notebook(notebooks, name, "lesson.predict('x', low=None, high=None)", "lesson.reveal('x', 42)")
        store(path, "42")
    store(write_notebook(notebooks, "index", "say(map)"), "the map").rename(notebooks / "index.ipynb")
    return notebooks, tmp_path / "learn"


def store(path, text):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text=text)], 1
    nbformat.write(notebook, path)
    return path


def edit(path, old, new):
    """Change a cell as a person does in JupyterLab, which keeps ids and metadata."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def everything(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_time_every_notebook_is_copied_and_the_originals_stay(book):
    notebooks, learn = book
    before = everything(notebooks)
    assert make_working_copies((), notebooks, learn) == []
    assert everything(notebooks) == before
    assert set(everything(learn)) == set(before)


def test_a_lesson_gives_no_result_away_and_the_map_shows_itself(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    copied = read_notebook(learn / LESSON)
    assert all(not cell.outputs and cell.execution_count is None for cell in copied.cells if cell.cell_type == "code")
    original = read_notebook(notebooks / LESSON)
    assert [(c.cell_type, c.source, c.id) for c in copied.cells] == [
        (c.cell_type, c.source, c.id) for c in original.cells
    ]
    assert "the map" in (learn / "index.ipynb").read_text()


def test_answers_stay_where_the_lesson_has_not_changed(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    edit(learn / LESSON, "low=None, high=None", "low=3, high=60")
    before = everything(learn)
    assert make_working_copies((), notebooks, learn) == []
    assert everything(learn) == before


def test_answers_stay_where_the_lesson_has_changed_and_it_is_told(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    for lesson in (LESSON, "1_part/02_two.ipynb"):
        edit(learn / lesson, "low=None, high=None", "low=3, high=60")
    edit(notebooks / LESSON, "Prose.", "Better prose.")
    before = everything(learn)
    [told] = make_working_copies((), notebooks, learn)
    assert everything(learn) == before
    assert told.startswith("Changed since you began: 01. What you wrote is kept")
    assert told.endswith('make lab FRESH="01"')


def test_a_copy_without_answers_follows_the_lesson_even_if_it_was_run(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    store(learn / LESSON, "of my run")
    edit(notebooks / LESSON, "Prose.", "Better prose.")
    edit(notebooks / "index.ipynb", "say(map)", "say(better)")
    assert make_working_copies((), notebooks, learn) == []
    assert "Better prose." in (learn / LESSON).read_text()
    assert "say(better)" in (learn / "index.ipynb").read_text()


def test_new_outputs_of_the_authors_are_no_change(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    edit(learn / LESSON, "low=None, high=None", "low=3, high=60")
    store(notebooks / LESSON, "43")
    assert make_working_copies((), notebooks, learn) == []


@pytest.mark.parametrize("name", ["1", "01", "01_one"])
def test_a_fresh_copy_keeps_the_answers_beside_it(book, name):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    for n in (1, 2):
        edit(learn / LESSON, "low=None, high=None", f"low={n}, high=60")
        edit(notebooks / LESSON, "Prose.", "Prose. More.")
        [told] = make_working_copies((name,), notebooks, learn)
        assert "01_one.ipynb is fresh; yours is kept as " in told
        assert f"low={n}, high=60" in (learn / "1_part" / f"01_one.before-{n}.ipynb").read_text()
        assert "More." in (learn / LESSON).read_text()
        assert "low=None" in (learn / LESSON).read_text()
    assert make_working_copies((), notebooks, learn) == []


def test_a_fresh_copy_of_what_nobody_wrote_into_keeps_nothing(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    store(learn / LESSON, "of my run")
    [told] = make_working_copies(("1",), notebooks, learn)
    assert told.endswith("01_one.ipynb is fresh.")
    assert sorted(path.name for path in (learn / "1_part").iterdir()) == ["01_one.ipynb", "02_two.ipynb"]
    assert not read_notebook(learn / LESSON).cells[0].outputs


def test_all_copies_can_be_made_fresh_at_once(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    edit(learn / LESSON, "low=None, high=None", "low=3, high=60")
    assert len(make_working_copies(("all",), notebooks, learn)) == 3
    assert (learn / "1_part" / "01_one.before-1.ipynb").exists()


@pytest.mark.parametrize("name", ["all", "ALL", "All", "01 ALL", "01,all"])
def test_all_is_all_in_any_case_and_beside_other_lessons(book, name):
    make_working_copies((), *book)
    assert len(make_working_copies((name,), *book)) == 3


@pytest.mark.parametrize("name", ["one", "One", "01_ONE", "1,", " 01 ", "01,one", "1_part/01_one.ipynb"])
def test_a_fresh_lesson_may_be_named_as_people_name_it(book, name, monkeypatch):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    monkeypatch.chdir(notebooks)
    [told] = make_working_copies((name,), notebooks, learn)
    assert told.endswith("01_one.ipynb is fresh.")


@pytest.mark.parametrize("nothing", [(), ("",), (" ",), (",",)])
def test_no_name_makes_nothing_fresh(book, nothing):
    make_working_copies((), *book)
    assert make_working_copies(nothing, *book) == []


@pytest.mark.parametrize(
    "name", ["9", "al", "three", "²", "-1", "1.0", "01_two", "index", "none.ipynb", "other/04_x.ipynb"]
)
def test_a_lesson_that_is_none_is_one_line_and_nothing_is_made(book, name, tmp_path, monkeypatch):
    write_notebook(tmp_path / "other", "04_x", "1").rename(tmp_path / "other" / "04_x.ipynb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"^there is no (lesson|notebook) [^\n]+$"):
        make_working_copies((name,), *book)
    assert not book[1].exists()


def test_a_copy_whose_lesson_was_renamed_or_removed_is_kept_and_told_in_one_line(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    edit(learn / LESSON, "low=None, high=None", "low=3, high=60")
    (notebooks / LESSON).rename(notebooks / "1_part" / "01_first.ipynb")
    (notebooks / "1_part" / "02_two.ipynb").unlink()
    before = everything(learn)
    for _ in range(2):
        [told] = make_working_copies((), notebooks, learn)
        assert told.startswith("Kept, but no longer in the course under that name: ")
        assert "01_one.ipynb (now 1_part/01_first.ipynb), " in told
        assert told.endswith("02_two.ipynb.")
        assert "\n" not in told
    after = everything(learn)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {os.path.join("1_part", "01_first.ipynb")}


def test_a_lesson_that_moved_to_another_part_is_told_too(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    (notebooks / "2_part").mkdir()
    (notebooks / LESSON).rename(notebooks / "2_part" / "01_one.ipynb")
    [told] = make_working_copies((), notebooks, learn)
    assert "01_one.ipynb (now 2_part/01_one.ipynb)." in told


def test_what_the_learner_made_and_what_was_kept_beside_is_no_orphan(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    edit(learn / LESSON, "low=None, high=None", "low=3, high=60")
    make_working_copies(("1",), notebooks, learn)
    write_notebook(learn, "09_mine", "1")
    (learn / "1_part" / ".ipynb_checkpoints").mkdir()
    shutil.copy(learn / LESSON, learn / "1_part" / ".ipynb_checkpoints" / "05_old.ipynb")
    shutil.copy(learn / LESSON, learn / "1_part" / "01_one-Copy1.ipynb")
    assert make_working_copies((), notebooks, learn) == []


def test_a_fresh_copy_leaves_progress_but_for_results_that_were_shown_unasked(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    Progress().record(1, "exercises", "1", "passed")
    Progress().record(1, "predictions", "x", {"shown": True})
    make_working_copies(("1",), notebooks, learn)
    assert Progress().lesson(1) == {"exercises": {"1": "passed"}, "predictions": {}}


def test_a_copy_that_is_no_notebook_is_kept(book):
    notebooks, learn = book
    make_working_copies((), notebooks, learn)
    (learn / LESSON).write_text("{half")
    [told] = make_working_copies((), notebooks, learn)
    assert "01" in told
    assert (learn / LESSON).read_text() == "{half"
    make_working_copies(("1",), notebooks, learn)
    assert (learn / "1_part" / "01_one.before-1.ipynb").read_text() == "{half"


def test_a_lesson_that_does_not_exist_is_one_line_that_lists_those_built(book):
    with pytest.raises(CourseError, match=r"there is no lesson 9 in .*; built so far: 01, 02"):
        make_working_copies(("9",), *book)


def test_where_copies_cannot_be_made_the_authors_notebooks_open(book, capsys):
    notebooks, learn = book
    learn.write_text("")
    assert starting_page((), notebooks, learn) == notebooks / "index.ipynb"
    told = capsys.readouterr().out
    assert "cannot make" in told
    assert "opened instead" in told
    with pytest.raises(CourseError, match="cannot make"):
        starting_page(("1",), notebooks, learn)


def test_lab_opens_the_map_of_the_copies(book, capsys):
    notebooks, learn = book
    assert starting_page((), notebooks, learn) == learn / "index.ipynb"
    assert "--LabApp.default_url=/lab/tree/learn/index.ipynb" in lab_command(8888, LEARN / "index.ipynb")
    assert capsys.readouterr().out == ""


def test_copies_lie_where_git_ruff_and_pytest_do_not_look():
    assert "learn/" in (CHECKOUT / ".gitignore").read_text().splitlines()
    assert LEARN.parent == CHECKOUT


def test_the_set_up_cell_finds_the_course_from_a_copy(tmp_path):
    copied = working_copy(NOTEBOOKS / "index.ipynb")
    source = next(cell.source for cell in copied.cells if "setup" in cell.metadata.get("tags", []))
    inside = tmp_path / "learn" / "2_features"
    inside.mkdir(parents=True)
    shutil.copytree(
        CHECKOUT / "utils" / "course", tmp_path / "utils" / "course", ignore=shutil.ignore_patterns("*.pyc")
    )
    namespace = {}
    before = os.getcwd()
    os.chdir(inside)
    try:
        exec(source.replace("sys.path[:0]", "found"), namespace)
    finally:
        os.chdir(before)
    assert namespace["found"] == [str(tmp_path)]
    assert json.loads(json.dumps(copied.metadata["course"]))["made_from"]
