"""Who asks for what and when: Zipf's law over the keys, and Poisson arrivals of requests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from utils.foundation import checks

__all__ = ["Requests", "draw_requests", "numbered", "zipf_shares"]

_MOST = 50_000_000  # keys or requests: arrays of a few hundred megabytes


class Requests(NamedTuple):
    """Requests in order of time: `time` in seconds and `key` from 0, both of shape (requests,)."""

    time: npt.NDArray[np.float64]
    key: npt.NDArray[np.int64]


def zipf_shares(n_keys: int, exponent: float) -> npt.NDArray[np.float64]:
    """Return each key's share of the requests by Zipf's law, the k-th proportional to k ** -exponent.

    Args:
        n_keys: number of keys, from 1 to 50 million.
        exponent: 0 for even shares, about 1 for web traffic.

    Returns:
        Shares that add up to 1, shape (n_keys,), falling.

    Raises:
        ValueError: if `n_keys` is out of range, or the exponent negative or not finite.

    >>> zipf_shares(3, 1).round(3)
    array([0.545, 0.273, 0.182])
    """
    n_keys = checks.count("n_keys", n_keys, maximum=_MOST)
    exponent = checks.not_negative("exponent", exponent, "use 0 for even shares")
    mass = np.arange(1, n_keys + 1) ** -exponent
    return mass / mass.sum()


def draw_requests(shares: npt.ArrayLike, rate: float, seconds: float, *, rng: np.random.Generator) -> Requests:
    """Draw Poisson arrivals of independent requests.

    Args:
        shares: each key's share of the requests, shape (keys,), adding up to 1; of a series, the index numbers the keys.
        rate: requests per second.
        seconds: how long; at most 50 million requests are expected.
        rng: source of randomness.

    Returns:
        The requests in order of time.

    Raises:
        ValueError: if the shares are no probabilities, a number is out of range, or rng is no Generator.
    """
    shares = checks.array("shares", numbered("shares", shares), low=0, dimensions=1)
    if abs(shares.sum() - 1) > 1e-9:
        raise ValueError(f"shares must add up to 1, got {shares.sum():g}; divide by the sum")
    rate = checks.positive("rate", rate, "give requests per second")
    seconds = checks.positive("seconds", seconds, "give the length of the evening")
    if rate * seconds > _MOST:
        raise ValueError(f"rate must give at most {_MOST:,} requests, got {rate * seconds:.3g}; lower it or seconds")
    rng = checks.generator("rng", rng)
    n = rng.poisson(rate * seconds)
    time = np.sort(rng.uniform(0, seconds, n))
    uniform = np.sort(rng.uniform(0, 1, n))  # sorted needles: the search stays in the processor's cache
    key = np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)
    return Requests(time, rng.permutation(key))


def numbered(name: str, values: npt.ArrayLike) -> npt.ArrayLike:
    """Return values in the order of their numbers: a series is put in the order of its index.

    Args:
        name: the argument's name, for the message.
        values: an array in order of the numbers from 0, or a series indexed by them in any order.

    Returns:
        The array as it is, or the series' values, sorted by its index.

    Raises:
        ValueError: if a series is indexed by anything but 0 … n − 1.
    """
    if not isinstance(values, pd.Series):
        return values
    if not values.index.sort_values().equals(pd.RangeIndex(len(values))):
        got = values.index[:3].tolist()
        raise ValueError(f"{name} must be indexed by 0 … {len(values) - 1}, got {got} …; pass .to_numpy() if in order")
    return values.sort_index().to_numpy()
