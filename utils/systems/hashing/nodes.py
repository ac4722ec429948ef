"""The nodes that keys are placed on: their names, and the share of the keys that each is to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from utils.foundation import checks

__all__ = ["Node", "by_node", "distinct_nodes", "name_array", "node_weights"]

Node = str | int


def name_array(nodes: Sequence[Node]) -> np.ndarray:
    """Return the names as an array: of texts or of integers, or of objects where both occur.

    Args:
        nodes: names, shape (nodes,).

    Returns:
        Array of shape (nodes,).
    """
    is_uniform = len(set(map(type, nodes))) == 1
    return np.array(nodes, dtype=None if is_uniform else object)


def distinct_nodes(nodes: Sequence[Node]) -> list[Node]:
    """Return the names as a list.

    Args:
        nodes: names of the nodes, a list, tuple, array, series or index.

    Returns:
        Texts and integers of Python's own types, in the order given.

    Raises:
        ValueError: if there is none, one twice, or one of another type.
    """
    names = _as_list(nodes)
    if not names:
        raise ValueError(f"nodes must be a non-empty list, got {checks.told(nodes)}; name at least one node")
    if any(isinstance(node, bool) or not isinstance(node, (str, int)) for node in names):
        raise ValueError(f"nodes must be a list of texts or integers, got {checks.told(nodes)}; name each node by one")
    if len(set(map(str, names))) < len(names):
        raise ValueError(f"nodes must differ, got {names}; name each node once")
    return names


def node_weights(nodes: Sequence[Node], weights: Mapping[Node, float] | None) -> npt.NDArray[np.float64]:
    """Return the weight of each node.

    Args:
        nodes: names of the nodes.
        weights: weight by name, a mapping or a series indexed by name, in any order; None for none.

    Returns:
        Positive numbers, shape (nodes,), 1 where none is given.

    Raises:
        ValueError: if a weight is of an unknown node, or not a positive and finite number.
    """
    remedy = "leave a node out to give it nothing"
    given = {
        node: checks.positive(f"weights[{node!r}]", weight, remedy)
        for node, weight in by_node("weights", weights, nodes).items()
    }
    return np.array([given.get(node, 1.0) for node in nodes])


def by_node(name: str, values: Mapping[Node, Any] | None, nodes: Sequence[Node]) -> dict[Node, Any]:
    """Return what is given by node as a dictionary.

    Args:
        name: the argument's name, for the message.
        values: a mapping or a series indexed by name; None for none.
        nodes: names of all nodes.

    Returns:
        Values by name, only those given.

    Raises:
        ValueError: if it is no mapping, or of a node that is not among `nodes`, or names a node twice.
    """
    if values is None:
        return {}
    if not isinstance(values, (Mapping, pd.Series)):
        raise ValueError(f"{name} must be a mapping from node to value, got {checks.told(values)}; give a dictionary")
    names = list(values.keys())
    if unknown := set(names) - set(nodes):
        raise ValueError(
            f"{name} must be of known nodes, got {sorted(map(str, unknown))}; remove them or add the nodes"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"{name} must name each node once, got {names}; remove the repetitions")
    return dict(values.items())


def _as_list(nodes: Any) -> list[Any]:
    if not isinstance(nodes, (Sequence, np.ndarray, pd.Series, pd.Index)) or isinstance(nodes, (str, bytes)):
        return []
    return [node.item() if isinstance(node, np.generic) else node for node in nodes]
