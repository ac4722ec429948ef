"""Names and weights of nodes: what is refused wherever nodes are named."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from utils.systems.hashing.bounded_loads import BoundedLoadRing
from utils.systems.hashing.nodes import distinct_nodes, name_array, node_weights
from utils.systems.hashing.placement import rendezvous_hash
from utils.systems.hashing.ring import HashRing


@pytest.mark.parametrize("nodes", [[], "abc", ["a", "a"], ["1", 1], [1.5], [None], None, [True]])
@pytest.mark.parametrize("make", [HashRing, BoundedLoadRing, lambda nodes: rendezvous_hash("k", nodes)])
def test_unusable_nodes_are_refused(make, nodes):
    with pytest.raises(ValueError, match="nodes must"):
        make(nodes)


@pytest.mark.parametrize(
    "weights",
    [
        {"a": 0},
        {"a": -1},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "2"},
        {"z": 1},
        [1, 2],
        pd.Series({"a": 1.0, "z": 2.0}),
        pd.Series([1.0, 2.0], index=["a", "a"]),
    ],
)
def test_unusable_weights_are_refused(weights):
    for make in (HashRing, BoundedLoadRing, lambda nodes, weights: rendezvous_hash("k", nodes, weights=weights)):
        with pytest.raises(ValueError, match=r"^weights.* must .*got .*; "):
            make(["a", "b"], weights=weights)


def test_nodes_may_come_in_any_ordered_container():
    for nodes in (("a", "b"), np.array(["a", "b"]), pd.Series(["a", "b"], index=[7, 3]), pd.Index(["a", "b"])):
        assert distinct_nodes(nodes) == ["a", "b"]
    assert distinct_nodes(np.array([3, 1])) == [3, 1]
    assert type(distinct_nodes(np.array([3, 1]))[0]) is int


def test_weights_follow_the_names_whatever_their_order_or_container():
    for weights in ({"c": 3, "a": 2}, pd.Series([3, 2], index=["c", "a"]), {"a": np.float32(2), "c": Fraction(3)}):
        assert node_weights(["a", "b", "c"], weights).tolist() == [2.0, 1.0, 3.0]
    assert node_weights([1, 2], {np.int64(2): 5}).tolist() == [1.0, 5.0]
    assert node_weights(["a"], None).tolist() == [1.0]


def test_names_keep_their_types_in_an_array():
    assert name_array(["a", "b"]).dtype.kind == "U"
    assert name_array([1, 2]).dtype.kind == "i"
    assert name_array(["a", 1]).tolist() == ["a", 1]


@pytest.mark.parametrize("loads", [{"a": -1}, {"a": float("nan")}, {"a": 1.5}, {"a": "1"}, {"c": 1}, [1], 3])
def test_unusable_loads_are_refused(loads):
    with pytest.raises(ValueError, match=r"^loads.* must .*got .*; "):
        BoundedLoadRing(["a", "b"]).lookup("k", loads)
