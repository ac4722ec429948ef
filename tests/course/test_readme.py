"""The README says what is true: its map, findings and figure come from the course, its commands exist."""

import json
import re

from utils.course import readme
from utils.course.claims import STORED, claims_text, stored_claims
from utils.course.notebooks import NOTEBOOKS
from utils.foundation.checkout import CHECKOUT
from utils.lesson.progress import Progress

ROOT = CHECKOUT
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_map_findings_and_figure_are_those_of_the_course(tmp_path):
    text, image = readme.made(Progress(tmp_path))
    assert text == TEXT, "run: python -m utils.course.readme"
    assert image == readme.FIGURE.read_bytes()


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
