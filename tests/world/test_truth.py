"""The log agrees with the truth, and the truth with closed forms."""

import numpy as np
import pytest
from scipy import optimize, stats

from utils.world import BestPolicy, PopularityPolicy, ScorePolicy, UniformPolicy, World

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


def test_orders_need_clicks_and_revenue_needs_orders(log):
    assert not (log["ordered"] & ~log["clicked"]).any()
    assert ((log["revenue"] > 0) == log["ordered"]).all()
    np.testing.assert_allclose(log["revenue"] * 100, np.round(log["revenue"] * 100), atol=1e-6)


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


def test_examination_is_a_power_of_the_position(world):
    np.testing.assert_allclose(world.truth.examination(np.arange(1, 11)), np.arange(1, 11) ** -0.8, rtol=1e-15)


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


def test_attraction_broadcasts_like_its_elements(world):
    rng = np.random.default_rng(0)
    user, dish = rng.integers(0, 3_000, (7, 1)), rng.integers(0, 80, (1, 5))
    time = np.datetime64("2024-01-01T00:00:00") + rng.integers(0, 10**6, (7, 5)).astype("timedelta64[s]")
    for function in (world.truth.attraction, world.truth.order_given_click, world.truth.expected_revenue):
        grid = function(user, dish, time)
        one = [[function(int(user[i, 0]), int(dish[0, j]), time[i, j]) for j in range(5)] for i in range(7)]
        np.testing.assert_allclose(grid, one, rtol=1e-12)


def test_expected_revenue_is_attraction_times_order_times_basket(world):
    user, dish, time = np.arange(80), np.arange(80), np.datetime64("2024-01-05T19:00:00")
    product = world.truth.attraction(user, dish, time) * world.truth.order_given_click(user, dish, time)
    np.testing.assert_allclose(
        world.truth.expected_revenue(user, dish, time), product * world.truth.expected_basket(dish), rtol=1e-12
    )


def test_best_feed_solves_the_assignment_problem(world):
    sessions = world.sessions(0, 14, 20)
    feeds = world.truth.best_feed(sessions)
    for row in range(0, len(feeds), 15):
        day = (sessions.time[row] - np.datetime64("2024-01-01")) // np.timedelta64(1, "D")
        dishes = world.catalogue(int(day))["dish_id"].to_numpy()
        revenue = world.truth.expected_revenue(sessions.user_id[row], dishes, sessions.time[row])
        value = world.truth.examination(np.arange(1, 11))[:, None] * revenue
        position, chosen = optimize.linear_sum_assignment(value, maximize=True)
        best = np.isin(feeds[row], dishes).all() and world.truth.expected_revenue(
            sessions.user_id[row], feeds[row], sessions.time[row]
        ) @ world.truth.examination(np.arange(1, 11))
        assert best == pytest.approx(value[position, chosen].sum(), rel=1e-12)


def test_policy_value_is_the_mean_revenue_of_a_simulation(world):
    for policy in (UniformPolicy(world), PopularityPolicy(world), BestPolicy(world)):
        revenue = world.simulate(policy, 500).groupby("session_id")["revenue"].sum()
        value = world.truth.policy_value(policy, n_sessions=7_000)
        # both are means of 7,000 sessions; the value varies less, since it has no click noise
        assert abs(revenue.mean() - value) < Z * np.sqrt(2 * revenue.var() / len(revenue))


def test_policy_value_of_one_window_weights_days_by_traffic(world):
    policy = PopularityPolicy(world, epsilon=0.0)
    week = world.truth.policy_value(policy, n_sessions=1_400, start_day=0, end_day=7)
    days = [world.truth.policy_value(policy, n_sessions=200, start_day=day, end_day=day + 1) for day in range(7)]
    assert week == pytest.approx(np.average(days, weights=[176, 176, 184, 196, 224, 232, 212]), rel=1e-12)


def test_ranking_matters(world):
    uniform, popular, best = (
        world.truth.policy_value(policy(world), n_sessions=3_000)
        for policy in (UniformPolicy, PopularityPolicy, BestPolicy)
    )
    assert popular > 1.2 * uniform
    assert best > 1.5 * popular


def test_rates_are_in_the_range_of_a_real_feed():
    world = World()
    sessions = world.sessions(0, 7, 150)
    arguments = sessions.user_id[:, None], np.arange(300), sessions.time[:, None]
    attraction, order = world.truth.attraction(*arguments), world.truth.order_given_click(*arguments)
    assert 0.15 < attraction.mean() < 0.25
    assert attraction.std() > 0.15
    assert 0.25 < order.mean() < 0.35


def test_descriptions_carry_taste(world):
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


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (([-1], [0], "2024-01-01"), "user_id"),
        (([3_000], [0], "2024-01-01"), "user_id"),
        (([0.5], [0], "2024-01-01"), "user_id"),
        (([0], [80], "2024-01-01"), "dish_id"),
        (([0], [np.nan], "2024-01-01"), "dish_id"),
        (([0], [0], "NaT"), "time"),
        (([0], [0], "tomorrow"), "time"),
        (([0, 1], [0, 1, 2], "2024-01-01"), "broadcast"),
    ],
)
def test_truth_names_the_argument_that_is_wrong(world, arguments, named):
    for function in (world.truth.attraction, world.truth.order_given_click, world.truth.expected_revenue):
        with pytest.raises(ValueError, match=named):
            function(*arguments)


@pytest.mark.parametrize("position", [0, 11, 1.5, np.nan, [-1]])
def test_examination_refuses_positions_that_do_not_exist(world, position):
    with pytest.raises(ValueError, match="position"):
        world.truth.examination(position)


def test_policy_value_refuses_no_sessions_and_no_days(world):
    policy = ScorePolicy(lambda sessions: np.zeros((len(sessions.user_id), 80)), world=world)
    with pytest.raises(ValueError, match="n_sessions"):
        world.truth.policy_value(policy, n_sessions=0)
    with pytest.raises(ValueError, match="start_day"):
        world.truth.policy_value(policy, start_day=3, end_day=3)
