"""A dish's description carries some of its taste."""

import numpy as np

from utils.world import World


def test_descriptions_carry_taste():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_predict

    big = World(seed=3, n_users=400, n_dishes=400, days=1)
    user = big.users.query("age_band == '25-34' and city == 'Aldermere'")["user_id"].to_numpy()
    attraction = big.truth.attraction(user[:, None], np.arange(400), np.datetime64("2024-01-01T12:00:00"))
    logit = np.log(attraction / (1 - attraction))
    personal = (logit - logit.mean(axis=0)).T  # what one likes and another does not
    text = TfidfVectorizer().fit_transform(big.dishes["description"])
    predicted = cross_val_predict(Ridge(1.0), text, personal, cv=5)
    share = 1 - ((personal - predicted) ** 2).sum() / ((personal - personal.mean(axis=0)) ** 2).sum()
    assert 0.3 < share < 0.95
