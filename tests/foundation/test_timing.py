"""The benchmark timer on a clock of its own."""

import pytest

from utils.foundation import timing
from utils.foundation.timing import best_seconds


def test_the_shortest_of_the_runs_counts(monkeypatch):
    durations, now, called = iter([3.0, 0.5, 2.0]), [100.0], []

    def work():
        called.append(1)
        now[0] += next(durations)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    assert best_seconds(work, repeats=3) == 0.5
    assert len(called) == 3


def test_five_runs_are_the_default():
    called = []
    assert best_seconds(lambda: called.append(1)) >= 0
    assert len(called) == 5


@pytest.mark.parametrize("repeats", [0, -1, 1.5, "3", True])
def test_a_number_of_runs_that_is_none_is_refused(repeats):
    with pytest.raises(ValueError, match=r"^repeats must be a whole number of at least 1, got .*; "):
        best_seconds(list, repeats=repeats)
