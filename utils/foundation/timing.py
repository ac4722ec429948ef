"""The timer of the benchmarks: the shortest of several runs, as a ratio to something measured beside it."""

import time
from collections.abc import Callable

from utils.foundation import checks

__all__ = ["best_seconds"]


def best_seconds(call: Callable[[], object], *, repeats: int = 5) -> float:
    """Return the shortest wall time of several calls, the figure least disturbed by what else the machine does.

    Args:
        call: function without arguments; what it returns is dropped.
        repeats: how often it is called, at least once.

    Returns:
        Seconds.

    Raises:
        ValueError: repeats is no whole number of at least one.

    References:
        The documentation of `timeit.Timer.repeat` in the Python standard library: take the minimum, not the mean.
    """
    seconds = []
    for _ in range(checks.count("repeats", repeats, "5 is usual")):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
