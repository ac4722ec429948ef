"""Many features a day: which p-values alarm once the number of tests is counted."""

import numpy as np
from scipy import stats

METHODS = ("none", "bonferroni", "benjamini-hochberg")


def alarms(pvalues, level=0.05, *, method="bonferroni") -> np.ndarray:
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

    Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).

    >>> alarms([0.001, 0.02, 0.03, 0.6]).tolist()
    [True, False, False, False]
    >>> alarms([0.001, 0.02, 0.03, 0.6], method="benjamini-hochberg").tolist()
    [True, True, True, False]
    """
    pvalues = np.asarray(pvalues, float)
    if pvalues.ndim not in (1, 2) or pvalues.size == 0:
        raise ValueError(f"pvalues must have shape (features,) or (days, features), got {pvalues.shape}")
    if not ((pvalues >= 0) & (pvalues <= 1)).all():
        raise ValueError("pvalues must lie between 0 and 1 and not be NaN; leave out features that were not tested")
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}; 0.05 is usual")
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    if method == "bonferroni":
        pvalues = pvalues * pvalues.shape[-1]
    elif method == "benjamini-hochberg":
        pvalues = stats.false_discovery_control(pvalues, axis=-1)
    return pvalues <= level
