"""The hash ring against uhashring, closed forms and its promise to move no other keys."""

import numpy as np
import pytest
import uhashring
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.systems.hashing import ring as ring_module
from utils.systems.hashing.key_hash import hash_key, hash_keys
from utils.systems.hashing.ring import HashRing

NODES = [f"cache-{i}" for i in range(10)]
TEXTS = np.array([f"user:{i}" for i in range(20_000)])
NODE_LISTS = st.lists(st.text("abcxyz", min_size=1, max_size=3), min_size=2, max_size=6, unique=True)


def test_ring_agrees_with_uhashring_given_the_same_points():
    ring, peer = HashRing(NODES, 160), uhashring.HashRing(NODES, vnodes=160, hash_fn=hash_key)
    assert ring.points.tolist() == sorted(peer.ring)
    assert ring.lookup(TEXTS[:5000]).tolist() == [peer.get_node(key) for key in TEXTS[:5000].tolist()]
    for key in TEXTS[:50].tolist():
        assert ring.replicas(key, 4) == [node["nodename"] for node in peer.range(key, size=4)]


def test_weighted_ring_agrees_with_uhashring():
    ring = HashRing(NODES[:3], 40, weights={NODES[1]: 3})
    peer = uhashring.HashRing({NODES[0]: 1, NODES[1]: 3, NODES[2]: 1}, vnodes=40, hash_fn=hash_key)
    assert ring.lookup(TEXTS[:5000]).tolist() == [peer.get_node(key) for key in TEXTS[:5000].tolist()]
    assert np.bincount(ring.owners).tolist() == [40, 120, 40]


def test_ring_moves_as_many_keys_as_uhashring_with_its_own_md5():
    # the new node's arc is Beta(V, 10 V), as spacings of uniform points are; 0.02 is five standard errors of 5,000 keys
    keys, arc = TEXTS[:5000].tolist(), stats.beta(160, 1600)
    ours = [np.array(HashRing(NODES[:n] + ["new"] * extra).lookup(keys)) for n, extra in ((10, 0), (10, 1))]
    peers = [uhashring.HashRing(NODES[:n] + ["new"] * extra, vnodes=160) for n, extra in ((10, 0), (10, 1))]
    theirs = [np.array([peer.get_node(key) for key in keys]) for peer in peers]
    for before, after in (ours, theirs):
        assert arc.ppf(1e-6) - 0.02 < (before != after).mean() < arc.isf(1e-6) + 0.02


def test_a_key_at_a_point_belongs_to_that_point_and_after_the_last_point_to_the_first():
    ring = HashRing(["a", "b", "c"], 3)
    for node in ring.nodes:
        for i in range(3):
            assert ring.lookup(f"{node}-{i}") == ring.lookup([f"{node}-{i}"])[0] == node
    after_last = TEXTS[hash_keys(TEXTS) > ring.points[-1]]
    assert len(after_last)
    assert set(ring.lookup(after_last).tolist()) == {ring.nodes[ring.owners[0]]}


def test_ring_shares_are_the_loads_of_many_keys_and_add_up_to_one():
    ring = HashRing(NODES, 5)
    assert ring.shares().sum() == pytest.approx(1)
    counts = np.bincount(ring.lookup_index(np.arange(100_000)), minlength=10)
    assert stats.chisquare(counts, ring.shares() * 100_000).pvalue > 1e-6
    assert HashRing(["only"], 1).shares().tolist() == [1.0]


def test_without_virtual_nodes_the_hottest_of_n_nodes_has_the_nth_harmonic_number_times_the_mean():
    # E[max spacing] = H_N / N; its variance is at most Σ 1/k² / N²: 400 rings, six standard errors
    for n in (10, 100):
        hottest = [n * HashRing([f"{ring}/{i}" for i in range(n)], 1).shares().max() for ring in range(400)]
        harmonic = np.sum(1 / np.arange(1, n + 1))
        assert abs(np.mean(hottest) - harmonic) < 6 * np.pi / np.sqrt(6 * 400)


@pytest.mark.parametrize("virtual_nodes", [1, 10, 100])
def test_loads_vary_by_the_closed_form_for_virtual_nodes(virtual_nodes):
    # CV² = (N − 1)/(N V + 1), the variance of a Beta(V, (N − 1) V) share; 200 rings of 10 nodes
    shares = np.array([HashRing([f"{ring}/{i}" for i in range(10)], virtual_nodes).shares() for ring in range(200)])
    squares = (shares * 10 - 1) ** 2
    standard_error = squares.mean(axis=1).std(ddof=1) / np.sqrt(200)
    assert abs(squares.mean() - 9 / (10 * virtual_nodes + 1)) < 5 * standard_error


@settings(max_examples=60, deadline=None)
@given(NODE_LISTS, st.integers(1, 20), st.randoms(use_true_random=False))
def test_ring_moves_only_the_keys_of_the_changed_node_in_any_order_of_nodes(nodes, virtual_nodes, random):
    ring, smaller = HashRing(nodes, virtual_nodes), HashRing(nodes, virtual_nodes).without_node(nodes[0])
    before, after = ring.lookup(TEXTS[:300]), smaller.lookup(TEXTS[:300])
    assert set(before[before != after].tolist()) <= {nodes[0]}
    assert nodes[0] not in after
    assert (smaller.with_node(nodes[0]).lookup(TEXTS[:300]) == before).all()
    shuffled = HashRing(random.sample(nodes, len(nodes)), virtual_nodes)
    assert (shuffled.lookup(TEXTS[:300]) == before).all()
    assert [ring.lookup(key) for key in TEXTS[:30].tolist()] == before[:30].tolist()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 4), st.floats(0.1, 4))
def test_a_greater_weight_on_the_ring_only_draws_keys(light, heavy):
    light, heavy = sorted((light, heavy))
    ring = HashRing(["a", "b", "c"], 20, weights={"a": 2})
    before, after = ring.with_node("b", light), ring.with_node("b", heavy)
    moved = before.lookup(TEXTS[:500]) != after.lookup(TEXTS[:500])
    assert set(after.lookup(TEXTS[:500])[moved].tolist()) <= {"b"}
    assert after.weights == {"a": 2, "b": heavy, "c": 1}
    assert after.without_node("b").weights == {"a": 2, "c": 1}


def test_a_tiny_weight_still_has_a_point_and_integer_nodes_work():
    ring = HashRing([1, 2], 10, weights={2: 0.001})
    assert np.bincount(ring.owners).tolist() == [10, 1]
    assert ring.lookup("user:42") in (1, 2)


def test_node_names_keep_their_types_in_arrays():
    mixed = HashRing(["a", 1]).lookup(TEXTS[:100])
    assert set(mixed.tolist()) == {"a", 1}
    assert HashRing(["a", "b"]).lookup(TEXTS[:100]).dtype.kind == "U"
    assert HashRing([1, 2]).lookup(TEXTS[:100]).dtype.kind == "i"


def test_replicas_start_with_the_holder_and_are_all_different():
    ring = HashRing(NODES)
    for key in TEXTS[:50].tolist():
        replicas = ring.replicas(key, 10)
        assert replicas[0] == ring.lookup(key)
        assert sorted(replicas) == sorted(NODES)


@pytest.mark.parametrize("number", [0, -1, 1.5, float("nan"), True, "3", 10**400])
def test_numbers_of_points_that_are_none_or_too_large_are_refused(number):
    with pytest.raises(ValueError, match=r"^virtual_nodes must .*got .*; "):
        HashRing(["a"], number)


def test_as_many_points_as_fit_are_made(monkeypatch):
    monkeypatch.setattr(ring_module, "_MOST_POINTS", 40)
    assert len(HashRing(["a", "b"], 10, weights={"a": 3}).points) == 40
    for weights in ({"a": 3.2}, {"a": 1e308}):
        with pytest.raises(ValueError, match=r"^virtual_nodes must give at most 40 points in all, got 10 × weights"):
            HashRing(["a", "b"], 10, weights=weights)
    with pytest.raises(ValueError, match=r"^virtual_nodes must be at most 40, got 41; "):
        HashRing(["a"], 41)


def test_impossible_questions_to_a_ring_are_refused():
    ring = HashRing(["a", "b"])
    for n in (0, 3, 1.5, True):
        with pytest.raises(ValueError, match=r"^n must be .*got .*; "):
            ring.replicas("k", n)
    with pytest.raises(ValueError, match="node must be on the ring"):
        ring.without_node("c")
    with pytest.raises(ValueError, match="nodes must"):
        HashRing(["a"]).without_node("a")
    for ask in (ring.lookup, ring.lookup_index):
        with pytest.raises(ValueError, match="keys must"):
            ask([])
