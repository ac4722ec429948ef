"""The point-in-time join against a brute-force loop, pandas merge_asof and SQL that was written another way."""

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
    found = []
    for _, entity in entities.iterrows():
        best = None
        for position, (_, row) in enumerate(features.iterrows()):
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


entity_rows = st.lists(st.tuples(codes, codes, hours), max_size=8)
feature_rows = st.lists(st.tuples(codes, codes, hours, hours), max_size=14)


@settings(max_examples=150, deadline=None)
@given(
    entity_rows,
    feature_rows,
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([["user"], ["city"], ["user", "city"]]),
    st.sampled_from(["available_time", None]),
    st.sampled_from([None, *ZONES]),
)
def test_every_row_is_what_the_definition_says(asked, rows, ttl, by, available, zone):
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
    assert joined_rows(entities, features, by=by, available=available, ttl=ttl) == wanted


@settings(max_examples=60, deadline=None)
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
