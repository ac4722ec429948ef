"""Trust in a prediction, measured on past cases: how far to move from what is known toward what it says."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.foundation.labels import same_labels

__all__ = ["Trust", "trust_in"]


class Trust(NamedTuple):
    """How far to believe a prediction.

    Attributes:
        weight: from 0 (use the base) to 1 (use the prediction).
        covariance: (dimensions, dimensions), of what is left of the outcome.
    """

    weight: float
    covariance: NDArray[np.float64]


def trust_in(prediction: ArrayLike, base: ArrayLike, outcome: ArrayLike) -> Trust:
    """Return the weight w in [0, 1] with which base + w (prediction - base) came closest to past outcomes.

    Args:
        prediction: (n_cases, dimensions), what would be believed.
        base: (n_cases, dimensions), what is known without it.
        outcome: (n_cases, dimensions); the cases are those whose outcome is known by now.

    Raises:
        ValueError: shapes or labels differ, values are not finite or too large to square, or there are no cases.

    References:
        The diagonal is leaned on as Ledoit and Wolf do, "A well-conditioned estimator for large-dimensional covariance
        matrices", Journal of Multivariate Analysis 88 (2004), with a fixed share.
    """
    same_labels(prediction=prediction, base=base, outcome=outcome)
    arrays = []
    for name, values in (("prediction", prediction), ("base", base), ("outcome", outcome)):
        array = checks.array(name, values, dimensions=2, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE)
        if arrays and array.shape != arrays[0].shape:
            raise ValueError(
                f"{name} must have the shape of prediction, {arrays[0].shape}, got {array.shape}; align them"
            )
        arrays.append(array)
    prediction, base, outcome = arrays
    step = prediction - base
    size = np.sum(step**2)
    weight = float(np.clip(np.sum(step * (outcome - base)) / size, 0, 1)) if size > 0 else 0.0
    left = outcome - base - weight * step
    covariance = left.T @ left / len(left)
    # Few cases: lean on the diagonal, and keep it positive definite.
    share = len(left) / (len(left) + 2 * left.shape[1])
    covariance = share * covariance + (1 - share) * np.diag(np.diag(covariance))
    return Trust(weight, covariance + 1e-9 * np.eye(len(covariance)))
