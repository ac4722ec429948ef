"""The argument checks at the limits of numbers: what no float can hold, what is hidden, what is too much."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from utils.foundation import checks


@pytest.mark.parametrize("value", [10**400, Fraction(10**400), Decimal("sNaN"), Decimal("Infinity"), -(10**400)])
def test_a_number_that_no_float_can_hold_is_refused(value):
    with pytest.raises(ValueError, match=r"^size must be"):
        checks.number("size", value)
    with pytest.raises(ValueError, match=r"^size must be"):
        checks.positive("size", value, "use 1")


def test_a_count_may_be_of_any_size_and_is_exact():
    assert checks.count("n", 10**400) == 10**400
    assert checks.count("n", 2**53 + 1) == 2**53 + 1


def test_a_count_may_have_a_most():
    assert checks.count("n", 5, maximum=5) == 5
    with pytest.raises(ValueError, match="n must be at most 1,000, got 1001; sum up first"):
        checks.count("n", 1_001, "sum up first", maximum=1_000)


def test_an_array_hides_no_values():
    with pytest.raises(ValueError, match="x must not be masked, got 1 masked values"):
        checks.array("x", np.ma.masked_equal([1.0, 999.0], 999.0))
    assert checks.array("x", np.ma.array([1.0, 2.0])).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("values", [[1j], [10**400], ["1"]])
def test_an_array_holds_real_numbers_only(values):
    with pytest.raises(ValueError, match="x must hold numbers"):
        checks.array("x", values)


@pytest.mark.parametrize("value", [1, 7, 7.0, np.int8(3), np.array(5), Decimal(4), Fraction(6, 2)])
def test_a_whole_number_in_its_range_passes(value):
    found = checks.count("days", value, "tell a shorter story", maximum=7)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, 8, 10**30, 2.5, np.nan, np.inf, True, "3", None, [3]])
def test_another_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^days must be .*; tell a shorter story$"):
        checks.count("days", value, "tell a shorter story", maximum=7)


def test_a_range_may_begin_elsewhere():
    assert checks.count("offset", -12, "x", minimum=-12, maximum=14) == -12
    with pytest.raises(ValueError, match="offset"):
        checks.count("offset", -13, "x", minimum=-12, maximum=14)
