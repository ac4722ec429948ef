"""Many features a day: which p-values alarm once the number of tests is counted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.multiple_testing import benjamini_hochberg_adjusted, bonferroni_adjusted, checked_pvalues

__all__ = ["METHODS", "alarms"]

METHODS = ("none", "bonferroni", "benjamini-hochberg")


def alarms(pvalues: ArrayLike, level: float = 0.05, *, method: str = "bonferroni") -> NDArray[np.bool_]:
    """Which features alarm, correcting for the number of features in each row.

    "bonferroni" keeps the chance of any false alarm in a row at or below the level, however the features hang together.
    "benjamini-hochberg" keeps the expected share of false alarms among the alarms there (for independent or
    positively dependent features); when nothing drifts, that too is the chance of any alarm.

    Args:
        pvalues: shape (features,) or (days, features), from 0 to 1.
        level: error rate, strictly between 0 and 1.
        method: "none", "bonferroni" or "benjamini-hochberg".

    Returns:
        Booleans of the shape of `pvalues`.

    Raises:
        ValueError: p-values empty or outside 0 to 1, level outside (0, 1), unknown method.

    References:
        Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).

    >>> alarms([0.001, 0.02, 0.03, 0.6]).tolist()
    [True, False, False, False]
    >>> alarms([0.001, 0.02, 0.03, 0.6], method="benjamini-hochberg").tolist()
    [True, True, True, False]
    """
    values = checked_pvalues("pvalues", pvalues)
    if values.ndim > 2:
        raise ValueError(f"pvalues must have shape (features,) or (days, features), got {values.shape}; reshape them")
    level = checks.fraction("level", level, "0.05 is usual")
    checks.choice("method", method, METHODS)
    if method == "bonferroni":
        values = bonferroni_adjusted(values)
    elif method == "benjamini-hochberg":
        values = benjamini_hochberg_adjusted(values)
    return values <= level
