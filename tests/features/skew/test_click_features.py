"""The offline side's click features against DuckDB, pandas and a loop."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from utils.features.skew import click_features
from utils.features.skew.click_features import FEATURES, Dimensions, features_at, snapshot

DAY = 21


def test_rates_agree_with_a_database(platter):
    _, log, dimensions, rates = platter
    midnight = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAY)
    shown = log.assign(cuisine=dimensions.cuisine[log["dish_id"]])  # noqa: F841, read by DuckDB
    window = f"available_time >= '{midnight - pd.Timedelta(days=7)}' AND available_time < '{midnight}'"
    [(prior,)] = duckdb.sql(f"SELECT avg(clicked::INT) FROM shown WHERE {window}").fetchall()
    assert rates.prior == pytest.approx(prior)
    for key, strength, found in (
        ("dish_id", 60, lambda k: rates.dish_rate[k]),
        ("user_id", 40, lambda k: rates.user_rate[k]),
        ("user_id, cuisine", 25, lambda k, c: rates.user_cuisine_rate[k, c]),
    ):
        wanted = duckdb.sql(
            f"SELECT {key}, (sum(clicked::INT) + {strength} * {prior}) / (count(*) + {strength}) "
            f"FROM shown WHERE {window} GROUP BY {key}"
        ).fetchall()
        assert len(wanted) > 40
        for *keys, rate in wanted:
            assert found(*keys) == pytest.approx(rate)


def test_the_hour_of_a_rate_is_the_users(platter):
    _, log, dimensions, rates = platter
    seen = log[(log["available_time"] >= "2024-01-15") & (log["available_time"] < "2024-01-22")]
    hour = (seen["event_time"].dt.hour + dimensions.utc_offset_hours[seen["user_id"]]) % 24
    groups = seen["clicked"].groupby([dimensions.cuisine[seen["dish_id"]], hour.to_numpy()])
    wanted = (groups.sum() + 60 * rates.prior) / (groups.size() + 60)
    for (cuisine, at), rate in wanted.items():
        assert rates.cuisine_hour_rate[cuisine, at] == pytest.approx(rate)


def test_an_event_counts_from_the_day_it_arrives(platter):
    _, log, dimensions, rates = platter
    late = log[log["event_time"] < "2024-01-22"].copy()
    late["available_time"] = late["available_time"].where(late["dish_id"] != 5, pd.Timestamp("2024-01-23"))
    again = click_features.snapshot(late, dimensions, DAY)
    assert rates.dish_shown[5] > 0
    assert again.dish_shown[5] == 0
    assert again.dish_rate[5] == pytest.approx(again.prior)


def test_training_rows_see_the_midnight_before_them(platter):
    _, log, dimensions, _ = platter
    rows = log[log["event_time"] >= "2024-01-19"].sample(50, random_state=0)
    made = click_features.offline_features(log, dimensions, rows)
    assert list(made.columns) == FEATURES
    assert made.index.equals(rows.index)
    for index, row in rows.head(10).iterrows():
        day = (row["event_time"] - pd.Timestamp("2024-01-01")).days
        rates = click_features.snapshot(log, dimensions, day)
        assert made.loc[index, "dish_rate"] == rates.dish_rate[row["dish_id"]]
        assert made.loc[index, "user_rate"] == rates.user_rate[row["user_id"]]


def test_a_window_without_events_is_refused(platter):
    _, log, dimensions, _ = platter
    with pytest.raises(ValueError, match="log holds no event that arrived in the 7 days before day 3"):
        click_features.snapshot(log, dimensions, 3)
    with pytest.raises(ValueError, match="window_days must be a whole number of at least 1, got 0"):
        click_features.snapshot(log, dimensions, DAY, window_days=0)


def test_the_order_of_the_tables_does_not_matter(platter):
    world, _, dimensions, _ = platter
    shuffled = [t.sample(frac=1, random_state=1) for t in (world.catalogue(DAY), world.users, world.cities)]
    for column, again in zip(dimensions, Dimensions.of(*shuffled), strict=True):
        np.testing.assert_array_equal(column, again)
    minutes = world.catalogue(DAY).set_index("dish_id")["preparation_minutes"]
    assert all(dimensions.preparation_minutes[dish] == minutes[dish] for dish in minutes.index)
    offset = world.users.merge(world.cities, on="city").set_index("user_id")["utc_offset_hours"]
    assert all(dimensions.utc_offset_hours[user] == offset[user] for user in offset.index)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c, u, t: (c.iloc[1:], u, t), "catalogue must have one row for each dish_id from 0 on"),
        (lambda c, u, t: (c, pd.concat([u, u]), t), "users must have one row for each user_id from 0 on"),
        (lambda c, u, t: (c.drop(columns="cuisine"), u, t), r"catalogue must have the columns \['cuisine'\]"),
        (lambda c, u, t: (c, u, t.iloc[1:]), "utc_offset_hours of users must be whole numbers, got nan"),
        (lambda c, u, t: (c, u, t.assign(utc_offset_hours=5.5)), "utc_offset_hours of users must be whole numbers"),
    ],
)
def test_tables_that_cannot_be_looked_up_by_place_are_refused(platter, change, told):
    world = platter[0]
    with pytest.raises(ValueError, match=told):
        Dimensions.of(*change(world.catalogue(DAY), world.users, world.cities))


@pytest.mark.parametrize(
    ("user", "dish", "time", "told"),
    [
        ([-1], [0], ["2024-01-22"], "user_id must lie in 0 to 199, got -1"),
        ([0], [56], ["2024-01-22"], "dish_id must lie in 0 to 55, got 56"),
        ([0.5], [0], ["2024-01-22"], "user_id must be whole numbers"),
        ([0], [0], ["NaT"], "time must not hold NaT"),
        (pd.Series([0, 1]), pd.Series([0, 1], index=[1, 0]), ["2024-01-22"] * 2, "dish_id must have the index of user"),
    ],
)
def test_ids_and_times_that_are_not_there_are_told(platter, user, dish, time, told):
    _, _, dimensions, rates = platter
    with pytest.raises(ValueError, match=told):
        features_at(rates, dimensions, user, dish, np.array(time, "datetime64[us]"))


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("clicked", None, "clicked of log must not be missing"),
        ("event_time", pd.NaT, "event_time of log must not hold NaT"),
        ("user_id", np.nan, "user_id must"),
        ("dish_id", -1, "dish_id must lie in"),
    ],
)
def test_a_missing_value_in_the_log_does_not_become_a_value(platter, column, value, told):
    _, log, dimensions, _ = platter
    broken = log[log["available_time"] >= "2024-01-15"].copy()
    if value is None or value is np.nan:
        broken[column] = broken[column].astype(object)
    broken.iloc[3, broken.columns.get_loc(column)] = value
    with pytest.raises(ValueError, match=told):
        snapshot(broken, dimensions, DAY)


def test_times_with_a_zone_or_in_another_unit_mean_the_same(platter):
    _, log, dimensions, rates = platter
    zoned = log.assign(**{c: log[c].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo") for c in log if "time" in c})
    fine = log.astype({"event_time": "datetime64[ns]"})
    for again in (zoned, fine):
        for before, after in zip(rates, snapshot(again, dimensions, DAY), strict=True):
            np.testing.assert_array_equal(before, after)


def test_an_event_on_the_edge_of_the_window_counts_at_its_start_and_not_at_its_end(platter):
    _, log, dimensions, _ = platter
    edges = np.array(
        ["2024-01-15", "2024-01-14T23:59:59.999999", "2024-01-22", "2024-01-21T23:59:59.999999"], "datetime64[us]"
    )
    four = log.iloc[:4].assign(available_time=edges, dish_id=[1, 2, 3, 4])
    assert np.flatnonzero(snapshot(four, dimensions, DAY).dish_shown).tolist() == [1, 4]
