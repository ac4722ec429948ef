"""Users are drawn by the stated shares, and who joins them keeps city, taste and number."""

import numpy as np
import pytest
from scipy import stats

from utils.world.cities import CITIES, City
from utils.world.dishes import CUISINES, TASTE_DIMENSIONS
from utils.world.users import AGE_PRICE_SENSITIVITY, AGE_SHARES, DEVICE_SHARES, draw_users, make_users

RARE = 1e-5
N = 40_000


@pytest.fixture(scope="module")
def users():
    return make_users(5, N, 30)


@pytest.mark.parametrize(
    ("column", "shares"),
    [("age", AGE_SHARES), ("device", DEVICE_SHARES), ("city", [city.share for city in CITIES])],
)
def test_shares_are_the_stated_ones(users, column, shares):
    count = np.bincount(getattr(users, column), minlength=len(shares))
    assert stats.chisquare(count, N * np.array(shares)).pvalue > RARE
    assert np.sum(shares) == pytest.approx(1, abs=1e-12)


def test_sixty_percent_are_there_from_the_start_and_the_others_come_evenly(users):
    early, late = users.signup_day[: round(0.6 * N)], users.signup_day[round(0.6 * N) :]
    assert (early == 0).all()
    assert (np.diff(late) >= 0).all()
    assert stats.chisquare(np.bincount(late, minlength=30)).pvalue > RARE


def test_latent_columns_have_their_laws(users):
    assert stats.kstest(np.log(users.activity) / 0.8, "norm").pvalue > RARE
    assert stats.kstest(users.intercept / 0.4, "norm").pvalue > RARE
    assert users.taste.shape == (N, TASTE_DIMENSIONS)
    assert stats.kstest(users.taste.ravel()[::7], "norm").pvalue > RARE
    relative = np.log(users.price_sensitivity / AGE_PRICE_SENSITIVITY[users.age])
    assert stats.kstest((relative + 0.125) / 0.5, "norm").pvalue > RARE
    assert not users.order_intercept.any()
    assert not users.examines_all.any()


def test_the_average_user_has_no_citys_taste(users):
    assert users.city_cuisine.shape == (len(CITIES), len(CUISINES))
    shares = np.array([city.share for city in CITIES])
    np.testing.assert_allclose(shares @ users.city_cuisine, 0, atol=1e-12)
    # 60 draws of deviation 0.45, less the 12 means: a chi-square with 48 degrees of freedom, roughly
    assert 0.3 < users.city_cuisine.std() < 0.55


def test_one_user_is_a_world():
    alone = make_users(0, 1, 1)
    assert len(alone) == 1
    assert alone.signup_day.tolist() == [0]


def test_newcomers_of_a_new_city_keep_their_city_and_its_taste(users):
    taste = np.full((1, len(CUISINES)), 0.5)
    place = City("Grantley", 2, 0.1)
    others = draw_users(
        np.random.default_rng(0), 3, cities=(place,), city_cuisine=taste, signup_day=np.array([4, 5, 6])
    )
    joined = users.joined_by(others)
    assert len(joined) == N + 3
    assert joined.cities == (*CITIES, place)
    assert joined.city[-3:].tolist() == [5, 5, 5]
    np.testing.assert_array_equal(joined.city[:N], users.city)
    np.testing.assert_array_equal(joined.city_cuisine, [*users.city_cuisine, *taste])
    np.testing.assert_array_equal(joined.taste[-3:], others.taste)
    assert joined.signup_day[-3:].tolist() == [4, 5, 6]


def test_newcomers_of_known_cities_add_no_city(users):
    others = draw_users(
        np.random.default_rng(0),
        200,
        cities=users.cities,
        city_cuisine=users.city_cuisine,
        signup_day=np.zeros(200, int),
    )
    joined = users.joined_by(others)
    assert joined.cities == CITIES
    assert joined.city_cuisine.shape == users.city_cuisine.shape
    np.testing.assert_array_equal(joined.city[-200:], others.city)
