"""Replay parity: recompute what was served, with the training pipeline, and compare value by value.

Google's Rules of Machine Learning (M. Zinkevich), rules 29 and 37: log the features at serving time, and measure the
skew between what was trained on and what was served.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Parity(NamedTuple):
    """Result of `replay_parity`.

    Attributes:
        features: data frame, one row a feature: `feature`, `mismatched` (share of the rows present on both sides whose
            values differ by more than the tolerance), `largest` (largest absolute difference, NaN if none is finite).
        n_rows: rows present on both sides.
        only_served, only_recomputed: rows present on one side.
    """

    features: pd.DataFrame
    n_rows: int
    only_served: int
    only_recomputed: int

    @property
    def mismatched(self):
        """Largest share of mismatched rows over the features."""
        return float(self.features["mismatched"].max())

    @property
    def is_clean(self):
        """Whether the same rows stand on both sides, with equal values."""
        return self.mismatched == 0 and self.only_served == 0 and self.only_recomputed == 0


def replay_parity(served, recomputed, *, key, tolerance=1e-6):
    """Compare features logged at serving time with the same features recomputed offline, row by row.

    Two values agree if both are missing, or if they differ by at most `tolerance` times the larger of 1 and the
    recomputed value's size. Text and other objects must be equal.

    Args:
        served: data frame with the key columns and the features, one row a key, any order.
        recomputed: the same; the features compared are the columns that it has beside the key.
        key: name or names of the columns that identify a row.
        tolerance: relative tolerance, at least 0.

    Returns:
        `Parity`.

    Raises:
        ValueError: an empty side, a missing column, keys that repeat or are null, a negative tolerance.

    >>> served = pd.DataFrame({"id": [2, 1], "price": [900.0, 5.0]})
    >>> replay_parity(served, pd.DataFrame({"id": [1, 2], "price": [5.0, 9.0]}), key="id").mismatched
    0.5
    """
    key = [key] if isinstance(key, str) else list(key)
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}; use 0 for exact equality")
    features = [name for name in recomputed.columns if name not in key]
    if not features:
        raise ValueError("recomputed must have feature columns beside the key, got none")
    for name, frame in (("served", served), ("recomputed", recomputed)):
        _check_side(name, frame, key, features)
    pair = served[key + features].merge(
        recomputed[key + features], on=key, how="outer", suffixes=("", " again"), indicator=True
    )
    both = pair[pair["_merge"] == "both"]
    rows = [(f, *_difference(both[f], both[f"{f} again"], tolerance)) for f in features]
    return Parity(
        pd.DataFrame(rows, columns=["feature", "mismatched", "largest"]),
        len(both),
        int((pair["_merge"] == "left_only").sum()),
        int((pair["_merge"] == "right_only").sum()),
    )


def _check_side(name, frame, key, features):
    missing = [column for column in (*key, *features) if column not in frame.columns]
    if missing:
        raise ValueError(f"{name} must have the columns {missing}; got {list(frame.columns)}")
    if frame.empty:
        raise ValueError(f"{name} must have rows, got none; look for a log that was not written")
    if frame[key].isna().any().any():
        raise ValueError(f"{name} must have no nulls in {key}; drop or repair those rows first")
    if frame.duplicated(key).any():
        repeated = int(frame.duplicated(key).sum())
        raise ValueError(f"{name} must have one row a key, got {repeated} repeated; add a column to key")


def _difference(served, again, tolerance):
    """Return the share of mismatched values and the largest absolute difference."""
    if len(served) == 0:
        return np.nan, np.nan
    missing = served.isna().to_numpy(), again.isna().to_numpy()
    if not (pd.api.types.is_numeric_dtype(served) and pd.api.types.is_numeric_dtype(again)):
        equal = served.astype(object).to_numpy() == again.astype(object).to_numpy()
        return float(np.mean(~(equal | (missing[0] & missing[1])))), np.nan
    a, b = served.to_numpy(float), again.to_numpy(float)
    with np.errstate(invalid="ignore"):
        far = np.abs(a - b)
        agree = (far <= tolerance * np.maximum(1, np.abs(b))) | (a == b) | (missing[0] & missing[1])
    finite = far[np.isfinite(far)]
    return float(np.mean(~agree)), float(finite.max()) if finite.size else np.nan
