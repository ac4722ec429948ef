"""Labels that pandas objects carry: two columns of the same users are compared user by user, not place by place."""

from typing import Any

import pandas as pd

__all__ = ["aligned"]

SHOWN = 3  # labels that a message names


def aligned(name: str, values: Any, reference_name: str, reference: Any) -> Any:
    """Return `values` in the order of the labels of `reference`, where both carry labels.

    A Series carries its index, a DataFrame its columns; lists and arrays carry none and are left as they are, by
    place. So is a default index (0, 1, 2 …) beside labels of another kind.

    Args:
        name: the argument's name, for the message.
        values: array, list, Series or DataFrame.
        reference_name: the other argument's name.
        reference: what `values` is compared with, entry by entry.

    Returns:
        `values`, reordered where its labels ask for it.

    Raises:
        ValueError: labels that differ, or that occur twice in another order; the message names some of them.

    >>> minutes = pd.Series([30, 20], index=["Ada", "Ben"])
    >>> aligned("price", pd.Series([5, 7], index=["Ben", "Ada"]), "minutes", minutes).tolist()
    [7, 5]
    """
    have, wanted = _labels(values), _labels(reference)
    if have is None or wanted is None or have.equals(wanted):
        return values
    alike = len(have) == len(wanted) and have.isin(wanted).all() and wanted.isin(have).all()
    if not alike and (_is_default(have) or _is_default(wanted)):
        return values
    if not alike:
        strange = list(have[~have.isin(wanted)][:SHOWN]) or list(wanted[~wanted.isin(have)][:SHOWN])
        raise ValueError(
            f"{name} must carry the labels of {reference_name}, got a difference in {strange}; "
            "select the same rows, or pass arrays to compare by place"
        )
    if not (have.is_unique and wanted.is_unique):
        raise ValueError(
            f"{name} must carry each label of {reference_name} once, got some twice in another order; "
            "make them unique, or pass arrays to compare by place"
        )
    order = have.get_indexer(wanted)
    return values.iloc[order] if isinstance(values, pd.Series) else values.iloc[:, order]


def _labels(values: Any) -> pd.Index | None:
    if isinstance(values, pd.Series):
        return values.index
    return values.columns if isinstance(values, pd.DataFrame) else None


def _is_default(labels: pd.Index) -> bool:
    return labels.equals(pd.RangeIndex(len(labels)))
