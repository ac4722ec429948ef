"""Which node holds a key: modulo, ring with virtual nodes, rendezvous, jump and bounded loads.

All of them look up one key or an array of keys, agree across processes and machines (see :mod:`.hashing`), and keep
no state but the list of nodes. They differ in how many keys move when that list changes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from utils.systems.hashing import Hashes, as_key_array, hash_key, hash_keys, is_one_key, mix_array

Node = str | int

_CIRCLE = 2.0**64


def modulo_hash(keys: Any, n_nodes: int) -> Any:
    """Return the node of each key by hash modulo the number of nodes: the folklore's baseline, which moves most keys.

    Args:
        keys: one key, or array of keys, shape (n,).
        n_nodes: number of nodes, at least 1.

    Returns:
        Number of the node from 0, or an array of them, shape (n,).

    Raises:
        ValueError: if a key is no text, bytes or integer, or ``n_nodes`` is below 1.

    >>> bool(modulo_hash("user:42", 5) == modulo_hash(["user:42"], 5)[0])
    True
    """
    n_nodes = _whole("n_nodes", n_nodes)
    if is_one_key(keys):
        return hash_key(keys) % n_nodes
    return (hash_keys(keys) % np.uint64(n_nodes)).astype(np.int64)


def jump_hash(keys: Any, n_buckets: int) -> Any:
    """Return the bucket of each key by jump consistent hash: no memory, even to the last key, buckets only at the end.

    Args:
        keys: one key, or array of keys, shape (n,). Integers are the algorithm's 64-bit keys as they are, so that
            published values are met; texts are hashed first.
        n_buckets: number of buckets, 1 … 2³¹ − 1.

    Returns:
        Number of the bucket from 0, or an array of them, shape (n,).

    Raises:
        ValueError: if a key is no text, bytes or integer, or ``n_buckets`` is out of range.

    Source: Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294, figure 1.

    >>> jump_hash(42, 57), jump_hash(0xDEAD10CC, 666), jump_hash(256, 1024)
    (43, 361, 520)
    """
    n_buckets = _whole("n_buckets", n_buckets)
    if n_buckets >= 1 << 31:
        raise ValueError(f"n_buckets must be below 2³¹, got {n_buckets}; use fewer buckets")
    if is_one_key(keys):
        return int(_jump(np.array([_jump_state(keys)], dtype=np.uint64), n_buckets)[0])
    array = as_key_array(keys)
    if array.dtype.kind == "O":
        return _jump(np.array([_jump_state(key) for key in array], dtype=np.uint64), n_buckets)
    return _jump(array.astype(np.uint64) if array.dtype.kind in "iu" else hash_keys(array), n_buckets)


def _jump_state(key: str | bytes | int) -> int:
    """Return the 64-bit integer that jump hash starts from: an integer key itself, the hash of any other."""
    hashed = hash_key(key)
    is_number = not isinstance(key, (str, bytes)) and -(1 << 63) <= key < 1 << 64
    return int(key) % (1 << 64) if is_number else hashed


def _jump(states: Hashes, n_buckets: int) -> npt.NDArray[np.int64]:
    """Return the last bucket each key jumps to before it would jump past the end."""
    buckets = np.zeros(len(states), dtype=np.int64)
    jumping = np.arange(len(states))
    while len(jumping):
        states = states * np.uint64(2862933555777941757) + np.uint64(1)
        targets = ((buckets[jumping] + 1) * (2.0**31 / ((states >> np.uint64(33)) + 1.0))).astype(np.int64)
        stays_inside = targets < n_buckets
        jumping, states = jumping[stays_inside], states[stays_inside]
        buckets[jumping] = targets[stays_inside]
    return buckets


def rendezvous_hash(keys: Any, nodes: Sequence[Node], *, weights: Mapping[Node, float] | None = None) -> Any:
    """Return the node of each key by highest random weight: every node draws a score for the key, the best one wins.

    Args:
        keys: one key, or array of keys, shape (n,).
        nodes: names of the nodes, all different.
        weights: relative share of each node, positive; nodes not named have weight 1.

    Returns:
        Name of the node, or an array of names, shape (n,).

    Raises:
        ValueError: if there is no node, a node twice, a weight that is not positive, or an unusable key.

    Sources: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
    Networking 6(1), 1998; weights by the score −w / ln(u) as in Schindelhauer and Schomaker, SPAA 2005.

    >>> before, after = (rendezvous_hash(range(1000), nodes) for nodes in (["a", "b", "c"], ["a", "b"]))
    >>> set(before[before != after].tolist())
    {'c'}
    """
    names = _distinct(nodes)
    shares = _weights(names, weights)
    hashes = np.array([hash_key(keys)], dtype=np.uint64) if is_one_key(keys) else hash_keys(keys)
    best_score = np.full(len(hashes), -np.inf)
    best_node = np.zeros(len(hashes), dtype=np.int64)
    for i in sorted(range(len(names)), key=lambda i: str(names[i])):  # a tie goes to the same name in any order
        uniform = ((mix_array(hashes ^ np.uint64(hash_key(str(names[i])))) >> np.uint64(11)) + 0.5) / 2.0**53
        score = -shares[i] / np.log(uniform)
        better = score > best_score
        best_score[better], best_node[better] = score[better], i
    return names[best_node[0]] if is_one_key(keys) else _name_array(names)[best_node]


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
        self.nodes = _distinct(nodes)
        self.virtual_nodes = _whole("virtual_nodes", virtual_nodes)
        self._node_weights = _weights(self.nodes, weights)
        copies = np.maximum(np.rint(self.virtual_nodes * self._node_weights), 1).astype(np.int64)
        names = [f"{node}-{i}" for node, n in zip(self.nodes, copies, strict=True) for i in range(n)]
        points, owners = hash_keys(names), np.repeat(np.arange(len(self.nodes)), copies)
        order = np.argsort(points, kind="stable")
        self.points, self.owners = points[order], owners[order]
        self._owner_after = np.append(self.owners, self.owners[0])  # past the last point: the first one
        self._point_list = self.points.tolist()  # bisect on a list is ten times as fast for one key
        self._names = _name_array(self.nodes)

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


class BoundedLoadRing:
    """A hash ring on which no node holds more than its share times a factor: what is too much goes on clockwise.

    Args:
        nodes: names of the nodes, all different.
        virtual_nodes: points on the ring per unit of weight, at least 1.
        load_factor: most load of a node over the average, above 1 (the paper's c = 1 + ε).
        weights: relative share of each node, positive; nodes not named have weight 1.

    Attributes:
        ring: the :class:`HashRing` underneath.

    Raises:
        ValueError: as :class:`HashRing`, and if ``load_factor`` is not above 1 and finite.

    Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018, arXiv:1608.01350.

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
        if not (isinstance(load_factor, (int, float, np.number)) and 1 < load_factor < math.inf):
            raise ValueError(f"load_factor must be above 1 and finite, got {load_factor!r}; 1.25 is usual")
        self.ring = HashRing(nodes, virtual_nodes, weights=weights)
        self.load_factor = float(load_factor)
        owners = self.ring.owners
        # from each point, the next point clockwise of another node
        self._next = np.array([_next_other(owners, i) for i in range(len(owners))])

    def capacities(self, load: int) -> npt.NDArray[np.int64]:
        """Return how much each node may hold of a total load, shape (nodes,): ⌈c × load × weight share⌉."""
        weights = np.array(list(self.ring.weights.values()))
        bound = self.load_factor * _whole("load", load) * weights / weights.sum()
        return np.ceil(bound.round(9)).astype(np.int64)  # 1.1 × 100 / 10 is 11, not 11.000000000000002

    def lookup(self, key: str | bytes | int, loads: Mapping[Node, int]) -> Node:
        """Return the node for one more request for a key, given the load that each node has now.

        Args:
            key: the key.
            loads: load of each node, not negative; nodes not named have none.

        Returns:
            The first node clockwise from the key whose load is below its capacity.

        Raises:
            ValueError: if a load is negative or of an unknown node, or the key is unusable.
        """
        if unknown := set(loads) - set(self.ring.nodes):
            raise ValueError(f"loads must be of nodes on the ring, got {sorted(map(str, unknown))}; remove them")
        if any(not load >= 0 for load in loads.values()):
            raise ValueError(f"loads must not be negative, got {dict(loads)}; count the requests in flight")
        capacity = dict(zip(self.ring.nodes, self.capacities(sum(loads.values()) + 1), strict=True))
        clockwise = self.ring.replicas(key, len(self.ring.nodes))
        return next(node for node in clockwise if loads.get(node, 0) < capacity[node])

    def assign(self, keys: Any) -> np.ndarray:
        """Return the names of the nodes for an array of keys or requests in order of arrival, shape (n,)."""
        return _name_array(self.ring.nodes)[self.assign_index(keys)]

    def assign_index(self, keys: Any) -> npt.NDArray[np.int64]:
        """Return the numbers of the nodes for an array of keys or requests in order of arrival.

        Each takes the first node clockwise that still has room for it. Computed in rounds: all ask at once, a crowded
        node keeps the earliest, the others ask the next node. Every node prefers earlier arrivals, so these rounds
        (deferred acceptance) end in what taking them one after the other gives.

        Args:
            keys: array of keys, shape (n,). The same key may come often; then it may get several nodes.

        Returns:
            Numbers in ``ring.nodes``, shape (n,).

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


def _next_other(owners: npt.NDArray[np.int64], i: int) -> int:
    n = len(owners)
    return next(((i + step) % n for step in range(1, n) if owners[(i + step) % n] != owners[i]), i)


def _name_array(nodes: Sequence[Node]) -> np.ndarray:
    is_uniform = len(set(map(type, nodes))) == 1
    return np.array(nodes, dtype=None if is_uniform else object)


def _whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}; give 1 or more")
    return int(value)


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    names = list(nodes) if isinstance(nodes, (Sequence, np.ndarray)) and not isinstance(nodes, (str, bytes)) else None
    names = [node.item() if isinstance(node, np.generic) else node for node in names] if names else names
    if not names or any(isinstance(node, bool) or not isinstance(node, (str, int)) for node in names):
        raise ValueError(f"nodes must be a non-empty list of texts or integers, got {nodes!r}; name at least one node")
    if len(set(map(str, names))) < len(names):
        raise ValueError(f"nodes must differ, got {names}; name each node once")
    return names


def _weights(nodes: Sequence[Node], weights: Mapping[Node, float] | None) -> npt.NDArray[np.float64]:
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
