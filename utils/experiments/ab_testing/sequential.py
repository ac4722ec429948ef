"""Looking more than once: group-sequential boundaries by recursion, and an interval that is always valid."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from utils.foundation import checks

NODES_PER_DEVIATION = 4  # quadrature nodes per standard deviation of one step: eight digits for up to 200 looks
SMALLEST_GRID = 64


class AlwaysValid(NamedTuple):
    """Confidence sequence: bounds and the always-valid p-value at each look, shape of the input."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


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
        ValueError: boundary not positive, information that does not rise from above 0 to 1, drift not finite.

    Source:
        Armitage, McPherson, Rowe (1969), "Repeated significance tests on accumulating data", JRSS A 132: the density
        of the sum of those still inside is carried from look to look; here by Gauss–Legendre quadrature.

    >>> f"{exit_probabilities([1.96] * 5).sum():.3f}"
    '0.142'
    """
    z = checks.array("boundary", boundary)
    if z.ndim != 1 or (z <= 0).any():
        raise ValueError(f"boundary must be one axis of positive z, got {z.tolist()}; use 1.96 for a naive test")
    if not np.isfinite(drift):
        raise ValueError(f"drift must be finite, got {drift}; use 0 for the null hypothesis")
    looks = len(z)
    times = _information(information, looks)
    exits = np.empty(looks)
    nodes, weights, density, before = np.zeros(1), np.ones(1), np.ones(1), 0.0
    for look in range(looks):
        edge, step = z[look] * np.sqrt(times[look]), times[look] - before
        mean, deviation = nodes + drift * step, np.sqrt(step)
        leaves = special.ndtr((mean - edge) / deviation) + special.ndtr((-edge - mean) / deviation)
        exits[look] = (weights * density) @ leaves
        inside, inside_weights = _grid(edge, deviation)
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
        ValueError: looks not a whole number of at least one, alpha outside (0, 1).

    Source:
        Pocock (1977), "Group sequential methods in the design and analysis of clinical trials", Biometrika 64.

    >>> [round(pocock_boundary(looks), 3) for looks in (2, 5, 10)]
    [2.178, 2.413, 2.555]
    """
    return _solve(np.ones(checks.count("looks", looks)), alpha)


def obrien_fleming_boundary(looks: int, alpha: float = 0.05) -> NDArray[np.float64]:
    """Give critical z that start high and end close to the fixed-sample one: C √(looks / look).

    Args:
        looks: number of equally spaced looks.
        alpha: two-sided error rate over all looks together.

    Returns:
        Critical z at each look, shape (looks,).

    Raises:
        ValueError: looks not a whole number of at least one, alpha outside (0, 1).

    Source:
        O'Brien, Fleming (1979), "A multiple testing procedure for clinical trials", Biometrics 35.

    >>> obrien_fleming_boundary(5).round(2).tolist()
    [4.56, 3.23, 2.63, 2.28, 2.04]
    """
    looks = checks.count("looks", looks)
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
        ValueError: NaN, shapes that differ, a standard error or mixture_deviation that is not positive.

    Source:
        Robbins (1970), "Statistical methods related to the law of the iterated logarithm"; Johari, Koomen, Pekelis,
        Walsh (2022), "Always valid inference", Operations Research 70 (mixture SPRT, normal mixture). With V the
        squared standard error and τ the deviation, Λ = √(V/(V+τ²)) exp(x² τ² / (2V(V+τ²))) exceeds 1/alpha at some
        look with probability at most alpha. It is exact for normal data of known variance, asymptotic otherwise.
    """
    estimate = checks.array("estimate", np.atleast_1d(estimate))
    error = checks.array("standard_error", np.atleast_1d(standard_error))
    if estimate.shape != error.shape:
        raise ValueError(f"standard_error must have the shape of estimate, got {error.shape} for {estimate.shape}")
    if (error <= 0).any():
        raise ValueError("standard_error must be positive, got zero or less; wait until both arms vary")
    alpha = checks.significance_level(alpha)
    mixture = checks.positive("mixture_deviation", mixture_deviation, "use the effect that would matter") ** 2
    variance = error**2
    widening = (variance + mixture) / mixture
    spread = np.log((variance + mixture) / variance)
    margin = error * np.sqrt(widening * (spread + 2 * np.log(1 / alpha)))
    log_ratio = (estimate**2 / (variance * widening) - spread) / 2
    return AlwaysValid(estimate - margin, estimate + margin, np.exp(-np.maximum(log_ratio, 0)))


def mixture_deviation_for(standard_error: float, alpha: float = 0.05) -> float:
    """Give the mixture deviation that makes the always-valid interval narrowest at a planned standard error.

    Args:
        standard_error: expected at the look that matters most, often half of the planned sample.
        alpha: probability that the truth is ever outside.

    Returns:
        Deviation τ, in the effect's unit.

    Raises:
        ValueError: standard_error not positive, alpha outside (0, 1).

    Source:
        Howard, Ramdas, McAuliffe, Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences",
        Annals of Statistics 49. Setting the margin's derivative to zero gives τ²/V = −W₋₁(−α²/e) − 1, W Lambert's.
    """
    alpha = checks.significance_level(alpha)
    error = checks.positive("standard_error", standard_error, "plan it as deviation × √(2 / users per arm)")
    return float(error * np.sqrt(-special.lambertw(-(alpha**2) / np.e, k=-1).real - 1))


def _solve(shape: NDArray[np.float64], alpha: float) -> float:
    """Find the constant c for which the boundary c · shape spends alpha."""
    alpha = checks.significance_level(alpha)
    fixed = stats.norm.isf(alpha / 2)
    bonferroni = stats.norm.isf(alpha / (2 * len(shape)))
    if len(shape) == 1:
        return float(fixed)
    return float(optimize.brentq(lambda c: exit_probabilities(c * shape).sum() - alpha, fixed, bonferroni, xtol=1e-9))


def _grid(edge: float, deviation: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = max(SMALLEST_GRID, int(np.ceil(NODES_PER_DEVIATION * edge / deviation)))
    nodes, weights = _gauss_legendre(size)
    return nodes * edge, weights * edge


@lru_cache(maxsize=256)
def _gauss_legendre(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return leggauss(size)


def _information(information: ArrayLike | None, looks: int) -> NDArray[np.float64]:
    if information is None:
        return np.arange(1, looks + 1) / looks
    times = checks.array("information", information)
    rising = times.shape == (looks,) and times[0] > 0 and (np.diff(times) > 0).all() and np.isclose(times[-1], 1)
    if not rising:
        raise ValueError(f"information must rise from above 0 to 1 over {looks} looks, got {times.tolist()}")
    return times
