"""The shuffled share of visitors: a policy that shows given candidates in the random order in which they stand."""

from typing import Any

import numpy as np

from utils.world import Ranking, Sessions

__all__ = ["ShuffledFeed"]

POSITIONS = 10


class ShuffledFeed:
    """Show each visit the first ten of its candidates.

    Args:
        sessions: `utils.world` sessions, n of them.
        candidates: dishes of each, drawn in random order, shape (n, k) with k of at least 10.

    Raises:
        ValueError: not one row of at least ten candidates for each session.
    """

    def __init__(self, sessions: Sessions, candidates: np.ndarray) -> None:
        candidates = np.asarray(candidates)
        wanted = len(sessions.session_id)
        if candidates.ndim != 2 or len(candidates) != wanted or candidates.shape[1] < POSITIONS:
            raise ValueError(
                f"candidates must have {wanted} rows of at least {POSITIONS}, got shape {candidates.shape}; "
                "draw them for the same sessions"
            )
        self._share = 1 / candidates.shape[1]
        self._feeds = dict(zip(sessions.session_id.tolist(), candidates[:, :POSITIONS], strict=True))

    def rank(self, sessions: Sessions, rng: Any) -> Ranking:
        """Return the feeds of sessions that were given, and the probability of each dish at its position."""
        feeds = np.array([self._feeds[session] for session in sessions.session_id.tolist()])
        return Ranking(feeds, np.full(feeds.shape, self._share))
