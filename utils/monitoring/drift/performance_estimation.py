"""Performance before the labels arrive, estimated from the model's own probabilities, and what that can't see.

A calibrated model says how often it is right. While its calibration lasts, the average says how well it does today,
even on shifted inputs. If the labels' law given the inputs changes, the probabilities do not: the estimate stays where
it was. Only labels show that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from utils.foundation import checks

__all__ = ["PerformanceEstimate", "estimate_performance"]


class PerformanceEstimate(NamedTuple):
    """Expected performance if the probabilities are calibrated, without any label."""

    positive_rate: float
    accuracy: float
    accuracy_standard_error: float  # spread of the realized accuracy on these rows around `accuracy`
    precision: float  # NaN if no row is predicted positive
    recall: float  # NaN if no positive label is expected
    auc: float  # NaN if the labels can only be of one kind
    log_loss: float


def estimate_performance(probability: ArrayLike, *, threshold: float = 0.5) -> PerformanceEstimate:
    """Confidence-based estimate of a binary classifier's performance on rows whose labels are not known yet.

    Every row counts as positive with its probability and as negative with the rest, which gives the expected confusion
    table. The area under the curve counts every pair of rows with the probability that the first is positive and the
    second negative.

    Args:
        probability: shape (n,), calibrated probability of the positive class.
        threshold: rows at or above it are predicted positive, between 0 and 1.

    Returns:
        PerformanceEstimate.

    Raises:
        ValueError: probabilities empty, not one-dimensional, NaN or outside 0 to 1; threshold outside 0 to 1.

    References:
        The method is known as CBPE; NannyML documentation, "Confidence-based performance estimation".

    >>> estimate_performance([0.9, 0.8, 0.1]).accuracy
    0.8666666666666667
    """
    remedy = "pass predict_proba's second column"
    probability = checks.array("probability", probability, low=0, high=1, dimensions=1, remedy=remedy)
    threshold = checks.share("threshold", threshold, "0.5 is usual")
    n = len(probability)
    predicted = probability >= threshold
    correct = np.where(predicted, probability, 1 - probability)
    true_positives = probability[predicted].sum()
    positives = probability.sum()
    return PerformanceEstimate(
        positive_rate=float(positives / n),
        accuracy=float(correct.mean()),
        accuracy_standard_error=float(np.sqrt((correct * (1 - correct)).sum()) / n),
        precision=float(true_positives / predicted.sum()) if predicted.any() else np.nan,
        recall=float(true_positives / positives) if positives > 0 else np.nan,
        auc=_expected_auc(probability),
        log_loss=float((special.entr(probability) + special.entr(1 - probability)).mean()),
    )


def _expected_auc(probability: NDArray[np.float64]) -> float:
    """Expected share of positive-negative pairs in the right order; ties count half."""
    p = np.sort(probability)
    negative = 1 - p
    before = np.cumsum(negative) - negative
    start, inverse, size = np.unique(p, return_index=True, return_inverse=True, return_counts=True)[1:]
    lower = before[start][inverse]  # expected negatives strictly below
    tied = (size * (1 - p[start]))[inverse] - negative  # at the same score, the row itself left out
    pairs = p.sum() * negative.sum() - (p * negative).sum()
    return float((p * (lower + tied / 2)).sum() / pairs) if pairs > 0 else np.nan
