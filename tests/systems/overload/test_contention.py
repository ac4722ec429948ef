"""The contention of clients for one row against an event loop, the published setting and exact counts."""

import importlib.util
import math

import numpy as np
import pytest

from utils.foundation.checkout import CHECKOUT
from utils.systems.overload.backoff import POLICIES
from utils.systems.overload.contention import simulate_contention

BENCHMARK = CHECKOUT / "benchmarks" / "backoff.py"


@pytest.fixture(scope="module")
def benchmark_module():
    spec = importlib.util.spec_from_file_location("benchmark_backoff", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("policy", POLICIES)
def test_the_simulation_agrees_with_an_event_loop(policy, benchmark_module):
    loop = np.array([benchmark_module.event_loop(20, policy, seed) for seed in range(150)])
    arrays = simulate_contention(20, policy, seed=5, n_runs=1500)
    # means and spreads of independent runs; 4.5 standard errors are exceeded by chance once in 10⁵
    for ours, theirs in ((arrays.calls, loop[:, 0]), (arrays.duration, loop[:, 1])):
        error = math.hypot(ours.std() / math.sqrt(1500), theirs.std() / math.sqrt(150))
        assert abs(ours.mean() - theirs.mean()) < 4.5 * error
        assert 0.7 < ours.std() / theirs.std() < 1.4  # sd of 150 runs: relative error 6% for normal data
    assert arrays.calls.min() >= 20


@pytest.mark.parametrize(
    ("policy", "calls_50", "seconds_50", "calls_100", "seconds_100"),
    [
        ("none", 678, 1.1, 2440, 2.0),
        ("exponential", 625, 36, 1844, 63),
        ("equal", 344, 4.0, 814, 6.6),
        ("full", 332, 2.7, 797, 4.9),
        ("decorrelated", 375, 2.2, 1003, 4.6),
    ],
)
def test_the_published_setting_is_reproduced(policy, calls_50, seconds_50, calls_100, seconds_100):
    """The reference is a mean of an unknown number of runs: ten runs allow three standard errors, and its rounding."""
    for n, calls, seconds in ((50, calls_50, seconds_50), (100, calls_100, seconds_100)):
        result = simulate_contention(n, policy, seed=7, n_runs=200)
        rounding = 0.5 if seconds > 10 else 0.05
        assert abs(result.calls.mean() - calls) < 3 * result.calls.std() / math.sqrt(10) + 0.5
        assert (
            abs(result.duration.mean() / 1000 - seconds) < 3 * result.duration.std() / 1000 / math.sqrt(10) + rounding
        )


def test_without_spread_and_backoff_every_client_writes_in_every_round():
    """With messages of exactly 10 ms round k holds n − k clients: n(n+1)/2 calls, one success each 40 ms."""
    result = simulate_contention(12, "none", seed=0, n_runs=2, net_sd=0)
    assert result.calls.tolist() == [78, 78]
    assert result.duration.tolist() == [40 * 12, 40 * 12]
    fixed = simulate_contention(3, "exponential", seed=0, n_runs=1, net_sd=0, net_mean=1, base=4, cap=8)
    assert fixed.calls.tolist() == [6]
    assert fixed.duration.tolist() == [4 + 8 + 4 + 8 + 4]


def test_one_client_needs_one_call():
    result = simulate_contention(1, "full", seed=0, n_runs=3, net_sd=0)
    assert result.calls.tolist() == [1, 1, 1]
    assert result.duration.tolist() == [40, 40, 40]


def test_recorded_calls_are_the_counted_calls_and_change_nothing():
    plain = simulate_contention(15, "equal", seed=4, n_runs=6)
    recorded = simulate_contention(15, "equal", seed=4, n_runs=6, record_calls=True)
    assert plain.calls.tolist() == recorded.calls.tolist() == np.bincount(recorded.call_run).tolist()
    assert plain.call_time.size == plain.call_run.size == 0
    assert recorded.call_time.min() > 0
    last = np.array([recorded.call_time[recorded.call_run == run].max() for run in range(6)])
    assert (recorded.duration > last).all()
    assert (recorded.duration < last + 25).all()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simulate_contention(0, "none", 0), "n_clients"),
        (lambda: simulate_contention(2, "nine", 0), "policy"),
        (lambda: simulate_contention(2, "none", 0, n_runs=0), "n_runs"),
        (lambda: simulate_contention(2, "none", 0, net_mean=0), "net_mean"),
        (lambda: simulate_contention(2, "none", 0, net_sd=-1), "net_sd"),
        (lambda: simulate_contention(2, "none", -1), "seed"),
        (lambda: simulate_contention(10**15, "none", 0), "n_clients"),
        (lambda: simulate_contention(2, "none", 0, base=0), "base"),
        (lambda: simulate_contention(2, "none", 0, cap=1), "cap"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
