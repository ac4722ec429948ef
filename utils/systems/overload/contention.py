"""Many clients contend for one row, and back off when another was faster.

The model is the one behind "Exponential Backoff and Jitter" (Brooker, AWS Architecture Blog, 2015): every client reads
a row's version, writes it back if the version is still the same, and backs off when another was faster. Times are
milliseconds.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks
from utils.systems.overload.backoff import POLICIES, checked_base_and_cap, draw_delays

__all__ = ["Contention", "simulate_contention"]

MOST_CLIENTS = 10_000_000  # clients × runs: arrays of 80 MB, a few of them at once


class Contention(NamedTuple):
    """Outcome of many independent runs of the contention model."""

    calls: NDArray[np.int64]  # writes that reached the server, shape (n_runs,)
    duration: NDArray[np.float64]  # ms until the last client knows that it is done, shape (n_runs,)
    call_run: NDArray[np.int64]  # run of each call, empty unless record_calls
    call_time: NDArray[np.float64]  # ms at which each call reached the server, empty unless record_calls


def simulate_contention(
    n_clients: int,
    policy: str,
    seed: int,
    *,
    n_runs: int = 100,
    base: float = 5.0,
    cap: float = 2000.0,
    net_mean: float = 10.0,
    net_sd: float = 2.0,
    record_calls: bool = False,
) -> Contention:
    """Let `n_clients` update one row with optimistic concurrency, all at once, and count their calls.

    A write succeeds if nobody else succeeded since its client read the row. So the runs need no event queue: after each
    success the clients that had read before it are bound to fail once, then the earliest pending write is the next
    success. Each step serves all runs at once.

    Args:
        n_clients: clients that start at time 0, at least 1.
        policy: one of `POLICIES`.
        seed: a whole number of at least 0, a list of them or a numpy Generator.
        n_runs: independent repetitions; clients × runs are at most 10 million.
        base: scale of the first delay, ms.
        cap: the longest delay, ms.
        net_mean: one message takes |N(net_mean, net_sd)| ms.
        net_sd: as net_mean.
        record_calls: keep the time of every call.

    Returns:
        Contention, arrays over the runs.

    Raises:
        ValueError: an argument is out of range.

    References:
        Brooker (2015), as above.

    >>> result = simulate_contention(2, "full", seed=1, n_runs=3)
    >>> bool((result.calls >= 2).all()), result.duration.shape
    (True, (3,))
    """
    n_clients, n_runs = _sizes(n_clients, n_runs)
    checks.choice("policy", policy, POLICIES)
    base, cap = checked_base_and_cap(base, cap)
    net_mean = checks.positive("net_mean", net_mean, "give ms for one message")
    net_sd = checks.not_negative("net_sd", net_sd, "give ms; 0 makes every message equally fast")
    rng = checks.seeded("seed", seed)
    runs = np.arange(n_runs)

    def travel(*shape: int) -> NDArray[np.float64]:
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
        last_delay[stale] = draw_delays(policy, attempt[stale], last_delay[stale], base, cap, rng)
        there_and_back = travel(4, len(run))
        read[stale] = write[stale] + there_and_back[:2].sum(axis=0) + last_delay[stale]
        write[stale] = read[stale] + there_and_back[2:].sum(axis=0)
        if not record_calls:
            seen.clear()
    return Contention(calls, duration, *_recorded(seen))


def _sizes(n_clients: int, n_runs: int) -> tuple[int, int]:
    n_clients = checks.count("n_clients", n_clients, "give the number of clients that start together")
    n_runs = checks.count("n_runs", n_runs, "give the number of repetitions")
    if n_clients * n_runs > MOST_CLIENTS:
        got = f"{n_clients:,} × {n_runs:,} runs"
        raise ValueError(f"n_clients must be at most {MOST_CLIENTS:,} over all runs, got {got}; run several times")
    return n_clients, n_runs


def _recorded(seen: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the run and the time of every call that was kept."""
    if not seen:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return np.concatenate([pair[0] for pair in seen]), np.concatenate([pair[1] for pair in seen])
