"""The timer of the benchmarks: the shortest of several runs, as a ratio to something measured beside it."""

import time
from collections.abc import Callable

__all__ = ["best_seconds"]


def best_seconds(call: Callable[[], object], *, repeats: int = 5) -> float:
    """Return the shortest wall time of several calls, the figure least disturbed by what else the machine does.

    Args:
        call: function without arguments; what it returns is dropped.
        repeats: how often it is called, at least once.

    Returns:
        Seconds.

    Raises:
        ValueError: repeats is below one.

    References:
        The documentation of `timeit.Timer.repeat` in the Python standard library: take the minimum, not the mean.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}; 5 is usual")
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
