"""Looking more than once: group-sequential boundaries by recursion, and an interval that is always valid."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from utils.foundation import checks
from utils.foundation.labels import aligned

__all__ = [
    "AlwaysValid",
    "always_valid_interval",
    "exit_probabilities",
    "mixture_deviation_for",
    "obrien_fleming_boundary",
    "pocock_boundary",
]

NODES_PER_DEVIATION = 4  # quadrature nodes per standard deviation of one step: eight digits for up to 200 looks
SMALLEST_GRID, LARGEST_GRID = 64, 2_000
FAR = 9.0  # standard deviations beyond which a normal has no mass that a float would notice
MOST_LOOKS = 1_000
SMALLEST_ALPHA = 1e-6
SMALLEST, LARGEST = 1e-70, 1e70  # squares and their ratios stay finite


class AlwaysValid(NamedTuple):
    """Confidence sequence, each field of the shape of the input.

    Args:
        low: lower bound at each look, in the effect's unit.
        high: upper bound at each look.
        pvalue: of no effect, valid whenever one stops.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pvalue: NDArray[np.float64]


def exit_probabilities(
    boundary: ArrayLike, *, information: ArrayLike | None = None, drift: float = 0.0
) -> NDArray[np.float64]:
    """Give the probability that |z| first exceeds its boundary at each look.

    Args:
        boundary: critical z at each look, shape (looks,).
        information: share of the data seen at each look, rising to 1, shape (looks,); None for equal steps.
        drift: expected z at the last look; 0 under the null hypothesis.

    Returns:
        Probabilities, shape (looks,); their sum is the error rate if drift is 0, else the power.

    Raises:
        ValueError: boundary not positive, more than 1,000 looks, information that does not rise from above 0 to 1 or
            rises by too little, drift not finite.

    References:
        Armitage, McPherson, Rowe (1969), "Repeated significance tests on accumulating data", JRSS A 132: the density
        of the sum of those still inside is carried from look to look; here by Gauss–Legendre quadrature.

    >>> f"{exit_probabilities([1.96] * 5).sum():.3f}"
    '0.142'
    """
    information = aligned("information", information, "boundary", boundary)
    z = checks.array("boundary", boundary)
    if z.ndim != 1 or (z <= 0).any():
        raise ValueError(f"boundary must be one axis of positive z, got {z.tolist()}; use 1.96 for a naive test")
    drift = checks.number("drift", drift, low=-1e3, high=1e3, remedy="use 0 for the null hypothesis")
    looks = len(z)
    if looks > MOST_LOOKS:
        raise ValueError(f"boundary must have at most {MOST_LOOKS:,} looks, got {looks:,}; use always_valid_interval")
    times = _information(information, looks)
    exits = np.empty(looks)
    nodes, weights, density, before = np.zeros(1), np.ones(1), np.ones(1), 0.0
    for look in range(looks):
        edge, step = z[look] * np.sqrt(times[look]), times[look] - before
        mean, deviation = nodes + drift * step, np.sqrt(step)
        leaves = special.ndtr((mean - edge) / deviation) + special.ndtr((-edge - mean) / deviation)
        exits[look] = min((weights * density) @ leaves, 1 - exits[:look].sum())  # rounding adds up to no more than 1
        reach = abs(drift) * times[look] + FAR * np.sqrt(times[look])
        inside, inside_weights = _grid(min(edge, reach), deviation)
        kernel = np.exp(-(((inside[:, None] - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
        density = kernel @ (weights * density)
        nodes, weights, before = inside, inside_weights, times[look]
    return exits


def pocock_boundary(looks: int, alpha: float = 0.05) -> float:
    """Give the one critical z which, used at every look, keeps the overall error rate at alpha.

    Args:
        looks: number of equally spaced looks.
        alpha: two-sided error rate over all looks together.

    Returns:
        Critical z.

    Raises:
        ValueError: looks not a whole number from 1 to 1,000, alpha not from 1e-6 to below 1.

    References:
        Pocock (1977), "Group sequential methods in the design and analysis of clinical trials", Biometrika 64.

    >>> [round(pocock_boundary(looks), 3) for looks in (2, 5, 10)]
    [2.178, 2.413, 2.555]
    """
    return _solve(np.ones(_checked_looks(looks)), alpha)


def obrien_fleming_boundary(looks: int, alpha: float = 0.05) -> NDArray[np.float64]:
    """Give critical z that start high and end close to the fixed-sample one: C √(looks / look).

    Args:
        looks: number of equally spaced looks.
        alpha: two-sided error rate over all looks together.

    Returns:
        Critical z at each look, shape (looks,).

    Raises:
        ValueError: looks not a whole number from 1 to 1,000, alpha not from 1e-6 to below 1.

    References:
        O'Brien, Fleming (1979), "A multiple testing procedure for clinical trials", Biometrics 35.

    >>> obrien_fleming_boundary(5).round(2).tolist()
    [4.56, 3.23, 2.63, 2.28, 2.04]
    """
    looks = _checked_looks(looks)
    shape = np.sqrt(looks / np.arange(1, looks + 1))
    return _solve(shape, alpha) * shape


def always_valid_interval(
    estimate: ArrayLike, standard_error: ArrayLike, *, mixture_deviation: float, alpha: float = 0.05
) -> AlwaysValid:
    """Give an interval that covers the truth at all looks together, however many and whenever they are made.

    Args:
        estimate: estimated effect at each look, any shape.
        standard_error: its standard error at each look, same shape, positive.
        mixture_deviation: deviation of the normal mixture over effects, in the effect's unit, fixed before the
            first look; see `mixture_deviation_for`.
        alpha: probability that the truth is ever outside.

    Returns:
        Bounds and p-value of the hypothesis of no effect at each look. The p-value is valid at any stopping time.

    Raises:
        ValueError: NaN, shapes or labels that differ, a standard error or mixture_deviation that is not positive.

    References:
        Robbins (1970), "Statistical methods related to the law of the iterated logarithm"; Johari, Koomen, Pekelis,
        Walsh (2022), "Always valid inference", Operations Research 70 (mixture SPRT, normal mixture). With V the
        squared standard error and τ the deviation, Λ = √(V/(V+τ²)) exp(x² τ² / (2V(V+τ²))) exceeds 1/alpha at some
        look with probability at most alpha. It is exact for normal data of known variance, asymptotic otherwise.
    """
    standard_error = aligned("standard_error", standard_error, "estimate", estimate)
    estimate = checks.array("estimate", np.atleast_1d(estimate), low=-LARGEST, high=LARGEST)
    error = checks.array("standard_error", np.atleast_1d(standard_error), high=LARGEST)
    if estimate.shape != error.shape:
        raise ValueError(f"standard_error must have the shape of estimate, got {error.shape} for {estimate.shape}")
    if (error <= 0).any():
        raise ValueError("standard_error must be positive, got zero or less; wait until both arms vary")
    if (error < SMALLEST).any():
        raise ValueError(f"standard_error must be at least {SMALLEST:g}, got {error.min():g}; choose another unit")
    alpha = _checked_level(alpha)
    mixture = checks.positive("mixture_deviation", mixture_deviation, "use the effect that would matter")
    mixture = checks.number("mixture_deviation", mixture, low=SMALLEST, high=LARGEST, remedy="choose another unit")
    widening = 1 + (error / mixture) ** 2
    spread = np.log1p((mixture / error) ** 2)
    margin = error * np.sqrt(widening * (spread + 2 * np.log(1 / alpha)))
    log_ratio = ((estimate / error) ** 2 / widening - spread) / 2
    return AlwaysValid(estimate - margin, estimate + margin, np.exp(-np.maximum(log_ratio, 0)))


def mixture_deviation_for(standard_error: float, alpha: float = 0.05) -> float:
    """Give the mixture deviation that makes the always-valid interval narrowest at a planned standard error.

    Args:
        standard_error: expected at the look that matters most, often half of the planned sample.
        alpha: probability that the truth is ever outside.

    Returns:
        Deviation τ, in the effect's unit.

    Raises:
        ValueError: standard_error not positive, alpha not from 1e-6 to below 1.

    References:
        Howard, Ramdas, McAuliffe, Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences",
        Annals of Statistics 49. Setting the margin's derivative to zero gives τ²/V = −W₋₁(−α²/e) − 1, W Lambert's.
    """
    alpha = _checked_level(alpha)
    error = checks.positive("standard_error", standard_error, "plan it as deviation × √(2 / users per arm)")
    return float(error * np.sqrt(-special.lambertw(-(alpha**2) / np.e, k=-1).real - 1))


def _solve(shape: NDArray[np.float64], alpha: float) -> float:
    """Find the constant c for which the boundary c · shape spends alpha."""
    alpha = _checked_level(alpha)
    fixed = stats.norm.isf(alpha / 2)
    bonferroni = stats.norm.isf(alpha / (2 * len(shape)))
    if len(shape) == 1:
        return float(fixed)
    return float(optimize.brentq(lambda c: exit_probabilities(c * shape).sum() - alpha, fixed, bonferroni, xtol=1e-9))


def _grid(edge: float, deviation: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = max(SMALLEST_GRID, int(np.ceil(NODES_PER_DEVIATION * edge / deviation)))
    if size > LARGEST_GRID:
        raise ValueError(f"information must rise by larger steps, got one of {deviation**2:.1g}; leave out a look")
    nodes, weights = _gauss_legendre(size)
    return nodes * edge, weights * edge


@lru_cache(maxsize=256)
def _gauss_legendre(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return leggauss(size)


def _checked_looks(looks: int) -> int:
    return checks.count("looks", looks, "use always_valid_interval for more", maximum=MOST_LOOKS)


def _checked_level(alpha: float) -> float:
    alpha = checks.significance_level(alpha)
    return checks.number("alpha", alpha, low=SMALLEST_ALPHA, high=1, remedy="use 0.05 for one in twenty")


def _information(information: ArrayLike | None, looks: int) -> NDArray[np.float64]:
    if information is None:
        return np.arange(1, looks + 1) / looks
    times = checks.array("information", information)
    rising = times.shape == (looks,) and times[0] > 0 and (np.diff(times) > 0).all() and np.isclose(times[-1], 1)
    if not rising:
        raise ValueError(f"information must rise from above 0 to 1 over {looks} looks, got {times.tolist()}")
    return times
