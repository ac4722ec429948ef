"""The tables hold what Platter may know."""

import pytest

from utils.world import World


@pytest.fixture(scope="module")
def world():
    return World(seed=2, n_users=2_000, n_dishes=60, days=14)


def test_tables_hold_only_what_platter_may_know(world):
    assert world.users.columns.tolist() == ["user_id", "city", "age_band", "device", "signup_day"]
    assert world.cities.columns.tolist() == ["city", "utc_offset_hours", "share"]
    assert world.dishes.columns.tolist() == [
        "dish_id",
        "restaurant_id",
        "cuisine",
        "price",
        "preparation_minutes",
        "launch_day",
        "description",
    ]
    with pytest.raises(ValueError, match="day"):
        world.catalogue(14)
