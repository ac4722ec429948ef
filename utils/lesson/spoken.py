"""Numbers as they are spoken: a word, a digit or two, or a bound, and never further from the value than stated here.

What a phrase promises about the size of the value (of a share above a half: about what is missing to the whole, or
half a per cent, whichever is more):

- a bare number or word ("6", "twice", "none") equals it;
- "about" one digit or a word is within `CLOSE` of it, "about" two digits within `TWO_DIGITS`;
- "almost" and "a little over" are within `NEAR` of it, on the side that the words say;
- "under", "within … of zero" and "more than" are bounds, at most ten times too far, but for the last of each ladder.
"""

import math
import re
from typing import Any

from utils.foundation import checks

__all__ = ["CLOSE", "NEAR", "TWO_DIGITS", "spoken"]

CLOSE, TWO_DIGITS, NEAR = 0.025, 0.05, 0.075
SMALL = 0.01  # below it a bound is said
SAME = 1e-9  # relative; what is closer is floating-point noise
SHARES = {
    1 / 10: "a tenth",
    1 / 5: "a fifth",
    1 / 4: "a quarter",
    1 / 3: "a third",
    1 / 2: "half",
    2 / 3: "two thirds",
    3 / 4: "three quarters",
    9 / 10: "nine tenths",
}
MULTIPLES = {
    1.5: "one and a half times",
    2.0: "twice",
    2.5: "two and a half times",
    3.5: "three and a half times",
    4.5: "four and a half times",
    5.5: "five and a half times",
    6.5: "six and a half times",
}
ONE_IN = {
    1e-9: "one in a billion",
    1e-8: "one in a hundred million",
    1e-7: "one in ten million",
    1e-6: "one in a million",
    1e-5: "one in a hundred thousand",
    1e-4: "one in ten thousand",
    1e-3: "one in a thousand",
}
NEARLY_ALL = {0.999: "99.9%", 0.99: "99%"}
GROUPS = {1e12: "trillion", 1e9: "billion", 1e6: "million"}
PLAIN_PLURALS = ("times", "s", "ms", "µs", "series")  # units that stay as they are beside a 1


def spoken(value: Any, unit: str = "") -> str:
    """Say a number as a person does in conversation.

    Args:
        value: a finite number; a fraction where the unit is "%".
        unit: as for `number`: "%" makes a share, "€" stands in front, "times" is a multiple, another word follows.

    Returns:
        The phrase; the module's text says what each kind of phrase promises.

    Raises:
        ValueError: not a number, NaN or infinite.

    >>> spoken(0.2478, "%"), spoken(0.0637, "%"), spoken(3.379, "times"), spoken(2389, "orders")
    ('about a quarter', 'a little over 6%', 'almost three and a half times', 'about 2,400 orders')
    >>> spoken(7.3e-9), spoken(-0.11, "%")
    ('under one in a hundred million', 'minus 11%')
    """
    value = checks.number("value", value, remedy="say in words what was measured")
    size, sign = abs(value), "minus " if value < 0 else ""
    if size == 0:
        return {"": "zero", "%": "none", "€": "€0", "times": "0 times"}.get(unit, f"no {unit}")
    if size < SMALL:
        bound = _small(size, unit)
        return f"within {bound} of zero" if sign else f"under {bound}"
    if unit == "%":
        return _change(size, sign) if sign or size > 1 else _share(size)
    if unit == "times":
        return _nearest(size, MULTIPLES, NEAR * size, sign) or _digits(size, unit, sign)
    return _digits(size, unit, sign)


def _share(share: float) -> str:
    """Say a share from 1% to 100%."""
    if share == 1:
        return "all"
    for bound, words in NEARLY_ALL.items():
        if share > bound:
            return f"more than {words}"
    said = _nearest(share, SHARES, NEAR * min(share, 1 - share))
    if said or share <= 1 / 2:
        return said or _change(share)
    percent = round(100 * share)
    return _nearest(share, {percent / 100: f"{percent}%"}, 1 / 100, within="about")


def _change(share: float, sign: str = "") -> str:
    return _digits(100 * share, "%", sign)


def _digits(size: float, unit: str, sign: str) -> str:
    """Say a number by two digits where it has no more, by one where that is near enough, else by about two."""
    one, two = _significant(size, 1), _significant(size, 2)
    if abs(two - size) <= SAME * size:
        return sign + _written(two, unit)
    said = _nearest(size, {one: _written(one, unit)}, NEAR * size, sign)
    return said or f"about {sign}{_written(two, unit)}"


def _nearest(size: float, words: dict[float, str], reach: float, sign: str = "", within: str = "") -> str:
    """Return the words of the nearest number with the hedge that is true of it, or nothing if none is in reach.

    Args:
        size: the value, positive.
        words: number -> how it is said.
        reach: how far the nearest may be.
        sign: stands between the hedge and the words.
        within: the hedge for all in reach, in place of the one for the distance.
    """
    anchor = min(words, key=lambda one: abs(one - size))
    off = abs(anchor - size)
    if off > reach:
        return ""
    if off <= SAME * size:
        return sign + words[anchor]
    side = "almost" if anchor > size else "a little over"
    hedge = within or ("about" if off <= reach * CLOSE / NEAR else side)
    return f"{hedge} {sign}{words[anchor]}"


def _small(size: float, unit: str) -> str:
    """Return the next bound above a number below `SMALL`."""
    if unit in ("", "%"):
        bound = next((bound for bound in ONE_IN if size < bound), None)
        return ONE_IN[bound] if bound else _written(SMALL * 100, "%") if unit else _written(SMALL, "")
    return _written(0.001 if size < 0.001 else SMALL, unit)


def _significant(size: float, digits: int) -> float:
    return float(f"{size:.{digits - 1}e}")


def _written(size: float, unit: str) -> str:
    """Write a number of at most two digits with its unit: thousands separated, "million" and beyond in words."""
    group = next((group for group in GROUPS if size >= group), None)
    scaled = _significant(size / group, 2) if group else size
    places = max(0, 1 - math.floor(math.log10(scaled)))
    text = f"{scaled:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text += f" {GROUPS[group]}" if group else ""
    if unit == "€":
        return f"€{text}"
    if unit == "%":
        return f"{text} percent" if group else f"{text}%"
    if text == "1" and unit not in PLAIN_PLURALS:
        unit = re.sub(r"^(\w*[^\Ws])s\b", r"\1", unit)  # "1 order per day"; "1 class"
    return f"{text} {unit}".rstrip()
