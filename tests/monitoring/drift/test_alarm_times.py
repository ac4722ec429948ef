"""First alarms and their judgment, by hand."""

import numpy as np
import pandas as pd
import pytest

from utils.monitoring.drift.alarm_times import NO_ALARM, first_alarm, judge


def test_first_alarm_takes_limits_that_move_and_is_strict():
    assert first_alarm([1.0, 2.0, 3.0], 2.0).tolist() == [2]
    assert first_alarm([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]], [5.0, 1.5, 2.5]).tolist() == [1, NO_ALARM]


def test_judge_separates_false_alarms_from_delays():
    outcome = judge([9, 10, 14, NO_ALARM, 30], change=10)
    assert outcome == (1 / 5, 3 / 4, 20.0, 8.0)
    assert judge([NO_ALARM, NO_ALARM, 12], change=10).median_delay == np.inf
    assert np.isnan(judge([1, 2], change=10).detection_rate)
    assert judge([1, 2], change=10).false_alarm_rate == 1.0
    assert np.isnan(judge([NO_ALARM], change=10).mean_delay)


def test_no_alarm_is_wanted_where_the_limit_is_infinite():
    assert first_alarm([[5.0, 5.0], [0.0, 0.0]], [np.inf, 4.0]).tolist() == [1, NO_ALARM]
    assert first_alarm([5.0], np.inf).tolist() == [NO_ALARM]
    assert first_alarm([5.0], -np.inf).tolist() == [0]


def test_an_alarm_at_the_change_itself_has_no_delay_and_is_no_false_alarm():
    assert judge([1], change=1) == (0.0, 1.0, 0.0, 0.0)
    assert judge([0], change=1).false_alarm_rate == 1.0
    assert judge(np.array([4, NO_ALARM]), change=2.5).mean_delay == 1.5


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: first_alarm([], 1), "statistic"),
        (lambda: first_alarm([1.0, np.nan], 1), "statistic"),
        (lambda: first_alarm(np.zeros((1, 1, 1)), 1), "statistic"),
        (lambda: first_alarm([1.0], np.nan), "threshold"),
        (lambda: first_alarm([1.0, 2.0], [1.0, np.nan]), "threshold"),
        (lambda: first_alarm([1.0, 2.0], [1.0, 2.0, 3.0]), "threshold"),
        (lambda: first_alarm([[1.0], [2.0]], [[1.0], [2.0]]), "threshold"),
        (lambda: first_alarm([1.0], "1"), "threshold"),
        (lambda: judge([], 3), "alarms"),
        (lambda: judge([[1]], 3), "alarms"),
        (lambda: judge([1, np.nan], 3), "alarms"),
        (lambda: judge([1, 2.5], 3), "alarms"),
        (lambda: judge([1, -2], 3), "alarms"),
        (lambda: judge([1], 0), "change"),
        (lambda: judge([1], -2), "change"),
        (lambda: judge([1], np.nan), "change"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()


def test_a_labeled_threshold_meets_the_steps_by_label():
    statistic = pd.Series([0.0, 2.0, 3.0], index=["Mon", "Tue", "Wed"])
    assert first_alarm(statistic, pd.Series({"Wed": 2.5, "Tue": 2.5, "Mon": 1.0})).tolist() == [2]


def test_a_masked_threshold_is_refused():
    with pytest.raises(ValueError, match="threshold must not be masked"):
        first_alarm([0.0, 2.0], np.ma.masked_equal([1.0, 9.0], 9.0))
