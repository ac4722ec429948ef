"""The outage order by order against queueing theory, renewal theory and conservation."""

import gc
import math
from dataclasses import replace

import numpy as np
import pytest

from utils.foundation.queueing import erlang_c, mmc_mean_wait
from utils.systems.overload import outage
from utils.systems.overload.guards import CircuitBreaker, Guard, NoGuard, RetryBudget
from utils.systems.overload.outage import simulate_outage
from utils.systems.overload.scenario import Scenario

SHORT = Scenario(horizon=45.0, patience=10.0, servers=5)


def variant(**changes):
    return Scenario(**{"horizon": 45.0, "patience": 10.0, **changes})


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


def test_who_waits_so_long_that_the_customer_leaves_sends_nothing_more():
    """A delay uniform up to 40 s, a patience of 10 s: one order in four sends a second attempt, and none later."""
    scenario = variant(outage_start=0.0, outage_seconds=90.0, stops_at_patience=True, retries=1, backoff_cap=40.0)
    trace = simulate_outage(replace(scenario, backoff_base=20.0, horizon=80.0), seed=0)
    orders = trace.placed[:60].sum()
    seconds = trace.requests[20:80].sum() - trace.placed[20:80].sum()
    assert abs(seconds / orders - 0.25) < 4.5 * math.sqrt(0.25 * 0.75 / orders)


def test_a_guard_of_ones_own_needs_to_say_only_what_it_allows():
    class OneAttempt(Guard):
        def allows(self, now, attempt, rng):
            return attempt == 1

        gives_up = True

    own = simulate_outage(SHORT, 0, guard=OneAttempt())
    without_retries = simulate_outage(variant(servers=5, retries=0), 0)
    assert own.requests.sum() == own.placed.sum() == without_retries.requests.sum()
    # who has one attempt is decided sooner, so fewer orders are placed after the horizon, and nothing else differs
    assert all(np.array_equal(a, b) for a, b in zip(own[:-1], without_retries[:-1], strict=True))


def test_as_many_requests_as_fit_are_allowed(monkeypatch):
    small = variant(load=0.2, horizon=8.0, patience=2.0, outage_start=2.0, outage_seconds=1.0, backoff_cap=1.0)
    orders = 10 * 10  # 0.2 × 50 a second for ten seconds
    for retries, attempts in ((3, 4), (None, 1 + 2 * 10)):  # at most one each half of the cap, when nobody gives up
        monkeypatch.setattr(outage, "MOST_REQUESTS", orders * attempts)
        assert simulate_outage(replace(small, retries=retries), 0).placed.sum() > 0
        monkeypatch.setattr(outage, "MOST_REQUESTS", orders * attempts - 1)
        with pytest.raises(ValueError, match=rf"^scenario must .*got {orders} orders × {attempts} attempts; "):
            simulate_outage(replace(small, retries=retries), 0)


def test_no_guard_changes_nothing():
    calm = variant(load=0.3, outage_seconds=1.0, horizon=15.0)
    pairs = zip(simulate_outage(calm, 3), simulate_outage(calm, 3, guard=NoGuard()), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_an_attempt_kept_back_by_a_guard_that_does_not_give_up_comes_again():
    class EverySecond(Guard):
        def __init__(self):
            self.asked = 0

        def allows(self, now, attempt, rng):
            self.asked += 1
            return self.asked % 2 == 0

    trace = simulate_outage(variant(load=0.2, outage_seconds=0, horizon=20.0), 0, guard=EverySecond())
    assert trace.confirmed.sum() > 0.98 * trace.placed.sum()


def test_sporadic_failures_cost_one_order_each_or_a_retry_each():
    """Without outage and nearly idle: a share e is lost without retries; with them an order takes 1/(1 − e) requests."""
    share = 0.2
    idle = {"load": 0.3, "outage_seconds": 0, "error_rate": share, "timeout": 5.0}
    once = simulate_outage(variant(retries=0, **idle), 0)
    orders = once.placed.sum()
    assert abs(once.orders_lost / orders - share) < 4.5 * math.sqrt(share * (1 - share) / orders)
    again = simulate_outage(variant(**idle), 0)
    assert again.orders_lost == 0
    assert again.requests.sum() / orders == pytest.approx(1 / (1 - share), abs=4.5 * 0.56 / math.sqrt(orders))
    assert simulate_outage(variant(retries=0, **{**idle, "error_rate": 0}), 0).orders_lost == 0


def test_newest_first_keeps_the_mean_wait_of_the_queue_and_spreads_it():
    """The order of service does not change how much waits, so the mean is Erlang's; some wait far longer."""
    calm = {"outage_seconds": 0, "timeout": 1e3, "horizon": 50.0}
    pairs = [[simulate_outage(variant(newest_first=n, **calm), seed).wait for n in (False, True)] for seed in range(8)]
    means = [newest.mean() for _, newest in pairs]
    exact = mmc_mean_wait(10, 8, service_seconds=0.2)
    assert abs(np.mean(means) - exact) < 4.5 * np.std(means, ddof=1) / math.sqrt(8)
    assert np.mean([newest.max() / oldest.max() for oldest, newest in pairs]) > 2


def test_what_has_waited_too_long_is_dropped_when_its_turn_comes():
    stall = {"stalls": True, "retries": 0, "load": 0.6, "outage_seconds": 8.0}
    trace = simulate_outage(variant(longest_wait=0.5, **stall), 0)
    assert 0.4 < trace.wait.max() <= 0.5
    assert trace.confirmed[19:].sum() > 0.95 * trace.placed[19:].sum()  # no dead work is left after the repair
    patient = simulate_outage(variant(**stall), 0)
    assert patient.confirmed[19:25].sum() == 0
    assert patient.wait.max() > 7


def test_who_is_dropped_before_the_timeout_may_try_again():
    trace = simulate_outage(variant(longest_wait=0.05, load=0.9, outage_seconds=0), 1)
    assert trace.requests.sum() > 1.1 * trace.placed.sum()
    assert trace.orders_lost < 0.02 * trace.placed.sum()


def test_an_emptied_queue_leaves_no_dead_work():
    stall = variant(stalls=True, retries=0, load=0.8, outage_seconds=8.0)
    emptied = simulate_outage(replace(stall, emptied_at=20.0), 0)
    assert emptied.confirmed[13:17].sum() == 0  # in the stall all the same
    assert emptied.confirmed[21:].sum() > 0.95 * emptied.placed[21:].sum()
    assert simulate_outage(stall, 0).confirmed[21:30].sum() == 0
    again = simulate_outage(replace(stall, emptied_at=20.0, retries=1), 0)
    assert again.requests[20] > 1.5 * emptied.requests[20]  # those thrown out were told, and came back


def test_refusing_takes_the_time_of_workers():
    """A saturated server is busy all the time: services × mean + refusals × cost = workers × seconds."""
    seconds = 40.0
    rush = {"load": 3.0, "retries": 0, "queue_limit": 20, "outage_seconds": 0, "horizon": seconds}
    answers = []
    for cost in (0.0, 0.05):
        trace = simulate_outage(variant(refusal_seconds=cost, **rush), 0)
        refused = trace.requests.sum() - trace.answers.sum()
        assert trace.answers.sum() * 0.2 + refused * cost == pytest.approx(10 * seconds, rel=0.05)
        answers.append(trace.answers.sum())
    assert answers[1] < 0.8 * answers[0]


def test_refusals_of_an_outage_and_in_a_stall_leave_no_work_behind():
    for stalls in (False, True):
        free, dear = (
            simulate_outage(
                variant(retries=3, load=0.2, queue_limit=5, stalls=stalls, refusal_seconds=cost, outage_seconds=8.0), 0
            )
            for cost in (0.0, 0.5)
        )
        assert dear.confirmed[20:].sum() == free.confirmed[20:].sum() == free.placed[20:].sum()


def test_answers_are_counted_whether_or_not_somebody_waits():
    storm = simulate_outage(SHORT, 1)
    assert storm.answers[30:].mean() == pytest.approx(25, rel=0.1)  # the capacity: every worker is busy …
    assert storm.useful[30:].sum() == 0  # … for nobody
    calm = simulate_outage(variant(outage_seconds=0, timeout=20.0, retries=0), 1)
    assert (calm.answers == calm.useful).all()


def test_many_guards_have_an_equal_part_of_the_orders_each():
    class Never(Guard):
        gives_up = True

        def allows(self, now, attempt, rng):
            return False

    trace = simulate_outage(variant(outage_seconds=0, load=0.5), 2, guard=[NoGuard(), NoGuard(), Never(), NoGuard()])
    orders = trace.placed.sum()
    assert abs(trace.orders_lost / orders - 1 / 4) < 4.5 * math.sqrt(3 / 16 / orders)
    assert trace.requests.sum() == pytest.approx(trace.confirmed.sum(), rel=0.02)


def test_a_list_of_one_guard_is_that_guard():
    alone, listed = (simulate_outage(SHORT, 1, guard=guard) for guard in (RetryBudget(), [RetryBudget()]))
    assert all(np.array_equal(a, b) for a, b in zip(alone, listed, strict=True))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simulate_outage(None, 0), "scenario"),
        (lambda: simulate_outage(SHORT, 0, guard=RetryBudget), "guard"),
        (lambda: simulate_outage(SHORT, 0, guard=3), "guard"),
        (lambda: simulate_outage(SHORT, 0, guard=[]), "guard"),
        (lambda: simulate_outage(SHORT, 0, guard=[NoGuard(), 3]), "guard"),
        (lambda: simulate_outage(SHORT, 0, guard=[NoGuard()] * 2 + [CircuitBreaker()] * 2), "guard"),
        (lambda: simulate_outage(SHORT, -1), "seed"),
        (lambda: simulate_outage(SHORT, 1.5), "seed"),
        (lambda: simulate_outage(variant(horizon=1e15), 0), "scenario"),
        (lambda: simulate_outage(variant(load=1e12, outage_seconds=0), 0), "scenario"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} .*must .*got .*; "):
        call()
