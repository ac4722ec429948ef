"""What a policy answers: a feed for each session, with the probability of showing it."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.foundation import checks
from utils.world.choice import POSITIONS
from utils.world.clock import day_of
from utils.world.traffic import Sessions

__all__ = ["Policy", "Ranking", "check_policy", "check_ranking"]


class Ranking(NamedTuple):
    """A feed for each session: `dish_id` and `propensity`, both (sessions, 10), first position first."""

    dish_id: NDArray[np.integer]
    propensity: NDArray[np.float64]


class Policy(Protocol):
    """Whatever ranks: the feeds of some sessions, with the probability of showing what they show."""

    def rank(self, sessions: Sessions, rng: np.random.Generator) -> Ranking:
        """Return the feeds and their propensities."""


def check_policy(policy: Any) -> None:
    """Raise unless something can rank sessions.

    Raises:
        ValueError: it has no method `rank`, or it is a class.
    """
    if isinstance(policy, type) or not callable(getattr(policy, "rank", None)):
        raise ValueError(
            f"policy must have a method rank(sessions, rng), got {checks.told(policy)}; pass an object that has one"
        )


def check_ranking(ranking: Any, sessions: Sessions, launch_day: NDArray[np.integer]) -> Ranking:
    """Return what a policy answered, as arrays, or say what is wrong with it.

    Args:
        ranking: the answer: dishes and propensities.
        sessions: the sessions it is for, n of them.
        launch_day: the launch day of each dish, (n_dishes,).

    Returns:
        Dishes and propensities, both (n, 10).

    Raises:
        ValueError: wrong shapes or types, dishes that do not exist or are not launched, or no probabilities.
    """
    if not isinstance(ranking, tuple) or len(ranking) != 2:
        raise ValueError(
            f"policy must return two arrays, got {type(ranking).__name__}; return Ranking(dish_id, propensity)"
        )
    if any(isinstance(part, pd.DataFrame) for part in ranking):
        raise ValueError("policy must return arrays, got a DataFrame; bring its columns in order, then .to_numpy()")
    dish_id, propensity = (np.asarray(part) for part in ranking)
    shape = (len(sessions.user_id), POSITIONS)
    if dish_id.shape != shape or propensity.shape != shape:
        raise ValueError(
            f"policy must return dish_id and propensity of shape {shape}, got {dish_id.shape}, {propensity.shape}; "
            f"return {POSITIONS} dishes a session"
        )
    _check_dishes(dish_id, day_of(sessions.time)[:, None], launch_day)
    if propensity.dtype.kind not in "fiu" or not ((propensity > 0) & (propensity <= 1)).all():
        raise ValueError(
            "policy must return propensity above 0 and at most 1 everywhere, got others; "
            "return the chance of showing what it shows"
        )
    return Ranking(dish_id, propensity)


def _check_dishes(dish_id: NDArray[Any], day: NDArray[np.int64], launch_day: NDArray[np.integer]) -> None:
    """Raise unless feeds (sessions, 10) hold launched dishes, none twice."""
    if not np.issubdtype(dish_id.dtype, np.integer):
        raise ValueError(
            f"policy must return dish_id as whole numbers, got {checks.told(dish_id)}; cast with astype(int)"
        )
    if not dish_id.size:
        return
    if dish_id.min() < 0 or dish_id.max() >= len(launch_day):
        raise ValueError(
            f"policy must return dish_id from 0 to {len(launch_day) - 1}, got {dish_id.min()} to {dish_id.max()}; "
            "rank dishes of the world that is simulated"
        )
    ordered = np.sort(dish_id, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise ValueError("policy must not show a dish twice in one feed; rank without repetition")
    if (launch_day[dish_id] > day).any():
        raise ValueError("policy must not show a dish before its launch_day; rank those on sale that day")
