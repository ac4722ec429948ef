"""The serving database: what was never shown has no row, and what was served comes back."""

import sqlite3

import numpy as np
import pytest

from utils.features.skew.click_features import FEATURES
from utils.features.skew.serving_database import copy_of, new_database, record_served, served_log


@pytest.fixture
def database(platter):
    _, _, dimensions, rates = platter
    connection = new_database(rates, dimensions)
    yield connection
    connection.close()


def test_the_database_has_a_row_for_each_key_that_was_shown(platter, database):
    _, _, dimensions, rates = platter
    for table, shown, wanted in (
        ("dish_rate", rates.dish_shown, rates.dish_rate),
        ("user_rate", rates.user_shown, rates.user_rate),
        ("user_cuisine_rate", rates.user_cuisine_shown, rates.user_cuisine_rate),
    ):
        found = {tuple(key): rate for *key, rate in database.execute(f"SELECT * FROM {table}")}
        assert found == {tuple(key): wanted[tuple(key)] for key in np.argwhere(shown > 0).tolist()}
    assert (rates.user_cuisine_shown == 0).sum() > 0  # the question has both kinds of answers
    [(n,)] = database.execute("SELECT count(*) FROM cuisine_hour_rate")
    assert n == rates.cuisine_hour_rate.size
    assert database.execute("SELECT price, preparation_minutes, cuisine FROM dish WHERE dish_id = 7").fetchall() == [
        (dimensions.price[7], dimensions.preparation_minutes[7], dimensions.cuisine[7])
    ]
    assert database.execute("SELECT utc_offset_hours FROM user WHERE user_id = 9").fetchall() == [
        (dimensions.utc_offset_hours[9],)
    ]
    assert database.execute("SELECT rate FROM prior").fetchall() == [(rates.prior,)]


def test_a_copy_has_all_that_the_original_has_and_leaves_it_alone(database):
    row = (1, 2, 3, 1_000_000, *range(len(FEATURES)), 0.5)
    with copy_of(database) as copy:
        record_served(copy, [row, row])
        assert len(served_log(copy)) == 2
        assert (
            copy.execute("SELECT count(*) FROM dish").fetchall()
            == database.execute("SELECT count(*) FROM dish").fetchall()
        )
    assert len(served_log(database)) == 0


def test_what_was_served_comes_back_in_order_and_all_or_nothing(database):
    features = [0.5 * k for k in range(len(FEATURES))]
    record_served(database, [(2, 7, 9, 86_400_000_001, *features, 0.25), (1, 7, 9, 0, *features, 0.5)])
    with pytest.raises(sqlite3.Error):
        record_served(database, [(3, 7, 9, 0, *features, 0.5), (4, 7, 9)])
    served = served_log(database)
    assert served.columns.tolist() == ["session_id", "user_id", "dish_id", "event_time", *FEATURES, "score"]
    assert served["session_id"].tolist() == [1, 2]
    assert served["event_time"].astype(str).tolist()[1] == "1970-01-02 00:00:00.000001"
    assert served[FEATURES].to_numpy().tolist() == [features, features]
    assert served["score"].tolist() == [0.5, 0.25]
