"""Parameters: a value that a lesson can't use is told before anything runs, with what it ought to be."""

import math

import pytest

from tests.course.tiny_notebooks import write_notebook
from utils.course.notebooks import CourseError, find_lessons
from utils.course.parameters import check_parameters, declared_parameters, parse_parameters


@pytest.mark.parametrize(
    ("line", "value", "wanted"),
    [
        ("LOOKS = 20", "0", "1 or more"),
        ("LOOKS = 20", "-3", "1 or more"),
        ("SEED = 7", "-1", "0 or more"),
        ("RATE = 0.5", "-0.1", "0 or more"),
        ("RATE = 0.5", "1e999", "0 or more"),
        ("SHIFT = -0.5", "1e999", "finite"),
        ("LOOKS = 20  # how often the team looks (at least 2)", "1", "2 or more"),
        ("SHARE = 0.1  # of the visits (0 to 1)", "1.5", "from 0 to 1"),
        ("SHARE = 0.1  # of the visits (0 to 1)", "-0.5", "from 0 to 1"),
        ("DAY = 3  # of the week (at most 7)", "8", "7 or less"),
        ("DAY = 3  # of the week (1 to 7)", "0", "from 1 to 7"),
        ("SHIFT = 1  # of a clock (-12 to 14)", "-13", "from -12 to 14"),
    ],
)
def test_a_value_out_of_its_range_is_told_in_one_line(tmp_path, line, value, wanted):
    name, default = line.partition("  #")[0].split(" = ")
    with pytest.raises(CourseError) as refused:
        check_parameters(write_notebook(tmp_path, "01_good", parameters=line), parse_parameters([(name, value)]))
    told = str(refused.value)
    assert told.startswith(f"parameter {name} of 01_good must be {wanted}, got ")
    assert told.endswith(f"; for example -p {name} {default}")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("LOOKS = 20", 1),
        ("SEED = 7", 0),
        ("SEED = 7", 10**400),
        ("RATE = 0.5", 0),
        ("RATE = 0.5", 7.5),
        ("NONE_YET = 0", 0),
        ("SHIFT = -0.5", -3.0),
        ("LOOKS = 20  # how often (at least 2)", 2),
        ("SHARE = 0.1  # (0 to 1)", 0.0),
        ("SHARE = 0.1  # (0 to 1)", 1.0),
        ("FLAG = True", False),
        ("ANY = None", "what you like"),
        ("SIZES = [1, 2]", []),
    ],
)
def test_values_on_the_edge_of_their_range_are_accepted(tmp_path, line, value):
    check_parameters(write_notebook(tmp_path, "01_good", parameters=line), {line.partition(" = ")[0]: value})


def test_whole_number_serves_where_the_default_is_a_float(tmp_path):
    check_parameters(write_notebook(tmp_path, "01_good"), {"RATE": 1, "SEED": 2, "CITY": "Rome"})


@pytest.mark.parametrize("path", find_lessons(), ids=lambda path: path.stem)
def test_each_share_among_a_lessons_parameters_states_its_range(path):
    shares = {name: one for name, one in declared_parameters(path).items() if isinstance(one.default, float)}
    assert [name for name, one in shares.items() if 0 < one.default < 1 and math.isinf(one.greatest)] == []
