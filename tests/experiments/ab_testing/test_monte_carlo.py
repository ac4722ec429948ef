"""The experiment simulator draws what it says, and its tests are scipy's."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.experiments.ab_testing import monte_carlo
from utils.experiments.ab_testing.monte_carlo import ever_crosses, resample, simulate_experiments, simulate_z_paths


def recorded(values):
    """A draw function that hands out the prepared array, so that scipy can test the same numbers."""
    return lambda rng, shape: values.reshape(shape)


@pytest.mark.parametrize("effect", [0.0, -0.4])
def test_every_look_is_welchs_test_of_the_users_so_far(effect):
    values = np.random.default_rng(1).lognormal(size=(3, 2, 4, 5))
    ours = simulate_experiments(recorded(values), n_experiments=3, users_per_arm=20, looks=4, effect=effect)
    for look in range(4):
        so_far = values[:, :, : look + 1].reshape(3, 2, -1)
        reference = stats.ttest_ind(so_far[:, 1] + effect, so_far[:, 0], axis=1, equal_var=False)
        np.testing.assert_allclose(ours.pvalue[:, look], reference.pvalue)
        np.testing.assert_allclose(ours.statistic[:, look], reference.statistic)
        np.testing.assert_allclose(ours.difference[:, look] / ours.standard_error[:, look], reference.statistic)


def test_batches_cover_every_experiment_once(monkeypatch):
    monkeypatch.setattr(monte_carlo, "VALUES_PER_BATCH", 300)
    sizes = []

    def draw(rng, shape):
        sizes.append(shape)
        return rng.standard_normal(shape)

    result = simulate_experiments(draw, n_experiments=100, users_per_arm=10, looks=2)
    assert result.pvalue.shape == (100, 2)
    assert [shape[0] for shape in sizes] == [15] * 6 + [10]
    assert set(shape[1:] for shape in sizes) == {(2, 2, 5)}


def test_a_a_pvalues_are_uniform():
    result = simulate_experiments(
        lambda rng, shape: rng.standard_normal(shape), n_experiments=4_000, users_per_arm=100, rng=2
    )
    assert stats.kstest(result.pvalue[:, 0], "uniform").pvalue > 0.001


def test_same_seed_gives_the_same_experiments_and_another_seed_others():
    settings = {"n_experiments": 5, "users_per_arm": 10}
    first = simulate_experiments(resample([0.0, 1.0, 5.0]), **settings, rng=3).statistic
    unsaid, zero = (simulate_experiments(resample([0.0, 1.0]), **settings, **seed) for seed in ({}, {"rng": 0}))
    np.testing.assert_array_equal(unsaid.statistic, zero.statistic)
    np.testing.assert_array_equal(first, simulate_experiments(resample([0.0, 1.0, 5.0]), **settings, rng=3).statistic)
    assert not np.array_equal(first, simulate_experiments(resample([0.0, 1.0, 5.0]), **settings, rng=4).statistic)
    np.testing.assert_array_equal(
        simulate_z_paths(n_experiments=5, looks=3), simulate_z_paths(n_experiments=5, looks=3, drift=0.0, rng=0)
    )


def test_resampling_draws_each_user_equally_often_and_centers_the_metric():
    values = np.array([0.0, 10.0, 20.0, 70.0])
    drawn = resample(values)(np.random.default_rng(5), (40_000,))
    levels, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_allclose(levels, values - 25.0)
    assert stats.chisquare(counts).pvalue > 0.001


def test_z_paths_have_unit_variance_their_drift_and_the_correlation_of_a_random_walk():
    """20,000 paths: means lie within four standard errors 1/√n, correlations within four of 1/√n."""
    z = simulate_z_paths(n_experiments=20_000, looks=8, drift=1.5, rng=6)
    bound = 4 / np.sqrt(20_000)
    np.testing.assert_allclose(z.mean(axis=0), 1.5 * np.sqrt(np.arange(1, 9) / 8), atol=bound)
    np.testing.assert_allclose(z.std(axis=0), 1.0, atol=bound)
    assert np.corrcoef(z[:, 1], z[:, 7])[0, 1] == pytest.approx(np.sqrt(2 / 8), abs=bound)


def test_crossing_counts_either_side_and_any_look():
    z = np.array([[0.0, 1.0], [2.5, 0.0], [0.0, -2.5], [1.9, 1.9]])
    assert ever_crosses(z, 2.0).tolist() == [False, True, True, False]
    assert ever_crosses(z, [3.0, 1.0]).tolist() == [True, False, True, True]


@pytest.mark.parametrize("offset", [1e3, 1e7, 1e9])
def test_a_large_offset_loses_no_digits(offset):
    values = np.random.default_rng(7).standard_normal((5, 2, 3, 40))
    sizes = {"n_experiments": 5, "users_per_arm": 120, "looks": 3, "effect": 0.3}
    plain, moved = (simulate_experiments(recorded(values + d), **sizes).statistic for d in (0.0, offset))
    np.testing.assert_allclose(moved, plain, rtol=1e-15 * offset + 1e-9, atol=1e-6)


def test_an_offset_costs_no_digits_where_it_is_long_for_one_experiment_or_for_the_unit_only():
    values = np.random.default_rng(7).standard_normal((5, 2, 3, 40))
    offset = np.array([1e6, 0, 0, 0, 0])[:, None, None, None]  # of the first experiment in the batch
    sizes = {"n_experiments": 5, "users_per_arm": 120, "looks": 3}
    wanted = simulate_experiments(recorded(values), **sizes).statistic
    for moved in (values + offset, 1e-5 * values + 1, 1e-5 * values - 1):
        found = simulate_experiments(recorded(moved), **sizes).statistic
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("values", [(19.99, 19.99), (0.1, 0.3), (0.0, 1.0), (1 / 3, 1e6 / 3), (1e7 + 0.1, 1 / 3)])
def test_an_arm_of_one_value_each_is_refused(values):
    def draw(rng, shape):
        return np.broadcast_to(np.array(values)[None, :, None, None], shape)

    with pytest.raises(ValueError, match="control and treatment must vary"):
        simulate_experiments(draw, n_experiments=3, users_per_arm=700, looks=7)


def test_one_arm_of_one_value_is_tested_against_the_spread_of_the_other():
    values = np.random.default_rng(8).standard_normal((1, 2, 1, 30)) + 5
    values[:, 1] = 19.99
    ours = simulate_experiments(recorded(values), n_experiments=1, users_per_arm=30)
    assert ours.pvalue[0, 0] == pytest.approx(stats.ttest_1samp(values[0, 0, 0], 19.99).pvalue)


def test_draws_of_truth_values_and_of_whole_numbers_are_numbers():
    clicks = np.random.default_rng(9).random((2, 2, 1, 50)) < 0.3
    sizes = {"n_experiments": 2, "users_per_arm": 50}
    first, *others = (simulate_experiments(recorded(clicks.astype(kind)), **sizes) for kind in (float, bool, np.int8))
    for other in others:
        np.testing.assert_array_equal(other.statistic, first.statistic)


def test_a_boundary_meets_its_looks_by_label():
    z = pd.DataFrame([[3.0, 1.0]], columns=["mon", "tue"])
    assert not ever_crosses(z, pd.Series([2.0, 4.0], index=["tue", "mon"])).any()


NORMAL = resample([0.0, 1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate_experiments(NORMAL, n_experiments=0, users_per_arm=4), "n_experiments must be a whole"),
        (lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=1), "users_per_arm must be a whole"),
        (lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=9, looks=2), "a multiple of looks"),
        (lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=9, looks=0), "looks must be a whole"),
        (lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=5, looks=5), "users_per_arm must be a"),
        (lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=9, effect=np.nan), "effect must be"),
        (
            lambda: simulate_experiments(NORMAL, n_experiments=1, users_per_arm=10**9),
            "users_per_arm must be at most 10,000,000",
        ),
        (
            lambda: simulate_experiments(NORMAL, n_experiments=10**9, users_per_arm=4),
            "n_experiments must be at most 50,000,000",
        ),
        (lambda: simulate_z_paths(n_experiments=10**5, looks=10**3), "n_experiments must be at most 50,000"),
        (
            lambda: simulate_experiments(lambda rng, shape: np.ones(3), n_experiments=1, users_per_arm=4),
            r"draw must return numbers of shape \(1, 2, 1, 4\), got float64 of \(3,\)",
        ),
        (
            lambda: simulate_experiments(lambda rng, shape: np.full(shape, "a"), n_experiments=1, users_per_arm=4),
            "draw must return numbers",
        ),
        (
            lambda: simulate_experiments(resample([19.99] * 7), n_experiments=9, users_per_arm=50, looks=2),
            "control and treatment must vary",
        ),
        (lambda: ever_crosses([[1.0, 2.0]], 0.0), "boundary must be positive"),
        (lambda: ever_crosses([[1.0, 2.0]], [2.0, -1.0]), "boundary must be positive"),
        (lambda: resample([1.0]), "values must hold at least 2"),
        (lambda: resample([[1.0, 2.0]]), "values must have one axis"),
        (lambda: resample([1.0, np.nan]), "values must be finite"),
        (lambda: simulate_z_paths(n_experiments=-1, looks=2), "n_experiments must be a whole"),
        (lambda: simulate_z_paths(n_experiments=1, looks=0), "looks must be a whole"),
        (lambda: simulate_z_paths(n_experiments=1, looks=2, drift=np.inf), "drift must be a number"),
        (lambda: ever_crosses([1.0, 2.0], 2.0), "boundary must be one z or one a look"),
        (lambda: ever_crosses([[1.0, 2.0, 3.0]], [2.0, 2.0]), "boundary must be one z or one a look"),
        (lambda: ever_crosses([[1.0, np.nan]], 2.0), "statistic must be finite"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_two_users_a_look_are_enough_and_one_is_not():
    normal = {"draw": lambda rng, shape: rng.standard_normal(shape), "n_experiments": 3, "looks": 5}
    assert simulate_experiments(**normal, users_per_arm=10).pvalue.shape == (3, 5)
    with pytest.raises(ValueError, match="users_per_arm"):
        simulate_experiments(**normal, users_per_arm=5)


@pytest.mark.parametrize("seed", [None, True, -1, "7"])
def test_a_seed_that_can_not_be_repeated_is_refused(seed):
    with pytest.raises(ValueError, match="rng must be a whole number of at least 0"):
        simulate_z_paths(n_experiments=1, looks=1, rng=seed)
    with pytest.raises(ValueError, match="rng must be a whole number of at least 0"):
        simulate_experiments(resample([0.0, 1.0]), n_experiments=1, users_per_arm=4, rng=seed)
