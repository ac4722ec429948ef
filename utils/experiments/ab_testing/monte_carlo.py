"""Thousands of experiments at once: A/A tests, real effects, and analysts who look before the end."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.experiments.ab_testing.inference import welch_from_moments
from utils.foundation import checks

VALUES_PER_BATCH = 2_000_000  # 16 MB of floats: small enough for the cache's sake, large enough for numpy's

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.floating]]


class Experiments(NamedTuple):
    """What the analysts of many experiments see at each look; every field has shape (n_experiments, looks)."""

    difference: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]


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
        ValueError: counts below one, users that do not divide into the looks, or two looks' worth below two users.

    >>> tests = simulate_experiments(resample([0.0, 0.0, 1.0]), n_experiments=100, users_per_arm=50, looks=5)
    >>> tests.p_value.shape
    (100, 5)
    """
    n_experiments, looks = checks.count("n_experiments", n_experiments), checks.count("looks", looks)
    users = checks.count("users_per_arm", users_per_arm, minimum=2 * looks)
    if users % looks:
        raise ValueError(f"users_per_arm must be a multiple of looks, got {users} and {looks}; round it up")
    if not np.isfinite(effect):
        raise ValueError(f"effect must be finite, got {effect}; use 0 for an A/A test")
    generator = np.random.default_rng(rng)
    batch = max(1, VALUES_PER_BATCH // (2 * users))
    parts = []
    for start in range(0, n_experiments, batch):
        size = min(batch, n_experiments - start)
        values = draw(generator, (size, 2, looks, users // looks))
        sums = values.sum(axis=-1, dtype=np.float64).cumsum(axis=-1)
        squares = np.einsum("...i,...i->...", values, values, dtype=np.float64).cumsum(axis=-1)
        parts.append(_tests(sums, squares, np.arange(1, looks + 1) * (users // looks), effect))
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
        ValueError: counts below one, drift not finite.
    """
    n_experiments, looks = checks.count("n_experiments", n_experiments), checks.count("looks", looks)
    if not np.isfinite(drift):
        raise ValueError(f"drift must be finite, got {drift}; use 0 for an A/A test")
    steps = np.random.default_rng(rng).standard_normal((n_experiments, looks)) + drift / np.sqrt(looks)
    return steps.cumsum(axis=1) / np.sqrt(np.arange(1, looks + 1))


def ever_crosses(statistic: ArrayLike, boundary: ArrayLike) -> NDArray[np.bool_]:
    """Say for each experiment whether |z| reached its boundary at any look.

    Args:
        statistic: z or t at each look, shape (n_experiments, looks).
        boundary: critical z, one number or shape (looks,).

    Returns:
        Booleans, shape (n_experiments,).

    Raises:
        ValueError: NaN, or shapes that do not fit.
    """
    z = checks.array("statistic", statistic)
    edge = checks.array("boundary", np.atleast_1d(boundary))
    if z.ndim != 2 or edge.shape not in ((1,), (z.shape[1],)):
        raise ValueError(
            f"boundary must be one z or one a look, got shape {edge.shape} for statistics {z.shape}; match the looks"
        )
    return (np.abs(z) >= edge).any(axis=1)


def _tests(sums: NDArray, squares: NDArray, users: NDArray, effect: float) -> tuple[NDArray, ...]:
    """Welch's test from running sums, shape (experiments, arm, looks)."""
    mean = sums / users
    variance = np.maximum(squares - users * mean**2, 0) / (users - 1)
    control, treatment = (mean[:, 0], variance[:, 0]), (mean[:, 1] + effect, variance[:, 1])
    test = welch_from_moments(*control, users, *treatment, users)
    return test.difference, test.standard_error, test.statistic, test.p_value
