"""The herd of a cache: many readers miss one expired key at once and all compute it.

Remedies: a lock (one computes, the others wait), request coalescing (one computes per server), early expiry at random
(one reader refreshes while the value still stands). Times are seconds.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.foundation import checks

__all__ = ["REMEDIES", "Stampede", "expected_computations", "expires_early", "simulate_stampede"]

REMEDIES = ("none", "lock", "coalescing", "early")
MOST_READS = 20_000_000  # lists of a gigabyte


class Stampede(NamedTuple):
    """What readers and the database saw of one key; arrays have shape (refreshes,)."""

    computations: NDArray[np.int64]  # per refresh of the value, how often it was computed
    waits: NDArray[np.float64]  # seconds that each read waited for the value, shape (reads,); 0 for a hit
    peak: int  # most computations under way at once

    @property
    def waiting_share(self) -> float:
        """Share of reads that had to wait."""
        return float((self.waits > 0).mean()) if self.waits.size else 0.0


def expires_early(time_left: float, compute_seconds: float, uniform: float, *, beta: float = 1.0) -> bool:
    """Decide by lot whether this read refreshes the value before it expires (XFetch).

    Args:
        time_left: seconds until the value expires; at zero or below the answer is yes.
        compute_seconds: how long the last computation took.
        uniform: a draw from (0, 1].
        beta: above 1 refreshes earlier.

    Returns:
        True if −beta · compute_seconds · log(uniform) reaches the time left.

    Raises:
        ValueError: an argument is out of range.

    References:
        Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8 (2015).

    >>> expires_early(1.0, 0.5, 0.1), expires_early(1.0, 0.5, 0.9)
    (True, False)
    """
    compute_seconds = checks.positive("compute_seconds", compute_seconds, "give the time of the last computation")
    beta = checks.positive("beta", beta, "1 is the usual choice")
    time_left = checks.number("time_left", time_left, remedy="give expiry minus now in seconds")
    uniform = checks.number("uniform", uniform, low=0, high=1, open_low=True, remedy="draw 1 − rng.random()")
    return bool(-beta * compute_seconds * math.log(uniform) >= time_left)


def simulate_stampede(
    remedy: str,
    seed: int,
    *,
    reads_per_second: float = 200.0,
    ttl: float = 10.0,
    compute_seconds: float = 0.5,
    n_servers: int = 8,
    beta: float = 1.0,
    duration: float = 300.0,
) -> Stampede:
    """Read one hot key for a while, with a remedy against the herd.

    Args:
        remedy: "none", "lock", "coalescing" or "early".
        seed: a whole number of at least 0, a list of them or a numpy Generator.
        reads_per_second: rate of the Poisson stream of reads.
        ttl: seconds from the moment a value is stored to its expiry.
        compute_seconds: time of one computation.
        n_servers: servers among which reads are spread evenly; each coalesces its own.
        beta: of `expires_early`.
        duration: seconds; the value is fresh at 0. At most 20 million reads are expected.

    Returns:
        Stampede. The first computation that ends stores the value; those that end later, having started before, do
        not extend its life.

    Raises:
        ValueError: an argument is out of range.

    >>> result = simulate_stampede("lock", seed=0)
    >>> set(result.computations.tolist())
    {1}
    """
    checks.choice("remedy", remedy, REMEDIES)
    reads_per_second = checks.positive("reads_per_second", reads_per_second, "give the rate of the hot key")
    ttl = checks.positive("ttl", ttl, "give seconds")
    compute_seconds = checks.positive("compute_seconds", compute_seconds, "give the time of one computation")
    beta = checks.positive("beta", beta, "1 is the usual choice")
    duration = checks.not_negative("duration", duration, "give seconds of reads")
    n_servers = checks.count("n_servers", n_servers, "give the number of servers that read the key")
    if reads_per_second * duration > MOST_READS:
        got = f"{reads_per_second:g} reads a second for {duration:g} s"
        raise ValueError(f"duration must give at most {MOST_READS:,} reads, got {got}; shorten it")
    rng = checks.seeded("seed", seed)
    n = rng.poisson(reads_per_second * duration)
    times = np.sort(rng.uniform(0, duration, n))
    servers = rng.integers(n_servers, size=n)
    early = -beta * compute_seconds * np.log1p(-rng.random(n)) if remedy == "early" else np.zeros(n)
    return _read_all(remedy, times.tolist(), servers.tolist(), early.tolist(), ttl, compute_seconds)


def expected_computations(
    remedy: str, *, reads_per_second: float, compute_seconds: float, n_servers: int = 8, beta: float = 1.0
) -> float:
    """Return the expected computations per refresh in `simulate_stampede`.

    Args:
        remedy: "none", "lock", "coalescing" or "early".
        reads_per_second: as in `simulate_stampede`.
        compute_seconds: as there.
        n_servers: as there.
        beta: as there.

    Returns:
        1 + r·d for "none"; 1 for "lock"; one plus the other servers that read within d for "coalescing"; e^(1/beta)
        for "early", infinity beyond the largest float. The last holds whatever the rate, where a refresh ends before
        the expiry and starts long after the last, that is r·beta·d is large and ttl well above beta·d·log(r·beta·d):
        the chance of a refresh grows by e^(1/beta) while the first is being computed.

    Raises:
        ValueError: an argument is out of range.

    >>> round(expected_computations("early", reads_per_second=200, compute_seconds=0.5), 3)
    2.718
    """
    checks.choice("remedy", remedy, REMEDIES)
    rate = checks.positive("reads_per_second", reads_per_second, "give the rate of the hot key")
    seconds = checks.positive("compute_seconds", compute_seconds, "give the time of one computation")
    n_servers = checks.count("n_servers", n_servers, "give the number of servers that read the key")
    beta = checks.positive("beta", beta, "1 is the usual choice")
    return {
        "none": 1 + rate * seconds,
        "lock": 1.0,
        "coalescing": 1 - (n_servers - 1) * math.expm1(-rate * seconds / n_servers),
        "early": math.exp(1 / beta) if 1 / beta < 709 else math.inf,
    }[remedy]


def _read_all(
    remedy: str, times: list[float], servers: list[int], early: list[float], ttl: float, compute_seconds: float
) -> Stampede:
    expiry, first_end = ttl, math.inf  # end of the first computation of the refresh under way
    computing: dict[str | int | None, float] = {}  # when the computation of each owner ends
    waits, computations, ends = [], [0], []
    for now, server, lead in zip(times, servers, early, strict=True):
        if now >= first_end:
            expiry, first_end = first_end + ttl, math.inf
            computing.clear()
            computations.append(0)
        expired = now >= expiry
        if not expired and now + lead < expiry:
            waits.append(0.0)
            continue
        owner = {"lock": "all", "coalescing": server}.get(remedy)
        if owner is not None and owner in computing:
            waits.append(computing[owner] - now)
            continue
        computing[owner] = now + compute_seconds
        first_end = min(first_end, now + compute_seconds)
        computations[-1] += 1
        ends.append(now + compute_seconds)
        waits.append(compute_seconds)
    finished = np.array(computations[:-1], dtype=np.int64)  # the last refresh may be cut off by the end
    ends = np.array(ends)
    under_way = np.arange(1, len(ends) + 1) - np.searchsorted(ends, ends - compute_seconds, side="right")
    return Stampede(finished, np.array(waits), int(under_way.max(initial=0)))
