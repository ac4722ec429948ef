"""Folding: one tag decides, and all that JupyterLab, the web book and Colab read follows from it."""

import copy

import pytest
from nbformat.v4 import new_code_cell

from utils.course.folding import fold
from utils.course.notebooks import CourseError

FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}


def folded(source, **metadata):
    cell = new_code_cell(source, metadata=copy.deepcopy(metadata))
    fold(cell)
    once = copy.deepcopy(cell)
    fold(cell)
    assert cell == once
    return cell


@pytest.mark.parametrize(
    ("source", "titled"),
    [
        ("# Draws the ledger.\nx = 1", "# @title Draws the ledger.\nx = 1"),
        ("#Draws\n", "# @title Draws\n"),
        ("#@title Draws\nx", "# @title Draws\nx"),
        ("# @title Draws\nx", "# @title Draws\nx"),
        ("# Only a comment", "# @title Only a comment"),
    ],
)
def test_the_first_comment_line_becomes_the_title_on_colab(source, titled):
    cell = folded(source, tags=["plumbing"])
    assert cell.source == titled
    assert cell.metadata == {**FOLDED, "tags": ["plumbing", "hide-input"]}


def test_other_tags_and_metadata_stay():
    cell = folded("# T\nx", tags=["setup", "plumbing", "x"], jupyter={"outputs_hidden": True}, mine=1)
    assert cell.metadata == {
        "tags": ["setup", "plumbing", "x", "hide-input"],
        "jupyter": {"outputs_hidden": True, "source_hidden": True},
        "cellView": "form",
        "mine": 1,
    }


@pytest.mark.parametrize("source", ["x = 1\n# late", "", "#", "# ", "\n# second line", "'#'"])
def test_a_tagged_cell_without_a_comment_at_its_start_is_refused(source):
    with pytest.raises(CourseError, match="a cell tagged plumbing must start with a comment, its title, got "):
        folded(source, tags=["plumbing"])


@pytest.mark.parametrize(
    ("metadata", "left"),
    [
        ({}, {}),
        ({"tags": ["setup"]}, {"tags": ["setup"]}),
        ({"tags": ["hide-input"], **FOLDED}, {}),
        ({"tags": ["setup", "hide-input"], "jupyter": {"outputs_hidden": True, "source_hidden": True}, "mine": 1},
         {"tags": ["setup"], "jupyter": {"outputs_hidden": True}, "mine": 1}),
    ],
)  # fmt: skip
def test_without_the_tag_a_cell_is_open_again(metadata, left):
    cell = folded("# @title Draws the ledger\nx = 1", **metadata)
    assert cell.metadata == left
    assert cell.source == "# Draws the ledger\nx = 1"


def test_an_untagged_comment_stays_as_it_is():
    for source in ("# Draws", "#Draws", "", "x = 1", "#@param"):
        assert folded(source).source == source


def test_taking_the_tag_back_undoes_the_folding():
    cell = folded("# Draws\nx = 1", tags=["plumbing", "setup"])
    cell.metadata["tags"].remove("plumbing")
    open_again = folded(cell.source, **cell.metadata)
    assert (open_again.source, open_again.metadata) == ("# Draws\nx = 1", {"tags": ["setup"]})
