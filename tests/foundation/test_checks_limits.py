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
