"""The guards one by one: the throttle's equation, the budget's bucket, the breaker's states."""

from collections import deque
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.systems.overload.guards import (
    AdaptiveThrottle,
    CircuitBreaker,
    Guard,
    NoGuard,
    RetryBudget,
    rejection_probability,
)


def test_rejection_follows_the_equation_of_the_book():
    assert rejection_probability([0, 10, 10, 100], [0, 5, 0, 25]).tolist() == [0, 0, 10 / 11, 50 / 101]
    assert rejection_probability(10, 5, k=1.1) == pytest.approx(4.5 / 11)


def test_a_throttle_sends_k_requests_per_accept():
    """A server that accepts one request each 0.1 s gets K·10 a second: the equilibrium that the book states."""
    for k, expected in ((2.0, 20.0), (4.0, 40.0)):
        throttle, rng, sent, free = AdaptiveThrottle(k=k, window=20.0), np.random.default_rng(1), [], 0.0
        for now in np.arange(0, 150, 0.01):
            if now < 20 or throttle.allows(now, 1, rng):
                sent.append(now)
                throttle.record(now, now >= free)
                free = free + 0.1 if now >= free else free
        per_second = np.sum(np.array(sent) > 50) / 100
        assert per_second == pytest.approx(expected, rel=0.1)


def test_a_throttle_leaves_a_server_alone_that_accepts_half():
    throttle, rng = AdaptiveThrottle(window=5.0), np.random.default_rng(0)
    for i in range(1000):
        assert throttle.allows(i / 50, 1, rng)
        throttle.record(i / 50, i % 2 == 0)


def test_an_idle_window_forgets():
    throttle, rng = AdaptiveThrottle(window=5.0), np.random.default_rng(0)
    for _ in range(200):
        throttle.record(0.0, False)
    assert not throttle.allows(5.0, 1, rng)
    assert throttle.allows(10.1, 1, rng)
    assert len(throttle.requests) == 0


def test_a_budget_allows_a_tenth_of_requests_after_its_burst():
    budget = RetryBudget(ratio=0.1, burst=3.0)
    retried = 0
    for _ in range(1000):
        assert budget.allows(0.0, 1, None)
        retried += budget.allows(0.0, 2, None)
    assert retried in (102, 103)
    idle = RetryBudget(ratio=0.5, burst=2.0)
    for _ in range(100):
        idle.allows(0.0, 1, None)
    assert [idle.allows(0.0, 2, None) for _ in range(3)] == [True, True, False]


def test_a_breaker_opens_probes_and_closes():
    breaker = CircuitBreaker(failures=3, pause=5.0)
    for _ in range(2):
        breaker.record(0.0, False)
    breaker.record(0.0, True)
    for now in (1.0, 1.0):
        breaker.record(now, False)
    assert breaker.allows(1.0, 1, None)
    breaker.record(2.0, False)
    breaker.record(4.0, False)  # an answer under way when it opened does not prolong the pause
    assert not breaker.allows(6.9, 1, None)
    assert breaker.allows(7.0, 1, None)  # the probe
    assert not breaker.allows(7.0, 1, None)
    breaker.record(7.5, False)
    assert not breaker.allows(12.4, 1, None)
    assert breaker.allows(12.5, 1, None)
    breaker.record(12.6, True)
    assert breaker.allows(12.6, 1, None)
    assert breaker.failures == 0


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 4))
def test_the_throttle_drops_with_the_probability_of_the_equation(extra, accepts, k):
    requests = accepts + extra
    throttle = AdaptiveThrottle(k=k)
    throttle.requests, throttle.accepts = deque([0.0] * requests), deque([0.0] * accepts)
    expected = max(Fraction(0), (requests - Fraction(k) * accepts) / (requests + 1))

    class Rng:
        def random(self):
            return self.draw

    rng = Rng()
    rng.draw = min(float(expected) + 1e-9, 1.0)
    assert throttle.allows(1.0, 1, rng)
    if expected > 1e-9:
        rng.draw = float(expected) - 1e-9
        assert not throttle.allows(1.0, 1, rng)
        assert len(throttle.requests) == requests + 1  # what was dropped counts as a request


def test_every_guard_is_a_guard_and_none_is_another():
    guards = [NoGuard(), RetryBudget(), AdaptiveThrottle(), CircuitBreaker()]
    assert all(isinstance(guard, Guard) for guard in guards)
    assert [type(guard).__mro__[1] for guard in guards] == [Guard] * 4
    assert [guard.gives_up for guard in guards] == [False, True, True, True]
    assert not AdaptiveThrottle(gives_up=False).gives_up
    assert not CircuitBreaker(gives_up=False).gives_up
    assert all(NoGuard().allows(0.0, attempt, None) for attempt in range(1, 4))
    with pytest.raises(TypeError, match="abstract"):
        Guard()


def test_counts_in_two_series_go_together_row_by_row_only():
    asked, answered = pd.Series([10, 100], index=["a", "b"]), pd.Series([5, 25], index=["a", "b"])
    assert rejection_probability(asked, answered).tolist() == [0, 50 / 101]
    with pytest.raises(ValueError, match=r"^accepts must have the index of requests, got others; align them first"):
        rejection_probability(asked, answered.iloc[::-1])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: RetryBudget(0), "ratio"),
        (lambda: RetryBudget(1), "ratio"),
        (lambda: RetryBudget(burst=-1), "burst"),
        (lambda: RetryBudget(burst=0.5), "burst"),
        (lambda: AdaptiveThrottle(k=0), "k"),
        (lambda: AdaptiveThrottle(window=0), "window"),
        (lambda: CircuitBreaker(failures=0), "failures"),
        (lambda: CircuitBreaker(pause=0), "pause"),
        (lambda: rejection_probability(-1, 0), "requests"),
        (lambda: rejection_probability([3, -1], [0, 0]), "requests"),
        (lambda: rejection_probability([], []), "requests"),
        (lambda: rejection_probability(["3"], [0]), "requests"),
        (lambda: rejection_probability(1, np.nan), "accepts"),
        (lambda: rejection_probability([1, 1], [1, np.nan]), "accepts"),
        (lambda: rejection_probability(1, 2), "accepts"),
        (lambda: rejection_probability([3, 1], [1, 2]), "accepts"),
        (lambda: rejection_probability([1, 2], 1), "accepts"),
        (lambda: rejection_probability(1, 1, k=-1), "k"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} .*must .*got .*; "):
        call()


def test_a_throttle_at_its_allowance_drops_nothing_whatever_the_draw():
    class Zero:
        def random(self):
            return 0.0

    throttle = AdaptiveThrottle(k=2.0)
    throttle.requests, throttle.accepts = deque([0.0] * 10), deque([0.0] * 5)
    assert throttle.allows(1.0, 1, Zero())


def test_the_defaults_are_those_of_the_books():
    budget = RetryBudget()
    assert [budget.allows(0.0, 2, None) for _ in range(11)] == [True] * 10 + [False]
    assert [budget.allows(0.0, 1, None) for _ in range(11)] == [True] * 11
    assert [budget.allows(0.0, 2, None) for _ in range(2)] == [True, False]  # eleven first attempts bring 1.1 tokens
    breaker = CircuitBreaker()
    for _ in range(19):
        breaker.record(0.0, False)
    assert breaker.allows(0.0, 1, None)
    breaker.record(1.0, False)
    assert not breaker.allows(5.9, 1, None)
    assert breaker.allows(6.0, 1, None)
    assert (AdaptiveThrottle().k, AdaptiveThrottle().window) == (2.0, 10.0)
    single = RetryBudget(burst=1)
    assert [single.allows(0.0, 2, None) for _ in range(2)] == [True, False]
