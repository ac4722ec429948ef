"""Clicks, orders and baskets have the probabilities that are stated, and these have their closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from utils.world import UniformPolicy, World
from utils.world.choice import draw_luck, sigmoid

# Fixed seeds, so nothing is left to chance; the bounds are those that an unlucky seed would break once in 100,000.
Z = 4.5
RARE = 1e-5


@pytest.fixture(scope="module")
def world():
    return World(seed=11, n_users=3_000, n_dishes=80, days=14)


@pytest.fixture(scope="module")
def log(world):
    log = world.simulate(UniformPolicy(world), 2_000)
    log = log.merge(world.users, on="user_id").merge(world.cities, on="city")
    log["hour"] = (log["event_time"].dt.hour + log["utc_offset_hours"]) % 24
    arguments = log["user_id"].to_numpy(), log["dish_id"].to_numpy(), log["event_time"].to_numpy()
    log["click"] = world.truth.examination(log["position"].to_numpy()) * world.truth.attraction(*arguments)
    log["order"] = world.truth.order_given_click(*arguments)
    return log


def assert_rates_agree(groups, outcome, probability):
    """Each group's z is standard normal and their squares a chi-square, if the probabilities are right."""
    variance = probability * (1 - probability)
    sums = (outcome - probability).groupby(groups).sum(), variance.groupby(groups).sum()
    z = sums[0] / np.sqrt(sums[1])
    assert z.abs().max() < Z, z[z.abs() >= Z]
    assert RARE < stats.chi2.cdf((z**2).sum(), len(z)) < 1 - RARE


@pytest.mark.parametrize("group", ["position", "city", "age_band", "device", "dish_id", "hour"])
def test_click_rates_agree_with_the_truth(log, group):
    assert_rates_agree(log[group], log["clicked"], log["click"])


def test_click_rates_agree_with_the_truth_in_every_tenth_of_probability(log):
    tenth = np.floor(10 * stats.rankdata(log["click"], method="ordinal") / (len(log) + 1))
    assert_rates_agree(tenth, log["clicked"], log["click"])


@pytest.mark.parametrize("group", ["position", "age_band", "dish_id"])
def test_order_rates_agree_with_the_truth(log, group):
    clicks = log[log["clicked"]]
    assert_rates_agree(clicks[group], clicks["ordered"], clicks["order"])


def test_basket_values_have_the_mean_of_a_lognormal_with_a_pareto_tail(world, log):
    orders = log[log["ordered"]]
    factor = orders["revenue"] / world.dishes["price"].to_numpy()[orders["dish_id"]]
    # 94% lognormal of mean 1.15 and log-deviation 0.35; 6% of them times a Pareto of minimum 1.6 and exponent 3.
    body, tail = stats.lognorm(0.35, scale=1.15 * np.exp(-(0.35**2) / 2)), stats.pareto(3.0, scale=1.6)
    mean = body.mean() * (0.94 + 0.06 * tail.mean())
    second = (body.var() + body.mean() ** 2) * (0.94 + 0.06 * (tail.var() + tail.mean() ** 2))
    assert abs(factor.mean() - mean) < Z * np.sqrt((second - mean**2) / len(factor))
    np.testing.assert_allclose(world.truth.expected_basket(np.arange(80)), mean * world.dishes["price"], rtol=1e-12)


def test_baskets_are_heavy_tailed(log):
    baskets = log.loc[log["ordered"], "revenue"]
    assert stats.kurtosis(np.log(baskets)) > 0  # a lognormal has none
    assert baskets.max() > 8 * baskets.median()


def test_attraction_depends_on_time_through_the_local_hour_only(world):
    user, dish = np.arange(200)[:, None], np.arange(80)
    noon = np.datetime64("2024-01-03T12:10:00")
    at = lambda time: world.truth.attraction(user, dish, time)  # noqa: E731
    np.testing.assert_array_equal(at(noon), at(noon + np.timedelta64(49, "m")))
    np.testing.assert_array_equal(at(noon), at(noon + np.timedelta64(3, "D")))
    assert np.abs(at(noon) - at(noon + np.timedelta64(8, "h"))).mean() > 0.03


def test_breakfast_is_liked_in_the_morning_of_each_city(world):
    dishes = world.dishes.query("cuisine == 'bakery'")["dish_id"].to_numpy()
    hours = np.datetime64("2024-01-02T00:30:00") + np.arange(24).astype("timedelta64[h]")
    for city, members in world.users.groupby("city"):
        user = members["user_id"].to_numpy()[:100, None, None]
        by_utc_hour = world.truth.attraction(user, dishes[:, None], hours).mean(axis=(0, 1))
        offset = world.cities.set_index("city").loc[city, "utc_offset_hours"]
        best = (np.flatnonzero(by_utc_hour > 0.99 * by_utc_hour.max()) + offset) % 24
        assert set(best) == {5, 6, 7, 8, 9, 10}


def test_rates_are_in_the_range_of_a_real_feed():
    world = World()
    sessions = world.sessions(0, 7, 150)
    arguments = sessions.user_id[:, None], np.arange(300), sessions.time[:, None]
    attraction, order = world.truth.attraction(*arguments), world.truth.order_given_click(*arguments)
    assert 0.15 < attraction.mean() < 0.25
    assert attraction.std() > 0.15
    assert 0.25 < order.mean() < 0.35


def test_the_sigmoid_is_scipys_and_knows_no_overflow():
    logit = np.array([-1e308, -800.0, -30.0, -1.0, 0.0, 2.5, 40.0, 800.0, np.inf, -np.inf])
    with np.errstate(all="raise", under="ignore"):
        found = sigmoid(logit)
    np.testing.assert_allclose(found, special.expit(logit), rtol=1e-14, atol=1e-300)
    assert np.isnan(sigmoid(np.nan))


def test_luck_is_uniform_or_normal_and_independent():
    luck = draw_luck(np.random.default_rng(0), 4_000)
    for name in ("click", "order", "group"):
        assert stats.kstest(getattr(luck, name).ravel(), "uniform").pvalue > RARE
    assert stats.kstest(luck.size.ravel(), "norm").pvalue > RARE
    correlation = np.corrcoef([column.ravel() for column in luck])[np.triu_indices(4, 1)]
    assert np.abs(correlation).max() < Z / np.sqrt(40_000)


def test_one_basket_of_seventeen_is_a_group_order(world):
    choice = world._simulation.choice
    dish = np.zeros(5, int)
    median = world.dishes["price"][0] * 1.15 * np.exp(-(0.35**2) / 2)
    groups = np.array([0.06, 0.5, 0.0599999, 0.06 / 8, 0.0])
    found = choice.basket(dish, np.zeros(5), groups) / median
    # a Pareto of minimum 1.6 and exponent 3: an eighth of them at least doubles it; the largest is finite
    np.testing.assert_allclose(found[:4], [1, 1, 1.6, 3.2], rtol=1e-3)
    assert np.isfinite(found[4])


def test_orders_given_a_click_rise_with_quality_and_fall_with_price_and_time(world):
    user, time = np.arange(300)[:, None], np.datetime64("2024-01-03")
    logit = special.logit(world.truth.order_given_click(user, np.arange(80), time))
    dishes, sensitivity = world._dishes, world._users.price_sensitivity[:300]
    minutes = (dishes.preparation_minutes - 26) / 8
    expected = (
        -0.9 + 0.2 * dishes.quality - 0.15 * minutes - 0.25 * np.log(dishes.price / 12) / 0.35 * sensitivity[:, None]
    )
    np.testing.assert_allclose(logit, expected, atol=1e-9)


def test_attraction_is_the_sum_of_its_parts(world):
    users, dishes = world._users, world._dishes
    user, dish, time = np.arange(300)[:, None], np.arange(80), np.datetime64("2024-01-03T12:10:00")
    logit = special.logit(world.truth.attraction(user, dish, time))
    offset = np.array([0, 1, -5, 8, -8])[users.city[:300]]
    taste = users.taste[:300] @ dishes.taste.T
    price = np.outer(users.price_sensitivity[:300], np.log(dishes.price / 12) / 0.35)
    device = np.array([0.06, 0.0, -0.10])[users.device[:300]]
    known = -1.7 + 0.28 * dishes.quality + 0.5 * taste - 0.4 * price + (users.intercept[:300] + device)[:, None]
    known += users.city_cuisine[users.city[:300]][:, dishes.cuisine]
    rest = logit - known  # age and hour by cuisine
    for age in range(5):
        for hour in np.unique((12 + offset) % 24):
            rows = (users.age[:300] == age) & ((12 + offset) % 24 == hour)
            for cuisine in range(12):
                np.testing.assert_allclose(np.ptp(rest[np.ix_(rows, dishes.cuisine == cuisine)]), 0, atol=1e-9)
    bakery, kebab = (np.flatnonzero(dishes.cuisine == code) for code in (0, 10))
    lunch = ((12 + offset) % 24 == 12) & (users.age[:300] == 4)
    # the old like bakeries by .70 and kebab by −.90; lunch moves them by .8 × −.3 and .8 × .2
    np.testing.assert_allclose(rest[np.ix_(lunch, bakery)], 0.70 - 0.24, atol=1e-9)
    np.testing.assert_allclose(rest[np.ix_(lunch, kebab)], -0.90 + 0.16, atol=1e-9)
