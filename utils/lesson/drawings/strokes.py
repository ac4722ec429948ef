"""The strokes that all drawings share: box, drum, arrow, numbered badge and the cross of a fault.

Everything is in the data units of axes whose units are equal on both sides; `page` makes such axes. What is lit is dark
with white words, what is not is white with grey words, so that grey print tells them apart; a fault is a cross in a
circle, never a color alone. Shapes join the axes as artists, not as patches: the limits of a page are fixed, and to
reckon them anew for each shape took most of the time of a drawing.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.path import Path

from utils.lesson.figure import COLORS, INK, PALE

__all__ = ["DARK", "FAINT", "FAULT", "INK", "PALE", "WORDS", "arrow", "badge", "box", "cross", "drum", "page"]

DARK, FAULT = COLORS["navy"], COLORS["orange"]
FAINT = "#b8b8b8"  # lines of what is not lit
WORDS = "#6e6e6e"  # words of what is not lit
BEHIND, LINES, SHAPES, TEXTS, MARKS = 0, 1, 2, 3, 4  # what lies above what


def page(ax: Axes, width: float, height: float, *, left: float = 0.0, bottom: float = 0.0) -> None:
    """Make the axes an empty page with equal units on both sides.

    Args:
        ax: axes to draw on.
        width: of the page, in data units.
        height: of the page, in data units.
        left: coordinate of its left border.
        bottom: coordinate of its lower border.
    """
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(left, left + width)
    ax.set_ylim(bottom, bottom + height)


def box(
    ax: Axes,
    middle: tuple[float, float],
    size: tuple[float, float],
    words: str = "",
    *,
    lit: bool = False,
    met: bool = False,
    broken: bool = False,
    fontsize: float = 9.0,
) -> None:
    """Draw a rounded box with words in it.

    Args:
        ax: axes to draw on.
        middle: of the box.
        size: width and height.
        words: written in its middle.
        lit: whether it is dark.
        met: whether a path meets it, which gives it a dark rim and dark words.
        broken: whether a fault sits in it, which gives it a thick rim; `cross` marks it.
        fontsize: points.
    """
    (x, y), (width, height) = middle, size
    radius = 0.18 * min(width, height)
    corner = (x - width / 2 + radius, y - height / 2 + radius)
    patch = FancyBboxPatch(
        corner,
        width - 2 * radius,
        height - 2 * radius,
        boxstyle=f"round,pad={radius},rounding_size={radius}",
        **_look(lit, met, broken),
        zorder=SHAPES,
    )
    ax.add_artist(patch)
    _write(ax, x, y, words, lit, met, fontsize)


def drum(
    ax: Axes,
    middle: tuple[float, float],
    size: tuple[float, float],
    words: str = "",
    *,
    lit: bool = False,
    met: bool = False,
    broken: bool = False,
    fontsize: float = 9.0,
) -> None:
    """Draw a drum, the sign of a store, with words on it; arguments as for `box`."""
    (x, y), (width, height) = middle, size
    rise = 0.26 * height  # of the lid
    top, bottom = y + height / 2 - rise / 2, y - height / 2 + rise / 2
    angles = np.linspace(np.pi, 2 * np.pi, 41)
    lower = np.column_stack([x + width / 2 * np.cos(angles), bottom + rise / 2 * np.sin(angles)])
    outline = [(x - width / 2, top), *lower, (x + width / 2, top)]
    look = _look(lit, met, broken)
    ax.add_artist(Polygon(outline, closed=True, **look, zorder=SHAPES))
    ax.add_artist(Ellipse((x, top), width, rise, **look, zorder=SHAPES + 0.1))
    if lit:  # the rim of the lid, which is dark on dark
        ax.add_artist(Ellipse((x, top), 0.97 * width, 0.9 * rise, fc="none", ec="white", lw=1.0, zorder=SHAPES + 0.2))
    _write(ax, x, y - rise / 2, words, lit, met, fontsize)


def arrow(
    ax: Axes,
    route: Sequence[tuple[float, float]],
    *,
    lit: bool = False,
    both_ways: bool = False,
    backward: bool = False,
    **style: Any,
) -> None:
    """Draw an arrow along a line with corners.

    Args:
        ax: axes to draw on.
        route: the corners, from its start to its tip.
        lit: whether it is dark and thick.
        both_ways: whether it has a tip at either end.
        backward: whether its tip is at the start of the route.
        style: for the patch, in place of the usual color, line width and line style.
    """
    tips = "<|-|>" if both_ways else "<|-" if backward else "-|>"
    look = {"color": DARK, "lw": 2.0} if lit else {"color": FAINT, "lw": 1.1}
    path = FancyArrowPatch(
        path=Path(list(route)),
        arrowstyle=f"{tips},head_length=5,head_width=2.6",
        joinstyle="round",
        capstyle="butt",
        **{**look, **style},
        zorder=LINES + 0.5 * lit,
    )
    ax.add_artist(path)


def badge(ax: Axes, middle: tuple[float, float], words: str, *, radius: float = 0.098, fontsize: float = 8.0) -> None:
    """Draw a numbered badge: a white disk with a dark rim."""
    ax.add_artist(Circle(middle, radius, fc="white", ec=DARK, lw=1.2, zorder=MARKS))
    ax.text(
        *middle, words, ha="center", va="center_baseline", fontsize=fontsize, fontweight="bold", color=DARK,
        zorder=MARKS + 0.1,
    )  # fmt: skip


def cross(ax: Axes, middle: tuple[float, float], *, radius: float = 0.13) -> None:
    """Draw the mark of a fault: a white cross on a disk with a white rim."""
    x, y = middle
    ax.add_artist(Circle(middle, radius, fc=FAULT, ec="white", lw=1.4, zorder=MARKS + 1))
    arm = 0.46 * radius
    for slope in (1, -1):
        ax.plot(
            [x - arm, x + arm], [y - slope * arm, y + slope * arm], color="white", ls="-", lw=2.2, solid_capstyle="round",
            zorder=MARKS + 1.1,
        )  # fmt: skip


def _look(lit: bool, met: bool, broken: bool) -> dict[str, Any]:
    face, rim = (DARK, DARK) if lit else ("white", DARK if met else PALE)
    return {"fc": face, "ec": FAULT if broken else rim, "lw": 2.8 if broken else 1.3 if met or lit else 1.0}


def _write(ax: Axes, x: float, y: float, words: str, lit: bool, met: bool, fontsize: float) -> None:
    color = "white" if lit else DARK if met else WORDS
    weight = "bold" if lit else "normal"
    ax.text(
        x, y, words, ha="center", va="center", fontsize=fontsize, fontweight=weight, color=color, zorder=TEXTS
    )  # fmt: skip
