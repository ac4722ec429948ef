"""Spoken numbers: what is said is short, can be said aloud, and never misleads about the value."""

import json
import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from utils.foundation.checkout import CHECKOUT
from utils.lesson import Claim
from utils.lesson.card import filled
from utils.lesson.questions import question_bank
from utils.lesson.spoken import spoken

WORDS = {
    "none": 0,
    "zero": 0,
    "all": 1,
    "half": 1 / 2,
    "a tenth": 1 / 10,
    "a fifth": 1 / 5,
    "a quarter": 1 / 4,
    "a third": 1 / 3,
    "two thirds": 2 / 3,
    "three quarters": 3 / 4,
    "nine tenths": 9 / 10,
    "as much as": 1,
    "twice": 2,
    "one and a half times": 1.5,
    "two and a half times": 2.5,
    "three and a half times": 3.5,
    "four and a half times": 4.5,
    "five and a half times": 5.5,
    "six and a half times": 6.5,
    "one in a thousand": 1e-3,
    "one in ten thousand": 1e-4,
    "one in a hundred thousand": 1e-5,
    "one in a million": 1e-6,
    "one in ten million": 1e-7,
    "one in a hundred million": 1e-8,
    "one in a billion": 1e-9,
}
SCALE = {
    "": 1,
    " million": 10**6,
    " billion": 10**9,
    " trillion": 10**12,
    " quadrillion": 10**15,
    " quintillion": 10**18,
}
DIGITS = re.compile(r"€?(\d[\d,]*(?:\.\d+)?)( \w+illion)?( percent|%)?(?: [a-z ]+)?")
HEDGES = ("about", "almost", "a little over", "under", "more than", "less than", "within")


def heard(phrase):
    """Return the hedge and the number that a listener takes from a phrase; a share as a fraction."""
    phrase = "a little over as much as" if phrase == "a little more than" else phrase
    hedge = next((hedge for hedge in HEDGES if phrase.startswith(hedge + " ")), "")
    rest = phrase.removeprefix(hedge).strip()
    if hedge == "within":
        assert rest.endswith(" of zero")
        rest = rest.removesuffix(" of zero")
    sign = -1 if rest.startswith("minus ") else 1
    rest = rest.removeprefix("minus ")
    if rest in WORDS:
        return hedge, sign * WORDS[rest]
    found = DIGITS.fullmatch(rest)
    assert found, phrase
    number, group, percent = found.groups()
    assert len(number.replace(",", "").replace(".", "").strip("0")) <= 2 or number == "99.9", phrase
    return hedge, sign * float(number.replace(",", "")) * SCALE[group or ""] / (100 if percent else 1)


def assert_true(value, unit):
    """Fail if the phrase misleads about the value."""
    hedge, number = heard(spoken(value, unit))
    size, said = abs(value), abs(number)
    base = min(size, 1 - size) if unit == "%" and 0.5 < value < 1 else size
    slack = 1e-9 * size + 1e-15
    if hedge == "":
        assert said == pytest.approx(size, rel=2e-9, abs=0)
    elif hedge == "about":
        assert abs(said - size) <= max(0.05 * base, 0.005 if base < size else 0) + slack
    elif hedge == "almost":
        assert 0.025 * base - slack <= said - size <= 0.075 * base + slack
    elif hedge == "a little over":
        assert 0.025 * base - slack <= size - said <= 0.075 * base + slack
    elif hedge in ("more than", "less than") and size > 1:
        assert said == (1e16 if unit == "%" else 1e18) < size
        assert (hedge == "less than") == (value < 0)
    elif hedge == "more than":
        assert said < size < 1
        assert 1 - size >= (1 - said) / 10 * (1 - 1e-9) or said == pytest.approx(0.999)
    else:
        assert size < said
        assert size >= said / 10 * (1 - 1e-9) or said in ((1e-9,) if unit in ("", "%") else (1e-3,))
    if hedge != "within" and value:
        assert (number < 0) == (value < 0)
    else:
        assert hedge != "within" or value < 0


sizes = st.floats(-9, 20).map(lambda exponent: 10.0**exponent) | st.floats(1e-9, 1e12) | st.floats(0, 1)
signed = st.tuples(sizes, st.sampled_from([1, -1])).map(lambda pair: pair[0] * pair[1])


@given(signed, st.sampled_from(["", "%", "times", "orders", "€", "points"]))
@example(0.985, "%")
@example(0.995, "%")
@example(0.99, "%")
@example(0.999, "%")
@example(0.01, "%")
@example(0.01, "orders")
@example(999_999.0, "orders")
@example(-0.9999, "%")
@example(5e-324, "")
@example(1.7e308, "%")
@example(-1.7e308, "orders")
@example(9.96e17, "€")
@example(1e18, "")
@example(1e16, "%")
def test_what_is_said_is_near_the_value_or_a_true_bound(value, unit):
    assert_true(value, unit)


boundaries = st.integers(-3, 21).map(lambda exponent: 10.0**exponent) | st.sampled_from([0.5, 2.0, 999.5, 9.95])
near_boundaries = st.tuples(boundaries, st.sampled_from([1, 1 - 1e-9, 1 + 1e-9, 0.994, 0.996, 1.004, 1.03, 1.06, 0.94]))


@given(near_boundaries.map(math.prod), st.sampled_from(["", "%", "times", "orders", "€", "standard errors", "queries"]))
def test_at_every_power_of_ten_the_words_fit_the_number(value, unit):
    assert_true(value, unit)
    said = spoken(value, unit)
    assert not re.search(r"(?<![\d.,])1 (times|orders|queries|standard errors)", said), said
    assert not re.search(r"\d,\d+ \w+illion", said), said  # "1,000 trillion"
    assert not re.search(r"\d{1,3}(,\d{3}){2}", said), said  # "1,000,000"


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        ("orders", "order"),
        ("orders per day", "order per day"),
        ("visits a day", "visit a day"),
        ("standard errors", "standard error"),
        ("queries", "query"),
        ("queries/s", "query/s"),
        ("dishes", "dish"),
        ("boxes", "box"),
        ("misses", "miss"),
        ("loss", "loss"),
        ("caches", "cache"),
        ("responses", "response"),
        ("minutes of outage", "minute of outage"),
        ("people", "person"),
        ("series", "series"),
        ("buses", "bus"),
        ("men", "man"),
        ("pies", "pie"),
        ("causes", "cause"),
        ("menus", "menu"),
        ("analyses per day", "analysis per day"),
        ("GB", "GB"),
        ("s", "s"),
        ("ms", "ms"),
        ("µs", "µs"),
    ],
)
def test_beside_a_one_the_unit_is_in_the_singular(unit, one):
    assert spoken(1, unit) == f"1 {one}"
    assert spoken(6, unit) == f"6 {unit}"


@given(st.floats(0.01, 0.99))
def test_a_share_is_never_said_to_be_all_or_none(share):
    assert spoken(share, "%") not in ("all", "none")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.2478, "%", "about a quarter"),
        (1 / 3, "%", "a third"),
        (0.66, "%", "about two thirds"),
        (0.5, "%", "half"),
        (0.52, "%", "a little over half"),
        (0.756, "%", "about three quarters"),
        (0.8993, "%", "about nine tenths"),
        (0.93, "%", "93%"),
        (0.934, "%", "about 93%"),
        (0.9931, "%", "more than 99%"),
        (0.99999, "%", "more than 99.9%"),
        (0.06, "%", "6%"),
        (0.0612, "%", "about 6%"),
        (0.0637, "%", "a little over 6%"),
        (0.0487, "%", "almost 5%"),
        (0.4017, "%", "about 40%"),
        (0.0061, "%", "under 1%"),
        (0.0004, "%", "under one in a thousand"),
        (0.0, "%", "none"),
        (1.0, "%", "all"),
        (1.43, "%", "about 140%"),
        (-0.25, "%", "minus 25%"),
        (-0.004, "%", "within 1% of zero"),
        (703_921, "%", "about 70 million percent"),
        (40.2, "times", "about 40 times"),
        (1, "times", "as much as"),
        (0.98, "times", "about as much as"),
        (1.05, "times", "a little more than"),
        (0.94, "times", "almost as much as"),
        (0.5, "times", "half"),
        (0.3, "times", "0.3 times"),
        (-1, "times", "minus 1 times"),
        (-2, "times", "minus twice"),
        (0, "ms", "0 ms"),
        (0, "times", "0 times"),
        (1e15, "€", "€1 quadrillion"),
        (9.96e14, "€", "about €1 quadrillion"),
        (3e18, "€", "more than €1 quintillion"),
        (-3e18, "orders", "less than minus 1 quintillion orders"),
        (1e300, "%", "more than 1 quintillion percent"),
        (2.03, "times", "about twice"),
        (3.379, "times", "almost three and a half times"),
        (2389, "orders", "about 2,400 orders"),
        (81_038, "orders", "about 80,000 orders"),
        (1.004, "orders", "about 1 order"),
        (0, "orders", "no orders"),
        (0.02, "ms", "0.02 ms"),
        (1, "ms", "1 ms"),
        (13.4, "points", "about 13 points"),
        (1.0, "points", "1 point"),
        (2_412_345, "€", "about €2.4 million"),
        (-2.5, "€", "minus €2.5"),
        (0, "€", "€0"),
        (6.0, "", "6"),
        (0, "", "zero"),
        (-0.0, "", "zero"),
        (0.1787, "", "about 0.18"),
        (0.004, "", "under 0.01"),
        (7.35e-9, "", "under one in a hundred million"),
        (1e-30, "", "under one in a billion"),
        (1e-30, "orders", "under 0.001 orders"),
        (1e15, "", "1 quadrillion"),
        (2.4e9 + 0.2, "orders", "2.4 billion orders"),  # a ten-billionth too much is noise
    ],
)
def test_numbers_are_spoken_as_a_person_speaks(value, unit, said):
    assert spoken(value, unit) == said


def test_every_word_is_said_of_its_own_number_and_every_bound_of_what_lies_just_below_it():
    for word, number in WORDS.items():
        if word.startswith("one in"):
            assert spoken(0.999 * number) == spoken(-0.999 * number).replace("within", "under").replace(" of zero", "")
            assert spoken(0.999 * number) == f"under {word}" != spoken(number)
        else:
            multiple = word in ("twice", "as much as") or word.endswith("times")
            unit = "times" if multiple else "" if word == "zero" else "%"
            assert spoken(number, unit) == word


@pytest.mark.parametrize("value", [np.float32(0.25), np.float64(0.25), np.array(0.25), Fraction(1, 4), Decimal("0.25")])
def test_a_number_of_any_kind_can_be_spoken(value):
    assert spoken(value, "%") == "a quarter"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "6", None, True])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="value must be"):
        spoken(value)


def claims_of_the_last_run(lesson):
    stored = json.loads((CHECKOUT / "data" / "claims.json").read_text(encoding="utf-8"))
    records = stored[f"{lesson.lesson:02}_{lesson.name}"]
    return {
        name: Claim(name, **{field: value for field, value in record.items() if field != "holds"})
        for name, record in records.items()
    }


@pytest.mark.parametrize("lesson", [q for q in question_bank().values() if q.thirty_seconds], ids=lambda q: q.name)
def test_the_thirty_second_answers_hold_nothing_that_cannot_be_said(lesson):
    text = " ".join(lesson.thirty_seconds.split())
    assert not re.search(r"\{\w+\}", text), "a number in the spoken answer lacks :spoken"
    said = filled(text, claims_of_the_last_run(lesson))
    assert not re.search(r"\de[-+]?\d", said)
    for number in re.findall(r"\d[\d,]*\.?\d*", said):
        assert len(number.replace(",", "").replace(".", "").strip("0")) <= 2, f"{number} in: {said}"
