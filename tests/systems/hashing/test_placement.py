"""Consistent hashing against published vectors, closed forms and uhashring."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import uhashring
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.systems.hashing.key_hash import fnv1a, hash_key, hash_keys, is_one_key, mix
from utils.systems.hashing.placement import BoundedLoadRing, HashRing, jump_hash, modulo_hash, rendezvous_hash

NODES = [f"cache-{i}" for i in range(10)]
TEXTS = np.array([f"user:{i}" for i in range(20_000)])
KEYS = st.one_of(
    st.lists(st.text(max_size=80), min_size=1, max_size=20),
    st.lists(st.binary(max_size=20), min_size=1, max_size=20),
    st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=20),
    st.lists(st.one_of(st.text(max_size=5), st.integers()), min_size=1, max_size=20),
)
NODE_LISTS = st.lists(st.text("abcxyz", min_size=1, max_size=3), min_size=2, max_size=6, unique=True)


# --- the hash of keys ---


@pytest.mark.parametrize(
    ("data", "expected"),  # from the suite of FNV's authors (test_fnv.c)
    [
        (b"", 0xCBF29CE484222325),
        (b"a", 0xAF63DC4C8601EC8C),
        (b"b", 0xAF63DF4C8601F1A5),
        (b"foobar", 0x85944171F73967E8),
    ],
)
def test_fnv1a_gives_the_published_values(data, expected):
    assert fnv1a(data) == expected


def test_mix_gives_the_published_stream_of_splitmix64():
    gamma, state, stream = 0x9E3779B97F4A7C15, 1234567, []
    for _ in range(3):
        stream.append(mix(state))
        state = (state + gamma) % 2**64
    assert stream == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_text_and_integer_hashes_are_the_published_parts_put_together():
    assert hash_key("foobar") == mix(0x85944171F73967E8)
    assert hash_key(7) == mix(7)
    assert hash_key(-1) == mix(2**64 - 1)
    assert hash_key(2**64) == hash_key(str(2**64))
    assert hash_key(-(2**63) - 1) == hash_key(str(-(2**63) - 1))
    assert hash_key(2**64 - 1) == mix(2**64 - 1)
    assert hash_key("42") != hash_key(42)


@given(KEYS)
def test_an_array_of_keys_has_the_hashes_of_its_keys(keys):
    assert hash_keys(keys).tolist() == [hash_key(key) for key in keys]


@pytest.mark.parametrize(
    "keys",
    [
        np.array(["a", "日本", "", "x" * 70]),
        np.array(["a", "bb"], dtype=">U2"),
        np.array([b"a", b"abc"]),
        np.array([-1, 5], dtype=np.int8),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array(["a", 3], dtype=object),
        pd.Series(["a", "bé"]),
        pd.Series([1, 2]),
        TEXTS[::-1],
        np.arange(-9000, 20_000, 3)[::2],
    ],
)
def test_every_kind_of_array_has_the_hashes_of_its_keys(keys):
    assert hash_keys(keys).tolist() == [hash_key(key) for key in keys]


def test_hashes_do_not_depend_on_the_process():
    code = "from utils.systems.hashing.key_hash import hash_key; print(hash_key('user:42'), hash_key(42))"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert runs == {f"{hash_key('user:42')} {hash_key(42)}\n"}


@pytest.mark.parametrize("bit_range", [slice(0, 10), slice(54, 64)], ids=["low", "high"])
@pytest.mark.parametrize("keys", [np.arange(50_000), TEXTS], ids=["integers", "texts"])
def test_serial_keys_spread_evenly_in_the_high_and_the_low_bits(keys, bit_range):
    bins = (hash_keys(keys) >> np.uint64(bit_range.start)) % np.uint64(1024)
    statistic = stats.chisquare(np.bincount(bins.astype(int), minlength=1024)).statistic
    assert stats.chi2(1023).ppf(1e-6) < statistic < stats.chi2(1023).isf(1e-6)


def test_one_key_is_told_from_an_array():
    assert all(map(is_one_key, ["a", b"a", 1, np.int8(1)]))
    assert not any(map(is_one_key, [["a"], True, np.array(["a"]), 1.5, None]))


@pytest.mark.parametrize("key", [1.5, None, float("nan"), True, ["a"]])
def test_a_key_of_another_type_is_refused(key):
    with pytest.raises(ValueError, match=r"key must be .* convert"):
        hash_key(key)


@pytest.mark.parametrize("keys", [[], [[1]], "abc", 5, [1.5], np.array([1.5]), np.array([True]), ["a", None], [True]])
def test_arrays_that_hold_no_keys_are_refused(keys):
    with pytest.raises(ValueError, match=r"keys? must be"):
        hash_keys(keys)


# --- modulo and jump ---


def test_modulo_moves_five_sixths_of_the_keys_from_five_to_six_nodes():
    moved = (modulo_hash(TEXTS, 5) != modulo_hash(TEXTS, 6)).sum()
    assert stats.binomtest(int(moved), len(TEXTS), 5 / 6).pvalue > 1e-6  # a hash stays only if h mod 30 < 5


def test_modulo_is_the_remainder_of_the_hash():
    assert modulo_hash("user:42", 7) == hash_key("user:42") % 7 == modulo_hash(["user:42"], 7)[0]


@pytest.mark.parametrize(
    ("key", "n_buckets", "bucket"),  # from the test suites of public implementations in Go, Elixir, Python, Lua
    [
        (1, 1, 0), (42, 57, 43), (0xDEAD10CC, 1, 0), (0xDEAD10CC, 666, 361), (256, 1024, 520), (0, 2, 0), (4, 2, 1),
        (7, 2, 0), (1, 128, 55), (129, 128, 120), (128, 100_000_000, 38_172_097), (2**64 - 1, 128, 92), (-42, 57, 8),
    ],
)  # fmt: skip
def test_jump_hash_gives_the_published_buckets(key, n_buckets, bucket):
    assert jump_hash(key, n_buckets) == bucket
    array = np.array([key, key], dtype=np.uint64 if key >= 0 else np.int64)
    assert jump_hash(array, n_buckets).tolist() == [bucket] * 2


def test_jump_hash_takes_texts_and_huge_integers_by_their_hash():
    assert jump_hash("user:42", 57) == jump_hash(["user:42"], 57)[0] == jump_hash(hash_key("user:42"), 57)
    assert jump_hash(2**64, 57) == jump_hash(hash_key(2**64), 57)
    assert jump_hash([42, 2**64, "user:42"], 57).tolist() == [43, jump_hash(2**64, 57), jump_hash("user:42", 57)]


@given(st.integers(1, 60), st.integers(1, 20))
def test_jump_hash_moves_keys_to_new_buckets_only(n_buckets, more):
    before, after = jump_hash(TEXTS[:500], n_buckets), jump_hash(TEXTS[:500], n_buckets + more)
    assert (after[before != after] >= n_buckets).all()
    assert after.max() < n_buckets + more


# --- rendezvous ---


def test_rendezvous_shares_follow_the_weights():
    weights = {"b": 2.0, "c": 3.5}
    names, counts = np.unique(rendezvous_hash(TEXTS, ["a", "b", "c"], weights=weights), return_counts=True)
    expected = np.array([1, 2, 3.5]) / 6.5 * len(TEXTS)
    assert names.tolist() == ["a", "b", "c"]
    assert stats.chisquare(counts, expected).pvalue > 1e-6


@settings(max_examples=40)
@given(NODE_LISTS, st.randoms(use_true_random=False))
def test_rendezvous_moves_only_the_keys_of_the_lost_node_in_any_order_of_nodes(nodes, random):
    before, after = rendezvous_hash(TEXTS[:300], nodes), rendezvous_hash(TEXTS[:300], nodes[1:])
    assert set(before[before != after].tolist()) <= {nodes[0]}
    assert nodes[0] not in after
    shuffled = random.sample(nodes, len(nodes))
    assert (rendezvous_hash(TEXTS[:300], shuffled) == before).all()
    assert rendezvous_hash(TEXTS[0].item(), nodes) == before[0]


@given(st.floats(1.0, 5.0))
def test_a_greater_weight_only_draws_keys_to_its_node(weight):
    before = rendezvous_hash(TEXTS[:500], ["a", "b", "c"])
    after = rendezvous_hash(TEXTS[:500], ["a", "b", "c"], weights={"b": weight})
    assert set(after[before != after].tolist()) <= {"b"}


# --- ring ---


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


@settings(max_examples=60)
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


@settings(max_examples=30)
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


# --- bounded loads ---


def one_after_the_other(ring, keys, capacities):
    loads, chosen = dict.fromkeys(ring.nodes, 0), []
    for key in keys:
        node = next(n for n in ring.replicas(key, len(ring.nodes)) if loads[n] < capacities[n])
        loads[node] += 1
        chosen.append(node)
    return chosen


@settings(max_examples=50, deadline=None)
@given(NODE_LISTS, st.integers(1, 6), st.floats(1.01, 2), st.lists(st.integers(0, 40), min_size=1, max_size=80))
def test_bounded_assignment_in_rounds_is_that_of_one_after_the_other(nodes, virtual_nodes, load_factor, keys):
    bounded = BoundedLoadRing(nodes, virtual_nodes, load_factor=load_factor, weights={nodes[0]: 2.5})
    capacities = dict(zip(nodes, bounded.capacities(len(keys)).tolist(), strict=True))
    assert bounded.assign(keys).tolist() == one_after_the_other(bounded.ring, keys, capacities)


def test_capacity_is_the_share_times_the_factor_rounded_up():
    ring = BoundedLoadRing(["a", "b"], load_factor=1.25, weights={"b": 3})
    assert ring.capacities(100).tolist() == [32, 94]  # ⌈31.25⌉, ⌈93.75⌉
    assert BoundedLoadRing(NODES, load_factor=1.1).capacities(100).tolist() == [11] * 10  # not ⌈11.000000000000002⌉


def test_no_node_goes_over_its_bound_and_a_loose_bound_changes_nothing():
    tight = BoundedLoadRing(NODES, 1, load_factor=1.05)
    assert np.bincount(tight.assign_index(TEXTS)).max() == tight.capacities(len(TEXTS))[0] == 2100
    loose = BoundedLoadRing(NODES, 160, load_factor=9.0)
    assert (loose.assign(TEXTS) == HashRing(NODES).lookup(TEXTS)).all()


def test_a_hot_key_overflows_clockwise():
    bounded = BoundedLoadRing(NODES, load_factor=1.25)
    first, second, third = bounded.ring.replicas("hot", 3)
    assert bounded.lookup("hot", {}) == first
    assert bounded.lookup("hot", {first: 3}) == second  # ⌈1.25 × 4 / 10⌉ = 1
    assert bounded.lookup("hot", {first: 1, second: 1}) == third
    assert bounded.lookup("hot", {first: 1, third: 9}) == first  # ⌈1.25 × 11 / 10⌉ = 2


# --- errors ---


@pytest.mark.parametrize("nodes", [[], "abc", ["a", "a"], ["1", 1], [1.5], [None], None, [True]])
@pytest.mark.parametrize("make", [HashRing, BoundedLoadRing, lambda nodes: rendezvous_hash("k", nodes)])
def test_unusable_nodes_are_refused(make, nodes):
    with pytest.raises(ValueError, match="nodes must"):
        make(nodes)


@pytest.mark.parametrize("weights", [{"a": 0}, {"a": -1}, {"a": float("nan")}, {"a": float("inf")}, {"z": 1}])
def test_unusable_weights_are_refused(weights):
    for make in (HashRing, BoundedLoadRing, lambda nodes, weights: rendezvous_hash("k", nodes, weights=weights)):
        with pytest.raises(ValueError, match="weights must"):
            make(["a", "b"], weights=weights)


@pytest.mark.parametrize("number", [0, -1, 1.5, float("nan"), True, "3"])
def test_numbers_that_are_no_counts_are_refused(number):
    with pytest.raises(ValueError, match="virtual_nodes must"):
        HashRing(["a"], number)
    with pytest.raises(ValueError, match="n_nodes must"):
        modulo_hash("k", number)
    with pytest.raises(ValueError, match="n_buckets must"):
        jump_hash("k", number)
    with pytest.raises(ValueError, match="load must"):
        BoundedLoadRing(["a"]).capacities(number)


@pytest.mark.parametrize("load_factor", [1, 0.5, float("nan"), float("inf"), "2"])
def test_a_load_factor_that_bounds_nothing_or_too_much_is_refused(load_factor):
    with pytest.raises(ValueError, match="load_factor must"):
        BoundedLoadRing(["a"], load_factor=load_factor)


def test_impossible_questions_to_a_ring_are_refused():
    ring = HashRing(["a", "b"])
    for n in (0, 3):
        with pytest.raises(ValueError, match="n must be between 1 and 2"):
            ring.replicas("k", n)
    with pytest.raises(ValueError, match="node must be on the ring"):
        ring.without_node("c")
    with pytest.raises(ValueError, match="nodes must"):
        HashRing(["a"]).without_node("a")
    with pytest.raises(ValueError, match="n_buckets must be below"):
        jump_hash("k", 2**31)
    for loads in ({"a": -1}, {"a": float("nan")}, {"c": 1}):
        with pytest.raises(ValueError, match="loads must"):
            BoundedLoadRing(["a", "b"]).lookup("k", loads)
    for ask in (ring.lookup, ring.lookup_index, BoundedLoadRing(["a"]).assign, lambda keys: jump_hash(keys, 3)):
        with pytest.raises(ValueError, match="keys must"):
            ask([])
