"""The click model that lesson 20 watches: a logistic regression on a few crossed categories and two numbers."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

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
NEWTON_STEPS = 30
TOLERANCE = 1e-3  # largest step in the log odds after which Newton, whose next step would be a square of it, ends
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
        known = rows[arrived := rows["available_time"].notna().to_numpy()]
        weights = checks.array("weights", np.ones(len(rows)) if weights is None else weights, low=0, dimensions=1)
        checks.same_length(rows=rows, weights=weights)
        if known["clicked"].nunique() < 2:
            raise ValueError(f"rows must hold clicks and no clicks, got {len(known)} outcomes of one kind; widen them")
        on, numbers = _inputs(known)
        self._center, self._spread = numbers.mean(axis=0), numbers.std(axis=0)
        clicked = known["clicked"].to_numpy(float)
        self._intercept, self._weights = _fitted(on, (numbers - self._center) / self._spread, clicked, weights[arrived])
        return self

    def logit(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the log odds of a click for each row."""
        on, numbers = _inputs(rows)
        rest = (numbers - self._center) / self._spread @ self._weights[GROUPS * WIDTH :]
        return self._intercept + self._weights[on].sum(axis=1) + rest

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of a click for each row."""
        return special.expit(self.logit(rows))


def _fitted(
    on: NDArray[np.int64], numbers: NDArray[np.float64], clicked: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return intercept and weights that minimize the log loss plus half the sum of squared weights, by Newton's method.

    An indicator's products with another are counts of pairs, so the Hessian is a handful of `bincount`s.
    """
    used = np.flatnonzero(np.bincount(on.ravel(), minlength=GROUPS * WIDTH))
    place = np.zeros(GROUPS * WIDTH, np.int64)
    place[used], n = np.arange(len(used)), len(used)
    slot = np.ascontiguousarray(place[on].T)  # (groups, rows)
    pairs = [slot[i] * n + slot[j] for i in range(GROUPS) for j in range(i)]
    ridge = np.diag(np.r_[0.0, np.ones(n + len(NUMBERS))])  # the intercept is free
    theta = np.zeros(1 + n + len(NUMBERS))
    theta[0] = special.logit(np.average(clicked, weights=weights))

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products of the columns (intercept, indicators, numbers) with one value a row."""
        counts = sum(np.bincount(one, values, n) for one in slot)
        return np.r_[values.sum(), counts, values @ numbers]

    for _ in range(NEWTON_STEPS):
        p = special.expit(theta[0] + theta[1 : 1 + n][slot].sum(axis=0) + numbers @ theta[1 + n :])
        gradient = summed(weights * (p - clicked)) + ridge @ theta
        curvature = weights * p * (1 - p)
        hessian = ridge.copy()
        hessian[0] = summed(curvature)
        inner = sum(np.bincount(pair, curvature, n * n) for pair in pairs).reshape(n, n)
        hessian[1 : 1 + n, 1 : 1 + n] += inner + inner.T + np.diag(hessian[0, 1 : 1 + n])
        for k in range(len(NUMBERS)):
            hessian[1 + n + k] += summed(curvature * numbers[:, k])
        hessian[:, 0] = hessian[0]
        hessian[1 : 1 + n, 1 + n :] = hessian[1 + n :, 1 : 1 + n].T
        step = linalg.solve(hessian, gradient, assume_a="pos")
        theta -= step
        if np.abs(step).max() < TOLERANCE:
            break
    coefficients = np.zeros(GROUPS * WIDTH + len(NUMBERS))
    coefficients[used], coefficients[GROUPS * WIDTH :] = theta[1 : 1 + n], theta[1 + n :]
    return float(theta[0]), coefficients


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
