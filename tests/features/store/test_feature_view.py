"""The definition of a view: what it refuses, and that it comes back from JSON as it was."""

import json

import pandas as pd
import pytest

from utils.features.store.feature_view import FeatureView


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ttl": 0}, "ttl must be positive"),
        ({"keys": {}}, "keys must map names"),
        ({"features": {"rate": list}}, "features must map names"),
        ({"ttl": -1}, "ttl must be positive"),
        ({"ttl": "soon"}, "ttl must be a span of time"),
        ({"ttl": pd.NaT}, "ttl must be positive"),
        ({"keys": ["user_id"]}, "keys must map names"),
        ({"keys": {"user_id": int, "city": list}}, "keys must map names"),
        ({"features": {}}, "features must map names"),
        ({"name": "my rates"}, "name must be an identifier"),
        ({"name": 7}, "name must be an identifier"),
        ({"keys": {"user id": int}}, "name must be an identifier"),
        ({"features": {"Ingested": float}}, "not the name of a time"),
        ({"features": {"User_ID": float}}, "features must not repeat names, also in other case"),
        ({"features": {"event_time": float}}, "not the name of a time"),
        ({"features": {"user_id": float}}, "features must not repeat names"),
    ],
)
def test_a_bad_view_is_told_what_and_the_remedy(change, told):
    given = {"name": "rates", "keys": {"user_id": int}, "features": {"rate": float}, **change}
    with pytest.raises(ValueError, match=told):
        FeatureView(**given)


@pytest.mark.parametrize("ttl", [None, "6h", "1ns", pd.Timedelta("400D")])
def test_a_view_comes_back_from_json_as_it_was(ttl):
    view = FeatureView("rates", {"user_id": int, "city": str}, {"rate": float, "vip": bool}, ttl)
    again = FeatureView.from_json("rates", json.loads(json.dumps(view.as_json())))
    assert again == view
    assert again.columns == ["user_id", "city", "rate", "vip"]
    assert again != FeatureView("rates", {"user_id": int, "city": str}, {"rate": float, "vip": bool}, "1D")


def test_a_view_keeps_its_definition_when_the_callers_changes():
    keys = {"user_id": int}
    view = FeatureView("rates", keys, {"rate": float})
    keys["city"] = str
    assert view.keys == {"user_id": int}


def test_the_oldest_age_is_in_whole_microseconds():
    assert FeatureView("rates", {"u": int}, {"v": float}, "1.5ms").oldest_age == 1_500
    assert FeatureView("rates", {"u": int}, {"v": float}, pd.Timedelta(1_999, "ns")).oldest_age == 1
    assert FeatureView("rates", {"u": int}, {"v": float}).oldest_age == float("inf")
