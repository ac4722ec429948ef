"""The AUC against scikit-learn, its error against DeLong's double sum and against drawing visits again."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from utils.features.auc import auc_by_cluster


def some_visits(seed, visits=150, rows=10):
    rng = np.random.default_rng(seed)
    mood = np.repeat(rng.normal(0, 1, visits), rows)
    score = np.round(rng.normal(0, 1, visits * rows) + mood, 1)  # with ties
    clicked = rng.random(visits * rows) < 1 / (1 + np.exp(2 - score - mood))
    return score, clicked, np.repeat(np.arange(visits), rows)


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_that_of_sklearn(seed):
    score, clicked, visit = some_visits(seed)
    assert np.isclose(auc_by_cluster(score, clicked, visit).auc, roc_auc_score(clicked, score), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_with_every_row_its_own_cluster_the_error_is_delongs(seed):
    score, clicked, _ = some_visits(seed, visits=40)
    pairs = (score[clicked][:, None] > score[~clicked]) + 0.5 * (score[clicked][:, None] == score[~clicked])
    variance = pairs.mean(axis=1).var() / clicked.sum() + pairs.mean(axis=0).var() / (~clicked).sum()
    error = auc_by_cluster(score, clicked, np.arange(len(score))).standard_error
    assert np.isclose(error, np.sqrt(variance), rtol=1e-9)


def test_with_visits_the_error_is_that_of_drawing_visits_again():
    score, clicked, visit = some_visits(0)
    rng, areas = np.random.default_rng(0), []
    for _ in range(300):
        rows = (rng.integers(0, 150, 150)[:, None] * 10 + np.arange(10)).ravel()
        areas.append(roc_auc_score(clicked[rows], score[rows]))
    found = auc_by_cluster(score, clicked, visit).standard_error
    assert np.isclose(found, np.std(areas), rtol=0.15)
    assert found > 1.1 * auc_by_cluster(score, clicked, np.arange(len(score))).standard_error


def test_labels_of_the_clusters_do_not_matter():
    score, clicked, visit = some_visits(1)
    assert auc_by_cluster(score, clicked, [f"v{v}" for v in visit]) == auc_by_cluster(score, clicked, visit)


@pytest.mark.parametrize(
    ("score", "clicked", "cluster", "argument"),
    [
        ([0.1, 0.2], [True], [1, 2], "clicked must have one entry"),
        ([0.1, np.nan], [True, False], [1, 2], "score"),
        ([0.1, 0.2], [True, True], [1, 2], "clicked"),
        ([0.1, 0.2], [False, False], [1, 2], "clicked"),
        ([0.1, 0.2], [True, False], [1, 1], "cluster"),
    ],
)
def test_what_has_no_area_or_no_error_is_refused(score, clicked, cluster, argument):
    with pytest.raises(ValueError, match=argument):
        auc_by_cluster(score, clicked, cluster)
