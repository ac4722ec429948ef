"""Replay parity: recompute what was served, with the training pipeline, and compare value by value."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from utils.features.frames import check_columns
from utils.features.keys import FLAG, FLOAT, MOMENT, WHOLE, ZONED_MOMENT, exact, key_codes
from utils.features.times import in_one_unit
from utils.foundation import checks

__all__ = ["Parity", "replay_parity"]

ARRAYS = (np.ndarray, list, tuple)


class Parity(NamedTuple):
    """Result of `replay_parity`.

    Attributes:
        features: data frame, one row a feature: `feature`, `mismatched` (share of the rows present on both sides whose
            values do not agree), `largest` (largest absolute difference, NaN if none is finite or none is a number).
        n_rows: rows present on both sides.
        only_served: rows that were served and not recomputed.
        only_recomputed: rows that were recomputed and not served.
    """

    features: pd.DataFrame
    n_rows: int
    only_served: int
    only_recomputed: int

    @property
    def mismatched(self) -> float:
        """Largest share of mismatched rows over the features."""
        return float(self.features["mismatched"].max())

    @property
    def is_clean(self) -> bool:
        """Whether the same rows stand on both sides, with equal values."""
        return self.mismatched == 0 and self.only_served == 0 and self.only_recomputed == 0


def replay_parity(
    served: pd.DataFrame, recomputed: pd.DataFrame, *, key: str | Sequence[str], tolerance: float = 1e-6
) -> Parity:
    """Compare features logged at serving time with the same features recomputed offline, row by row.

    Two values agree if both are missing, or if they are equal, or if both are finite floats that differ by at most
    `tolerance` times the larger of 1 and the recomputed value's size. Where one side holds integers or flags, the
    values must be equal: an identifier or a time in seconds is not nearly right. Arrays agree element by element.

    Args:
        served: data frame with the key columns and the features, one row a key, any order.
        recomputed: the same; the features compared are the columns that it has beside the key.
        key: name or names of the columns that identify a row.
        tolerance: of floats, relative, at least 0.

    Returns:
        `Parity`.

    Raises:
        ValueError: an empty side, a missing column, keys that repeat, are null or are of different kinds, times with a
            zone on one side only, a negative tolerance.

    References:
        Zinkevich, "Rules of Machine Learning", Google, rules 29 and 37: log the features at serving time, and measure
        the skew between what was trained on and what was served.

    >>> served = pd.DataFrame({"id": [2, 1], "price": [900.0, 5.0]})
    >>> replay_parity(served, pd.DataFrame({"id": [1, 2], "price": [5.0, 9.0]}), key="id").mismatched
    0.5
    """
    key = [key] if isinstance(key, str) else list(key)
    tolerance = checks.not_negative("tolerance", tolerance, "use 0 for exact equality")
    check_columns("recomputed", recomputed, key)
    features = [name for name in recomputed.columns if name not in key]
    if not key:
        raise ValueError("key must name at least one column, got none; pass key='id'")
    if not features:
        raise ValueError("recomputed must have feature columns beside the key, got none; add the features")
    for name, frame in (("served", served), ("recomputed", recomputed)):
        _check_side(name, frame, key, features)
    ours, theirs = key_codes(served, recomputed, key, argument="key", sides=("served", "recomputed"))
    place = pd.Index(ours).get_indexer(theirs)  # of each recomputed row among the served, -1 where it is not
    both = place >= 0
    rows = [(f, *_difference(f, served[f].iloc[place[both]], recomputed[f][both], tolerance)) for f in features]
    n_rows = int(both.sum())
    return Parity(
        pd.DataFrame(rows, columns=["feature", "mismatched", "largest"]),
        n_rows,
        len(served) - n_rows,
        len(recomputed) - n_rows,
    )


def _check_side(name: str, frame: pd.DataFrame, key: list[str], features: list[Any]) -> None:
    check_columns(name, frame, (*key, *features))
    if frame.empty:
        raise ValueError(f"{name} must have rows, got none; look for a log that was not written")
    if frame[key].isna().any(axis=None):
        raise ValueError(f"{name} must have no nulls in {key}; drop or repair those rows first")
    codes, _ = key_codes(frame, frame, key, argument="key", sides=(name, name))
    repeated = len(codes) - len(np.unique(codes))
    if repeated:
        raise ValueError(f"{name} must have one row a key, got {repeated} repeated; add a column to key")


def _difference(name: Any, served: pd.Series, again: pd.Series, tolerance: float) -> tuple[float, float]:
    """Return the share of mismatched values and the largest absolute difference."""
    if len(served) == 0:
        return np.nan, np.nan
    one, other = exact(served), exact(again)
    if {one.kind, other.kind} == {MOMENT, ZONED_MOMENT}:
        raise ValueError(f"{name} must have a time zone on both sides or on none; use tz_localize")
    missing = one.missing | other.missing
    if missing.all():
        return float(np.mean(one.missing != other.missing)), np.nan
    if one.kind == other.kind == FLOAT:
        agree, far = _compare_floats(one.values, other.values, tolerance)
    elif {one.kind, other.kind} <= {FLAG, WHOLE, FLOAT}:
        agree, far = _compare_exactly(one.values, other.values)
    elif one.kind == other.kind and one.kind in (MOMENT, ZONED_MOMENT):
        agree, far = np.equal(*in_one_unit({"served": one.values, "recomputed": other.values})), np.array([])
    else:
        pairs = zip(served.astype(object), again.astype(object), missing, strict=True)
        agree, far = np.array([not gone and _equal(a, b, tolerance) for a, b, gone in pairs]), np.array([])
    agree = np.where(missing, one.missing & other.missing, agree)
    finite = far[np.isfinite(far) & ~missing] if far.size else far
    return float(np.mean(~agree)), float(finite.max()) if finite.size else np.nan


def _compare_floats(a: np.ndarray, b: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which floats agree, and their distances."""
    with np.errstate(invalid="ignore", over="ignore"):
        far = np.abs(a - b)
        near = np.isfinite(a) & np.isfinite(b) & (far <= tolerance * np.maximum(1, np.abs(b)))
    return near | (a == b), far


def _compare_exactly(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which numbers are equal, and their distances, where at least one side is integers or flags."""
    a, b = (values.astype(np.int64) if values.dtype == bool else values for values in (a, b))
    if a.dtype == b.dtype != object:
        high, low = (extreme(a, b).view(np.uint64) for extreme in (np.maximum, np.minimum))
        return a == b, (high - low).astype(np.float64)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))  # Python compares an integer with a float exactly
    return np.array([x == y for x, y in pairs]), np.array([_distance(x, y) for x, y in pairs])


def _distance(x: float, y: float) -> float:
    try:
        return float(abs(Fraction(x) - Fraction(y)))
    except (OverflowError, ValueError):  # infinite or NaN on one side, or integers farther apart than floats reach
        return math.inf


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    """Return whether two objects are equal, arrays element by element."""
    if not isinstance(a, ARRAYS) and not isinstance(b, ARRAYS):
        return bool(a == b)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    if a.dtype.kind == b.dtype.kind == "f":
        return bool((_compare_floats(a, b, tolerance)[0] | (np.isnan(a) & np.isnan(b))).all())
    return a.tolist() == b.tolist()
