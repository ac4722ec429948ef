"""Content features against closed forms."""

import numpy as np
import pandas as pd
import pytest

from utils.learning.cold_start.content import ContentFeatures

DISHES = pd.DataFrame(
    {
        "description": ["Smoked salmon set.", "Smoked beef stack, with onion."],
        "price": [10.0, 20.0],
        "preparation_minutes": [10, 30],
    }
)


def test_content_features_are_unit_word_vectors_beside_standard_scores():
    features = ContentFeatures(DISHES)(DISHES)
    assert features.shape == (2, 7 + 2)
    np.testing.assert_allclose((features[:, :-2] ** 2).sum(axis=1), 1)
    np.testing.assert_allclose(features[:, -2:], [[-1, -1], [1, 1]])


def test_words_never_seen_count_nothing_and_the_scale_is_that_of_the_known_dishes():
    new = pd.DataFrame({"description": ["Zucchini"], "price": [40.0], "preparation_minutes": [20]})
    features = ContentFeatures(DISHES)(new)
    np.testing.assert_allclose(features[0, :-2], 0)
    np.testing.assert_allclose(features[0, -2:], [3, 0])


@pytest.mark.parametrize(
    "bad",
    [
        DISHES.drop(columns="price"),
        DISHES.iloc[:0],
        DISHES.assign(price=[1.0, np.nan]),
        DISHES.assign(price=[1, -1]),
        DISHES.assign(price=[1, 0]),
        DISHES.assign(preparation_minutes=[10, np.inf]),
        DISHES.assign(preparation_minutes=[10, -1]),
        DISHES.assign(description=["Soup", None]),
        DISHES.assign(description=[5, "Soup"]),
        DISHES.assign(description=["12", "7"]),
        None,
    ],
)
def test_content_features_refuse_incomplete_dishes(bad):
    with pytest.raises(ValueError, match="dishes"):
        ContentFeatures(bad)


def test_new_dishes_are_checked_as_known_ones_are():
    with pytest.raises(ValueError, match="price of dishes must be finite"):
        ContentFeatures(DISHES)(DISHES.assign(price=[1.0, np.nan]))
