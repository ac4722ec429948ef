"""Exercises of lesson 10 against counted keys, a ring walked point by point and a table by hand; answers of others."""

import math
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    state,
)
from utils.exercises.consistent_hashing import EXERCISES

MOVED, REPLICAS, REPAIR = in_order(EXERCISES)


def counted(n_before, n_after):
    keys = np.arange(n_before * n_after)
    return np.mean(keys % n_before != keys % n_after)


def test_the_share_is_that_of_counted_keys():
    assert_solution_is(MOVED, counted, (1, 5), (6, 9), (100, 101), (15, 25))
    by_hand = {(5, 6): 5 / 6, (10, 9): 0.9, (10, 11): 10 / 11, (10, 20): 0.5, (4, 6): 2 / 3, (7, 7): 0, (12, 3): 0.75}
    assert_by_hand(MOVED, list(by_hand.items()))


def walked(points, owners, key_hash, n):
    """Go up hash by hash, as a ring of small whole numbers allows."""
    low = max(0, min(points) - 10**6)  # a ring of large hashes is walked from its first point on
    points, key_hash = [point - low for point in points], max(0, key_hash - low)
    found, hash_, size = [], key_hash, max(points) + 1
    for _ in range(2 * size + key_hash):
        if hash_ in points and owners[points.index(hash_)] not in found:
            found.append(owners[points.index(hash_)])
        hash_ = hash_ + 1 if hash_ < size else 0
    return found[:n]


def test_the_nodes_are_those_met_on_a_walk():
    rng = np.random.default_rng(0)
    more = []
    for _ in range(20):
        points = sorted(rng.choice(50, 9, replace=False).tolist())
        more.append(
            (points, rng.permutation(list("aaabbbccd")).tolist(), int(rng.integers(50)), int(rng.integers(1, 5)))
        )
    assert_solution_is(REPLICAS, walked, *more)


def test_the_nodes_were_read_off_a_drawn_ring():
    ring, by_hand = ([10, 20, 30, 40, 50, 60], list("aabcba")), []
    read = "5ab 30bca 45bac 61ab 20a 21b 60ab 35cb 0abc 10a 29b 31c 39cb 40cb 41ba 51abc 59a 61a 61abc"
    for key_hash, names in re.findall(r"(\d+)([a-c]+)", read):
        by_hand.append(((*ring, int(key_hash), len(names)), list(names)))
    ring, names = ([3, 4, 7, 90], ["west", "north", "west", "south"]), {"w": "west", "n": "north", "s": "south"}
    for key_hash, letters in re.findall(r"(\d+)([wns]+)", "2wn 3wn 4n 5wsn 8sw 89sw 90swn 91w 91wn 99wns"):
        by_hand.append(((*ring, int(key_hash), len(letters)), [names[letter] for letter in letters]))
    by_hand += [(([7], ["only"], key_hash, 1), ["only"]) for key_hash in (7, 8)]
    by_hand.append((([5, 6, 8], ["b", "b", "b"], 7, 1), ["b"]))
    by_hand.append((([2**63, 2**63 + 2], ["x", "y"], 2**63 + 1, 2), ["y", "x"]))
    assert_by_hand(REPLICAS, by_hand)


TABLE = [
    ((80, 250, 400, 70, 250, 600), "nothing"),
    ((450, 600, 400, 70, 250, 600), "split the key"),
    ((450, 600, 400, 70, 600, 300), "split the key"),
    ((80, 450, 400, 70, 250, 600), "spread the keys"),
    ((80, 450, 400, 70, 450, 300), "spread the keys"),
    ((80, 250, 400, 70, 250, 300), "protect the database"),
    ((80, 250, 400, 70, 290, 300), "protect the database"),
    ((80, 250, 400, 70, 250, 220), "protect the database"),
    ((395, 398, 400, 70, 250, 600), "nothing"),
    ((402, 404, 400, 70, 250, 600), "split the key"),
    ((250, 402, 400, 70, 250, 600), "spread the keys"),
    ((250, 300, 400, 70, 300, 380), "nothing"),
    ((250, 300, 400, 70, 300, 360), "protect the database"),
    ((80, 250, 400, 70, 320, 350), "protect the database"),
    ((80, 390, 400, 70, 250, 350), "nothing"),
    ((120, 140, 150, 30, 100, 128), "protect the database"),
    ((120, 140, 150, 30, 100, 132), "nothing"),
    ((120, 160, 150, 30, 100, 500), "spread the keys"),
    ((900, 950, 1_000, 200, 900, 1_200), "nothing"),
    ((400, 400, 400, 70, 230, 300), "nothing"),
    ((401, 401, 400, 70, 230, 300), "split the key"),
    ((400, 401, 400, 70, 230, 300), "spread the keys"),
    ((400, 400, 400, 70, 231, 300), "protect the database"),
    ((30, 200, 500, 75, 645, 700), "protect the database"),
]


def test_the_repair_is_that_of_the_table_by_hand():
    assert [(case, REPAIR.solution(*case)) for case in REPAIR.cases()] == TABLE


def by_generator(points, owners, key_hash, n):
    found = []
    for _, owner in sorted(zip(points, owners, strict=True), key=lambda pair: (pair[0] < key_hash, pair[0])):
        if owner not in found:
            found.append(owner)
        if len(found) == n:
            return tuple(found)


def by_pandas(points, owners, key_hash, n):
    ring = pd.Series(owners, index=points)
    return pd.concat([ring[ring.index >= key_hash], ring[ring.index < key_hash]]).drop_duplicates().head(n)


def by_roll(points, owners, key_hash, n):
    rolled = np.roll(owners, -np.searchsorted(points, key_hash))
    _, first = np.unique(rolled, return_index=True)
    return rolled[np.sort(first)][:n]


def repair(key, node, limit, misses, traffic, capacity):
    conditions = [key > limit, node > limit, misses + traffic > capacity]
    return np.select(conditions, ["split the key", "spread the keys", "protect the database"], "nothing")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (MOVED, counted),
        (MOVED, lambda a, b: 1 - Fraction(min(a, b), math.lcm(a, b))),
        (MOVED, lambda a, b: 1 - math.gcd(a, b) / max(a, b)),
        (MOVED, lambda a, b: np.float32(1 - math.gcd(a, b) / max(a, b))),
        (REPLICAS, walked),
        (REPLICAS, by_generator),
        (REPLICAS, by_pandas),
        (REPLICAS, by_roll),
        (REPAIR, repair),
        (REPAIR, lambda *readings: str(repair(*readings))),
        (REPAIR, lambda *readings: repair(*readings)[()]),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def changed(**other):
    """The rule with one of its readings replaced by a function of all of them."""

    def answer(key, node, limit, misses, traffic, capacity):
        reading = {"key": key, "node": node, "limit": limit, "misses": misses, "traffic": traffic, "capacity": capacity}
        return repair(**{**reading, **{name: function(reading) for name, function in other.items()}})

    return answer


def by_position(points, owners, key_hash, n):
    """Take the first place of each name in the list, not the first one met."""
    return sorted(walked(points, owners, key_hash, n), key=owners.index)


def by_nearest(points, owners, key_hash, n):
    order = sorted(range(len(points)), key=lambda i: abs(points[i] - key_hash))
    return list(dict.fromkeys(owners[i] for i in order))[:n]


def at_the_limit(key, node, limit, misses, traffic, capacity):
    conditions = [key >= limit, node >= limit, misses + traffic >= capacity]
    return np.select(conditions, ["split the key", "spread the keys", "protect the database"], "nothing")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (MOVED, lambda a, b: abs(a - b) / max(a, b)),
        (MOVED, lambda a, b: 1 - 1 / max(a, b)),
        (MOVED, lambda a, b: 5 / 6),
        (MOVED, lambda a, b: 1 - min(a, b) / (a * b) if a != b else 0),
        (MOVED, lambda a, b: round(counted(a, b), 2)),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key, 1)),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key, n + 1)),
        (REPLICAS, lambda points, owners, key, n: sorted(walked(points, owners, key, n))),
        (REPLICAS, lambda points, owners, key, n: set(walked(points, owners, key, n))),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key, n)[::-1]),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key + 1, n)),
        (REPLICAS, lambda points, owners, key, n: list(dict.fromkeys(owners))[:n]),
        (REPLICAS, lambda points, owners, key, n: ["a", "b", "c"][:n]),
        (REPAIR, changed(limit=lambda r: 1.02 * r["limit"])),
        (REPAIR, changed(limit=lambda r: 0.98 * r["limit"])),
        (REPAIR, changed(limit=lambda r: 400)),
        (REPAIR, changed(capacity=lambda r: 1.02 * r["capacity"])),
        (REPAIR, changed(capacity=lambda r: 0.98 * r["capacity"])),
        (REPAIR, changed(capacity=lambda r: 300)),
        (REPAIR, changed(traffic=lambda r: r["node"])),
        (REPAIR, changed(traffic=lambda r: max(r["node"], r["traffic"]))),
        (REPAIR, changed(misses=lambda r: 70)),
        (REPAIR, changed(key=lambda r: np.inf if r["key"] > r["node"] / 2 and r["node"] > r["limit"] else 0)),
        (REPAIR, changed(key=lambda r: 2 * r["key"])),
        (REPAIR, changed(key=lambda r: np.inf if r["key"] > r["node"] / 2 else 0)),
        (REPAIR, changed(node=lambda r: r["traffic"])),
        (REPAIR, lambda *readings: "split the key"),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key - 1, n)),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, min(key, max(points)), n)),
        (REPLICAS, lambda points, owners, key, n: walked(points, owners, key if key <= max(points) else 0, n)[:2]),
        (REPLICAS, by_position),
        (REPLICAS, by_nearest),
        (REPAIR, at_the_limit),
    ],
)
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def points_from(points, owners, key_hash, n, *, distinct=True, wrap=True, at=True, step=1):
    ring = list(zip(points, owners, strict=True))[::step]
    ahead = [p for p in ring if step * p[0] > step * key_hash or (at and p[0] == key_hash)]
    names = [owner for _, owner in ahead + [p for p in ring if p not in ahead] * wrap]
    return [name for i, name in enumerate(names) if not distinct or name not in names[:i]][:n]


MISTAKES = [
    (MOVED, "as the ring", lambda a, b: abs(a - b) / max(a, b)),
    (MOVED, "product", lambda a, b: 1 - 1 / max(a, b)),
    (MOVED, "share that stays", lambda a, b: 1 - counted(a, b)),
    (REPLICAS, "same node twice", lambda *case: points_from(*case, distinct=False)),
    (REPLICAS, "no wrap", lambda *case: points_from(*case, wrap=False)),
    (REPLICAS, "counterclockwise", lambda *case: points_from(*case, step=-1)),
    (REPLICAS, "after the point", lambda *case: points_from(*case, at=False)),
    (REPAIR, "spread a hot key", changed(key=lambda r: 0)),
    (REPAIR, "the ring is enough", changed(capacity=lambda r: np.inf)),
    (REPAIR, "forget the normal misses", changed(misses=lambda r: 0)),
    (
        REPAIR,
        "database first",
        lambda k, v, limit, m, t, c: "protect the database" if m + t > c else repair(k, v, limit, m, t, c),
    ),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
