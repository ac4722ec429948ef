"""Polya's urn: identical items, each chosen in proportion to how often it was chosen before."""

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks

__all__ = ["simulate_urn"]

LARGEST_WEIGHT = 1e12  # a draw adds 1, which must not vanish beside the weight


def simulate_urn(*, n_items: int, n_draws: int, n_worlds: int, seed: int, initial: float = 1.0) -> NDArray[np.float64]:
    """Return each item's share of the urn after `n_draws` draws with reinforcement, in many worlds at once.

    Args:
        n_items: identical items, at least 2.
        n_draws: draws a world.
        n_worlds: independent worlds.
        seed: of all randomness.
        initial: starting weight of each item.

    Returns:
        Shares, shape (worlds, items), each row summing to 1.

    Raises:
        ValueError: arguments out of range.

    References:
        Eggenberger and Pólya, "Über die Statistik verketteter Vorgänge" (1923). The shares converge to a
        Dirichlet(initial, …, initial): with two items and one ball of each to a Beta(1, 1), and the largest of k to a
        mean of (1 + 1/2 + … + 1/k) / k.

    >>> simulate_urn(n_items=2, n_draws=1, n_worlds=3, seed=0).max(axis=1).round(2).tolist()
    [0.67, 0.67, 0.67]
    """
    n_items, n_draws = checks.count("n_items", n_items, minimum=2), checks.count("n_draws", n_draws)
    n_worlds = checks.count("n_worlds", n_worlds)
    initial = checks.number("initial", initial, low=0, high=LARGEST_WEIGHT, open_low=True)
    rng = checks.seeded("seed", seed)

    weights = np.full((n_worlds, n_items), initial)
    world = np.arange(n_worlds)
    for _ in range(n_draws):
        cumulative = weights.cumsum(axis=1)
        threshold = rng.random(n_worlds) * cumulative[:, -1]
        drawn = (cumulative <= threshold[:, None]).sum(axis=1)
        weights[world, np.minimum(drawn, n_items - 1)] += 1
    return weights / weights.sum(axis=1, keepdims=True)
