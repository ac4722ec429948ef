"""Off-policy estimators against exact expectations, statsmodels and coverage measured on known truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from utils.learning.feedback.off_policy import clipped_ips, doubly_robust, effective_sample_size, ips, snips

# Two contexts, three actions: who chooses what, and what it pays.
CONTEXT = np.array([0.3, 0.7])
LOGGING = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
TARGET = np.array([[0.1, 0.2, 0.7], [0.5, 0.2, 0.3]])
MEAN = np.array([[0.2, 0.4, 0.6], [0.5, 0.1, 0.3]])
TRUE_VALUE = (CONTEXT[:, None] * TARGET * MEAN).sum()


def _log(n: int, seed: int):
    rng = np.random.default_rng(seed)
    context = rng.choice(2, size=n, p=CONTEXT)
    action = (rng.random(n)[:, None] > LOGGING[context].cumsum(axis=1)).sum(axis=1)
    reward = (rng.random(n) < MEAN[context, action]).astype(float)
    return context, action, reward, LOGGING[context, action], TARGET[context, action]


def _estimates(n: int, seed: int) -> dict:
    context, action, *log = _log(n, seed)
    wrong = 0.6 * MEAN + 0.1
    return {
        "ips": ips(*log),
        "snips": snips(*log),
        "doubly robust": doubly_robust(
            *log,
            predicted_logged=wrong[context, action],
            predicted_target=(TARGET * wrong).sum(axis=1)[context],
        ),
        "clipped": clipped_ips(*log, max_weight=2.0),
    }


@pytest.fixture(scope="module")
def replications() -> dict:
    runs = [_estimates(1_000, seed) for seed in range(600)]
    return {name: [run[name] for run in runs] for name in runs[0]}


@pytest.mark.parametrize("name", ["ips", "snips", "doubly robust"])
def test_interval_covers_the_truth_at_its_level(replications, name):
    covered = np.mean([run.low <= TRUE_VALUE <= run.high for run in replications[name]])
    # 600 intervals at 95%: four binomial standard errors are 0.036.
    assert abs(covered - 0.95) < 0.036


@pytest.mark.parametrize("name", ["ips", "snips", "doubly robust"])
def test_estimator_is_right_on_average(replications, name):
    values = np.array([run.value for run in replications[name]])
    # Four standard errors of the mean of 600; the bias of order 1/n of the self-normalized one is far below.
    assert abs(values.mean() - TRUE_VALUE) < 4 * values.std() / np.sqrt(600)


@pytest.mark.parametrize("name", ["ips", "snips", "doubly robust", "clipped"])
def test_standard_error_is_the_spread_between_logs(replications, name):
    spread = np.std([run.value for run in replications[name]], ddof=1)
    # The relative error of a standard deviation from 600 values is 1 / sqrt(1,200) = 2.9%; four of them.
    assert np.mean([run.standard_error for run in replications[name]]) == pytest.approx(spread, rel=0.12)


def test_clipped_interval_covers_the_clipped_mean_and_not_the_truth(replications):
    weight = np.minimum(TARGET / LOGGING, 2.0)
    clipped_mean = (CONTEXT[:, None] * LOGGING * weight * MEAN).sum()
    assert clipped_mean < TRUE_VALUE
    covers = [
        (run.low <= clipped_mean <= run.high, run.low <= TRUE_VALUE <= run.high) for run in replications["clipped"]
    ]
    clipped, truth = np.mean(covers, axis=0)
    assert abs(clipped - 0.95) < 0.036
    assert truth < 0.1


def test_self_normalizing_and_a_model_reduce_the_spread(replications):
    spread = {name: np.std([run.value for run in runs]) for name, runs in replications.items()}
    assert spread["snips"] < spread["ips"]
    assert spread["doubly robust"] < spread["ips"]
    assert spread["clipped"] < spread["ips"]


def test_effective_sample_size_has_its_expectation():
    *_, propensity, target = _log(200_000, 0)
    # Kong's ratio: n E[w]^2 / E[w^2] under the logging policy.
    expected = 1 / (CONTEXT[:, None] * TARGET**2 / LOGGING).sum()
    assert effective_sample_size(target / propensity) / 200_000 == pytest.approx(expected, rel=0.01)
    assert ips(np.ones(200_000), propensity, target).effective_sample_size == pytest.approx(
        expected * 200_000, rel=0.01
    )


def test_effective_sample_size_does_not_depend_on_the_scale():
    weights = np.random.default_rng(1).pareto(2, 500)
    assert effective_sample_size(weights) == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert effective_sample_size(weights * 1e200) == pytest.approx(effective_sample_size(weights))
    assert effective_sample_size([0, 0]) == 0


def test_ips_interval_is_the_normal_interval_of_the_weighted_rewards():
    *_, reward, propensity, target = _log(500, 2)
    reference = DescrStatsW(reward * target / propensity)
    estimate = ips(reward, propensity, target, level=0.9)
    assert estimate.value == pytest.approx(reference.mean)
    assert estimate.standard_error == pytest.approx(reference.std_mean)
    assert (estimate.low, estimate.high) == pytest.approx(reference.zconfint_mean(alpha=0.1))


def test_self_normalized_value_is_statsmodels_weighted_mean():
    *_, reward, propensity, target = _log(500, 3)
    estimate = snips(reward, propensity, target)
    assert estimate.value == pytest.approx(DescrStatsW(reward, weights=target / propensity).mean)
    shifted = snips(reward + 100, propensity, target)
    assert shifted.value == pytest.approx(estimate.value + 100)
    assert shifted.standard_error == pytest.approx(estimate.standard_error)


def test_self_normalized_error_agrees_with_the_jackknife():
    *_, reward, propensity, target = _log(400, 4)
    weight = target / propensity
    left_out = ((weight * reward).sum() - weight * reward) / (weight.sum() - weight)
    jackknife = np.sqrt(399 / 400 * ((left_out - left_out.mean()) ** 2).sum())
    assert snips(reward, propensity, target).standard_error == pytest.approx(jackknife, rel=0.02)


def test_a_cap_above_every_weight_changes_nothing():
    *_, reward, propensity, target = _log(300, 5)
    assert clipped_ips(reward, propensity, target, max_weight=100) == ips(reward, propensity, target)
    capped = np.minimum(target / propensity, 1)
    estimate = clipped_ips(reward, propensity, target, max_weight=1)
    assert estimate.effective_sample_size == pytest.approx(capped.sum() ** 2 / (capped**2).sum())


def test_doubly_robust_is_exact_with_the_right_model_and_wrong_propensities():
    context, action, _, propensity, target = _log(4_000, 6)
    estimate = doubly_robust(
        MEAN[context, action],
        np.clip(propensity * 0.3 + 0.2, 0, 1),
        target,
        predicted_logged=MEAN[context, action],
        predicted_target=(TARGET * MEAN).sum(axis=1)[context],
    )
    assert estimate.value == pytest.approx((TARGET * MEAN).sum(axis=1)[context].mean())


def test_same_policy_gives_the_sample_mean():
    *_, reward, propensity, _ = _log(300, 7)
    for estimate in (ips(reward, propensity, propensity), snips(reward, propensity, propensity)):
        assert estimate.value == pytest.approx(reward.mean())
        assert estimate.effective_sample_size == pytest.approx(300)


def test_without_overlap_ips_misses_and_the_sample_size_says_so():
    rng = np.random.default_rng(8)
    n = 2_000
    rare = rng.random(n) < 1e-4
    propensity, target = np.where(rare, 1e-4, 1 - 1e-4), np.where(rare, 0.99, 0.01)
    estimate = ips(np.where(rare, 1.0, 0.0) + 0.1, propensity, target)
    # The chance that none of 2,000 rows is rare is 82%: this seed is one of those, and the estimate is the other arm's.
    assert not rare.any()
    assert estimate.value < 0.01
    assert estimate.high < 1.0


def test_level_moves_the_interval_as_the_normal_quantile_does():
    *_, reward, propensity, target = _log(300, 9)
    wide, narrow = (ips(reward, propensity, target, level=level) for level in (0.99, 0.8))
    ratio = stats.norm.ppf(0.995) / stats.norm.ppf(0.9)
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(ratio)


def test_a_weight_too_large_to_square_is_refused_and_may_be_clipped():
    reward, propensity, target = [1, 1], [1e-310, 0.5], [1, 0.5]
    for estimate in (ips, snips):
        with pytest.raises(ValueError, match="propensity must not be so small"):
            estimate(reward, propensity, target)
    assert clipped_ips(reward, propensity, target, max_weight=9).value == 5
    assert ips([1e70, 1], [1e-70, 1], [1, 1]).value == pytest.approx(5e139)
    with pytest.raises(ValueError, match="reward must lie in"):
        ips([1e71, 1], [0.5, 1], [1, 1])


def test_rows_labeled_in_another_order_are_not_paired_by_place():
    reward, other = pd.Series([1.0, 0.0], index=[3, 8]), pd.Series([0.5, 0.25], index=[8, 3])
    with pytest.raises(ValueError, match="propensity must have the index of reward"):
        ips(reward, other, [1, 1])
    with pytest.raises(ValueError, match="target_propensity must have the index of propensity"):
        snips([1.0, 0.0], other, reward)
    with pytest.raises(ValueError, match="predicted_target must have the index of reward"):
        doubly_robust(reward, [0.5, 0.5], [1, 1], predicted_logged=[0, 0], predicted_target=other)
    assert ips(reward, other[reward.index], [0.5, 0.5]).value == ips([1, 0], [0.25, 0.5], [0.5, 0.5]).value


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ips([], [], []), "reward must not be empty"),
        (lambda: ips([1], [0.5], [0.5]), "reward must have at least two rows"),
        (lambda: ips([1, np.nan], [0.5, 0.5], [0.5, 0.5]), "reward must be finite"),
        (lambda: ips([1, 0], [0.5, 0], [0.5, 0.5]), "propensity must be positive, got 0"),
        (lambda: ips([1, 0], [0.5, 1.5], [0.5, 0.5]), r"propensity must lie in \[0, 1\], got 1.5"),
        (lambda: ips([1, 0], [0.5, 0.5], [0.5, -0.5]), r"target_propensity must lie in \[0, 1\], got -0.5"),
        (lambda: ips([1, 0], [0.5, 0.5, 0.5], [0.5, 0.5]), "propensity must have one entry for each of reward's 2"),
        (lambda: ips([1, 0], [0.5, 0.5], [0.5]), "target_propensity must have one entry"),
        (lambda: ips([1, 0], [[0.5, 0.5]], [0.5, 0.5]), "propensity must have one dimension"),
        (lambda: ips([1, 0], [0.5, 0.5], [0.5, 0.5], level=1.0), "level must be"),
        (lambda: ips([1, 0], [0.5, 0.5], [0.5, 0.5], level=0.05), "level must be"),
        (lambda: clipped_ips([1, 0], [0.5, 0.5], [0.5, 0.5], max_weight=0), "max_weight must be"),
        (lambda: snips([1, 0], [0.5, 0.5], [0, 0]), "target_propensity must be positive somewhere"),
        (
            lambda: doubly_robust([1, 0], [0.5, 0.5], [1, 0], predicted_logged=[1], predicted_target=[1, 0]),
            "predicted_logged must have one entry",
        ),
        (
            lambda: doubly_robust([1, 0], [0.5, 0.5], [1, 0], predicted_logged=[1, 0], predicted_target=[1, np.nan]),
            "predicted_target must be finite",
        ),
        (lambda: effective_sample_size([-1, 2]), "weights must lie in"),
        (lambda: effective_sample_size([]), "weights must not be empty"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_predictions_of_other_rows_than_the_propensities_are_refused():
    propensity = pd.Series([0.5, 0.5], index=["Ada", "Ben"])
    with pytest.raises(ValueError, match="predicted_logged must have the index of propensity"):
        doubly_robust(
            [3, 5],
            propensity,
            [1, 0],
            predicted_logged=pd.Series([3, 5], index=["Ben", "Ada"]),
            predicted_target=[3, 3],
        )
