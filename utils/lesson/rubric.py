"""The rubric: points of a good answer, which the learner ticks off on their own draft."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from utils.foundation import checks
from utils.lesson.progress import Progress
from utils.lesson.refusal import Refusal

__all__ = ["KEY", "SECTION", "Score", "checked_ticks", "kept_ticks", "listed", "score", "show_boxes"]

SECTION = "rubric"
KEY = "ticked"


class Score(NamedTuple):
    """How many points of a rubric the learner found in their own answer, of how many."""

    ticked: int
    points: int


def checked_ticks(ticked: Any, points: Sequence[str]) -> list[int]:
    """Return the numbers of the ticked points, each once, in order.

    Args:
        ticked: a list of numbers, counted from 1 as the rubric is shown; of a mapping, those whose value is true.
        points: of the rubric.

    Returns:
        The numbers, sorted.

    Raises:
        Refusal: not a list, or a number that the rubric lacks.

    >>> checked_ticks([3, 1, 1], ["asks", "sizes", "decides"])
    [1, 3]
    >>> checked_ticks({1: True, 2: False}, ["asks", "sizes"])
    [1]
    """
    if isinstance(ticked, Mapping):
        ticked = [number for number, is_found in ticked.items() if is_found]
    try:
        numbers = None if isinstance(ticked, (str, bytes)) else list(ticked)
    except TypeError:
        numbers = None
    if numbers is None:
        raise Refusal(f"ticked must be a list of numbers, got {checks.told(ticked)}; write ticked=[1, 3]")
    return sorted({_checked_tick(number, len(points)) for number in numbers})


def _checked_tick(number: Any, last: int) -> int:
    try:
        return checks.count("ticked", number, maximum=last)
    except ValueError:
        raise Refusal(
            f"ticked must hold numbers from 1 to {last}, got {checks.told(number)}; write ticked=[1, 3]"
        ) from None


def kept_ticks(progress: Progress, number: int, points: Sequence[str]) -> list[int] | None:
    """Return the ticks kept with a learner's progress that the rubric still has; None where it was never scored."""
    section = progress.lesson(number).get(SECTION)
    ticked = section.get(KEY) if isinstance(section, dict) else None
    if not isinstance(ticked, list):
        return None
    return sorted({one for one in ticked if type(one) is int and 1 <= one <= len(points)})  # True is no number here


def score(progress: Progress, number: int, points: Sequence[str]) -> Score | None:
    """Return a learner's score of one lesson, None where the lesson has no rubric or the learner has not scored yet."""
    ticked = kept_ticks(progress, number, points) if points else None
    return None if ticked is None else Score(len(ticked), len(points))


def listed(points: Sequence[str], ticked: Sequence[int] | None) -> str:
    """Return the rubric in Markdown, a box before each point, and below it the score or what to do.

    >>> print(listed(["Asks for the scale.", "Decides."], [2]))
    **Rubric.** What a good answer has. Tick what yours had.
    <BLANKLINE>
    1. ☐ Asks for the scale.
    2. ☑ Decides.
    <BLANKLINE>
    **1 of 2.**
    """
    lines = ["**Rubric.** What a good answer has. Tick what yours had.", ""]
    for number, point in enumerate(points, 1):
        box = "☑" if number in (ticked or ()) else "☐"
        lines.append(f"{number}. {box} {' '.join(point.split())}")
    told = "*Not scored yet: `lesson.rubric(ticked=[1, 2])` ticks the first two.*"
    return "\n".join([*lines, "", told if ticked is None else f"**{len(ticked)} of {len(points)}.**"])


def show_boxes(n: int, ticked: Sequence[int], changed: Callable[[list[int]], None]) -> None:
    """Show a row of check boxes, one a point, for a live front end.

    Args:
        n: number of points.
        ticked: the points ticked at first.
        changed: called with the ticked points after each change.
    """
    import ipywidgets as widgets
    from IPython.display import display

    boxes = [
        widgets.Checkbox(value=number in ticked, description=str(number), indent=False, layout={"width": "4em"})
        for number in range(1, n + 1)
    ]

    def tell(_: Any) -> None:
        changed([number for number, box in enumerate(boxes, 1) if box.value])

    for box in boxes:
        box.observe(tell, names="value")
    display(widgets.HBox(boxes))
