"""The whiteboard: Platter's architecture, the same picture in every lesson, with the lesson's part lit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, hypot

from matplotlib.axes import Axes

from utils.lesson.architecture import (
    COMPONENTS,
    EDGES,
    HALF_HEIGHT,
    HALF_WIDTH,
    Component,
    Edge,
    checked_fault,
    checked_lit,
    hops,
)
from utils.lesson.drawings.strokes import arrow, badge, box, cross, drum, page
from utils.lesson.figure import figure, lesson_style

__all__ = ["draw_whiteboard", "in_words", "whiteboard"]

SIZE = (7.2, 4.15)  # inches
PITCH_X, PITCH_Y = 1.45, 0.98  # inches from column to column and from row to row
LEFT, BOTTOM = 0.61, 0.36  # of the first component's middle
PAGE = (7.02, 3.68)
FONT_SIZE = 8.6
MARK_STEP = 0.24  # from mark to mark on an edge that has more than one
CROSS = "cross"


def whiteboard(
    *,
    lit: Iterable[str] = (),
    path: Sequence[str] = (),
    fault: str | tuple[str, str] | None = None,
    title: str = "",
) -> None:
    """Show Platter's architecture with some components lit, a numbered path, and the place of a fault.

    Args:
        lit: names of the components that are lit.
        path: components in the order in which a request or a row meets them; hop by hop it follows the edges, in either
            direction.
        fault: the component where the fault sits, or the two ends of the edge; it gets a cross.
        title: the finding; by default "Platter's architecture".

    Raises:
        ValueError: a name that the whiteboard lacks, or a path or fault where there is no edge.
    """
    lit, path = (list(names) if isinstance(names, Iterator) else names for names in (lit, path))  # both are read twice
    words = in_words(lit=lit, path=path, fault=fault)
    with figure((title or "").strip() or "Platter's architecture", alt=words, size=SIZE) as ax:
        draw_whiteboard(ax, lit=lit, path=path, fault=fault)


@lesson_style()
def draw_whiteboard(
    ax: Axes, *, lit: Iterable[str] = (), path: Sequence[str] = (), fault: str | tuple[str, str] | None = None
) -> None:
    """Draw the whiteboard onto axes, for a figure of its own; arguments and errors as for `whiteboard`.

    The axes need the size of `SIZE` at least, for the words to fit; matplotlib's settings of the caller don't matter.
    """
    shining, walked, broken = checked_lit(lit), hops(path), checked_fault(fault)
    met = {name for one, other, _ in walked for name in (one, other)}
    page(ax, *PAGE)
    _draw_edges(ax, walked)
    for name, component in COMPONENTS.items():
        _draw_component(ax, component, lit=name in shining, met=name in met, broken=name == broken)
    _draw_marks(ax, walked, broken)


def in_words(*, lit: Iterable[str] = (), path: Sequence[str] = (), fault: str | tuple[str, str] | None = None) -> str:
    """Return the whiteboard in words: what is lit, the path hop by hop, the fault, and the fixed picture itself.

    Args:
        lit: as for `whiteboard`.
        path: as for `whiteboard`.
        fault: as for `whiteboard`.

    Returns:
        Sentences that stand in for the picture.

    Raises:
        ValueError: as for `whiteboard`.
    """
    shining, walked, broken = checked_lit(lit), hops(path), checked_fault(fault)
    said = [f"Platter's architecture, the same {len(COMPONENTS)} components in every lesson."]
    if shining:
        said.append(f"Lit: {_and(shining)}.")
    if walked:
        steps = (f"{n} from {one} to {other}" for n, (one, other, _) in enumerate(walked, 1))
        said.append(f"The numbered path: {', '.join(steps)}.")
    if broken is not None:
        where = f"between {broken.start} and {broken.end}" if isinstance(broken, Edge) else f"in the {broken}"
        said.append(f"A cross marks the fault, {where}.")
    edges = (f"{edge.start} to {edge.end} ({edge.what})" for edge in EDGES)
    said.append(f"The arrows run from {', '.join(edges)}.")
    return " ".join(said)


def _draw_component(ax: Axes, component: Component, **state: bool) -> None:
    (x, y), (width, height) = (
        _inch(component.column, component.row),
        (2 * HALF_WIDTH * PITCH_X, 2 * HALF_HEIGHT * PITCH_Y),
    )
    draw = drum if component.is_store else box
    draw(ax, (x, y), (width, height), component.name, fontsize=FONT_SIZE, **state)
    if state["broken"]:
        cross(ax, (x + width / 2 - 0.13, y + height / 2 - 0.03))


def _draw_edges(ax: Axes, walked: Sequence[tuple[str, str, Edge]]) -> None:
    directions = defaultdict(set)
    for one, _, edge in walked:
        directions[edge].add(one == edge.start)
    for edge in EDGES:
        ways = directions[edge]
        arrow(ax, _inches(edge.route), lit=bool(ways), both_ways=len(ways) == 2, backward=ways == {False})


def _draw_marks(ax: Axes, walked: Sequence[tuple[str, str, Edge]], broken: str | Edge | None) -> None:
    """Mark the longest piece of each edge with the numbers of its hops and the cross of a fault, side by side."""
    marks = defaultdict(list)
    for number, (_, _, edge) in enumerate(walked, 1):
        marks[edge].append(str(number))
    if isinstance(broken, Edge):
        marks[broken].append(CROSS)
    for edge, found in marks.items():
        piece = max(pairwise(_inches(edge.route)), key=lambda piece: _length(*piece))
        for place, mark in zip(_places(piece, len(found)), found, strict=True):
            if mark == CROSS:
                cross(ax, place)
            else:
                badge(ax, place, mark)


def _places(piece: tuple[tuple[float, float], tuple[float, float]], n: int) -> list[tuple[float, float]]:
    """Return n places around the middle of a straight piece.

    They follow each other along it where it is long enough; else they lie in lines beside it, half of them on either
    side so that the arrow stays visible, and are read as a text is.
    """
    (x0, y0), (x1, y1) = piece
    is_upright, fitting = x0 == x1, int(_length(*piece) / MARK_STEP)
    if n <= max(1, fitting - 2):
        order = -1 if x1 < x0 or y1 > y0 else 1  # the edge's own
        grid = [(0, order * off) if is_upright else (order * off, 0) for off in _around_zero(n)]
    elif n == 2:
        grid = [(off, 0) if is_upright else (0, off) for off in _around_zero(2)]
    else:
        lines = 2 * ceil(n / max(2, fitting) / 2)
        beside, along = _around_zero(lines), _around_zero(ceil(n / lines))
        columns, rows = (beside, along) if is_upright else (along, beside)
        grid = [(column, row) for row in rows for column in columns]
    return [((x0 + x1) / 2 + MARK_STEP * x, (y0 + y1) / 2 - MARK_STEP * y) for x, y in grid[:n]]


def _around_zero(n: int) -> list[float]:
    return [place - (n - 1) / 2 for place in range(n)]


def _length(one: tuple[float, float], other: tuple[float, float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _inch(column: float, row: float) -> tuple[float, float]:
    return LEFT + PITCH_X * column, BOTTOM + PITCH_Y * row


def _inches(route: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [_inch(*corner) for corner in route]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
