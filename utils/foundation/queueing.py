"""Closed forms of waiting lines: Erlang B and C, M/M/1 percentiles, the Halfin–Whitt limit.

`load` is the offered load in erlangs, arrivals per second × seconds of work each: the number of servers that would be
busy on average if nobody waited.
"""

import math

from scipy.special import log_ndtr

from utils.foundation import checks

__all__ = ["erlang_b", "erlang_c", "halfin_whitt", "mm1_percentile", "mmc_mean_wait", "servers_needed"]

LOAD_REMEDY = "give arrivals per second × service seconds"
MOST_SERVERS = 10_000_000  # the recursion takes one step a server: about a second


def erlang_b(servers: int, load: float) -> float:
    """Return the share of requests lost by `servers` servers without a waiting room.

    Args:
        servers: number of servers, from 1 to 10 million.
        load: offered load in erlangs, zero or more; it may exceed `servers`.

    Returns:
        The blocking probability of M/G/c/c.

    Raises:
        ValueError: an argument is out of range.

    References:
        Erlang (1917); recursion B(0) = 1, B(c) = load·B(c−1) / (c + load·B(c−1)), which never overflows.

    >>> round(erlang_b(10, 8), 5)
    0.12166
    """
    servers = checks.count("servers", servers, "give the number of machines or workers", maximum=MOST_SERVERS)
    load = checks.not_negative("load", load, LOAD_REMEDY)
    blocked = 1.0
    for c in range(1, servers + 1):
        blocked = load * blocked / (c + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that a request must wait in an M/M/c queue.

    Args:
        servers: number of servers c, at least 1.
        load: offered load in erlangs, below `servers` (above it the queue grows without end).

    Returns:
        The probability that all servers are busy when a request arrives.

    Raises:
        ValueError: an argument is out of range, or load >= servers.

    References:
        C = B / (1 − ρ(1 − B)) with ρ = load / servers; Harchol-Balter, Performance Modeling and Design of Computer
        Systems (2013), chapter 14.

    >>> round(erlang_c(10, 8), 5), round(erlang_c(100, 80), 5)
    (0.40918, 0.01965)
    """
    blocked = erlang_b(servers, load)
    if load >= servers:
        raise ValueError(f"load must be below servers = {servers}, got {load}; add servers or shed load")
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_mean_wait(servers: int, load: float, *, service_seconds: float = 1.0) -> float:
    """Return the mean time an M/M/c request waits before its service starts, in seconds.

    Args:
        servers: number of servers, at least 1.
        load: offered load in erlangs, below `servers`.
        service_seconds: mean service time, positive.

    Returns:
        Seconds, averaged over all requests, also those that do not wait.

    Raises:
        ValueError: an argument is out of range, or load >= servers.

    >>> round(mmc_mean_wait(1, 0.8), 3)
    4.0
    """
    service_seconds = checks.positive("service_seconds", service_seconds, "give the mean time of one request")
    return erlang_c(servers, load) * service_seconds / (servers - load)


def mm1_percentile(utilization: float, level: float, *, service_seconds: float = 1.0) -> float:
    """Return a percentile of the time a request spends in an M/M/1 queue, waiting and service together.

    Args:
        utilization: share of time that the server is busy, in (0, 1).
        level: the percentile as a fraction, such as 0.99.
        service_seconds: mean service time, positive.

    Returns:
        Seconds. The time in an M/M/1 queue is exponential with mean service_seconds / (1 − utilization).

    Raises:
        ValueError: an argument is out of range.

    >>> round(mm1_percentile(0.8, 0.99), 1)
    23.0
    """
    utilization = checks.fraction("utilization", utilization, "at 1 the queue grows without end")
    level = checks.fraction("level", level, "write the 99th percentile as 0.99")
    service_seconds = checks.positive("service_seconds", service_seconds, "give the mean time of one request")
    return -math.log1p(-level) * service_seconds / (1 - utilization)


def servers_needed(load: float, *, wait_probability: float = 0.1) -> int:
    """Return the smallest number of servers at which at most `wait_probability` of requests wait.

    Args:
        load: offered load in erlangs, positive, at most 10 million.
        wait_probability: accepted probability of waiting, in (0, 1).

    Returns:
        Number of servers of an M/M/c queue.

    Raises:
        ValueError: an argument is out of range.

    >>> servers_needed(8, wait_probability=0.41)
    10
    """
    load = checks.number("load", load, low=0, high=MOST_SERVERS, open_low=True, remedy=LOAD_REMEDY)
    wait_probability = checks.fraction("wait_probability", wait_probability, "use 0.1 for one request in ten")
    servers, blocked = 0, 1.0
    while True:
        servers += 1
        blocked = load * blocked / (servers + load * blocked)
        if servers > load and blocked / (1 - load / servers * (1 - blocked)) <= wait_probability:
            return servers


def halfin_whitt(beta: float) -> float:
    """Return the limit of Erlang C when servers = load + beta·√load and load grows.

    Args:
        beta: spare servers in units of √load, positive.

    Returns:
        The limiting probability of waiting.

    Raises:
        ValueError: beta is not positive.

    References:
        Halfin and Whitt, Operations Research 29 (1981): 1 / (1 + β Φ(β) / φ(β)).

    >>> [round(halfin_whitt(beta), 4) for beta in (0.5, 1, 2)]
    [0.5045, 0.2234, 0.0269]
    """
    beta = checks.positive("beta", beta, "at zero every request waits")
    log_density = -(beta * beta) / 2 - math.log(2 * math.pi) / 2
    log_odds = math.log(beta) + float(log_ndtr(beta)) - log_density
    return math.exp(-log_odds) if log_odds > 700 else 1 / (1 + math.exp(log_odds))
