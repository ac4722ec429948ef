"""The online side's features of one visit."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from utils.features.skew import click_features
from utils.features.skew.online_features import OnlineFeatures, Visit
from utils.features.skew.serving_database import new_database

DAY, NOON = 21, datetime(2024, 1, 22, 12)


def test_keys_never_shown_fall_back_to_the_prior(platter):
    _, log, dimensions, _ = platter
    seen = log[(log["dish_id"] != 4) & (log["user_id"] != 7)]
    rates = click_features.snapshot(seen, dimensions, DAY)
    online = OnlineFeatures(new_database(rates, dimensions))
    [row] = online.fetch(Visit(1, 7, [4], NOON))
    assert row[2] == row[4] == row[5] == pytest.approx(rates.prior)


@pytest.fixture
def online(platter):
    _, _, dimensions, rates = platter
    return OnlineFeatures(new_database(rates, dimensions))


def test_the_hour_agrees_with_the_time_zone_database(platter, online):
    world = platter[0]
    zones = {8: "Asia/Singapore", -5: "America/New_York", 0: "Atlantic/Reykjavik", 1: "Europe/Berlin", 9: "Asia/Tokyo"}
    offsets = world.users.merge(world.cities, on="city").set_index("user_id")["utc_offset_hours"]
    compared = 0
    for user in range(60):
        if offsets[user] in zones:
            local = datetime(2024, 1, 22, 23, 30, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zones[offsets[user]]))
            assert online.hour(Visit(1, user, [1], datetime(2024, 1, 22, 23, 30))) == local.hour
            compared += 1
    assert compared > 10


def test_integers_of_numpy_find_the_rows_of_pythons(online):
    wanted = online.fetch(Visit(1, 7, [3, 4], NOON))
    assert online.fetch(Visit(np.int64(1), np.int32(7), np.array([3, 4]), NOON)) == wanted
    assert online.fetch(Visit(1, 7, [4, 3, 4], NOON)) == [wanted[1], wanted[0], wanted[1]]


def test_a_time_with_a_zone_is_the_same_moment():
    berlin = datetime(2024, 1, 22, 13, tzinfo=ZoneInfo("Europe/Berlin"))
    assert Visit(1, 7, [3], berlin) == Visit(1, 7, [3], NOON)
    assert Visit(1, 7, [3], NOON).time == NOON


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dish_ids": []}, "dish_ids must name at least one dish"),
        ({"dish_ids": [3, -1]}, "dish_ids must be a whole number of at least 0, got -1"),
        ({"dish_ids": [3.5]}, "dish_ids must be a whole number"),
        ({"user_id": "7"}, "user_id must be a whole number"),
        ({"session_id": True}, "session_id must be a whole number"),
        ({"time": "2024-01-22"}, "time must be a datetime, got str"),
    ],
)
def test_what_is_no_visit_is_told(change, told):
    with pytest.raises(ValueError, match=told):
        Visit(**{"session_id": 1, "user_id": 7, "dish_ids": [3], "time": NOON, **change})


def test_who_and_what_the_database_does_not_have_is_told(online):
    with pytest.raises(ValueError, match=r"dish_ids must be in the catalogue, got \[60, 61\]"):
        online.fetch(Visit(1, 7, [3, 60, 61], NOON))
    with pytest.raises(ValueError, match="user_id must be a known user, got 200"):
        online.fetch(Visit(1, 200, [3], NOON))
