"""Replay parity against a loop and against DuckDB; bad input is named."""

from datetime import datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.features.skew.parity import replay_parity

VALUES = st.one_of(st.sampled_from([0.0, 1.0, 1.5, -2.0, np.nan, np.inf, -np.inf]), st.floats(-3, 3))
SIDES = st.dictionaries(st.integers(0, 12), VALUES, min_size=1)


def side(values):
    return pd.DataFrame({"id": list(values), "x": list(values.values())}, dtype=float).astype({"id": int})


def by_loop(served, recomputed, tolerance):
    """Return (rows on both sides, mismatched among them), one row after the other."""
    both, wrong = 0, 0
    for key, b in recomputed.items():
        if key not in served:
            continue
        a, both = served[key], both + 1
        if np.isnan(a) and np.isnan(b):
            continue
        if a == b:
            continue
        wrong += not (np.isfinite([a, b]).all() and abs(a - b) <= tolerance * max(1, abs(b)))
    return both, wrong


@settings(max_examples=100, deadline=None)
@given(SIDES, SIDES, st.sampled_from([0.0, 1e-6, 0.25]))
def test_parity_counts_what_a_loop_counts(served, recomputed, tolerance):
    found = replay_parity(side(served).sample(frac=1, random_state=0), side(recomputed), key="id", tolerance=tolerance)
    both, wrong = by_loop(served, recomputed, tolerance)
    assert (found.n_rows, found.only_served, found.only_recomputed) == (
        both,
        len(served) - both,
        len(recomputed) - both,
    )
    if both:
        assert found.mismatched == pytest.approx(wrong / both)
        assert found.is_clean is (wrong == 0 and len(served) == len(recomputed) == both)


def test_parity_agrees_with_a_database():
    rng = np.random.default_rng(0)
    served = pd.DataFrame({"a": rng.integers(0, 50, 400), "b": np.arange(400), "x": rng.normal(size=400)})
    recomputed = served.sample(frac=1, random_state=1).assign(x=lambda d: d["x"] + (rng.random(400) < 0.3) * 0.1)
    [(share, largest)] = duckdb.sql(
        "SELECT avg((abs(s.x - r.x) > 1e-6)::INT), max(abs(s.x - r.x)) FROM served s JOIN recomputed r USING (a, b)"
    ).fetchall()
    found = replay_parity(served, recomputed, key=["a", "b"])
    assert found.mismatched == pytest.approx(share)
    assert found.features["largest"].iloc[0] == pytest.approx(largest)


def test_text_is_compared_as_it_is_and_missing_text_agrees_with_missing():
    served = pd.DataFrame({"id": [1, 2, 3], "x": ["a", None, "c"]})
    again = pd.DataFrame({"id": [1, 2, 3], "x": ["a", None, "d"]})
    assert replay_parity(served, again, key="id").mismatched == pytest.approx(1 / 3)


def test_the_tolerance_is_relative_above_one_and_absolute_below():
    served = pd.DataFrame({"id": [1, 2], "x": [1_000.5, 0.5]})
    again = pd.DataFrame({"id": [1, 2], "x": [1_000.0, 0.0]})
    assert replay_parity(served, again, key="id", tolerance=1e-3).mismatched == pytest.approx(0.5)


def test_no_common_row_is_neither_clean_nor_a_share():
    served, again = pd.DataFrame({"id": [1], "x": [1.0]}), pd.DataFrame({"id": [2], "x": [1.0]})
    found = replay_parity(served, again, key="id")
    assert not found.is_clean
    assert np.isnan(found.mismatched)


def parity(served, again, **options):
    """Return the share of mismatched values of one feature, and the largest distance."""
    frames = (pd.DataFrame({"id": range(len(side)), "v": side}) for side in (served, again))
    found = replay_parity(*frames, key="id", **options)
    return found.mismatched, found.features["largest"].iloc[0]


@pytest.mark.parametrize("tolerance", [0, 1e-6, 1e6])
@pytest.mark.parametrize(
    ("served", "again"), [(5.0, np.inf), (-np.inf, np.inf), (0.0, -np.inf), (np.inf, 5.0), (np.inf, np.nan)]
)
def test_an_infinite_value_agrees_with_nothing_else(served, again, tolerance):
    assert parity([served], [again], tolerance=tolerance)[0] == 1
    assert parity([served], [served], tolerance=tolerance)[0] == 0


@pytest.mark.parametrize(
    ("served", "again", "far"),
    [
        ([1_000_000_001], [1_000_000_999], 998),
        ([1_704_067_200_000], [1_704_068_700_000], 1_500_000),
        ([2**53 + 1], [2**53], 1),
        ([2**53 + 1], [float(2**53)], 1),
        ([-(2**63)], [2**63 - 1], 2.0**64),
        (np.array([2**64 - 1], np.uint64), np.array([2**64 - 2], np.uint64), 1),
        (np.array([2**64 - 1], np.uint64), [-1], 2.0**64),
        (pd.array([2**60 + 1, None], "Int64"), pd.array([2**60, None], "Int64"), 1),
        (pd.Series([2**60 + 1, None], dtype=object), pd.array([2**60, None], "Int64"), 1),
        (pd.Series([2**70 + 1], dtype=object), pd.Series([2**70], dtype=object), 1),
        (pd.Series([10**400], dtype=object), [1.0], np.nan),
        ([True], [False], 1),
        ([1], [1.0000000001], 1e-10),
    ],
)
def test_integers_and_flags_are_compared_exactly(served, again, far):
    for one, other in ((served, again), (again, served)):
        mismatched, largest = parity(one, other)
        assert mismatched == 1 / len(served)
        assert largest == pytest.approx(far, rel=1e-6, nan_ok=True)
        assert parity(one, one)[0] == 0


@pytest.mark.parametrize(
    ("served", "again"),
    [
        ([3, 4], [3.0, 4.0]),
        ([True, False], [1, 0]),
        (pd.array([3, None], "Int64"), [3.0, np.nan]),
        (np.array([3, 4], np.uint8), pd.Categorical([3, 4])),
        (pd.Series([0.1, None], dtype=object), [0.1 + 1e-12, np.nan]),
        (pd.Series([Decimal("0.1"), None], dtype=object), [0.1, np.nan]),
        (np.array([0.1], np.float32), [0.1]),
        (pd.Series(["a", None], dtype=object), pd.Categorical(["a", None])),
        (np.array(["2024-01-01"], "datetime64[s]"), pd.to_datetime(["2024-01-01"]).as_unit("ns")),
        (np.array(["9999-12-31"], "datetime64[s]"), np.array(["9999-12-31"], "datetime64[us]")),
        ([datetime(2024, 1, 1)], pd.Series([pd.Timestamp("2024-01-01")], dtype=object)),
        ([None, None], [np.nan, np.nan]),
    ],
)
def test_equal_values_agree_whatever_their_types(served, again):
    assert parity(served, again)[0] == 0
    assert parity(again, served)[0] == 0


@pytest.mark.parametrize(
    ("served", "again"),
    [
        (["1"], [1]),
        ([None], [1.0]),
        (pd.Series([None], dtype=object), ["a"]),
        (np.array(["2024-01-01"], "datetime64[s]"), np.array(["2024-01-01T00:00:00.000001"], "datetime64[us]")),
        (np.array(["2024-01-01"], "datetime64[s]"), ["2024-01-01"]),
        (np.array(["NaT"], "datetime64[s]"), np.array(["2024-01-01"], "datetime64[s]")),
    ],
)
def test_values_that_differ_in_kind_or_are_missing_on_one_side_do_not(served, again):
    assert parity(served, again)[0] == 1
    assert parity(again, served)[0] == 1


VECTOR = [np.array([1.0, np.nan, 3.0])]


@pytest.mark.parametrize(
    ("again", "mismatched"),
    [
        ([np.array([1.0 + 1e-9, np.nan, 3.0])], 0),
        ([[1.0, np.nan, 3.0]], 0),
        ([np.array([1.1, np.nan, 3.0])], 1),
        ([np.array([1.0, 2.0, 3.0])], 1),
        ([np.array([1.0, np.nan])], 1),
        ([np.array([np.inf, np.nan, 3.0])], 1),
        ([None], 1),
    ],
)
def test_arrays_agree_element_by_element(again, mismatched):
    assert parity(VECTOR, again)[0] == mismatched
    assert parity([[2**60 + 1, 2]], [[2**60, 2]])[0] == 1
    assert parity([["a", "b"]], [("a", "b")])[0] == 0


@pytest.mark.parametrize("name", ["v again", "_merge", "v", "index", 0])
def test_a_feature_may_have_any_name(name):
    frame = pd.DataFrame({"id": [1, 2], "v ": [1.0, 2.0], name: [5.0, 6.0]})
    assert replay_parity(frame, frame, key="id").features["mismatched"].tolist() == [0, 0]
    changed = frame.assign(**{"v ": 9.0})
    assert replay_parity(changed, frame, key="id").features["mismatched"].tolist() == [1, 0]


def test_times_with_a_zone_on_one_side_are_refused():
    naive = pd.to_datetime(["2024-01-01"])
    with pytest.raises(ValueError, match="v must have a time zone on both sides or on none"):
        parity(naive, naive.tz_localize("UTC"))
    assert parity(naive.tz_localize("UTC"), naive.tz_localize("UTC").tz_convert("Asia/Tokyo"))[0] == 0


@pytest.mark.parametrize(
    ("served", "again"),
    [
        ([2**60, 2**60 + 1], pd.array([2**60 + 1, 2**60], "Int64")),
        ([2**60, 2**60 + 1], np.array([2**60 + 1, 2**60], np.uint64)),
        (pd.Series([1, 2], dtype=object), [2.0, 1.0]),
    ],
)
def test_keys_meet_by_value_whatever_their_types(served, again):
    frames = pd.DataFrame({"id": served, "v": [1, 2]}), pd.DataFrame({"id": again, "v": [2, 1]})
    found = replay_parity(*frames, key="id")
    assert found.is_clean
    assert found.n_rows == 2


def test_keys_of_different_kinds_are_told():
    with pytest.raises(ValueError, match="key must name columns of one kind on both sides, got id as int64 in served"):
        replay_parity(FRAME, FRAME.astype({"id": str}), key="id")


FRAME = pd.DataFrame({"id": [1, 2], "x": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("served", "recomputed", "options", "said"),
    [
        (FRAME, FRAME, {"tolerance": -1}, "tolerance must be zero or more and finite, got -1"),
        (FRAME, FRAME, {"tolerance": float("nan")}, "tolerance must be zero or more"),
        (FRAME, FRAME, {"key": []}, "key must name at least one column"),
        (FRAME, FRAME, {"key": "user"}, r"recomputed must have the columns \['user'\]"),
        (None, FRAME, {}, "served must be a data frame, got NoneType"),
        (pd.concat([FRAME, FRAME["x"]], axis=1), FRAME, {}, "served must have columns of different names"),
        (FRAME, FRAME.assign(id=[7, 7]), {}, "recomputed must have one row a key, got 1 repeated"),
        (FRAME, FRAME[["id"]], {}, "recomputed must have feature columns"),
        (FRAME[["id"]], FRAME, {}, r"served must have the columns \['x'\]"),
        (FRAME.iloc[:0], FRAME, {}, "served must have rows"),
        (FRAME, FRAME.iloc[:0], {}, "recomputed must have rows"),
        (pd.concat([FRAME, FRAME]), FRAME, {}, "served must have one row a key, got 2 repeated"),
        (FRAME.assign(id=[1, None]), FRAME, {}, "served must have no nulls"),
    ],
)
def test_bad_input_is_named(served, recomputed, options, said):
    with pytest.raises(ValueError, match=said):
        replay_parity(served, recomputed, **{"key": "id", **options})
