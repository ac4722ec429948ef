"""Numbers as they are spoken: a word, a digit or two, or a bound, and never further from the value than stated here.

What a phrase promises about the size of the value (of a share above a half: about what is missing to the whole, or
half a per cent, whichever is more):

- a bare number or word ("6", "twice", "none") equals it;
- "about" one digit or a word is within `CLOSE` of it, "about" two digits within `TWO_DIGITS`;
- "almost", "a little over" and "a little more than" are within `NEAR` of it, on the side that the words say;
- "under", "within … of zero", "more than" and "less than minus" are bounds, at most ten times too far, but for the last
  of each ladder.

Phrases stand where a number would: "lost 1 order", "lost twice what …", "lost as much as what …".
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
SAME_AMOUNT, A_LITTLE_MORE = "as much as", "a little more than"
MULTIPLES = {
    0.5: "half",
    1.0: SAME_AMOUNT,
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
GROUPS = {
    1e18: "quintillion",
    1e15: "quadrillion",
    1e12: "trillion",
    1e9: "billion",
    1e6: "million",
}
LARGEST = max(GROUPS)  # above it a bound is said
SYMBOLS = ("s", "ms", "µs", "ns")  # units that are no words
NOUN_PHRASE = re.compile(r"(?P<before>.*?)(?P<noun>[^\W\d_]+)(?P<after>/.*| (?:per|a|an|of|in|on|for) .*|)", re.DOTALL)
ONE_OF = {  # plural -> singular, where no ending tells
    "times": "times", "series": "series",
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "mice": "mouse",
    "caches": "cache", "movies": "movie", "cookies": "cookie", "pies": "pie", "calories": "calorie",
    "buses": "bus", "bonuses": "bonus", "statuses": "status", "viruses": "virus", "gases": "gas", "lenses": "lens",
    "potatoes": "potato", "tomatoes": "tomato", "heroes": "hero", "echoes": "echo",
    "knives": "knife", "leaves": "leaf", "halves": "half", "lives": "life", "shelves": "shelf", "loaves": "loaf",
    "analyses": "analysis", "crises": "crisis", "hypotheses": "hypothesis",
    "axes": "axis", "indices": "index", "vertices": "vertex", "criteria": "criterion",
}  # fmt: skip
SINGULAR_ENDINGS = ((r"ies", "y"), (r"(ss|sh|ch|x|zz)es", r"\1"), (r"(?<!s)s", ""))


def spoken(value: Any, unit: str = "") -> str:
    """Say a number as a person does in conversation.

    Args:
        value: a finite number; a fraction where the unit is "%".
        unit: as for `number`: "%" makes a share, "€" stands in front, "times" is a multiple, another word follows,
            given in the plural.

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
        known = {"": "zero", "%": "none", "€": "€0", "times": "0 times"}
        return known.get(unit, f"0 {unit}" if unit in SYMBOLS else f"no {unit}")
    if size < SMALL:
        bound = _small(size, unit)
        return f"within {bound} of zero" if sign else f"under {bound}"
    if unit == "%":
        return _change(size, sign) if sign or size > 1 else _share(size)
    if unit == "times":
        return _multiple(size, sign)
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


def _multiple(size: float, sign: str) -> str:
    """Say a multiple; a negative one of about 1 by its digits, since "minus as much as" is no English."""
    words = {number: said for number, said in MULTIPLES.items() if not (sign and said == SAME_AMOUNT)}
    said = _nearest(size, words, NEAR * size, sign) or _digits(size, "times", sign)
    return said.replace(f"a little over {SAME_AMOUNT}", A_LITTLE_MORE)


def _change(share: float, sign: str = "") -> str:
    return _digits(100 * share, "%", sign)


def _digits(size: float, unit: str, sign: str) -> str:
    """Say a number by two digits where it has no more, by one where that is near enough, else by about two."""
    if size > LARGEST:
        return f"{'less' if sign else 'more'} than {sign}{_written(LARGEST, unit)}"
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
    return f"{text} {_singular(unit) if text == '1' else unit}".rstrip()


def _singular(unit: str) -> str:
    """Return a unit as it stands beside a 1.

    >>> _singular("orders per day"), _singular("standard errors"), _singular("queries"), _singular("ms")
    ('order per day', 'standard error', 'query', 'ms')
    """
    found = NOUN_PHRASE.fullmatch(unit)
    if unit in SYMBOLS or not found:
        return unit
    return found["before"] + _one_of(found["noun"]) + found["after"]


def _one_of(noun: str) -> str:
    if noun in ONE_OF:
        return ONE_OF[noun]
    for ending, one in SINGULAR_ENDINGS:
        if re.search(f"{ending}$", noun):
            return re.sub(f"{ending}$", one, noun)
    return noun
