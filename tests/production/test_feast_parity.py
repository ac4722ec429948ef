"""Feast against our point-in-time join: same entities, same TTL, the same answers where Feast gives one."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from utils.features.store.point_in_time import point_in_time_join

feast = pytest.importorskip("feast", reason="Feast lives in the environment of `make test-production`")

START, MINUTES = pd.Timestamp("2024-01-01", tz="UTC"), 60 * 24 * 10
N_QUESTIONS, TTL = 500, timedelta(days=1)


def tables():
    """Return 500 questions and 300 feature rows, no two at the same time."""
    rng = np.random.default_rng(6)
    happened = START + pd.to_timedelta(np.sort(rng.choice(MINUTES, 300, replace=False)), unit="min")
    features = pd.DataFrame({"user_id": rng.integers(0, 40, 300), "event_time": happened, "value": np.arange(300.0)})
    asked = START + pd.to_timedelta(rng.integers(0, MINUTES, N_QUESTIONS), unit="min")
    users = rng.integers(0, 40, N_QUESTIONS)
    return pd.DataFrame({"user_id": users, "event_time": asked, "question": np.arange(N_QUESTIONS)}), features


def feast_answers(folder, offline, entities, features):
    """Return question -> value as Feast's offline store of this kind answers; what it drops is not in there."""
    from feast.types import Float64

    features.to_parquet(folder / "features.parquet")
    source = feast.FileSource(path=str(folder / "features.parquet"), timestamp_field="event_time")
    config = feast.RepoConfig(
        project="platter",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": offline},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    user = feast.Entity(name="user", join_keys=["user_id"], value_type=feast.ValueType.INT64)
    schema = [feast.Field(name="value", dtype=Float64)]
    store = feast.FeatureStore(config=config)
    store.apply([user, feast.FeatureView(name="values", entities=[user], ttl=TTL, schema=schema, source=source)])
    asked = entities.rename(columns={"event_time": "event_timestamp"})
    found = store.get_historical_features(entity_df=asked, features=["values:value"]).to_df()
    return found.set_index("question")["value"].sort_index()


@pytest.mark.parametrize("offline", ["file", "duckdb"])
def test_feast_gives_the_same_answers_and_drops_only_what_has_none(offline, tmp_path):
    if offline == "duckdb":
        pytest.importorskip("pyarrow_hotfix", reason="Feast's DuckDB store needs feast[duckdb]")
    entities, features = tables()
    ours = point_in_time_join(entities, features, by="user_id", available=None, ttl=TTL).set_index("question")["value"]
    theirs = feast_answers(tmp_path, offline, entities, features)
    np.testing.assert_array_equal(theirs, ours[theirs.index])
    dropped = ours.drop(theirs.index)
    assert dropped.isna().all()
    assert 100 < ours.notna().sum() < 400  # the question has both kinds of answers
    # Feast's file store leaves questions without an answer out of the training set, its DuckDB store keeps them.
    assert len(dropped) == (ours.isna().sum() if offline == "file" else 0)
