"""A check names the argument, says what it got and what to do instead."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from utils.world import checks


@pytest.mark.parametrize("value", [1, 7, 7.0, np.int8(3), np.array(5), Decimal(4), Fraction(6, 2)])
def test_a_whole_number_in_its_range_passes(value):
    found = checks.number_up_to("days", value, 7, "tell a shorter story")
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, 8, 10**30, 2.5, np.nan, np.inf, True, "3", None, [3]])
def test_another_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^days must be .*; tell a shorter story$"):
        checks.number_up_to("days", value, 7, "tell a shorter story")


def test_a_range_may_begin_elsewhere():
    assert checks.number_up_to("offset", -12, 14, "x", minimum=-12) == -12
    with pytest.raises(ValueError, match="offset"):
        checks.number_up_to("offset", -13, 14, "x", minimum=-12)


@pytest.mark.parametrize(
    "values",
    [
        [3, 1],
        (3, 1),
        np.array([3, 1], np.uint8),
        np.array([3, 1], np.uint64),
        pd.Series([3, 1]),
        pd.Index([3, 1]),
        pd.array([3, 1], dtype="Int64"),
        pd.Series([3, 1], dtype="UInt8"),
        pd.Categorical([3, 1]),
    ],
)
def test_ids_in_every_integer_type(values):
    found = checks.ids("user_id", values, 4)
    assert found.tolist() == [3, 1]
    assert found.dtype == np.intp


@pytest.mark.parametrize(
    "values",
    [
        [1.0],
        1.5,
        [np.nan],
        True,
        [True],
        ["1"],
        "1",
        None,
        [None],
        [Decimal(1)],
        pd.array([1, None], dtype="Int64"),
        pd.Series([1, 2], dtype=object),
        np.ma.array([1, 2], mask=[True, False]),
        np.array(["2024-01-01"], "datetime64[D]"),
        2**70,
        pd.array([True, False], dtype="boolean"),
    ],
)
def test_what_is_no_id_is_refused(values):
    with pytest.raises(ValueError, match=r"^user_id must be whole numbers without gaps, got .*; drop missing ids"):
        checks.ids("user_id", values, 4)


@pytest.mark.parametrize("values", [[0, 4], -1, [0, -1], np.uint64(2**63 + 5), np.array([4])])
def test_ids_that_do_not_exist_are_refused(values):
    with pytest.raises(ValueError, match="user_id must lie in 0 to 3"):
        checks.ids("user_id", values, 4)


def test_no_ids_are_ids():
    for empty in ([], (), np.array([], np.int32)):
        assert checks.ids("user_id", empty, 4).shape == (0,)
    with pytest.raises(ValueError, match="user_id"):
        checks.ids("user_id", np.array([]), 4)


def test_floats_pass_only_where_they_are_asked_for_and_exact():
    assert checks.whole_numbers("day", [1.0, -2.0], "x", floats=True).tolist() == [1, -2]
    for wrong in ([1.5], [np.nan], [np.inf], [2.0**53], [1.0, 0.5]):
        with pytest.raises(ValueError, match="day must be whole"):
            checks.whole_numbers("day", wrong, "x", floats=True)
    with pytest.raises(ValueError, match="day must be whole"):
        checks.whole_numbers("day", [1.0], "x")


@pytest.mark.parametrize(("arguments", "days"), [((0, None), (0, 9)), ((3, 9), (3, 9)), ((8.0, np.int64(9)), (8, 9))])
def test_a_window_lies_in_the_world(arguments, days):
    assert checks.window(*arguments, 9) == days


@pytest.mark.parametrize("arguments", [(-1, None), (9, None), (3, 3), (4, 3), (0, 10), (0.5, None), (0, np.nan)])
def test_a_window_outside_is_refused(arguments):
    with pytest.raises(ValueError, match=r"(start|end)_day .*; "):
        checks.window(*arguments, 9)


def test_labeled_columns_of_other_rows_are_not_paired_by_place():
    one, other = pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0])
    checks.aligned(a=one, b=one * 2, c=np.array([5, 6]), d=3)
    checks.aligned(a=other, b=[1, 2])
    checks.aligned(a=[1], b=2)
    checks.aligned()
    for columns in ({"a": one, "b": other}, {"a": one, "x": [1, 2], "y": one, "b": other}, {"a": one, "b": one[:1]}):
        with pytest.raises(ValueError, match="b must have the index of a, got another one; align the rows"):
            checks.aligned(**columns)


def test_a_value_is_told_in_a_line():
    assert checks.told(np.zeros(10**6)) == "dtype float64"
    assert checks.told("x" * 1000) == "'" + "x" * 59
    assert checks.told(np.float64(2.5)) == "np.float64(2.5)"
