"""Collaborative filtering: matrix factorization by alternating least squares, and folding in who was not there."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import same_order
from utils.learning.cold_start.counts import success_counts

__all__ = ["Factorization", "alternating_least_squares", "fold_in"]

SMALLEST_VARIANCE, LARGEST_FACTOR = 1e-100, 1e50  # squares, and quotients of them, stay finite
MOST_FACTORS = 1_000
MOST_PRODUCTS = 100_000_000  # of pairs of factors, over the rows or the columns: 800 MB


class Factorization(NamedTuple):
    """What `alternating_least_squares` returns: rate of (row, column) is about mean + rows[row] @ columns[column].

    Attributes:
        mean: overall success rate.
        rows: (n_rows, rank) factors, of users say.
        columns: (n_columns, rank) factors, of dishes say.
    """

    mean: float
    rows: np.ndarray
    columns: np.ndarray


def _matrices(trials: ArrayLike, successes: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float matrices of one shape, checked: finite, 0 <= successes <= trials."""
    for name, values in (("trials", trials), ("successes", successes)):
        if np.ndim(values) != 2:
            raise ValueError(f"{name} must be a matrix, got shape {np.shape(values)}; pass one row a user or dish")
    if np.shape(trials) != np.shape(successes):
        raise ValueError(
            f"successes must have the shape of trials, {np.shape(trials)}, got {np.shape(successes)}; align them"
        )
    return success_counts(trials, successes)


def fold_in(
    factors: ArrayLike,
    trials: ArrayLike,
    successes: ArrayLike,
    *,
    noise: float,
    prior_covariance: ArrayLike,
    prior_mean: ArrayLike = 0.0,
    offset: ArrayLike = 0.0,
) -> np.ndarray:
    """Return the posterior mean of the factors of new rows, whose counts are all that is known of them.

    The model: each trial of row i in column j succeeds with rate offset[i, j] + w[i] @ factors[j], observed with
    variance `noise`; w[i] is normal with mean `prior_mean` and `prior_covariance`. Without trials the answer is the
    prior mean. With a zero mean and covariance (noise / regularization) I it is ridge regression, the step of ALS.

    Args:
        factors: (n_columns, rank), known.
        trials: (n_rows, n_columns), counts.
        successes: (n_rows, n_columns), counts.
        noise: variance of one trial; mean * (1 - mean) for clicks.
        prior_covariance: (rank, rank), positive definite.
        prior_mean: (rank,) or (n_rows, rank) or 0.
        offset: rate known before, (n_rows, n_columns) or anything that broadcasts to it.

    Returns:
        (n_rows, rank) factors.

    Raises:
        ValueError: shapes or labels do not fit, counts are not counts, numbers are masked, texts, not finite or too
            large or small to square, or the covariance is not positive definite.

    References:
        Bishop, "Pattern Recognition and Machine Learning", equations 3.50 and 3.51.

    >>> fold_in([[1.0]], [[0], [4]], [[0], [4]], noise=1.0, prior_covariance=[[1.0]]).ravel().tolist()
    [0.0, 0.8]
    """
    _refuse_other_order(factors, trials, prior_covariance, prior_mean, offset)
    trials, successes = _matrices(trials, successes)
    factors = checks.array("factors", factors, dimensions=2, low=-LARGEST_FACTOR, high=LARGEST_FACTOR)
    noise = checks.number(
        "noise", noise, low=SMALLEST_VARIANCE, high=1 / SMALLEST_VARIANCE, remedy="use mean * (1 - mean)"
    )
    if len(factors) != trials.shape[1]:
        raise ValueError(
            f"factors must have one row for each of the {trials.shape[1]} columns of trials, got {factors.shape}; "
            "transpose one of them"
        )
    precision = _precision(prior_covariance, factors.shape[1])
    prior_mean = _broadcast("prior_mean", prior_mean, (len(trials), factors.shape[1]))
    offset = _broadcast("offset", offset, trials.shape)
    outer = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), -1)
    evidence = (trials @ outer).reshape(len(trials), factors.shape[1], factors.shape[1]) / noise
    pull = prior_mean @ precision + (successes - trials * offset) @ factors / noise
    return np.linalg.solve(precision + evidence, pull[:, :, None])[:, :, 0]


def _refuse_other_order(
    factors: ArrayLike, trials: ArrayLike, prior_covariance: ArrayLike, prior_mean: ArrayLike, offset: ArrayLike
) -> None:
    """Raise where frames and Series label the columns, rows or factors otherwise than each other."""
    same_order(
        columns_of_trials=_labels(trials, 1),
        index_of_factors=_labels(factors, 0),
        columns_of_offset=_labels(offset, -1),
    )
    same_order(
        index_of_trials=_labels(trials, 0),
        index_of_prior_mean=_labels(prior_mean, -2),
        index_of_offset=_labels(offset, -2),
    )
    same_order(
        columns_of_factors=_labels(factors, 1),
        index_of_prior_covariance=_labels(prior_covariance, 0),
        columns_of_prior_covariance=_labels(prior_covariance, 1),
        labels_of_prior_mean=_labels(prior_mean, -1),
    )


def _labels(values: Any, axis: int) -> pd.Index | None:
    """Return the labels of an axis; None where there is no such axis or no labels."""
    if not isinstance(values, (pd.Series, pd.DataFrame)) or not -values.ndim <= axis < values.ndim:
        return None
    return values.axes[axis]


def _broadcast(name: str, values: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return checked numbers, broadcast to a shape."""
    remedy = "fill unknown rates with a mean"
    found = checks.array(name, np.atleast_1d(values), low=-LARGEST_FACTOR, high=LARGEST_FACTOR, remedy=remedy)
    try:
        return np.broadcast_to(found.reshape(np.shape(values)), shape)
    except ValueError:
        got = np.shape(values)
        raise ValueError(f"{name} must fit the shape {shape}, got {got}; pass one number, or one an entry") from None


def _precision(covariance: ArrayLike, rank: int) -> np.ndarray:
    covariance = checks.array("prior_covariance", covariance, low=-LARGEST_FACTOR, high=LARGEST_FACTOR)
    if covariance.shape != (rank, rank):
        raise ValueError(f"prior_covariance must have shape {(rank, rank)}, got {covariance.shape}; one row a factor")
    is_symmetric = np.abs(covariance - covariance.T).max() <= 1e-8 * np.abs(covariance).max()
    if not is_symmetric or np.linalg.eigvalsh(covariance)[0] < SMALLEST_VARIANCE:
        raise ValueError("prior_covariance must be symmetric and positive definite; add a small multiple of I")
    return np.linalg.inv(covariance)


def alternating_least_squares(
    trials: ArrayLike,
    successes: ArrayLike,
    *,
    rank: int = 8,
    regularization: float = 5.0,
    sweeps: int = 12,
    seed: int = 0,
) -> Factorization:
    """Factorize success rates, each cell weighted by its trials.

    Minimizes the sum over cells of trials (rate - mean - row @ column)^2 + regularization (|rows|^2 + |columns|^2).

    Args:
        trials: (n_rows, n_columns) counts; cells without trials carry no weight.
        successes: (n_rows, n_columns) counts.
        rank: number of factors, at most 1,000, and fewer for more than 100 rows or columns.
        regularization: in trials: a row with fewer than about this many is mostly shrunk to zero.
        sweeps: passes over rows and columns.
        seed: of the random start.

    Returns:
        `Factorization`.

    Raises:
        ValueError: counts that are no counts, no trials at all, or a bad option.

    References:
        Koren, Bell and Volinsky, "Matrix factorization techniques for recommender systems", Computer 42 (2009).
    """
    trials, successes = _matrices(trials, successes)
    most = min(MOST_FACTORS, math.isqrt(MOST_PRODUCTS // max(trials.shape)))
    rank = checks.count("rank", rank, "8 factors go a long way", maximum=most)
    sweeps = checks.count("sweeps", sweeps)
    ridge = np.eye(rank) / checks.number(
        "regularization", regularization, low=1 / LARGEST_FACTOR, high=LARGEST_FACTOR, remedy="5 trials is usual"
    )
    if not trials.any():
        raise ValueError("trials must not all be 0, there is nothing to learn from; use a prior instead")
    mean = float(successes.sum() / trials.sum())
    columns = checks.seeded("seed", seed).standard_normal((trials.shape[1], rank)) / np.sqrt(rank)
    for _ in range(sweeps):
        rows = fold_in(columns, trials, successes, noise=1.0, prior_covariance=ridge, offset=mean)
        columns = fold_in(rows, trials.T, successes.T, noise=1.0, prior_covariance=ridge, offset=mean)
    return Factorization(mean, rows, columns)
