"""The null law of PSI: how large it gets when nothing has drifted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks
from utils.monitoring.drift.distances import psi_of_counts

__all__ = ["psi_null_quantile", "psi_pvalue"]

METHODS = ("chi2", "exact")
MOST_ROWS = 10**12
MOST_BINS = 10_000
MOST_DRAWN = 50_000_000  # draws × bins: 400 MB, a few times over


def psi_null_quantile(
    n: int,
    m: int,
    bins: int = 10,
    level: float = 0.95,
    *,
    method: str = "chi2",
    draws: int = 20_000,
    seed: int = 0,
) -> float:
    """Quantile of PSI when nothing has drifted: alarm above it and the false alarms are 1 - level.

    "chi2" is the limit (1/n + 1/m) chi2(bins - 1), fit for samples with 30 or more rows a bin. "exact" draws from the
    law that holds at any size for continuous features and quantile bins: the current counts are multinomial with
    Dirichlet probabilities, whatever the feature's distribution.

    Args:
        n: rows of the reference.
        m: rows of the current sample.
        bins: number of bins that are in use, the one for NaN included.
        level: probability of staying at or below the quantile, between 0 and 1.
        method: "chi2" or "exact".
        draws: number of draws for "exact".
        seed: seed of these draws.

    Returns:
        The threshold for PSI.

    Raises:
        ValueError: a size below 1 or above 10¹², bins not from 2 to 10,000, a level outside (0, 1), an unknown method,
            or more draws than fit.

    References:
        Yurdakul (2018), asymptotic distribution of the index; the Dirichlet law of the shares between order statistics:
        S. Wilks, Mathematical Statistics (1962).

    >>> round(psi_null_quantile(100, 100, 10, 0.95), 3), round(psi_null_quantile(10_000, 10_000, 10, 0.95), 4)
    (0.338, 0.0034)
    """
    n, m, bins = _sizes(n, m, bins)
    level = checks.fraction("level", level, "0.95 alarms on 5% of quiet days")
    checks.choice("method", method, METHODS)
    if method == "chi2":
        return float(_scale(n, m) * stats.chi2.ppf(level, bins - 1))
    draws = checks.count("draws", draws, "20,000 is usual", maximum=MOST_DRAWN // bins)
    return float(np.quantile(_null_draws(n, m, bins, draws, checks.seeded("seed", seed)), level))


def psi_pvalue(value: ArrayLike, n: int, m: int, bins: int = 10) -> NDArray[np.float64]:
    """Probability, without drift, of a PSI at least this large, by the limit (1/n + 1/m) chi2(bins - 1).

    Args:
        value: PSI, zero or more; any shape.
        n: rows of the reference.
        m: rows of the current sample.
        bins: number of bins that are in use, the one for NaN included.

    Returns:
        p-value, of the shape of `value`.

    Raises:
        ValueError: a value below zero, or sizes as `psi_null_quantile`.

    >>> round(float(psi_pvalue(0.338, 100, 100)), 3)
    0.05
    """
    n, m, bins = _sizes(n, m, bins)
    values = checks.array("value", np.atleast_1d(value), low=0, remedy="pass the result of psi")
    return stats.chi2.sf(values.reshape(np.shape(value)) / _scale(n, m), bins - 1)


def _scale(n: int, m: int) -> float:
    return 1 / n + 1 / m


def _sizes(n: int, m: int, bins: int) -> tuple[int, int, int]:
    return (
        checks.count("n", n, "give the rows of the reference", maximum=MOST_ROWS),
        checks.count("m", m, "give the rows of the current sample", maximum=MOST_ROWS),
        checks.count("bins", bins, "10 is usual", minimum=2, maximum=MOST_BINS),
    )


def _null_draws(n: int, m: int, bins: int, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """PSI of samples without drift: the order statistics that are edges cut the population at Dirichlet shares."""
    before = np.diff(-(-n * np.arange(bins + 1) // bins))
    gaps = before + (np.arange(bins) == bins - 1)  # n + 1 gaps between n order statistics; the last bin has one more
    gaps = np.where(gaps > 0, gaps, 1e-12)
    after = rng.multinomial(m, rng.dirichlet(gaps, size=draws)).T
    return psi_of_counts(np.tile(before[:, None], draws), after)
