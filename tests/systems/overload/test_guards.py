"""The guards one by one: the budget's bucket, the breaker's states."""

import pytest

from utils.systems.overload.guards import CircuitBreaker, Guard, NoGuard, RetriesUntil, RetryBudget


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


def test_retries_pass_until_a_time_and_first_attempts_throughout():
    switch = RetriesUntil(30.0)
    assert [switch.allows(now, n, None) for now, n in ((29.9, 2), (30.0, 2), (30.0, 1))] == [True, False, True]


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


def test_every_guard_is_a_guard_and_none_is_another():
    guards = [NoGuard(), RetriesUntil(1.0), RetryBudget(), CircuitBreaker()]
    assert all(isinstance(guard, Guard) for guard in guards)
    assert [type(guard).__mro__[1] for guard in guards] == [Guard] * 4
    assert [guard.gives_up for guard in guards] == [True] * 4
    assert not CircuitBreaker(gives_up=False).gives_up
    assert all(NoGuard().allows(0.0, attempt, None) for attempt in range(1, 4))
    with pytest.raises(TypeError, match="abstract"):
        Guard()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: RetriesUntil(-1.0), "second"),
        (lambda: RetryBudget(0), "ratio"),
        (lambda: RetryBudget(1), "ratio"),
        (lambda: RetryBudget(burst=-1), "burst"),
        (lambda: RetryBudget(burst=0.5), "burst"),
        (lambda: CircuitBreaker(failures=0), "failures"),
        (lambda: CircuitBreaker(pause=0), "pause"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} .*must .*got .*; "):
        call()


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
    single = RetryBudget(burst=1)
    assert [single.allows(0.0, 2, None) for _ in range(2)] == [True, False]
