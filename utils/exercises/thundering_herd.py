"""Exercises of lesson 13, the thundering herd."""

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def edge_of_no_return(retries: int, layers: int) -> float:
    """Return the load of first attempts above which a stalled service does not come back.

    Each of `layers` layers of callers makes up to `retries` retries of its own for each call from above.
    """
    return 1 / (1 + retries) ** layers


def sent(attempts: list[str], ratio: float, burst: float) -> list[bool]:
    """Return for each attempt, in order, whether a retry budget lets it pass.

    attempts: list of "first" and "retry". A first attempt always passes and adds `ratio` tokens, up to `burst` in all;
    a retry takes one whole token or does not pass. The bucket starts full.
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
    """Return the first thing to add: "more servers", "queue limit", "retry budget" or "nothing".

    load: first attempts as a share of capacity. retries: per order. stall_seconds: how long requests may pile up in an
    outage, 0 where it refuses them at once. tolerated_seconds: how long the service may be late after it.
    """
    if load >= 1:
        return "more servers"
    if load * stall_seconds / (1 - load) > tolerated_seconds:
        return "queue limit"
    return "retry budget" if load * (1 + retries) > 1 else "nothing"


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
    ]


def _protection_cases() -> list[tuple]:
    grid = [
        (load, retries, stall, tolerated)
        for load in (0.2, 0.4, 0.8, 1.1)
        for retries in (0, 1, 3)
        for stall in (0.0, 10.0)
        for tolerated in (5.0, 20.0, 60.0)
    ]
    edges = [
        (0.99, 0, 0.0, 5.0),
        (1.01, 0, 0.0, 5.0),
        (0.8, 0, 10.0, 39.0),
        (0.8, 0, 10.0, 41.0),
        (0.5, 0, 30.0, 29.0),
        (0.5, 0, 30.0, 31.0),
        (0.26, 3, 0.0, 5.0),
        (0.24, 3, 0.0, 5.0),
        (0.35, 2, 0.0, 5.0),
        (0.32, 2, 0.0, 5.0),
    ]
    return grid + edges


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
            "You review a service before the busy season. You know its load at peak, the retries of its clients, how "
            "long requests may pile up in an outage, and how long it may be late afterwards. What does it need first? "
            "Use what this lesson measured: what a budget can't do, and where nothing is needed."
        ),
        solution=protection,
        cases=_protection_cases,
        mistakes=(
            Mistake(
                "budget for everything",
                lambda load, retries, stall, tolerated: (
                    "more servers" if load >= 1 else "retry budget" if load * (1 + retries) > 1 else "nothing"
                ),
                "You never ask for a queue limit. After a stall a budget leaves the dead queue in place: "
                "it took load × stall / (1 − load) seconds to clear.",
            ),
            Mistake(
                "stall against tolerance",
                lambda load, retries, stall, tolerated: (
                    "more servers"
                    if load >= 1
                    else "queue limit"
                    if stall > tolerated
                    else "retry budget"
                    if load * (1 + retries) > 1
                    else "nothing"
                ),
                "You compare the stall itself with what is tolerated. The queue that it leaves clears at the spare "
                "capacity, 1 − load, which near full load takes several times as long.",
            ),
            Mistake(
                "first attempts fit",
                lambda load, retries, stall, tolerated: (
                    "more servers"
                    if load >= 1
                    else "queue limit"
                    if load * stall / (1 - load) > tolerated
                    else "nothing"
                ),
                "You are content when first attempts fit. After an outage all attempts come: load × (1 + retries).",
            ),
            Mistake(
                "buy servers",
                lambda load, retries, stall, tolerated: (
                    "queue limit"
                    if load < 1 and load * stall / (1 - load) > tolerated
                    else "more servers"
                    if load * (1 + retries) > 1
                    else "nothing"
                ),
                "You buy servers for the retries. Where first attempts fit, a budget of 10% does it for nothing.",
            ),
        ),
        hints=(
            "Ask in this order: do first attempts fit, does the queue clear in time, do all attempts fit?",
            "A queue of load × stall seconds clears at the rate 1 − load. All attempts are load × (1 + retries).",
        ),
        praise="Capacity first, then dead work, then retries: each looks like the others on a dashboard.",
    ),
)
