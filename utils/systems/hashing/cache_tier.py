"""A cache tier in front of a database of finite capacity: who waits and who fails when a node is lost.

Requests for keys reach a cache node chosen by a routing. A hit is served at once, a miss asks the database, which
serves one query after the other and refuses those that would wait too long; its answer fills the node that asked.
Routings are arrays from key to node, so that any hashing can be tried on the same requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Requests(NamedTuple):
    """Requests in order of time: ``time`` in seconds and ``key`` from 0, both of shape (requests,)."""

    time: npt.NDArray[np.float64]
    key: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Database:
    """A database that serves its queries one after the other.

    Args:
        capacity: queries per second.
        max_wait: longest wait in seconds that it queues for; a query that would wait longer is refused at once.

    Raises:
        ValueError: if a number is not positive and finite.
    """

    capacity: float
    max_wait: float = 1.0

    def __post_init__(self) -> None:
        _positive("capacity", self.capacity)
        _positive("max_wait", self.max_wait)


class Timeline(NamedTuple):
    """What happened in each second, arrays of shape (seconds,).

    ``requests``, ``hits``, ``refused`` (the database's queue was full) and ``overloaded`` (the cache node had no
    capacity left) are counts by second of arrival, ``mean_latency`` is in seconds over the requests that were served.
    """

    requests: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    refused: npt.NDArray[np.int64]
    overloaded: npt.NDArray[np.int64]
    mean_latency: npt.NDArray[np.float64]


def zipf_shares(n_keys: int, exponent: float) -> npt.NDArray[np.float64]:
    """Return each key's share of the requests by Zipf's law, the k-th proportional to ``k ** -exponent``.

    Args:
        n_keys: number of keys, at least 1.
        exponent: 0 for even shares, about 1 for web traffic.

    Returns:
        Shares that add up to 1, shape (n_keys,), falling.

    Raises:
        ValueError: if ``n_keys`` is below 1 or the exponent negative or not finite.

    >>> zipf_shares(3, 1).round(3)
    array([0.545, 0.273, 0.182])
    """
    if isinstance(n_keys, bool) or not isinstance(n_keys, (int, np.integer)) or n_keys < 1:
        raise ValueError(f"n_keys must be a whole number of at least 1, got {n_keys!r}; give 1 or more")
    if not 0 <= exponent < np.inf:
        raise ValueError(f"exponent must be finite and not negative, got {exponent}; use 0 for even shares")
    mass = np.arange(1, n_keys + 1) ** -float(exponent)
    return mass / mass.sum()


def draw_requests(shares: npt.ArrayLike, rate: float, seconds: float, *, rng: np.random.Generator) -> Requests:
    """Draw Poisson arrivals of independent requests.

    Args:
        shares: each key's share of the requests, shape (keys,), adding up to 1.
        rate: requests per second.
        seconds: how long.
        rng: source of randomness.

    Returns:
        The requests in order of time.

    Raises:
        ValueError: if the shares are no probabilities, or a number is not positive and finite.
    """
    shares = np.asarray(shares, dtype=float)
    if shares.ndim != 1 or not len(shares) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"shares must be probabilities that add up to 1, got shape {shares.shape}; divide by the sum")
    rate, seconds = _positive("rate", rate), _positive("seconds", seconds)
    n = rng.poisson(rate * seconds)
    time = np.sort(rng.uniform(0, seconds, n))
    uniform = np.sort(rng.uniform(0, 1, n))  # sorted needles: the search stays in the processor's cache
    key = np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)
    return Requests(time, rng.permutation(key))


def steady_miss_rate(shares: npt.ArrayLike, rate: float, ttl: float) -> float:
    """Return the misses per second of a full cache whose entries live ``ttl`` seconds from when they were filled.

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
    shares = np.asarray(shares, dtype=float)
    if shares.ndim != 1 or not len(shares) or not (shares >= 0).all():
        raise ValueError(f"shares must not be negative, of shape (keys,), got shape {shares.shape}; give one per key")
    key_rate = shares * _positive("rate", rate)
    return float((key_rate / (1 + key_rate * _positive("ttl", ttl))).sum())


def simulate_outage(
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
    tick: float = 0.1,
) -> Timeline:
    """Serve requests through a warm cache tier whose routing changes at one moment.

    At time 0 every key is on its node, with an age as the steady state has it. What a node holds stays there when the
    routing changes; a node that is lost gets no requests afterwards. A key that is missed again before its first
    query has returned asks the database again. Hits are decided once a tick.

    Args:
        requests: from :func:`draw_requests`.
        before: node of each key until ``lost_at``, shape (keys,), or of each request, shape (requests,).
        after: the same from ``lost_at`` on; the same array if no node is lost.
        lost_at: seconds.
        ttl: seconds that an entry lives after it was filled.
        database: its capacity and patience.
        rng: source of the entries' ages at the start.
        hit_seconds: latency of a hit.
        query_seconds: latency of a query beside its wait.
        node_capacity: requests per second that a cache node can serve, or None for any number.
        tick: seconds between two looks at the cache.

    Returns:
        What happened second by second.

    Raises:
        ValueError: if an array has the wrong shape or a number is not positive.
    """
    time, key = _checked_requests(requests)
    before, after = _routing("before", before, key), _routing("after", after, key)
    ttl, tick = _positive("ttl", ttl), _positive("tick", tick)
    node_capacity = None if node_capacity is None else _positive("node_capacity", node_capacity)
    node = np.where(time < lost_at, before, after)
    n_keys, n_nodes = int(key.max()) + 1, int(node.max()) + 1
    slot = node * n_keys + key  # one cache entry for each pair of node and key
    expires = _warm_entries(time, slot, before * n_keys + key, n_nodes * n_keys, ttl, rng)

    ticks = np.searchsorted(time, np.arange(0, time[-1] + 2 * tick, tick))
    served_by = np.zeros(len(time), dtype=np.int8)  # 0 cache, 1 database, 2 refused, 3 node overloaded
    latency = np.full(len(time), float(hit_seconds))
    service, free_at = 1 / database.capacity, 0.0
    queued: list[tuple[float, int]] = []
    for start, stop in pairwise(ticks.tolist()):
        if start == stop:
            continue
        queued = _fill(expires, queued, time[start], ttl)
        if node_capacity is not None:
            served_by[start:stop] = 3 * _beyond_capacity(node[start:stop], node_capacity * tick)
        misses = np.flatnonzero((expires[slot[start:stop]] <= time[start:stop]) & (served_by[start:stop] == 0)) + start
        for i, moment, entry in zip(misses.tolist(), time[misses].tolist(), slot[misses].tolist(), strict=True):
            wait = max(0.0, free_at - moment)
            if wait > database.max_wait:
                served_by[i] = 2
                continue
            served_by[i], latency[i] = 1, wait + service + query_seconds
            free_at = moment + wait + service
            queued.append((free_at, entry))
    return _timeline(time, served_by, latency)


def _warm_entries(
    time: np.ndarray, slot: np.ndarray, before: np.ndarray, n_slots: int, ttl: float, rng: np.random.Generator
) -> np.ndarray:
    """Return when each entry expires: those of the old routing are in their cycle, with the age of a random moment."""
    rate = np.bincount(before, minlength=max(n_slots, int(before.max()) + 1))[:n_slots] / time[-1]
    cycle = ttl + np.divide(1, rate, out=np.full(n_slots, np.inf), where=rate > 0)  # full for ttl, then until asked for
    is_full = rng.uniform(size=n_slots) < np.where(rate > 0, ttl / cycle, 0)
    return np.where(is_full, rng.uniform(0, ttl, n_slots), -np.inf)


def _fill(expires: np.ndarray, queued: list[tuple[float, int]], now: float, ttl: float) -> list[tuple[float, int]]:
    """Write the answers that have returned by now into the cache, and return the queries that still wait."""
    done = 0
    for returned_at, entry in queued:
        if returned_at > now:
            break
        expires[entry] = max(expires[entry], returned_at + ttl)
        done += 1
    return queued[done:]


def _beyond_capacity(node: np.ndarray, capacity: float) -> np.ndarray:
    """Return which of one tick's requests come after their node has served as many as it can."""
    order = np.argsort(node, kind="stable")
    first = np.searchsorted(node[order], node[order], side="left")
    beyond = np.empty(len(node), dtype=bool)
    beyond[order] = np.arange(len(node)) - first >= capacity
    return beyond


def _timeline(time: np.ndarray, served_by: np.ndarray, latency: np.ndarray) -> Timeline:
    second = time.astype(np.int64)
    n = int(second[-1]) + 1
    counts = [np.bincount(second[served_by == kind], minlength=n) for kind in range(4)]
    served = served_by <= 1
    total = np.bincount(second[served], weights=latency[served], minlength=n)
    mean = np.divide(total, counts[0] + counts[1], out=np.full(n, np.nan), where=counts[0] + counts[1] > 0)
    return Timeline(np.bincount(second, minlength=n), counts[0], counts[2], counts[3], mean)


def _checked_requests(requests: Requests) -> tuple[np.ndarray, np.ndarray]:
    time, key = np.asarray(requests.time, dtype=float), np.asarray(requests.key)
    if time.ndim != 1 or time.shape != key.shape or not len(time):
        raise ValueError(f"requests must have times and keys of one shape (n,), got {time.shape} and {key.shape}")
    if not (np.isfinite(time).all() and time[0] >= 0 and (np.diff(time) >= 0).all() and key.min() >= 0):
        raise ValueError("requests must be in order of time, with keys from 0, got others; use draw_requests")
    return time, key


def _routing(name: str, routing: npt.ArrayLike, key: np.ndarray) -> np.ndarray:
    """Return the node of every request."""
    nodes = np.asarray(routing)
    is_numbered = nodes.ndim == 1 and nodes.dtype.kind in "iu" and nodes.min(initial=0) >= 0
    if not is_numbered or (len(nodes) != len(key) and len(nodes) <= key.max()):
        raise ValueError(
            f"{name} must be a node from 0 for each key or each request, got {nodes.dtype} {nodes.shape}; use integers"
        )
    return nodes.astype(np.int64) if len(nodes) == len(key) else nodes.astype(np.int64)[key]


def _positive(name: str, value: float) -> float:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not 0 < value < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}; give a number above 0")
    return float(value)
