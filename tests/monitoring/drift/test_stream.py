"""Stream detectors against river and closed forms."""

import numpy as np
import pytest
from river import drift as river_drift

from utils.monitoring.drift.stream import (
    NO_ALARM,
    PageHinkley,
    adwin_first_alarm,
    cusum_statistic,
    first_alarm,
    judge,
    page_hinkley_statistic,
)

OPTIONS = [("both", 1.0), ("both", 0.99), ("up", 1.0), ("down", 1.0)]


def streams(runs=12, steps=300, change=150, shift=0.8, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(runs, steps))
    values[: runs // 2, change:] += shift
    values[runs // 2 :, change:] -= shift
    return values


def first_in_river(values, threshold, direction, forgetting):
    detector = river_drift.PageHinkley(
        min_instances=30, delta=0.05, threshold=threshold, alpha=forgetting, mode=direction
    )
    for step, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            return step
    return NO_ALARM


@pytest.mark.parametrize(("direction", "forgetting"), OPTIONS)
@pytest.mark.parametrize("threshold", [5.0, 12.0, 25.0])
def test_page_hinkley_alarms_where_river_does(direction, forgetting, threshold):
    values = streams()
    expected = [first_in_river(row, threshold, direction, forgetting) for row in values]
    options = dict(slack=0.05, min_steps=30, forgetting=forgetting, direction=direction)
    found = first_alarm(page_hinkley_statistic(values, **options), threshold)
    assert found.tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize(("direction", "forgetting"), OPTIONS)
def test_one_value_at_a_time_gives_what_all_at_once_gives(direction, forgetting):
    options = dict(slack=0.05, min_steps=30, forgetting=forgetting, direction=direction)
    for row in streams(runs=4):
        detector = PageHinkley(12.0, **options)
        alarms, path = zip(*((detector.update(v), detector.statistic) for v in row), strict=True)
        statistic = page_hinkley_statistic(row, **options)
        np.testing.assert_allclose(path[29:], statistic[29:], atol=1e-9)
        assert (statistic[:29] == 0).all()
        assert list(alarms) == (statistic > 12.0).tolist()


def test_page_hinkley_stands_at_zero_before_the_first_value():
    detector = PageHinkley()
    assert (detector.steps, detector.mean, detector.statistic) == (0, 0.0, 0.0)


def test_page_hinkley_starts_anew_after_a_reset():
    detector = PageHinkley(5.0, slack=0.1, min_steps=2)
    first = [detector.update(v) for v in (0, 0, 9, 9)]
    detector.reset()
    assert [detector.update(v) for v in (0, 0, 9, 9)] == first
    assert True in first


def test_cusum_follows_its_recursion():
    """S(t) = max(0, S(t-1) + x - target - slack), and its mirror image."""
    row = streams(runs=2)[0]
    up = down = 0.0
    for value, statistic in zip(row, cusum_statistic(row, target=0.1, slack=0.2), strict=True):
        up = max(0.0, up + value - 0.1 - 0.2)
        down = max(0.0, down - (value - 0.1) - 0.2)
        assert statistic == pytest.approx(max(up, down), abs=1e-9)


def test_cusum_run_length_without_drift_is_that_of_siegmunds_formula():
    """One-sided, normal data, slack k = 0.5, threshold h = 4; with b = h + 1.166: (exp(2kb) - 2kb - 1) / (2k²)."""
    rng = np.random.default_rng(2)
    runs = first_alarm(cusum_statistic(rng.normal(size=(1_500, 2_500)), target=0, slack=0.5, direction="up"), 4.0)
    length = np.where(runs == NO_ALARM, 2_500, runs + 1)
    siegmund = (np.exp(2 * 0.5 * (4 + 1.166)) - 2 * 0.5 * (4 + 1.166) - 1) / (2 * 0.5**2)
    # The run length is nearly exponential: standard error 336 / sqrt(1500) = 9; Siegmund's error is below 1%.
    assert length.mean() == pytest.approx(siegmund, abs=4 * 9)


def test_adwin_stops_at_rivers_first_change():
    values = np.where(streams(runs=4, steps=1_000, change=500, shift=1.5) > 0, 1.0, 0.0)
    expected = []
    for row in values:
        detector = river_drift.ADWIN(delta=0.01, clock=16)
        steps = [step for step, value in enumerate(row) if detector.update(value) or detector.drift_detected]
        expected.append(steps[0] if steps else NO_ALARM)
    assert adwin_first_alarm(values, confidence=0.01, check_every=16).tolist() == expected
    assert min(expected) >= 500
    assert adwin_first_alarm(np.zeros(200)).tolist() == [NO_ALARM]


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


@pytest.mark.parametrize("function", [page_hinkley_statistic, adwin_first_alarm])
def test_bad_streams_are_refused(function):
    for bad in ([], [[]], np.zeros((2, 2, 2))):
        with pytest.raises(ValueError, match="streams must have shape"):
            function(bad)
    with pytest.raises(ValueError, match="streams must be finite, got 1"):
        function([1.0, np.nan])


def test_bad_options_are_refused():
    for options, name in (
        (dict(slack=-1), "slack"),
        (dict(slack=np.nan), "slack"),
        (dict(min_steps=0), "min_steps"),
        (dict(forgetting=0), "forgetting"),
        (dict(forgetting=1.1), "forgetting"),
        (dict(direction="left"), "direction"),
    ):
        with pytest.raises(ValueError, match=name):
            page_hinkley_statistic([1.0], **options)
        with pytest.raises(ValueError, match=name):
            PageHinkley(5.0, **options)
    for threshold in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="threshold must be positive"):
            PageHinkley(threshold)
    with pytest.raises(ValueError, match="value must be finite"):
        PageHinkley().update(np.nan)
    with pytest.raises(ValueError, match="target must be finite"):
        cusum_statistic([1.0], target=np.nan, slack=0)
    with pytest.raises(ValueError, match="slack must not be negative"):
        cusum_statistic([1.0], target=0, slack=-1)
    with pytest.raises(ValueError, match="threshold must not be NaN"):
        first_alarm([1.0], np.nan)
    with pytest.raises(ValueError, match="confidence must lie"):
        adwin_first_alarm([1.0], confidence=0)
    with pytest.raises(ValueError, match="check_every must be"):
        adwin_first_alarm([1.0], check_every=0)
    for bad in ([], [[1]]):
        with pytest.raises(ValueError, match="alarms must hold"):
            judge(bad, 3)
    for change in (0, -2, np.nan):
        with pytest.raises(ValueError, match="change must be positive"):
            judge([1], change)


def test_options_at_their_bounds_are_accepted():
    assert adwin_first_alarm([0.0, 1.0], confidence=0.5, check_every=1).tolist() == [NO_ALARM]
    assert page_hinkley_statistic([0.0, 2.0], slack=0, min_steps=1, forgetting=1, direction="up")[1] == 1.0
    assert PageHinkley(0.5, slack=0, min_steps=1, direction="up").update(1.0) is False
    assert judge([1], change=1).mean_delay == 0.0
