"""Between two markers stands what is made, and nothing else of the page changes."""

import pytest

from utils.course.marked_text import between
from utils.course.notebooks import CourseError

PAGE = "# Title\n\n<!-- map:start -->\nold\nlines\n<!-- map:end -->\n\n<!-- other:start -->\nkept\n<!-- other:end -->\n"


@pytest.mark.parametrize(("content", "lines"), [("", ""), ("new", "new\n"), ("two\n\nparts", "two\n\nparts\n")])
def test_only_the_lines_between_the_markers_differ(content, lines):
    made = between(PAGE, "map", content)
    assert made == PAGE.replace("old\nlines\n", lines)
    assert between(made, "map", content) == made


def test_content_with_signs_of_a_pattern_stays_as_it_is():
    assert r"\1 \g<0> $" in between(PAGE, "map", r"\1 \g<0> $")


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("<!-- map:start -->", ""),
        PAGE.replace("<!-- map:end -->", ""),
        PAGE + "<!-- map:start -->",
        PAGE + "<!-- map:end -->",
        "<!-- map:end -->\n<!-- map:start -->\n",
    ],
)
def test_missing_or_doubled_markers_are_named_with_the_page(page):
    with pytest.raises(CourseError, match=r"DESIGN\.md needs one line <!-- map:start --> and below it one line <!-- "):
        between(page, "map", "new", page="DESIGN.md")
