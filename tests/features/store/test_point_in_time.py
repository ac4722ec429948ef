"""The point-in-time join against a brute-force loop, pandas merge_asof and SQL that was written another way."""

import uuid
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.features.store.point_in_time import point_in_time_join

START = pd.Timestamp("2024-01-01")
ZONES = ["Asia/Tokyo", "America/New_York", "UTC"]


def brute_force(entities, features, *, by, available="available_time", ttl=None):
    """Return for each entity the position of its feature row, None where there is none: the definition as a loop."""
    found, known = [], list(enumerate(features.to_dict("records")))
    for entity in entities.to_dict("records"):
        best = None
        for position, row in known:
            if any(pd.isna(row[k]) or pd.isna(entity[k]) or row[k] != entity[k] for k in by):
                continue
            times = [row["event_time"]] + ([row[available]] if available else [])
            if pd.isna(entity["event_time"]) or any(pd.isna(t) or t > entity["event_time"] for t in times):
                continue
            if ttl is not None and entity["event_time"] - row["event_time"] > ttl:
                continue
            if best is None or (*times, position) > best:
                best = (*times, position)
        found.append(None if best is None else best[-1])
    return found


def joined_rows(entities, features, **options):
    features = features.assign(row=np.arange(len(features)))
    joined = point_in_time_join(entities, features, **options)
    pd.testing.assert_frame_equal(joined[entities.columns], entities)
    return [None if pd.isna(row) else int(row) for row in joined["row"]]


# A handful of keys and hours: duplicates, ties and rows that arrive late or before they happen are the rule.
hours = st.one_of(st.none(), st.integers(0, 6))
codes = st.one_of(st.none(), st.integers(0, 2))


def frame(rows, names):
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    made = pd.DataFrame({name: pd.array(columns[name], "Int64") for name in names[:2]})
    made["city"] = made["city"].map({0: "a", 1: "b", 2: "c"}).astype(object)
    for name in names[2:]:
        since = pd.array(columns[name], "Int64").to_numpy(float, na_value=np.nan)
        made[name] = (START + pd.to_timedelta(since, unit="h")).astype("datetime64[us]")
    return made


UNITS = ["s", "ms", "us", "ns"]
entity_rows = st.lists(st.tuples(codes, codes, hours), max_size=8)
feature_rows = st.lists(st.tuples(codes, codes, hours, hours), max_size=14)


@settings(max_examples=80, deadline=None)
@given(
    entity_rows,
    feature_rows,
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([["user"], ["city"], ["user", "city"]]),
    st.sampled_from(["available_time", None]),
    st.sampled_from([None, *ZONES]),
    st.tuples(*[st.sampled_from(UNITS)] * 3),
)
def test_every_row_is_what_the_definition_says(asked, rows, ttl, by, available, zone, units):
    entities = frame(asked, ["user", "city", "event_time"])[[*by, "event_time"]]
    entities.index = np.arange(len(entities))[::-1] % 3
    features = frame(rows, ["user", "city", "event_time", "available_time"])[[*by, "event_time", "available_time"]]
    if available is None:
        features = features.drop(columns="available_time")
    ttl = None if ttl is None else pd.Timedelta(hours=ttl)
    wanted = brute_force(entities, features, by=by, available=available, ttl=ttl)
    if zone is not None:
        entities["event_time"] = entities["event_time"].dt.tz_localize("UTC").dt.tz_convert(zone)
        for name in features.columns.difference(by):
            features[name] = features[name].dt.tz_localize("UTC")
    entities["event_time"] = entities["event_time"].dt.as_unit(units[0])
    for name, unit in zip(features.columns.difference(by), units[1:], strict=False):
        features[name] = features[name].dt.as_unit(unit)
    assert joined_rows(entities, features, by=by, available=available, ttl=ttl) == wanted


@settings(max_examples=30, deadline=None)
@given(entity_rows, feature_rows, st.sampled_from([None, 2]))
def test_by_event_time_it_is_merge_asof(asked, rows, ttl):
    entities = frame(asked, ["user", "city", "event_time"])[["user", "event_time"]].dropna().astype({"user": "int64"})
    features = frame(rows, ["user", "city", "event_time", "available_time"])[["user", "event_time"]].dropna()
    features = features.astype({"user": "int64"}).assign(row=np.arange(len(features)))
    ttl = None if ttl is None else pd.Timedelta(hours=ttl)
    wanted = pd.merge_asof(
        entities.assign(order=np.arange(len(entities))).sort_values("event_time"),
        features.sort_values("event_time", kind="stable"),
        on="event_time",
        by="user",
        tolerance=ttl,
    ).sort_values("order")["row"]
    ours = point_in_time_join(entities, features, by="user", available=None, ttl=ttl)["row"]
    np.testing.assert_array_equal(ours.to_numpy(float, na_value=np.nan), wanted.to_numpy(float, na_value=np.nan))


def large_case(seed=0, n=20_000):
    rng = np.random.default_rng(seed)
    happened = START + pd.to_timedelta(rng.integers(0, 5_000, n), unit="min")
    late = pd.to_timedelta(rng.integers(0, 3, n) * rng.integers(0, 600, n), unit="min")
    features = pd.DataFrame(
        {"user": rng.integers(0, 300, n), "event_time": happened, "available_time": happened + late}
    )
    asked = START + pd.to_timedelta(rng.integers(0, 6_000, n // 4), unit="min")
    return pd.DataFrame({"user": rng.integers(0, 310, n // 4), "event_time": asked}), features


def test_at_size_it_is_what_a_database_finds_by_sorting_all_pairs():
    entities, features = large_case()
    ours = joined_rows(entities, features, by="user", ttl="1D")
    e, f = (side.assign(row=np.arange(len(side))) for side in (entities, features))
    with duckdb.connect() as connection:
        connection.register("e", e)
        connection.register("f", f)
        wanted = connection.execute(
            """SELECT e.row, arg_max(f.row, (f.event_time, f.available_time, f.row)) FROM e LEFT JOIN f
            ON e.user = f.user AND f.event_time <= e.event_time AND f.available_time <= e.event_time
            AND f.event_time >= e.event_time - INTERVAL 1 DAY GROUP BY e.row ORDER BY e.row"""
        ).fetchall()
    assert ours == [row for _, row in wanted]
    assert None in ours


def test_the_order_of_the_rows_matters_only_between_full_ties():
    entities, features = large_case(seed=1, n=4_000)
    features = features.drop_duplicates().assign(value=np.arange(len(features.drop_duplicates())))
    shuffled = features.sample(frac=1, random_state=2)
    again = entities.sample(frac=1, random_state=3)
    wanted = point_in_time_join(entities, features, by="user")
    pd.testing.assert_frame_equal(point_in_time_join(again, shuffled, by="user").loc[entities.index], wanted)


def test_the_last_row_given_wins_a_full_tie():
    features = pd.DataFrame({"user": 1, "event_time": START, "available_time": START, "value": [3, 1, 2]})
    entities = pd.DataFrame({"user": [1], "event_time": [START]})
    assert point_in_time_join(entities, features, by="user")["value"].tolist() == [2]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_equal_event_times_the_later_arrival_wins_in_whichever_order(order):
    arrivals = START + pd.to_timedelta([1, 3], unit="h")
    features = pd.DataFrame(
        {"user": 1, "event_time": START, "available_time": arrivals, "value": ["first", "corrected"]}
    )
    entities = pd.DataFrame({"user": 1, "event_time": START + pd.to_timedelta([2, 3], unit="h")})
    assert point_in_time_join(entities, features.iloc[order], by="user")["value"].tolist() == ["first", "corrected"]


@pytest.mark.parametrize("asked_after_hours", [1, 2, 3])
def test_a_correction_counts_from_its_arrival_in_duckdb_too(asked_after_hours):
    """One event, told at hour 1 as 0.1 and corrected at hour 3 to 0.9; and a full tie, where the last row given wins."""
    arrivals = START + pd.to_timedelta([1, 3, 3], unit="h")
    features = pd.DataFrame(
        {"user": 1, "event_time": START, "available_time": arrivals, "value": [0.1, 0.8, 0.9], "row": [0, 1, 2]}
    )
    entities = pd.DataFrame({"user": [1], "event_time": [START + pd.Timedelta(hours=asked_after_hours)]})
    found = point_in_time_join(entities, features, by="user")
    with duckdb.connect() as connection:
        connection.register("e", entities)
        connection.register("f", features)
        by_order = """SELECT value FROM e JOIN f ON f.event_time <= e.event_time AND f.available_time <= e.event_time
            ORDER BY f.event_time DESC, f.available_time DESC, f.row DESC LIMIT 1"""
        [(by_database,)] = connection.execute(by_order).fetchall()
    brute = brute_force(entities, features, by=["user"])
    assert found["value"].tolist() == features["value"].iloc[brute].tolist() == [by_database]
    assert by_database == (0.9 if asked_after_hours == 3 else 0.1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=12), st.integers(0, 4))
def test_corrections_of_few_events_are_what_the_definition_says(rows, asked):
    happened = [START + pd.Timedelta(hours=hour) for hour, _ in rows]
    arrived = [time + pd.Timedelta(hours=late) for time, (_, late) in zip(happened, rows, strict=True)]
    features = pd.DataFrame({"user": 1, "event_time": happened, "available_time": arrived}, index=range(len(rows)))
    features = features.astype({"event_time": "datetime64[us]", "available_time": "datetime64[us]"})
    entities = pd.DataFrame({"user": [1], "event_time": [START + pd.Timedelta(hours=asked)]})
    assert joined_rows(entities, features, by="user") == brute_force(entities, features, by=["user"])


def test_a_late_row_never_replaces_a_newer_one():
    hour = pd.Timedelta(hours=1)
    features = pd.DataFrame(
        {
            "user": 1,
            "event_time": [START + 2 * hour, START + hour],
            "available_time": [START + 2 * hour, START + 5 * hour],
            "value": ["newer", "late"],
        }
    )
    entities = pd.DataFrame({"user": 1, "event_time": [START + h * hour for h in (1, 2, 6)]})
    found = point_in_time_join(entities, features, by="user")["value"].tolist()
    assert pd.isna(found[0])
    assert found[1:] == ["newer", "newer"]


def test_age_equal_to_the_ttl_still_counts_and_a_nanosecond_more_does_not():
    features = pd.DataFrame({"user": 1, "event_time": [START], "available_time": [START], "value": [1.0]})
    times = pd.to_datetime([START + pd.Timedelta("1h"), START + pd.Timedelta("1h") + pd.Timedelta(1, "ns")])
    found = point_in_time_join(
        pd.DataFrame({"user": 1, "event_time": times.as_unit("ns")}), features, by="user", ttl="1h"
    )
    assert found["value"].isna().tolist() == [False, True]


def test_values_keep_their_kinds():
    features = pd.DataFrame(
        {
            "user": [1],
            "event_time": [START],
            "available_time": [START],
            "when": pd.to_datetime(["2024-03-31T02:30"]).tz_localize("UTC").tz_convert("Asia/Tokyo"),
            "count": pd.array([3], "Int64"),
            "dish": pd.Categorical(["soup"]),
            "list": [[1, 2]],
        }
    )
    found = point_in_time_join(pd.DataFrame({"user": [1, 2], "event_time": [START] * 2}), features, by="user")
    kinds = features.dtypes[["when", "count", "dish", "list"]]
    pd.testing.assert_series_equal(found.dtypes[kinds.index], kinds)
    assert found.loc[0, "list"] == [1, 2]
    assert found.loc[1, "list":"list"].isna().all()


def test_categories_of_both_sides_meet_by_value():
    features = pd.DataFrame({"city": pd.Categorical(["b", "a"]), "event_time": START, "value": [2, 1]})
    entities = pd.DataFrame({"city": pd.Categorical(["a", "b"], categories=["b", "a"]), "event_time": START})
    assert point_in_time_join(entities, features, by="city", available=None)["value"].tolist() == [1, 2]


def test_three_keys_of_many_values_do_not_collide():
    rng = np.random.default_rng(4)
    keys = pd.DataFrame(rng.integers(-(2**62), 2**62, (500, 3)), columns=list("abc"))
    features = keys.assign(event_time=START, available_time=START, row=np.arange(500))
    entities = keys.assign(event_time=START)
    assert point_in_time_join(entities, features, by=list("abc"))["row"].tolist() == list(range(500))
    swapped = entities.rename(columns={"a": "b", "b": "a"})
    assert point_in_time_join(swapped, features, by=list("abc"))["row"].isna().all()


# Far-away times


def far(*times, unit="s"):
    return pd.Series(np.array(times, f"datetime64[{unit}]"))


@pytest.mark.parametrize("asked_unit", UNITS)
@pytest.mark.parametrize("sentinel_unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_a_row_available_in_9999_has_not_arrived(asked_unit, sentinel_unit, zone):
    features = pd.DataFrame({"user": 1, "event_time": far("2024-01-01", "2024-01-02", unit=asked_unit)})
    features["available_time"] = far("2024-01-01", "9999-12-31", unit=sentinel_unit)
    entities = pd.DataFrame({"user": [1], "event_time": far("2024-01-03", unit=asked_unit)})
    if zone:
        entities["event_time"] = entities["event_time"].dt.tz_localize("UTC")
        features = features.assign(**{name: features[name].dt.tz_localize("UTC") for name in features.columns[1:]})
    assert joined_rows(entities, features, by="user") == [0]


def test_a_row_of_1500_is_known_in_2024_and_nothing_of_2024_in_1500():
    recent, old = far("2024-01-01", unit="ns"), far("1500-01-01")
    for asked, happened, wanted in ((recent, old, [0]), (old, recent, [None])):
        entities = pd.DataFrame({"user": [1], "event_time": asked})
        features = pd.DataFrame({"user": [1], "event_time": happened})
        assert joined_rows(entities, features, by="user", available=None) == wanted
        assert joined_rows(entities, features, by="user", available=None, ttl="400D") == [None]


def test_times_that_no_unit_holds_together_are_refused():
    entities = pd.DataFrame(
        {"user": [1], "event_time": pd.to_datetime(["2024-01-01 00:00:00.000000001"]).as_unit("ns")}
    )
    features = pd.DataFrame({"user": [1], "event_time": far("9999-12-31")})
    with pytest.raises(ValueError, match="must fit one unit of time"):
        point_in_time_join(entities, features, by="user", available=None)


def test_an_age_of_centuries_is_not_wrapped_round():
    entities = pd.DataFrame({"user": [1], "event_time": far("2262-01-01", unit="ns")})
    features = pd.DataFrame({"user": [1], "event_time": far("1678-01-01", unit="ns")})
    assert joined_rows(entities, features, by="user", available=None, ttl="1D") == [None]
    assert joined_rows(entities, features, by="user", available=None, ttl=np.timedelta64(300_000, "D")) == [0]


# Keys of another type


LARGE = 2**60 + 1


@pytest.mark.parametrize(
    ("asked", "known", "wanted"),
    [
        ([2**53 + 1], pd.array([2**53, None], dtype="Int64"), None),
        (np.array([LARGE], np.uint64), np.array([LARGE - 1, LARGE]), 1),
        (np.array([2**64 - 1], np.uint64), np.array([-1, 3]), None),
        (np.array([-1]), np.array([2**64 - 1, 3], np.uint64), None),
        (pd.Series([LARGE], dtype=object), np.array([LARGE - 1, LARGE]), 1),
        (np.array([7], np.int8), [7.0, np.nan], 0),
        (pd.array([7], dtype="Float64"), [8, 7], 1),
        ([0.0], [-0.0, 1.0], 0),
        (pd.Series(["7"], dtype=object), pd.Categorical(["8", "7"]), 1),
        (pd.Series([True], dtype=object), pd.array([False, True], dtype="boolean"), 1),
        (pd.Series([Decimal("2.5")]), [2.5, 3.0], 0),
        ([uuid.UUID(int=5)], [uuid.UUID(int=4), uuid.UUID(int=5)], 1),
        ([b"7"], [b"7", b"8"], 0),
        ([(1, 2)], [(2, 1), (1, 2)], 1),
        (far("2024-01-02", unit="ns"), far("2024-01-01", "2024-01-02"), 1),
        (
            far("2024-01-02").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
            far("2024-01-02", "2024-01-03").dt.tz_localize("UTC"),
            0,
        ),
        (pd.Series([None], dtype=object), ["7", "8"], None),
        ([np.nan], ["7", "8"], None),
    ],
)
def test_keys_of_one_kind_meet_by_value_whatever_their_types(asked, known, wanted):
    entities = pd.DataFrame({"key": asked, "event_time": START})
    features = pd.DataFrame({"key": known, "event_time": START})
    assert joined_rows(entities, features, by="key", available=None) == [wanted]


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ([LARGE - 1], [float(LARGE), np.nan]),
        (np.array([2**53], np.uint64), [2.0**53, 1.0]),
        ([1], [1.5, 2.0]),
        ([1], [np.inf, 2.0]),
        ([1], ["1", "2"]),
        (pd.Series([1], dtype=object), pd.Series(["1", "2"], dtype=object)),
        (pd.Series([1, "1"], dtype=object), ["1", "2"]),
        ([1], [True, False]),
        ([uuid.UUID(int=5)], [str(uuid.UUID(int=5)), "x"]),
        ([b"7"], ["7", "8"]),
        (far("2024-01-02").dt.tz_localize("UTC"), far("2024-01-01", "2024-01-02")),
        (far("2024-01-02"), ["2024-01-02", "2024-01-03"]),
    ],
)
def test_keys_of_different_kinds_are_told_with_the_types_of_both(asked, known):
    entities = pd.DataFrame({"key": asked, "event_time": START})
    features = pd.DataFrame({"key": known, "event_time": START})
    with pytest.raises(ValueError, match="by must name columns of one kind on both sides, got key as"):
        point_in_time_join(entities, features, by="key", available=None)


def test_what_can_be_no_key_is_told():
    frame = pd.DataFrame({"key": [[1]], "event_time": [START]})
    with pytest.raises(ValueError, match="key can't be a key"):
        point_in_time_join(frame, frame.assign(available_time=START), by="key")


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64", "bool"])
def test_integers_and_flags_stay_exact_where_a_question_has_no_answer(dtype):
    largest = True if dtype == "bool" else np.iinfo(dtype).max
    features = pd.DataFrame({"user": [1], "event_time": [START], "value": np.array([largest], dtype)})
    entities = pd.DataFrame({"user": [1, 99], "event_time": [START] * 2})
    found = point_in_time_join(entities, features, by="user", available=None)["value"]
    assert found[0] == largest
    assert found.isna().tolist() == [False, True]
    answered = point_in_time_join(entities[:1], features, by="user", available=None)["value"]
    assert answered.dtype == dtype


ENTITIES = pd.DataFrame({"user": [1], "event_time": [START]})
FEATURES = pd.DataFrame({"user": [1], "event_time": [START], "available_time": [START], "value": [1.0]})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ttl": -1}, "ttl must be at least 0"),
        ({"ttl": "soon"}, "ttl must be a span of time"),
        ({"ttl": pd.NaT}, "ttl must be at least 0"),
        ({"by": []}, "by must name at least one"),
        ({"by": "dish"}, r"entities must have the columns \['dish'\]"),
        ({"available": "arrived"}, r"features must have the columns \['arrived'\]"),
        ({"entities": None}, "entities must be a data frame"),
        ({"features": FEATURES.drop(columns="event_time")}, r"features must have the columns \['event_time'\]"),
        ({"entities": ENTITIES.assign(value=1)}, r"features must not repeat columns of entities, got \['value'\]"),
        ({"features": FEATURES.assign(user="1")}, "by must name columns of one kind"),
        ({"features": FEATURES.assign(available_time="2024")}, "available must be a column of times"),
        ({"entities": ENTITIES.assign(event_time=1.0)}, "on of entities must be a column of times"),
        ({"entities": ENTITIES.assign(event_time=START.tz_localize("UTC"))}, "a zone or none"),
        ({"features": pd.concat([FEATURES, FEATURES["value"]], axis=1)}, "columns of different names"),
    ],
)
def test_bad_input_is_told_what_and_the_remedy(change, told):
    arguments = {"entities": ENTITIES, "features": FEATURES, "by": "user", **change}
    with pytest.raises(ValueError, match=told):
        point_in_time_join(arguments.pop("entities"), arguments.pop("features"), **arguments)


def test_whole_numbers_and_flags_stay_exact_where_another_row_finds_nothing():
    entities = pd.DataFrame({"id": [1, 2], "event_time": [START, START]})
    features = pd.DataFrame({"id": [1], "event_time": [START], "number": [2**60 + 1], "flag": [True]})
    joined = point_in_time_join(entities, features, by=["id"], available=None)
    assert [joined["number"][0], joined["flag"][0]] == [2**60 + 1, True]
    assert joined[["number", "flag"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
