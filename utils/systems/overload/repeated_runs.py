"""What several runs of one arm have in common: the orders they lose, and the share of orders that gets through."""

import math
from collections.abc import Sequence

import numpy as np

from utils.foundation import checks
from utils.systems.overload.outage import Trace

__all__ = ["confirmed", "lost", "lost_text", "multiple"]


def lost(traces: Sequence[Trace]) -> float:
    """Return the orders that a run loses, the mean of all.

    Args:
        traces: one a run, at least one.

    Returns:
        Orders.

    Raises:
        ValueError: there is no trace, or something else among them.
    """
    return float(np.mean([trace.orders_lost for trace in _checked("traces", traces)]))


def lost_text(traces: Sequence[Trace]) -> str:
    """Return the same with its standard error, such as "386 ± 14".

    Args:
        traces: one a run; of a single one no error can be told.

    Returns:
        Text.

    Raises:
        ValueError: as for `lost`.
    """
    mean, each = lost(traces), [trace.orders_lost for trace in traces]
    return f"{mean:,.0f} ± {np.std(each, ddof=1) / math.sqrt(len(each)):,.0f}" if len(each) > 1 else f"{mean:,.0f}"


def multiple(traces: Sequence[Trace], others: Sequence[Trace]) -> float:
    """Return how many times as many orders some runs lose as others.

    Args:
        traces: one a run.
        others: the same of the other arm; one lost order is the least that is divided by.

    Returns:
        Ratio of the means.

    Raises:
        ValueError: as for `lost`.
    """
    return lost(traces) / max(lost(others), 1.0)


def confirmed(traces: Sequence[Trace], start: int = 40, stop: int = 60) -> float:
    """Return the share of the orders placed between two seconds that gets through.

    Args:
        traces: one a run.
        start: the first second that counts.
        stop: the first that does not any more.

    Returns:
        Share of the orders of all runs, 0 to 1.

    Raises:
        ValueError: as for `lost`, or no order was placed then.
    """
    traces = _checked("traces", traces)
    placed = sum(int(trace.placed[start:stop].sum()) for trace in traces)
    if not placed:
        raise ValueError(f"start and stop must hold orders, got {start!r} to {stop!r}; choose seconds of the run")
    return sum(int(trace.confirmed[start:stop].sum()) for trace in traces) / placed


def _checked(name: str, traces: Sequence[Trace]) -> Sequence[Trace]:
    if not isinstance(traces, (list, tuple)) or isinstance(traces, Trace) or not traces:
        raise ValueError(f"{name} must be a list of traces, got {checks.told(traces)}; put a single one into brackets")
    if not all(isinstance(trace, Trace) for trace in traces):
        raise ValueError(f"{name} must hold traces only, got {checks.told(traces)}; pass what simulate_outage returns")
    return traces
