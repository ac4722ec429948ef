"""Figures: one message each, in words too. The style of all lessons is set here and nowhere else."""

import base64
import io
import itertools
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib
from cycler import cycler
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, MaxNLocator
from PIL import Image

__all__ = ["COLORS", "INK", "PALE", "figure", "image_html", "in_few_colors", "label_line_ends", "lesson_style"]

# After Okabe and Ito (2008), ordered so that neighbors also differ in grey (CIE lightness 20, 55, 72, 45, 84).
COLORS = {"navy": "#12304f", "orange": "#d55e00", "sky": "#56b4e9", "green": "#00795c", "yellow": "#f0d24a"}
INK, PALE = "#222222", "#9a9a9a"
SHORTEST_ALT = 40
DOTS_PER_INCH, MOST_COLORS = 110, 256

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": PALE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(color=list(COLORS.values()))
    + cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1, 1, 1))]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def lesson_style() -> Iterator[None]:
    """Have matplotlib draw in the style of the lessons, whatever the caller has set; also a decorator."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


@contextmanager
def figure(
    title: str,
    *,
    alt: str,
    size: tuple[float, float] = (7.2, 3.4),
    rows: int = 1,
    columns: int = 1,
    **options: Any,
) -> Iterator[Any]:
    """Draw one figure and show it, with its finding as the title and its content in words.

    Args:
        title: the finding, one sentence.
        alt: alternative text: what is drawn, and its numbers, for who can't see it (put results in from the run).
        size: width and height in inches.
        rows: panels above each other.
        columns: panels side by side.
        options: passed to `Figure.subplots` (`sharey=True`, `width_ratios=…`).

    Yields:
        the axes: one `Axes`, or an array of them where there are several panels.

    Raises:
        ValueError: no title, or an alternative text too short to stand in for the picture.
    """
    if not title.strip():
        raise ValueError("title must state the finding, got nothing")
    if len(alt.strip()) < SHORTEST_ALT:
        raise ValueError(
            f"alt must say in words what the figure shows, got {len(alt.strip())} characters; "
            f"write at least {SHORTEST_ALT}: what is on the axes, and what is to be seen"
        )
    with matplotlib.rc_context(STYLE):
        canvas = Figure(figsize=size, layout="constrained")
        axes = canvas.subplots(rows, columns, **options)
        yield axes
        _thin_ticks(canvas)
        wrapped = textwrap.fill(title, int(size[0] * 10.5))
        canvas.suptitle(wrapped, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
        image = io.BytesIO()
        canvas.savefig(image, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    alt = " ".join(alt.split())
    picture = in_few_colors(image.getvalue())
    display(
        {"text/html": image_html(picture, alt), "image/png": picture, "text/plain": f"Figure: {title}"},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )
    words = f"<details><summary>Figure in words</summary>{escape(alt)}</details>"
    display({"text/html": words, "text/plain": f"Figure in words: {alt}"}, raw=True)


def image_html(png: bytes, alt: str) -> str:
    """Return a picture as HTML that carries its words.

    JupyterLab and nbconvert show it in place of the stored PNG, whose alternative text they both leave out.

    Args:
        png: the bytes of the picture.
        alt: what it shows, in words.
    """
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return f'<img alt="{escape(alt)}" src="{source}">'


def in_few_colors(png: bytes) -> bytes:
    """Return the same picture as a PNG of at most 256 colors, about a third as large.

    No pixel of a lesson's figure moves by more than about ten of 255 steps, which nobody sees; so the picture can be
    stored twice, once with its words, and the notebook is still smaller than before.

    Args:
        png: the bytes of a picture without transparency.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(MOST_COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    found = io.BytesIO()
    few.save(found, "PNG", optimize=True)
    return found.getvalue()


def _thin_ticks(canvas: Figure) -> None:
    """Keep the numbers along a narrow panel apart: at most one tick every 0.6 inches where the scale is linear."""
    for ax in canvas.axes:
        width = ax.get_position().width * canvas.get_size_inches()[0]
        if ax.get_xscale() == "linear" and isinstance(ax.xaxis.get_major_locator(), AutoLocator):
            ax.xaxis.set_major_locator(MaxNLocator(max(2, int(width / 0.6)), steps=[1, 2, 2.5, 5, 10]))


def label_line_ends(ax: Axes, *, gap: float = 0.055, size: float = 9) -> None:
    """Write each line's label at its right end instead of in a legend, moved apart where they would overlap.

    Args:
        ax: axes whose lines carry labels.
        gap: least distance of two labels, as a share of the height of the axes.
        size: font size, points.
    """
    ends = []
    for line in ax.get_lines():
        if line.get_label().startswith("_") or not len(line.get_xdata()):
            continue
        x, y = line.get_xdata()[-1], line.get_ydata()[-1]
        height = ax.transAxes.inverted().transform(ax.transData.transform((x, y)))[1]
        ends.append([height, x, line])
    ends.sort(key=lambda end: end[0])
    for lower, upper in itertools.pairwise(ends):
        upper[0] = max(upper[0], lower[0] + gap)
    right = max((ax.transAxes.inverted().transform(ax.transData.transform((x, 1)))[0] for _, x, _ in ends), default=1)
    for height, _, line in ends:
        ax.text(
            right + 0.012,
            height,
            line.get_label(),
            color=line.get_color(),
            transform=ax.transAxes,
            va="center",
            fontsize=size,
            clip_on=False,
        )
