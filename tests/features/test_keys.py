"""Columns by kind of value, and keys that meet exactly where Python says that they are equal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.features.keys import exact, key_codes, whole_floats

KEYS = st.one_of(st.integers(-3, 3), st.integers(2**53 - 2, 2**53 + 2), st.integers(2**63 - 2, 2**64 - 1))
columns = st.lists(st.one_of(st.none(), KEYS), max_size=6)


def as_objects(values):
    return pd.DataFrame({"key": pd.Series(values, dtype=object)})


def matches(left, right):
    """Return which rows of the right meet each row of the left."""
    one, other = key_codes(left, right, list(left.columns))
    return [[j for j, code in enumerate(other) if code == mine and mine >= 0] for mine in one]


@given(columns, columns)
def test_integers_of_any_size_meet_where_python_finds_them_equal(left, right):
    wanted = [[j for j, b in enumerate(right) if a is not None and a == b] for a in left]
    assert matches(as_objects(left), as_objects(right)) == wanted


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", None])), max_size=6), st.data())
def test_two_columns_meet_where_both_do(left, data):
    right = data.draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", None])), max_size=6))
    wanted = [[j for j, b in enumerate(right) if a == b and None not in a] for a in left]
    frames = (
        pd.DataFrame(
            {"n": pd.Series([n for n, _ in side], dtype="int64"), "t": pd.Series([t for _, t in side], dtype=object)}
        )
        for side in (left, right)
    )
    assert matches(*frames) == wanted


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([1, 2], "whole number"),
        (np.array([1], np.uint8), "whole number"),
        (pd.array([1, None], "Int64"), "whole number"),
        (pd.Series([1, None], dtype=object), "whole number"),
        ([1.0, np.nan], "number"),
        (pd.Series([1, 2.5], dtype=object), "number"),
        ([True, False], "flag"),
        (pd.Series([True, None], dtype=object), "flag"),
        (["a", None], "text"),
        (pd.Categorical(["a", None]), "text"),
        (pd.Categorical([3, None]), "whole number"),
        (np.array(["2024"], "datetime64[s]"), "moment"),
        (pd.to_datetime(["2024-01-01"]).tz_localize("UTC"), "moment with a zone"),
        (pd.Series([pd.Timedelta("1D")]), "Timedelta"),
        (pd.Series([1, "a"], dtype=object), "text and whole number"),
        (pd.Series([2**60, 0.5], dtype=object), "number and whole number"),
        (pd.Series([2**53, 0.5], dtype=object), "number and whole number"),
        (pd.Series([1 - 2**53, 0.5], dtype=object), "number"),
        ([None, None], None),
        ([], None),
        ([np.nan], None),
    ],
)
def test_the_kind_of_a_column_is_that_of_its_values(column, kind):
    assert exact(pd.Series(column)).kind == kind


def test_missing_values_are_marked_and_the_others_exact():
    found = exact(pd.Series([2**64 - 1, None, 2**63], dtype=object))
    assert found.missing.tolist() == [False, True, False]
    assert [int(found.values[i]) for i in (0, 2)] == [2**64 - 1, 2**63]
    found = exact(pd.Series(pd.Categorical([2**60 + 1, None, 7])))
    assert [found.values[0], found.values[2]] == [2**60 + 1, 7]


def test_floats_that_stand_for_one_whole_number():
    values = np.array([0.0, -3.0, 2.5, 2.0**53 - 1, 2.0**53, -(2.0**53), np.nan, np.inf])
    assert whole_floats(values).tolist() == [True, True, False, True, False, False, False, False]


def test_every_pair_of_two_columns_is_a_key_of_its_own_however_many_values_the_first_has():
    pairs = pd.DataFrame([(n, text) for n in range(6) for text in "ab"], columns=["n", "t"])
    assert matches(pairs, pairs[::-1]) == [[11 - row] for row in range(12)]


def test_negative_numbers_and_the_largest_ones_keep_apart_in_columns_with_and_without_a_sign():
    signed, unsigned = (pd.DataFrame({"id": np.array(v, t)}) for v, t in (([-1, 5], "i8"), ([2**64 - 1, 5], "u8")))
    assert matches(signed, unsigned) == [[], [1]]
    assert matches(unsigned, as_objects([5, 2**64 - 1]).rename(columns={"key": "id"})) == [[1], [0]]
    assert matches(signed, as_objects([5, -1]).rename(columns={"key": "id"})) == [[1], [0]]


def test_moments_meet_whatever_the_unit_they_are_kept_in():
    seconds, others = np.array(["2024-01-01", "2024-01-02"], "datetime64[s]"), ["2024-01-02", "2024-01-03"]
    for unit in ("s", "ms", "us", "ns"):
        right = pd.DataFrame({"t": np.array(others, f"datetime64[{unit}]")})
        assert matches(pd.DataFrame({"t": seconds}), right) == [[], [0]]


def test_one_float_that_is_not_whole_makes_a_column_no_key_of_whole_numbers():
    whole = pd.DataFrame({"id": [1, 2, 3]})
    assert matches(whole, pd.DataFrame({"id": [2.0, np.nan, 1.0]})) == [[2], [0], []]
    for values in ([1.0, 2.5], [2.5, np.nan], [1.0, 2.0**53]):
        with pytest.raises(ValueError, match="id as int64 in entities and float64 in features; convert one"):
            key_codes(whole, pd.DataFrame({"id": values}), ["id"])


def test_names_of_the_sides_and_of_the_argument_are_the_callers():
    left, right = pd.DataFrame({"id": [1]}), pd.DataFrame({"id": ["1"]})
    with pytest.raises(
        ValueError, match=r"^key must name .* got id as int64 in served and .* in recomputed; convert one"
    ):
        key_codes(left, right, ["id"], argument="key", sides=("served", "recomputed"))
    with pytest.raises(ValueError, match=r"exactly: a float is a key only where it is whole and below 2\*\*53$"):
        key_codes(left, pd.DataFrame({"id": [2.0**53]}), ["id"])
