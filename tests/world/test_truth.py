"""The truth agrees with closed forms and with simulations, and names what is wrong with a question."""

import numpy as np
import pytest
from scipy import optimize

from utils.world import BestPolicy, PopularityPolicy, ScorePolicy, UniformPolicy, World

Z = 4.5  # exceeded once in 150,000 by a standard normal; seeds are fixed


@pytest.fixture(scope="module")
def world():
    return World(seed=11, n_users=3_000, n_dishes=80, days=14)


def test_examination_is_a_power_of_the_position(world):
    np.testing.assert_allclose(world.truth.examination(np.arange(1, 11)), np.arange(1, 11) ** -0.8, rtol=1e-15)


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
