"""The hash ring with virtual nodes: a node that comes or goes moves the keys of its own arcs and no others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.systems.hashing.key_hash import hash_key, hash_keys, is_one_key
from utils.systems.hashing.nodes import Node, distinct_nodes, name_array, node_weights

__all__ = ["HashRing"]

_CIRCLE = 2.0**64
_MOST_POINTS = 10_000_000  # a gigabyte of names while the ring is built


class HashRing:
    """A hash ring: a key belongs to the first virtual node at or after its hash, clockwise.

    The ring never changes: `with_node` and `without_node` return another one.

    Args:
        nodes: names of the nodes, all different.
        virtual_nodes: points on the ring per unit of weight, at least 1.
        weights: relative share of each node, positive; a node has `round(virtual_nodes × weight)` points, at least
            one. Nodes not named have weight 1.

    Attributes:
        nodes: names of the nodes, as given.
        points: hashes of the virtual nodes, ascending, shape (points,).
        owners: number of the node that owns each point, shape (points,).

    Raises:
        ValueError: if there is no node, a node twice, a number that is not positive, or more than 10 million points.

    References:
        Karger et al., "Consistent Hashing and Random Trees", STOC 1997; points named `node-i` as in ketama.

    >>> ring = HashRing(["a", "b", "c"], virtual_nodes=160)
    >>> bool(ring.lookup("user:42") == ring.lookup(["user:42"])[0])
    True
    """

    def __init__(
        self, nodes: Sequence[Node], virtual_nodes: int = 160, *, weights: Mapping[Node, float] | None = None
    ) -> None:
        self.nodes = distinct_nodes(nodes)
        self.virtual_nodes = checks.count("virtual_nodes", virtual_nodes, "160 is usual", maximum=_MOST_POINTS)
        self._node_weights = node_weights(self.nodes, weights)
        copies = _copies(self.virtual_nodes, self._node_weights)
        names = [f"{node}-{i}" for node, n in zip(self.nodes, copies, strict=True) for i in range(n)]
        points, owners = hash_keys(names), np.repeat(np.arange(len(self.nodes)), copies)
        order = np.argsort(points, kind="stable")
        self.points, self.owners = points[order], owners[order]
        self._owner_after = np.append(self.owners, self.owners[0])  # past the last point: the first one
        self._point_list = self.points.tolist()  # bisect on a list is ten times as fast for one key
        self._names = name_array(self.nodes)

    def lookup(self, keys: Any) -> Any:
        """Return the name of the node that holds each key.

        Args:
            keys: one key, or array of keys, shape (n,).

        Returns:
            One name, or an array of names, shape (n,).

        Raises:
            ValueError: if a key is unusable or there is none.
        """
        index = self.lookup_index(keys)
        return self.nodes[index] if is_one_key(keys) else self._names[index]

    def lookup_index(self, keys: Any) -> Any:
        """Return the number in `nodes` of the node that holds each key.

        Args:
            keys: one key, or array of keys, shape (n,).

        Returns:
            One integer, or an array of them, shape (n,).

        Raises:
            ValueError: if a key is unusable or there is none.
        """
        if is_one_key(keys):
            return int(self._owner_after[bisect_left(self._point_list, hash_key(keys))])
        return self._owner_after[np.searchsorted(self.points, hash_keys(keys), side="left")]

    def replicas(self, key: str | bytes | int, n: int) -> list[Node]:
        """Return the first `n` different nodes clockwise from a key: where a replicated key lives.

        Args:
            key: the key.
            n: how many nodes, from 1 to all.

        Returns:
            Names, the holder first.

        Raises:
            ValueError: if `n` is not between 1 and the number of nodes, or the key is unusable.
        """
        n = checks.count("n", n, "ask for one node or more")
        if n > len(self.nodes):
            raise ValueError(f"n must be between 1 and {len(self.nodes)}, the number of nodes, got {n}; ask for fewer")
        start = bisect_left(self._point_list, hash_key(key))
        clockwise = dict.fromkeys(np.roll(self.owners, -start).tolist())
        return [self.nodes[owner] for owner in list(clockwise)[:n]]

    def shares(self) -> npt.NDArray[np.float64]:
        """Return the exact share of the circle that each node owns: its load from even keys.

        Returns:
            Shares that add up to 1, shape (nodes,).
        """
        arcs = self.points - np.roll(self.points, 1)  # unsigned: the first arc wraps around zero
        arcs = arcs.astype(float) / _CIRCLE if len(arcs) > 1 else np.ones(1)
        return np.bincount(self.owners, weights=arcs, minlength=len(self.nodes))

    def with_node(self, node: Node, weight: float = 1.0) -> HashRing:
        """Return the ring with one node more, or with another weight for a node that it has.

        Args:
            node: the name.
            weight: relative share, positive.

        Returns:
            Another ring.

        Raises:
            ValueError: if the name or the weight is unusable.
        """
        nodes = self.nodes if node in self.nodes else [*self.nodes, node]
        return HashRing(nodes, self.virtual_nodes, weights={**self.weights, node: weight})

    def without_node(self, node: Node) -> HashRing:
        """Return the ring with this node gone.

        Args:
            node: the name.

        Returns:
            Another ring.

        Raises:
            ValueError: if the ring has no such node, or no other.
        """
        if node not in self.nodes:
            raise ValueError(f"node must be on the ring, got {checks.told(node)}; choose one of {self.nodes}")
        weights = {name: weight for name, weight in self.weights.items() if name != node}
        return HashRing(list(weights), self.virtual_nodes, weights=weights)

    @property
    def weights(self) -> dict[Node, float]:
        """The weight of each node, by name."""
        return dict(zip(self.nodes, self._node_weights.tolist(), strict=True))


def _copies(virtual_nodes: int, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the number of points of each node, at least one."""
    if not np.maximum(weights, 1 / virtual_nodes).sum() <= _MOST_POINTS / virtual_nodes:
        raise ValueError(
            f"virtual_nodes must give at most {_MOST_POINTS:,} points in all, got {virtual_nodes:,} × weights "
            f"{weights.tolist()!s:.60}; use fewer, 160 is usual"
        )
    return np.maximum(np.rint(virtual_nodes * weights), 1).astype(np.int64)
