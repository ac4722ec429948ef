"""The click model of lesson 20, against scikit-learn's own pipeline and a world whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from utils.monitoring.drift.bucket import served
from utils.monitoring.drift.click_model import ClickModel
from utils.world import LostTracking, NewCity, World

WORLD = World(seed=5, n_users=2_000, n_dishes=60, days=8)


@pytest.fixture(scope="module")
def rows():
    return served(WORLD, 0, 7, 300)


def by_pipeline(rows):
    """Return the same model as scikit-learn's encoders make it."""
    daypart = np.digitize(rows["hour"], [5, 11, 15, 17, 22]) % 5
    crossed = rows.assign(
        by_age=rows["cuisine"] + rows["age_band"],
        by_city=rows["cuisine"] + rows["city"],
        by_hour=rows["cuisine"] + daypart.astype(str),
    )
    columns = ["position", "by_age", "by_city", "by_hour"]
    encode = (OneHotEncoder(handle_unknown="ignore"), columns), (StandardScaler(), ["price", "preparation_minutes"])
    model = make_pipeline(make_column_transformer(*encode), LogisticRegression(max_iter=2_000, tol=1e-8))
    known = crossed["available_time"].notna()
    return model.fit(crossed[known], crossed["clicked"][known]).predict_proba(crossed)[:, 1]


def test_it_is_the_model_of_the_usual_pipeline(rows):
    assert np.abs(ClickModel().fit(rows).predict(rows) - by_pipeline(rows)).mean() < 1e-3


def test_its_mean_prediction_is_the_click_rate_it_learned_from(rows):
    known = rows[rows["available_time"].notna()]
    assert ClickModel().fit(rows).predict(known).mean() == pytest.approx(known["clicked"].mean(), rel=1e-5)


def test_outcomes_that_never_arrived_are_not_learned_from(rows):
    world = World(seed=5, n_users=2_000, n_dishes=60, days=8, incidents=(LostTracking(start_day=0, share=1.0),))
    lost = served(world, 0, 7, 300)
    assert ClickModel().fit(lost).predict(rows).mean() < 0.9 * ClickModel().fit(rows).predict(rows).mean()


def test_a_city_that_it_never_met_gets_no_term(rows):
    model = ClickModel().fit(rows)
    here = rows.iloc[:50]
    cities = [model.logit(here.assign(city=name)) for name in ("Fairhaven", "Nowhere")]
    assert np.array_equal(*cities)
    assert not np.allclose(cities[0], model.logit(here))


def test_rows_of_one_outcome_are_refused(rows):
    with pytest.raises(ValueError, match="clicks and no clicks"):
        ClickModel().fit(rows[~rows["clicked"]])


def test_a_new_city_is_served_and_predicted():
    world = World(seed=5, n_users=2_000, n_dishes=60, days=8, incidents=(NewCity(start_day=2),))
    new = served(world, 2, 4, 300)
    assert np.isfinite(ClickModel().fit(served(world, 0, 2, 300)).predict(new)).all()


def test_a_weight_counts_a_row_as_often_as_copies_of_it_do(rows):
    late = np.arange(len(rows)) >= len(rows) // 2
    copies = pd.concat([rows, *[rows[late]] * 3])
    weighted = ClickModel().fit(rows, np.where(late, 4, 1)).predict(rows)
    assert weighted == pytest.approx(ClickModel().fit(copies).predict(rows), abs=1e-5)
    assert not np.allclose(weighted, ClickModel().fit(rows).predict(rows), atol=0.01)


@pytest.mark.parametrize(("weights", "message"), [([1.0], "one entry for each"), (None, "weights must")])
def test_weights_that_do_not_fit_are_refused(rows, weights, message):
    with pytest.raises(ValueError, match=message):
        ClickModel().fit(rows, -np.ones(len(rows)) if weights is None else weights)
