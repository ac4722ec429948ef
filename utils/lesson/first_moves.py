"""The first move for each symptom: one table in `data/first_moves.yaml` for all lessons that teach it."""

from pathlib import Path
from typing import NamedTuple

import yaml

from utils.foundation.checkout import CHECKOUT

__all__ = ["TABLE", "FirstMove", "FirstMoves", "first_moves"]

TABLE = CHECKOUT / "data" / "first_moves.yaml"


class FirstMove(NamedTuple):
    """A symptom, what to do first where it is there, and why."""

    symptom: str
    move: str
    because: str


class FirstMoves(NamedTuple):
    """The table.

    Attributes:
        first_hour: what to ask in the first hour, in order.
        moves: symptoms in order; the first that is there decides.
    """

    first_hour: tuple[str, ...]
    moves: tuple[FirstMove, ...]


def first_moves(path: Path = TABLE) -> FirstMoves:
    """Read the table.

    Args:
        path: of the YAML file.

    Raises:
        ValueError: the file is not there, or is not of this form.

    >>> [move for _, move, _ in first_moves().moves][:4]
    ['roll back', 'fix the pipeline', 'fix the tracking', 'correct the slices, then retrain']
    """
    try:
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        hour, moves = entry["first_hour"], [FirstMove(**row) for row in entry["moves"]]
        texts = [*hour, *(text for move in moves for text in move)]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} must hold first_hour and moves, got {error!r}; restore it with git") from None
    if not hour or not moves or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{path.name} must hold texts only, got something else or none; restore it with git")
    return FirstMoves(tuple(hour), tuple(moves))
