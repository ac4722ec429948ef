"""What a check says about a difference: the place, what came out, and the direction."""

from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from utils.lesson.exercise.wording import call_text, difference, error_text, short

NAN = float("nan")
WORDS = ["ship", "roll back", "wait"]


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        (3, 2, "gives 3, which is too large"),
        (1.0, 2, "gives 1, which is too small"),
        (-2.0, 2.0, "gives -2, which has the wrong sign"),
        (0.0, 2.0, "gives 0, which is too small"),
        (np.inf, 2.0, "gives inf, which is too large"),
        (NAN, 2.0, "gives NaN, where a number is asked for"),
        (pd.NA, 2.0, "gives <NA>, where a number is asked for"),
        (2.0, NAN, "gives 2, a number, where NaN is asked for"),
        (0.871, 0.87143, "gives 0.871, which was rounded too early: it agrees to 3 digits"),
        (0.87, 0.8799, "gives 0.87, which was rounded too early: it agrees to 2 digits"),
        (-12.35, -12.3456, "gives -12.35, which was rounded too early: it agrees to 4 digits"),
        (1.0, 1.23, "gives 1, which is too small"),
        (1234.6, 1234.5678, "gives 1235, which was rounded too early: it agrees to 5 digits"),
        ("3", 3, "gives '3', a text, where a number is asked for"),
        (True, 3, "gives True, a bool, where a number is asked for"),
        (1, True, "gives 1, a number, where a bool is asked for"),
        (False, True, "gives False, which is not right"),
        ([3.0], 3.0, "gives [3], a sequence, where a number is asked for"),
        (3.0, [3.0], "gives 3, a number, where a sequence is asked for"),
        ({3.0}, 3.0, "gives {3.0}, a set, where a number is asked for"),
        ({"a": 3.0}, 3.0, "gives {'a': 3.0}, a dictionary, where a number is asked for"),
        ([1, 2], [1, 2, 3], "gives [1, 2], of length 2; length 3 is asked for"),
        (np.ones((40, 2)), np.ones(40), "gives array of shape (40, 2), of shape (40, 2); shape (40,) is asked for"),
        ([[1], [1, 2]], [1, 2, 3], "gives [[1], [1, 2]], of length 2; length 3 is asked for"),
        (
            np.arange(40.0),
            np.where(np.arange(40) < 30, np.arange(40), 1),
            "gives array of shape (40,): at index 30 it is 30, which is too large (10 of 40 entries differ)",
        ),
        ([1, NAN], [1, 2], "gives [1, nan]: at index 1 it is NaN, where a number is asked for (1 of 2 entries differ)"),
        (
            (["soup", "pie"], "own"),
            (["soup", "tea"], "own"),
            "gives (['soup', 'pie'], 'own'): at [0][1] it is 'pie', which is not right (1 of 2 entries differ)",
        ),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "gives {'a': 1, 'b': 2}: at key 'b' it is 2, which is too small (1 of 2 entries differ)"),
        ({"a": 1}, {"b": 1}, "gives {'a': 1}, a dictionary with other keys than those asked for"),
        ([True, False], [True, True], "gives [True, False]: at index 1 it is False, which is not right (1 of 2 entries differ)"),
        (1j, 1.0, "gives 1j, which is not right"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_place_value_and_direction(got, want, said):
    assert difference(got, want) == said


@pytest.mark.parametrize(
    ("got", "said"),
    [
        ("wait", "gives 'wait', which is not right"),
        (np.str_("wait"), "gives 'wait', which is not right"),
        ("Ship ", "gives 'Ship ', which the docstring writes otherwise: mind capitals and spaces"),
        ("launch", "gives 'launch', which is none of the answers that the docstring names"),
        (1, "gives 1, a number, where a text is asked for"),
    ],
)
def test_a_word_is_compared_with_the_words_that_may_be_answered(got, said):
    assert difference(got, "ship", WORDS) == said


def test_a_call_names_its_arguments():
    case = namedtuple("Case", "loads limit rule")([0.5, 1.0], 20, len)
    assert call_text("f", case) == "f(loads=[0.5, 1], limit=20, rule=len)"


class Broken:
    def __repr__(self):
        raise SystemExit


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Broken(), "an object of type Broken"),
        (10**5000, "an object of type int"),
        (Broken, "Broken"),
        (1 / 3, "0.3333"),
        (np.float32(0.25), "0.25"),
        (np.arange(6), "[0, 1, 2, 3, 4, 5]"),
        (np.arange(7), "array of shape (7,)"),
        (np.array(2.0), "2"),
        (pd.Series([1.5, 2.5]), "[1.5, 2.5]"),
        (pd.DataFrame({"a": [1, 2]}), "data frame of 2 rows"),
        ((1,), "(1,)"),
        ([Broken()], "[an object of type Broken]"),
        ("x" * 100, "'" + "x" * 58 + "…"),
        (list(range(10**6)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, …"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_in_few_characters(value, said):
    assert short(value) == said


def test_an_error_is_told_in_a_line_even_without_words():
    class Wordless(Exception):
        def __str__(self):
            raise RuntimeError

    assert error_text(ValueError("two\nlines.")) == "ValueError: two lines"
    assert error_text(SystemExit()) == "SystemExit"
    assert error_text(Wordless()) == "Wordless"
    assert len(error_text(ValueError("x" * 500))) == 200
