"""Platter's architecture as the whiteboard draws it: components, where they stand, and what runs between them.

Places are in grid units: columns from the left, rows from the bottom. An edge runs from its first component to its
second; its route is a list of corners, in the same units, from one component's border to the other's.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["COMPONENTS", "EDGES", "Component", "Edge", "checked_fault", "checked_lit", "edge_between", "hops"]

HALF_WIDTH, HALF_HEIGHT = 0.332, 0.25
MOST_HOPS = 7  # over one edge, whose numbers and the cross of a fault lie side by side
TO_THE_SIDE = 0.2  # from the middle of a border to where a second edge meets it


class Component(NamedTuple):
    """A box of the whiteboard: `is_store` where it keeps data, which gives it the shape of a drum."""

    name: str
    column: float
    row: float
    is_store: bool = False


class Edge(NamedTuple):
    """A line of the whiteboard from one component to another, and what runs along it."""

    start: str
    end: str
    what: str
    route: tuple[tuple[float, float], ...]

    @property
    def ends(self) -> frozenset[str]:
        """The two components, in no order."""
        return frozenset((self.start, self.end))


COMPONENTS = {
    component.name: component
    for component in (
        Component("client", 0, 2),
        Component("gateway", 1, 2),
        Component("feed service", 2, 2),
        Component("model server", 3, 2),
        Component("cache", 2, 3, is_store=True),
        Component("catalogue", 3, 3, is_store=True),
        Component("online store", 2, 1, is_store=True),
        Component("monitor", 3, 1),
        Component("rollout", 4, 1),
        Component("log", 1, 0, is_store=True),
        Component("warehouse", 2, 0, is_store=True),
        Component("training", 3, 0),
        Component("registry", 4, 0, is_store=True),
    )
}


def _across(start: str, end: str, what: str) -> Edge:
    """Return a straight edge from a component's right border to the left one of its neighbor in the same row."""
    one, other = COMPONENTS[start], COMPONENTS[end]
    return Edge(start, end, what, ((one.column + HALF_WIDTH, one.row), (other.column - HALF_WIDTH, other.row)))


def _upright(start: str, end: str, what: str) -> Edge:
    """Return a straight edge from a component to the one above or below it."""
    one, other = COMPONENTS[start], COMPONENTS[end]
    up = HALF_HEIGHT if other.row > one.row else -HALF_HEIGHT
    return Edge(start, end, what, ((one.column, one.row + up), (other.column, other.row - up)))


EDGES = (
    _across("client", "gateway", "requests"),
    _across("gateway", "feed service", "requests"),
    _across("feed service", "model server", "candidates to score"),
    _upright("feed service", "cache", "keys"),
    _across("cache", "catalogue", "misses"),
    _upright("online store", "feed service", "newest features"),
    Edge("client", "log", "clicks and orders", ((0, 2 - HALF_HEIGHT), (0, 0), (1 - HALF_WIDTH, 0))),
    Edge(
        "feed service",
        "log",
        "what was shown",
        (
            (2 - TO_THE_SIDE, 2 - HALF_HEIGHT),
            (2 - TO_THE_SIDE, 1.5),
            (1, 1.5),
            (1, HALF_HEIGHT),
        ),
    ),
    _across("log", "warehouse", "events"),
    _upright("warehouse", "online store", "features, materialized"),
    _across("warehouse", "training", "training sets"),
    _across("training", "registry", "models"),
    _upright("registry", "rollout", "a new version"),
    Edge(
        "rollout",
        "model server",
        "traffic for the new version",
        ((4, 1 + HALF_HEIGHT), (4, 2), (3 + HALF_WIDTH, 2)),
    ),
    _upright("model server", "monitor", "predictions and latency"),
    Edge(
        "warehouse",
        "monitor",
        "outcomes",
        ((2 + TO_THE_SIDE, HALF_HEIGHT), (2 + TO_THE_SIDE, 0.5), (3, 0.5), (3, 1 - HALF_HEIGHT)),
    ),
    _across("monitor", "rollout", "verdicts"),
)


def edge_between(one: str, other: str) -> Edge | None:
    """Return the edge between two components, whichever way it runs, or None."""
    return next((edge for edge in EDGES if edge.ends == frozenset((one, other))), None)


def checked_lit(lit: Iterable[str]) -> list[str]:
    """Return the lit components, each once, in the whiteboard's order.

    Raises:
        ValueError: a text instead of a list, or a name that the whiteboard lacks.
    """
    if isinstance(lit, str):
        raise ValueError(f"lit must be a list of components, got the text {lit!r}; write lit=[{lit!r}]")
    wanted = [_known("lit", name) for name in _listed("lit", lit)]
    return [name for name in COMPONENTS if name in wanted]


def hops(path: Sequence[str]) -> list[tuple[str, str, Edge]]:
    """Return the hops of a path: from where, to where, and the edge between them.

    Raises:
        ValueError: a text instead of a list, a single component, a name that the whiteboard lacks, two components
            without an edge, or more hops over one edge than it has room for.

    >>> [edge.what for *_, edge in hops(["client", "gateway", "feed service"])]
    ['requests', 'requests']
    """
    if isinstance(path, str):
        raise ValueError(f"path must be a list of components, got the text {path!r}; list them in order")
    names = [_known("path", name) for name in _listed("path", path)]
    if len(names) == 1:
        raise ValueError(f"path must have at least two components, got {names[0]!r} alone; add where it goes")
    found = []
    for one, other in pairwise(names):
        edge = edge_between(one, other)
        if edge is None:
            near = sorted({name for e in EDGES if one in e.ends for name in e.ends - {one}})
            raise ValueError(
                f"path must follow the edges, got {one!r} then {other!r}; from {one!r} it can go to {', '.join(near)}"
            )
        found.append((one, other, edge))
    busiest, times = max(Counter(edge for *_, edge in found).items(), key=lambda item: item[1], default=(None, 0))
    if times > MOST_HOPS:
        raise ValueError(
            f"path must cross an edge at most {MOST_HOPS} times, got {times} between {busiest.start!r} and "
            f"{busiest.end!r}; show fewer rounds"
        )
    return found


def checked_fault(fault: str | tuple[str, str] | None) -> str | Edge | None:
    """Return the component or the edge where the fault sits.

    Raises:
        ValueError: a name that the whiteboard lacks, or two components without an edge.
    """
    if fault is None:
        return None
    if isinstance(fault, (tuple, list)) and len(fault) == 2:
        edge = edge_between(*(_known("fault", name) for name in fault))
        if edge is None:
            raise ValueError(
                f"fault must sit on an edge, got {fault!r} without one; name one component or an edge's ends"
            )
        return edge
    return _known("fault", fault)


def _listed(argument: str, names: Iterable[str]) -> list[str]:
    try:
        return list(names)
    except TypeError:
        raise ValueError(f"{argument} must be a list of components, got {names!r}; list their names") from None


def _known(argument: str, name: str) -> str:
    if not isinstance(name, str) or name not in COMPONENTS:
        raise ValueError(
            f"{argument} must name components of the whiteboard, got {name!r}; known are {', '.join(COMPONENTS)}"
        )
    return name
