"""The hash ring with virtual nodes, and the checks that all ways to place keys on nodes share."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.systems.hashing.key_hash import hash_key, hash_keys, is_one_key

Node = str | int

_CIRCLE = 2.0**64


class HashRing:
    """A hash ring: a key belongs to the first virtual node at or after its hash, clockwise.

    The ring never changes: :meth:`with_node` and :meth:`without_node` return another one.

    Args:
        nodes: names of the nodes, all different.
        virtual_nodes: points on the ring per unit of weight, at least 1.
        weights: relative share of each node, positive; a node has ``round(virtual_nodes × weight)`` points, at least
            one. Nodes not named have weight 1.

    Attributes:
        nodes: names of the nodes, as given.
        points: hashes of the virtual nodes, ascending, shape (points,).
        owners: number of the node that owns each point, shape (points,).

    Raises:
        ValueError: if there is no node, a node twice, or a number that is not positive.

    Source: Karger et al., "Consistent Hashing and Random Trees", STOC 1997; points named ``node-i`` as in ketama.

    >>> ring = HashRing(["a", "b", "c"], virtual_nodes=160)
    >>> bool(ring.lookup("user:42") == ring.lookup(["user:42"])[0])
    True
    """

    def __init__(
        self, nodes: Sequence[Node], virtual_nodes: int = 160, *, weights: Mapping[Node, float] | None = None
    ) -> None:
        self.nodes = distinct_nodes(nodes)
        self.virtual_nodes = checks.count("virtual_nodes", virtual_nodes, "give 1 or more")
        self._node_weights = node_weights(self.nodes, weights)
        copies = np.maximum(np.rint(self.virtual_nodes * self._node_weights), 1).astype(np.int64)
        names = [f"{node}-{i}" for node, n in zip(self.nodes, copies, strict=True) for i in range(n)]
        points, owners = hash_keys(names), np.repeat(np.arange(len(self.nodes)), copies)
        order = np.argsort(points, kind="stable")
        self.points, self.owners = points[order], owners[order]
        self._owner_after = np.append(self.owners, self.owners[0])  # past the last point: the first one
        self._point_list = self.points.tolist()  # bisect on a list is ten times as fast for one key
        self._names = name_array(self.nodes)

    def lookup(self, keys: Any) -> Any:
        """Return the name of the node that holds each key: one name, or an array of names, shape (n,)."""
        index = self.lookup_index(keys)
        return self.nodes[index] if is_one_key(keys) else self._names[index]

    def lookup_index(self, keys: Any) -> Any:
        """Return the number in ``nodes`` of the node that holds each key: one integer, or an array, shape (n,)."""
        if is_one_key(keys):
            return int(self._owner_after[bisect_left(self._point_list, hash_key(keys))])
        return self._owner_after[np.searchsorted(self.points, hash_keys(keys), side="left")]

    def replicas(self, key: str | bytes | int, n: int) -> list[Node]:
        """Return the first ``n`` different nodes clockwise from a key: where a replicated key lives.

        Raises:
            ValueError: if ``n`` is not between 1 and the number of nodes, or the key is unusable.
        """
        if not 1 <= n <= len(self.nodes):
            raise ValueError(f"n must be between 1 and {len(self.nodes)}, the number of nodes, got {n}; ask for fewer")
        start = bisect_left(self._point_list, hash_key(key))
        clockwise = dict.fromkeys(np.roll(self.owners, -start).tolist())
        return [self.nodes[owner] for owner in list(clockwise)[:n]]

    def shares(self) -> npt.NDArray[np.float64]:
        """Return the exact share of the circle that each node owns, shape (nodes,): its load from even keys."""
        arcs = self.points - np.roll(self.points, 1)  # unsigned: the first arc wraps around zero
        arcs = arcs.astype(float) / _CIRCLE if len(arcs) > 1 else np.ones(1)
        return np.bincount(self.owners, weights=arcs, minlength=len(self.nodes))

    def with_node(self, node: Node, weight: float = 1.0) -> HashRing:
        """Return the ring with one node more, or with another weight for a node that it has."""
        nodes = self.nodes if node in self.nodes else [*self.nodes, node]
        return HashRing(nodes, self.virtual_nodes, weights={**self.weights, node: weight})

    def without_node(self, node: Node) -> HashRing:
        """Return the ring with this node gone.

        Raises:
            ValueError: if the ring has no such node, or no other.
        """
        if node not in self.nodes:
            raise ValueError(f"node must be on the ring, got {node!r}; it has {self.nodes}")
        weights = {name: weight for name, weight in self.weights.items() if name != node}
        return HashRing(list(weights), self.virtual_nodes, weights=weights)

    @property
    def weights(self) -> dict[Node, float]:
        """The weight of each node, by name."""
        return dict(zip(self.nodes, self._node_weights.tolist(), strict=True))


def name_array(nodes: Sequence[Node]) -> np.ndarray:
    """Return the names as an array: of texts or of integers, or of objects where both occur."""
    is_uniform = len(set(map(type, nodes))) == 1
    return np.array(nodes, dtype=None if is_uniform else object)


def distinct_nodes(nodes: Sequence[Node]) -> list[Node]:
    """Return the names as a list, or raise a ValueError if there is none, one twice, or one of another type."""
    names = list(nodes) if isinstance(nodes, (Sequence, np.ndarray)) and not isinstance(nodes, (str, bytes)) else None
    names = [node.item() if isinstance(node, np.generic) else node for node in names] if names else names
    if not names or any(isinstance(node, bool) or not isinstance(node, (str, int)) for node in names):
        raise ValueError(f"nodes must be a non-empty list of texts or integers, got {nodes!r}; name at least one node")
    if len(set(map(str, names))) < len(names):
        raise ValueError(f"nodes must differ, got {names}; name each node once")
    return names


def node_weights(nodes: Sequence[Node], weights: Mapping[Node, float] | None) -> npt.NDArray[np.float64]:
    """Return the weight of each node, 1 where none is given, shape (nodes,), or raise a ValueError."""
    weights = weights or {}
    if unknown := set(weights) - set(nodes):
        raise ValueError(
            f"weights must be of known nodes, got {sorted(map(str, unknown))}; remove them or add the nodes"
        )
    values = np.array([weights.get(node, 1.0) for node in nodes], dtype=float)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(
            f"weights must be positive and finite, got {dict(weights)}; leave a node out to give it nothing"
        )
    return values
