"""A hash ring with bounded loads: a node that is full passes keys on, clockwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.systems.hashing.key_hash import hash_keys
from utils.systems.hashing.nodes import Node, by_node, name_array
from utils.systems.hashing.ring import HashRing

__all__ = ["BoundedLoadRing"]

_MOST_LOAD = 10**12  # beyond it a capacity, kept to nine decimals, is no longer exact


class BoundedLoadRing:
    """A hash ring on which no node holds more than its share times a factor: what is too much goes on clockwise.

    Args:
        nodes: names of the nodes, all different.
        virtual_nodes: points on the ring per unit of weight, at least 1.
        load_factor: most load of a node over the average, above 1 (the paper's c = 1 + ε), at most a million.
        weights: relative share of each node, positive; nodes not named have weight 1.

    Attributes:
        ring: the `HashRing` underneath.

    Raises:
        ValueError: as `HashRing`, and if `load_factor` is out of range.

    References:
        Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018, arXiv:1608.01350.

    >>> ring = BoundedLoadRing(["a", "b"], virtual_nodes=1, load_factor=1.25)
    >>> bool(np.bincount(ring.assign_index(range(100))).max() <= 63)
    True
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        virtual_nodes: int = 160,
        *,
        load_factor: float = 1.25,
        weights: Mapping[Node, float] | None = None,
    ) -> None:
        self.load_factor = checks.number(
            "load_factor", load_factor, low=1, high=1e6, open_low=True, remedy="1.25 is usual"
        )
        self.ring = HashRing(nodes, virtual_nodes, weights=weights)
        self._next = _next_of_another(self.ring.owners)

    def capacities(self, load: int) -> npt.NDArray[np.int64]:
        """Return how much each node may hold of a total load: ⌈c × load × weight share⌉.

        Args:
            load: requests or keys in all, from 1 to 10¹².

        Returns:
            Whole numbers, shape (nodes,).

        Raises:
            ValueError: if the load is out of range.
        """
        load = checks.count("load", load, maximum=_MOST_LOAD)
        weights = np.array(list(self.ring.weights.values()))
        bound = self.load_factor * load * weights / weights.sum()
        return np.ceil(bound.round(9)).astype(np.int64)  # 1.1 × 100 / 10 is 11, not 11.000000000000002

    def lookup(self, key: str | bytes | int, loads: Mapping[Node, int]) -> Node:
        """Return the node for one more request for a key, given the load that each node has now.

        Args:
            key: the key.
            loads: load of each node, a whole number that is not negative; nodes not named have none.

        Returns:
            The first node clockwise from the key whose load is below its capacity.

        Raises:
            ValueError: if a load is negative or of an unknown node, or the key is unusable.
        """
        given = by_node("loads", loads, self.ring.nodes)
        remedy = "count the requests in flight"
        loads = {node: checks.count(f"loads[{node!r}]", load, remedy, minimum=0) for node, load in given.items()}
        capacity = dict(zip(self.ring.nodes, self.capacities(sum(loads.values()) + 1), strict=True))
        clockwise = self.ring.replicas(key, len(self.ring.nodes))
        return next(node for node in clockwise if loads.get(node, 0) < capacity[node])

    def assign(self, keys: Any) -> np.ndarray:
        """Return the names of the nodes for an array of keys or requests in order of arrival.

        Args:
            keys: array of keys, shape (n,).

        Returns:
            Names, shape (n,).

        Raises:
            ValueError: if a key is unusable or there is none.
        """
        return name_array(self.ring.nodes)[self.assign_index(keys)]

    def assign_index(self, keys: Any) -> npt.NDArray[np.int64]:
        """Return the numbers of the nodes for an array of keys or requests in order of arrival.

        Each takes the first node clockwise that still has room for it. Computed in rounds: all ask at once, a crowded
        node keeps the earliest, the others ask the next node. Every node prefers earlier arrivals, so these rounds
        (deferred acceptance) end in what taking them one after the other gives.

        Args:
            keys: array of keys, shape (n,). The same key may come often; then it may get several nodes.

        Returns:
            Numbers in `ring.nodes`, shape (n,).

        Raises:
            ValueError: if a key is unusable or there is none.
        """
        ring, hashes = self.ring, hash_keys(keys)
        position = np.searchsorted(ring.points, hashes, side="left") % len(ring.points)
        capacity = self.capacities(len(hashes))
        while True:
            node = ring.owners[position]
            load = np.bincount(node, minlength=len(ring.nodes))
            if not (load > capacity).any():
                return node
            for crowded in np.flatnonzero(load > capacity):
                late = np.flatnonzero(node == crowded)[capacity[crowded] :]
                position[late] = self._next[position[late]]


def _next_of_another(owners: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return, for each point, the next point clockwise of another node; on a ring of one node, the point itself."""
    points = np.arange(len(owners))
    last_of_run = np.flatnonzero(owners != np.roll(owners, -1))
    if not len(last_of_run):
        return points
    run = np.searchsorted(last_of_run, points) % len(last_of_run)
    return (last_of_run[run] + 1) % len(owners)
