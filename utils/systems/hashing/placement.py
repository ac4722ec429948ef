"""Placements that keep nothing but the list of nodes: hash modulo N, jump hash and rendezvous hash.

All look up one key or an array of keys, and agree across processes and machines. They differ in how many keys move when
the list changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.systems.hashing.key_hash import Hashes, as_key_array, hash_key, hash_keys, is_one_key, mix_array
from utils.systems.hashing.nodes import Node, distinct_nodes, name_array, node_weights

__all__ = ["jump_hash", "modulo_hash", "rendezvous_hash"]

_MOST_BUCKETS = (1 << 31) - 1


def modulo_hash(keys: Any, n_nodes: int) -> Any:
    """Return the node of each key by hash modulo the number of nodes: the folklore's baseline, which moves most keys.

    Args:
        keys: one key, or array of keys, shape (n,).
        n_nodes: number of nodes, 1 … 2³¹ − 1.

    Returns:
        Number of the node from 0, or an array of them, shape (n,).

    Raises:
        ValueError: if a key is no text, bytes or integer, or `n_nodes` is out of range.

    >>> bool(modulo_hash("user:42", 5) == modulo_hash(["user:42"], 5)[0])
    True
    """
    n_nodes = checks.count("n_nodes", n_nodes, maximum=_MOST_BUCKETS)
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
        ValueError: if a key is no text, bytes or integer, or `n_buckets` is out of range.

    References:
        Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294, figure 1.

    >>> jump_hash(42, 57), jump_hash(0xDEAD10CC, 666), jump_hash(256, 1024)
    (43, 361, 520)
    """
    n_buckets = checks.count("n_buckets", n_buckets, maximum=_MOST_BUCKETS)
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

    References:
        Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking
        6(1), 1998; weights by the score −w / ln(u) as in Schindelhauer and Schomaker, SPAA 2005.

    >>> before, after = (rendezvous_hash(range(1000), nodes) for nodes in (["a", "b", "c"], ["a", "b"]))
    >>> set(before[before != after].tolist())
    {'c'}
    """
    names = distinct_nodes(nodes)
    shares = node_weights(names, weights)
    shares = np.ldexp(shares, -np.frexp(shares.max())[1])  # exact, and no score overflows
    hashes = np.array([hash_key(keys)], dtype=np.uint64) if is_one_key(keys) else hash_keys(keys)
    best_score = np.full(len(hashes), -np.inf)
    best_node = np.zeros(len(hashes), dtype=np.int64)
    for i in sorted(range(len(names)), key=lambda i: str(names[i])):  # a tie goes to the same name in any order
        uniform = ((mix_array(hashes ^ np.uint64(hash_key(str(names[i])))) >> np.uint64(11)) + 0.5) / 2.0**53
        score = -shares[i] / np.log(uniform)
        better = score > best_score
        best_score[better], best_node[better] = score[better], i
    return names[best_node[0]] if is_one_key(keys) else name_array(names)[best_node]
