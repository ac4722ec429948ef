"""Times in one unit, and moments in microseconds, against Python's own datetimes and integers."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.features.times import (
    duration,
    in_one_unit,
    microseconds_of,
    moment,
    timestamp,
    unit_of,
    whole_units,
    without_zone,
)

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS = list(NANOSECONDS)
TICKS = st.one_of(st.integers(-(2**62), 2**62), st.integers(-(10**6), 10**6))
columns = st.lists(st.tuples(st.sampled_from(UNITS), st.lists(TICKS, max_size=3)), min_size=1, max_size=3)


def array(unit, ticks):
    return np.array([*ticks, np.iinfo(np.int64).min], np.int64).view(f"datetime64[{unit}]")  # the last is NaT


def exact(times):
    """Return the times as whole nanoseconds of Python, None where missing."""
    per = NANOSECONDS[unit_of(times)]
    return [None if np.isnat(t) else int(t.astype(np.int64)) * per for t in times]


@given(columns)
def test_in_one_unit_times_are_what_they_were_or_are_refused(given_columns):
    times = {f"column {i}": array(*column) for i, column in enumerate(given_columns)}
    wanted = [exact(column) for column in times.values()]
    known = [t for column in wanted for t in column if t is not None]
    fits = [unit for unit, per in NANOSECONDS.items() if all(t % per == 0 and abs(t // per) < 2**63 - 1 for t in known)]
    finest = min(NANOSECONDS[unit] for unit, _ in given_columns)
    if not any(NANOSECONDS[unit] >= finest for unit in fits):
        with pytest.raises(ValueError, match="must fit one unit of time"):
            in_one_unit(times)
        return
    found = in_one_unit(times)
    assert len({unit_of(column) for column in found}) == 1
    assert [exact(column) for column in found] == wanted


def test_the_finest_unit_that_holds_all_is_taken():
    near, far = array("ns", [10**18]), array("s", [253_402_214_400])  # 2001 and the year 9999
    assert unit_of(in_one_unit({"a": near, "b": array("s", [1])})[0]) == "ns"
    assert unit_of(in_one_unit({"a": near, "b": far})[0]) == "us"
    assert unit_of(in_one_unit({"a": near, "b": array("s", [10**14])})[0]) == "ms"
    assert unit_of(in_one_unit({"a": near, "b": array("s", [10**17])})[0]) == "s"


@pytest.mark.parametrize(
    ("unit", "ticks", "down", "up"),
    [
        ("ns", 1_500, 1, 2),
        ("ns", -1_500, -2, -1),
        ("ns", 2_000, 2, 2),
        ("us", 7, 7, 7),
        ("ms", -7, -7_000, -7_000),
        ("s", 253_402_214_400, 253_402_214_400_000_000, 253_402_214_400_000_000),
    ],
)
def test_microseconds_are_rounded_the_way_that_was_asked(unit, ticks, down, up):
    column = pd.Series(array(unit, [ticks]))
    for round_up, wanted in ((False, down), (True, up)):
        found = microseconds_of("time", column, round_up=round_up)
        assert found.dtype == "datetime64[us]"
        assert found[0].astype(np.int64) == wanted
        assert np.isnat(found[1])


def test_microseconds_too_far_away_are_refused():
    largest = np.iinfo(np.int64).max // 10**6
    assert not np.isnat(microseconds_of("time", pd.Series(array("s", [largest, -largest])))[:2]).any()
    for ticks in (largest + 1, -largest - 1):
        with pytest.raises(ValueError, match="available_time must lie within"):
            microseconds_of("available_time", pd.Series(array("s", [0, ticks])))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_a_column_with_a_zone_is_the_same_moment_in_utc(zone):
    utc = pd.Series(pd.date_range("2024-03-31", periods=5, freq="h"))
    np.testing.assert_array_equal(without_zone("time", utc.dt.tz_localize("UTC").dt.tz_convert(zone)), utc.to_numpy())


@pytest.mark.parametrize("values", [["2024-01-01"], [1.0], [datetime(2024, 1, 1).date()]])
def test_a_column_of_something_else_is_told(values):
    with pytest.raises(ValueError, match="asked must be a column of times"):
        without_zone("asked", pd.Series(values))


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-05 18:30:00.000001",
        "2024-01-05T19:30:00.000001+01:00",
        datetime(2024, 1, 5, 18, 30, 0, 1),
        datetime(2024, 1, 5, 19, 30, 0, 1, timezone(timedelta(hours=1))),
        np.datetime64("2024-01-05T18:30:00.000001"),
        np.datetime64("2024-01-05T18:30:00.000001999"),
        pd.Timestamp("2024-01-05 18:30:00.000001"),
    ],
)
def test_a_moment_is_pythons_whole_microseconds(time):
    wanted = (datetime(2024, 1, 5, 18, 30, 0, 1, UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert moment("now", time) == wanted
    assert timestamp(wanted) == pd.Timestamp("2024-01-05 18:30:00.000001")


def test_moments_far_away_and_before_1970_are_exact():
    assert moment("until", "9999-12-31") == (datetime(9999, 12, 31) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert moment("until", np.datetime64("1969-12-31T23:59:59.999999999")) == -1
    assert timestamp(moment("until", "9999-12-31")) == pd.Timestamp("9999-12-31")


@pytest.mark.parametrize("value", [0, 1.5, True, np.int64(3), None, pd.NaT, "soon", [], object()])
def test_what_is_no_moment_is_told(value):
    with pytest.raises(ValueError, match="now must be a time, got"):
        moment("now", value)


@pytest.mark.parametrize(
    ("value", "zero", "told"),
    [
        ("soon", True, "ttl must be a span of time"),
        (object(), True, "ttl must be a span of time"),
        (pd.NaT, True, "ttl must be at least 0"),
        ("-1ns", True, "ttl must be at least 0, got -1 days"),
        (0, False, "ttl must be positive, got 0 days"),
    ],
)
def test_what_is_no_duration_is_told(value, zero, told):
    with pytest.raises(ValueError, match=told):
        duration("ttl", value, "use '7D'", zero=zero)
    assert duration("ttl", 0, "", zero=True) == pd.Timedelta(0)
    assert duration("ttl", "90min", "", zero=False) == pd.Timedelta("1.5h")


@given(st.integers(-(10**15), 10**15), st.sampled_from(UNITS))
def test_whole_units_are_pythons_floor_division(nanoseconds, unit):
    assert whole_units(pd.Timedelta(nanoseconds, "ns"), unit) == nanoseconds // NANOSECONDS[unit]
    if abs(nanoseconds) < 10**9:
        assert (
            whole_units(pd.Timedelta(np.timedelta64(nanoseconds, "s")), unit)
            == nanoseconds * 10**9 // NANOSECONDS[unit]
        )
