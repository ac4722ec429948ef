"""The learner's own answer and its rubric: kept with progress, shown beside the card, scored in the index."""

import json

import numpy as np
import pytest

from utils.course.index import learner_map, map_of_lessons
from utils.lesson import Lesson
from utils.lesson.draft import cleaned, quoted
from utils.lesson.progress import Progress
from utils.lesson.questions import Question, question_bank
from utils.lesson.refusal import Refusal
from utils.lesson.rubric import checked_ticks, listed

POINTS = ("Asks for the scale.", "Names the\n  bottleneck.", "Decides.")


def stored(home):
    return json.loads((home / "progress.json").read_text(encoding="utf-8"))["07"]


def told(shown):
    assert shown[-1]["text/plain"] == shown[-1]["text/markdown"]
    return shown[-1]["text/plain"]


@pytest.fixture
def scored(monkeypatch):
    """Give lesson 7 a rubric and an answer that quotes one claim; nobody sits in front."""
    monkeypatch.setenv("COURSE_STATIC", "1")
    lesson = Lesson(7)
    lesson.question = Question(7, "p", "n", "t", "q", "u", "l", "It costs {a}.", "Two.", rubric=POINTS)
    lesson.claim("a", "It costs", 5, ">=", 1, because="x")
    return lesson


# The draft


@pytest.mark.parametrize("nothing", [(), ("",), ("  \n ",), (None,)])
def test_an_empty_draft_is_fine_says_what_to_do_and_keeps_nothing(nothing, shown, home):
    Lesson(7).draft(*nothing)
    assert told(shown).startswith("**Your answer first.** *Write between the quotes what you would say, then run this")
    assert not (home / "progress.json").exists()


def test_the_newest_draft_that_is_not_empty_stands(shown, home):
    lesson = Lesson(7)
    lesson.draft("First thought.")
    lesson.draft(
        """
        Second thought,
          with a list.
        """
    )
    assert told(shown) == ("**Your answer first.** Written down, 5 words. It stands beside the card at the end.")
    lesson.draft("")
    assert told(shown).endswith("it is kept:\n\n> Second thought,\n>   with a list.")
    assert stored(home)["draft"] == {"text": "Second thought,\n  with a list."}
    Lesson(7).draft("  One  ")
    assert "Written down, 1 word." in told(shown)
    assert stored(home)["draft"] == {"text": "One"}


@pytest.mark.parametrize("text", [3, ["One."], b"One."])
def test_a_draft_that_is_no_text_is_refused(text):
    with pytest.raises(ValueError, match="text must be what you would say, got"):
        Lesson(7).draft(text)


def test_a_draft_that_cannot_be_saved_is_told(tmp_path, monkeypatch, shown):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    Lesson(7).draft("My answer.")
    assert told(shown) == (
        "**Your answer first.** *It could not be saved here; set COURSE_HOME to a folder that can be written.*"
    )


def test_the_words_of_a_draft_stay_words():
    assert quoted("a < b & c > d\n\n$5 to $6 </details>") == (
        "> a &lt; b &amp; c &gt; d\n>\n> \\$5 to \\$6 &lt;/details&gt;"
    )
    assert cleaned("\tOne\n\t  two  \n") == "One\n  two"


@pytest.mark.parametrize("odd", [None, 3, [], {}, {"text": 3}, {"text": None}, "text"])
def test_a_draft_stored_oddly_counts_as_none(odd, home, shown):
    (home / "progress.json").write_text(json.dumps({"07": {"draft": odd, "rubric": odd}}))
    Lesson(7).draft()
    assert "Write between the quotes" in told(shown)
    assert [row.rubric for row in map_of_lessons(bank={7: question_bank()[7]._replace(rubric=POINTS)})] == [None]


def test_the_draft_stands_beside_the_card_and_the_rubric(scored, shown):
    scored.draft("Mine.")
    shown.clear()
    scored.answer()
    draft, answer, rubric = (bundle["text/plain"] for bundle in shown)
    assert draft == "**Your answer, before the lesson.**\n\n> Mine."
    assert answer.startswith("**In 30 seconds.** It costs 5.")
    assert rubric.startswith("**Rubric.**")


def test_without_draft_and_rubric_the_answer_is_the_card_alone(scored, shown):
    scored.question = scored.question._replace(rubric=())
    shown.clear()
    scored.answer()
    [answer] = shown
    assert answer["text/plain"].startswith("**In 30 seconds.**")


# The rubric


def test_the_rubric_lists_its_points_and_says_how_to_tick(scored, shown, home):
    scored.rubric()
    assert told(shown) == (
        "**Rubric.** What a good answer has. Tick what yours had.\n\n"
        "1. ☐ Asks for the scale.\n2. ☐ Names the bottleneck.\n3. ☐ Decides.\n\n"
        "*Not scored yet: `lesson.rubric(ticked=[1, 2])` ticks the first two.*"
    )
    assert not (home / "progress.json").exists()


@pytest.mark.parametrize(
    ("ticked", "kept"),
    [
        ([3, 1], [1, 3]),
        ([2, 2], [2]),
        ((1, 2, 3), [1, 2, 3]),
        ([], []),
        (range(1, 3), [1, 2]),
        ({3}, [3]),
        ([2.0], [2]),
    ],
)
def test_ticks_are_kept_and_shown_and_shown_again(ticked, kept, scored, shown, home):
    scored.rubric(ticked=ticked)
    assert stored(home)["rubric"] == {"ticked": kept}
    text = told(shown)
    assert [n for n in (1, 2, 3) if f"{n}. ☑" in text] == kept
    assert text.endswith(f"**{len(kept)} of 3.**")
    scored.rubric()
    assert told(shown) == text


@pytest.mark.parametrize(
    ("ticked", "message"),
    [
        ([0], "from 1 to 3, got 0"),
        ([4], "from 1 to 3, got 4"),
        ([1.5], "from 1 to 3, got 1.5"),
        (["1"], "from 1 to 3, got '1'"),
        ([True], "from 1 to 3, got True"),
        ([None], "from 1 to 3, got None"),
        (3, "be a list of numbers, got 3"),
        ("13", "be a list of numbers, got '13'"),
    ],
)
def test_ticks_that_the_rubric_lacks_are_refused_and_nothing_is_kept(ticked, message, scored, home):
    with pytest.raises(ValueError, match=f"ticked must .*{message}; write ticked="):
        scored.rubric(ticked=ticked)
    assert not (home / "progress.json").exists()


def test_a_lesson_without_rubric_says_so(shown, home):
    lesson = Lesson(7)
    lesson.question = lesson.question._replace(rubric=())
    lesson.rubric()
    lesson.rubric(ticked=[1])
    assert told(shown) == "*This lesson has no rubric yet.*"
    assert not (home / "progress.json").exists()


def test_the_index_shows_the_score_of_a_lesson_that_was_scored(scored, shown, monkeypatch):
    bank = {n: q._replace(rubric=POINTS if n == 7 else ()) for n, q in question_bank().items()}
    monkeypatch.setattr("utils.course.index.question_bank", lambda: bank)
    assert "rubric" not in learner_map()
    scored.rubric(ticked=[2, 3])
    assert {row.number: row.rubric for row in map_of_lessons() if row.rubric} == {7: (2, 3)}
    [line] = [line for line in learner_map().splitlines() if "rubric" in line]
    assert line.startswith("| 7 |")
    assert line.endswith("0 of 3, rubric 2 of 3 |")
    scored.rubric(ticked=[])
    assert "rubric 0 of 3" in learner_map()


def test_ticks_of_points_that_the_rubric_no_longer_has_do_not_count(home, scored, shown):
    Progress().record(7, "rubric", "ticked", [3, 1, 3, 7, 0, "2", None, True])
    scored.rubric()
    assert told(shown).endswith("**2 of 3.**")


def test_where_a_person_sits_in_front_check_boxes_keep_each_tick(scored, shown, home, monkeypatch):
    boxes = []
    monkeypatch.setattr("utils.lesson.lesson.is_live", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda row: boxes.extend(row.children))
    scored.rubric(ticked=[2])
    assert not boxes
    scored.rubric()
    assert [(box.description, box.value) for box in boxes] == [("1", False), ("2", True), ("3", False)]
    boxes[2].value = True
    assert stored(home)["rubric"] == {"ticked": [2, 3]}
    boxes[1].value = False
    assert stored(home)["rubric"] == {"ticked": [3]}


def test_no_point_is_ticked_before_the_learner_ticks():
    assert "☑" not in listed(POINTS, None)


def test_a_mapping_ticks_the_points_whose_value_is_true():
    assert checked_ticks({1: True, 2: False, 3: np.True_}, ["asks", "sizes", "decides"]) == [1, 3]
    with pytest.raises(Refusal, match="ticked must hold numbers from 1 to 1"):
        checked_ticks({2: True}, ["asks"])
