"""The click model that lesson 20 watches: a logistic regression on a few crossed categories and two numbers."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from utils.foundation import checks
from utils.world.cities import CITIES
from utils.world.dishes import CUISINES
from utils.world.users import AGE_BANDS

__all__ = ["ClickModel"]

KINDS = {
    "cuisine": pd.Index(CUISINES),
    "age_band": pd.Index(AGE_BANDS),
    "city": pd.Index([city.name for city in CITIES]),
}
NUMBERS = ["price", "preparation_minutes"]
STEP = 10  # columns of a cuisine in each crossed group; the last is for a value that is not known
WIDTH = STEP * len(CUISINES)  # columns of each group of indicators
GROUPS = 4
DAYPARTS = (5, 11, 15, 17, 22)  # hours at which morning, lunch, tea, dinner and night begin


class ClickModel:
    """Probability of a click from position, cuisine by age, by city and by time of day, price and preparation time.

    A city that it has never met gets no term of its own.
    """

    def fit(self, rows: pd.DataFrame, weights: ArrayLike | None = None) -> Self:
        """Fit on the rows whose outcome has arrived.

        Args:
            rows: as from `served`, with position, cuisine, age_band, city, hour, price, preparation_minutes, clicked
                and available_time (NaT where the outcome never arrived).
            weights: how many times each row counts; None for once each.

        Returns:
            The model.

        Raises:
            ValueError: no row has an outcome, or all have the same; weights that are negative, or not one for each row.
        """
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        known = rows[arrived := rows["available_time"].notna().to_numpy()]
        weights = checks.array("weights", np.ones(len(rows)) if weights is None else weights, low=0, dimensions=1)
        checks.same_length(rows=rows, weights=weights)
        if known["clicked"].nunique() < 2:
            raise ValueError(f"rows must hold clicks and no clicks, got {len(known)} outcomes of one kind; widen them")
        on, numbers = _inputs(known)
        self._center, self._spread = numbers.mean(axis=0), numbers.std(axis=0)
        starts = np.arange(0, on.size + 1, GROUPS)
        indicators = sparse.csr_matrix((np.ones(on.size), on.ravel(), starts), (len(known), GROUPS * WIDTH))
        columns = sparse.hstack([indicators, (numbers - self._center) / self._spread]).tocsr()
        with threadpool_limits(1):  # a few hundred columns: waiting for a second core costs more than it gains
            fitted = LogisticRegression(max_iter=300, tol=1e-4).fit(columns, known["clicked"], weights[arrived])
        self._intercept, self._weights = fitted.intercept_[0], fitted.coef_[0]
        return self

    def logit(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the log odds of a click for each row."""
        on, numbers = _inputs(rows)
        rest = (numbers - self._center) / self._spread @ self._weights[GROUPS * WIDTH :]
        return self._intercept + self._weights[on].sum(axis=1) + rest

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of a click for each row."""
        return special.expit(self.logit(rows))


def _inputs(rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which indicator of each group is on, (rows, groups), and the numbers, (rows, 2)."""
    cuisine, age, city = (known.get_indexer(rows[column]) for column, known in KINDS.items())
    daypart = np.digitize(rows["hour"], DAYPARTS) % len(DAYPARTS)
    groups = [
        rows["position"].to_numpy(),
        STEP * cuisine + age % STEP,
        STEP * cuisine + city % STEP,  # an unknown city is -1, and -1 % 10 is 9
        STEP * cuisine + daypart,
    ]
    return np.stack(groups, axis=1) + WIDTH * np.arange(GROUPS), rows[NUMBERS].to_numpy(dtype=float)
