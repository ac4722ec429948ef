"""The question bank: a file a lesson is all that a lesson adds, and what is wrong with a file is told by its name."""

import shutil

import pytest

from utils.lesson.questions import BANK, PARTS, Case, FollowUp, Question, question_bank

LEAST = "part: 3_systems\ntitle: T\nquestion: Q?\nusual_answer: U.\nleft_out: L.\n"
EVERYTHING = (
    LEAST
    + """\
thirty_seconds: It costs {cost}.
two_minutes: "One.\\n\\nTwo {gain}."
follow_ups:
  - {question: Why?, weak: No., fair: Perhaps., strong: "So {cost_of_it}."}
red_flags: [Says nothing.]
rubric: [Names the cost., Asks first.]
allowed_decimals: ["99.9%", "0.5"]
finding: cost
cases:
  - {text: It went down for a day., source: A post, year: 2019}
"""
)


def bank_of(folder, **files):
    """Write files, name -> text, and return the bank of the folder."""
    for name, text in files.items():
        (folder / f"{name.removeprefix('lesson_')}.yaml").write_text(text, encoding="utf-8")
    return question_bank(folder)


def test_the_lessons_of_the_bank_are_numbered_without_a_gap_part_by_part():
    bank = question_bank()
    assert list(bank) == list(range(1, len(bank) + 1))
    assert len(bank) >= 22
    parts = [question.part for question in bank.values()]
    assert parts == sorted(parts)
    assert set(parts) == set(PARTS)


def test_every_field_of_a_file_arrives_and_the_name_gives_number_and_notebook(tmp_path):
    assert bank_of(tmp_path, lesson_12_high_load=EVERYTHING) == {
        12: Question(
            lesson=12,
            part="3_systems",
            name="high_load",
            title="T",
            question="Q?",
            usual_answer="U.",
            left_out="L.",
            thirty_seconds="It costs {cost}.",
            two_minutes="One.\n\nTwo {gain}.",
            follow_ups=(FollowUp("Why?", "No.", "Perhaps.", "So {cost_of_it}."),),
            red_flags=("Says nothing.",),
            rubric=("Names the cost.", "Asks first."),
            allowed_decimals=("99.9%", "0.5"),
            finding="cost",
            cases=(Case("It went down for a day.", "A post", 2019),),
        )
    }
    question = question_bank(tmp_path)[12]
    assert question.notebook == "notebooks/3_systems/12_high_load.ipynb"
    assert question.claim_ids == {"cost", "gain", "cost_of_it"}


def test_what_is_not_written_yet_is_empty(tmp_path):
    question = bank_of(tmp_path, lesson_01_first=LEAST)[1]
    assert question[7:] == ("", "", (), (), (), (), "", ())


def test_lessons_come_in_the_order_of_their_numbers_and_other_files_are_passed_over(tmp_path):
    (tmp_path / "._11_of_a_mac.yaml").write_bytes(b"\xff\x00")
    (tmp_path / "notes.txt").write_text("a: [")
    assert list(bank_of(tmp_path, lesson_10_b=LEAST, lesson_09_z=LEAST, lesson_21_a=LEAST)) == [9, 10, 21]


def test_one_more_file_is_one_more_lesson(tmp_path):
    folder = shutil.copytree(BANK, tmp_path / "questions")
    bank = bank_of(folder, lesson_99_extra=LEAST)
    assert bank.pop(99).name == "extra"
    assert bank == question_bank()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("07_a", LEAST + "hint: x\n", r"07_a\.yaml of the question bank has an unknown field 'hint'; known are part, "),
        ("07_a", LEAST.replace("title: T\n", ""), r"07_a\.yaml of the question bank has no title; "),
        ("07_a", LEAST.replace("3_systems", "3_system"), r"07_a\.yaml .*: part must be one of 1_framing, .*'3_system'"),
        ("07_a", LEAST.replace("title: T", "title: 7"), r"title must be a text, got 7; write one, in quotes"),
        ("07_a", LEAST.replace("title: T", "title: ' '"), r"title must be a text, got ' '"),
        ("07_a", LEAST + "allowed_decimals: [0.1]\n", r"allowed_decimals must be a text, got 0\.1"),
        (
            "07_a",
            LEAST + "rubric: Names it.\n",
            r"rubric must be a list, got 'Names it\.'; start each entry with a dash",
        ),
        ("07_a", LEAST + "follow_ups: [{question: Q}]\n", r"follow_ups must have question, weak, fair, strong, got"),
        ("07_a", LEAST + "cases: [{text: T, source: S, year: '19'}]\n", r"cases must be a year, got '19'"),
        ("07_a", LEAST + "cases: [{text: T, source: S, year: true}]\n", r"cases must be a year, got True"),
        ("07_a", LEAST + "cases: [text]\n", r"cases must have text, source, year, got 'text'"),
        (
            "07_a",
            LEAST + "thirty_seconds: '{cost!r} lost'\n",
            r"07_a\.yaml .*: thirty_seconds must quote .*got \{cost!r\}",
        ),
        (
            "07_a",
            LEAST + "two_minutes: '{cost!s:>10}'\n",
            r"07_a\.yaml .*: two_minutes must quote .*got \{cost!s:>10\}",
        ),
        (
            "07_a",
            LEAST + "red_flags: ['{cost:.2f}']\n",
            r"red_flags must quote a claim as \{claim_id\} or .*\{cost:\.2f\}",
        ),
        ("07_a", LEAST + "red_flags: ['{cost.unit}']\n", r"red_flags must quote .*\{cost\.unit\}"),
        (
            "07_a",
            LEAST + "thirty_seconds: 'lost } here'\n",
            r"thirty_seconds must close each brace it opens, got 'lost",
        ),
        ("07_a", LEAST + "two_minutes: 'open {a'\n", r"two_minutes must close each brace it opens, got 'open \{a'"),
        (
            "07_a",
            LEAST + "follow_ups: [{question: Q, weak: '{', fair: F, strong: S}]\n",
            r"follow_ups must close each brace",
        ),
        ("07_a", LEAST + "title: twice\n", r"07_a\.yaml .* can't be read: .*'title' is there twice"),
        ("07_a", "a: [", r"07_a\.yaml of the question bank can't be read"),
        ("07_a", "- part: x", r"07_a\.yaml of the question bank must hold fields"),
        ("07_a", "", r"07_a\.yaml of the question bank must hold fields"),
        ("7_a", LEAST, r"called <nn>_<name>\.yaml, got 7_a\.yaml; rename it"),
        ("00_a", LEAST, r"called <nn>_<name>\.yaml, got 00_a\.yaml"),
        ("07-a", LEAST, r"called <nn>_<name>\.yaml, got 07-a\.yaml"),
    ],
)
def test_a_damaged_file_is_told_in_one_sentence_that_names_it(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        bank_of(tmp_path, **{f"lesson_{name}": text})


def test_two_files_with_one_number_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"07_b\.yaml has the number of lesson a; choose a free one"):
        bank_of(tmp_path, lesson_07_a=LEAST, lesson_07_b=LEAST)


def test_a_missing_bank_is_told_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="the question bank none is missing; restore it with git"):
        question_bank(tmp_path / "none")
