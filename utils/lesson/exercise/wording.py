"""How a check speaks: a call with its arguments, a value in few characters, and where two results part."""

import math
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from utils.lesson.display import number
from utils.lesson.exercise.comparison import close, is_flag, is_missing, is_number, is_text, parts, plain
from utils.lesson.exercise.finished import Finished
from utils.lesson.exercise.time_limit import guarded

__all__ = ["call_text", "difference", "error_text", "short", "thread_text"]

VALUE_WIDTH = 60
ERROR_WIDTH = 200
SHOWN_AT_MOST = 20
WHOLE_ARRAY = 6
DIGITS = 4
MISSING = "NaN"
SEQUENCE = "a sequence"
# what can only be used in the thread where it was made: kind of error, its words, the sentence about it
OF_ONE_THREAD = (
    (
        sqlite3.ProgrammingError,
        r"created in a thread",
        "The check runs in a thread of its own, which can't use the notebook's connection: connect inside the function.",
    ),
    (
        RuntimeError,
        r"no (running|current) event loop|event loop is already running|different (event )?loop",
        "The check runs in a thread of its own, apart from the notebook's event loop: make one inside the function, with "
        "`asyncio.run(…)`.",
    ),
    (
        (ValueError, RuntimeError),
        r"only works in main thread",
        "The check runs in a thread of its own, which can't receive a signal: leave `signal` out; a check has a time "
        "limit already.",
    ),
)


def call_text(name: str, case: tuple) -> str:
    """Return the call of a function on a case, a named tuple of its arguments, as code with their names."""
    return f"{name}({', '.join(f'{key}={short(value)}' for key, value in zip(case._fields, case, strict=True))})"


def error_text(error: BaseException) -> str:
    """Return an error's type and words in a line, also where the error has none."""
    words = " ".join(guarded(str, error, otherwise="").split())
    return _cut(f"{type(error).__name__}: {words}".rstrip(": "), ERROR_WIDTH).rstrip(".")


def thread_text(error: BaseException) -> str:
    """Return a sentence where an answer fails because its check runs in another thread than the notebook, else "".

    Args:
        error: what the answer raised, perhaps on account of another error.
    """
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    for one in chain:
        for kind, words, sentence in OF_ONE_THREAD:
            if isinstance(one, kind) and re.search(words, guarded(str, one, otherwise="")):
                return sentence
    return ""


def short(value: Any) -> str:
    """Return a value in few characters, also where its own `__repr__` raises.

    >>> short([1, 2.5, "a"]), short(np.arange(40)), short(len)
    ("[1, 2.5, 'a']", 'array of shape (40,)', 'len')
    """
    name = guarded(lambda: str(type(value).__name__), otherwise="its own")
    return guarded(_cut_to_width, value, otherwise=f"an object of type {name}")


def difference(got: Any, want: Any, vocabulary: Sequence[Any] = (), agree: Callable[[Any, Any], bool] = close) -> str:
    """Return what came out and what is wrong with it: place, value and direction, without giving the solution away.

    Args:
        got: what came out.
        want: what is asked for, which differs.
        vocabulary: all results of the solution; where they are words, a word outside is told as such.
        agree: whether two parts count as equal.

    Returns:
        The rest of a sentence that began with the call, such as "gives 3 at index 1, which is too small".

    >>> difference([1, 3, 3], [1, 2, 3])
    'gives [1, 3, 3]: at index 1 it is 3, which is too large (1 of 3 entries differ)'
    >>> difference(0.87, 0.8714)
    'gives 0.87, which was rounded too early: it agrees to 2 digits'
    """
    whole = f"gives {_shown(got)}"
    if _missing_keys(got, want):
        return f"{whole}, a dictionary with other keys than those asked for"
    ours, theirs = _shape(got), _shape(want)
    if ours and theirs and len(ours) != len(theirs):
        return f"{whole}, of shape {ours}; shape {theirs} is asked for"
    place = _first_difference(got, want, agree)
    if not place.path:
        return f"{whole}, {_judged(place.got, place.want, vocabulary)}"
    told = f"it is {_shown(place.got)}, {_judged(place.got, place.want, ())}"
    return f"{whole}: at {_path_text(place.path)} {told} ({place.differing} of {place.total} entries differ)"


class _Place(NamedTuple):
    """Where two results part first: keys and indices from the outside in, the parts there, and how many differ."""

    path: tuple
    got: Any
    want: Any
    differing: int
    total: int


def _first_difference(got: Any, want: Any, agree: Callable[[Any, Any], bool]) -> _Place:
    ours, theirs = _entries(got), _entries(want)
    if not ours or not theirs or ours.keys() != theirs.keys():
        return _Place((), got, want, 1, 1)
    places = [key for key in theirs if not agree(ours[key], theirs[key])]
    if not places:
        return _Place((), got, want, 1, 1)
    inner = _first_difference(ours[places[0]], theirs[places[0]], agree)
    return _Place((places[0], *inner.path), inner.got, inner.want, len(places), len(theirs))


def _entries(value: Any) -> dict | None:
    if isinstance(value, Mapping):
        return dict(value)
    found = parts(plain(value))
    return None if found is None else dict(enumerate(found))


def _missing_keys(got: Any, want: Any) -> bool:
    return isinstance(got, Mapping) and isinstance(want, Mapping) and set(got) != set(want)


def _path_text(path: tuple) -> str:
    """Return a path as code writes it: "index 3", "key 'a'", "[0][2]"."""
    if len(path) > 1:
        return "".join(f"[{key!r}]" for key in path)
    return f"index {path[0]}" if isinstance(path[0], int) else f"key {path[0]!r}"


def _judged(got: Any, want: Any, vocabulary: Sequence[Any]) -> str:
    """Return a clause on what is wrong with a part of a result."""
    got, want = plain(got), plain(want)
    ours, theirs = _kind(got), _kind(want)
    if ours != theirs:
        return f"where {theirs} is asked for" if ours == MISSING else f"{ours}, where {theirs} is asked for"
    if is_text(want):
        return _judged_text(got, vocabulary)
    if is_number(want) and not is_flag(want):
        return _judged_number(got, want)
    if ours == SEQUENCE and len(parts(got)) != len(parts(want)):
        return f"of length {len(parts(got))}; length {len(parts(want))} is asked for"
    return "which is not right"


def _kind(value: Any) -> str:
    if is_text(value):
        return "a text"
    if is_flag(value):
        return "a bool"
    if is_missing(value):
        return MISSING
    if is_number(value):
        return "a number"
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (set, frozenset)):
        return "a set"
    return f"an object of type {type(value).__name__}" if parts(value) is None else SEQUENCE


def _judged_text(got: str, vocabulary: Sequence[Any]) -> str:
    words = {str.__str__(word) for word in map(plain, vocabulary) if is_text(word)}
    if words and str.__str__(got) not in words:
        if " ".join(str.__str__(got).lower().split()) in words:
            return "which the docstring writes otherwise: mind capitals and spaces"
        return "which is none of the answers that the docstring names"
    return "which is not right"


def _judged_number(got: Any, want: Any) -> str:
    if isinstance(got, complex) or isinstance(want, complex):
        return "which is not right"
    ours, theirs = float(got), float(want)
    if theirs and close(ours, -theirs):
        return "which has the wrong sign"
    if digits := _digits_kept(ours, theirs):
        return f"which was rounded too early: it agrees to {digits} digits"
    return f"which is too {'large' if ours > theirs else 'small'}"


def _digits_kept(got: float, want: float) -> int:
    """Return to how many significant digits `want` was rounded or cut to give `got`; 0 if it was not, or to one."""
    if not (math.isfinite(got) and math.isfinite(want) and want):
        return 0
    leading = math.floor(math.log10(abs(want)))
    for digits in range(2, 8):
        scale = 10.0 ** (digits - 1 - leading)
        candidates = {round(want * scale), math.trunc(want * scale)}
        if any(math.isclose(got * scale, candidate, rel_tol=1e-12) for candidate in candidates):
            return digits
    return 0


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested parts; () where there are none or they are ragged."""
    found = parts(plain(value))
    return () if found is None else guarded(np.shape, found, otherwise=())


def _shown(value: Any) -> str:
    value = plain(value)
    return MISSING if is_missing(value) and value is not pd.NA else short(value)


def _written(value: Any) -> str:
    value = plain(value)
    if is_text(value):
        return repr(str.__str__(value))
    if isinstance(value, (float, np.floating)):
        written = number(value, DIGITS) if math.isfinite(value) else str(float(value))
        return written.replace("−", "-").replace(",", "")  # as code: it can be copied
    if isinstance(value, np.generic):
        return str(value)
    if isinstance(value, pd.DataFrame):
        return f"data frame of {len(value)} rows"
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return str(value.__name__)
    if isinstance(value, (np.ndarray, pd.Series, pd.Index)):
        return _written_parts(value, "[", "]") if np.size(value) <= WHOLE_ARRAY else f"array of shape {value.shape}"
    if type(value) in (list, Finished):
        return _written_parts(value, "[", "]")
    if type(value) is tuple:
        return _written_parts(value, "(", ",)" if len(value) == 1 else ")")
    return repr(value)


def _written_parts(values: Any, opening: str, closing: str) -> str:
    shown = [short(value) for value in list(values)[:SHOWN_AT_MOST]]
    return opening + ", ".join(shown + ["…"] * (len(values) > SHOWN_AT_MOST)) + closing


def _cut_to_width(value: Any) -> str:
    return _cut(_written(value), VALUE_WIDTH)


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
