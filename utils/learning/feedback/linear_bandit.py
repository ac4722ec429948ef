"""Linear contextual bandit: a ridge regression that knows its uncertainty, scored by LinUCB or Thompson sampling."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from utils.foundation import checks


class LinearModel(NamedTuple):
    """Ridge regression kept as sums: `precision` (d, d) is ridge * I + X'WX, `response` (d,) is X'Wy."""

    precision: np.ndarray
    response: np.ndarray

    @property
    def coefficients(self) -> np.ndarray:
        """Return the ridge estimate, (d,)."""
        return np.linalg.solve(self.precision, self.response)


def _matrix(features: ArrayLike, n_features: int) -> np.ndarray:
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or features.shape[1] != n_features or len(features) == 0:
        raise ValueError(f"features must have shape (rows, {n_features}), got {features.shape}; one row an option")
    if not np.isfinite(features).all():
        raise ValueError("features must be finite, got NaN or infinity; drop or fill missing values")
    return features


def new_model(n_features: int, *, ridge: float = 1.0) -> LinearModel:
    """Return a model of `n_features` coefficients that has seen nothing; `ridge` is its prior precision, above 0."""
    n_features = checks.count("n_features", n_features)
    return LinearModel(checks.number("ridge", ridge, low=0, open_low=True) * np.eye(n_features), np.zeros(n_features))


def learn(
    model: LinearModel, features: ArrayLike, reward: ArrayLike, *, weight: ArrayLike | None = None
) -> LinearModel:
    """Return the model after a batch of rewards.

    features: (rows, d); reward: (rows,); weight: (rows,) at least 0, 1 if None.
    Raises ValueError for missing values or shapes that do not fit.

    >>> learn(new_model(1), [[1.0], [1.0], [1.0]], [1, 1, 0]).coefficients.tolist()
    [0.5]
    """
    features, reward = _matrix(features, len(model.response)), checks.array("reward", reward, dimensions=1)
    weight = checks.array("weight", np.ones(len(reward)) if weight is None else weight, dimensions=1, low=0)
    checks.same_length(features=features, reward=reward, weight=weight)
    weighted = features * weight[:, None]
    return LinearModel(model.precision + features.T @ weighted, model.response + weighted.T @ reward)


def linucb_scores(model: LinearModel, features: ArrayLike, *, alpha: float = 1.0) -> np.ndarray:
    """Return each option's upper bound x'b + alpha sqrt(x' A^-1 x); alpha = 0 is greedy.

    features: (rows, d), one row an option; returns scores (rows,); raises ValueError for shapes that do not fit.
    Source: Li, Chu, Langford and Schapire (2010), algorithm 1, with one model for all arms.
    """
    features = _matrix(features, len(model.response))
    alpha = checks.number("alpha", alpha, low=0)
    variance = (features * np.linalg.solve(model.precision, features.T).T).sum(axis=1)
    return features @ model.coefficients + alpha * np.sqrt(variance)


def thompson_scores(
    model: LinearModel, features: ArrayLike, rng: np.random.Generator, *, n_draws: int = 1, scale: float = 1.0
) -> np.ndarray:
    """Return scores (draws, rows) under coefficients drawn from N(b, scale^2 A^-1).

    features: (rows, d), one row an option; scale: standard deviation of the reward's noise.
    Raises ValueError for shapes that do not fit. Source: Agrawal and Goyal (2013), algorithm 1.
    """
    features = _matrix(features, len(model.response))
    n_draws, scale = checks.count("n_draws", n_draws), checks.number("scale", scale, low=0)
    noise = rng.standard_normal((len(model.response), n_draws))
    # precision = L L', so L'^-1 z has covariance precision^-1.
    deviation = np.linalg.solve(np.linalg.cholesky(model.precision).T, noise)
    return (features @ (model.coefficients[:, None] + scale * deviation)).T
