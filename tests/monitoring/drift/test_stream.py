"""Stream detectors against river and closed forms."""

import numpy as np
import pytest
from river import drift as river_drift

from utils.monitoring.drift.alarm_times import NO_ALARM, first_alarm
from utils.monitoring.drift.stream import adwin_first_alarm, cusum_statistic, page_hinkley_statistic

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


@pytest.mark.parametrize(("direction", "forgetting"), OPTIONS)
def test_page_hinkley_follows_its_recursion(direction, forgetting):
    """The sum rises by value − running mean − slack; the statistic is its height above its lowest point."""
    row, slack = streams(runs=1)[0], 0.05
    path, signs = [], {"up": [1], "down": [-1], "both": [1, -1]}[direction]
    sums, lowest = dict.fromkeys(signs, 0.0), dict.fromkeys(signs, 0.0)
    for step, value in enumerate(row):
        for sign in signs:
            sums[sign] = forgetting * sums[sign] + sign * (value - row[: step + 1].mean()) - slack
            lowest[sign] = min(lowest[sign], sums[sign])
        path.append(max(sums[sign] - lowest[sign] for sign in signs))
    options = dict(slack=slack, min_steps=30, forgetting=forgetting, direction=direction)
    statistic = page_hinkley_statistic(row, **options)
    np.testing.assert_allclose(statistic[29:], path[29:], atol=1e-9)
    assert (statistic[:29] == 0).all()


@pytest.mark.parametrize("bad", [[], [[]], np.zeros((2, 2, 2)), [1.0, np.nan], [1.0, np.inf], ["1"]])
def test_bad_streams_are_refused(bad):
    for call in (page_hinkley_statistic, adwin_first_alarm, lambda values: cusum_statistic(values, target=0, slack=0)):
        with pytest.raises(ValueError, match=r"^streams must .*got .*; "):
            call(bad)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: page_hinkley_statistic([1.0], slack=-1), "slack"),
        (lambda: page_hinkley_statistic([1.0], slack=np.nan), "slack"),
        (lambda: page_hinkley_statistic([1.0], slack=np.inf), "slack"),
        (lambda: page_hinkley_statistic([1.0], min_steps=0), "min_steps"),
        (lambda: page_hinkley_statistic([1.0], min_steps=2.5), "min_steps"),
        (lambda: page_hinkley_statistic([1.0], forgetting=0), "forgetting"),
        (lambda: page_hinkley_statistic([1.0], forgetting=1.1), "forgetting"),
        (lambda: page_hinkley_statistic([1.0], direction="left"), "direction"),
        (lambda: cusum_statistic([1.0], target=np.nan, slack=0), "target"),
        (lambda: cusum_statistic([1.0], target="0", slack=0), "target"),
        (lambda: cusum_statistic([1.0], target=0, slack=-1), "slack"),
        (lambda: cusum_statistic([1.0], target=0, slack=1, direction="left"), "direction"),
        (lambda: adwin_first_alarm([1.0], confidence=0), "confidence"),
        (lambda: adwin_first_alarm([1.0], confidence=1), "confidence"),
        (lambda: adwin_first_alarm([1.0], check_every=0), "check_every"),
        (lambda: adwin_first_alarm([1.0], check_every=1.5), "check_every"),
    ],
)
def test_bad_options_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()


def test_options_at_their_bounds_are_accepted():
    assert adwin_first_alarm([0.0, 1.0], confidence=0.5, check_every=1).tolist() == [NO_ALARM]
    assert page_hinkley_statistic([0.0, 2.0], slack=0, min_steps=1, forgetting=1, direction="up")[1] == 1.0
    assert cusum_statistic([0.0, 2.0], target=0, slack=0, direction="down").tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: page_hinkley_statistic([1e308, 1e308, -1e308]), "streams must lie in"),
        (lambda: page_hinkley_statistic([0.0, 1.0], slack=1e308), "slack must be"),
        (lambda: cusum_statistic([1e308, -1e308], target=0, slack=0), "streams must lie in"),
        (lambda: cusum_statistic([0.0, 1.0], target=-1e308, slack=0), "target must be"),
        (lambda: adwin_first_alarm([1e308, -1e308]), "streams must lie in"),
    ],
)
def test_values_whose_sums_overflow_are_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()
