"""Polya's urn: identical items, each chosen in proportion to how often it was chosen before."""

import numpy as np

from utils.foundation import checks


def simulate_urn(*, n_items: int, n_draws: int, n_worlds: int, seed: int, initial: float = 1.0) -> np.ndarray:
    """Return each item's share of the urn after `n_draws` draws with reinforcement, in many worlds at once.

    n_items: identical items; n_draws: draws a world; n_worlds: independent worlds; initial: starting weight of each.
    Returns shares of shape (worlds, items), each row summing to 1; raises ValueError for arguments out of range.
    Source: Eggenberger and Polya (1923); the shares converge to a Dirichlet(initial, ..., initial), so with two
    items and one ball of each to a Beta(1, 1), and the largest of k to a mean of (1 + 1/2 + ... + 1/k) / k.

    >>> simulate_urn(n_items=2, n_draws=1, n_worlds=3, seed=0).max(axis=1).round(2).tolist()
    [0.67, 0.67, 0.67]
    """
    n_items, n_draws = checks.count("n_items", n_items, minimum=2), checks.count("n_draws", n_draws)
    n_worlds = checks.count("n_worlds", n_worlds)
    initial = checks.number("initial", initial, low=0, open_low=True)
    rng = np.random.default_rng(checks.count("seed", seed, minimum=0))

    weights = np.full((n_worlds, n_items), initial)
    world = np.arange(n_worlds)
    for _ in range(n_draws):
        cumulative = weights.cumsum(axis=1)
        threshold = rng.random(n_worlds) * cumulative[:, -1]
        drawn = (cumulative <= threshold[:, None]).sum(axis=1)
        weights[world, np.minimum(drawn, n_items - 1)] += 1
    return weights / weights.sum(axis=1, keepdims=True)
