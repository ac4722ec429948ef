"""A right answer is right in whatever type it comes; what differs is told apart."""

import enum
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.lesson.exercise import close

NAN = float("nan")


class Move(enum.StrEnum):
    SHIP = "ship"


class Colour(str, enum.Enum):  # noqa: UP042
    RED = "red"


class Foreign:
    """A tensor of some other library: numpy can read it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize(
    "right",
    [
        np.str_("ship"),
        np.array("ship"),
        np.array("ship", dtype=object),
        Move.SHIP,
        np.array(["ship"])[0],
        pd.Series(["ship"])[0],
        pd.Categorical(["ship"])[0],
    ],
    ids=repr,
)
def test_text_is_text_in_any_wrapping(right):
    assert close(right, "ship")
    assert not close(right, "shiP")
    assert close([right, right], ["ship", "ship"])
    assert close({right: 1} if not isinstance(right, np.ndarray) else {"ship": 1}, {"ship": 1})


@pytest.mark.parametrize(
    "right",
    [
        2.5,
        np.float64(2.5),
        np.float32(2.5),
        np.float16(2.5),
        np.longdouble(2.5),
        np.array(2.5),
        np.array(np.array(2.5), dtype=object),
        Fraction(5, 2),
        Decimal("2.5"),
        complex(2.5, 0),
        pd.Series([2.5]).iloc[0],
        2.5 * (1 + 1e-9),
    ],
    ids=repr,
)
def test_a_number_is_a_number_in_any_type(right):
    assert close(right, 2.5)
    assert not close(right, 2.51)
    assert not close(right, "2.5")
    assert not close(right, True)
    assert not close(right, [2.5])


@pytest.mark.parametrize("whole", [3, 3.0, np.int64(3), np.uint8(3), Fraction(3), Decimal(3), np.array(3)], ids=repr)
def test_a_whole_number_may_be_a_float(whole):
    assert close(whole, 3)
    assert close(3, whole)
    assert not close(whole, 4)


def test_whole_numbers_are_compared_exactly_whatever_their_size():
    assert not close(2**53 + 1, 2**53)
    assert not close(10_000_001, 10_000_000)
    assert close(np.uint64(2**64 - 1), 2**64 - 1)
    assert not close(np.uint64(2**64 - 1), 2**64 - 2)


def test_the_tolerance_fits_the_precision_of_the_type():
    third = 1 / 3
    assert close(np.float32(third), third)
    assert close(third, np.float32(third))
    assert close(np.full(3, third, np.float32), [third] * 3)
    assert close(np.float32(third * (1 + 2e-5)), third)
    assert not close(third * (1 + 2e-5), third)
    assert not close(np.float32(third * (1 + 1e-3)), third)
    assert close(np.float16(third), third)
    assert not close(np.float16(third * 1.05), third)
    assert not close(1e-9, 0.0)
    assert close(np.float32(1e-9), 0.0)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1.0, 1.0 + 1e-4, False),
        (NAN, NAN, True),
        (NAN, 0.0, False),
        (0.0, NAN, False),
        (pd.NA, NAN, True),
        (pd.NA, 1.0, False),
        (np.ma.masked, 0.0, False),
        (Decimal("NaN"), NAN, True),
        (None, NAN, False),
        (-0.0, 0.0, True),
        (np.inf, np.inf, True),
        (-np.inf, np.inf, False),
        (np.inf, 1e300, False),
        (10**400, 10**400, True),
        (10**400, 1.0, False),
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (np.bool_(True), True, True),
        (np.array(False), False, True),
        (True, "True", False),
        ("1", 1, False),
        (b"ship", "ship", False),
        (Colour.RED, "red", True),
        (1j, 1.0, False),
        (None, None, True),
        (None, 0, False),
        (np.timedelta64(3, "h"), 3, False),
    ],
)
def test_single_values(a, b, equal):
    assert close(a, b) is equal


@pytest.mark.parametrize(
    "right",
    [
        [1.5, 2.0],
        (1.5, 2.0),
        np.array([1.5, 2.0]),
        np.array([1.5, 2.0], dtype=object),
        pd.Series([1.5, 2.0]),
        pd.Series([1.5, 2.0], index=["a", "b"]),
        pd.Series([1.5, 2.0], dtype="Float64"),
        pd.Index([1.5, 2.0]),
        pd.array([1.5, 2.0]),
        deque([1.5, 2.0]),
        {"a": 1.5, "b": 2.0}.values(),
        [Fraction(3, 2), np.int64(2)],
        np.ma.array([1.5, 2.0]),
        Foreign([1.5, 2.0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_sequence_is_a_sequence_in_any_container(right):
    for wanted in ([1.5, 2.0], (1.5, 2.0), np.array([1.5, 2.0])):
        assert close(right, wanted)
        assert close(wanted, right)
        assert not close(right, wanted[:1])
        assert not close(right, [1.5, 3.0])
        assert not close(right, {"x": 1.5, "y": 2.0})
        assert not close(right, {1.5, 2.0})


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ([1, [2, 3]], [1, [2]], False),
        ((["soup", "pie"], "own"), [np.array(["soup", "pie"]), np.str_("own")], True),
        ([[1], [1, 2]], 1.0, False),
        ([[1], [1, 2]], [[1], [1, 2]], True),
        (np.ones((2, 1)), np.ones(2), False),
        (np.ones((2, 2)), [[1, 1], [1, 1]], True),
        (np.ones((2, 2)), np.ones(4), False),
        ([True, False], [1, 0], False),
        (np.array([True, False]), [True, False], True),
        (np.ma.array([1.0, 2.0], mask=[False, True]), [1.0, 2.0], False),
        (pd.Series([1, None], dtype="Int64"), [1, NAN], True),
        ([], (), True),
        ([], None, False),
        ([], 0, False),
        ("ab", ["a", "b"], False),
        (range(3), [0, 1, 2], True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({np.str_("a"): 1}, {"a": 1}, True),
        ({("a", 1): [1]}, {("a", 1): (1,)}, True),
        (pd.Series({"b": 2, "a": 1}), {"a": 1, "b": 2}, True),
        ([1], {0: 1}, False),
        ({1, 2}, {2, 1}, True),
        ({1.0}, 1.0, False),
        ({np.str_("a")}, frozenset(["a"]), True),
        ({True}, {1}, False),
        ({"a": 1}.keys(), {"a"}, True),
        (pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]}), True),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), False),
        (pd.DataFrame({"a": [1, 2]}), [[1], [2]], True),
        (pd.Series([1, 2], index=["a", "b"]), pd.Series([2, 1], index=["b", "a"]), True),
        (pd.Series([1, 2], index=["a", "b"]), pd.Series([2, 1], index=["a", "b"]), False),
        (np.datetime64("2024-01-01"), np.datetime64("2024-01-01"), True),
    ],
)
def test_containers_are_compared_part_by_part(a, b, equal):
    assert close(a, b) is equal


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_has_rows():
    assert close(np.matrix([[1, 2]]), [[1, 2]])
    assert not close(np.matrix([[1, 2]]), [1, 2])


class Evil:
    """Every method that a comparison might call raises."""

    def _raise(self, *arguments):
        raise RuntimeError("no")

    __eq__ = __bool__ = __len__ = __iter__ = __array__ = __float__ = __repr__ = __hash__ = __getitem__ = _raise


class EqualToAll:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class EvilList(list):
    __iter__ = __len__ = Evil._raise


@pytest.mark.parametrize("other", [1.0, "ship", True, [1, 2], {"a": 1}, {1}, np.ones(3), NAN, None])
def test_an_object_that_raises_or_lies_agrees_with_nothing(other):
    endless = []
    endless.append(endless)
    for value in (Evil(), EvilList([1, 2]), EqualToAll(), endless, (x for x in [1, 2]), object(), Decimal("sNaN")):
        assert close(value, other) is False
        assert close(other, value) is False


PLAIN = st.recursive(
    st.one_of(st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=True, width=32), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


def renamed(value):
    """The same value in other types."""
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, str):
        return np.array(value, dtype=object)
    if isinstance(value, (int, float)):
        return np.float64(value)
    if isinstance(value, list):
        return tuple(map(renamed, value))
    return {key: renamed(part) for key, part in value.items()}


@given(PLAIN)
@settings(max_examples=40, deadline=None)
def test_other_types_of_the_same_value_agree(value):
    assert close(renamed(value), value)
    assert close(value, renamed(value))


@given(PLAIN)
@settings(max_examples=40, deadline=None)
def test_a_value_does_not_agree_with_itself_in_a_list(value):
    assert not close([value], value)
