"""`execute`: stored outputs in normal form, the same on every run; a notebook that fails stays as it was."""

import base64
import io
import json
import os

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.course.tiny_notebooks import claim, outputs, write_notebook
from utils.course.__main__ import main
from utils.course.claims import claims
from utils.course.execute import execute
from utils.course.lesson_process import run_lesson
from utils.course.normalise import merge_streams, normalise, same_picture, strip_png_text
from utils.course.notebooks import CourseError, give_missing_ids, write_atomically

PICTURE = (
    "from PIL import Image\n"
    "from IPython.display import display\n"
    "display(Image.new('RGB', (3, 2), (10, 20, SEED)), metadata={'image/png': {'alt': 'a square'}})"
)
PRINTS = "import sys, time\nprint('ä')\nsys.stdout.flush(); time.sleep(0.3)\nprint('b')\nSEED"


def png(pixels, text=None, **options):
    """Return the bytes of a PNG as Pillow writes it."""
    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_text(key, value)
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file, "PNG", pnginfo=info, **options)
    return file.getvalue()


PIXELS = np.arange(60).reshape(4, 5, 3)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook executed in place, and its text after the first time."""
    folder = tmp_path_factory.mktemp("book")
    path = write_notebook(folder, "01_good", PRINTS, PICTURE, claim("kept", 1, 2), "")
    raw = json.loads(path.read_text(encoding="utf-8"))
    for cell in raw["cells"]:
        del cell["id"]
    raw["nbformat_minor"] = 4
    raw["metadata"] = {"widgets": {"state": {}}, "kernelspec": {"name": "mine", "display_name": "Mine"}}
    raw["cells"][2].update(execution_count=17, metadata={"execution": {"iopub.status.busy": "2024-01-01"}})
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert execute(folder) == 0
    return folder, path, path.read_text(encoding="utf-8")


def test_second_execution_gives_no_difference(executed):
    folder, path, text = executed
    assert execute(folder) == 0
    assert path.read_text(encoding="utf-8") == text
    assert execute(folder, check=True) == 0


def test_stored_notebook_is_in_normal_form(executed):
    text = executed[2]
    notebook = json.loads(text)
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, None]
    assert [cell["id"] for cell in notebook["cells"]] == [f"cell-{n}" for n in range(6)]
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert '"ä' in text
    assert '\n "cells"' in text


def test_pieces_of_a_stream_are_one_output(executed):
    stream, result = outputs(executed[1])[:2]
    assert "".join(stream["text"]) == "ä\nb\n"
    assert (result["output_type"], result["execution_count"]) == ("execute_result", 2)


def test_picture_keeps_its_alternative_text(executed):
    picture = next(output for output in outputs(executed[1]) if "image/png" in output.get("data", {}))
    assert picture["metadata"]["image/png"]["alt"] == "a square"


def test_claims_of_the_stored_outputs_are_saved_and_compared(executed, tmp_path, capsys):
    file = tmp_path / "claims.json"
    assert claims(executed[0], save=True, file=file) == 0
    assert json.loads(file.read_text())["01_good"]["kept"]["measured"] == 1.0
    assert claims(executed[0], check=True, file=file) == 0
    file.write_text(file.read_text().replace("1.0", "1.5", 1))
    with pytest.raises(CourseError, match="differs from the stored outputs"):
        claims(executed[0], check=True, file=file)
    assert "holds  kept: measured 1.0, bound <= 2.0" in capsys.readouterr().out


def test_failing_notebooks_stay_as_they_were_and_are_named(tmp_path, capsys):
    sources = {
        "01_raises": "1 / 0",
        "02_dies": "import os; os._exit(1)",
        "03_noisy": "import sys; print('careful', file=sys.stderr)",
    }
    paths = [write_notebook(tmp_path, name, source) for name, source in sources.items()]
    before = [path.read_bytes() for path in paths]
    assert main(["execute", "--notebooks", str(tmp_path)]) == 1
    assert [path.read_bytes() for path in paths] == before
    messages = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert messages == [
        "not written, cell 2: ZeroDivisionError: division by zero",
        "not written, cell 2: the kernel died",
        "not written, cell 2 wrote to standard error: careful",
    ]


def test_one_tag_folds_a_cell_and_every_tool_runs_it_as_before(tmp_path):
    path = write_notebook(tmp_path, "01_good", "# Adds up.\ntotal = SEED + 1", "total", claim("kept", 1, 2))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][2]["metadata"] = {"tags": ["plumbing"]}
    notebook["cells"][3]["metadata"] = {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
    }  # by hand, in JupyterLab
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert execute(tmp_path) == 0
    folded, plain = json.loads(path.read_text(encoding="utf-8"))["cells"][2:4]
    assert folded["metadata"] == {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tags": ["plumbing", "hide-input"],
    }
    assert "".join(folded["source"]) == "# @title Adds up.\ntotal = SEED + 1"
    assert plain["metadata"] == {}
    assert execute(tmp_path, check=True) == 0
    done = run_lesson(path, tmp_path / "copy.ipynb", {"SEED": 41})
    assert (done.error, done.held) == (None, 1)
    copy = json.loads((tmp_path / "copy.ipynb").read_text(encoding="utf-8"))
    assert [o["data"]["text/plain"] for c in copy["cells"] for o in c.get("outputs", [])][:1] == [["42"]]
    [again] = [cell for cell in copy["cells"] if "".join(cell["source"]).startswith("# @title")]
    assert folded["metadata"].items() <= again["metadata"].items()


def test_a_folded_cell_without_title_is_named_before_anything_runs(tmp_path, capsys):
    path = write_notebook(tmp_path, "01_good", f"open({str(tmp_path / 'ran')!r}, 'w').close()", "total = 1")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][3]["metadata"] = {"tags": ["plumbing"]}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    before = path.read_bytes()
    assert execute(tmp_path) == 1
    said = "not written, cell 3: a cell tagged plumbing must start with a comment, its title, got 'total = 1'"
    assert said in capsys.readouterr().out
    assert path.read_bytes() == before
    assert not (tmp_path / "ran").exists()


def test_check_says_that_stored_outputs_would_change_and_writes_nothing(tmp_path, capsys):
    path = write_notebook(tmp_path, "01_good", "1 + 1")
    before = path.read_bytes()
    assert execute(tmp_path, check=True) == 1
    assert path.read_bytes() == before
    assert "the stored outputs differ" in capsys.readouterr().out


def test_pieces_of_different_streams_stay_apart():
    def piece(name, text):
        return new_output("stream", name=name, text=text)

    pieces = [piece("stdout", "a"), piece("stdout", "b"), piece("stderr", "c"), piece("stdout", "d")]
    assert [(one["name"], one["text"]) for one in merge_streams(pieces)] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_text_chunks_are_taken_out_of_a_png_and_no_pixel_changes():
    plain, signed = png(PIXELS), png(PIXELS, {"Software": "matplotlib 9", "Date": "today"})
    assert strip_png_text(signed) == plain
    assert same_picture(plain, signed)
    with pytest.raises(ValueError, match="png must be the bytes of a PNG"):
        strip_png_text(b"GIF89a")


LARGE = np.repeat(PIXELS, 50, axis=0)


@pytest.mark.parametrize(
    ("stored_png", "fresh_png", "kept"),
    [
        (png(PIXELS, compress_level=9), png(PIXELS, {"Date": "today"}, compress_level=1), True),
        (png(PIXELS, compress_level=9), png(PIXELS + np.eye(4, 5)[:, :, None].astype(int)), False),
        (png(LARGE, compress_level=0), png(LARGE, compress_level=9), False),  # the same picture, much smaller
    ],
)
def test_stored_bytes_stay_where_no_pixel_changed_and_the_html_shows_the_same(stored_png, fresh_png, kept):
    def notebook(picture):
        text = base64.b64encode(picture).decode()
        html = f'<img alt="one &quot;square&quot;" src="data:image/png;base64,{text}">'
        output = new_output("display_data", {"image/png": text + "\n", "text/html": html})
        return new_notebook(cells=[new_code_cell("draw()", id="one", outputs=[output])])

    data = normalise(notebook(fresh_png), notebook(stored_png)).cells[0].outputs[0].data
    assert base64.b64decode(data["image/png"]) == (stored_png if kept else fresh_png)
    assert data["text/html"] == f'<img alt="one &quot;square&quot;" src="data:image/png;base64,{data["image/png"]}">'


def test_live_widgets_are_not_stored():
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "IntSlider"}
    cell = new_code_cell("slider", outputs=[new_output("display_data", data)])
    assert normalise(new_notebook(cells=[cell])).cells[0].outputs == []


def test_missing_id_depends_on_the_place_and_is_unique():
    cells = [{}, {"id": "cell-2"}, {}, {"id": "mine"}]
    give_missing_ids(cells)
    assert [cell["id"] for cell in cells] == ["cell-0", "cell-2", "cell-2-1", "mine"]


def test_atomic_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CourseError, match=r"cannot write .*: No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["file.txt"]
