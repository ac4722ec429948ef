"""Results that are given piece by piece, such as a map, a zip or a generator, as the list that they stand for."""

from collections.abc import Generator, ItemsView, Iterable, Iterator, KeysView, ValuesView
from itertools import islice
from typing import Any

from utils.lesson.exercise.time_limit import guarded

__all__ = ["MOST_PARTS", "Endless", "Finished", "finished"]

MOST_PARTS = 1_000_000
DEEPEST = 3  # a result inside a container inside a container
CONTAINERS = (list, tuple, dict)
PIECEMEAL = (Iterator, KeysView, ItemsView, ValuesView, memoryview)


class Endless(Exception):
    """An iterator gave more parts than any result has."""


class Finished(list):
    """The parts that an iterator or a view gave, in order.

    Attributes:
        is_generator: whether it was a generator, so that a `yield` or a comprehension in parentheses made it.
    """

    def __init__(self, parts: Iterable = (), *, is_generator: bool = False) -> None:
        super().__init__(parts)
        self.is_generator = is_generator


def finished(result: Any, depth: int = 0) -> Any:
    """Return a result whose iterators are run to their end, once, also those inside lists, tuples and dictionaries.

    Args:
        result: what a function returned, anything.
        depth: how many containers it lies in.

    Returns:
        `Finished` for an iterator, a memoryview or a dictionary's values; a copy for a view of a dictionary's keys or
        items, which may stand for a set too; anything else as it is.

    Raises:
        Endless: an iterator gives more than `MOST_PARTS` parts.
        BaseException: what an iterator itself raises.

    >>> finished(map(abs, [-1, 2])), finished((zip("ab", [1, 2]), 3))
    ([1, 2], ([('a', 1), ('b', 2)], 3))
    """
    kind = type(result)
    if kind in CONTAINERS:
        parts = list(result.values()) if kind is dict else result
        if depth >= DEEPEST or not any(_may_need_it(part) for part in set(map(type, parts))):
            return result
        done = [finished(part, depth + 1) for part in parts]
        return dict(zip(result, done, strict=True)) if kind is dict else kind(done)
    if not _is_piecemeal(kind):
        return result
    if kind is memoryview:
        return Finished(result.tolist()) if result.ndim else result
    if issubclass(kind, KeysView):
        return dict.fromkeys(result).keys()
    if issubclass(kind, ItemsView):
        return dict(result).items()
    parts = list(islice(result, MOST_PARTS + 1))
    if len(parts) > MOST_PARTS:
        raise Endless
    return Finished(
        [finished(part, depth + 1) for part in parts] if depth < DEEPEST else parts,
        is_generator=issubclass(kind, Generator),
    )


def _may_need_it(kind: type) -> bool:
    return kind in CONTAINERS or _is_piecemeal(kind)


def _is_piecemeal(kind: type) -> bool:
    return guarded(issubclass, kind, PIECEMEAL, otherwise=False)
