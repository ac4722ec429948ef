"""What counts as a number, a category or a missing value."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from utils.monitoring.drift.binning import binned_counts
from utils.monitoring.drift.distances import jensen_shannon, ks_distance, psi, psi_many
from utils.monitoring.drift.samples import comparable_columns, number_columns, refuse_nan
from utils.monitoring.drift.two_sample_tests import chi_square_test, psi_test

PRICES = np.array([12.5, 3.25, 8.0, 8.0, 40.75])
OTHER_PRICES = np.array([11.5, 8.0, 9.25])


@pytest.mark.parametrize(
    "make",
    [
        list,
        pd.Series,
        lambda v: [Decimal(str(x)) for x in v],
        lambda v: [Fraction(x) for x in v],
        lambda v: pd.Series([Decimal(str(x)) for x in v]),
        lambda v: pd.array(v, dtype="Float64"),
        lambda v: np.array(v, dtype=object),
        lambda v: v.astype(np.float32),
        lambda v: np.ma.array(v),
    ],
    ids=["list", "Series", "Decimals", "Fractions", "Series of Decimal", "Float64", "objects", "float32", "masked"],
)
def test_numbers_of_any_type_are_numbers(make):
    for found, expected in zip(
        comparable_columns(make(PRICES), make(OTHER_PRICES)), (PRICES, OTHER_PRICES), strict=True
    ):
        assert found.dtype == np.float64
        assert found.tolist() == expected.tolist()
    assert psi(make(PRICES), OTHER_PRICES, 2) == psi(PRICES, OTHER_PRICES, 2)
    assert ks_distance(PRICES, make(OTHER_PRICES)) == ks_distance(PRICES, OTHER_PRICES)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, None, 3.0],
        [1, np.nan, 3],
        [Decimal(1), Decimal("NaN"), Decimal(3)],
        pd.array([1, None, 3], dtype="Int64"),
        np.ma.array([1.0, 999.0, 3.0], mask=[0, 1, 0]),
        np.ma.array([1, 999, 3], mask=[0, 1, 0]),
    ],
    ids=str,
)
def test_a_missing_number_is_nan_and_has_a_bin_of_its_own(values):
    found, _ = comparable_columns(values, [1.0])
    np.testing.assert_array_equal(found, [1.0, np.nan, 3.0])
    assert binned_counts(values, [1.0, 1.0, np.nan], bins=[2.0]).current.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "values",
    [
        ["pizza", None, "soup"],
        ["pizza", np.nan, "soup"],
        pd.Series(["pizza", None, "soup"]),
        pd.Series(["pizza", None, "soup"], dtype="category"),
        np.ma.array(["pizza", "hidden", "soup"], mask=[0, 1, 0]),
    ],
    ids=["None", "NaN", "Series", "category", "masked"],
)
def test_a_missing_text_is_no_text(values):
    assert binned_counts(values, ["soup", None]).current.tolist() == [0, 1, 1]
    assert binned_counts(["soup", None, "nan"], values).current.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (["1", "2"], [1, 2]),
        ([1, 2], ["1", "2"]),
        ([1.5, np.nan], ["1.5", None]),
        (pd.Series([1, 2], dtype="category"), pd.Series(["1", "2"], dtype="category")),
        (["a"], [b"a"]),
        ([True, False], ["True", "False"]),
    ],
)
@pytest.mark.parametrize("function", [psi, psi_test, chi_square_test, jensen_shannon, binned_counts])
def test_a_number_against_a_text_is_refused_not_called_drift(function, reference, current):
    with pytest.raises(ValueError, match=r"^current must hold .* as reference does, got .*; convert one of them$"):
        function(reference, current)


def test_columns_that_have_a_kind_in_common_are_compared_by_value():
    assert psi([True, False], [1.0, 0.0]) == 0
    assert psi([True, False, None], [0, 1, np.nan]) == 0
    assert psi(pd.Series([1, 2], dtype="category"), [1, 2]) == 0
    assert jensen_shannon(["a", 1], ["a", "a"]) == pytest.approx(jensen_shannon(["a", "b"], ["a", "a"]))
    assert binned_counts(["a", "b"], [None, np.nan]).current.tolist() == [0, 0, 2]
    assert binned_counts(["a", "b"], np.array([np.nan, np.nan])).current.tolist() == [0, 0, 2]


HOURS = pd.Series(pd.date_range("2024", periods=4, freq="h"))


@pytest.mark.parametrize("function", [psi, psi_test, chi_square_test, jensen_shannon, ks_distance, binned_counts])
@pytest.mark.parametrize(
    "times",
    [
        HOURS,
        HOURS.dt.tz_localize("UTC"),
        HOURS.dt.date,
        HOURS.dt.time,
        HOURS - HOURS[0],
        list(HOURS),
        HOURS.astype("category"),
        HOURS.dt.to_period("h"),
        np.array(["2024-01-01"], "datetime64[s]"),
        [datetime.timedelta(hours=1)],
    ],
    ids=lambda v: str(getattr(v, "dtype", type(v[0]).__name__)),
)
def test_times_of_any_kind_are_refused_with_the_same_advice(function, times):
    with pytest.raises(ValueError, match=r"^reference must be numbers or categories, got .*; take the hours since"):
        function(times, times)


@pytest.mark.parametrize("function", [psi, psi_test, chi_square_test, jensen_shannon, ks_distance, binned_counts])
def test_other_things_and_shapes_are_named(function):
    for bad in ([], [[1.0]], 3.0, pd.DataFrame({"a": [1]})):
        with pytest.raises(ValueError, match=r"^reference must be a non-empty sequence .*got .*; "):
            function(bad, [1.0])
        with pytest.raises(ValueError, match=r"^current must be a non-empty sequence .*got .*; "):
            function([1.0], bad)
    for bad in (
        pd.Series([[1], [2]]),
        pd.Series([{1}, {2}]),
        [[1], [2, 3]],
        [{"a": 1}],
        [1 + 2j],
        np.array([1j]),
        np.array([1j], object),
    ):
        with pytest.raises(ValueError, match=r"^reference must be numbers or categories, got .*; "):
            function(bad, [1.0])
    with pytest.raises(ValueError, match=r"^reference must hold numbers up to 10³⁰⁸"):
        function([Decimal("1e400"), Fraction(10**400)], [1.0])


def test_whole_numbers_that_floats_would_merge_are_refused():
    for big in ([2**53, 2**53 + 1], np.array([0, 2**62]), np.array([2**64 - 1], np.uint64), [-(2**60), 0.5]):
        for function in (psi, ks_distance):
            with pytest.raises(ValueError, match=r"^current must hold whole numbers up to 2⁵³, .*subtract"):
                function([1, 2], big)
    with pytest.raises(ValueError, match=r"^reference must hold whole numbers up to 2⁵³"):
        psi_many(np.array([[2**60]]), [[1]])
    assert ks_distance([2**53 - 1, 2**53], [2**53, 2**53]) == 0.5
    assert ks_distance([-(2**53), 0], [-(2**53), -(2**53) + 1]) == 0.5
    assert psi(pd.Series([2**60, 2**60 + 1], dtype="category"), pd.Series([2**60], dtype="category")) > 0


def test_infinite_numbers_are_numbers_for_ranks_and_bins():
    assert ks_distance([-np.inf, 0.0, np.inf], [0.0, 0.0, np.inf]) == pytest.approx(1 / 3)
    assert binned_counts([1, 2, 3, np.inf], [np.inf, -np.inf], bins=2).current.tolist() == [1, 1]


def test_number_columns_take_no_categories():
    assert [column.tolist() for column in number_columns([1], [Decimal(2)])] == [[1.0], [2.0]]
    with pytest.raises(ValueError, match=r"^current must be numbers, got numbers; use chi_square_test or psi"):
        number_columns([1.0], pd.Series([1], dtype="category"))


def test_one_missing_number_among_others_is_refused_and_counted():
    with pytest.raises(ValueError, match=r"^current must not hold NaN, got 1; drop them"):
        refuse_nan("current", np.array([[1.0, np.nan], [2.0, 3.0]]))
    refuse_nan("current", PRICES)
