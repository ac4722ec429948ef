"""Whole numbers: exactly Python's, or refused."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.foundation.whole_numbers import exact_integers


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5))
def test_a_list_of_integers_is_what_it_was(values):
    found = exact_integers("item", pd.Series(values, dtype="int64"))
    assert found.dtype == np.int64
    assert found.tolist() == values
    if values:
        assert exact_integers("item", values).tolist() == values
        assert exact_integers("item", np.array(values, dtype=object)).tolist() == values


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([2**64 - 1, 0], [2**64 - 1, 0]),
        (np.array([2**63, 1], np.uint64), [2**63, 1]),
        (np.array([7], np.uint8), [7]),
        ([3.0, -4.0], [3, -4]),
        ([3, 4.0], [3, 4]),
        (np.array([[1, 2], [3, 4]], np.int8), [[1, 2], [3, 4]]),
        (pd.array([2**60 + 1], dtype="Int64"), [2**60 + 1]),
        (2**53 - 1.0, 2**53 - 1),
        (np.ma.masked_array([1, 2], mask=[False, False]), [1, 2]),
    ],
)
def test_whole_numbers_of_any_type_are_exact(values, wanted):
    assert exact_integers("item", values).tolist() == wanted
    needs_64_bits_without_sign = np.max(np.array(wanted, dtype=object)) > 2**63 - 1
    assert exact_integers("item", values).dtype == (np.uint64 if needs_64_bits_without_sign else np.int64)


@pytest.mark.parametrize(
    ("values", "got"),
    [
        ([1.5, 2.0], "1.5"),
        ([2.0**53], "9.0072e"),
        ([2**60 + 1, 1.0], "1.15292e"),
        ([2**63, -1], ""),
        ([2**64], "object"),
        ([1.0, np.nan], "nan"),
        ([np.inf], "inf"),
        (["7"], ""),
        ([True], "bool"),
        ([1, None], "object"),
        ([Decimal(7)], "object"),
        (pd.array([1, None], dtype="Int64"), "missing values"),
        (np.ma.masked_array([1, 2], mask=[True, False]), "missing values"),
        (np.array(["2024"], "datetime64[s]"), "datetime64"),
        (np.array([True, 2], dtype=object), "object"),
    ],
)
def test_everything_else_is_refused(values, got):
    with pytest.raises(ValueError, match=f"item must be whole numbers, got .*{got}.*; pass integers without gaps"):
        exact_integers("item", values)


def test_floats_pass_only_where_they_are_asked_for_and_exact():
    assert exact_integers("day", [1.0, -2.0], "x").tolist() == [1, -2]
    for wrong in ([1.5], [np.nan], [np.inf], [2.0**53], [1.0, 0.5]):
        with pytest.raises(ValueError, match="day must be whole"):
            exact_integers("day", wrong, "x")
    with pytest.raises(ValueError, match="day must be whole"):
        exact_integers("day", [1.0], "x", floats=False)
