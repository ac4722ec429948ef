"""Arms that compete for the same supply: orders beyond a capacity are refused, whoever placed them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import aligned

__all__ = ["orders_in_line", "within_capacity"]


def orders_in_line(counts: ArrayLike, group: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """List the orders of all versions in the order in which a group serves them: by group, then visit, then version.

    Args:
        counts: orders that each visit would place under each version, whole numbers, shape (versions, visits); visits
            stand in the order of time.
        group: number of the group (a city's day) that each visit belongs to, shape (visits,).

    Returns:
        Visit and version of each order, as `within_capacity` wants them.

    Raises:
        ValueError: shapes that do not fit, counts that are negative, missing or no whole numbers.

    >>> visit, version = orders_in_line([[1, 0, 2], [1, 1, 0]], [1, 0, 0])
    >>> visit.tolist(), version.tolist()
    ([1, 2, 2, 0, 0], [1, 0, 0, 0, 1])
    """
    placed, groups = checks.array("counts", counts, low=0, dimensions=2), np.asarray(group)
    if groups.shape != placed.shape[1:] or not np.issubdtype(groups.dtype, np.integer):
        raise ValueError(f"group must be one whole number a visit, got {groups.shape} for counts {placed.shape}")
    if (placed != np.floor(placed)).any():
        raise ValueError("counts must be whole numbers, got fractions; count orders, not shares of them")
    version, visit = (np.repeat(x.ravel(), placed.ravel().astype(int)) for x in np.indices(placed.shape))
    order = np.lexsort((version, visit, groups[visit]))
    return visit[order], version[order]


def within_capacity(asked: ArrayLike, group: ArrayLike, capacity: ArrayLike) -> NDArray[np.bool_]:
    """Say which orders are delivered when every group serves the first that ask, up to its capacity.

    Args:
        asked: whether the order is placed, shape (runs, orders) or (orders,); orders stand in the order of time.
        group: number of the group (a city's day) that must serve the order, from 0, rising, shape (orders,).
        capacity: most orders a group can serve, shape (groups,); the index of a Series is the number of the group.

    Returns:
        Booleans of the shape of `asked`: placed and served.

    Raises:
        ValueError: shapes that do not fit, orders that are neither placed nor not, groups that are not sorted, a
            negative or missing capacity.

    >>> within_capacity([True, False, True, True, True], [0, 0, 0, 0, 1], [2, 0]).tolist()
    [True, False, True, False, False]
    """
    asked = aligned("asked", asked, "group", group)
    if isinstance(capacity, pd.Series):
        capacity = aligned("capacity", capacity, "group", pd.Series(0, index=range(len(capacity))))
    wanted, groups = np.asarray(asked), np.asarray(group)
    limits = checks.array("capacity", capacity, dimensions=1)
    if groups.ndim != 1 or len(groups) == 0 or wanted.shape[-1:] != groups.shape:
        raise ValueError(f"group must have one entry an order, got {groups.shape} for asked {wanted.shape}")
    if wanted.dtype.kind not in "biuf" or np.ma.is_masked(asked) or not ((wanted == 0) | (wanted == 1)).all():
        raise ValueError("asked must be True or False, got something else; decide missing orders first")
    if not np.issubdtype(groups.dtype, np.integer) or groups[0] < 0 or (groups[1:] < groups[:-1]).any():
        raise ValueError("group must be whole numbers that rise from 0 or more; sort the orders by group, then by time")
    if (limits < 0).any() or groups[-1] >= len(limits):
        raise ValueError(f"capacity must be non-negative, one a group, got {len(limits)} for groups to {groups[-1]}")
    placed = wanted.astype(bool)
    queue = placed.cumsum(axis=-1, dtype=np.int32)
    first = np.searchsorted(groups, groups)  # where each order's group begins
    ahead = queue[..., first] - placed[..., first]
    return placed & (queue - ahead <= limits[groups])
