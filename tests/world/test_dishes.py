"""A dish is what its cuisine and its words say, more or less."""

import re

import numpy as np
import pytest
from scipy import stats

from utils.world import World
from utils.world.dishes import CUISINES, INGREDIENTS, MENU, PRAISE, PRICE_SCALE, STYLES, make_dishes

RARE = 1e-5
N = 6_000


@pytest.fixture(scope="module")
def dishes():
    return make_dishes(4, N, 30)


@pytest.fixture(scope="module")
def words(dishes):
    """Praise, cuisine, dish, style and three ingredients of each description."""
    form = re.compile(
        rf"({'|'.join(PRAISE)}) ({'|'.join(CUISINES)}) ([a-z]+), ({'|'.join(STYLES)}), "
        r"with ([a-z ]+) and ([a-z ]+)\. Served with ([a-z ]+)\.",
        re.IGNORECASE,
    )
    return [form.fullmatch(text).groups() for text in dishes.description]


def test_a_description_names_its_cuisine_and_three_of_its_ingredients(dishes, words):
    for cuisine, (_, name, typical, _, *ingredients) in zip(dishes.cuisine, words, strict=True):
        assert name == CUISINES[cuisine]
        assert typical == MENU[name][2]
        assert len(set(ingredients)) == 3
        assert set(ingredients) <= set(MENU[name][3])
    assert {word for row in words for word in row[4:]} == set(INGREDIENTS)
    assert {row[3] for row in words} == set(STYLES)


def test_every_ingredient_of_a_cuisine_is_as_likely_as_the_others(words):
    for name, (_, _, _, ingredients) in MENU.items():
        first = [row[4] for row in words if row[1] == name]
        assert stats.chisquare([first.count(word) for word in ingredients]).pvalue > RARE


def test_praise_rises_with_quality_and_does_not_tell_it(dishes, words):
    praise = np.array([PRAISE.index(row[0].lower()) for row in words])
    # 0.9 of quality against 1.1 of noise, less what rounding and the two ends take
    assert 0.5 < np.corrcoef(praise, dishes.quality)[0, 1] < 0.9 / np.hypot(0.9, 1.1)
    assert set(praise) == set(range(len(PRAISE)))
    assert praise.mean() == pytest.approx(2.5, abs=4.5 * praise.std() / np.sqrt(N))


def test_cuisines_have_their_shares_of_the_menu(dishes):
    shares = np.array([MENU[name][0] for name in CUISINES])
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert stats.chisquare(np.bincount(dishes.cuisine, minlength=len(CUISINES)), N * shares).pvalue > RARE


def test_prices_scatter_about_the_cuisines_price_and_rise_with_quality(dishes):
    typical = np.array([MENU[CUISINES[cuisine]][1] for cuisine in dishes.cuisine])
    level = np.log(dishes.price / typical) / PRICE_SCALE
    rest = level - 0.25 * dishes.quality
    assert abs(rest.mean()) < 4.5 * 0.97 / np.sqrt(N) + 0.002  # prices are rounded to ten cents
    assert rest.std() == pytest.approx(0.97, rel=4.5 / np.sqrt(2 * N))
    assert abs(np.corrcoef(rest, dishes.quality)[0, 1]) < 4.5 / np.sqrt(N)
    np.testing.assert_allclose(dishes.price * 10, np.rint(dishes.price * 10), atol=1e-6)
    np.testing.assert_allclose(dishes.price, 12 * np.exp(PRICE_SCALE * dishes.price_level), rtol=1e-12)


def test_preparation_takes_ten_minutes_and_a_gamma(dishes):
    minutes = dishes.preparation_minutes
    assert minutes.min() >= 8
    assert minutes.max() == 60
    inner = stats.gamma(4, scale=4, loc=10)
    for quantile in (20, 25, 30, 40):
        expected = inner.cdf(quantile + 0.5)
        assert abs((minutes <= quantile).mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / N)


def test_quality_is_standard_normal_and_taste_of_unit_size(dishes):
    assert stats.kstest(dishes.quality, "norm").pvalue > RARE
    assert dishes.taste.shape == (N, 8)
    # cuisine, three ingredients, style and a rest: .45² + 3 × .4² + .35² + .4² = 0.965 a dimension, over eight
    assert 0.6 < (dishes.taste**2).sum(axis=1).mean() < 1.4


def test_dishes_of_one_cuisine_and_style_taste_alike(dishes, words):
    style = np.array([STYLES.index(row[3]) for row in words])
    group = dishes.cuisine * len(STYLES) + style
    mean = np.stack([dishes.taste[group == g].mean(axis=0) for g in range(group.max() + 1)])
    within = ((dishes.taste - mean[group]) ** 2).sum(axis=1).mean()
    assert within < 0.8 * ((dishes.taste - dishes.taste.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert within > 0.16  # the rest unsaid alone has .4²


@pytest.mark.parametrize(("n", "early"), [(10, 10), (11, 10), (12, 10), (100, 85), (400, 340)])
def test_85_percent_of_the_dishes_and_ten_at_least_are_there_from_the_start(n, early):
    launch = make_dishes(0, n, 9).launch_day
    assert len(launch) == n
    assert (launch == 0).sum() == early
    assert (np.diff(launch) >= 0).all()
    assert launch.max(initial=0) < 9


def test_later_launches_are_spread_evenly_from_day_one(dishes):
    late = dishes.launch_day[dishes.launch_day > 0]
    assert len(late) == round(0.15 * N)
    assert stats.chisquare(np.bincount(late, minlength=30)[1:]).pvalue > RARE


def test_a_world_of_one_day_has_all_its_dishes_that_day():
    assert not make_dishes(0, 40, 1).launch_day.any()


def test_restaurants_have_four_dishes_in_the_mean(dishes):
    assert dishes.restaurant_id.min() == 0
    assert dishes.restaurant_id.max() == N // 4 - 1
    assert make_dishes(0, 10, 1).restaurant_id.max() < 2
    assert stats.chisquare(np.bincount(dishes.restaurant_id, minlength=N // 4)).pvalue > RARE


def test_descriptions_carry_taste():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_predict

    big = World(seed=3, n_users=400, n_dishes=400, days=1)
    user = big.users.query("age_band == '25-34' and city == 'Aldermere'")["user_id"].to_numpy()
    attraction = big.truth.attraction(user[:, None], np.arange(400), np.datetime64("2024-01-01T12:00:00"))
    logit = np.log(attraction / (1 - attraction))
    personal = (logit - logit.mean(axis=0)).T  # what one likes and another does not
    text = TfidfVectorizer().fit_transform(big.dishes["description"])
    predicted = cross_val_predict(Ridge(1.0), text, personal, cv=5)
    share = 1 - ((personal - predicted) ** 2).sum() / ((personal - personal.mean(axis=0)) ** 2).sum()
    assert 0.3 < share < 0.95
