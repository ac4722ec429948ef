"""Times are instants in UTC whatever type they come in, days count from Monday, 1 January 2024, and nothing wraps."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.world import clock

FOUR_DIGIT_YEARS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
HALF_PAST_SIX = "2024-01-05T18:30:00"


@given(FOUR_DIGIT_YEARS)
def test_days_and_hours_agree_with_the_calendar(time):
    since = time - dt.datetime(2024, 1, 1)
    assert clock.microseconds(time) == since // dt.timedelta(microseconds=1)
    assert clock.day_of(time) == since.days == time.toordinal() - dt.date(2024, 1, 1).toordinal()
    assert clock.day_of(time) % 7 == time.weekday()
    assert clock.local_hour(time, 0) == time.hour
    assert clock.midnight(clock.day_of(time)).item() == dt.datetime.combine(time.date(), dt.time())


@given(FOUR_DIGIT_YEARS, st.integers(-12, 14))
def test_a_local_clock_is_ahead_by_its_offset(time, offset):
    assert clock.local_hour(time, offset) == (time + dt.timedelta(hours=offset)).hour


@given(FOUR_DIGIT_YEARS, st.integers(-14 * 60, 14 * 60))
def test_a_time_with_a_zone_is_the_same_instant(time, minutes):
    zoned = time.replace(tzinfo=dt.UTC).astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    for form in (zoned, zoned.isoformat(), [zoned], pd.Series([zoned])):
        np.testing.assert_array_equal(np.ravel(clock.instants("time", form)), [np.datetime64(time, "us")])


def test_durations_are_microseconds():
    one = [np.timedelta64(1, unit) // np.timedelta64(1, "us") for unit in ("s", "m", "h", "D")]
    assert one == [clock.SECOND, clock.MINUTE, clock.HOUR, clock.DAY]
    assert np.timedelta64(1, "D") // np.timedelta64(1, "m") == clock.MINUTES_A_DAY


@pytest.mark.parametrize(
    "time",
    [
        HALF_PAST_SIX,
        "2024-01-05T18:30:00Z",
        "2024-01-05T13:30:00-05:00",
        np.str_(HALF_PAST_SIX),
        *(np.datetime64(HALF_PAST_SIX, unit) for unit in ("m", "s", "ms", "us", "ns")),
        dt.datetime(2024, 1, 5, 18, 30),
        dt.datetime(2024, 1, 5, 18, 30, tzinfo=dt.UTC),
        pd.Timestamp(HALF_PAST_SIX),
        pd.Timestamp("2024-01-05T19:30:00", tz="Europe/Paris"),
        np.array(np.datetime64(HALF_PAST_SIX)),
        np.array(pd.Timestamp(HALF_PAST_SIX), dtype=object),
    ],
)
def test_one_instant_in_every_type(time):
    found = clock.instants("time", time)
    assert found.dtype == "datetime64[us]"
    assert found.shape == ()
    assert found == np.datetime64(HALF_PAST_SIX, "us")


@pytest.mark.parametrize(
    "times",
    [
        [HALF_PAST_SIX, dt.date(2024, 1, 6)],
        pd.to_datetime([HALF_PAST_SIX, "2024-01-06T00:00:00"]),
        pd.Series(pd.to_datetime([HALF_PAST_SIX, "2024-01-06T00:00:00"])).astype("datetime64[ns]"),
        pd.Series(pd.to_datetime([HALF_PAST_SIX, "2024-01-06T00:00:00"])).dt.tz_localize("UTC"),
        pd.to_datetime([HALF_PAST_SIX, "2024-01-06T00:00:00"]).tz_localize("UTC").tz_convert("Asia/Tokyo"),
        pd.Series([HALF_PAST_SIX, pd.Timestamp("2024-01-06", tz="UTC")], dtype=object),
        [np.datetime64(HALF_PAST_SIX), np.datetime64("2024-01-06")],
        pd.Categorical([HALF_PAST_SIX, "2024-01-06"]),
    ],
)
def test_a_column_of_times_in_every_type(times):
    found = clock.instants("time", times)
    assert found.dtype == "datetime64[us]"
    assert found.tolist() == [dt.datetime(2024, 1, 5, 18, 30), dt.datetime(2024, 1, 6)]


@pytest.mark.parametrize(
    "value",
    [
        5,
        1.5,
        True,
        1704067200,
        np.nan,
        [np.nan],
        "tomorrow",
        "now",
        "today",
        "",
        b"2024-01-01",
        decimal.Decimal(3),
        np.timedelta64(5, "s"),
        dt.timedelta(1),
        dt.time(3),
        pd.Series([1], dtype="Int64"),
        [[1, 2], [3, 4]],
        pd.Period("2024-01"),
        "9999-12-31T23:00:00-05:00",
        "10000-01-01",
        {},
    ],
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match=r"^when must hold times, got .*; pass datetime64, or texts such as"):
        clock.instants("when", value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        pd.NaT,
        "NaT",
        np.datetime64("NaT"),
        np.datetime64("NaT", "s"),
        ["2024-01-01", None],
        np.array(["2024-01-01", "NaT"], "datetime64[us]"),
        pd.Series(["2024-01-01", None], dtype="datetime64[ns, UTC]"),
        np.ma.array(np.array(["2024-01-01", "2024-01-02"], "datetime64[s]"), mask=[False, True]),
    ],
)
def test_a_missing_time_does_not_become_a_day(value):
    for function in (clock.day_of, clock.microseconds, lambda time: clock.local_hour(time, 0)):
        with pytest.raises(ValueError, match="time must not hold NaT; drop"):
            function(value)


@pytest.mark.parametrize(
    "far",
    [
        np.datetime64(2**62, "s"),
        np.datetime64(2**40, "D"),
        np.datetime64(2**62, "ms"),
        np.datetime64(-(2**62), "us"),
        np.datetime64("10000-01-01"),
        np.datetime64("0000-12-31"),
        np.datetime64(400000, "Y"),
        np.datetime64("10000-01-01T00:00:00.000000"),
        np.datetime64("0000-12-31T23:59:59.999999"),
    ],
)
def test_a_far_time_does_not_wrap_round(far):
    with pytest.raises(ValueError, match="time must lie in the years 1 to 9999"):
        clock.day_of(np.array(["2024-01-01", far], dtype=far.dtype))


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us"])
def test_the_first_and_the_last_day_are_times_in_every_unit(unit):
    for text in ("0001-01-01", "9999-12-31"):
        time = np.datetime64(text, unit)
        assert clock.day_of(time) == dt.date.fromisoformat(text).toordinal() - dt.date(2024, 1, 1).toordinal()
        assert clock.midnight(clock.day_of(time)) == np.datetime64(text)


def test_no_times_are_no_times():
    assert clock.day_of(np.array([], "datetime64[s]")).shape == (0,)
    assert clock.midnight([]).shape == (0,)
    assert clock.midnight([]).dtype == "datetime64[us]"
    with pytest.raises(ValueError, match="time"):
        clock.day_of([])


def test_parts_of_a_microsecond_are_cut_off():
    time = np.datetime64("2024-01-01T00:00:00.000001999", "ns")
    assert clock.microseconds(time) == 1


@pytest.mark.parametrize("day", [4, 4.0, np.int8(4), np.uint64(4), np.float32(4), np.array(4)])
def test_a_day_in_every_type(day):
    assert clock.midnight(day) == np.datetime64("2024-01-05", "us")


def test_days_keep_their_shape():
    assert clock.midnight([[0, -1], [1, 31]]).astype("datetime64[D]").astype(str).tolist() == [
        ["2024-01-01", "2023-12-31"],
        ["2024-01-02", "2024-02-01"],
    ]


@pytest.mark.parametrize("day", [4.5, np.nan, np.inf, True, "4", None, 2.0**53, pd.array([1, None], dtype="Int64")])
def test_a_day_is_a_whole_number(day):
    with pytest.raises(ValueError, match="day must be whole numbers"):
        clock.midnight(day)


def test_the_days_of_four_digit_years_have_a_midnight_and_no_others():
    low, high = (dt.date(year, month, day).toordinal() for year, month, day in ((1, 1, 1), (9999, 12, 31)))
    start = dt.date(2024, 1, 1).toordinal()
    assert clock.midnight([low - start, high - start]).astype("datetime64[D]").astype(str).tolist() == [
        "0001-01-01",
        "9999-12-31",
    ]
    for day in (low - start - 1, high - start + 1, 10**18, np.uint64(2**64 - 1), [low - start - 1, 0], [0, 10**9]):
        with pytest.raises(ValueError, match="day must lie in -738885 to 2913173"):
            clock.midnight(day)


@pytest.mark.parametrize("offset", [5.5, np.nan, True, "5", -13, 15, 3600, np.uint64(2**63)])
def test_an_offset_is_one_that_a_clock_has(offset):
    with pytest.raises(ValueError, match="utc_offset_hours must"):
        clock.local_hour(HALF_PAST_SIX, offset)


@pytest.mark.parametrize("offset", [-12, 14, 14.0, np.uint8(3), np.float64(-12)])
def test_the_offsets_of_all_clocks_are_known(offset):
    assert clock.local_hour(HALF_PAST_SIX, offset) == (18 + int(offset)) % 24


def test_times_and_offsets_broadcast():
    times = np.array(["2024-01-01T23:59", "2024-01-02T00:00"], "datetime64[s]")
    assert clock.local_hour(times[:, None], [0, 1]).tolist() == [[23, 0], [0, 1]]
