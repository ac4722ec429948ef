"""Bounded loads against taking the keys one after the other."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.systems.hashing.bounded_loads import BoundedLoadRing
from utils.systems.hashing.ring import HashRing

NODES = [f"cache-{i}" for i in range(10)]
TEXTS = np.array([f"user:{i}" for i in range(20_000)])
NODE_LISTS = st.lists(st.text("abcxyz", min_size=1, max_size=3), min_size=2, max_size=6, unique=True)


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


def test_loads_may_come_as_a_series_in_any_order():
    bounded = BoundedLoadRing(NODES, load_factor=1.25)
    first, second, third = bounded.ring.replicas("hot", 3)
    loads = {first: 1, second: 1, third: 0}
    for series in (pd.Series(loads), pd.Series(loads).iloc[::-1]):
        assert bounded.lookup("hot", series) == bounded.lookup("hot", loads) == third


def test_a_ring_of_one_node_with_many_points_is_built_and_takes_everything():
    bounded = BoundedLoadRing(["only"], 20_000)
    assert bounded.assign([1, 2, 3]).tolist() == ["only"] * 3


@pytest.mark.parametrize("load", [0, -1, 1.5, float("nan"), True, "3", 10**12 + 1])
def test_a_load_that_is_no_count_or_too_large_is_refused(load):
    with pytest.raises(ValueError, match=r"^load must .*got .*; "):
        BoundedLoadRing(["a"]).capacities(load)


def test_the_largest_load_fits():
    assert BoundedLoadRing(["a", "b"], load_factor=1e6).capacities(10**12).tolist() == [5 * 10**17] * 2
    with pytest.raises(ValueError, match="keys must"):
        BoundedLoadRing(["a"]).assign([])


@pytest.mark.parametrize("load_factor", [1, 0.5, float("nan"), float("inf"), "2", 1e7])
def test_a_load_factor_that_bounds_nothing_or_too_much_is_refused(load_factor):
    with pytest.raises(ValueError, match="load_factor must"):
        BoundedLoadRing(["a"], load_factor=load_factor)
