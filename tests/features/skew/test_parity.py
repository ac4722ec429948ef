"""Replay parity against a loop and against DuckDB; bad input is named."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.features.skew.parity import replay_parity

VALUES = st.one_of(st.sampled_from([0.0, 1.0, 1.5, -2.0, np.nan, np.inf]), st.floats(-3, 3))
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
        wrong += not abs(a - b) <= tolerance * max(1, abs(b))
    return both, wrong


@settings(max_examples=200, deadline=None)
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


FRAME = pd.DataFrame({"id": [1, 2], "x": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("served", "recomputed", "options", "said"),
    [
        (FRAME, FRAME, {"tolerance": -1}, "tolerance must be at least 0, got -1"),
        (FRAME, FRAME, {"tolerance": float("nan")}, "tolerance must be at least 0"),
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
        replay_parity(served, recomputed, key="id", **options)
