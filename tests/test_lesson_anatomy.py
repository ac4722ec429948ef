"""Every lesson has its parts, in order, with outputs of a real run and nothing typed that a run produced."""

import ast
import functools
import importlib
import json
import re

import pytest
from nbformat import from_dict

from utils.course.colab import is_setup_cell
from utils.course.folding import fold
from utils.course.template import LEAST_CLAIMS, SECTIONS
from utils.foundation.checkout import CHECKOUT
from utils.lesson.claim import MIME
from utils.lesson.questions import question_bank

ROOT = CHECKOUT
LESSONS = sorted((ROOT / "notebooks").glob("*_*/[0-9][0-9]_*.ipynb"))
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|farm|tmp|home|Users)/[\w.]")
WORDS_BOUND = 220
LINES_BOUND = 20
VISIBLE_LINES_BOUND, VISIBLE_CELL_BOUND = 250, 15  # what is not folded carries the idea
FIGURES_BOUND = 5  # four, and the still picture of the interactive cell


class Notebook:
    """A stored lesson: its cells by kind, its outputs and its headings."""

    def __init__(self, path):
        self.path = path
        self.raw = path.read_text(encoding="utf-8")
        self.cells = json.loads(self.raw)["cells"]
        self.code = [c for c in self.cells if c["cell_type"] == "code"]
        self.prose = ["".join(c["source"]) for c in self.cells if c["cell_type"] == "markdown"]
        self.sources = ["".join(c["source"]) for c in self.code]
        self.outputs = [output for c in self.code for output in c["outputs"]]
        self.claims = [o["data"][MIME] for o in self.outputs if MIME in o.get("data", {})]
        self.pictures = [o for o in self.outputs if "image/png" in o.get("data", {})]
        self.question = question_bank()[int(path.stem[:2])]

    def headings(self):
        return [line.lstrip("# ").lower() for text in self.prose for line in text.splitlines() if line.startswith("#")]

    def tagged(self, tag):
        return [
            source for c, source in zip(self.code, self.sources, strict=True) if tag in c["metadata"].get("tags", [])
        ]

    def calls(self, name):
        """Return the calls of `lesson.<name>` in the code, as syntax trees."""
        return [c for c in self._calls if c.func.attr == name]

    @functools.cached_property
    def _calls(self):
        nodes = [node for source in self.sources for node in ast.walk(ast.parse(source))]
        return [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]


read = functools.cache(Notebook)  # each lesson is read and parsed once


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return read(request.param)


def test_there_are_lessons_where_the_question_bank_says():
    assert LESSONS
    assert {str(path.relative_to(ROOT)).replace("\\", "/") for path in LESSONS} <= {
        q.notebook for q in question_bank().values()
    }


def out_of_order(headings, sections):
    """Return the sections of which no heading speaks after that of the section before."""
    missing, place = [], 0
    for section in sections:
        found = next((i for i in range(place, len(headings)) if section in headings[i]), None)
        if found is None:
            missing.append(section)
        else:
            place = found + 1
    return missing


def test_all_sections_are_there_and_in_order(lesson):
    assert out_of_order(lesson.headings(), SECTIONS) == []


@pytest.mark.parametrize(
    ("headings", "is_right"),
    [
        (SECTIONS, True),
        ([f"the {section} of it" for section in SECTIONS], True),
        (["more", *SECTIONS, "more"], True),
        (SECTIONS[:3] + SECTIONS[4:], False),
        (SECTIONS[1:] + SECTIONS[:1], False),
        ((*SECTIONS[:-2], SECTIONS[-1], SECTIONS[-2]), False),
    ],
)
def test_a_missing_or_moved_section_is_noticed(headings, is_right):
    assert (out_of_order(list(headings), SECTIONS) == []) == is_right


def test_it_has_its_whiteboard_draft_rubric_and_cases(lesson):
    assert len(lesson.calls("whiteboard")) == len(lesson.calls("draft")) == 1
    assert len(lesson.calls("answer")) == 1
    assert not lesson.calls("rubric")  # the answer shows it
    assert 5 <= len(lesson.question.rubric) <= 8
    assert 2 <= len(lesson.question.cases) <= 3
    text = " ".join(" ".join(lesson.prose).split())
    for case in lesson.question.cases:
        assert case.source in text
        assert str(case.year) in text


def test_the_visible_code_is_short(lesson):
    folded = lesson.tagged("plumbing")
    visible = [[x for x in s.splitlines() if x.strip()] for s in lesson.sources if s not in folded]
    assert sum(map(len, visible)) <= VISIBLE_LINES_BOUND
    assert max(map(len, visible)) <= VISIBLE_CELL_BOUND


def left_to_do(root, path):
    """Return the files of a lesson, its notebook at `path`, that still hold what the skeleton asks the author to write."""
    number, _, name = path.stem.partition("_")
    files = [
        path,
        root / "utils" / "exercises" / f"{name}.py",
        root / "tests" / "exercises" / f"test_{name}.py",
        *sorted((root / "data" / "questions").glob(f"{number}_*.yaml")),
    ]
    return [file.name for file in files if re.search(r"TODO|\btodo", file.read_text(encoding="utf-8"))]


def test_nothing_is_left_to_do(lesson):
    assert left_to_do(ROOT, lesson.path) == []


def test_what_is_left_to_do_is_seen_in_each_file_of_a_lesson(tmp_path):
    notebook = tmp_path / "notebooks" / "1_part" / "09_store.ipynb"
    files = [notebook] + [
        tmp_path / name
        for name in ("utils/exercises/store.py", "tests/exercises/test_store.py", "data/questions/09_store.yaml")
    ]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("done")
    assert left_to_do(tmp_path, notebook) == []
    for file, text in zip(files, ("TODO", "todo_compute", "Mistake('todo')", "title: TODO"), strict=True):
        file.write_text(text)
        assert left_to_do(tmp_path, notebook) == [file.name]
        file.write_text("done")


def test_question_and_usual_answer_are_those_of_the_bank(lesson):
    opening = " ".join(lesson.prose[0].split())
    for text in (
        lesson.question.title,
        lesson.question.question,
        lesson.question.usual_answer,
        lesson.question.left_out,
    ):
        assert " ".join(text.split()) in opening


def test_the_outputs_are_of_one_run_from_top_to_bottom(lesson):
    counts = [c["execution_count"] for c, source in zip(lesson.code, lesson.sources, strict=True) if source.strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_the_outputs_hold_no_error_no_warning_and_no_widget(lesson):
    assert not [o for o in lesson.outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert not [mime for o in lesson.outputs for mime in o.get("data", {}) if "widget" in mime]


def test_the_setup_cell_comes_first_and_the_parameters_are_plain_values(lesson):
    assert is_setup_cell(lesson.sources[0])
    [parameters] = lesson.tagged("parameters")
    assert "SEED" in parameters
    for node in ast.parse(parameters).body:
        assert isinstance(node, ast.Assign)
        ast.literal_eval(node.value)


def test_randomness_comes_from_the_seed_alone(lesson):
    source = "\n".join(lesson.sources)
    assert not re.search(r"np\.random\.(?!default_rng|SeedSequence|Generator)\w+", source)
    assert not re.search(r"default_rng\(\s*(\d|\))", source)
    assert not re.search(r"random_state=\d", source)
    if "import random" in source:  # some libraries draw from Python's own generator
        assert "random.seed(SEED" in source


def test_no_shell_no_magic_and_no_hidden_output(lesson):
    for source in lesson.sources:
        lines = [line for line in source.splitlines() if line.strip()]
        assert lines
        assert not any(line.lstrip().startswith(("!", "%")) for line in lines)
        assert not lines[-1].rstrip().endswith(";")


def test_nothing_is_skipped_or_allowed_to_fail(lesson):
    tags = {tag for c in lesson.code for tag in c["metadata"].get("tags", [])}
    assert tags <= {"setup", "parameters", "exercise", "nbval-ignore-output", "plumbing", "hide-input"}


def test_cells_are_folded_as_their_one_tag_says(lesson):
    assert lesson.sources[0] in lesson.tagged("plumbing")
    for cell, source in zip(lesson.code, lesson.sources, strict=True):
        folded = from_dict({**cell, "source": source})
        fold(folded)
        assert folded == {**cell, "source": source}, "run: make execute"


def test_a_cell_that_the_learner_writes_into_is_open(lesson):
    open_to_all = [*lesson.tagged("exercise"), *lesson.tagged("parameters")]
    open_to_all += [source for source in lesson.sources if re.search(r"lesson\.(predict|draft)\(", source)]
    assert not set(open_to_all) & set(lesson.tagged("plumbing"))


def test_results_are_predicted_before_they_are_revealed(lesson):
    source = "\n".join(lesson.sources)
    keys = re.findall(r"\.predict\(\s*\"(\w+)\"", source)
    assert len(keys) >= 2
    for key in keys:
        assert re.search(rf"\.reveal\(\s*\"{key}\"", source.split(f'.predict(\n    "{key}"')[-1])
        asked, shown = (re.search(rf"\.{verb}\(\s*\"{key}\"", source).start() for verb in ("predict", "reveal"))
        assert asked < shown


def test_every_claim_made_in_the_code_was_stored_and_holds(lesson):
    made = {call.args[0].value for call in lesson.calls("claim") if isinstance(call.args[0], ast.Constant)}
    stored = [claim["id"] for claim in lesson.claims]
    assert len(stored) == len(set(stored)) >= LEAST_CLAIMS
    assert made <= set(stored)
    assert all(claim["holds"] and claim["because"] for claim in lesson.claims)


def test_what_a_claim_measured_is_computed_not_typed(lesson):
    for call in lesson.calls("claim"):
        assert len(call.args) == 5
        assert not isinstance(call.args[2], ast.Constant)


def test_figures_say_in_words_what_they_show(lesson):
    assert 1 <= len(lesson.pictures) <= FIGURES_BOUND
    for picture in lesson.pictures:
        alt = picture["metadata"]["image/png"]["alt"]
        assert len(alt) >= 40
        assert re.search(r"\d", alt)
        assert picture["data"]["text/plain"][0].startswith("Figure: ")


def test_figures_come_from_the_one_style(lesson):
    source = "\n".join(lesson.sources)
    assert "pyplot" not in source
    assert not re.search(r"[\"']#[0-9a-fA-F]{6}[\"']", source)


def test_the_exercises_are_the_stubs_of_their_solutions(lesson):
    exercises = importlib.import_module(f"utils.exercises.{lesson.question.name}").EXERCISES
    cells = lesson.tagged("exercise")
    assert len(cells) == len(exercises) == 3
    for exercise, cell in zip(exercises, cells, strict=True):
        assert cell.startswith(exercise.stub())
        assert f"lesson.check({exercise.number}, {exercise.solution.__name__})" in cell
        assert any(exercise.task.strip() in text for text in lesson.prose)
    assert lesson.raw.count("not attempted.") >= 3


def test_the_answer_card_quotes_claims_of_this_lesson(lesson):
    question = lesson.question
    assert question.claim_ids | {question.finding} <= {claim["id"] for claim in lesson.claims}
    assert len(question.claim_ids) >= 3
    assert len(question.follow_ups) == 3
    assert len(question.red_flags) >= 3
    assert lesson.calls("answer")


def test_the_answer_types_no_result():
    """A decimal in the bank is a constant of the question; measured values stand in braces."""
    for question in question_bank().values():
        for text in (question.thirty_seconds, question.two_minutes, *(f.strong for f in question.follow_ups)):
            for number in re.findall(r"\d+\.\d+%?", text):
                assert number in question.allowed_decimals, (question.lesson, number)


def test_prose_types_no_percentage_that_a_run_produced(lesson):
    """Percentages with a decimal place are results, unless the sentence names where they come from."""
    for text in lesson.prose:
        for paragraph in text.split("\n\n"):
            if re.search(r"\d\.\d+ ?%", paragraph):
                assert re.search(r"\(\d{4}\)|\d{4}|published|quoted|objective|rule|definition", paragraph.lower()), (
                    paragraph
                )


def test_cells_are_short_and_texts_are_not_walls(lesson):
    for c, source in zip(lesson.code, lesson.sources, strict=True):
        if "setup" not in c["metadata"].get("tags", []):
            assert len([line for line in source.splitlines() if line.strip()]) <= LINES_BOUND, source
    for text in lesson.prose:
        assert len(text.split()) <= WORDS_BOUND + 80, text[:80]


def test_the_file_is_small_and_names_no_machine(lesson):
    assert len(lesson.raw) < 1_500_000
    assert not MACHINE_PATH.search(lesson.raw)


def test_every_cell_has_prose_near_it(lesson):
    """No long stretch of code without a sentence: at most five code cells in a row."""
    kinds = "".join("c" if c["cell_type"] == "code" else "m" for c in lesson.cells)
    assert "cccccc" not in kinds
