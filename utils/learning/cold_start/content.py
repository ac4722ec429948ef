"""Content features of dishes: the words of the description and the attributes of the catalogue."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from utils.foundation import checks

__all__ = ["ContentFeatures"]

COLUMNS = ("description", "price", "preparation_minutes")


class ContentFeatures:
    """TF-IDF of the description beside standardized price and preparation time, fitted on known dishes.

    Args:
        dishes: data frame with `description` (text), `price` (euros), `preparation_minutes`.

    Raises:
        ValueError: a column is missing, there is no dish, or a value is missing or impossible.
    """

    def __init__(self, dishes: pd.DataFrame) -> None:
        self._check(dishes)
        try:
            self._words = TfidfVectorizer(token_pattern=r"[a-z][a-z-]+").fit(dishes["description"])
        except ValueError:
            raise ValueError("dishes must have words of letters in some description, got none; describe them") from None
        numbers = self._numbers(dishes)
        self._center, self._scale = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-9)

    def __call__(self, dishes: pd.DataFrame) -> NDArray[np.float64]:
        """Return the features of some dishes, (n_dishes, n_words + 2); words never seen before count nothing.

        Args:
            dishes: as for the class.

        Raises:
            ValueError: as for the class.
        """
        self._check(dishes)
        words = self._words.transform(dishes["description"]).toarray()
        return np.column_stack([words, (self._numbers(dishes) - self._center) / self._scale])

    @staticmethod
    def _numbers(dishes: pd.DataFrame) -> NDArray[np.float64]:
        return np.column_stack([np.log(dishes["price"].to_numpy(float)), dishes["preparation_minutes"].to_numpy(float)])

    @staticmethod
    def _check(dishes: pd.DataFrame) -> None:
        missing = [name for name in COLUMNS if name not in getattr(dishes, "columns", ())]
        if missing:
            raise ValueError(f"dishes must be a data frame with the columns {list(COLUMNS)}, {missing} are missing")
        if len(dishes) == 0:
            raise ValueError("dishes must not be empty, got 0 rows; pass at least one dish")
        if not all(isinstance(text, str) for text in dishes["description"]):
            raise ValueError("dishes must have a description in words, got a missing one or another value; fill it")
        checks.array("preparation_minutes of dishes", dishes["preparation_minutes"], low=0)
        price = checks.array("price of dishes", dishes["price"], low=0)
        if price.min() == 0:
            raise ValueError("dishes must have a positive price, got 0; leave out what is free")
