"""A switchback: units switch arms by day, and one run is tested by redrawing its coins."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks

__all__ = ["gain", "randomization_interval", "randomization_pvalue"]

ROUNDING = 1e-9  # relative: differences below it are ties of equal schedules


def gain(outcomes: ArrayLike, on: ArrayLike, exposure: ArrayLike) -> NDArray[np.float64]:
    """Return the rate of the new arm minus that of the old one, each a ratio of totals over its cells.

    Args:
        outcomes: what each cell (a city's day) brought, shape (..., cells).
        on: 1 where the cell ran the new arm and 0 where it ran the old one, shape (..., cells).
        exposure: visits of each cell, shape (cells,).

    Returns:
        One difference a run, outcomes a unit of exposure.

    Raises:
        ValueError: shapes that do not fit, NaN, arms other than 0 and 1, negative exposure, an arm without exposure.

    >>> gain([30, 10, 20, 5], [1, 0, 1, 0], [100, 100, 100, 50]).tolist()
    0.15
    """
    y, treated, visits = _checked(outcomes, on, exposure)
    return _gain(y, treated, visits)


def randomization_pvalue(outcomes: ArrayLike, on: ArrayLike, redrawn: ArrayLike, exposure: ArrayLike) -> float:
    """Return how rarely other schedules of the same design give as large a gain, if the arms do not differ.

    Args:
        outcomes: what each cell of the one run brought, shape (cells,).
        on: the schedule that was run, shape (cells,).
        redrawn: other falls of the same coins, shape (draws, cells).
        exposure: visits of each cell, shape (cells,).

    Returns:
        Two-sided p-value; the run itself counts as one of the draws, so it is never 0.

    Raises:
        ValueError: as `gain`.

    References:
        Fisher (1935), "The design of experiments", section 21. Phipson and Smyth (2010), "Permutation p-values should
        never be zero", Statistical Applications in Genetics and Molecular Biology 9.

    >>> randomization_pvalue([9, 1, 9, 1], [1, 0, 1, 0], [[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]], [10] * 4)
    0.5
    """
    return float(_pvalues(outcomes, on, redrawn, exposure, np.zeros(1))[0])


def randomization_interval(
    outcomes: ArrayLike,
    on: ArrayLike,
    redrawn: ArrayLike,
    exposure: ArrayLike,
    tried: ArrayLike,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Return the least and the greatest effect that the randomization test keeps.

    The effect tried is taken off the outcomes of the new arm's cells, the same for each unit of exposure; what is left
    must look like a run of equal arms. Where the cells gain differently, the interval is too wide rather than too
    narrow.

    Args:
        outcomes: what each cell of the one run brought, shape (cells,).
        on: the schedule that was run, shape (cells,).
        redrawn: other falls of the same coins, shape (draws, cells).
        exposure: visits of each cell, shape (cells,).
        tried: the effects to try, in the unit of `gain`; they must reach beyond the interval on both sides.
        alpha: one minus the level.

    Raises:
        ValueError: as `gain`; no effect or an outermost one is kept.

    References:
        Rosenbaum (2002), "Observational studies", chapter 2: intervals by inverting a randomization test.

    >>> schedules = [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
    >>> randomization_interval([8, 1, 9, 2], schedules[0], schedules, [10] * 4, [-2, 0, 0.7, 1, 2], alpha=0.7)
    (0.7, 0.7)
    """
    alpha = checks.significance_level(alpha)
    effects = checks.array("tried", tried, dimensions=1)
    kept = _pvalues(outcomes, on, redrawn, exposure, effects) > alpha
    if not kept.any() or kept[effects.argmin()] or kept[effects.argmax()]:
        raise ValueError(f"tried must reach beyond the interval, got {len(effects)} effects; try a wider, finer grid")
    return float(effects[kept].min()), float(effects[kept].max())


def _pvalues(
    outcomes: ArrayLike, on: ArrayLike, redrawn: ArrayLike, exposure: ArrayLike, effects: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the p-value of each hypothesis "the new arm adds this much a unit of exposure"."""
    y, ran, visits = _checked(outcomes, on, exposure)
    _, others, _ = _checked(y, redrawn, visits)
    if y.ndim != 1 or ran.ndim != 1 or others.ndim != 2:
        raise ValueError(f"redrawn must have shape (draws, cells) for one run, got {others.shape} for {y.shape}")
    seen = _gain(y, ran, visits) - effects
    null = _gain(y, others, visits)[:, None] - _gain(ran * visits, others, visits)[:, None] * effects
    slack = ROUNDING * np.maximum(np.abs(seen), y.sum() / visits.sum())
    return (1 + (np.abs(null) >= np.abs(seen) - slack).sum(axis=0)) / (1 + len(others))


def _gain(y: NDArray[np.float64], on: NDArray[np.float64], visits: NDArray[np.float64]) -> NDArray[np.float64]:
    new = (on * y).sum(axis=-1) / (on * visits).sum(axis=-1)
    return new - ((1 - on) * y).sum(axis=-1) / ((1 - on) * visits).sum(axis=-1)


def _checked(
    outcomes: ArrayLike, on: ArrayLike, exposure: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    y, treated = checks.array("outcomes", outcomes), checks.array("on", on)
    visits = checks.array("exposure", exposure, low=0, dimensions=1)
    if y.shape[-1:] != visits.shape or treated.shape[-1:] != visits.shape:
        raise ValueError(f"exposure must have one entry a cell, got {visits.shape} for {y.shape} and {treated.shape}")
    if not ((treated == 0) | (treated == 1)).all():
        raise ValueError("on must be 0 or 1, got something else; compare two arms at a time")
    share = (treated * visits).sum(axis=-1)
    if (share <= 0).any() or (share >= visits.sum()).any():
        raise ValueError("on must leave exposure in both arms, got a schedule without; draw it again")
    return y, treated, visits
