"""A check names the argument, says what it got and what to do instead."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from utils.world import checks


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
        np.ma.array([1, 2], mask=[True, False]),
        np.array(["2024-01-01"], "datetime64[D]"),
        2**70,
        pd.array([True, False], dtype="boolean"),
    ],
)
def test_what_is_no_id_is_refused(values):
    with pytest.raises(ValueError, match=r"^user_id must be whole numbers, got .*; drop missing ids"):
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


@pytest.mark.parametrize(("arguments", "days"), [((0, None), (0, 9)), ((3, 9), (3, 9)), ((8.0, np.int64(9)), (8, 9))])
def test_a_window_lies_in_the_world(arguments, days):
    assert checks.window(*arguments, 9) == days


@pytest.mark.parametrize("arguments", [(-1, None), (9, None), (3, 3), (4, 3), (0, 10), (0.5, None), (0, np.nan)])
def test_a_window_outside_is_refused(arguments):
    with pytest.raises(ValueError, match=r"(start|end)_day .*; "):
        checks.window(*arguments, 9)
