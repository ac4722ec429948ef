"""Results that are given piece by piece count as the sequence they stand for; endless ones are told."""

import array
import collections
import dataclasses
import itertools

import numpy as np
import pytest

from tests.exercises.test_every_exercise import NAMED
from utils.lesson import Exercise, Mistake
from utils.lesson.exercise import check
from utils.lesson.exercise import finished as finishing
from utils.lesson.exercise.finished import Endless, finished


def doubled(values: list) -> list:
    """Return the doubles of `values`."""
    return [2 * value for value in values]


DOUBLED = Exercise(
    number=1,
    kind="build",
    title="",
    task="",
    solution=doubled,
    cases=lambda: [([1, 2, 6],), ([],), ([4],)],
    mistakes=(Mistake("same", lambda values: list(values), "Those are the values themselves."),),
    hints=("", ""),
    praise="Doubled.",
)


def generated(values):
    for value in values:
        yield 2 * value


IN_PIECES = {
    "map": lambda values: map(lambda value: 2 * value, values),
    "generator": generated,
    "generator expression": lambda values: (2 * value for value in values),
    "filter": lambda values: filter(lambda value: True, doubled(values)),
    "chain": lambda values: itertools.chain(doubled(values)),
    "iterator": lambda values: iter(doubled(values)),
    "reversed": lambda values: reversed(doubled(values)[::-1]),
    "values": lambda values: {i: 2 * value for i, value in enumerate(values)}.values(),
    "keys": lambda values: {2 * value: 0 for value in values}.keys(),
    "memoryview": lambda values: memoryview(array.array("q", doubled(values))),
    "flat": lambda values: np.array(doubled(values)).flat,
    "deque": lambda values: collections.deque(doubled(values)),
    "array": lambda values: array.array("d", doubled(values)),
}


@pytest.mark.parametrize("answer", IN_PIECES.values(), ids=IN_PIECES)
@pytest.mark.parametrize("wanted", [list, tuple, np.array], ids=["list", "tuple", "array"])
def test_a_right_sequence_given_in_pieces_passes(answer, wanted):
    exercise = dataclasses.replace(DOUBLED, solution=lambda values: wanted(doubled(values)))
    assert check(exercise, answer).state == "passed"


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (lambda values: list(range(len(values))), lambda values: range(len(values))),
        (lambda values: [(i, v) for i, v in enumerate(values)], lambda values: zip(range(9), values, strict=False)),
        (lambda values: [[i, v] for i, v in enumerate(values)], lambda values: enumerate(values)),
        (lambda values: [(v, 1) for v in values], lambda values: dict.fromkeys(values, 1).items()),
        (lambda values: (values, len(values)), lambda values: (iter(values), len(values))),
        (lambda values: {"kept": values}, lambda values: {"kept": filter(lambda value: True, values)}),
        (lambda values: [values, values], lambda values: map(iter, [values, values])),
        (lambda values: set(values), lambda values: dict.fromkeys(values).keys()),
        (lambda values: {(v, 1) for v in values}, lambda values: dict.fromkeys(values, 1).items()),
    ],
)
def test_pieces_are_accepted_inside_containers_and_where_a_view_stands_for_a_set(solution, answer):
    assert check(dataclasses.replace(DOUBLED, solution=solution), answer).state == "passed"


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (lambda values: map(float, values), "mistake", "Those are the values themselves."),
        (lambda values: (3 * v for v in values), "wrong", "gives [3, 6, 18]: at index 0 it is 3, which is too large"),
        (lambda values: (0.1 + 0.2 for v in values), "wrong", "gives [0.3, 0.3, 0.3]: at index 0 it is 0.3"),
        (lambda values: map(len, values), "error", "raised TypeError: object of type 'int' has no len()."),
        (lambda values: {2 * v: 0 for v in values}, "wrong", "a dictionary, where a sequence is asked for"),
        (lambda values: {2 * v for v in values}, "wrong", "a set, where a sequence is asked for"),
    ],
)
def test_a_wrong_one_is_told_as_a_list_is(answer, state, said):
    verdict = check(DOUBLED, answer)
    assert verdict.state == state
    assert said in verdict.message
    assert verdict.case == ([1, 2, 6],)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda values: (value for value in values), "gives a generator: return the finished result, without `yield`."),
        (lambda values: map(abs, values), "gives its result piece by piece: return the finished one."),
    ],
)
def test_where_no_sequence_is_asked_for_the_finished_result_is(answer, said):
    exercise = dataclasses.replace(DOUBLED, solution=lambda values: len(values), mistakes=())
    assert said in check(exercise, answer).message
    assert check(exercise, answer).state in ("wrong", "error")


def test_an_exercise_may_ask_for_a_list_and_nothing_else():
    strict = dataclasses.replace(DOUBLED, agree=lambda got, want: type(got) is list and got == want, mistakes=())
    assert check(strict, doubled).state == "passed"
    assert check(strict, generated).state == "wrong"


def test_a_generator_is_run_once_and_each_result_is_that_of_its_call():
    given, total = [], {}

    def answer(values):
        total.clear()
        for value in values:
            given.append(value)
            total[value] = 2 * value
        return total.values()

    assert check(DOUBLED, answer).state == "passed"
    assert given == [1, 2, 6, 4]


def test_an_iterator_without_end_is_told_before_memory_or_time_is_up(monkeypatch):
    monkeypatch.setattr(finishing, "MOST_PARTS", 1_000)
    verdict = check(DOUBLED, lambda values: itertools.count())
    assert (verdict.state, verdict.case) == ("error", ([1, 2, 6],))
    assert "gives an iterator that goes on after 1,000,000 parts: return a finished result." in verdict.message
    assert finished(iter(range(1_000))) == list(range(1_000))
    with pytest.raises(Endless):
        finished(iter(range(1_001)))


def test_a_generator_that_never_gives_its_first_part_is_stopped():
    def stuck(values):
        while True:
            pass
        yield

    assert "Which loop never ends?" in check(DOUBLED, stuck, seconds=0.05).message


def test_an_asynchronous_generator_is_told():
    async def later(values):
        yield values

    assert "gives an asynchronous generator: write `def`, without `async`." in check(DOUBLED, later).message


@pytest.mark.parametrize(
    "value", [3, "text", np.eye(2), {1}, [1, 2], (1, "a"), {"a": 1}, collections.Counter("a")], ids=str
)
def test_what_is_not_given_in_pieces_stays_the_same_object(value):
    assert finished(value) is value


def test_a_list_that_holds_itself_comes_to_an_end():
    loop = []
    loop.append(loop)
    assert type(finished(loop)) is list


@pytest.mark.parametrize("exercise", NAMED)
def test_every_exercise_of_the_course_that_asks_for_a_sequence_takes_its_pieces(exercise):
    def in_pieces(*arguments):
        result = exercise.solution(*arguments)
        return iter(result) if isinstance(result, (list, tuple, np.ndarray)) else result

    assert check(exercise, in_pieces).state == "passed"
