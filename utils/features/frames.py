"""Data frames as arguments: the columns that must be there, each of them once."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["check_columns"]


def check_columns(name: str, frame: Any, needed: Iterable[str]) -> None:
    """Raise unless an argument is a data frame with these columns and no name twice.

    Args:
        name: the argument's name, for the message.
        frame: the argument.
        needed: names of the columns.

    Raises:
        ValueError: no data frame, a column that is missing, a name that repeats.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"{name} must be a data frame, got {type(frame).__name__}; use pandas.DataFrame")
    if not frame.columns.is_unique:
        raise ValueError(f"{name} must have columns of different names, got {list(frame.columns)}; rename some")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise ValueError(f"{name} must have the columns {missing}, got {list(frame.columns)}; rename or add them")
