"""Ridge regression learned batch by batch, as a linear contextual bandit keeps it between two decisions."""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import aligned, same_labels

__all__ = ["LinearModel", "learn", "new_model"]

MOST_FEATURES = 10_000  # their precision matrix takes 800 MB


class LinearModel(NamedTuple):
    """Ridge regression kept as sums.

    Attributes:
        precision: (d, d), ridge * I + X'WX.
        response: (d,), X'Wy.
        names: (d,) of the features, from the first frame with named columns; None before.
    """

    precision: NDArray[np.float64]
    response: NDArray[np.float64]
    names: tuple[Hashable, ...] | None = None

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
        ValueError: no coefficient, more than 10,000, or a ridge that is not positive.
    """
    n_features = checks.count("n_features", n_features, maximum=MOST_FEATURES)
    return LinearModel(checks.number("ridge", ridge, low=0, open_low=True) * np.eye(n_features), np.zeros(n_features))


def learn(
    model: LinearModel, features: ArrayLike, reward: ArrayLike, *, weight: ArrayLike | None = None
) -> LinearModel:
    """Return the model after a batch of rewards.

    Args:
        model: what is known before.
        features: (rows, d); the columns of a frame meet those of earlier frames by name.
        reward: (rows,).
        weight: (rows,) at least 0; 1 if None.

    Returns:
        A new model; the given one stays as it is.

    Raises:
        ValueError: missing values, labels that differ, or shapes that do not fit.

    >>> learn(new_model(1), [[1.0], [1.0], [1.0]], [1, 1, 0]).coefficients.tolist()
    [0.5]
    """
    same_labels(features=features, reward=reward, weight=weight)
    features, names = _by_name(features, model.names)
    features, reward = checks.array("features", features, dimensions=2), checks.array("reward", reward, dimensions=1)
    if features.shape[1] != len(model.response):
        raise ValueError(f"features must have {len(model.response)} columns, as the model has, got {features.shape}")
    weight = checks.array("weight", np.ones(len(reward)) if weight is None else weight, dimensions=1, low=0)
    checks.same_length(features=features, reward=reward, weight=weight)
    weighted = features * weight[:, None]
    return LinearModel(model.precision + features.T @ weighted, model.response + weighted.T @ reward, names)


def _by_name(features: Any, names: tuple[Hashable, ...] | None) -> tuple[Any, tuple[Hashable, ...] | None]:
    """Return features in the order of the names known so far, and those names, or the ones that the features bring."""
    if not isinstance(features, pd.DataFrame):
        return features, names
    if names is not None:
        return aligned("features", features, "the model", pd.DataFrame(columns=pd.Index(names))), names
    has_names = not features.columns.equals(pd.RangeIndex(features.shape[1]))
    return features, tuple(features.columns) if has_names else None
