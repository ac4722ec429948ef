"""Concentration: how unequally a feed divides its exposure among the dishes of a catalogue."""

import numpy as np
from numpy.typing import ArrayLike

from utils.foundation import checks

__all__ = ["catalogue_coverage", "gini"]


def gini(exposure: ArrayLike) -> float:
    """Return the Gini coefficient of exposure: 0 when all items get the same, near 1 when one gets all.

    Args:
        exposure: (items,) impressions or examinations of each item of the catalogue, zeros included.

    Returns:
        Half the mean absolute difference over the mean.

    Raises:
        ValueError: empty, negative or all zero.

    References:
        Gini, "Variabilità e mutabilità" (1912), by the sorted form.

    >>> gini([5, 5, 5, 5])
    0.0
    >>> gini([0, 0, 0, 20])
    0.75
    """
    exposure = np.sort(checks.array("exposure", exposure, dimensions=1, low=0))
    if exposure[-1] == 0:
        raise ValueError("exposure must not be all zero, got no impression; check the window of the log")
    exposure = exposure / exposure[-1]  # the sum of very large values would overflow
    n = len(exposure)
    rank = np.arange(1, n + 1)
    return float(((2 * rank - n - 1) * exposure).sum() / (n * exposure.sum()))


def catalogue_coverage(exposure: ArrayLike, *, at_least: float = 1) -> float:
    """Return the share of the catalogue that was shown at least `at_least` times.

    Args:
        exposure: (items,) impressions of each item, zeros included.
        at_least: impressions that count as shown, above 0.

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: empty or negative.

    References:
        Ge, Delgado-Battenfeld and Jannach, "Beyond accuracy", RecSys 2010, catalog coverage.

    >>> catalogue_coverage([0, 1, 7, 30], at_least=5)
    0.5
    """
    exposure = checks.array("exposure", exposure, dimensions=1, low=0)
    at_least = checks.number("at_least", at_least, low=0, open_low=True)
    return float((exposure >= at_least).mean())
