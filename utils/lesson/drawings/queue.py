"""The queue: arrivals, the boxes where requests wait, the servers, and what is dropped."""

from matplotlib.axes import Axes

from utils.foundation import checks
from utils.lesson.drawings.strokes import DARK, FAULT, INK, WORDS, arrow, box, cross, page
from utils.lesson.figure import lesson_style

__all__ = ["draw_queue"]

MOST = 12  # waiting places or servers that are drawn
PLACE, SERVER = (0.34, 0.5), (0.9, 0.36)
Y = 1.0  # of the line of waiting requests


@lesson_style()
def draw_queue(
    ax: Axes,
    *,
    waiting: int,
    places: int,
    servers: int,
    busy: int | None = None,
    arrivals: str = "arrivals",
    served: str = "served",
    dropped: str = "",
) -> None:
    """Draw a queue in front of its servers.

    Args:
        ax: axes of `figure`.
        waiting: number of requests that wait; they fill the places next to the servers.
        places: number of waiting places, at most 12.
        servers: number of servers, at most 12.
        busy: number of servers at work; all of them by default.
        arrivals: words at the arrow into the queue, such as a rate.
        served: words at the arrow out of the servers.
        dropped: words at the arrow of what is refused; empty where nothing is.

    Raises:
        ValueError: a number that is not whole, negative or too large to draw, more waiting than places, or more busy
            than servers.
    """
    places = _few("places", places, 0)
    servers = _few("servers", servers, 1)
    waiting = _at_most("waiting", waiting, places, "places")
    busy = _at_most("busy", servers if busy is None else busy, servers, "servers")
    height = max(2.0, 0.46 * servers + 0.3)
    y, entry = max(Y, height / 2), 1.25
    exit_ = entry + PLACE[0] * places
    page(ax, exit_ + 3.2, height)
    arrow(ax, [(0.1, y), (entry - 0.12, y)], lit=True)
    ax.text(0.1, y + 0.12, arrivals, ha="left", va="bottom", fontsize=9, color=INK)
    for place in range(places):
        x = exit_ - PLACE[0] * (place + 0.5)
        box(ax, (x, y), (PLACE[0] - 0.05, PLACE[1]), lit=place < waiting)
    if dropped:
        _draw_drop(ax, entry - 0.3, y, dropped)
    _draw_servers(ax, exit_, y, servers, busy, served)


def _draw_drop(ax: Axes, x: float, y: float, words: str) -> None:
    arrow(ax, [(x, y), (x, y - 0.62)], color=FAULT, lw=1.8)
    cross(ax, (x, y - 0.74), radius=0.11)
    ax.text(x + 0.2, y - 0.74, words, ha="left", va="center", fontsize=9, color=INK)


def _draw_servers(ax: Axes, start: float, y: float, servers: int, busy: int, served: str) -> None:
    x = start + 1.05
    for server in range(servers):
        level = y + 0.46 * ((servers - 1) / 2 - server)
        is_busy = server < busy
        box(ax, (x, level), SERVER, "busy" if is_busy else "idle", lit=is_busy, fontsize=8.4)
        color = DARK if is_busy else WORDS
        arrow(ax, [(start + 0.05, y), (start + 0.3, level), (x - SERVER[0] / 2, level)], color=color, lw=1.2)
        arrow(ax, [(x + SERVER[0] / 2, level), (x + SERVER[0] / 2 + 0.4, level)], color=color, lw=1.2)
    ax.text(x + SERVER[0] / 2 + 0.48, y, served, ha="left", va="center", fontsize=9, color=INK)


def _few(argument: str, value: int, minimum: int) -> int:
    found = checks.count(argument, value, minimum=minimum)
    if found > MOST:
        raise ValueError(
            f"{argument} must be at most {MOST} to be drawn, got {found}; draw fewer and say how many stand for it"
        )
    return found


def _at_most(argument: str, value: int, limit: int, of_what: str) -> int:
    found = checks.count(argument, value, minimum=0)
    if found > limit:
        raise ValueError(f"{argument} must be at most the {limit} {of_what}, got {found}; raise {of_what} or lower it")
    return found
