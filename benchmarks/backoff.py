"""Compare the contention simulation over many runs with a plain event loop in Python, in one process.

Run: python benchmarks/backoff.py
"""

import heapq
import random
import time

from utils.systems.overload.backoff import POLICIES
from utils.systems.overload.contention import simulate_contention

BASE, CAP = 5.0, 2000.0


def backoff_delay(policy, failures, last, rng):
    """Return one delay in ms by the definition of each policy."""
    window = min(CAP, BASE * 2**failures)
    return {
        "none": lambda: 0.0,
        "exponential": lambda: window,
        "equal": lambda: window / 2 + rng.uniform(0, window / 2),
        "full": lambda: rng.uniform(0, window),
        "decorrelated": lambda: min(CAP, rng.uniform(BASE, 3 * last)),
    }[policy]()


def event_loop(n_clients, policy, seed):
    """Run the contention model once on a priority queue; return calls and ms until the last client is done."""
    rng = random.Random(seed)

    def arrival(now):
        return now + abs(rng.gauss(10, 2))

    version, calls, now = 0, 0, 0.0
    failures, last, known = [0] * n_clients, [BASE] * n_clients, [0] * n_clients
    events = [(arrival(0.0), client, "read") for client in range(n_clients)]
    heapq.heapify(events)
    while events:
        now, client, kind = heapq.heappop(events)
        if kind == "read":
            known[client] = version
            heapq.heappush(events, (arrival(arrival(now)), client, "write"))
        elif kind == "write":
            calls += 1
            succeeded = known[client] == version
            version += succeeded
            heapq.heappush(events, (arrival(now), client, "done" if succeeded else "failed"))
        elif kind == "failed":
            failures[client] += 1
            last[client] = backoff_delay(policy, failures[client], last[client], rng)
            heapq.heappush(events, (arrival(now) + last[client], client, "read"))
    return calls, now


def main(n_clients=100, loop_runs=10, array_runs=500):
    """Print milliseconds per run of both, their ratio, and the mean calls as a check that they do the same."""
    print(f"{n_clients} clients; ms per run: event loop, arrays, ratio; mean calls: event loop, arrays")
    for policy in POLICIES:
        start = time.perf_counter()
        loop = [event_loop(n_clients, policy, seed)[0] for seed in range(loop_runs)]
        middle = time.perf_counter()
        arrays = simulate_contention(n_clients, policy, seed=0, n_runs=array_runs).calls
        end = time.perf_counter()
        slow, fast = (middle - start) / loop_runs * 1e3, (end - middle) / array_runs * 1e3
        print(
            f"{policy:>13}: {slow:7.2f} {fast:7.3f} {slow / fast:6.0f}×   {sum(loop) / loop_runs:6.0f}"
            f" {arrays.mean():6.0f}"
        )


if __name__ == "__main__":
    main()
