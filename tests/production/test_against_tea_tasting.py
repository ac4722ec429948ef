"""Our tests of means, ratios, CUPED, sample ratio and power give the numbers of tea-tasting.

tea-tasting brings pyarrow, which the course leaves out of its own environment: run with `make test-production`.
"""

import numpy as np
import pytest

from utils.experiments.ab_testing.inference import cuped, ratio_test, welch_test
from utils.experiments.ab_testing.multiplicity import benjamini_hochberg, holm
from utils.experiments.ab_testing.power import sample_size
from utils.experiments.assignment import srm_test

tt = pytest.importorskip("tea_tasting", reason="tea-tasting lives in its own environment: make test-production")
pa = pytest.importorskip("pyarrow", reason="pyarrow comes with tea-tasting: make test-production")


@pytest.fixture(scope="module")
def users():
    """Heavy-tailed revenue that a pre-period predicts, a tenth more of it in treatment, arms of unequal size."""
    rng = np.random.default_rng(21)
    n = 3_000
    variant = (rng.random(n) < 0.3).astype(np.int64)
    activity = rng.lognormal(0.0, 0.6, n)
    sessions = 1.0 + rng.poisson(4 * activity)
    before = rng.gamma(2.0, 3.0, n) * activity
    orders = rng.binomial(sessions.astype(int), 0.2 + 0.02 * variant).astype(float)
    revenue = orders * rng.lognormal(2.5, 0.7, n)
    return {"variant": variant, "sessions": sessions, "orders": orders, "revenue": revenue, "before": before}


@pytest.fixture(scope="module")
def theirs(users):
    experiment = tt.Experiment(
        revenue=tt.Mean("revenue"),
        orders_per_session=tt.RatioOfMeans("orders", "sessions"),
        revenue_cuped=tt.Mean("revenue", covariate="before"),
        sample_ratio=tt.SampleRatio({0: 7, 1: 3}, method="norm", correction=False),
    )
    return experiment.analyze(pa.table(users))


def arms(users, column):
    values = users[column] if isinstance(column, str) else column
    return values[users["variant"] == 0], values[users["variant"] == 1]


def assert_same_test(ours, reference, rel=1e-9):
    assert ours.difference == pytest.approx(reference.effect_size, rel=rel)
    assert ours.statistic == pytest.approx(reference.statistic, rel=rel)
    assert ours.pvalue == pytest.approx(reference.pvalue, rel=rel)
    assert (ours.low, ours.high) == pytest.approx(
        (reference.effect_size_ci_lower, reference.effect_size_ci_upper), rel=rel
    )


def test_welch_is_their_mean(users, theirs):
    assert_same_test(welch_test(*arms(users, "revenue")), theirs["revenue"])


def test_delta_method_is_their_ratio_of_means(users, theirs):
    orders, sessions = arms(users, "orders"), arms(users, "sessions")
    assert_same_test(ratio_test(orders[0], sessions[0], orders[1], sessions[1]), theirs["orders_per_session"])


def test_cuped_is_their_mean_with_a_covariate(users, theirs):
    """Both pool the slope over the two arms."""
    adjusted = cuped(users["revenue"], users["before"]).adjusted
    assert_same_test(welch_test(*arms(users, adjusted)), theirs["revenue_cuped"])


def test_sample_ratio_is_theirs(users, theirs):
    counts = np.bincount(users["variant"])
    assert srm_test(counts, [0.7, 0.3]).pvalue == pytest.approx(theirs["sample_ratio"].pvalue)


def test_sample_size_is_theirs_up_to_the_t_distribution(users):
    """They use t with the sample's own degrees of freedom, we the normal: less than a thousandth at this size."""
    revenue = users["revenue"]
    metric = tt.Mean("revenue", alpha=0.05, power=0.8, effect_size=1.0)
    result = metric.solve_power(pa.table(users), "n_obs")[0]
    ours = 2 * sample_size(1.0 / revenue.std(ddof=1))
    assert ours == pytest.approx(result.n_obs, rel=0.001)


def test_corrections_are_theirs(users, theirs):
    metrics = ["revenue", "orders_per_session", "revenue_cuped"]
    pvalues = [theirs[name].pvalue for name in metrics]
    fdr = tt.adjust_fdr(theirs, metrics, arbitrary_dependence=False)
    fwer = tt.adjust_fwer(theirs, metrics, arbitrary_dependence=True, method="bonferroni")
    for ours, reference in ((benjamini_hochberg(pvalues), fdr), (holm(pvalues), fwer)):
        np.testing.assert_allclose(ours.adjusted, _adjusted(reference, metrics))


def _adjusted(corrected, metrics):
    rows = {row["metric"]: row["pvalue_adj"] for row in corrected.to_dicts()}
    return [rows[name] for name in metrics]
