"""The area under the ROC curve with a standard error that knows which rows belong to one visit."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from utils.foundation import checks

__all__ = ["Auc", "auc_by_cluster"]


class Auc(NamedTuple):
    """An area under the ROC curve and its standard error."""

    auc: float
    standard_error: float


def auc_by_cluster(score: ArrayLike, clicked: ArrayLike, cluster: ArrayLike) -> Auc:
    """Return the AUC of scores, and its standard error where the rows of one cluster depend on each other.

    Each row's part is how its score stands among the rows of the other outcome; parts are summed by cluster, and the
    clusters are taken as independent. With every row its own cluster this is DeLong's error, but for factors n/(n − 1).

    Args:
        score: shape (n,), finite.
        clicked: shape (n,), true or false, both of them.
        cluster: shape (n,), a label such as the visit.

    Raises:
        ValueError: lengths that differ, a score that is not finite, only one outcome, a single cluster.

    References:
        E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
        operating characteristic curves: a nonparametric approach", Biometrics 44 (1988).
        N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997).

    >>> auc_by_cluster([0.1, 0.4, 0.35, 0.8], [False, False, True, True], [1, 2, 1, 2]).auc
    0.75
    """
    score = checks.array("score", score, dimensions=1)
    clicked = checks.array("clicked", clicked, dimensions=1, low=0, high=1).astype(bool)
    cluster = np.asarray(cluster)
    checks.same_length(score=score, clicked=clicked, cluster=cluster)
    if clicked.all() or not clicked.any():
        raise ValueError("clicked must hold both outcomes, got one; take more rows")
    _, group = np.unique(cluster, return_inverse=True)
    if group.max() == 0:
        raise ValueError("cluster must name at least two clusters, got one; take more visits")
    part = _placements(score, clicked)
    auc = float(part[clicked].mean())
    centered = np.where(clicked, (part - auc) / clicked.sum(), (part - auc) / (~clicked).sum())
    return Auc(auc, float(np.sqrt((np.bincount(group, centered) ** 2).sum())))


def _placements(score: NDArray[np.float64], clicked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each row the share of rows of the other outcome that stand on the right side of it, ties half."""
    among_all, among_own = rankdata(score), np.empty(len(score))
    for side in (clicked, ~clicked):
        among_own[side] = rankdata(score[side])
    below = among_all - among_own  # rows of the other outcome with a lower score
    return np.where(clicked, below / (~clicked).sum(), 1 - below / clicked.sum())
