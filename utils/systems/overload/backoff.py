"""Backoff between retries, and what it does when many clients contend for one row.

The contention model is the one behind "Exponential Backoff and Jitter" (Brooker, AWS Architecture Blog, 2015): every
client reads a row's version, writes it back if the version is still the same, and backs off when another was faster.
Times are milliseconds.
"""

from typing import NamedTuple

import numpy as np

from utils.foundation import checks

POLICIES = ("none", "exponential", "equal", "full", "decorrelated")


class Contention(NamedTuple):
    """Outcome of many independent runs of the contention model."""

    calls: np.ndarray  # writes that reached the server, shape (n_runs,)
    duration: np.ndarray  # ms until the last client knows that it is done, shape (n_runs,)
    call_run: np.ndarray  # run of each call, empty unless record_calls
    call_time: np.ndarray  # ms at which each call reached the server, empty unless record_calls


def delays(policy, attempt, *, base=5.0, cap=2000.0, previous=None, rng=None):
    """Draw how long clients wait before they try again.

    Args:
        policy: "none"; "exponential", e = min(cap, base·2^attempt); "equal", e/2 plus a uniform draw from (0, e/2);
            "full", a uniform draw from (0, e); "decorrelated", min(cap, a uniform draw from (base, 3·previous)).
        attempt: how often each client has failed so far, from 1; any shape.
        base: scale of the first delay, ms.
        cap: the longest delay, ms; at least `base`.
        previous: each client's last delay, ms, for "decorrelated"; None means `base`.
        rng: numpy generator; needed by the policies that draw.

    Returns:
        Delays in ms, of the shape of `attempt`.

    Raises:
        ValueError: unknown policy, attempt below 1, base or cap out of range, rng missing.

    References:
        Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog (2015).

    >>> delays("exponential", [1, 2, 3, 20]).tolist()
    [10.0, 20.0, 40.0, 2000.0]
    """
    checks.choice("policy", policy, POLICIES)
    base, cap = _base_and_cap(base, cap)
    attempt = _attempts(attempt)
    if policy in ("equal", "full", "decorrelated") and not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy Generator, got {rng!r}; pass np.random.default_rng(seed)")
    last = np.full(attempt.shape, base) if previous is None else _previous(previous, attempt.shape)
    return _draw(policy, attempt, last, base, cap, rng)


def simulate_contention(
    n_clients, policy, seed, *, n_runs=100, base=5.0, cap=2000.0, net_mean=10.0, net_sd=2.0, record_calls=False
):
    """Let `n_clients` update one row with optimistic concurrency, all at once, and count their calls.

    A write succeeds if nobody else succeeded since its client read the row. So the runs need no event queue: after each
    success the clients that had read before it are bound to fail once, then the earliest pending write is the next
    success. Each step serves all runs at once.

    Args:
        n_clients: clients that start at time 0, at least 1.
        policy: one of `POLICIES`.
        seed: anything np.random.default_rng takes.
        n_runs: independent repetitions.
        base, cap: of the backoff, ms.
        net_mean, net_sd: one message takes |N(net_mean, net_sd)| ms.
        record_calls: keep the time of every call.

    Returns:
        Contention, arrays over the runs.

    Raises:
        ValueError: an argument is out of range.

    References:
        Brooker (2015), as for `delays`; checked against a plain event loop in tests/test_backoff.py.

    >>> result = simulate_contention(2, "full", seed=1, n_runs=3)
    >>> bool((result.calls >= 2).all()), result.duration.shape
    (True, (3,))
    """
    n_clients = checks.count("n_clients", n_clients, "give the number of clients that start together")
    n_runs = checks.count("n_runs", n_runs, "give the number of repetitions")
    checks.choice("policy", policy, POLICIES)
    base, cap = _base_and_cap(base, cap)
    net_mean = checks.positive("net_mean", net_mean, "give ms for one message")
    net_sd = checks.not_negative("net_sd", net_sd, "give ms; 0 makes every message equally fast")
    rng = np.random.default_rng(seed)
    runs = np.arange(n_runs)

    def travel(*shape):
        return np.abs(rng.normal(net_mean, net_sd, shape))

    read = travel(n_runs, n_clients)
    write = read + travel(2, n_runs, n_clients).sum(axis=0)
    attempt = np.zeros((n_runs, n_clients), dtype=np.int64)
    last_delay = np.full((n_runs, n_clients), base)
    calls, duration = np.zeros(n_runs, dtype=np.int64), np.zeros(n_runs)
    seen = []
    for _ in range(n_clients):
        winner = write.argmin(axis=1)
        success = write[runs, winner]
        duration = np.maximum(duration, success + travel(n_runs))
        calls += 1
        seen.append((runs, success))
        write[runs, winner] = read[runs, winner] = np.inf
        stale = read < success[:, None]  # a read at the very moment of the success sees the new version
        run = stale.nonzero()[0]
        calls += np.bincount(run, minlength=n_runs)
        seen.append((run, write[stale]))
        attempt[stale] += 1
        last_delay[stale] = _draw(policy, attempt[stale], last_delay[stale], base, cap, rng)
        there_and_back = travel(4, len(run))
        read[stale] = write[stale] + there_and_back[:2].sum(axis=0) + last_delay[stale]
        write[stale] = read[stale] + there_and_back[2:].sum(axis=0)
        if not record_calls:
            seen.clear()
    call_run = np.concatenate([pair[0] for pair in seen]) if seen else np.empty(0, dtype=np.int64)
    call_time = np.concatenate([pair[1] for pair in seen]) if seen else np.empty(0)
    return Contention(calls, duration, call_run, call_time)


def _draw(policy, attempt, last, base, cap, rng):
    if policy == "none":
        return np.zeros(attempt.shape)
    if policy == "decorrelated":
        return np.minimum(cap, rng.uniform(base, 3 * np.maximum(last, base)))
    enough = np.ceil(np.log2(cap) - np.log2(base)) + 1  # from here on 2^attempt exceeds the cap, and may overflow
    window = np.minimum(cap, base * 2.0 ** np.minimum(attempt, enough))
    if policy == "exponential":
        return window
    if policy == "equal":
        return window / 2 + rng.uniform(0, window / 2)
    return rng.uniform(0, window)


def _base_and_cap(base, cap):
    base = checks.positive("base", base, "give the scale of the first delay in ms")
    cap = checks.positive("cap", cap, "give the longest delay in ms")
    if cap < base:
        raise ValueError(f"cap must be at least base = {base:g}, got {cap:g}; raise cap or lower base")
    return base, cap


def _attempts(attempt):
    array = np.asarray(attempt)
    if array.dtype.kind not in "iuf" or array.size == 0:
        raise ValueError(f"attempt must hold numbers, got {attempt!r:.60}; give the failures so far, from 1")
    if not (np.isfinite(array).all() and (array >= 1).all() and (array == np.floor(array)).all()):
        raise ValueError(f"attempt must hold whole numbers from 1, got {attempt!r:.60}; the first retry is attempt 1")
    return array


def _previous(previous, shape):
    array = np.asarray(previous)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"previous must hold delays of 0 ms or more, got {previous!r:.60}; pass the last result")
    if array.shape != shape:
        raise ValueError(f"previous must have the shape of attempt {shape}, got {array.shape}; one delay per client")
    return array
