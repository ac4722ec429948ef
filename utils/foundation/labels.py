"""Labels that pandas objects carry: what is paired by place must not carry labels that say otherwise.

Where the entries are units (users, days), `aligned` puts them into one order. Where they are rows of one log, another
order is a mistake upstream, and `same_labels` refuses it.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["aligned", "all_aligned", "same_labels", "same_order"]

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
    order = _order(name, _labels(values), reference_name, _labels(reference))
    if order is None:
        return values
    return values.iloc[order] if isinstance(values, pd.Series) else values.iloc[:, order]


def all_aligned(**values: Any) -> tuple[Any, ...]:
    """Return arguments that meet entry by entry, each in the order of the labels of those before it.

    As `aligned`, for more than two arguments whichever of them carry labels; of two frames the rows meet by label too.

    Args:
        **values: arrays, lists, single numbers, Series or frames, by the arguments' names.

    Returns:
        The values in the order given, reordered where their labels ask for it.

    Raises:
        ValueError: as `aligned`.

    >>> a, b = all_aligned(a=pd.Series([1, 2], index=["x", "y"]), b=pd.Series([3, 4], index=["y", "x"]))
    >>> b.tolist()
    [4, 3]
    """
    done: dict[str, Any] = {}
    for name, value in values.items():
        for before, reference in done.items():
            value = aligned(name, value, before, reference)
            if isinstance(value, pd.DataFrame) and isinstance(reference, pd.DataFrame):
                order = _order(name, value.index, before, reference.index)
                value = value if order is None else value.iloc[order]
        done[name] = value
    return tuple(done.values())


def same_order(**labels: pd.Index | None) -> None:
    """Raise where labels that belong to one axis differ or come in another order; a default index says nothing.

    Args:
        **labels: by what they label; None where that carries no labels.

    Raises:
        ValueError: two of them differ; the message names both.

    >>> same_order(a=pd.Index(["x", "y"]), b=None, c=pd.RangeIndex(2))
    """
    having = {name: value for name, value in labels.items() if value is not None}
    for place, (name, value) in enumerate(having.items()):
        for before, reference in list(having.items())[:place]:
            if _order(name.replace("_of_", " of "), value, before.replace("_of_", " of "), reference) is not None:
                raise ValueError(
                    f"{name.replace('_of_', ' of ')} must come in the order of {before.replace('_of_', ' of ')}, got "
                    "another; align them first, or pass arrays to pair them by place"
                )


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


def _order(name: str, have: pd.Index | None, reference_name: str, wanted: pd.Index | None) -> NDArray[np.int64] | None:
    """Return the places that bring labels into the order wanted; None where they stay as they are."""
    if have is None or wanted is None or have.equals(wanted):
        return None
    alike = len(have) == len(wanted) and have.isin(wanted).all() and wanted.isin(have).all()
    if not alike and (_is_default(have) or _is_default(wanted)):
        return None
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
    return have.get_indexer(wanted)


def _labels(values: Any) -> pd.Index | None:
    if isinstance(values, pd.Series):
        return values.index
    return values.columns if isinstance(values, pd.DataFrame) else None


def _is_default(labels: pd.Index) -> bool:
    return labels.equals(pd.RangeIndex(len(labels)))
