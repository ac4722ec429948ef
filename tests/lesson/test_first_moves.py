"""One table of first moves: it is read as it is written, and a broken one is told."""

import pytest

from utils.lesson.first_moves import FirstMove, first_moves


def test_the_table_is_read_in_its_order(tmp_path):
    path = tmp_path / "moves.yaml"
    path.write_text("first_hour: [a, b]\nmoves:\n  - {symptom: s, move: m, because: w}\n", encoding="utf-8")
    assert first_moves(path) == (("a", "b"), (FirstMove("s", "m", "w"),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "moves: []",
        "first_hour: [a]\nmoves: []",
        "first_hour: [a]\nmoves:\n  - {symptom: s, move: m}",
        "first_hour: [a]\nmoves:\n  - {symptom: s, move: m, because: w, more: x}",
        "first_hour: [a]\nmoves:\n  - {symptom: s, move: 3, because: w}",
        "first_hour: []\nmoves:\n  - {symptom: s, move: m, because: w}",
        "first_hour: [a\n",
    ],
)
def test_a_broken_table_is_told_by_name(tmp_path, text):
    path = tmp_path / "moves.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"moves\.yaml must hold .*; restore it"):
        first_moves(path)


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(ValueError, match="restore it with git"):
        first_moves(tmp_path / "moves.yaml")


def test_a_symptom_stands_once_and_doing_nothing_comes_last():
    moves = first_moves().moves
    assert len({move.symptom for move in moves}) == len(moves)
    assert moves[-1].move == "nothing"
    assert [move.move for move in moves].index("fix the pipeline") < [move.move for move in moves].index("retrain")
