"""Rates of groups of rows, such as cities or age bands: the prior of somebody of whom only the group is known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation.labels import aligned, same_labels
from utils.foundation.whole_numbers import exact_integers
from utils.learning.cold_start.counts import success_counts
from utils.learning.cold_start.shrinkage import beta_binomial_shrinkage, fit_prior_strength

__all__ = ["GroupRates", "group_rates"]

MOST_GROUPS = 1_000_000  # a table of more is a sign that identifiers were passed for codes


class GroupRates(NamedTuple):
    """What `group_rates` returns.

    Attributes:
        rates: (n_groups, n_columns), of each group in each column.
        prior_strength: the fitted strength of the prior, in trials.
    """

    rates: NDArray[np.float64]
    prior_strength: float


def group_rates(group: ArrayLike, trials: ArrayLike, successes: ArrayLike, *, parent: ArrayLike) -> GroupRates:
    """Return the rates of groups of rows (cities, age bands), shrunk toward those of everybody.

    Args:
        group: (n_rows,) code of each row, 0 … n_groups - 1.
        trials: (n_rows, n_columns) counts.
        successes: (n_rows, n_columns) counts.
        parent: (n_columns,) rates of everybody, in (0, 1); a Series meets the columns of a frame of trials by name.

    Returns:
        `GroupRates`; a group without rows has the rates of everybody.

    Raises:
        ValueError: codes that are no codes, or counts that are no counts.
    """
    same_labels(group=group, trials=trials, successes=successes)
    parent = aligned("parent", parent, "trials", trials)
    trials, successes = success_counts(trials, successes)
    codes = exact_integers("group", group, "number the groups with pandas.factorize")
    if trials.ndim != 2 or codes.shape != (len(trials),):
        rows = trials.shape[0] if trials.ndim else 0
        raise ValueError(f"group must hold one code for each of the {rows} rows of trials, got shape {codes.shape}")
    if codes.min() < 0 or codes.max() >= MOST_GROUPS:
        raise ValueError(
            f"group must lie in 0 to {MOST_GROUPS - 1}, got {codes.min()} to {codes.max()}; use pandas.factorize"
        )
    pooled = np.zeros((2, int(codes.max()) + 1, trials.shape[1]))
    np.add.at(pooled[0], codes, successes)
    np.add.at(pooled[1], codes, trials)
    strength = fit_prior_strength(*pooled, prior_mean=parent)
    rates = beta_binomial_shrinkage(*pooled, prior_mean=parent, prior_strength=strength)
    return GroupRates(rates, strength)
