"""Performance without labels against scikit-learn's scores on labels drawn from the same probabilities."""

import numpy as np
import pytest
from sklearn import metrics

from utils.monitoring.drift.performance_estimation import estimate_performance


def scores(label, probability, threshold):
    predicted = probability >= threshold
    return (
        label.mean(),
        metrics.accuracy_score(label, predicted),
        metrics.precision_score(label, predicted),
        metrics.recall_score(label, predicted),
        metrics.roc_auc_score(label, probability),
        metrics.log_loss(label, probability),
    )


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_estimate_is_the_mean_of_realized_scores_when_calibrated(threshold):
    rng = np.random.default_rng(1)
    probability = np.round(rng.beta(2, 3, size=1_500), 2)  # rounded: ties
    draws = np.array([scores(rng.random(1_500) < probability, probability, threshold) for _ in range(60)])
    estimate = estimate_performance(probability, threshold=threshold)
    error = draws.std(axis=0) / np.sqrt(len(draws))
    expected = np.array([estimate[0], estimate[1], *estimate[3:]])
    # Ratios carry a bias of order 1/n beside the Monte Carlo error, hence the 1e-3.
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - expected), 4 * error + 1e-3)
    assert draws[:, 1].std() == pytest.approx(estimate.accuracy_standard_error, rel=0.35)


def test_expected_auc_counts_every_pair():
    p = np.array([0.2, 0.5, 0.5, 0.9])
    order = (p[:, None] > p) + 0.5 * (p[:, None] == p)
    weight = p[:, None] * (1 - p) * (1 - np.eye(4))
    assert estimate_performance(p).auc == pytest.approx((weight * order).sum() / weight.sum())


def test_estimate_follows_shifted_inputs_and_misses_a_changed_law():
    rng = np.random.default_rng(2)
    n = 40_000
    probability = rng.beta(1, 1, size=n)
    sharper = rng.beta(0.3, 0.3, size=n)
    for p in (probability, sharper):
        realized = metrics.accuracy_score(rng.random(n) < p, p >= 0.5)
        estimate = estimate_performance(p)
        assert abs(realized - estimate.accuracy) < 4 * estimate.accuracy_standard_error
    assert estimate_performance(sharper).accuracy > estimate_performance(probability).accuracy + 0.05
    flipped = rng.random(n) < 1 - probability
    assert metrics.accuracy_score(flipped, probability >= 0.5) < estimate_performance(probability).accuracy - 0.4


def test_certain_predictions_have_no_uncertainty():
    estimate = estimate_performance([0.0, 1.0, 1.0])
    assert estimate == (2 / 3, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0)
    nothing = estimate_performance([0.0, 0.0])
    assert np.isnan([nothing.precision, nothing.recall, nothing.auc]).all()


@pytest.mark.parametrize("probability", [[], [[0.5]], [1.2], [0.5, -0.1], [0.5, np.nan], ["0.5"], 0.5])
def test_what_are_no_probabilities_is_refused(probability):
    with pytest.raises(ValueError, match=r"^probability must .*got .*; "):
        estimate_performance(probability)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan, "0.5"])
def test_a_threshold_outside_is_refused(threshold):
    with pytest.raises(ValueError, match=r"^threshold must be from 0 to 1, got .*; "):
        estimate_performance([0.5], threshold=threshold)


def test_a_row_at_the_threshold_is_predicted_positive():
    assert estimate_performance([0.5], threshold=0.5).recall == 1.0
    assert estimate_performance([0.5], threshold=1).recall == 0.0
    assert estimate_performance([0.5], threshold=0).precision == 0.5
