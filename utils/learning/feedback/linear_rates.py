"""Click rates learned from who looks at what and when: the linear contextual bandit of a feed, retrained batch by batch."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from utils.foundation import checks
from utils.learning.feedback.incremental_ridge import new_model
from utils.world import World
from utils.world.clock import local_hour
from utils.world.traffic import Sessions

__all__ = ["LinUCB"]

HOURS_TOGETHER = 4  # a part of the day
PARTS = 24 // HOURS_TOGETHER


class LinUCB:
    """Ridge regression of a click on the dish, and on its cuisine by part of the day, age band and city.

    Dishes share what is learned of their cuisine. A row counts as much as its position is looked at, so the rates are
    those of a look.

    Args:
        world: whose users and dishes are described; its truth is not read.
        examination: (positions,) chance that position 1, 2, … is looked at, above 0.
        prior: rate of a dish of which nothing is known, 0 to 1.
        alpha: how many standard errors of its rate a dish is credited with; 0 explores nothing.
        ridge: prior precision of each coefficient, above 0.

    Raises:
        ValueError: arguments out of range.

    References:
        Li, Chu, Langford and Schapire, "A contextual-bandit approach to personalized news article recommendation", WWW
        2010; here with coefficients that all dishes share, and weights.
    """

    def __init__(
        self, world: World, examination: ArrayLike, *, prior: float, alpha: float = 0.4, ridge: float = 10.0
    ) -> None:
        self.examination = checks.array("examination", examination, dimensions=1, low=0, high=1)
        if self.examination.min() == 0:
            raise ValueError("examination must be positive, got 0; a position nobody sees teaches nothing")
        self.prior = checks.share("prior", prior, "give the click rate of an unknown dish")
        self.alpha = checks.number("alpha", alpha, low=0)
        self._cuisine, self._age, self._city = (
            column.astype("category").cat.codes.to_numpy().astype(np.int64)
            for column in (world.dishes["cuisine"], world.users["age_band"], world.users["city"])
        )
        offsets = world.cities.set_index("city")["utc_offset_hours"]
        self._offset = world.users["city"].map(offsets).to_numpy()
        self._sizes = np.array([PARTS, self._age.max() + 1, self._city.max() + 1])
        n_cuisines, n_dishes = self._cuisine.max() + 1, len(self._cuisine)
        self._starts = n_dishes + n_cuisines * np.concatenate([[0], self._sizes.cumsum()[:-1]])
        self._model = new_model(int(n_dishes + n_cuisines * self._sizes.sum()), ridge=ridge)

    @property
    def precision(self) -> NDArray[np.float64]:
        """The regression's precision matrix, (coefficients, coefficients)."""
        return self._model.precision

    @property
    def response(self) -> NDArray[np.float64]:
        """What the precision is solved for, (coefficients,)."""
        return self._model.response

    def _groups(self, user_id: NDArray[np.integer], time: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Return part of the day, age band and city of each visit, (visits, 3)."""
        part = local_hour(time, self._offset[user_id]).astype(np.int64) // HOURS_TOGETHER
        return np.stack([part, self._age[user_id], self._city[user_id]], axis=-1)

    def _columns(self, groups: NDArray[np.int64], dish_id: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return which four columns are one: the dish, and its cuisine by each of the three groups."""
        crossed = self._starts + self._cuisine[dish_id][..., None] * self._sizes + groups
        dish = np.broadcast_to(np.asarray(dish_id)[..., None], (*crossed.shape[:-1], 1))
        return np.concatenate([dish, crossed], axis=-1)

    def columns(self, log: pd.DataFrame) -> NDArray[np.int64]:
        """Return which four columns are one in each row of a log, (rows, 4); the others are zero."""
        user, dish, time = (log[name].to_numpy() for name in ("user_id", "dish_id", "event_time"))
        return self._columns(self._groups(user, time), dish)

    def learn(self, log: pd.DataFrame) -> None:
        """Add a batch of impressions.

        Args:
            log: one row an impression: user_id, dish_id, event_time, position, clicked.

        Raises:
            ValueError: a column is missing, or a position lies outside the examined ones.
        """
        missing = {"user_id", "dish_id", "event_time", "position", "clicked"} - set(log.columns)
        if missing:
            raise ValueError(f"log must have a column {min(missing)}, got {list(log.columns)}; pass the world's log")
        position = log["position"].to_numpy()
        if len(log) and (position.min() < 1 or position.max() > len(self.examination)):
            raise ValueError(
                f"log must have positions from 1 to {len(self.examination)}, got {position.min()} to {position.max()}"
            )
        ones, looked = self.columns(log), self.examination[position - 1]
        shape = (len(log), len(self.response))
        x = sparse.csr_matrix((np.ones(ones.size), ones.ravel(), np.arange(0, ones.size + 1, 4)), shape)
        self._model = self._model._replace(
            precision=self.precision + (x.T @ x.multiply(looked[:, None])).toarray(),
            response=self.response + x.T @ (log["clicked"].to_numpy() - self.prior * looked),
        )

    def scores(self, sessions: Sessions, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """Return each dish's rate for each visit, plus `alpha` of its standard errors, (visits, dishes).

        Args:
            sessions: who opens the app when.
            rng: not used: the policy draws nothing.
        """
        # Visits of the same part of the day, age band and city have the same scores: compute each once.
        groups, row = np.unique(self._groups(sessions.user_id, sessions.time), axis=0, return_inverse=True)
        ones = self._columns(groups[:, None], np.arange(len(self._cuisine)))
        covariance = np.linalg.inv(self.precision)
        rate = self.prior + (covariance @ self.response)[ones].sum(axis=-1)
        if self.alpha:
            variance = covariance[ones[..., :, None], ones[..., None, :]].sum(axis=(-1, -2))
            rate = rate + self.alpha * np.sqrt(variance)
        return rate[row.ravel()]
