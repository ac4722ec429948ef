"""A cache tier in front of a database of finite capacity: who waits and who fails when a node is lost.

Requests for keys reach a cache node chosen by a routing. A hit is served at once, a miss asks the database, which
serves one query after the other and refuses those that would wait too long; its answer fills the node that asked.
Routings are arrays from key to node, so that any hashing can be tried on the same requests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from utils.foundation import checks
from utils.systems.hashing.database import Database, QueryQueue
from utils.systems.hashing.traffic import Requests, numbered

__all__ = ["Timeline", "simulate_cache_tier", "steady_miss_rate"]

_MOST_STEPS = 10_000_000  # seconds or ticks of a simulation
_MOST_ENTRIES = 100_000_000  # pairs of node and key: a gigabyte
_CACHE, _DATABASE, _REFUSED, _OVERLOADED = range(4)  # who served a request, or who did not


class Timeline(NamedTuple):
    """What happened in each second, arrays of shape (seconds,).

    `requests`, `hits`, `refused` (the database's queue was full) and `overloaded` (the cache node had no
    capacity left) are counts by second of arrival, `mean_latency` is in seconds over the requests that were served.
    """

    requests: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    refused: npt.NDArray[np.int64]
    overloaded: npt.NDArray[np.int64]
    mean_latency: npt.NDArray[np.float64]


def steady_miss_rate(shares: npt.ArrayLike, rate: float, ttl: float) -> float:
    """Return the misses per second of a full cache whose entries live `ttl` seconds from when they were filled.

    A key asked for λ times a second is missed once and then hit λ × ttl times, over and over: λ / (1 + λ ttl).

    Args:
        shares: each key's share of the requests, shape (keys,).
        rate: requests per second.
        ttl: seconds that an entry lives.

    Returns:
        Misses per second.

    Raises:
        ValueError: if a share is negative, or a number is not positive and finite.

    >>> steady_miss_rate([0.5, 0.5], rate=2, ttl=9)
    0.2
    """
    shares = checks.array("shares", shares, low=0, dimensions=1)
    key_rate = shares * checks.positive("rate", rate, "give requests per second")
    return float((key_rate / (1 + key_rate * checks.positive("ttl", ttl, "give seconds"))).sum())


def simulate_cache_tier(
    requests: Requests,
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    lost_at: float,
    ttl: float,
    database: Database,
    rng: np.random.Generator,
    hit_seconds: float = 0.001,
    query_seconds: float = 0.01,
    node_capacity: float | None = None,
    home: npt.ArrayLike | None = None,
    key_rate: npt.ArrayLike | None = None,
    coalesced: bool = False,
    tick: float = 0.1,
) -> Timeline:
    """Serve requests through a warm cache tier whose routing changes at one moment, as when a node is lost.

    At time 0 every key is on its node, with an age as the steady state has it. What a node holds stays there when the
    routing changes; a node that is lost gets no requests afterwards, and one that was not routed to before is empty. A
    key that is missed again before its first query has returned asks the database again, unless misses are coalesced.
    Hits are decided once a tick.

    Args:
        requests: from `draw_requests`: times from 0 on and keys numbered from 0.
        before: node of each key until `lost_at`, numbered from 0, shape (keys,), or of each request, shape (requests,);
            of a series, the index numbers the keys or requests.
        after: the same from `lost_at` on; the same array if no node is lost.
        lost_at: seconds.
        ttl: seconds that an entry lives after it was filled.
        database: its capacity and patience.
        rng: source of the entries' ages at the start.
        hit_seconds: latency of a hit.
        query_seconds: latency of a query beside its wait.
        node_capacity: requests per second that a cache node can serve, or None for any number.
        home: node of each key, or of each request, whose entries are warm at time 0; None for those of `before`. Give
            it where requests of one key go to several nodes of which only one has held the key so far.
        key_rate: requests per second of each key in the long run, shape (keys,), for the steady state at time 0; None
            to take what was asked in `requests`, which overstates the hits if they are shorter than a few `ttl`.
        coalesced: whether a miss waits for the query that is under way for its entry, if there is one.
        tick: seconds between two looks at the cache.

    Returns:
        What happened second by second.

    Raises:
        ValueError: if an array has the wrong shape, a number is out of range, or the simulation would not fit: more
            than 10 million seconds or ticks, or 100 million pairs of node and key.
    """
    ttl = checks.positive("ttl", ttl, "give the seconds that an entry lives")
    tick = checks.positive("tick", tick, "0.1 is usual")
    lost_at = checks.not_negative("lost_at", lost_at, "use a second after the last request if no node is lost")
    hit_seconds = checks.not_negative("hit_seconds", hit_seconds, "give the latency of a hit")
    query_seconds = checks.not_negative("query_seconds", query_seconds, "give the latency of a query")
    if node_capacity is not None:
        node_capacity = checks.positive("node_capacity", node_capacity, "give requests per second, or None")
    if not isinstance(database, Database):
        raise ValueError(f"database must be a Database, got {checks.told(database)}; write Database(capacity=100)")
    coalesced = checks.truth("coalesced", coalesced, "say whether misses wait")
    rng = checks.generator("rng", rng)
    time, key = _checked_requests(requests, tick)
    before, after = _routing("before", before, key), _routing("after", after, key)
    warm = before if home is None else _routing("home", home, key)
    node = np.where(time < lost_at, before, after)
    n_keys = int(key.max()) + 1
    n_slots = _slots(int(node.max()) + 1, n_keys)
    slot = node * n_keys + key  # one cache entry for each pair of node and key
    weight = _weights(key_rate, key, float(time[-1]))
    expires = _warm_entries(weight, warm * n_keys + key, n_slots, ttl, rng)

    starts = np.arange(0, time[-1] + 2 * tick, tick)
    room = _room_per_tick(node_capacity, starts)
    queries = QueryQueue(database, coalesced=coalesced)
    served_by = np.full(len(time), _CACHE, dtype=np.int8)
    latency = np.full(len(time), hit_seconds)
    for step, (start, stop) in enumerate(pairwise(np.searchsorted(time, starts).tolist())):
        if start == stop:
            continue
        queries.fill(expires, time[start], ttl)
        if room is not None:
            served_by[start:stop][_beyond_capacity(node[start:stop], room[step])] = _OVERLOADED
        is_missed = (expires[slot[start:stop]] <= time[start:stop]) & (served_by[start:stop] == _CACHE)
        misses = np.flatnonzero(is_missed) + start
        for i, moment, entry in zip(misses.tolist(), time[misses].tolist(), slot[misses].tolist(), strict=True):
            answered_after = queries.ask(moment, entry)
            served_by[i] = _REFUSED if answered_after is None else _DATABASE
            latency[i] = latency[i] if answered_after is None else answered_after + query_seconds
    return _timeline(time, served_by, latency)


def _weights(key_rate: npt.ArrayLike | None, key: np.ndarray, seconds: float) -> np.ndarray:
    """Return how many requests per second each request stands for in the steady state."""
    if key_rate is None:
        return np.full(len(key), 1 / seconds)
    rate = checks.array("key_rate", key_rate, low=0, dimensions=1)
    if len(rate) <= key.max():
        raise ValueError(f"key_rate must have a rate for each key up to {key.max()}, got {len(rate)}; give one a key")
    return rate[key] / np.bincount(key)[key]


def _warm_entries(
    weight: np.ndarray, warm: np.ndarray, n_slots: int, ttl: float, rng: np.random.Generator
) -> np.ndarray:
    """Return when each entry expires: those that are warm are in their cycle, with the age of a random moment."""
    rate = np.bincount(warm, weights=weight, minlength=max(n_slots, int(warm.max()) + 1))[:n_slots]
    cycle = ttl + np.divide(1, rate, out=np.full(n_slots, np.inf), where=rate > 0)  # full for ttl, then until asked for
    is_full = rng.uniform(size=n_slots) < np.where(rate > 0, ttl / cycle, 0)
    return np.where(is_full, rng.uniform(0, ttl, n_slots), -np.inf)


def _room_per_tick(node_capacity: float | None, starts: np.ndarray) -> np.ndarray | None:
    """Return how many requests a node may serve in each tick: whole numbers that add up to the capacity."""
    return None if node_capacity is None else np.diff(np.floor(node_capacity * starts + 1e-6))


def _beyond_capacity(node: np.ndarray, room: float) -> np.ndarray:
    """Return which of one tick's requests come after their node has served as many as it can."""
    order = np.argsort(node, kind="stable")
    first = np.searchsorted(node[order], node[order], side="left")
    beyond = np.empty(len(node), dtype=bool)
    beyond[order] = np.arange(len(node)) - first >= room
    return beyond


def _timeline(time: np.ndarray, served_by: np.ndarray, latency: np.ndarray) -> Timeline:
    second = time.astype(np.int64)
    n = int(second[-1]) + 1
    counts = [np.bincount(second[served_by == kind], minlength=n) for kind in range(4)]
    served = served_by <= _DATABASE
    total = np.bincount(second[served], weights=latency[served], minlength=n)
    n_served = counts[_CACHE] + counts[_DATABASE]
    mean = np.divide(total, n_served, out=np.full(n, np.nan), where=n_served > 0)
    return Timeline(np.bincount(second, minlength=n), counts[_CACHE], counts[_REFUSED], counts[_OVERLOADED], mean)


def _checked_requests(requests: Requests, tick: float) -> tuple[np.ndarray, np.ndarray]:
    time, key = np.asarray(requests.time, dtype=float), np.asarray(requests.key)
    if time.ndim != 1 or time.shape != key.shape or not len(time):
        raise ValueError(
            f"requests must have times and keys of one shape (n,), got {time.shape} and {key.shape}; use draw_requests"
        )
    in_order = np.isfinite(time).all() and time[0] >= 0 and time[-1] > 0 and (np.diff(time) >= 0).all()
    if not in_order or key.dtype.kind not in "iu" or key.min() < 0 or key.max() >= _MOST_ENTRIES:
        raise ValueError("requests must be in order of time, with keys numbered from 0, got others; use draw_requests")
    if time[-1] / min(tick, 1) > _MOST_STEPS:
        raise ValueError(
            f"requests must end within {_MOST_STEPS:,} seconds and ticks, got {time[-1]:g} s in ticks of {tick:g} s; "
            "count time from the first request, or use a longer tick"
        )
    return time, key.astype(np.int64)


def _slots(n_nodes: int, n_keys: int) -> int:
    if n_nodes * n_keys > _MOST_ENTRIES:
        raise ValueError(
            f"requests must have at most {_MOST_ENTRIES:,} pairs of node and key, got {n_nodes:,} nodes × {n_keys:,} "
            "keys; number both from 0 without gaps"
        )
    return n_nodes * n_keys


def _routing(name: str, routing: npt.ArrayLike, key: np.ndarray) -> np.ndarray:
    """Return the node of every request."""
    nodes = np.asarray(numbered(name, routing))
    is_numbered = nodes.ndim == 1 and nodes.dtype.kind in "iu" and nodes.min(initial=0) >= 0
    if not is_numbered or (len(nodes) != len(key) and len(nodes) <= key.max()) or nodes.max() >= _MOST_ENTRIES:
        raise ValueError(
            f"{name} must be a node from 0 for each key or each request, got {nodes.dtype} {nodes.shape}; use integers"
        )
    return nodes.astype(np.int64) if len(nodes) == len(key) else nodes.astype(np.int64)[key]
