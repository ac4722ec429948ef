"""Thousands of experiments at once: A/A tests, real effects, and analysts who look before the end."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.experiments.ab_testing.inference import welch_from_moments
from utils.foundation import checks
from utils.foundation.checks import LARGEST_SQUARABLE
from utils.foundation.labels import aligned

__all__ = ["Draw", "Experiments", "ever_crosses", "resample", "simulate_experiments", "simulate_z_paths"]

VALUES_PER_BATCH = 2_000_000  # 16 MB of floats: small enough for the cache's sake, large enough for numpy's
MOST_USERS = 10_000_000  # one experiment must fit into memory
MOST_RESULTS = 50_000_000
LONG_OFFSET = 1e4  # mean ÷ deviation above which a sum of squares loses half of a float's digits
ROUNDING = 1e-13  # variance ÷ mean square below which values differ by the rounding of their sums only

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.floating]]


class Experiments(NamedTuple):
    """What the analysts of many experiments see at each look; every field has shape (n_experiments, looks).

    Args:
        difference: treatment − control, in the metric's unit.
        standard_error: of the difference.
        statistic: Welch's t.
        pvalue: two-sided.
    """

    difference: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    statistic: NDArray[np.float64]
    pvalue: NDArray[np.float64]


def simulate_experiments(
    draw: Draw, *, n_experiments: int, users_per_arm: int, looks: int = 1, effect: float = 0.0,
    rng: np.random.Generator | int = 0,
) -> Experiments:  # fmt: skip
    """Run many experiments and test each with Welch's test after every equal share of its users.

    Args:
        draw: gives values of the metric for users without treatment, `draw(rng, shape)`; see `resample`.
        n_experiments: number of independent experiments.
        users_per_arm: users in each arm at the last look, a multiple of `looks`.
        looks: how often the analyst looks, at equal steps of users.
        effect: added to the metric of every treated user; 0 makes an A/A test.
        rng: numpy generator or seed.

    Returns:
        Difference treatment − control, its standard error, t and p-value at each look. Time is linear in the number
        of values, memory bounded by a batch.

    Raises:
        ValueError: counts below one or too large, users that do not divide into the looks, two looks' worth below two
            users, a draw of another shape, or a look at which neither arm varies.

    >>> tests = simulate_experiments(resample([0.0, 0.0, 1.0, 2.0]), n_experiments=100, users_per_arm=50, looks=5)
    >>> tests.pvalue.shape
    (100, 5)
    """
    n_experiments, looks = _checked_size(n_experiments, looks)
    users = checks.count("users_per_arm", users_per_arm, minimum=2 * looks, maximum=MOST_USERS)
    if users % looks:
        raise ValueError(f"users_per_arm must be a multiple of looks, got {users} and {looks}; round it up")
    effect = checks.number(
        "effect", effect, low=-LARGEST_SQUARABLE, high=LARGEST_SQUARABLE, remedy="use 0 for an A/A test"
    )
    generator = checks.seeded("rng", rng)
    batch = max(1, VALUES_PER_BATCH // (2 * users))
    parts = []
    for start in range(0, n_experiments, batch):
        shape = (min(batch, n_experiments - start), 2, looks, users // looks)
        values = np.asarray(draw(generator, shape))
        if values.shape != shape or values.dtype.kind not in "biuf":
            raise ValueError(
                f"draw must return numbers of shape {shape}, got {values.dtype} of {values.shape}; use its argument shape"
            )
        parts.append(_tests(values, effect))
    return Experiments(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def resample(values: ArrayLike) -> Draw:
    """Give a draw function that samples users of a real log with replacement.

    Args:
        values: the metric per user, shape (n,).

    Returns:
        Function for the `draw` argument of `simulate_experiments`.

    Raises:
        ValueError: fewer than two values, NaN, more than one axis.
    """
    pool = checks.array("values", values, minimum_length=2)
    if pool.ndim != 1:
        raise ValueError(f"values must have one axis, got shape {pool.shape}; pass one value a user")
    pool = pool - pool.mean()  # the differences stay as they are, and squares lose no digits
    return lambda rng, shape: pool[rng.integers(len(pool), size=shape, dtype=np.int32)]


def simulate_z_paths(
    *, n_experiments: int, looks: int, drift: float = 0.0, rng: np.random.Generator | int = 0
) -> NDArray[np.float64]:
    """Draw paths of z under ideal conditions: normal means, known variance, equal steps.

    Args:
        n_experiments: number of independent experiments.
        looks: number of equally spaced looks.
        drift: expected z at the last look; 0 makes an A/A test.
        rng: numpy generator or seed.

    Returns:
        z at each look, shape (n_experiments, looks).

    Raises:
        ValueError: counts below one or too large, drift not finite.
    """
    n_experiments, looks = _checked_size(n_experiments, looks)
    drift = checks.number("drift", drift, remedy="use 0 for an A/A test")
    steps = checks.seeded("rng", rng).standard_normal((n_experiments, looks)) + drift / np.sqrt(looks)
    return steps.cumsum(axis=1) / np.sqrt(np.arange(1, looks + 1))


def ever_crosses(statistic: ArrayLike, boundary: ArrayLike) -> NDArray[np.bool_]:
    """Say for each experiment whether |z| reached its boundary at any look.

    Args:
        statistic: z or t at each look, shape (n_experiments, looks).
        boundary: critical z, one number or shape (looks,); positive.

    Returns:
        Booleans, shape (n_experiments,).

    Raises:
        ValueError: NaN, a boundary of zero or less, or shapes that do not fit.
    """
    boundary = aligned("boundary", boundary, "statistic", statistic)
    z = checks.array("statistic", statistic)
    edge = checks.array("boundary", np.atleast_1d(boundary))
    if (edge <= 0).any():
        raise ValueError(f"boundary must be positive, got {edge.min():g}; use 1.96 for a naive test")
    if z.ndim != 2 or edge.shape not in ((1,), (z.shape[1],)):
        raise ValueError(
            f"boundary must be one z or one a look, got shape {edge.shape} for statistics {z.shape}; match the looks"
        )
    return (np.abs(z) >= edge).any(axis=1)


def _checked_size(n_experiments: int, looks: int) -> tuple[int, int]:
    looks = checks.count("looks", looks, maximum=MOST_RESULTS)
    return checks.count("n_experiments", n_experiments, maximum=MOST_RESULTS // looks), looks


def _tests(values: NDArray, effect: float) -> tuple[NDArray[np.float64], ...]:
    """Test the values of a batch, shape (experiments, arm, looks, users of a look), at each look."""
    users = np.arange(1, values.shape[2] + 1) * values.shape[3]
    mean, variance = _running_moments(values, users)
    if (mean**2 > LONG_OFFSET**2 * variance).any():
        values = values.astype(np.float64) - values[:, :1, :1, :1]  # the differences stay as they are
        mean, variance = _running_moments(values, users)
    variance = np.where(variance <= ROUNDING * mean**2, 0.0, variance)
    test = welch_from_moments(mean[:, 0], variance[:, 0], users, mean[:, 1] + effect, variance[:, 1], users)
    return test.difference, test.standard_error, test.statistic, test.pvalue


def _running_moments(values: NDArray, users: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of the users so far, each of shape (experiments, arm, looks)."""
    sums = values.sum(axis=-1, dtype=np.float64).cumsum(axis=-1)
    squares = np.einsum("...i,...i->...", values, values, dtype=np.float64).cumsum(axis=-1)
    mean = sums / users
    return mean, np.maximum(squares - users * mean**2, 0) / (users - 1)
