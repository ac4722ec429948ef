"""The service's noise is what it says, and traffic that makes no sense is refused."""

import math

import numpy as np
import pytest

from utils.experiments.rollout.traffic import Noise, Traffic
from utils.world.scale import PLATTER


def test_noise_is_stationary_with_the_stated_deviation_and_autocorrelation():
    noise = Noise(0.3, 0.8, (20_000,), np.random.default_rng(9))
    before = noise.values
    noise.step()
    assert noise.values.std() == pytest.approx(0.3, rel=0.03)
    assert np.corrcoef(before, noise.values)[0, 1] == pytest.approx(0.8, abs=0.02)


def test_the_noise_of_a_ratio_is_the_long_run_variance_of_two_autoregressions():
    """The sum of n values of an AR(1) has variance n σ²(1 + φ)/(1 − φ) for large n; two arms double it."""
    series = Noise(0.2, 0.6, (4_000,), np.random.default_rng(4))
    total = np.zeros(4_000)
    for _ in range(400):
        total += series.values
        series.step()
    one_each = Traffic(arm_noise=0.2, persistence=0.6, machines=2).ratio_noise(0.5)
    assert 2 * total.var() / 400 == pytest.approx(one_each, rel=0.1)


@pytest.mark.parametrize(
    ("machines", "share", "canary", "stable"),
    [(100, 0.01, 1, 99), (100, 0.5, 50, 50), (1_000, 0.01, 10, 990), (1, 0.2, 1, 1)],
)
def test_a_version_has_its_share_of_the_machines_and_they_average_their_noise(machines, share, canary, stable):
    traffic = Traffic(arm_noise=0.3, persistence=0.0, machines=machines)
    np.testing.assert_allclose(traffic.arm_scale(share), [stable**-0.5, canary**-0.5])
    assert traffic.ratio_noise(share) == pytest.approx(0.09 * (1 / stable + 1 / canary))


def test_the_traffic_is_platters_busiest_minute():
    assert Traffic().per_minute == pytest.approx(60 * PLATTER.friday_peak_visits_per_second)
    assert Traffic().order_rate == PLATTER.orders_per_visit


def test_dropped_runs_stay_dropped_and_no_noise_is_none():
    noise = Noise(0.0, 0.8, (2, 3), np.random.default_rng(1))
    noise.step()
    noise.keep(np.array([True, False, True]))
    assert noise.values.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Traffic(per_minute=0), "per_minute"),
        (lambda: Traffic(per_minute=1e300), "per_minute"),
        (lambda: Traffic(error_rate=1), "error_rate"),
        (lambda: Traffic(slow_rate=0), "slow_rate"),
        (lambda: Traffic(order_rate=math.nan), "order_rate"),
        (lambda: Traffic(arm_noise=-1), "arm_noise"),
        (lambda: Traffic(machines=0), "machines"),
        (lambda: Traffic().ratio_noise(1.0), "share"),
        (lambda: Traffic(shared_noise=math.inf), "shared_noise"),
        (lambda: Traffic(persistence=1), "persistence"),
        (lambda: Traffic(persistence=-0.1), "persistence"),
        (lambda: Noise(-1, 0.5, (1,), np.random.default_rng(0)), "deviation"),
        (lambda: Noise(1, 1.0, (1,), np.random.default_rng(0)), "persistence"),
    ],
)
def test_a_bad_argument_is_named(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()
