"""The shuffled bucket, against the world's tables and its truth."""

import numpy as np
import pytest

from utils.monitoring.drift.bucket import described, order_value, ranked, served
from utils.world import PricesInCents, World

WORLD = World(seed=3, n_users=2_000, n_dishes=40, days=5)


class ByTruth:
    """Ranks as the truth would: click times price, with the chances of the world itself."""

    def __init__(self, sign=1):
        self.sign = sign

    def predict(self, rows):
        ids = (rows["user_id"].to_numpy(), rows["dish_id"].to_numpy())
        return self.sign * WORLD.truth.expected_revenue(*ids, rows["event_time"].to_numpy()) / rows["price"].to_numpy()


def test_rows_keep_their_order_and_get_what_the_tables_say():
    rows = served(WORLD, 1, 3, 50)
    log = WORLD.simulate(start_day=1, end_day=3, sessions_per_day=50)
    assert rows["session_id"].tolist() == log["session_id"].tolist()
    dish = WORLD.dishes.set_index("dish_id").loc[rows["dish_id"]]
    user = WORLD.users.set_index("user_id").loc[rows["user_id"]]
    for name in ("cuisine", "price", "preparation_minutes"):
        assert (rows[name].to_numpy() == dish[name].to_numpy()).all()
    for name in ("city", "age_band", "device"):
        assert (rows[name].to_numpy() == user[name].to_numpy()).all()


def test_the_hour_is_that_of_the_users_clock():
    rows = served(WORLD, 1, 3, 50)
    offset = rows["city"].map(WORLD.cities.set_index("city")["utc_offset_hours"])
    assert (rows["hour"] == (rows["event_time"].dt.hour + offset) % 24).all()
    assert rows["hour"].between(0, 23).all()


def test_every_dish_is_shown_at_every_position_alike():
    rows = served(WORLD, 0, 5, 2_000)
    shown = rows.groupby(["dish_id", "position"]).size().unstack()
    assert shown.std(axis=1).mean() / shown.to_numpy().mean() < 0.1


def test_the_catalogue_of_the_last_day_is_read():
    world = World(seed=3, n_users=2_000, n_dishes=40, days=5, incidents=(PricesInCents(start_day=2),))
    rows = served(world, 0, 2, 50)
    assert (served(world, 0, 3, 50)["price"].iloc[0] / rows["price"].iloc[0]) == pytest.approx(100)
    assert (described(rows[["user_id", "dish_id", "event_time"]], world, 4)["price"] / rows["price"]).max() < 101


def test_the_best_feed_is_worth_most_and_what_the_truth_says():
    best, worst = order_value(WORLD, [ByTruth(), ByTruth(-1)], 2, visits=40)
    who = WORLD.sessions(2, 3, 40)
    spent = WORLD.truth.expected_revenue(who.user_id[:, None], np.arange(40)[None, :], who.time[:, None])
    on_sale = np.isin(np.arange(40), WORLD.catalogue(2)["dish_id"])
    ranked = -np.sort(-np.where(on_sale, spent, -1), axis=1)[:, :10]
    assert best == pytest.approx((ranked @ WORLD.truth.examination(np.arange(1, 11))).mean())
    assert worst < best / 3


def test_a_ranked_feed_has_the_truths_chance_of_each_row_and_is_worth_what_order_value_says():
    feeds = ranked(WORLD, [ByTruth(), ByTruth(-1)], 2, visits=40)
    for feed, worth in zip(feeds, order_value(WORLD, [ByTruth(), ByTruth(-1)], 2, visits=40), strict=True):
        ids = (feed["user_id"], feed["dish_id"], feed["event_time"].to_numpy())
        chance = WORLD.truth.attraction(*ids) * WORLD.truth.examination(feed["position"])
        assert np.allclose(feed["chance"], chance)
        assert feed.groupby("visit")["dish_id"].nunique().eq(10).all()
        assert feed.groupby("visit")["value"].sum().mean() == pytest.approx(worth)
