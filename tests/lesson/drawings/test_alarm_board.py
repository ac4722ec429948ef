"""The board of alarms shows what it was given, tile by tile."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from utils.lesson.drawings import draw_alarm_board

ALARMS = pd.DataFrame({"training-row parity": [True, False], "joint": [False, True]}, index=["a", "b"])
WORDS = pd.DataFrame({"training-row parity": ["9%", "0%"], "joint": ["0.1×", "3.0×"]}, index=["a", "b"])


def test_each_tile_says_its_words_and_is_dark_where_the_detector_speaks():
    ax = Figure().subplots()
    draw_alarm_board(ax, ALARMS, WORDS)
    tiles = {text.get_text(): (text.get_position(), text.get_color()) for text in ax.texts}
    assert {words: place for words, (place, _) in tiles.items()} == {
        "9%": (0, 0), "0%": (0, 1), "0.1×": (1, 0), "3.0×": (1, 1)
    }  # fmt: skip
    assert {words for words, (_, color) in tiles.items() if color == "white"} == {"9%", "3.0×"}
    assert ax.images[0].get_array().tolist() == ALARMS.to_numpy().tolist()


def test_names_stand_at_the_tiles_broken_between_words():
    ax = Figure().subplots()
    draw_alarm_board(ax, ALARMS, WORDS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["training-\nrow parity", "joint"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize(
    ("alarms", "words", "argument"),
    [
        (ALARMS.iloc[:0], WORDS.iloc[:0], "alarms"),
        (ALARMS.astype(float), WORDS, "alarms"),
        (ALARMS, WORDS[["joint", "training-row parity"]], "words"),
        (ALARMS, WORDS.iloc[:1], "words"),
    ],
)
def test_boards_that_do_not_fit_are_refused(alarms, words, argument):
    with pytest.raises(ValueError, match=argument):
        draw_alarm_board(Figure().subplots(), alarms, words)
