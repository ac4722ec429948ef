"""Backoff delays against their distributions and tenacity, the contention simulation against an event loop."""

import doctest
import importlib.util
import math
from types import SimpleNamespace

import numpy as np
import pytest
import tenacity
from scipy import stats

from utils.foundation.checkout import CHECKOUT
from utils.systems.overload import backoff
from utils.systems.overload.backoff import POLICIES, delays, simulate_contention

BENCHMARK = CHECKOUT / "benchmarks" / "backoff.py"


@pytest.fixture(scope="module")
def benchmark_module():
    spec = importlib.util.spec_from_file_location("benchmark_backoff", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(backoff).failed == 0


def test_exponential_doubles_up_to_the_cap_and_none_never_waits():
    assert delays("exponential", [1, 2, 8, 9, 10_000]).tolist() == [10, 20, 1280, 2000, 2000]
    assert delays("exponential", 3, base=1, cap=8).tolist() == 8
    assert delays("exponential", [1, 2], base=3, cap=3).tolist() == [3, 3]
    assert delays("none", [[1, 2], [3, 4]]).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("policy", "low", "high"), [("full", 0, 40), ("equal", 20, 40), ("decorrelated", 5, 60), ("decorrelated", 5, 15)]
)
def test_jittered_delays_are_uniform_on_their_window(policy, low, high):
    previous = np.full(4000, high / 3) if policy == "decorrelated" else None
    drawn = delays(policy, np.full(4000, 3), previous=previous, rng=np.random.default_rng(1))
    assert low <= drawn.min()
    assert drawn.max() <= high
    # Kolmogorov–Smirnov at 1e-3: a right sampler fails one seed in a thousand, and this seed is fixed
    assert stats.kstest(drawn, stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_decorrelated_starts_from_the_base_and_keeps_the_cap():
    rng = np.random.default_rng(2)
    first = delays("decorrelated", np.ones(4000, dtype=int), rng=rng)
    assert first.min() >= 5
    assert 14.9 < first.max() <= 15
    assert delays("decorrelated", np.ones(500, dtype=int), previous=np.full(500, 2000.0), rng=rng).max() == 2000
    assert delays("decorrelated", [1], previous=[0.0], rng=rng)[0] >= 5


def tenacity_waits(wait, failures, n):
    state = SimpleNamespace(attempt_number=failures)
    return np.array([wait(state) for _ in range(n)])


@pytest.mark.filterwarnings("ignore:The 'initial' parameter")  # its name in tenacity 8, the oldest supported
def test_tenacitys_random_exponential_is_full_jitter_and_its_exponential_jitter_is_not():
    """tenacity counts 2^(failures − 1), so its multiplier is twice our base; measured on its own draws."""
    ours = delays("full", np.full(3000, 4), base=5, cap=2000, rng=np.random.default_rng(3))
    theirs = tenacity_waits(tenacity.wait_random_exponential(multiplier=10, max=2000), 4, 3000)
    additive = tenacity_waits(tenacity.wait_exponential_jitter(initial=10, max=2000, jitter=10), 4, 3000)
    # tenacity draws from the global random module, unseeded: a right pair fails one time in a million
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-6
    assert stats.ks_2samp(ours, additive).pvalue < 1e-100
    assert additive.min() >= 80
    exact = tenacity_waits(tenacity.wait_exponential(multiplier=10, max=2000), 4, 1)
    assert exact[0] == delays("exponential", 4, base=5, cap=2000)


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
        (lambda: delays("fibonacci", 1), "policy"),
        (lambda: delays(None, 1), "policy"),
        (lambda: delays("full", 1), "rng"),
        (lambda: delays("none", 0), "attempt"),
        (lambda: delays("none", []), "attempt"),
        (lambda: delays("none", [1, math.nan]), "attempt"),
        (lambda: delays("none", 1.5), "attempt"),
        (lambda: delays("none", "one"), "attempt"),
        (lambda: delays("exponential", 1, base=-5), "base"),
        (lambda: delays("exponential", 1, cap=math.inf), "cap"),
        (lambda: delays("exponential", 1, base=10, cap=5), "cap"),
        (lambda: delays("decorrelated", [1, 1], previous=[5.0], rng=np.random.default_rng(0)), "previous"),
        (lambda: delays("decorrelated", [1], previous=[-5.0], rng=np.random.default_rng(0)), "previous"),
        (lambda: delays("decorrelated", [1], previous=["a"], rng=np.random.default_rng(0)), "previous"),
        (lambda: simulate_contention(0, "none", 0), "n_clients"),
        (lambda: simulate_contention(2, "nine", 0), "policy"),
        (lambda: simulate_contention(2, "none", 0, n_runs=0), "n_runs"),
        (lambda: simulate_contention(2, "none", 0, net_mean=0), "net_mean"),
        (lambda: simulate_contention(2, "none", 0, net_sd=-1), "net_sd"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
