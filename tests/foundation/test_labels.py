"""Two columns of the same users meet label by label, whatever their order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.foundation.labels import aligned, all_aligned, same_labels, same_order


@given(st.permutations(list("abcdef")), st.permutations(list("abcdef")))
@settings(deadline=None)
def test_any_two_orders_meet_as_pandas_own_subtraction_does(first, second):
    x, y = pd.Series(range(6), index=first), pd.Series(range(10, 16), index=second)
    np.testing.assert_array_equal(x.to_numpy() - aligned("y", y, "x", x).to_numpy(), (x - y)[first])


def test_columns_of_a_frame_meet_the_columns_of_another():
    before, after = pd.DataFrame({"price": [1], "minutes": [2]}), pd.DataFrame({"minutes": [3], "price": [4]})
    assert aligned("after", after, "before", before).to_numpy().tolist() == [[4, 3]]


def test_columns_of_a_frame_meet_the_index_of_a_series():
    arms, outcomes = pd.DataFrame([[0, 1]], columns=["Ben", "Ada"]), pd.Series([1.0, 2.0], index=["Ada", "Ben"])
    assert aligned("arms", arms, "outcomes", outcomes).to_numpy().tolist() == [[1, 0]]


def test_a_shuffled_default_index_is_a_label():
    x, y = pd.Series([1, 2, 3]), pd.Series([3, 1, 2], index=[2, 0, 1])
    assert aligned("y", y, "x", x).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "reference"),
    [
        ([2, 1], pd.Series([1, 2], index=["a", "b"])),
        (np.array([2, 1]), pd.Series([1, 2], index=["a", "b"])),
        (pd.Series([2, 1], index=["b", "a"]), [1, 2]),
        (pd.Series([2, 1]), pd.Series([1, 2], index=["a", "b"])),
        (pd.Series([2, 1], index=[7, 5]), pd.Series([1, 2])),
        (pd.Series([2, 1], index=["a", "a"]), pd.Series([1, 2], index=["a", "a"])),
    ],
)
def test_without_labels_on_both_sides_the_place_counts(values, reference):
    assert list(aligned("values", values, "reference", reference)) == [2, 1]


@pytest.mark.parametrize(
    ("have", "wanted", "said"),
    [
        (["a", "c"], ["a", "b"], r"x must carry the labels of y, got a difference in \['c'\]"),
        (["a"], ["a", "b"], r"x must carry the labels of y, got a difference in \['b'\]"),
        (["1", "2"], [1, 3], "x must carry the labels of y"),
        (["a", "a", "b"], ["a", "b", "a"], "x must carry each label of y once"),
        (["a", "b", "b"], ["a", "b", "c"], "x must carry the labels of y"),
    ],
)
def test_labels_that_do_not_meet_are_named(have, wanted, said):
    with pytest.raises(ValueError, match=said):
        aligned("x", pd.Series(0, index=have), "y", pd.Series(0, index=wanted))


def test_labeled_columns_of_other_rows_are_not_paired_by_place():
    one, other = pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0])
    same_labels(a=one, b=one * 2, c=np.array([5, 6]), d=3)
    same_labels(a=other, b=[1, 2])
    same_labels(a=[1], b=2)
    same_labels()
    for columns in ({"a": one, "b": other}, {"a": one, "x": [1, 2], "y": one, "b": other}, {"a": one, "b": one[:1]}):
        with pytest.raises(ValueError, match="b must have the index of a, got others; align them first"):
            same_labels(**columns)


def test_each_of_many_arguments_meets_those_before_it():
    y, z = pd.Series([1, 2], index=["a", "b"]), pd.Series([4, 3], index=["b", "a"])
    _, _, found = all_aligned(x=[9, 9], y=y, z=z)
    assert found.tolist() == [3, 4]
    frame = pd.DataFrame([[1, 2], [3, 4]], index=["a", "b"], columns=["x", "y"])
    assert all_aligned(first=frame, second=frame.iloc[::-1, ::-1])[1].to_numpy().tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="z must carry the labels of y"):
        all_aligned(x=pd.Series([0, 0]), y=y, z=z.rename({"a": "c"}))


def test_the_order_of_an_axis_is_one_for_all_that_label_it():
    same_order(index_of_x=pd.RangeIndex(2), index_of_y=None, index_of_z=pd.Index(["a", "b"]))
    with pytest.raises(ValueError, match="index of z must come in the order of index of y"):
        same_order(index_of_x=pd.RangeIndex(2), index_of_y=pd.Index(["a", "b"]), index_of_z=pd.Index(["b", "a"]))
