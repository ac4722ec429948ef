"""Modulo, jump and rendezvous hashing against published buckets and exact laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.systems.hashing.key_hash import hash_key
from utils.systems.hashing.placement import jump_hash, modulo_hash, rendezvous_hash

TEXTS = np.array([f"user:{i}" for i in range(20_000)])
NODE_LISTS = st.lists(st.text("abcxyz", min_size=1, max_size=3), min_size=2, max_size=6, unique=True)


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


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 20))
def test_jump_hash_moves_keys_to_new_buckets_only(n_buckets, more):
    before, after = jump_hash(TEXTS[:500], n_buckets), jump_hash(TEXTS[:500], n_buckets + more)
    assert (after[before != after] >= n_buckets).all()
    assert after.max() < n_buckets + more


def test_rendezvous_shares_follow_the_weights():
    weights = {"b": 2.0, "c": 3.5}
    names, counts = np.unique(rendezvous_hash(TEXTS, ["a", "b", "c"], weights=weights), return_counts=True)
    expected = np.array([1, 2, 3.5]) / 6.5 * len(TEXTS)
    assert names.tolist() == ["a", "b", "c"]
    assert stats.chisquare(counts, expected).pvalue > 1e-6


@settings(max_examples=40, deadline=None)
@given(NODE_LISTS, st.randoms(use_true_random=False))
def test_rendezvous_moves_only_the_keys_of_the_lost_node_in_any_order_of_nodes(nodes, random):
    before, after = rendezvous_hash(TEXTS[:300], nodes), rendezvous_hash(TEXTS[:300], nodes[1:])
    assert set(before[before != after].tolist()) <= {nodes[0]}
    assert nodes[0] not in after
    shuffled = random.sample(nodes, len(nodes))
    assert (rendezvous_hash(TEXTS[:300], shuffled) == before).all()
    assert rendezvous_hash(TEXTS[0].item(), nodes) == before[0]


@settings(deadline=None)
@given(st.floats(1.0, 5.0))
def test_a_greater_weight_only_draws_keys_to_its_node(weight):
    before = rendezvous_hash(TEXTS[:500], ["a", "b", "c"])
    after = rendezvous_hash(TEXTS[:500], ["a", "b", "c"], weights={"b": weight})
    assert set(after[before != after].tolist()) <= {"b"}


def test_huge_weights_share_as_small_ones_do():
    small = rendezvous_hash(TEXTS[:500], ["a", "b"], weights={"a": 1.0, "b": 2.0})
    huge = rendezvous_hash(TEXTS[:500], ["a", "b"], weights={"a": 2.0**1022, "b": 2.0**1023})
    assert (small == huge).all()
    lopsided = rendezvous_hash(TEXTS[:500], ["a", "b"], weights={"a": 1e-300, "b": 1e300})
    assert set(lopsided.tolist()) == {"b"}


@pytest.mark.parametrize("number", [0, -1, 1.5, float("nan"), True, "3", 2**31, 2**64])
def test_numbers_of_buckets_that_are_none_or_too_large_are_refused(number):
    with pytest.raises(ValueError, match=r"^n_nodes must .*got .*; "):
        modulo_hash("k", number)
    with pytest.raises(ValueError, match=r"^n_buckets must .*got .*; "):
        jump_hash("k", number)


def test_the_largest_number_of_buckets_is_taken():
    assert 0 <= jump_hash("k", 2**31 - 1) < 2**31 - 1
    assert modulo_hash("k", 2**31 - 1) == hash_key("k") % (2**31 - 1)
    with pytest.raises(ValueError, match="keys must"):
        jump_hash([], 3)
