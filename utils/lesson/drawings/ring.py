"""The hash ring: nodes and keys at their places, each key's way to its node, and what one node more or less changes."""

from collections.abc import Mapping
from math import cos, pi, sin

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from utils.foundation import checks
from utils.lesson.drawings.strokes import DARK, FAINT, INK, LINES, SHAPES, WORDS, arrow, cross, page
from utils.lesson.figure import lesson_style

__all__ = ["draw_ring", "node_of"]

RADIUS, NODE, KEY = 1.0, 0.085, 0.045
KEY_LANE, KEY_WORDS, NODE_WORDS = 0.84, 0.72, 1.19  # distances from the middle
SHORTEST_WAY = 0.045  # of a turn; below it there is no room for an arrow
PAGE = (3.7, 2.6)


@lesson_style()
def draw_ring(
    ax: Axes,
    nodes: Mapping[str, float],
    keys: Mapping[str, float],
    *,
    added: str | None = None,
    removed: str | None = None,
) -> None:
    """Draw a hash ring on which each key belongs to the next node clockwise.

    Args:
        ax: axes of `figure`.
        nodes: name -> place, as a share of a turn clockwise from the top, in [0, 1).
        keys: name -> place, as for the nodes.
        added: a node of `nodes` that has just come: it gets a plus, and the keys that move to it are dark.
        removed: a node of `nodes` that has just gone: it is crossed, and the keys that move away from it are dark.

    Raises:
        ValueError: no nodes, a place outside [0, 1), two nodes in one place, or an added or removed node that is not
            among the nodes or leaves none.
    """
    nodes, keys = _places("nodes", nodes), _places("keys", keys)
    before, after = _before_and_after(nodes, added, removed)
    page(ax, *PAGE, left=-PAGE[0] / 2, bottom=-PAGE[1] / 2)
    ax.add_artist(Circle((0, 0), RADIUS, fc="none", ec=FAINT, lw=1.6, zorder=LINES))
    homes = {name: node_of(place, after) for name, place in keys.items()}
    moves = {name: node_of(place, before) != homes[name] for name, place in keys.items()}
    for name, place in keys.items():
        _draw_way(ax, place, nodes[homes[name]], moves=moves[name])
        _draw_key(ax, name, place, moves=moves[name])
    for name, place in nodes.items():
        _draw_node(ax, name, place, is_new=name == added, is_gone=name == removed)


def node_of(place: float, nodes: Mapping[str, float]) -> str:
    """Return the node that a place on the ring belongs to: the next one clockwise, its own place included.

    >>> node_of(0.9, {"a": 0.1, "b": 0.5}), node_of(0.5, {"a": 0.1, "b": 0.5})
    ('a', 'b')
    """
    return min(nodes, key=lambda name: (nodes[name] - place) % 1)


def _before_and_after(
    nodes: Mapping[str, float], added: str | None, removed: str | None
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    if not nodes:
        raise ValueError("nodes must hold at least one node, got none; name one and its place")
    if len(set(nodes.values())) < len(nodes):
        raise ValueError(f"nodes must have places of their own, got {dict(nodes)}; move one")
    for argument, name in (("added", added), ("removed", removed)):
        if name is not None and name not in nodes:
            raise ValueError(f"{argument} must be one of the nodes {', '.join(nodes)}, got {name!r}; name it there too")
    before = {name: place for name, place in nodes.items() if name != added}
    after = {name: place for name, place in nodes.items() if name != removed}
    if not before or not after or added == removed is not None:
        raise ValueError(f"added and removed must leave a node, got {added!r} and {removed!r}; name another node")
    return before, after


def _places(argument: str, named: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(named, Mapping):
        raise ValueError(f"{argument} must map names to places, got {named!r:.60}; write {{name: share of a turn}}")
    found = {name: checks.number(f"the place of {name}", place, low=0, high=1) for name, place in named.items()}
    if 1 in found.values():
        raise ValueError(f"{argument} must lie in [0, 1), got a place of 1; it is the top of the ring, write 0")
    return found


def _at(place: float, distance: float) -> tuple[float, float]:
    return distance * sin(2 * pi * place), distance * cos(2 * pi * place)


def _side(place: float) -> int:
    """Return on which side of the ring a place lies: 1 right, -1 left, 0 at the top or at the bottom."""
    x = sin(2 * pi * place)
    return 0 if abs(x) < 0.4 else 1 if x > 0 else -1


def _draw_way(ax: Axes, place: float, home: float, *, moves: bool) -> None:
    """Draw a key's way along the ring to its node."""
    way = (home - place) % 1
    if way >= SHORTEST_WAY:
        arrow(ax, [_at(place + share, KEY_LANE) for share in np.linspace(0, way - 0.02, 60)], lit=moves)


def _draw_key(ax: Axes, name: str, place: float, *, moves: bool) -> None:
    look = {"fc": DARK, "ec": DARK} if moves else {"fc": "white", "ec": WORDS}
    ax.add_artist(Circle(_at(place, KEY_LANE), KEY, lw=1.2, **look, zorder=SHAPES))
    x, y = _at(place, KEY_WORDS)
    ax.text(
        x, y, name, ha={1: "right", 0: "center", -1: "left"}[_side(place)], va="center", fontsize=8,
        color=DARK if moves else WORDS, fontweight="bold" if moves else "normal",
    )  # fmt: skip


def _draw_node(ax: Axes, name: str, place: float, *, is_new: bool, is_gone: bool) -> None:
    x, y = _at(place, RADIUS)
    look = {"fc": "white", "ec": DARK, "ls": "--"} if is_gone else {"fc": DARK, "ec": DARK, "ls": "-"}
    ax.add_artist(Circle((x, y), NODE, lw=1.6, **look, zorder=SHAPES + 1))
    if is_new:
        ax.text(x, y, "+", ha="center", va="center_baseline", fontsize=12, fontweight="bold", color="white", zorder=9)
    if is_gone:
        cross(ax, (x, y), radius=1.3 * NODE)
    told = f"{name}, new" if is_new else f"{name}, gone" if is_gone else name
    ax.text(
        *_at(place, NODE_WORDS), told, ha={1: "left", 0: "center", -1: "right"}[_side(place)], va="center", fontsize=9,
        color=INK, fontweight="bold" if is_new or is_gone else "normal",
    )  # fmt: skip
