"""The tables hold what Platter may know."""

import numpy as np
import pandas as pd
import pytest

from utils.world import World
from utils.world.cities import CITIES, City
from utils.world.dishes import CUISINES, make_dishes
from utils.world.tables import city_table, dish_table, user_table
from utils.world.users import AGE_BANDS, DEVICES, make_users


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


def test_codes_become_names():
    users, dishes = make_users(1, 300, 5), make_dishes(1, 100, 5)
    people, menu = user_table(users), dish_table(dishes)
    assert people["city"].tolist() == [CITIES[code].name for code in users.city]
    assert people["age_band"].tolist() == [AGE_BANDS[code] for code in users.age]
    assert people["device"].tolist() == [DEVICES[code] for code in users.device]
    assert people["user_id"].tolist() == list(range(300))
    assert menu["cuisine"].tolist() == [CUISINES[code] for code in dishes.cuisine]
    assert menu["dish_id"].tolist() == list(range(100))
    for column in ("restaurant_id", "price", "preparation_minutes", "launch_day", "description"):
        np.testing.assert_array_equal(menu[column], getattr(dishes, column))


def test_ids_are_of_the_logs_type_and_texts_are_objects(world):
    assert world.users["user_id"].dtype == world.dishes["dish_id"].dtype == np.int32
    assert isinstance(world.users["city"][0], str)


def test_cities_are_a_row_each():
    expected = pd.DataFrame({"city": ["Here", "There"], "utc_offset_hours": [0, -3], "share": [0.4, 0.6]})
    pd.testing.assert_frame_equal(city_table((City("Here", 0, 0.4), City("There", -3, 0.6))), expected)
