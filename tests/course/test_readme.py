"""The README says what is true: its map, findings and figure come from the course, its commands exist."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from utils.course import readme
from utils.course.claims import STORED, claims_text, stored_claims
from utils.course.notebooks import NOTEBOOKS
from utils.foundation.checkout import CHECKOUT
from utils.lesson.questions import question_bank

ROOT = CHECKOUT
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_map_findings_and_figure_are_those_of_the_course():
    text, image = readme.made()
    assert text == TEXT, "run: python -m utils.course.readme"
    assert readme.is_same_picture(image, readme.FIGURE.read_bytes()), "run: python -m utils.course.readme"


def test_the_figure_gives_no_result_of_a_lesson_away():
    _, words = readme.figure()
    assert f"![{words}](docs/{readme.FIGURE.name})" in TEXT
    assert "1 from client to gateway, 2 from gateway to feed service" in words
    assert not re.search(r"\d[.,]\d|\d ?%|€|orders lost", words)
    shown = TEXT.partition("<!-- figure:start -->")[2].partition("## ")[0]
    assert all(
        claim["text"] not in shown for lesson in json.loads(STORED.read_text()).values() for claim in lesson.values()
    )
    stored = {path.name for path in readme.FIGURE.parent.iterdir()}
    assert stored == {name for name in stored if f"docs/{name}" in TEXT}, "a picture that no page shows"


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_another_rendering_of_the_letters_is_the_same_picture_and_another_drawing_is_not():
    white = np.full((100, 100, 3), 255, np.uint8)
    paler, dotted, lined, wide = white - 60, white.copy(), white.copy(), np.full((100, 101, 3), 255, np.uint8)
    dotted.reshape(-1, 3)[::101] = 0  # a hundredth of the pixels
    lined[40:42] = 0
    assert readme.is_same_picture(png(white), png(paler))
    assert readme.is_same_picture(png(white), png(dotted))
    assert not readme.is_same_picture(png(white), png(lined))
    assert not readme.is_same_picture(png(white), png(wide))
    assert not readme.is_same_picture(png(white), b"")
    assert not readme.is_same_picture(png(white), png(white)[:60])


RECORD = {"text": "It costs", "measured": 0.25, "relation": ">=", "bound": 0.1, "because": "b", "unit": "%"}


def test_a_built_lesson_is_quoted_with_the_claim_that_its_file_names():
    bank = {7: question_bank()[7]._replace(finding="cost", name="a", title="A|B")}
    table = readme.findings(bank, {"07_a": {"other": RECORD, "cost": {**RECORD, "measured": 0.5}}})
    assert table.splitlines()[2:] == ["| A\\|B | It costs | 50% | ≥\u00a010% |"]


@pytest.mark.parametrize(
    ("finding", "stored"), [("", {"07_a": {"cost": RECORD}}), ("cost", {}), ("cost", {"07_a": {}})]
)
def test_a_lesson_without_finding_or_without_claims_is_not_quoted(finding, stored):
    bank = {7: question_bank()[7]._replace(finding=finding, name="a")}
    assert len(readme.findings(bank, stored).splitlines()) == 2


def test_a_finding_that_is_no_claim_of_its_lesson_is_refused():
    bank = {7: question_bank()[7]._replace(finding="costs", name="a")}
    with pytest.raises(ValueError, match="finding of lesson 7 must be one of its claims cost, gain, got 'costs'"):
        readme.findings(bank, {"07_a": {"cost": RECORD, "gain": RECORD}})


def test_check_tells_a_page_that_is_out_of_date_and_writes_nothing(tmp_path, monkeypatch, capsys):
    page = tmp_path / "README.md"
    page.write_text(TEXT.replace("| 1 | A framework", "| 1 | An old framework"), encoding="utf-8")
    monkeypatch.setattr(readme, "README", page)
    before = page.read_bytes()
    assert readme.main(["--check"]) == 1
    assert page.read_bytes() == before
    assert "out of date: python -m utils.course.readme" in capsys.readouterr().out


def test_writing_mends_page_and_figure_and_check_sees_each(tmp_path, monkeypatch, capsys):
    page, picture = tmp_path / "README.md", tmp_path / "docs" / readme.FIGURE.name
    made = readme.FIGURE.read_bytes()
    page.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(readme, "README", page)
    monkeypatch.setattr(readme, "FIGURE", picture)
    assert readme.main(["--check"]) == 1  # there is no figure yet
    assert readme.main([]) == 0
    assert page.read_text(encoding="utf-8") == TEXT
    assert readme.is_same_picture(picture.read_bytes(), made)
    picture.write_bytes(made)
    assert readme.main(["--check"]) == 0
    assert readme.main([]) == 0
    assert picture.read_bytes() == made
    picture.write_bytes(png(np.zeros((9, 9, 3), np.uint8)))
    assert readme.main(["--check"]) == 1
    assert readme.main([]) == 0
    assert readme.is_same_picture(picture.read_bytes(), made)
    assert "README is up to date" in capsys.readouterr().out


def test_the_claims_file_is_that_of_the_stored_notebooks():
    assert STORED.read_text(encoding="utf-8") == claims_text(stored_claims(NOTEBOOKS)), (
        "run: python -m utils.course claims --save"
    )
    assert all(claim["holds"] for lesson in json.loads(STORED.read_text()).values() for claim in lesson.values())


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z][\w-]*)", TEXT))
    assert {"lab", "run", "test", "sweep"} <= named <= targets


def test_every_link_to_a_file_leads_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / link).exists(), link


def test_there_is_no_dead_badge():
    badges = TEXT.split("<!-- badges:start -->")[1].split("<!-- badges:end -->")[0]
    assert badges.strip() == "" or "github" in badges
