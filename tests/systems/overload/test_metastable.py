"""The outage simulation against queueing theory and conservation, the grid against the simulation."""

import doctest
import gc
import math

import numpy as np
import pytest

from utils.foundation.queueing import erlang_c, mmc_mean_wait
from utils.systems.overload import metastable
from utils.systems.overload.metastable import (
    AdaptiveThrottle,
    CircuitBreaker,
    RetryBudget,
    Scenario,
    rejection_probability,
    simulate_outage,
    simulate_outage_grid,
)

SHORT = Scenario(horizon=45.0, patience=10.0, servers=5)


def variant(**changes):
    return Scenario(**{"horizon": 45.0, "patience": 10.0, **changes})


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(metastable).failed == 0


def test_without_outage_the_server_is_an_mmc_queue():
    """Erlang C and the mean wait; waits are autocorrelated, so the error comes from 8 independent runs."""
    runs = [simulate_outage(variant(outage_seconds=0, timeout=1e3, horizon=50.0), seed).wait[300:] for seed in range(8)]
    for measured, exact in (
        ([(wait > 0).mean() for wait in runs], erlang_c(10, 8)),
        ([wait.mean() for wait in runs], mmc_mean_wait(10, 8, service_seconds=0.2)),
    ):
        assert abs(np.mean(measured) - exact) < 4.5 * np.std(measured, ddof=1) / math.sqrt(8)
        assert np.std(measured, ddof=1) < exact


def test_unlimited_retries_stay_down_after_the_outage_and_a_budget_recovers():
    storm = simulate_outage(SHORT, 1)
    assert storm.confirmed[30:].sum() < 0.05 * storm.placed[30:].sum()
    assert storm.seconds_down > 30
    for seed in range(2):
        budget = simulate_outage(SHORT, seed, guard=RetryBudget())
        assert budget.confirmed[22:].sum() > 0.97 * budget.placed[22:].sum()
        assert 8 <= budget.seconds_down <= 12


def test_one_attempt_per_order_loses_what_is_placed_in_the_outage():
    trace = simulate_outage(variant(retries=0), seed=3)
    assert trace.confirmed[10:20].sum() == 0
    assert trace.requests.sum() == trace.placed.sum()
    # a request is answered too late when its exponential service alone exceeds the timeout: e^(-5) = 0.7%, and more
    share = trace.confirmed[:10].sum() / trace.placed[:10].sum()
    assert 0.95 < share <= 1 - math.exp(-5) + 4.5 * math.sqrt(math.exp(-5) / trace.placed[:10].sum())
    assert trace.orders_lost == trace.placed.sum() - trace.confirmed.sum()


@pytest.mark.parametrize("on", [True, False])
def test_a_run_leaves_garbage_collection_as_it_was(on):
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        simulate_outage(variant(load=0.1, horizon=15.0), 0)
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_retries_multiply_requests_in_an_outage():
    """Refused at once with r retries an order costs 1 + r requests; those at the edges of the outage cost fewer."""
    trace = simulate_outage(variant(retries=3, backoff_base=0.01, backoff_cap=0.01), seed=1)
    assert trace.requests[11:19].sum() == pytest.approx(4 * trace.placed[11:19].sum(), rel=0.02)


def test_the_backoff_is_full_jitter_that_doubles_from_twice_its_base():
    """Refused throughout, an order of age a has made a/2 + 1.92 requests.

    Its windows are 1, 2, 4, 4, … s: the third request comes at 1.5 s, then a renewal process of mean 2 s whose count is
    t/2 + (variance − mean²) / (2 mean²) = t/2 − 1/3.
    """
    trace = simulate_outage(variant(outage_seconds=35.0, load=0.02, backoff_base=0.5, backoff_cap=4.0, patience=1), 1)
    outstanding = trace.placed[10:].cumsum()
    expected = outstanding[20:35].sum() / 2 + 1.92 * trace.placed[30:45].sum()
    assert trace.requests[30:45].sum() == pytest.approx(expected, rel=0.1)
    early = simulate_outage(variant(load=0.2, retries=1, backoff_base=4.0, backoff_cap=1e3, outage_seconds=40.0), 1)
    retries = early.requests[10:18].sum() - early.placed[10:18].sum()  # window 8 s: after t seconds t/8 have retried
    assert retries == pytest.approx(early.placed[10:18].sum() / 2, rel=0.25)


def test_a_stalled_server_drains_its_backlog_at_its_spare_capacity():
    """After a stall of D seconds at load ρ without retries the queue needs ρD / (1 − ρ) seconds."""
    trace = simulate_outage(variant(stalls=True, retries=0, load=0.6, outage_seconds=8.0), seed=0)
    drained = 18 + 0.6 * 8 / 0.4  # second 30
    assert trace.confirmed[11 : int(drained) - 4].sum() == 0
    after = slice(int(drained) + 3, 45)
    assert trace.confirmed[after].sum() > 0.97 * trace.placed[after].sum()


def test_a_short_queue_sheds_the_storm_also_when_the_server_stalls():
    for stalls in (False, True):
        trace = simulate_outage(variant(servers=5, queue_limit=10, stalls=stalls, horizon=33.0), seed=0)
        assert trace.useful[25:].mean() > 0.85 * 25  # goodput near the capacity while it serves the backlog
        assert trace.wait.max() < 12  # nothing waits longer than the stall and a short queue
        assert trace.seconds_down <= 9
    assert simulate_outage(variant(queue_limit=0, load=2.0, outage_seconds=0, retries=0), 0).wait.max() == 0


def test_a_breaker_inside_the_retries_lets_the_herd_back_in_and_outside_it_recovers():
    outside = simulate_outage(SHORT, 0, guard=CircuitBreaker())
    inside = simulate_outage(SHORT, 0, guard=CircuitBreaker(gives_up=False))
    assert outside.seconds_down < 16 < 25 < inside.seconds_down
    assert outside.requests[11:19].sum() < 0.2 * outside.placed[11:19].sum()


def test_customers_who_leave_stop_their_retries():
    leaving = simulate_outage(variant(outage_seconds=25.0, stops_at_patience=True, patience=2.0, horizon=35.0), seed=0)
    staying = simulate_outage(variant(outage_seconds=25.0, patience=2.0, horizon=35.0), seed=0)
    assert leaving.requests[27:].sum() < 0.4 * staying.requests[27:].sum()
    assert leaving.orders_lost >= leaving.placed[11:32].sum()


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


@pytest.mark.parametrize(
    ("load", "retries", "stalls", "ratio"),
    [
        (0.2, 3, True, None),
        (0.4, 3, True, None),
        (0.4, 1, True, None),
        (0.6, 1, True, None),
        (0.7, 3, False, None),
        (0.8, math.inf, False, None),
        (0.8, math.inf, False, 0.1),
        (0.1, math.inf, False, None),
        (0.5, 0, True, None),
    ],
)
def test_the_grid_and_the_event_simulation_agree_on_what_recovers(load, retries, stalls, ratio):
    limit = None if math.isinf(retries) else int(retries)
    scenario = variant(load=load, retries=limit, stalls=stalls, outage_seconds=4.0 if stalls else 10.0, horizon=42.0)
    guard = None if ratio is None else RetryBudget(ratio)
    trace = simulate_outage(scenario, 0, guard=guard)
    events = trace.useful[34:].sum() / trace.placed[34:].sum()
    grid = simulate_outage_grid(scenario, 0, load=load, retries=retries, budget_ratio=ratio)
    assert grid.shape == ()
    assert (events > 0.5) == (grid > 0.5)
    assert min(events, 1) == pytest.approx(min(float(grid), 1), abs=0.15)


def test_a_stalled_server_collapses_where_load_times_attempts_exceeds_its_capacity():
    """After a long stall every attempt is late, so load × (1 + retries) against 1 decides."""
    scenario = Scenario(stalls=True, outage_seconds=5.0, horizon=90.0)
    for retries in (1, 2, 3):
        edge = 1 / (1 + retries)
        share = simulate_outage_grid(scenario, 0, load=[0.85 * edge, 1.15 * edge], retries=retries)
        assert share[0] > 0.9
        assert share[1] < 0.1


def test_grids_broadcast_and_longer_outages_are_worse():
    scenario = Scenario(horizon=60.0)
    share = simulate_outage_grid(
        scenario, 1, load=[[0.3], [0.8]], retries=np.inf, outage_seconds=[0.0, 0.5, 10.0], step=0.05
    )
    assert share.shape == (2, 3)
    assert share[1, 0] > 0.95
    assert share[1, 2] < 0.05
    budget = simulate_outage_grid(scenario, 1, load=0.8, retries=np.inf, budget_ratio=[0.1, 4.0])
    assert budget[0] > 0.95 > budget[1]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Scenario(servers=0), "servers"),
        (lambda: Scenario(load=0), "load"),
        (lambda: Scenario(load=math.nan), "load"),
        (lambda: Scenario(timeout=-1), "timeout"),
        (lambda: Scenario(outage_seconds=-1), "outage_seconds"),
        (lambda: Scenario(retries=1.5), "retries"),
        (lambda: Scenario(queue_limit=-1), "queue_limit"),
        (lambda: Scenario(backoff_base=3), "backoff_cap"),
        (lambda: simulate_outage(None, 0), "scenario"),
        (lambda: simulate_outage(SHORT, 0, guard=RetryBudget), "guard"),
        (lambda: RetryBudget(0), "ratio"),
        (lambda: RetryBudget(burst=-1), "burst"),
        (lambda: AdaptiveThrottle(k=0), "k"),
        (lambda: AdaptiveThrottle(window=0), "window"),
        (lambda: CircuitBreaker(failures=0), "failures"),
        (lambda: CircuitBreaker(pause=0), "pause"),
        (lambda: rejection_probability(-1, 0), "requests"),
        (lambda: rejection_probability([], []), "requests"),
        (lambda: rejection_probability(1, math.nan), "accepts"),
        (lambda: rejection_probability(1, 2), "accepts"),
        (lambda: rejection_probability([1, 2], 1), "accepts"),
        (lambda: rejection_probability(1, 1, k=-1), "k"),
        (lambda: simulate_outage_grid(None, 0, load=1, retries=1), "scenario"),
        (lambda: simulate_outage_grid(Scenario(queue_limit=3), 0, load=1, retries=1), "scenario"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=math.inf, retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1.5), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=-1), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, 1], retries=[1, 2, 3]), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, step=0.7), "step"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, budget_ratio=-1), "budget_ratio"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} .*must .*got .*; "):
        call()
