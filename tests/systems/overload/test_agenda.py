"""The agenda: order of time, of entry at one time, and what is entered meanwhile."""

import math
import random

import pytest

from utils.systems.overload.agenda import Agenda


def test_actions_are_taken_in_order_of_time_whatever_the_order_of_entry():
    agenda, seen = Agenda(), []
    times = [random.Random(0).random() for _ in range(200)]
    for time in times:
        agenda.at(time, lambda t=time: seen.append((t, agenda.now)))
    agenda.run(until=2)
    assert [t for t, _ in seen] == sorted(times)
    assert all(t == now for t, now in seen)


def test_of_two_at_one_time_the_one_entered_first_comes_first():
    agenda, seen = Agenda(), []
    for name in "abc":
        agenda.at(1.0, seen.append, name)
    agenda.run(until=1.5)
    assert seen == ["a", "b", "c"]


def test_what_is_entered_meanwhile_is_taken_too_and_what_is_due_at_the_end_is_not():
    agenda, ticks = Agenda(), []

    def tick():
        ticks.append(agenda.now)
        agenda.at(agenda.now + 1, tick)

    agenda.at(0.0, tick)
    agenda.run(until=3)
    assert ticks == [0, 1, 2]
    assert agenda.now == 3
    agenda.run(until=4)
    assert ticks == [0, 1, 2, 3]


def test_a_cleared_agenda_has_nothing_to_do_and_takes_new_actions():
    agenda, seen = Agenda(), []
    agenda.at(1.0, seen.append, "dropped")
    agenda.clear()
    agenda.at(2.0, seen.append, "new")
    agenda.run(until=3)
    assert seen == ["new"]


@pytest.mark.parametrize("time", [0.5, -1, math.nan])
def test_the_past_can_not_be_entered(time):
    agenda = Agenda()
    agenda.run(until=1)
    with pytest.raises(ValueError, match=r"^time must be at least now = 1 s, got .*; "):
        agenda.at(time, print)
