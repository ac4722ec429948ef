"""Arms that compete for the same supply: orders beyond a capacity are refused, whoever placed them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks


def within_capacity(asked: ArrayLike, group: ArrayLike, capacity: ArrayLike) -> NDArray[np.bool_]:
    """Say which orders are delivered when every group serves the first that ask, up to its capacity.

    Args:
        asked: whether the order is placed, shape (runs, orders) or (orders,); orders stand in the order of time.
        group: number of the group (a city's day) that must serve the order, from 0, rising, shape (orders,).
        capacity: most orders a group can serve, shape (groups,).

    Returns:
        Booleans of the shape of `asked`: placed and served.

    Raises:
        ValueError: shapes that do not fit, groups that are not sorted, a negative or missing capacity.

    >>> within_capacity([True, False, True, True, True], [0, 0, 0, 0, 1], [2, 0]).tolist()
    [True, False, True, False, False]
    """
    placed = np.asarray(asked, dtype=bool)
    groups, limits = np.asarray(group), checks.array("capacity", capacity)
    if groups.ndim != 1 or len(groups) == 0 or placed.shape[-1:] != groups.shape:
        raise ValueError(f"group must have one entry an order, got {groups.shape} for asked {placed.shape}")
    if not np.issubdtype(groups.dtype, np.integer) or groups[0] < 0 or (np.diff(groups) < 0).any():
        raise ValueError("group must be whole numbers that rise from 0 or more; sort the orders by group, then by time")
    if (limits < 0).any() or groups[-1] >= len(limits):
        raise ValueError(f"capacity must be non-negative, one a group, got {len(limits)} for groups to {groups[-1]}")
    queue = placed.cumsum(axis=-1, dtype=np.int32)
    first = np.searchsorted(groups, groups)  # where each order's group begins
    ahead = queue[..., first] - placed[..., first]
    return placed & (queue - ahead <= limits[groups])
