"""Logging policies: who is shown what, and with which probability."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from utils.world.choice import POSITIONS
from utils.world.clock import day_of
from utils.world.traffic import Sessions


class Ranking(NamedTuple):
    """A feed for each session: `dish_id` and `propensity`, both (sessions, 10), first position first."""

    dish_id: np.ndarray
    propensity: np.ndarray


def _random_feeds(rng: np.random.Generator, candidates: np.ndarray) -> np.ndarray:
    """Return ten of the candidates (sessions, n) in uniformly random order: ten steps of a Fisher–Yates shuffle."""
    feeds = candidates.copy()
    rows = np.arange(len(feeds))
    n = feeds.shape[1]
    draws = rng.random((POSITIONS, len(feeds)))
    for position in range(POSITIONS):
        other = position + (draws[position] * (n - position)).astype(np.int64)
        feeds[rows, position], feeds[rows, other] = feeds[rows, other], feeds[rows, position]
    return feeds[:, :POSITIONS]


def _check_exploration(epsilon: float, n_candidates: int | None) -> None:
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be a probability, got {epsilon}; use 0 for no exploration")
    if n_candidates is not None and n_candidates < POSITIONS:
        raise ValueError(f"n_candidates must be at least {POSITIONS}, the length of a feed, got {n_candidates}")


class ScorePolicy:
    """Rank by a score, and with probability `epsilon` show ten of the candidates in uniformly random order.

    The candidates of a session are the `n_candidates` launched dishes of highest score. A dish is shown at a position
    with probability (1 - epsilon) [it ranks there] + epsilon / n_candidates.

    Args:
        score: function of `Sessions` that returns the scores, (sessions, n_dishes), higher is better.
        world: the world whose dishes are ranked; only its launch days are read.
        epsilon: probability of exploring.
        n_candidates: how many dishes may be shown at all; None for all that are launched.
    """

    def __init__(
        self,
        score: Callable[[Sessions], np.ndarray],
        *,
        world,
        epsilon: float = 0.1,
        n_candidates: int | None = None,
    ) -> None:
        _check_exploration(epsilon, n_candidates)
        self.score, self.epsilon, self.n_candidates = score, epsilon, n_candidates
        self.launch_day = world.dishes["launch_day"].to_numpy()

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the feeds and their propensities."""
        shape = (len(sessions.user_id), len(self.launch_day))
        explores = rng.random(shape[0]) < self.epsilon
        score = np.asarray(self.score(sessions), dtype=float)
        if score.shape != shape or np.isnan(score).any():
            raise ValueError(f"score must return numbers of shape {shape}, got shape {score.shape} or NaN")
        dish_id = np.empty((shape[0], POSITIONS), dtype=np.int32)
        propensity = np.empty(dish_id.shape)
        day = day_of(sessions.time)
        for today in np.unique(day):
            rows = np.flatnonzero(day == today)
            launched = np.flatnonzero(self.launch_day <= today)
            order = self._order(score[np.ix_(rows, launched)])
            dish_id[rows], propensity[rows] = self._feeds(launched[order], explores[rows], rng)
        return Ranking(dish_id, propensity)

    def _order(self, score: np.ndarray) -> np.ndarray:
        """Return the candidates of each row, the best ten first and in order, ties by number."""
        n = min(self.n_candidates or score.shape[1], score.shape[1])
        return np.argsort(-score, axis=1, kind="stable")[:, :n]

    def _feeds(self, candidates: np.ndarray, explores: np.ndarray, rng: np.random.Generator):
        """Return dish and propensity for candidates (sessions, n), of which the first ten are the ranking."""
        n = candidates.shape[1]
        ranked = candidates[:, :POSITIONS]
        feeds = ranked.astype(np.int32)
        feeds[explores] = _random_feeds(rng, candidates[explores])
        return feeds, (1 - self.epsilon) * (feeds == ranked) + self.epsilon / n


class PopularityPolicy(ScorePolicy):
    """Rank all feeds alike, by what was known of the dishes before launch (`World.popularity`), and explore."""

    def __init__(self, world, *, epsilon: float = 0.1, n_candidates: int | None = None) -> None:
        super().__init__(None, world=world, epsilon=epsilon, n_candidates=n_candidates)
        self.popularity = np.asarray(world.popularity, dtype=float)

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the feeds and their propensities."""
        n = len(sessions.user_id)
        explores = rng.random(n) < self.epsilon
        dish_id, propensity = np.empty((n, POSITIONS), dtype=np.int32), np.empty((n, POSITIONS))
        day = day_of(sessions.time)
        for today in np.unique(day):
            rows = np.flatnonzero(day == today)
            launched = np.flatnonzero(self.launch_day <= today)
            candidates = launched[self._order(self.popularity[None, launched])[0]].astype(np.int32)
            wide = np.broadcast_to(candidates, (len(rows), len(candidates)))
            dish_id[rows], propensity[rows] = self._feeds(wide, explores[rows], rng)
        return Ranking(dish_id, propensity)


class UniformPolicy(PopularityPolicy):
    """Show ten of the launched dishes in uniformly random order."""

    def __init__(self, world) -> None:
        super().__init__(world, epsilon=1.0)


class BestPolicy:
    """Show the feed of highest expected revenue: nobody can deploy it, since it asks the truth."""

    def __init__(self, world) -> None:
        self.truth = world.truth

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the best feeds, with propensity one."""
        dish_id = self.truth.best_feed(sessions)
        return Ranking(dish_id, np.ones(dish_id.shape))
