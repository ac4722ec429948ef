"""Content features of dishes: the words of the description and the attributes of the catalogue."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

COLUMNS = ("description", "price", "preparation_minutes")


class ContentFeatures:
    """TF-IDF of the description beside standardized price and preparation time, fitted on known dishes.

    Args:
        dishes: data frame with `description` (text), `price` (euros), `preparation_minutes`.

    Raises:
        ValueError: a column is missing, there is no dish, or a value is missing.
    """

    def __init__(self, dishes: pd.DataFrame):
        self._check(dishes)
        self._words = TfidfVectorizer(token_pattern=r"[a-z][a-z-]+").fit(dishes["description"])
        numbers = self._numbers(dishes)
        self._center, self._scale = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-9)

    def __call__(self, dishes: pd.DataFrame) -> np.ndarray:
        """Return the features of some dishes, (n_dishes, n_words + 2); words never seen before count nothing."""
        self._check(dishes)
        words = self._words.transform(dishes["description"]).toarray()
        return np.column_stack([words, (self._numbers(dishes) - self._center) / self._scale])

    @staticmethod
    def _numbers(dishes):
        return np.column_stack([np.log(dishes["price"].to_numpy(float)), dishes["preparation_minutes"].to_numpy(float)])

    @staticmethod
    def _check(dishes):
        missing = [name for name in COLUMNS if name not in getattr(dishes, "columns", ())]
        if missing:
            raise ValueError(f"dishes must be a data frame with the columns {list(COLUMNS)}, {missing} are missing")
        if len(dishes) == 0:
            raise ValueError("dishes must not be empty, got 0 rows; pass at least one dish")
        bad = dishes[list(COLUMNS)].isna().any(axis=None) or (dishes["price"] <= 0).any()
        if bad or not np.isfinite(dishes[["price", "preparation_minutes"]].to_numpy(float)).all():
            raise ValueError(
                "dishes must have a description, a positive price and minutes, got missing values; fill them"
            )
