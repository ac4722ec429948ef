"""The cache tier against closed forms: renewal theory, Pollaczek and Khinchine, and counts that must add up."""

import numpy as np
import pandas as pd
import pytest

from utils.systems.hashing.cache_tier import simulate_cache_tier, steady_miss_rate
from utils.systems.hashing.database import Database
from utils.systems.hashing.traffic import Requests, draw_requests, zipf_shares

PLENTY = Database(capacity=1e9, max_wait=1.0)


def serve(requests, before, after=None, *, database=PLENTY, lost_at=1e9, ttl=60.0, seed=0, **options):
    after = before if after is None else after
    rng = np.random.default_rng(seed)
    return simulate_cache_tier(requests, before, after, lost_at=lost_at, ttl=ttl, database=database, rng=rng, **options)


def test_the_warm_tier_misses_as_renewal_theory_says_from_the_first_second():
    shares, rate, ttl, seconds = zipf_shares(2000, 0.9), 1000, 50, 40
    requests = draw_requests(shares, rate, seconds, rng=np.random.default_rng(2))
    timeline = serve(requests, np.zeros(2000, dtype=int), ttl=ttl)
    misses = timeline.requests - timeline.hits
    expected = steady_miss_rate(shares, rate, ttl)
    # misses of a key are less variable than Poisson: five standard deviations, and 1% for rates seen in one run
    for part in (slice(0, 5), slice(0, 40)):
        n = len(misses[part])
        assert abs(misses[part].sum() - n * expected) < 5 * np.sqrt(n * expected) + 0.01 * n * expected


def test_steady_miss_rate_has_its_limits():
    assert steady_miss_rate([1.0], rate=10, ttl=1e9) == pytest.approx(1e-9)  # one miss a life
    assert steady_miss_rate([0.5, 0.5], rate=10, ttl=1e-9) == pytest.approx(10)  # nothing is kept


def test_every_request_is_a_hit_a_query_refused_or_overloaded_and_a_busy_database_serves_its_capacity():
    requests = draw_requests(np.full(5000, 1 / 5000), 2000, 12, rng=np.random.default_rng(3))
    lost = serve(requests, np.zeros(5000, dtype=int), np.ones(5000, dtype=int), lost_at=4, ttl=1e6,
                 database=Database(100, max_wait=0.5))  # fmt: skip
    queries = lost.requests - lost.hits - lost.refused - lost.overloaded
    assert lost.requests.sum() == len(requests.time)
    assert lost.overloaded.sum() == 0
    assert queries[:4].max() <= 12  # warm: an entry that lives 11 days hardly expires
    assert queries[4] == pytest.approx(150, abs=2)  # a second's capacity, and the queue of half a second
    assert queries[5:11] == pytest.approx(np.full(6, 100), abs=1)
    assert lost.refused[:4].sum() == 0 < lost.refused[4]


def test_waits_for_the_database_are_those_of_an_m_d_1_queue():
    # every key once: all miss, Poisson in time; mean wait ρ / (2 μ (1 − ρ)) by Pollaczek and Khinchine
    rng = np.random.default_rng(4)
    mu, rho, seconds = 100.0, 0.7, 2000
    time = np.sort(rng.uniform(0, seconds, rng.poisson(rho * mu * seconds)))
    requests = Requests(time, np.arange(len(time)))
    nodes = np.zeros(len(time), dtype=int)
    timeline = serve(requests, nodes, nodes + 1, lost_at=0, ttl=1e9, database=Database(mu, 1e6), query_seconds=0.01)
    latency = np.nansum(timeline.mean_latency * timeline.requests) / timeline.requests.sum()
    wait = rho / (2 * mu * (1 - rho))
    assert timeline.hits.sum() == 0
    assert latency == pytest.approx(wait + 1 / mu + 0.01, abs=0.1 * wait)  # 140,000 waits: standard error 1–2%


def test_a_filled_entry_is_hit_until_it_expires():
    time = np.array([0.0, 0.05, 1.0, 1.9, 2.5, 4.9])  # query of 0.1 s at time 0 fills until 2.1
    requests = Requests(time, np.zeros(6, dtype=int))
    timeline = serve(requests, [0], [1], lost_at=0, ttl=2, database=Database(10, 5), query_seconds=0.0)
    assert timeline.hits.tolist() == [0, 2, 0, 0, 0]  # 0.05 is asked twice, 2.5 and 4.9 (after 4.6) come too late
    assert timeline.mean_latency[:3] == pytest.approx([(0.1 + 0.15) / 2, 0.001, 0.1])
    assert np.isnan(timeline.mean_latency[3])


def test_coalesced_misses_wait_for_the_query_that_is_under_way():
    time = np.array([0.0, 0.05, 0.08, 2.5, 2.6])  # a query takes 0.1 s; what it fills at 0.1 expires at 2.1
    requests = Requests(time, np.array([0, 0, 1, 0, 1]))
    timeline = serve(requests, [0, 0], [1, 1], lost_at=0, ttl=2, database=Database(10, 5), query_seconds=0.0,
                     coalesced=True)  # fmt: skip
    assert timeline.hits.tolist() == [0, 0, 0]
    # 0.05 waits for the query of 0.0; key 1 at 0.08 stands behind that query only; both have expired at 2.5
    assert timeline.mean_latency[[0, 2]] == pytest.approx([(0.1 + 0.05 + 0.12) / 3, 0.1])


def test_coalesced_misses_of_many_visitors_are_one_query_an_entry():
    requests = draw_requests(np.full(50, 0.02), 2000, 6, rng=np.random.default_rng(9))
    for coalesced, most_refused in ((True, 0), (False, np.inf)):
        timeline = serve(requests, np.zeros(50, dtype=int), np.ones(50, dtype=int), lost_at=3, ttl=1e6,
                         database=Database(50, max_wait=1.0), coalesced=coalesced)  # fmt: skip
        assert timeline.refused.sum() <= most_refused
    assert timeline.refused.sum() > 500  # fifty queries fill one second; without coalescing duplicates push them out


def test_at_first_only_the_home_of_a_key_is_warm():
    requests = Requests(np.arange(1, 9) / 4, np.zeros(8, dtype=int))
    node = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    for home, hits in (([0], 7), ([1], 7), ([2], 6), (None, 8)):
        assert serve(requests, node, ttl=1e7, home=home).hits.sum() == hits
    assert serve(requests, node, ttl=1e7, home=1 - node).hits.sum() == 8  # a home for each request
    with pytest.raises(ValueError, match="home must"):
        serve(requests, node, home=[0.5])


def test_only_keys_that_move_are_missed_when_a_node_is_lost():
    requests = draw_requests(np.full(100, 0.01), 1000, 10, rng=np.random.default_rng(5))
    before, after = np.arange(100) % 10, np.arange(100) % 10
    after[before == 3] = 4
    timeline = serve(requests, before, after, lost_at=5, ttl=1e7)
    misses = timeline.requests - timeline.hits
    assert misses[[0, 1, 2, 3, 4, 6, 7, 8, 9]].sum() == 0
    assert 10 <= misses[5] <= 30  # ten keys, each asked ten times a second: about once more in the tick it is filled


def test_a_node_serves_no_more_than_its_capacity():
    requests = draw_requests([1.0], 1000, 10, rng=np.random.default_rng(6))
    timeline = serve(requests, [0], ttl=1e7, node_capacity=400)
    assert (timeline.hits[1:9] == 400).all()
    assert (timeline.overloaded + timeline.hits == timeline.requests).all()
    spread = serve(requests, np.arange(len(requests.time)) % 5, ttl=1e7, node_capacity=400)
    assert spread.overloaded.sum() == 0


def test_requests_may_be_routed_one_by_one_also_where_they_are_fewer_than_the_keys():
    requests = Requests(np.array([0.0, 1.0, 2.0, 3.0]), np.array([9, 9, 9, 9]))
    timeline = serve(requests, [0, 1, 0, 1], [2, 3, 2, 3], lost_at=0, ttl=100)
    assert timeline.hits.tolist() == [0, 0, 1, 1]  # cold nodes 2 and 3: each is filled by its first request
    with pytest.raises(ValueError, match="after must"):
        serve(requests, [0, 1, 0, 1], [0] * 9)


def test_a_capacity_is_kept_over_the_second_where_a_tick_has_no_whole_number_of_requests():
    requests = draw_requests([1.0], 2000, 4, rng=np.random.default_rng(7))
    for capacity in (3, 405):
        timeline = serve(requests, [0], ttl=1e7, node_capacity=capacity)
        assert timeline.hits[:3].tolist() == [capacity] * 3


def test_routings_may_be_series_indexed_by_the_keys_in_any_order():
    requests = draw_requests(np.full(4, 0.25), 100, 5, rng=np.random.default_rng(8))
    nodes = pd.Series([0, 1, 2, 0])
    expected = serve(requests, nodes.to_numpy(), nodes.to_numpy() + 3, lost_at=2)
    found = serve(requests, nodes.iloc[::-1], nodes.iloc[[2, 0, 3, 1]] + 3, lost_at=2)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(expected, found, strict=True))
    with pytest.raises(ValueError, match=r"^before must be indexed by 0 … 3, got \['a'"):
        serve(requests, nodes.set_axis(list("abcd")))


def test_keys_of_any_integer_type_are_served_alike():
    time, key = np.array([0.5, 1.0, 1.5]), [3, 0, 3]
    results = [
        serve(Requests(time, np.array(key, dtype=kind)), np.zeros(4, dtype=kind), ttl=5.0)
        for kind in (np.int8, np.uint64, np.int64)
    ]
    assert all(np.array_equal(results[0], other) for other in results[1:])


ONE_REQUEST = Requests(np.array([1.0]), np.array([0]))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: steady_miss_rate([-0.1], 1, 1), "shares"),
        (lambda: steady_miss_rate([0.5, -0.1], 1, 1), "shares"),
        (lambda: steady_miss_rate([0.5, np.inf], 1, 1), "shares"),
        (lambda: steady_miss_rate([0.5, np.nan], 1, 1), "shares"),
        (lambda: steady_miss_rate([1.0], 0, 1), "rate"),
        (lambda: steady_miss_rate([1.0], 1, float("inf")), "ttl"),
        (lambda: serve(ONE_REQUEST, [0], coalesced=1), "coalesced"),
        (lambda: serve(ONE_REQUEST, [0], home=[-1]), "home"),
        (lambda: Database(0), "capacity"),
        (lambda: Database(1, -1), "max_wait"),
        (lambda: Database("9"), "capacity"),
        (lambda: serve(Requests(np.array([]), np.array([], dtype=int)), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0, 0.5]), np.array([0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0, 0.5, 2.0]), np.array([0, 0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0, np.nan]), np.array([0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([-1.0, 1.0]), np.array([0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([0.0, 0.0]), np.array([0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0]), np.array([0, 0])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0]), np.array([0.5])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0]), np.array([-1])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.0]), np.array([2**62])), [0]), "requests"),
        (lambda: serve(Requests(np.array([1.7e18]), np.array([0])), [0]), "requests"),
        (lambda: serve(ONE_REQUEST, [0], tick=1e-15), "requests"),
        (lambda: serve(Requests(np.array([1.0]), np.array([10**8 - 1])), [10**8 - 1]), "requests"),
        (lambda: serve(ONE_REQUEST, [2**62]), "before"),
        (lambda: serve(Requests(np.array([1.0, 2.0]), np.array([1, 1])), [0]), "before"),
        (lambda: serve(ONE_REQUEST, []), "before"),
        (lambda: serve(ONE_REQUEST, [0], [-1]), "after"),
        (lambda: serve(Requests(np.array([1.0, 2.0]), np.array([0, 1])), [0, 0], [0, -1]), "after"),
        (lambda: serve(ONE_REQUEST, [0.5]), "before"),
        (lambda: serve(ONE_REQUEST, [0], ttl=0), "ttl"),
        (lambda: serve(ONE_REQUEST, [0], node_capacity=0), "node_capacity"),
        (lambda: serve(ONE_REQUEST, [0], tick=-1), "tick"),
        (lambda: serve(ONE_REQUEST, [0], lost_at=np.nan), "lost_at"),
        (lambda: serve(ONE_REQUEST, [0], hit_seconds=-1), "hit_seconds"),
        (lambda: serve(ONE_REQUEST, [0], query_seconds=np.inf), "query_seconds"),
        (lambda: serve(ONE_REQUEST, [0], database=100), "database"),
        (lambda: simulate_cache_tier(ONE_REQUEST, [0], [0], lost_at=1, ttl=1, database=PLENTY, rng=None), "rng"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()


def test_a_short_run_starts_from_the_steady_state_of_the_rates_that_it_is_given() -> None:
    shares = zipf_shares(5_000, 0.9)
    requests = draw_requests(shares, 200, 20, rng=np.random.default_rng(0))
    home = np.zeros(5_000, dtype=int)

    def misses(**how: np.ndarray) -> float:
        database, rng = Database(1_000), np.random.default_rng(1)
        timeline = simulate_cache_tier(requests, home, home, lost_at=30, ttl=600, database=database, rng=rng, **how)
        return (timeline.requests - timeline.hits).mean()

    steady = steady_miss_rate(shares, 200, 600)
    assert abs(misses(key_rate=200 * shares) / steady - 1) < 0.25
    assert misses() < 0.6 * steady  # what was asked in 20 seconds says little of ten minutes
    with pytest.raises(ValueError, match="key_rate must have a rate for each key"):
        misses(key_rate=np.ones(3))
