"""The timeline: events on lanes, with their words, and a shaded span."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from utils.foundation import checks
from utils.lesson.drawings.strokes import BEHIND, DARK, INK, PALE, WORDS
from utils.lesson.figure import lesson_style

__all__ = ["draw_timeline"]

SHADE = "#e6e6e6"
LANE = 1.0


@lesson_style()
def draw_timeline(
    ax: Axes,
    lanes: Mapping[str, Sequence[tuple[float, str]]],
    *,
    span: tuple[float, float] | None = None,
    span_words: str = "",
    links: Sequence[tuple[str, float, str, float]] = (),
    unit: str = "",
) -> None:
    """Draw events along a line of time, a lane for each kind.

    Args:
        ax: axes of `figure`.
        lanes: name -> the events as (time, words), from the top lane down; the words may be empty.
        span: the start and the end of what is shaded.
        span_words: written at the top of the span.
        links: arrows from an event to another, as (lane, time, lane, time).
        unit: of the time, written below the axis.

    Raises:
        ValueError: no lanes, an event that is not (time, words), a time that is not a finite number, a span that ends
            before it starts, or a link to an event that is not there.
    """
    events = _checked_lanes(lanes)
    heights = {name: LANE * (len(events) - 1 - row) for row, name in enumerate(events)}
    if span is not None:
        _draw_span(ax, _checked_span(span), span_words, LANE * len(events))
    for name, found in events.items():
        y = heights[name]
        ax.axhline(y, color=PALE, ls="-", lw=1.0, zorder=1)
        ax.plot(
            [time for time, _ in found], [y] * len(found), ls="none", marker="o", ms=7, mfc=DARK, mec=DARK, zorder=3
        )
        for time, words in found:
            ax.annotate(
                words, (time, y), xytext=(4, 5), textcoords="offset points", fontsize=8.4, color=INK, zorder=4,
            )  # fmt: skip
    for link in links:
        _draw_link(ax, link, events, heights)
    ax.set_yticks(list(heights.values()), list(heights))
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.5 * LANE, LANE * (len(events) - 0.3) + (0.25 if span_words else 0))
    ax.margins(x=0.08)
    ax.set_xlabel(unit)


def _draw_span(ax: Axes, span: tuple[float, float], words: str, top: float) -> None:
    start, end = span
    ax.axvspan(start, end, fc=SHADE, ec="none", zorder=BEHIND)
    ax.text((start + end) / 2, top - 0.25, words, ha="center", va="bottom", fontsize=8.4, color=WORDS, style="italic")


def _draw_link(
    ax: Axes,
    link: tuple[str, float, str, float],
    events: Mapping[str, Sequence[tuple[float, str]]],
    heights: Mapping[str, float],
) -> None:
    try:
        one, start, other, end = link
    except (TypeError, ValueError):
        raise ValueError(f"links must be (lane, time, lane, time), got {link!r}; name both events") from None
    for lane, time in ((one, start), (other, end)):
        if time not in [known for known, _ in events.get(lane, ())]:
            raise ValueError(f"links must join events of the lanes, got time {time!r} on {lane!r}; add the event first")
    look = {"arrowstyle": "-|>,head_length=0.45,head_width=0.22", "color": DARK, "lw": 1.3, "shrinkA": 5, "shrinkB": 5}
    ax.annotate("", (end, heights[other]), xytext=(start, heights[one]), arrowprops=look, zorder=2)


def _checked_span(span: Any) -> tuple[float, float]:
    try:
        start, end = span
    except (TypeError, ValueError):
        raise ValueError(f"span must be (start, end), got {span!r}; give both times") from None
    start, end = checks.number("span", start), checks.number("span", end)
    if start >= end:
        raise ValueError(f"span must end after it starts, got {span!r}; swap the two")
    return start, end


def _checked_lanes(lanes: Mapping[str, Sequence[tuple[float, str]]]) -> dict[str, list[tuple[float, str]]]:
    if not isinstance(lanes, Mapping) or not lanes:
        raise ValueError(f"lanes must map names to events, got {lanes!r:.60}; write {{name: [(time, words)]}}")
    found = {}
    for name, events in lanes.items():
        for event in events:
            if not (isinstance(event, tuple) and len(event) == 2 and isinstance(event[1], str)):
                raise ValueError(f"lanes must hold events as (time, words), got {event!r} on {name!r}; write both")
        found[name] = [(checks.number(f"a time on {name}", time), words) for time, words in events]
    return found
