"""An A/A run finds the noise that was planted, and nothing where there is none."""

import numpy as np
import pytest

from utils.experiments.rollout.aa_run import autoregressive, noise_of_equal_versions
from utils.experiments.rollout.traffic import Traffic


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
def test_a_series_is_standard_normal_with_the_stated_correlation(persistence):
    series = autoregressive(persistence, (20_000, 3), np.random.default_rng(1))
    assert series.std(axis=0) == pytest.approx(1, abs=0.03)
    assert np.corrcoef(series[:, 1], series[:, 2])[0, 1] == pytest.approx(persistence, abs=0.03)
    assert np.corrcoef(series[:, 0], series[:, 2])[0, 1] == pytest.approx(persistence**2, abs=0.03)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_measured_noise_is_the_long_run_variance_at_that_size(share):
    """The hourly mean of an AR(1) with φ = 0.8 has 93% of the long-run variance; few counts add a little."""
    traffic = Traffic(arm_noise=0.7)
    measured = np.mean([noise_of_equal_versions(traffic, share, rng=seed) for seed in range(6)])
    assert measured == pytest.approx(0.93 * traffic.ratio_noise(share), rel=0.25)


def test_an_hour_without_slow_answers_is_an_hour_of_few():
    traffic = Traffic(per_minute=60, arm_noise=0.7)  # six an hour at 1:99, so some hours have none
    measured = np.mean([noise_of_equal_versions(traffic, 0.1, rng=seed) for seed in range(6)])
    assert measured == pytest.approx(traffic.ratio_noise(0.1), rel=0.6)


def test_counting_alone_is_no_noise():
    assert np.mean([noise_of_equal_versions(Traffic(), 0.5, rng=seed) for seed in range(6)]) < 0.003


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: autoregressive(1.0, (3,), np.random.default_rng(0)), "persistence"),
        (lambda: noise_of_equal_versions(Traffic(), 1.0, rng=0), "share"),
        (lambda: noise_of_equal_versions(Traffic(), 0.5, hours=1, rng=0), "hours"),
        (lambda: noise_of_equal_versions(Traffic(per_minute=1, slow_rate=1e-6), 0.5, rng=0), "share"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()
