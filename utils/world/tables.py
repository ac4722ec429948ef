"""The tables that Platter has of its users, dishes and cities: observable columns only."""

import numpy as np
import pandas as pd

from utils.world.cities import City
from utils.world.dishes import CUISINES, Dishes
from utils.world.users import AGE_BANDS, DEVICES, Users

__all__ = ["city_table", "dish_table", "user_table"]


def user_table(users: Users) -> pd.DataFrame:
    """Return what Platter knows of its users, a row a user."""
    names = np.array([city.name for city in users.cities], dtype=object)
    return pd.DataFrame(
        {
            "user_id": np.arange(len(users), dtype=np.int32),
            "city": names[users.city],
            "age_band": np.array(AGE_BANDS, dtype=object)[users.age],
            "device": np.array(DEVICES, dtype=object)[users.device],
            "signup_day": users.signup_day,
        }
    )


def dish_table(dishes: Dishes) -> pd.DataFrame:
    """Return what Platter knows of its dishes, a row a dish; prices in euros."""
    return pd.DataFrame(
        {
            "dish_id": np.arange(len(dishes), dtype=np.int32),
            "restaurant_id": dishes.restaurant_id,
            "cuisine": np.array(CUISINES, dtype=object)[dishes.cuisine],
            "price": dishes.price,
            "preparation_minutes": dishes.preparation_minutes,
            "launch_day": dishes.launch_day,
            "description": dishes.description,
        }
    )


def city_table(cities: tuple[City, ...]) -> pd.DataFrame:
    """Return the cities, their clocks and their shares of the users, a row a city."""
    return pd.DataFrame(cities, columns=list(City._fields)).rename(columns={"name": "city"})
