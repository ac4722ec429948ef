"""Exercises of lesson 13, the thundering herd."""

import math
from collections.abc import Callable

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def edge_of_no_return(retries: int, layers: int) -> float:
    """Return the load of first attempts above which a service does not come back.

    Each of `layers` layers of callers makes up to `retries` retries of its own for each
    call from above.
    """
    return 1 / (1 + retries) ** layers


def sent(attempts: list[str], ratio: float, burst: float) -> list[bool]:
    """Return for each attempt, in order, whether a retry budget lets it pass.

    attempts: list of "first" and "retry". A first attempt always passes and adds
    `ratio` tokens, up to `burst` in all; a retry takes one whole token or does not
    pass. The bucket starts full.
    """
    tokens, passed = burst, []
    for attempt in attempts:
        if attempt == "first":
            tokens = min(burst, tokens + ratio)
            passed.append(True)
        else:
            passed.append(tokens >= 1)
            tokens -= passed[-1]
    return passed


def protection(load: float, retries: int, stall_seconds: float, tolerated_seconds: float) -> str:
    """Return "more servers", "queue limit", "retry budget" or "nothing".

    load: first attempts as a share of capacity. retries: per order, by clients who wait
    one second for an answer. stall_seconds: how long requests may pile up in an outage,
    0 where it refuses them at once, else far longer than an order takes to send all its
    attempts. tolerated_seconds: how long answers may be late once it is over.
    """
    if load >= 1:
        return "more servers"
    if _late(load * min(1 + retries, 1.1), stall_seconds) > tolerated_seconds:
        return "queue limit"
    return "retry budget" if _late(load * (1 + retries), stall_seconds) > tolerated_seconds else "nothing"


def _late(demand: float, stall_seconds: float) -> float:
    """Return for how many seconds answers stay late after a stall, at this demand as a share of capacity."""
    return max(0.0, demand * stall_seconds - 1.0) / (1 - demand) if demand < 1 else math.inf


def _bucket(
    attempts: list[str],
    ratio: float,
    burst: float,
    *,
    start: float | None = None,
    cap: bool = True,
    enough: float = 1.0,
    retries_earn: bool = False,
) -> list[bool]:
    tokens, passed = burst if start is None else start, []
    for attempt in attempts:
        if attempt == "first" or retries_earn:
            tokens = min(burst, tokens + ratio) if cap else tokens + ratio
        if attempt == "first":
            passed.append(True)
        else:
            passed.append(tokens >= enough)
            tokens -= passed[-1]
    return passed


def _budget_cases() -> list[tuple]:
    calm = ["first"] * 20
    return [
        (["first", "retry", "retry", "retry", "retry", "first", "retry", "first", "retry"], 0.5, 2.0),
        (calm + ["retry"] * 6, 0.25, 3.0),
        (["retry", "retry"] + ["first", "retry"] * 8, 0.25, 1.0),
        (["retry"] * 12, 0.5, 4.0),
        (
            ["retry", "retry", "first", "retry", "first", "first", "first", "retry", "retry"],
            0.5,
            1.5,
        ),  # half a token stays
        (["first", "retry", "retry"], 0.25, 1.0),
        (["retry", "first", "first", "retry"], 0.75, 1.0),  # the second first attempt fills what is left
    ]


def _protection_cases() -> list[tuple]:
    grid = [
        (load, retries, stall, tolerated)
        for load in (0.2, 0.41, 0.8, 1.1)
        for retries in (0, 1, 3)
        for stall in (0.0, 10.0)
        for tolerated in (5.0, 20.0, 60.0)
    ]
    edges = [
        (0.99, 0, 0.0, 5.0),
        (1.01, 0, 0.0, 5.0),
        (0.8, 0, 10.0, 34.0),  # sent once: 7 s of dead work at a fifth of capacity
        (0.8, 0, 10.0, 36.0),
        (0.4, 1, 10.0, 34.0),  # sent twice the same
        (0.4, 1, 10.0, 36.0),
        (0.5, 3, 20.0, 21.0),  # with a tenth on top: 10 s at 45% of capacity
        (0.5, 3, 20.0, 23.0),
        (0.5, 0, 30.0, 27.0),
        (0.5, 0, 30.0, 29.0),
        (0.26, 3, 0.0, 5.0),
        (0.24, 3, 0.0, 5.0),
        (0.35, 2, 0.0, 5.0),
        (0.32, 2, 0.0, 5.0),
        (0.9, 2, 0.0, 5.0),
        (0.92, 2, 0.0, 5.0),  # a budget's tenth is already too much
        (0.92, 0, 0.0, 5.0),
    ]
    return grid + edges


def _decide(
    load: float,
    retries: int,
    tolerated: float,
    *,
    with_budget: Callable[[float], float],
    as_it_is: Callable[[float], float],
    without_servers: str = "more servers",
) -> str:
    """Return the remedy if answers are late for as long as two functions of the attempts an order say."""
    if load >= 1:
        return without_servers
    if with_budget(min(1 + retries, 1.1)) > tolerated:
        return "queue limit"
    return "retry budget" if as_it_is(1 + retries) > tolerated else "nothing"


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="retries in every layer",
        task=(
            "The app retries, the gateway retries, checkout retries: each of `layers` layers makes up to `retries` "
            "retries of its own. Everything below them stalls for a while. Above which load of first attempts does the "
            "service at the bottom not come back?"
        ),
        solution=edge_of_no_return,
        cases=lambda: [(0, 1), (1, 1), (3, 1), (3, 3), (2, 2), (0, 4)],
        mistakes=(
            Mistake(
                "layers add",
                lambda retries, layers: 1 / (1 + retries * layers),
                "You add the layers' retries. Every attempt of one layer starts all those of the next: they multiply.",
            ),
            Mistake(
                "one layer",
                lambda retries, layers: 1 / (1 + retries),
                "That is the edge with one layer. Each attempt from above is multiplied again in every layer below.",
            ),
            Mistake(
                "retries for attempts",
                lambda retries, layers: 1 / max(retries, 1) ** layers,
                "You count the retries and forget the first attempt: three retries are four attempts.",
            ),
            Mistake(
                "attempts",
                lambda retries, layers: (1 + retries) ** layers,
                "That is the number of attempts an order. At the edge, load times that number is 1.",
            ),
        ),
        hints=(
            "When every answer is late, how many requests reach the bottom for one order?",
            "One layer makes 1 + retries attempts of each call that it gets. The edge is where load × attempts = 1.",
        ),
        praise="Three retries in three layers: 64 requests an order, and an edge below 2% of capacity.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a retry budget",
        task=(
            "Write the token bucket yourself, for a list of attempts in the order they come. Watch its three corners: "
            "where it starts, where it ends, and what half a token buys."
        ),
        solution=sent,
        cases=_budget_cases,
        mistakes=(
            Mistake(
                "starts empty",
                lambda attempts, ratio, burst: _bucket(attempts, ratio, burst, start=0.0),
                "Your bucket starts empty, so the first failure after a deployment gets no retry. It starts full.",
            ),
            Mistake(
                "no upper end",
                lambda attempts, ratio, burst: _bucket(attempts, ratio, burst, cap=False),
                "Your bucket has no upper end: after a quiet hour it holds a storm. It holds `burst` tokens at most.",
            ),
            Mistake(
                "part of a token",
                lambda attempts, ratio, burst: _bucket(attempts, ratio, burst, enough=1e-9),
                "You let a retry pass on a part of a token. It takes a whole one, or does not pass.",
            ),
            Mistake(
                "retries earn",
                lambda attempts, ratio, burst: _bucket(attempts, ratio, burst, retries_earn=True),
                "Your retries earn tokens too, so a storm pays for itself. Only first attempts do.",
            ),
        ),
        hints=(
            "Keep one number, the tokens, and go through the attempts in order.",
            "A first attempt: `tokens = min(burst, tokens + ratio)`. A retry passes if `tokens >= 1` and takes 1.",
        ),
        praise="A few lines between ten seconds of outage and an evening of it.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="what to add first",
        task=(
            "You review a service before the busy season. You know its load at peak, the retries of its clients, for "
            "how long requests may pile up in an outage, and for how long answers may be late once it is over. What "
            "does it need first? The server is another team's: ask for a queue limit only where a 10% retry budget "
            "would not be enough, and for a budget only where something is needed. Use what this lesson found: what "
            "a stall leaves behind, and how fast it goes."
        ),
        solution=protection,
        cases=_protection_cases,
        mistakes=(
            Mistake(
                "retries forgotten",
                lambda load, retries, stall, tolerated: (
                    "more servers"
                    if load >= 1
                    else "queue limit"
                    if _late(load, stall) > tolerated
                    else "retry budget"
                    if load * (1 + retries) >= 1
                    else "nothing"
                ),
                "You let the queue fill and clear at `load`. In a stall each order sends all its attempts: they pile up "
                "too, and leave less to spare for clearing it.",
            ),
            Mistake(
                "a budget adds",
                lambda load, retries, stall, tolerated: _decide(
                    load,
                    max(retries, 1),
                    tolerated,
                    with_budget=lambda attempts: _late(load * attempts, stall),
                    as_it_is=lambda _: _late(load * (1 + retries), stall),
                ),
                "You let a budget add a tenth where nobody retries. It caps the retries that there are: clients who never "
                "retry send each order once, with it or without.",
            ),
            Mistake(
                "budget for everything",
                lambda load, retries, stall, tolerated: (
                    "more servers"
                    if load >= 1
                    else "retry budget"
                    if _late(load * (1 + retries), stall) > tolerated
                    else "nothing"
                ),
                "You never ask for a queue limit. After a stall a budget leaves the dead queue of the first attempts, "
                "and adds its tenth.",
            ),
            Mistake(
                "stall against tolerance",
                lambda load, retries, stall, tolerated: _decide(
                    load,
                    retries,
                    tolerated,
                    with_budget=lambda attempts: stall if load * attempts < 1 else math.inf,
                    as_it_is=lambda attempts: stall if load * attempts < 1 else math.inf,
                ),
                "You compare the stall itself with what is tolerated. The queue that it leaves clears at the spare "
                "capacity, which near full load takes several times as long.",
            ),
            Mistake(
                "timeout forgotten",
                lambda load, retries, stall, tolerated: _decide(
                    load,
                    retries,
                    tolerated,
                    with_budget=lambda a: load * a * stall / (1 - load * a) if load * a < 1 else math.inf,
                    as_it_is=lambda a: load * a * stall / (1 - load * a) if load * a < 1 else math.inf,
                ),
                "You wait until the queue is empty. Answers are in time again as soon as less than a timeout of work "
                "stands in it.",
            ),
            Mistake(
                "first attempts fit",
                lambda load, retries, stall, tolerated: (
                    "more servers" if load >= 1 else "queue limit" if _late(load, stall) > tolerated else "nothing"
                ),
                "You are content when first attempts fit. After an outage all attempts come: load × (1 + retries).",
            ),
            Mistake(
                "buy servers",
                lambda *case: protection(*case).replace("retry budget", "more servers"),
                "You buy servers for the retries. Where first attempts fit, a budget of 10% does it for nothing.",
            ),
        ),
        hints=(
            "Ask in this order: do first attempts fit, would they with a budget be late for too long, and as it is?",
            "With m attempts an order a stall leaves m × load × stall seconds of work. Answers are late until one second "
            "of it, the clients' timeout, is left; it goes at 1 − m × load. A budget of 10% makes m at most 1.1.",
        ),
        praise="Capacity first, then dead work, then retries: each looks like the others on a dashboard.",
    ),
)
