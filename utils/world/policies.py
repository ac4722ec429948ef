"""Logging policies: who is shown what, and with which probability."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.world.choice import POSITIONS
from utils.world.clock import day_of
from utils.world.ranking import Ranking
from utils.world.traffic import Sessions, check_sessions

__all__ = ["BestPolicy", "PopularityPolicy", "ScorePolicy", "UniformPolicy"]


class Menu(Protocol):
    """A world, as far as a policy reads it."""

    dishes: pd.DataFrame
    popularity: NDArray[np.float64]


class Oracle(Protocol):
    """Whoever knows the best feeds."""

    def best_feed(self, sessions: Sessions) -> NDArray[np.integer]:
        """Return the ten dishes of highest expected revenue, (sessions, 10)."""


class KnownWorld(Protocol):
    """A world whose truth can be asked."""

    truth: Oracle


def _random_feeds(rng: np.random.Generator, candidates: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return ten of the candidates (sessions, n) in uniformly random order: ten steps of a Fisher–Yates shuffle."""
    feeds = candidates.copy()
    rows = np.arange(len(feeds))
    n = feeds.shape[1]
    draws = rng.random((POSITIONS, len(feeds)))
    for position in range(POSITIONS):
        other = position + (draws[position] * (n - position)).astype(np.int64)
        feeds[rows, position], feeds[rows, other] = feeds[rows, other], feeds[rows, position]
    return feeds[:, :POSITIONS]


def _ordered(score: NDArray[np.float64], n_candidates: int | None) -> NDArray[np.intp]:
    """Return the candidates of each row of scores, the best first and in order, ties by number."""
    return np.argsort(-score, axis=1, kind="stable")[:, :n_candidates]


# The candidates (rows, n) of some rows of the sessions among the launched dishes, in order of rank.
Ranked = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.integer]]


class _Exploring:
    """Show a ranking, and with probability `epsilon` ten of its candidates in uniformly random order."""

    def __init__(self, world: Menu, epsilon: float, n_candidates: int | None) -> None:
        self.epsilon = checks.share("epsilon", epsilon, "use 0 for no exploration")
        self.n_candidates = n_candidates
        if n_candidates is not None:
            remedy = f"a feed shows {POSITIONS} dishes; use None for all that are launched"
            self.n_candidates = checks.count("n_candidates", n_candidates, remedy, minimum=POSITIONS)
        self.launch_day = world.dishes["launch_day"].to_numpy()

    def _ranked(self, sessions: Sessions) -> Ranked:
        """Return the function that ranks these sessions."""
        raise NotImplementedError

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the feeds and their propensities.

        Args:
            sessions: who opens the app when, n of them.
            rng: generator of the exploration.

        Returns:
            Dishes and probabilities, both (n, 10).

        Raises:
            ValueError: sessions before day 0 or of unequal lengths, or scores that are not one a session and dish.
        """
        check_sessions(sessions)
        n = len(sessions.user_id)
        explores = rng.random(n) < self.epsilon
        dish_id, propensity = np.empty((n, POSITIONS), dtype=np.int32), np.empty((n, POSITIONS))
        ranked, day = self._ranked(sessions), day_of(sessions.time)
        for today in np.unique(day):
            rows = np.flatnonzero(day == today)
            candidates = ranked(rows, np.flatnonzero(self.launch_day <= today))
            dish_id[rows], propensity[rows] = self._feeds(candidates, explores[rows], rng)
        return Ranking(dish_id, propensity)

    def _feeds(
        self, candidates: NDArray[np.integer], explores: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return dish and propensity for candidates (sessions, n), of which the first ten are the ranking."""
        ranked = candidates[:, :POSITIONS]
        feeds = ranked.astype(np.int32)
        feeds[explores] = _random_feeds(rng, candidates[explores])
        return feeds, (1 - self.epsilon) * (feeds == ranked) + self.epsilon / candidates.shape[1]


class ScorePolicy(_Exploring):
    """Rank by a score, and with probability `epsilon` show ten of the candidates in uniformly random order.

    The candidates of a session are the `n_candidates` launched dishes of highest score. A dish is shown at a position
    with probability (1 - epsilon) [it ranks there] + epsilon / n_candidates.

    Args:
        score: function of `Sessions` that returns the scores, (sessions, n_dishes), higher is better.
        world: the world whose dishes are ranked; only its launch days are read.
        epsilon: probability of exploring.
        n_candidates: how many dishes may be shown at all, at least ten; None for all that are launched.

    Raises:
        ValueError: no function, no probability, or fewer than ten candidates.
    """

    def __init__(
        self,
        score: Callable[[Sessions], ArrayLike],
        *,
        world: Menu,
        epsilon: float = 0.1,
        n_candidates: int | None = None,
    ) -> None:
        if not callable(score):
            raise ValueError(f"score must be a function of sessions, got {checks.told(score)}; wrap it in a function")
        super().__init__(world, epsilon, n_candidates)
        self.score = score

    def _ranked(self, sessions: Sessions) -> Ranked:
        score = _checked_scores(self.score(sessions), (len(sessions.user_id), len(self.launch_day)))
        return lambda rows, launched: launched[_ordered(score[np.ix_(rows, launched)], self.n_candidates)]


def _checked_scores(score: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return scores as floats if they are one a session and dish, in this order."""
    if isinstance(score, pd.DataFrame) and list(score.columns) != list(range(shape[1])):
        raise ValueError("score must return columns in order of dish_id from 0; sort them, or return an array")
    try:
        found = np.asarray(score, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"score must return numbers, got {checks.told(score)}; return an array of shape {shape}"
        ) from None
    if found.shape != shape or np.isnan(found).any():
        raise ValueError(
            f"score must return numbers of shape {shape}, got shape {found.shape} or NaN; "
            "score every dish in every session"
        )
    return found


class PopularityPolicy(_Exploring):
    """Rank all feeds alike, by what was known of the dishes before launch (`World.popularity`), and explore.

    Args:
        world: the world whose dishes are ranked; its launch days and its popularity are read.
        epsilon: probability of exploring.
        n_candidates: how many dishes may be shown at all, at least ten; None for all that are launched.

    Raises:
        ValueError: no probability, or fewer than ten candidates.
    """

    def __init__(self, world: Menu, *, epsilon: float = 0.1, n_candidates: int | None = None) -> None:
        super().__init__(world, epsilon, n_candidates)
        self.popularity = np.asarray(world.popularity, dtype=float)

    def _ranked(self, sessions: Sessions) -> Ranked:
        def candidates(rows: NDArray[np.intp], launched: NDArray[np.intp]) -> NDArray[np.integer]:
            ranked = launched[_ordered(self.popularity[None, launched], self.n_candidates)[0]].astype(np.int32)
            return np.broadcast_to(ranked, (len(rows), len(ranked)))

        return candidates


class UniformPolicy(PopularityPolicy):
    """Show ten of the launched dishes in uniformly random order."""

    def __init__(self, world: Menu) -> None:
        super().__init__(world, epsilon=1.0)


class BestPolicy:
    """Show the feed of highest expected revenue: nobody can deploy it, since it asks the truth."""

    def __init__(self, world: KnownWorld) -> None:
        self.truth = world.truth

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the best feeds, with propensity one.

        Args:
            sessions: who opens the app when, n of them.
            rng: not used; nothing is left to chance.

        Returns:
            Dishes and probabilities, both (n, 10).

        Raises:
            ValueError: sessions before day 0, or of users who do not exist.
        """
        dish_id = self.truth.best_feed(sessions)
        return Ranking(dish_id, np.ones(dish_id.shape))
