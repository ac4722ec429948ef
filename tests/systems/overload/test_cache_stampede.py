"""The cache stampede against closed forms."""

import math
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from utils.systems.overload.cache_stampede import (
    REMEDIES,
    expected_computations,
    expires_early,
    simulate_stampede,
)


@pytest.mark.parametrize("remedy", REMEDIES)
@pytest.mark.parametrize(("rate", "seconds", "beta", "servers"), [(100.0, 0.5, 1.0, 8), (60.0, 0.4, 2.0, 30)])
def test_computations_per_refresh_have_the_expected_mean(remedy, rate, seconds, beta, servers):
    """Refreshes are independent; 4.5 standard errors of their mean are exceeded once in 10⁵."""
    result = simulate_stampede(
        remedy, 1, reads_per_second=rate, ttl=7, compute_seconds=seconds, n_servers=servers, beta=beta, duration=1800
    )
    expected = expected_computations(
        remedy, reads_per_second=rate, compute_seconds=seconds, n_servers=servers, beta=beta
    )
    error = result.computations.std() / math.sqrt(len(result.computations))
    assert len(result.computations) > 200
    assert abs(result.computations.mean() - expected) <= 4.5 * error
    assert result.computations.min() >= 1


def test_the_expectations_are_those_of_the_distributions():
    assert expected_computations("none", reads_per_second=100, compute_seconds=0.5) == 51
    assert expected_computations("lock", reads_per_second=100, compute_seconds=0.5) == 1
    assert expected_computations("early", reads_per_second=1, compute_seconds=1, beta=1e-3) == math.inf
    # other servers that get at least one of Poisson(rd / m) reads
    missed = stats.poisson(100 * 0.5 / 8).pmf(0)
    assert expected_computations("coalescing", reads_per_second=100, compute_seconds=0.5) == pytest.approx(
        1 + 7 * (1 - missed)
    )
    # the first refresh comes at cumulative chance E ~ Exp(1); after it, Poisson(E (e^(1/beta) − 1)) more
    draws = np.random.default_rng(0).exponential(size=200_000)
    assert expected_computations("early", reads_per_second=1e3, compute_seconds=1, beta=2) == pytest.approx(
        1 + (draws * math.expm1(0.5)).mean(), rel=0.01
    )


def test_early_expiry_makes_computations_geometric_not_single():
    """1 + Poisson(E·(e − 1)) with E exponential is geometric with mean e: two refreshes in five are alone (1/e)."""
    result = simulate_stampede("early", 3, reads_per_second=200, ttl=4, compute_seconds=0.5, duration=1500)
    alone = (result.computations == 1).mean()
    assert abs(alone - math.exp(-1)) < 4.5 * math.sqrt(0.37 * 0.63 / len(result.computations))


def test_waits_are_the_rest_of_the_computation():
    lock = simulate_stampede("lock", 2, reads_per_second=100, ttl=5, compute_seconds=0.5, duration=1000)
    none = simulate_stampede("none", 2, reads_per_second=100, ttl=5, compute_seconds=0.5, duration=1000)
    early = simulate_stampede("early", 2, reads_per_second=100, ttl=5, compute_seconds=0.5, duration=1000)
    waiting = lock.waits[lock.waits > 0]
    # one full wait and, on average, half of it for the 50 others
    assert waiting.mean() == pytest.approx((0.5 + 50 * 0.25) / 51, rel=0.03)
    assert set(none.waits.round(9)) == {0.0, 0.5}
    assert none.waiting_share == pytest.approx(51 / (5.51 * 100), rel=0.05)
    assert early.waiting_share < 0.1 * lock.waiting_share
    assert len(lock.waits) == len(none.waits) == len(early.waits)


def test_the_peak_counts_computations_under_way():
    assert simulate_stampede("lock", 0).peak == 1
    assert simulate_stampede("coalescing", 0, n_servers=5).peak == 5
    none = simulate_stampede("none", 0)
    assert none.peak == none.computations.max()


def test_a_refresh_starts_when_the_value_expires():
    result = simulate_stampede("lock", 0, reads_per_second=1000, ttl=10, compute_seconds=0.5, duration=100)
    # one refresh each 10 s + about 1 ms to the first read + 0.5 s: at 10.5 k, k = 1 … 9
    assert len(result.computations) == 9
    starts = np.flatnonzero(np.isclose(result.waits, 0.5)) / 1000
    assert starts[:3] == pytest.approx([10, 20.5, 31], abs=1.0)  # the n-th read comes at n ms ± √n ms
    assert simulate_stampede("none", 0, duration=0).waits.size == 0
    assert simulate_stampede("none", 0, duration=0).waiting_share == 0


def test_expires_early_with_the_probability_of_the_paper():
    """P(−β·d·log U ≥ t) = e^(−t / (β·d))."""
    uniforms = 1 - np.random.default_rng(4).random(20_000)
    for time_left, beta in ((0.2, 1.0), (1.0, 1.0), (1.0, 2.0)):
        share = np.mean([expires_early(time_left, 0.5, u, beta=beta) for u in uniforms])
        assert abs(share - math.exp(-time_left / (beta * 0.5))) < 4.5 * 0.5 / math.sqrt(20_000)
    assert expires_early(0.0, 0.5, 1.0)
    assert expires_early(np.int64(1), 0.5, 0.1)
    assert expires_early(Decimal("1.0"), 0.5, 0.1)
    assert expires_early(-1, 0.5, 1.0)
    assert not expires_early(1e-9, 0.5, 1.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simulate_stampede("prayer", 0), "remedy"),
        (lambda: simulate_stampede("none", 0, reads_per_second=0), "reads_per_second"),
        (lambda: simulate_stampede("none", 0, ttl=-3), "ttl"),
        (lambda: simulate_stampede("none", 0, compute_seconds=math.nan), "compute_seconds"),
        (lambda: simulate_stampede("none", 0, n_servers=0), "n_servers"),
        (lambda: simulate_stampede("early", 0, beta=0), "beta"),
        (lambda: simulate_stampede("none", 0, duration=-1), "duration"),
        (lambda: expected_computations("", reads_per_second=1, compute_seconds=1), "remedy"),
        (lambda: expected_computations("none", reads_per_second=-1, compute_seconds=1), "reads_per_second"),
        (lambda: expected_computations("none", reads_per_second=1, compute_seconds=[]), "compute_seconds"),
        (lambda: expires_early(math.nan, 1, 0.5), "time_left"),
        (lambda: expires_early("1", 1, 0.5), "time_left"),
        (lambda: expires_early(1, 0, 0.5), "compute_seconds"),
        (lambda: expires_early(1, 1, 0), "uniform"),
        (lambda: expires_early(1, 1, 1.5), "uniform"),
        (lambda: expires_early(1, 1, 0.5, beta=-1), "beta"),
        (lambda: expires_early(math.inf, 1, 0.5), "time_left"),
        (lambda: expires_early(True, 1, 0.5), "time_left"),
        (lambda: simulate_stampede("none", -1), "seed"),
        (lambda: simulate_stampede("none", 0, duration=1e9), "duration"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
