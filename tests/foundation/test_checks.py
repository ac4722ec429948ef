"""Argument checks against a truth table: which value, in which type, is what."""

import math
import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.foundation import checks
from utils.foundation.checkout import CHECKOUT

NO_NUMBERS = [
    True,
    np.True_,
    np.array(True),
    None,
    "1",
    b"1",
    np.str_("1"),
    1 + 0j,
    np.complex128(1),
    [1],
    np.array([1]),
    np.timedelta64(5, "s"),
    np.array(np.timedelta64(5, "s")),
    np.datetime64("2024-01-01"),
    np.array(np.datetime64("2024-01-01", "ns")),
    pd.NA,
    pd.NaT,
    math.nan,
    np.nan,
    Decimal("NaN"),
    Decimal("sNaN"),
    math.inf,
    -math.inf,
    Decimal("Infinity"),
    np.float32("inf"),
]
INSIDE = {  # check: what it takes, whatever the type
    "positive": (5e-324, 1, 3.5, 1e308),
    "not_negative": (0, -0.0, 1, 3.5),
    "fraction": (5e-324, 0.5, 1 - 2**-53),
    "share": (0, 0.5, 1),
}
OUTSIDE = {
    "positive": (0, -0.0, -5e-324, -1),
    "not_negative": (-5e-324, -1),
    "fraction": (0, 1, -0.5, 1.5),
    "share": (-5e-324, 1 + 2**-52, 2),
}
TYPES = [float, np.float64, np.array, Fraction, Decimal, lambda v: np.array(Fraction(v), dtype=object)]


@pytest.mark.parametrize("check", INSIDE)
@pytest.mark.parametrize("make", TYPES)
def test_a_number_inside_comes_back_as_that_float_in_any_type(check, make):
    for value in INSIDE[check]:
        found = getattr(checks, check)("x", make(value), "do better")
        assert type(found) is float
        assert found == value


@pytest.mark.parametrize("check", OUTSIDE)
@pytest.mark.parametrize("make", TYPES)
def test_a_number_outside_is_refused_in_any_type(check, make):
    for value in OUTSIDE[check]:
        with pytest.raises(ValueError, match=r"^x must be .*, got .*; do better$"):
            getattr(checks, check)("x", make(value), "do better")


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_finite_number_is_refused_everywhere(value):
    for check in (checks.positive, checks.not_negative, checks.fraction, checks.share):
        with pytest.raises(ValueError, match=r"^x must be .*, got .*; remedy$"):
            check("x", value, "remedy")
    with pytest.raises(ValueError, match=r"^x must be a number in \[-inf, inf\], got .*; choose one inside$"):
        checks.number("x", value)
    with pytest.raises(ValueError, match=r"^x must be a whole number of at least 1, got .*; choose 1 or more$"):
        checks.count("x", value)
    with pytest.raises(ValueError, match=r"^alpha must be between 0 and 1, got .*; use 0\.05"):
        checks.significance_level(value)


def test_what_rounds_to_a_value_outside_is_outside():
    for check, value in (
        (checks.positive, Fraction(1, 10**400)),
        (checks.positive, Decimal("1e-400")),
        (checks.fraction, Fraction(10**20 - 1, 10**20)),
        (checks.share, Fraction(10**20 + 1, 10**20)),
        (checks.not_negative, Decimal("-1e-400")),
        (checks.positive, 10**400),
        (checks.positive, Fraction(10**400)),
    ):
        with pytest.raises(ValueError, match=r"^x must be"):
            check("x", value, "remedy")


def test_the_ends_of_an_interval_belong_to_it_unless_the_lower_is_open():
    assert checks.number("x", 1, low=1, high=3) == 1
    assert checks.number("x", 3, low=1, high=3) == 3
    assert checks.number("x", 3, low=1, high=3, open_low=True) == 3
    for value, options in ((0.9, {}), (3.1, {}), (1, {"open_low": True})):
        with pytest.raises(ValueError, match=r"^x must be a number in [\[(]1, 3\], got .*; widen$"):
            checks.number("x", value, low=1, high=3, remedy="widen", **options)


@pytest.mark.parametrize("value", [0.05, np.float32(0.5), Fraction(1, 20), Decimal("0.05")])
def test_a_level_is_strictly_between(value):
    assert checks.significance_level(value) == float(value)
    for outside in (0, 1):
        with pytest.raises(ValueError, match=r"^alpha must be between 0 and 1"):
            checks.significance_level(outside)


@pytest.mark.parametrize(
    "make",
    [int, float, np.int8, np.uint64, np.float32, np.float16, np.array, Fraction, Decimal, lambda v: Decimal(f"{v}.0")],
)
def test_a_whole_number_is_one_in_any_type(make):
    found = checks.count("x", make(7))
    assert type(found) is int
    assert found == 7
    assert checks.count("x", make(0), minimum=0) == 0
    with pytest.raises(ValueError, match=r"^x must be a whole number of at least 8, got .*; choose 8 or more$"):
        checks.count("x", make(7), minimum=8)


@settings(deadline=None)
@given(st.integers(min_value=1))
def test_a_whole_number_is_kept_exactly_whatever_its_size(value):
    assert checks.count("x", value) == value
    assert checks.count("x", Fraction(value)) == value


def test_a_whole_number_beyond_the_floats_is_kept_exactly():
    big = 2**63 + 1
    for value in (big, np.uint64(big), np.array(big, dtype=np.uint64), np.array(big, dtype=object), Decimal(big)):
        assert checks.count("x", value) == big
    assert checks.count("x", 10**400) == 10**400


@pytest.mark.parametrize("value", [1.5, Fraction(3, 2), Decimal("1.5"), np.float32(2.5), 1 + 2**-52])
def test_what_is_not_whole_is_refused_and_the_remedy_told(value):
    with pytest.raises(ValueError, match=r"^x must be a whole number of at least 1, got .*; count$"):
        checks.count("x", value, "count")


def test_a_choice_is_one_of_its_options():
    class Method(StrEnum):
        CHI2 = "chi2"

    assert checks.choice("method", "chi2", ("chi2", "exact")) == "chi2"
    assert checks.choice("method", Method.CHI2, ("chi2", "exact")) == "chi2"
    assert checks.choice("method", np.str_("exact"), ("chi2", "exact")) == "exact"
    for other in ("normal", "", None, 3, ["chi2"]):
        with pytest.raises(ValueError, match=r"^method must be one of chi2, exact, got .*; choose one of these$"):
            checks.choice("method", other, ("chi2", "exact"))


def test_a_truth_value_is_a_bool_of_either_kind_and_nothing_else():
    assert [checks.truth("stalls", value, "choose one") for value in (True, False, np.True_, np.False_)] == [
        True,
        False,
    ] * 2
    for other in (0, 1, "True", None, np.array([True])):
        with pytest.raises(ValueError, match=r"stalls must be True or False, got .*; choose one"):
            checks.truth("stalls", other, "choose one")


def test_a_generator_is_taken_and_nothing_else():
    rng = np.random.default_rng(0)
    assert checks.generator("rng", rng) is rng
    for other in (None, 3, np.random.RandomState(0), np.random.PCG64(0)):
        with pytest.raises(ValueError, match=r"^rng must be a numpy Generator, got .*; pass np\.random\.default_rng"):
            checks.generator("rng", other)


def test_a_seed_stands_for_its_stream():
    for seed in (0, 7, [1, 2], np.random.SeedSequence(5)):
        assert checks.seeded("seed", seed).random() == np.random.default_rng(seed).random()
    rng = np.random.default_rng(1)
    assert checks.seeded("seed", rng) is rng
    assert checks.seeded("seed", 3.0).random() == np.random.default_rng(3).random()
    for other in (-1, 1.5, "seven", [-2], None, True, np.True_, [True, 2]):
        with pytest.raises(ValueError, match=r"^seed must be a whole number of at least 0, .* got .*; use 0$"):
            checks.seeded("seed", other)


def test_a_seed_becomes_randomness_in_one_place():
    """Another call of numpy's would take None and booleans, and answer a text in words of its own."""
    rooms = [p for p in (CHECKOUT / "utils").rglob("*.py") if p.parent.name not in ("exercises", "course")]
    code = {path.name: re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL) for path in rooms}
    assert [name for name, text in code.items() if "default_rng(" in text] == ["checks.py"]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, 2.0),
        np.array([1, 2], dtype=np.uint8),
        pd.Series([1, 2]),
        pd.array([1, 2], dtype="Int64"),
        [Decimal(1), Fraction(2)],
        np.array([1, 2], dtype=object),
        np.ma.array([1, 2], mask=[False, False]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_an_array_of_numbers_comes_back_as_floats(values):
    found = checks.array("x", values)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2"],
        np.array(["1", "2"], dtype=object),
        [1, "2"],
        pd.Series(["1", "2"]),
        [b"1"],
        [1 + 2j],
        [[1, 2], [3]],
        pd.to_datetime(["2024-01-01"]),
        np.array([1], dtype="timedelta64[s]"),
        [10**400],
        [{}],
        "12",
        [object()],
    ],
    ids=lambda values: type(values).__name__ + repr(values)[:20].partition(" object at")[0],
)
def test_an_array_of_other_things_is_refused(values):
    with pytest.raises(ValueError, match=r"^x must hold numbers, got .*; convert them first$"):
        checks.array("x", values)


def test_missing_masked_and_infinite_values_are_counted_and_refused():
    for values, wanted in (
        ([1, np.nan, np.inf, 2], "be finite, got 2 NaN or infinite values"),
        ([1, None], "be finite, got 1 NaN or infinite values"),
        (np.ma.array([1, 999, 999], mask=[0, 1, 1]), "not be masked, got 2 masked values"),
    ):
        with pytest.raises(ValueError, match=rf"^x must {wanted}; drop or fill missing values$"):
            checks.array("x", values)
    with pytest.raises(ValueError, match=r"^x must be finite, got 1 .*; wait$"):
        checks.array("x", [np.nan, 1], remedy="wait")


def test_the_shape_of_an_array_is_checked_on_demand():
    table = [[1, 2, 3], [4, 5, 6]]
    assert checks.array("x", table).shape == (2, 3)
    assert checks.array("x", table, dimensions=2, minimum_length=3).shape == (2, 3)
    for values, options, told in (
        (3.0, {}, "must be an array, got the single value 3.0; wrap"),
        (table, {"dimensions": 1}, r"must have one dimension, got shape \(2, 3\); reshape"),
        ([1, 2], {"dimensions": 2}, r"must have 2 dimensions, got shape \(2,\); reshape"),
        (table, {"minimum_length": 4}, "must hold at least 4 values, got 3; collect"),
        ([], {"minimum_length": 2}, "must hold at least 2 values, got 0; collect"),
        ([], {}, "must not be empty, got 0 values; pass"),
        (np.empty((0, 3)), {}, "must not be empty"),
    ):
        with pytest.raises(ValueError, match=f"^x {told}"):
            checks.array("x", values, **options)


def test_values_outside_the_bounds_are_told_with_the_worst():
    assert checks.array("x", [0, 1], low=0, high=1).tolist() == [0.0, 1.0]
    for values, worst in (([0, -1, -3, 0.5], "-3"), ([0, 2, 5], "5"), ([-1, 7], "-1")):
        with pytest.raises(ValueError, match=rf"^x must lie in \[0, 1\], got {worst}; check its unit and sign$"):
            checks.array("x", values, low=0, high=1)


def test_arrays_of_other_lengths_are_named():
    checks.same_length(clicks=np.arange(3), shown=np.zeros(3), orders=[1, 2, 3])
    with pytest.raises(ValueError, match=r"^orders must have one entry for each of clicks's 3, got 2; align the rows$"):
        checks.same_length(clicks=np.arange(3), shown=np.zeros(3), orders=np.zeros(2))


class Speechless:
    def __repr__(self):
        raise RuntimeError("no words")


def test_a_message_is_short_and_survives_an_object_without_words():
    with pytest.raises(ValueError, match=r"^x must be positive and finite, got an object of type Speechless; remedy$"):
        checks.positive("x", Speechless(), "remedy")
    with pytest.raises(ValueError, match=r"^x must be") as caught:
        checks.positive("x", "long" * 1000, "remedy")
    assert len(str(caught.value)) < 120
    with pytest.raises(ValueError, match=r"got -3; remedy$"):
        checks.positive("x", np.int64(-3), "remedy")


@pytest.mark.parametrize("value", [0, -1, 86_401, 1e12, np.inf, np.nan, None, True, "5"])
def test_a_wait_is_positive_and_at_most_a_day(value):
    assert checks.seconds("wait", 86_400, "wait less") == 86_400
    with pytest.raises(ValueError, match=r"^wait must be positive and at most 86,400, got .*; wait less$"):
        checks.seconds("wait", value, "wait less")
