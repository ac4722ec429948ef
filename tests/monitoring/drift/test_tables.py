"""Tables of several features: which columns belong together, and what is no table."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from utils.monitoring.drift.distances import ks_distance, ks_many, psi_many
from utils.monitoring.drift.joint_tests import mmd_test
from utils.monitoring.drift.tables import rows, tables


@pytest.mark.parametrize("function", [psi_many, ks_many])
def test_tables_of_the_wrong_shape_are_refused(function):
    with pytest.raises(ValueError, match="reference must have shape"):
        function([1.0], [[1.0]])
    with pytest.raises(ValueError, match="current must have shape"):
        function([[1.0]], np.empty((0, 1)))
    with pytest.raises(ValueError, match="got 1 and 2 columns"):
        function([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="must be numbers"):
        function([["a"]], [["b"]])


def test_missing_values_are_refused_where_they_have_no_place():
    hole = np.array([[1.0], [np.nan], [2.0]])
    for function in (ks_many, mmd_test):
        with pytest.raises(ValueError, match="reference must not hold NaN, got 1"):
            function(hole, hole[::2])
        with pytest.raises(ValueError, match="current must not hold NaN, got 1"):
            function(hole[::2], hole)
    with pytest.raises(ValueError, match="must be numbers"):
        ks_distance(["a"], ["b"])


def frame(seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"price": rng.normal(12, 3, 50), "minutes": rng.normal(30, 5, 50)})


def test_columns_of_two_frames_are_matched_by_name():
    reference, current = frame(0), frame(1)
    swapped = current[["minutes", "price"]]
    for function in (psi_many, ks_many):
        assert function(reference, swapped).tolist() == function(reference, current).tolist()
        assert function(reference, current).tolist() == function(reference.to_numpy(), current.to_numpy()).tolist()


def test_columns_that_do_not_match_are_named():
    reference, current = frame(0), frame(1)
    with pytest.raises(
        ValueError, match=r"^current must carry the labels of reference, got a difference in \['cost'\]"
    ):
        psi_many(reference, current.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match=r"^current must carry .*got a difference in \['minutes'\]"):
        ks_many(reference, current[["price"]])
    with pytest.raises(ValueError, match=r"^current must carry .*got a difference in \['minutes'\]"):
        mmd_test(reference, current[["price", "price"]])


def test_columns_without_names_go_by_their_place():
    reference, current = frame(0), frame(1)
    unnamed = pd.DataFrame(current.to_numpy())
    assert psi_many(reference, unnamed).tolist() == psi_many(reference, current).tolist()
    assert psi_many(reference, current.to_numpy()).tolist() == psi_many(reference, current).tolist()


def test_frames_of_other_number_types_are_tables_of_numbers():
    reference, current = frame(0).round(2), frame(1).round(2)
    decimals = current.map(lambda value: Decimal(str(value)))
    assert psi_many(reference, decimals).tolist() == psi_many(reference, current).tolist()
    assert psi_many(reference.astype("Float64"), current).tolist() == psi_many(reference, current).tolist()
    assert psi_many(reference, decimals.to_numpy()).tolist() == psi_many(reference, current).tolist()
    nested = current.to_numpy().tolist()
    assert psi_many(reference, nested).tolist() == psi_many(reference, current).tolist()
    with pytest.raises(ValueError, match=r"^reference\['city'\] must be numbers, got texts; use chi_square_test"):
        psi_many(reference.assign(city="Oslo"), current.assign(city="Oslo"))


def test_masked_values_of_a_table_are_missing():
    table = np.ma.array([[1.0, 2.0], [999.0, 3.0]], mask=[[0, 0], [1, 0]])
    before, _ = tables(table, [[1.0, 2.0]], nan_allowed=True)
    np.testing.assert_array_equal(before, [[1.0, 2.0], [np.nan, 3.0]])
    with pytest.raises(ValueError, match=r"^reference must not hold NaN, got 1"):
        tables(table, [[1.0, 2.0]])


def test_rows_may_be_single_numbers_and_must_be_finite():
    before, after = rows([1.0, 2.0], pd.Series([3.0], index=[7]))
    assert before.tolist() == [[1.0], [2.0]]
    assert after.tolist() == [[3.0]]
    for bad in ([[1.0, np.inf]], [[1.0, 2.0], [-np.inf, 0.0]]):
        with pytest.raises(ValueError, match=r"^current must be finite, got 1 infinite values; cut or drop them$"):
            rows([[1.0, 2.0]], bad)
