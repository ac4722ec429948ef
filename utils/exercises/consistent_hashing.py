"""Exercises of lesson 10, consistent hashing."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def share_moved(n_before: int, n_after: int) -> float:
    """Return the share of the keys that change nodes.

    Hash modulo n goes from `n_before` to `n_after` nodes.
    """
    return 1 - min(n_before, n_after) / np.lcm(n_before, n_after)


def replicas(points: list[int], owners: list[str], key_hash: int, n: int) -> list[str]:
    """Return the first `n` different nodes clockwise from a key's hash, its own first.

    points: hashes of the virtual nodes, ascending. owners: the name of the node of each
    point, in the same order. A key at a point belongs to that point. There are at least
    `n` different nodes.
    """
    start = np.searchsorted(points, key_hash, side="left")
    clockwise = dict.fromkeys(owners[(start + i) % len(points)] for i in range(len(points)))
    return list(clockwise)[:n]


def first_move(
    hottest_key: float,
    hottest_node: float,
    node_limit: float,
    misses: float,
    node_reads: float,
    capacity: float,
) -> str:
    """Return "split the key", "spread the keys", "protect the database" or "nothing".

    hottest_key, hottest_node, node_limit: requests a second of the most wanted key,
    requests a second that reach the busiest node, and what a node can serve.
    misses, node_reads, capacity: queries a second that the database gets on a quiet
    day, requests a second of the node whose loss would hurt most, and queries a second
    that the database can serve.
    """
    if hottest_key > node_limit:
        return "split the key"
    if hottest_node > node_limit:
        return "spread the keys"
    return "protect the database" if misses + node_reads > capacity else "nothing"


def _walk(points: list[int], owners: list[str], start: int, step: int, distinct: bool, n: int) -> list[str]:
    around = [owners[(start + step * i) % len(points)] for i in range(len(points))]
    return list(dict.fromkeys(around) if distinct else around)[:n]


def _same_node_twice(points: list[int], owners: list[str], key_hash: int, n: int) -> list[str]:
    return _walk(points, owners, np.searchsorted(points, key_hash, side="left"), 1, False, n)


def _no_wrap(points: list[int], owners: list[str], key_hash: int, n: int) -> list[str]:
    return list(dict.fromkeys(owners[np.searchsorted(points, key_hash, side="left") :]))[:n]


def _counterclockwise(points: list[int], owners: list[str], key_hash: int, n: int) -> list[str]:
    return _walk(points, owners, np.searchsorted(points, key_hash, side="right") - 1, -1, True, n)


def _after_the_point(points: list[int], owners: list[str], key_hash: int, n: int) -> list[str]:
    return _walk(points, owners, np.searchsorted(points, key_hash, side="right"), 1, True, n)


def _replica_cases() -> list[tuple]:
    points, owners = [10, 20, 30, 40, 50, 60], ["a", "a", "b", "c", "b", "a"]
    around = [(5, 2), (30, 3), (45, 3), (61, 2), (20, 1), (21, 1), (60, 2), (35, 2)]
    around += [(0, 3), (10, 1), (29, 1), (31, 1), (39, 2), (40, 2), (41, 2), (51, 3), (59, 1), (61, 1), (61, 3)]
    long_arc, names = [3, 4, 7, 90], ["west", "north", "west", "south"]  # the seam lies between south and west
    seam = [(2, 2), (3, 2), (4, 1), (5, 3), (8, 2), (89, 2), (90, 3), (91, 1), (91, 2), (99, 3)]
    return [
        *((points, owners, key_hash, n) for key_hash, n in around),
        *((long_arc, names, key_hash, n) for key_hash, n in seam),
        ([7], ["only"], 7, 1),
        ([7], ["only"], 8, 1),
        ([5, 6, 8], ["b", "b", "b"], 7, 1),  # many points, one node
        ([2**63, 2**63 + 2], ["x", "y"], 2**63 + 1, 2),  # hashes of 64 bits, as on a real ring
    ]


def _move_cases() -> list[tuple]:
    return [
        (80, 250, 400, 70, 250, 600),
        (450, 600, 400, 70, 250, 600),
        (450, 600, 400, 70, 600, 300),
        (80, 450, 400, 70, 250, 600),
        (80, 450, 400, 70, 450, 300),
        (80, 250, 400, 70, 250, 300),
        (80, 250, 400, 70, 290, 300),
        (80, 250, 400, 70, 250, 220),
        (395, 398, 400, 70, 250, 600),  # just below the limits, and one key is nearly all of its node
        (402, 404, 400, 70, 250, 600),
        (250, 402, 400, 70, 250, 600),
        (250, 300, 400, 70, 300, 380),
        (250, 300, 400, 70, 300, 360),
        (80, 250, 400, 70, 320, 350),  # the node to lose need not be the busiest now
        (80, 390, 400, 70, 250, 350),
        (120, 140, 150, 30, 100, 128),
        (120, 140, 150, 30, 100, 132),
        (120, 160, 150, 30, 100, 500),
        (900, 950, 1_000, 200, 900, 1_200),
        (400, 400, 400, 70, 230, 300),  # what can be served exactly needs no repair
        (401, 401, 400, 70, 230, 300),
        (400, 401, 400, 70, 230, 300),
        (400, 400, 400, 70, 231, 300),
        (30, 200, 500, 75, 645, 700),  # three nodes: each holds a third of the traffic
    ]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="what hash modulo n costs",
        task=(
            "From 5 nodes to 6, hash modulo n moves five sixths of the keys. What does it move from any number of "
            "nodes to any other? Check yourself on 10 to 20, where it moves less than from 10 to 11."
        ),
        solution=share_moved,
        cases=lambda: [(5, 6), (10, 9), (10, 11), (10, 20), (4, 6), (7, 7), (12, 3)],
        mistakes=(
            Mistake(
                "as the ring",
                lambda n_before, n_after: 1 - min(n_before, n_after) / max(n_before, n_after),
                "That is what a ring moves. Hash modulo n also moves keys between nodes that were there all along.",
            ),
            Mistake(
                "product",
                lambda n_before, n_after: 1 - min(n_before, n_after) / (n_before * n_after),
                "Right while the two numbers share no divisor. From 10 to 20 the two remainders agree more often: "
                "how often does the pair of remainders repeat?",
            ),
            Mistake(
                "share that stays",
                lambda n_before, n_after: min(n_before, n_after) / np.lcm(n_before, n_after),
                "That is the share that stays.",
            ),
        ),
        hints=(
            "Write down h mod 4 and h mod 6 for h = 0, 1, 2, … until the pairs repeat. Where do they agree?",
            "The pairs repeat after the least common multiple; they agree for the h below the smaller number of nodes.",
        ),
        praise="Doubling the fleet moves half of the keys; one node more moves nearly all of them.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="the nodes of a replicated key",
        task=(
            "To split a hot key, its copies go to the next nodes clockwise. Write the look-up. A node has many points, "
            "the ring has no end, and a copy beside the original on the same machine is no copy."
        ),
        solution=replicas,
        cases=_replica_cases,
        mistakes=(
            Mistake(
                "same node twice",
                _same_node_twice,
                "You take the next points, and two points can belong to one node. Then one crash takes both copies.",
            ),
            Mistake("no wrap", _no_wrap, "Your ring ends at the last point. After it comes the first one again."),
            Mistake(
                "counterclockwise",
                _counterclockwise,
                "You walk toward smaller hashes; clockwise is toward larger ones.",
            ),
            Mistake(
                "after the point",
                _after_the_point,
                "A key exactly at a point belongs to that point; yours goes on. Which `side` do you search?",
            ),
        ),
        hints=(
            '`np.searchsorted(points, key_hash, side="left")` is where to start, even if it is past the end.',
            "Walk once around with `% len(points)`; `dict.fromkeys(…)` keeps the first of each name, in order.",
        ),
        praise="That is how a replicated key is placed, and, with three copies, a row in Dynamo's kind of store.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="which repair",
        task=(
            "Six readings of a cache tier on a ring. Say what to repair first. Use what the runs showed: what a better "
            "spread of the keys can do and what it can't, and what the database must stand when a node dies."
        ),
        solution=first_move,
        cases=_move_cases,
        mistakes=(
            Mistake(
                "spread a hot key",
                lambda key, node, limit, misses, traffic, capacity: (
                    "spread the keys"
                    if node > limit
                    else "protect the database"
                    if misses + traffic > capacity
                    else "nothing"
                ),
                "You spread the keys although one key alone is more than a node can serve. It lives on some node, "
                "wherever you put it.",
            ),
            Mistake(
                "the ring is enough",
                lambda key, node, limit, misses, traffic, capacity: (
                    "split the key" if key > limit else "spread the keys" if node > limit else "nothing"
                ),
                "You never look at the database. The ring kept the loss to one node's traffic, and that was still too "
                "much for a thin one.",
            ),
            Mistake(
                "forget the normal misses",
                lambda key, node, limit, misses, traffic, capacity: (
                    "split the key"
                    if key > limit
                    else "spread the keys"
                    if node > limit
                    else "protect the database"
                    if traffic > capacity
                    else "nothing"
                ),
                "You compare the database with the lost node's traffic alone. The misses of a quiet day don't stop.",
            ),
            Mistake(
                "database first",
                lambda key, node, limit, misses, traffic, capacity: (
                    "protect the database"
                    if misses + traffic > capacity
                    else "split the key"
                    if key > limit
                    else "spread the keys"
                    if node > limit
                    else "nothing"
                ),
                "You prepare for a node that may die while another is turning visitors away now. First the one that "
                "fails today.",
            ),
        ),
        hints=(
            "Three questions, in this order: can one node serve the key, can it serve its keys, can the database serve "
            "what a lost node held?",
            "After a loss the database gets its normal misses and, at first, all that the lost node used to answer.",
        ),
        praise="Key, node, database: each repair helps against its own trouble only.",
    ),
)
