"""Backoff delays against their distributions and tenacity."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import tenacity
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.systems.overload.backoff import delays, full_jitter, window, windows


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


@settings(deadline=None)
@given(st.integers(1, 2000), st.floats(1e-9, 1e12), st.floats(1e-9, 1e12))
def test_the_window_doubles_up_to_the_cap_whatever_the_size(attempt, base, cap):
    base, cap = sorted((base, cap))
    expected = min(cap, base * 2 ** min(attempt, 100))
    assert window(attempt, base, cap) == expected
    listed = windows(base, cap)
    assert listed[-1] == cap
    assert listed[min(attempt, len(listed)) - 1] == expected


def test_full_jitter_is_uniform_on_the_window_and_half_of_it_in_the_mean():
    drawn = full_jitter(np.full(4000, 7.0), np.random.default_rng(5))
    assert stats.kstest(drawn, stats.uniform(0, 7).cdf).pvalue > 1e-3
    assert 0 <= full_jitter(3.0, np.random.default_rng(0)) <= 3


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
        (lambda: delays("none", [1, 0]), "attempt"),
        (lambda: delays("none", [1, 1.5]), "attempt"),
        (lambda: delays("none", True), "attempt"),
        (lambda: delays("none", np.ma.array([1, 2], mask=[0, 1])), "attempt"),
        (lambda: delays("full", 1, rng=7), "rng"),
        (lambda: delays("exponential", 1, base=1e-300), "base"),
        (lambda: delays("exponential", 1, cap=1e300), "cap"),
        (lambda: delays("decorrelated", [1, 1], previous=[5.0, -5.0], rng=np.random.default_rng(0)), "previous"),
        (lambda: delays("decorrelated", [1, 1], previous=[5.0, math.nan], rng=np.random.default_rng(0)), "previous"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()
