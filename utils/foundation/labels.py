"""Labels that pandas objects carry: what is paired by place must not carry labels that say otherwise.

Where the entries are units (users, days), `aligned` puts them into one order. Where they are rows of one log, another
order is a mistake upstream, and `same_labels` refuses it.
"""

from typing import Any

import pandas as pd

__all__ = ["aligned", "same_labels"]

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


def same_labels(**values: Any) -> None:
    """Raise unless all the arguments that carry labels carry the same ones, in the same order.

    Args:
        **values: arguments by name; an index, and the columns of a frame, are labels, other arrays have none.

    Raises:
        ValueError: two of them are labeled differently; paired by place they would pair the wrong rows.

    >>> same_labels(reward=[1, 0], propensity=[0.5, 0.5])
    """
    labeled = {name: value for name, value in values.items() if hasattr(value, "iloc")}
    for axis, labels in enumerate(("index", "columns")):
        having = {name: value for name, value in labeled.items() if value.ndim > axis}
        for name, value in list(having.items())[1:]:
            first, reference = next(iter(having.items()))
            if not value.axes[axis].equals(reference.axes[axis]):
                raise ValueError(
                    f"{name} must have the {labels} of {first}, got others; align them first, "
                    "or pass both with .to_numpy() to pair them by place"
                )


def _labels(values: Any) -> pd.Index | None:
    if isinstance(values, pd.Series):
        return values.index
    return values.columns if isinstance(values, pd.DataFrame) else None


def _is_default(labels: pd.Index) -> bool:
    return labels.equals(pd.RangeIndex(len(labels)))
