"""Columns of declared types: each value stays what it is, or is refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from utils.features.store.typed_columns import column_of, typed


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        (int, [3, 2**63 - 1, -(2**63)], [3, 2**63 - 1, -(2**63)]),
        (int, [3.0, 2.0**53 - 1, np.nan], [3, 2**53 - 1, None]),
        (int, np.array([3, 2**63 - 1], np.uint64), [3, 2**63 - 1]),
        (int, pd.Series([3, None, 2**62 + 1], dtype=object), [3, None, 2**62 + 1]),
        (int, [Decimal(3), Decimal(4)], [3, 4]),
        (float, [0.1, np.inf, np.nan], [0.1, np.inf, None]),
        (float, [2**53 - 1, -7], [2.0**53 - 1, -7.0]),
        (float, pd.Series([1, 2.5], dtype=object), [1.0, 2.5]),
        (float, [Decimal("0.1"), Fraction(1, 4)], [0.1, 0.25]),
        (bool, [True, False], [True, False]),
        (bool, pd.Series([True, None], dtype=object), [True, None]),
        (str, ["a", None], ["a", None]),
        (str, pd.Categorical(["a", None, "b"]), ["a", None, "b"]),
        (str, [np.str_("a")], ["a"]),
        (int, [None, None], [None, None]),
        (float, pd.Series([None], dtype=object), [None]),
        (bool, [np.nan], [None]),
        (str, [np.nan], [None]),
        (str, [], []),
    ],
)
def test_a_value_stays_what_it_is(kind, given, wanted):
    given = pd.Series(given)
    given.index = range(5, 5 + len(given))
    found = typed("u", given, kind)
    assert found.index.tolist() == given.index.tolist()
    assert found.dtype == {int: "Int64", float: "float64", bool: "boolean", str: "object"}[kind]
    assert [None if pd.isna(value) else value for value in found] == wanted


def test_minus_zero_is_zero():
    assert str(typed("u", pd.Series([-0.0]), float).tolist()) == "[0.0]"


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (
            int,
            [3, 2.5],
            "u must hold whole numbers, floats among them below 2\\*\\*53, got 2.5; convert the column to int",
        ),
        (int, [1.0, 2.0**53], "got 9007199254740992.0;"),
        (int, [np.inf, np.nan], "got inf"),
        (int, np.array([1, 2**63], np.uint64), "got 9223372036854775808"),
        (int, pd.Series([1, -(2**63) - 1], dtype=object), "got -9223372036854775809"),
        (int, ["1"], "got '1'"),
        (int, [True], "got True"),
        (float, [1, -(2**53)], "u must hold numbers, .* got -9007199254740992"),
        (float, pd.Series([1, 10**400], dtype=object), "got 1000000"),
        (float, np.array([1, 2**64 - 1], np.uint64), "got 18446744073709551615"),
        (float, ["0.1"], "got '0.1'"),
        (float, [False], "got False"),
        (bool, [0, 1], "u must hold True and False, got 0"),
        (bool, [None, "no"], "got 'no'"),
        (str, [None, 7], "u must hold text, got 7"),
        (str, pd.Series(["7", 7], dtype=object), "u must hold text, got '7'"),
        (str, np.array(["2024"], "datetime64[s]"), "u must hold text, got Timestamp"),
    ],
)
def test_a_value_of_another_kind_is_named(kind, given, told):
    with pytest.raises(ValueError, match=told):
        typed("u", pd.Series(given), kind)


def test_values_beside_missing_ones_are_not_looked_at():
    missing = np.array([False, True])
    assert column_of(np.array([2**62 + 1, None], object), missing, int).tolist() == [2**62 + 1, pd.NA]
    assert column_of(np.array([7, 8]), missing, int).tolist() == [7, pd.NA]
    assert column_of(np.array([True, None], object), missing, bool).tolist() == [True, pd.NA]
    assert column_of(np.array(["a", "b"], object), missing, str).tolist() == ["a", None]
