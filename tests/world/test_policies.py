"""Propensities are the probabilities of what is shown."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.world import BestPolicy, PopularityPolicy, ScorePolicy, Sessions, UniformPolicy, World

RNG = np.random.default_rng(0)
Z = 4.5  # exceeded once in 150,000 by a standard normal; seeds are fixed


@pytest.fixture(scope="module")
def world():
    return World(seed=5, n_users=1_000, n_dishes=40, days=14)


def repeat(world, n, day=0):
    """Return `n` copies of one session."""
    time = np.datetime64("2024-01-01T12:00:00", "us") + np.timedelta64(day, "D")
    return Sessions(np.arange(n), np.zeros(n, np.int32), np.full(n, time))


def fixed_scores(sessions):
    return np.tile(np.cos(np.arange(40.0) ** 2), (len(sessions.user_id), 1))


def policies(world):
    return {
        "score": ScorePolicy(fixed_scores, world=world, epsilon=0.4, n_candidates=15),
        "popularity": PopularityPolicy(world, epsilon=0.3, n_candidates=12),
        "uniform": UniformPolicy(world),
        "greedy": ScorePolicy(fixed_scores, world=world, epsilon=0.0),
    }


@pytest.mark.parametrize("name", ["score", "popularity", "uniform", "greedy"])
@pytest.mark.parametrize("day", [0, 13])
def test_observed_frequencies_are_the_propensities(world, name, day):
    n = 20_000
    ranking = policies(world)[name].rank(repeat(world, n, day), np.random.default_rng(1))
    position = np.broadcast_to(np.arange(10), ranking.dish_id.shape)
    count, stated = np.zeros((10, 40)), np.zeros((10, 40))
    np.add.at(count, (position, ranking.dish_id), 1)
    stated[position, ranking.dish_id] = ranking.propensity
    assert np.ptp(ranking.propensity[ranking.dish_id[:, 0] == ranking.dish_id[0, 0], 0]) == 0
    np.testing.assert_allclose(stated.sum(axis=1), 1.0, rtol=1e-12)  # all that can be shown was shown
    np.testing.assert_array_equal(count[stated == 1], n)
    random = (stated > 0) & (stated < 1)
    z = (count - n * stated)[random] / np.sqrt(n * stated * (1 - stated))[random]
    assert not z.size or np.abs(z).max() < Z


def test_exploration_shows_every_order_of_the_candidates_alike(world):
    n = 45_000
    feeds = UniformPolicy(world).rank(repeat(world, n), np.random.default_rng(2)).dish_id
    launched = world.catalogue(0)["dish_id"].to_numpy()
    pairs = np.zeros((40, 40))
    np.add.at(pairs, (feeds[:, 0], feeds[:, 9]), 1)
    off_diagonal = pairs[np.ix_(launched, launched)][~np.eye(len(launched), dtype=bool)]
    assert pairs.diagonal().sum() == 0
    assert stats.chisquare(off_diagonal).pvalue > 1e-5


def test_ranking_without_exploration_is_the_order_of_the_scores(world):
    feeds = policies(world)["greedy"].rank(repeat(world, 3), np.random.default_rng(0)).dish_id
    launched = world.catalogue(0)["dish_id"].to_numpy()
    expected = sorted(launched, key=lambda dish: -np.cos(float(dish) ** 2))[:10]
    np.testing.assert_array_equal(feeds, [expected] * 3)


def test_new_dishes_enter_on_their_launch_day(world):
    launch = int(world.dishes["launch_day"].max())
    newest = int(world.dishes["dish_id"].max())
    favorite = ScorePolicy(
        lambda sessions: np.tile(np.arange(40.0), (len(sessions.user_id), 1)), world=world, epsilon=0
    )
    before, after = (
        favorite.rank(repeat(world, 1, day), np.random.default_rng(0)).dish_id for day in (launch - 1, launch)
    )
    assert newest not in before
    assert after[0, 0] == newest


@pytest.mark.parametrize("epsilon", [0.2, 1.0])
def test_inverse_weighting_recovers_the_clicks_of_the_uniform_policy(world, epsilon):
    log = world.simulate(PopularityPolicy(world, epsilon=epsilon), 3_000)
    day = (log["event_time"] - np.datetime64("2024-01-01")).dt.days.to_numpy()
    launch_day = world.dishes["launch_day"].to_numpy()
    n_launched = (launch_day <= day[:, None]).sum(axis=1)
    weighted = log["clicked"] / log["propensity"] / n_launched
    estimate = weighted.groupby(log["session_id"]).sum()
    sessions = world.sessions(sessions_per_day=3_000)
    day = day[::10, None]
    attraction = world.truth.attraction(sessions.user_id[:, None], np.arange(40), sessions.time[:, None])
    mean = (attraction * (launch_day <= day)).sum(axis=1) / (launch_day <= day).sum(axis=1)
    known = mean * world.truth.examination(np.arange(1, 11)).sum()
    assert abs(estimate.mean() - known.mean()) < Z * estimate.std() / np.sqrt(len(estimate))
    naive = log.groupby("session_id")["clicked"].sum().mean()
    if epsilon < 1:
        assert naive - known.mean() > 3 * estimate.std() / np.sqrt(len(estimate))  # without weights it is off


def test_best_policy_shows_the_best_feed(world):
    sessions = world.sessions(0, 2, 30)
    ranking = BestPolicy(world).rank(sessions, np.random.default_rng(0))
    np.testing.assert_array_equal(ranking.dish_id, world.truth.best_feed(sessions))
    assert (ranking.propensity == 1).all()


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan, np.inf, True, "0.1", None])
def test_epsilon_is_a_probability(world, epsilon):
    for policy in (lambda: PopularityPolicy(world, epsilon=epsilon), lambda: greedy(world, epsilon=epsilon)):
        with pytest.raises(ValueError, match=r"epsilon must be from 0 to 1.*use 0 for no exploration"):
            policy()


@pytest.mark.parametrize("n_candidates", [9, 0, -1, 10.5, np.nan, True, "20"])
def test_candidates_fill_a_feed(world, n_candidates):
    for policy in (lambda n: PopularityPolicy(world, n_candidates=n), lambda n: greedy(world, n_candidates=n)):
        with pytest.raises(ValueError, match="n_candidates must be a whole number of at least 10"):
            policy(n_candidates)
        policy(10)
        policy(10.0).rank(repeat(world, 2), np.random.default_rng(0))


def greedy(world, **arguments):
    return ScorePolicy(fixed_scores, world=world, **arguments)


@pytest.mark.parametrize("policy", [PopularityPolicy, greedy])
def test_the_candidates_are_the_best_of_those_launched(world, policy):
    score = fixed_scores(repeat(world, 1))[0] if policy is greedy else world.popularity
    launched = world.catalogue(0)["dish_id"].to_numpy()
    expected = sorted(launched, key=lambda dish: -score[dish])
    shown = policy(world, epsilon=1, n_candidates=12).rank(repeat(world, 500), np.random.default_rng(0)).dish_id
    assert set(shown.ravel()) == set(expected[:12])
    ranked = policy(world, epsilon=0, n_candidates=12).rank(repeat(world, 1), np.random.default_rng(0))
    assert ranked.dish_id.tolist() == [expected[:10]]
    assert (ranked.propensity == 1).all()


def test_ties_go_to_the_lower_number(world):
    tied = ScorePolicy(lambda sessions: np.zeros((len(sessions.user_id), 40)), world=world, epsilon=0)
    assert tied.rank(repeat(world, 2), np.random.default_rng(0)).dish_id.tolist() == [list(range(10))] * 2


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros((2, 40)),
        np.full((3, 40), np.nan),
        np.zeros((3, 39)),
        "high",
        None,
        [[1], [2, 3]],
        np.where(np.arange(120).reshape(3, 40) == 119, np.nan, 0.0),
        np.zeros((40, 3)),
        np.zeros(40),
    ],
)
def test_scores_have_a_number_for_every_dish(world, scores):
    with pytest.raises(ValueError, match="score must return numbers"):
        ScorePolicy(lambda sessions: scores, world=world).rank(repeat(world, 3), np.random.default_rng(0))


def test_scores_may_be_infinite_or_whole(world):
    favorite = np.where(np.arange(40) == 7, np.inf, -np.inf)
    for scores in (favorite, (np.arange(40) == 7).astype(int)):
        policy = ScorePolicy(lambda sessions, s=scores: np.tile(s, (3, 1)), world=world, epsilon=0)
        feeds = policy.rank(repeat(world, 3), np.random.default_rng(0)).dish_id
        assert feeds.tolist() == [[7, *range(7), 8, 9]] * 3


def test_a_frame_of_scores_in_another_order_of_dishes_is_not_taken_by_place(world):
    frame = pd.DataFrame(fixed_scores(repeat(world, 3)))
    policy = ScorePolicy(lambda sessions: frame, world=world, epsilon=0)
    expected = greedy(world, epsilon=0).rank(repeat(world, 3), np.random.default_rng(0))
    np.testing.assert_array_equal(policy.rank(repeat(world, 3), np.random.default_rng(0)).dish_id, expected.dish_id)
    for columns in (frame.columns[::-1], [f"dish {n}" for n in range(40)]):
        other = frame[columns] if columns[0] == 39 else frame.set_axis(columns, axis=1)
        with pytest.raises(ValueError, match="score must return columns in order of dish_id"):
            ScorePolicy(lambda sessions, other=other: other, world=world).rank(repeat(world, 3), RNG)


@pytest.mark.parametrize("score", [None, np.zeros((3, 40)), "score"])
def test_a_score_is_a_function(world, score):
    with pytest.raises(ValueError, match="score must be a function of sessions"):
        ScorePolicy(score, world=world)


@pytest.mark.parametrize("policy", [PopularityPolicy, UniformPolicy, BestPolicy, greedy])
def test_no_sessions_have_no_feeds_and_none_come_before_day_0(world, policy):
    ranking = policy(world).rank(repeat(world, 0), RNG)
    assert ranking.dish_id.shape == ranking.propensity.shape == (0, 10)
    with pytest.raises(ValueError, match="sessions must not be before day 0"):
        policy(world).rank(repeat(world, 2, day=-1), RNG)
    with pytest.raises(ValueError, match="sessions must have columns of one length"):
        policy(world).rank(repeat(world, 2)._replace(user_id=np.zeros(3, int)), RNG)


def test_sessions_of_many_days_are_ranked_as_each_alone(world):
    rng = np.random.default_rng(3)
    days = rng.permutation(14)
    mixed = Sessions(*(np.concatenate(parts) for parts in zip(*(repeat(world, 1, int(d)) for d in days), strict=True)))
    for policy in (PopularityPolicy(world, epsilon=0), greedy(world, epsilon=0)):
        alone = [policy.rank(repeat(world, 1, int(day)), RNG).dish_id[0] for day in days]
        np.testing.assert_array_equal(policy.rank(mixed, RNG).dish_id, alone)
        assert len(np.unique(alone, axis=0)) > 1


@pytest.mark.parametrize("policy", [PopularityPolicy, greedy])
def test_one_session_in_ten_explores_all_that_is_launched_unless_told_otherwise(world, policy):
    n = 10 * len(world.catalogue(0))
    ranking = policy(world).rank(repeat(world, n), RNG)
    assert set(np.round(np.unique(ranking.propensity), 9)) == {round(1 / n, 9), round(0.9 + 1 / n, 9)}
