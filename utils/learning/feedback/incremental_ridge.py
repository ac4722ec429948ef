"""Ridge regression learned batch by batch, as a linear contextual bandit keeps it between two decisions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import same_labels

__all__ = ["LinearModel", "learn", "new_model"]


class LinearModel(NamedTuple):
    """Ridge regression kept as sums.

    Attributes:
        precision: (d, d), ridge * I + X'WX.
        response: (d,), X'Wy.
    """

    precision: NDArray[np.float64]
    response: NDArray[np.float64]

    @property
    def coefficients(self) -> NDArray[np.float64]:
        """Return the ridge estimate, (d,)."""
        return np.linalg.solve(self.precision, self.response)


def new_model(n_features: int, *, ridge: float = 1.0) -> LinearModel:
    """Return a model that has seen nothing.

    Args:
        n_features: number of coefficients.
        ridge: prior precision of each, above 0.

    Raises:
        ValueError: no coefficient, or a ridge that is not positive.
    """
    n_features = checks.count("n_features", n_features)
    return LinearModel(checks.number("ridge", ridge, low=0, open_low=True) * np.eye(n_features), np.zeros(n_features))


def learn(
    model: LinearModel, features: ArrayLike, reward: ArrayLike, *, weight: ArrayLike | None = None
) -> LinearModel:
    """Return the model after a batch of rewards.

    Args:
        model: what is known before.
        features: (rows, d).
        reward: (rows,).
        weight: (rows,) at least 0; 1 if None.

    Returns:
        A new model; the given one stays as it is.

    Raises:
        ValueError: missing values, labels that differ, or shapes that do not fit.

    >>> learn(new_model(1), [[1.0], [1.0], [1.0]], [1, 1, 0]).coefficients.tolist()
    [0.5]
    """
    same_labels(reward=reward, weight=weight)
    features, reward = checks.array("features", features, dimensions=2), checks.array("reward", reward, dimensions=1)
    if features.shape[1] != len(model.response):
        raise ValueError(f"features must have {len(model.response)} columns, as the model has, got {features.shape}")
    weight = checks.array("weight", np.ones(len(reward)) if weight is None else weight, dimensions=1, low=0)
    checks.same_length(features=features, reward=reward, weight=weight)
    weighted = features * weight[:, None]
    return LinearModel(model.precision + features.T @ weighted, model.response + weighted.T @ reward)
