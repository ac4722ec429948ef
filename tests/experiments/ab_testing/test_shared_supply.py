"""First come, first served, against the loop that a person would write."""

import numpy as np
import pandas as pd
import pytest

from utils.experiments.ab_testing.shared_supply import orders_in_line, within_capacity


def one_by_one(asked, group, capacity):
    left, served = list(capacity), []
    for wants, g in zip(asked, group, strict=True):
        served.append(bool(wants) and left[g] > 0)
        left[g] -= served[-1]
    return served


def test_serves_like_a_queue_in_every_run():
    rng = np.random.default_rng(8)
    group, capacity = np.sort(rng.integers(0, 7, 200)), rng.integers(0, 25, 7)
    asked = rng.random((30, 200)) < 0.6
    together = within_capacity(asked, group, capacity)
    assert together.tolist() == [one_by_one(row, group, capacity) for row in asked]
    assert within_capacity(asked[3], group, capacity).tolist() == together[3].tolist()


def test_groups_without_orders_are_allowed_and_start_where_they_start():
    assert within_capacity([1, 1, 1], [2, 2, 5], [0, 0, 1, 0, 0, 1]).tolist() == [True, False, True]


def test_capacity_meets_its_group_by_number():
    capacity = pd.Series([2, 0, 1], index=[2, 0, 1])
    assert within_capacity([1, 1, 1, 1], [0, 1, 2, 2], capacity).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([True, True], [0], [1]), "group must have one entry an order"),
        (([], [], [1]), "group must have one entry an order"),
        (([True], [[0]], [1]), "group must have one entry an order"),
        (([True, True], [1, 0], [1, 1]), "group must be whole numbers that rise"),
        (([True] * 3, np.array([0, 2, 1], np.uint64), [1] * 3), "group must be whole numbers that rise"),
        (([True, np.nan], [0, 0], [1]), "asked must be True or False"),
        (([True, None], [0, 0], [1]), "asked must be True or False"),
        ((["False", "True"], [0, 0], [1]), "asked must be True or False"),
        (([True, 2], [0, 0], [1]), "asked must be True or False"),
        (([True], [0], [[1]]), "capacity must have one dimension"),
        (([True], [-1], [1]), "group must be whole numbers that rise"),
        (([True], [0.5], [1]), "group must be whole numbers that rise"),
        (([True], [1], [1]), "capacity must be non-negative, one a group"),
        (([True], [0], [-1]), "capacity must be non-negative, one a group"),
        (([True], [0], [1, -1]), "capacity must be non-negative, one a group"),
        (([True], [0], [np.nan]), "capacity must be finite"),
        (([True], [0], []), "capacity must not be empty"),
    ],
)
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        within_capacity(*arguments)


def test_orders_stand_in_line_as_a_loop_would_put_them():
    rng = np.random.default_rng(3)
    counts, group = rng.poisson(0.8, (2, 60)), rng.integers(0, 5, 60)
    line = [
        (visit, version)
        for g in range(5)
        for visit in range(60)
        if group[visit] == g
        for version in (0, 1)
        for _ in range(counts[version, visit])
    ]
    assert list(zip(*orders_in_line(counts, group), strict=True)) == line


def test_malformed_counts_are_refused():
    for counts, group, said in (
        ([[1, 2]], [0], "one whole number a visit"),
        ([[1, 2]], [0.0, 1.0], "one whole number a visit"),
        ([[1.5, 2]], [0, 1], "counts must be whole"),
        ([[-1, 2]], [0, 1], "counts"),
        ([1, 2], [0, 1], "counts"),
    ):
        with pytest.raises(ValueError, match=said):
            orders_in_line(counts, group)
