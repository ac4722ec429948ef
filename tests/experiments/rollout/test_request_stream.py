"""Minutes of two versions have the rates that release, incident and noise give them."""

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout.releases import FAULTS, HEALTHY, Release
from utils.experiments.rollout.request_stream import draw_minute, equal_rates, true_rates, with_fault
from utils.experiments.rollout.traffic import Traffic

CALM = np.zeros((2, 2)), np.zeros((2, 2, 2))
SHARE = np.array([0.1, 0.5])


def test_calm_rates_are_the_services_and_a_fault_multiplies_the_canarys():
    rates = true_rates(FAULTS[4], Traffic(), 0, SHARE, *CALM)  # errors ×3 and slow ×2 from half of the traffic on
    np.testing.assert_allclose(rates[0], [[0.001] * 2, [0.01] * 2, [0.35] * 2])
    np.testing.assert_allclose(rates[1], [[0.001, 0.003], [0.01, 0.02], [0.35, 0.35]])


def test_an_incident_and_shared_noise_multiply_both_versions_and_own_noise_one():
    shared, own = np.log([[2.0], [3.0]]), np.zeros((2, 2, 1))
    own[1, 0] = np.log(1.5)
    rates = equal_rates(HEALTHY[1], Traffic(), 30, shared, own)[..., 0]
    np.testing.assert_allclose(rates, [[0.01, 0.15, 0.35], [0.015, 0.15, 0.35]])


def test_no_rate_passes_one_and_a_fault_acts_on_what_is_left_below():
    shared, own = np.full((2, 1), 9.0), np.zeros((2, 2, 1))
    equal = equal_rates(Release("x"), Traffic(), 0, shared, own)
    assert equal.max() == 1
    assert with_fault(equal, Release("x", errors=1e9), 0, np.array([0.1])).max() == 1
    assert equal[1, 0, 0] == 1  # left as they were


def test_draws_are_poisson_visits_and_binomial_events():
    traffic, share = Traffic(per_minute=1_000), np.full(20_000, 0.2)
    rates = np.broadcast_to(np.array([0.1, 0.2, 0.3])[None, :, None], (2, 3, 20_000))
    visits, events = draw_minute(rates, traffic, share, np.random.default_rng(3))
    for arm, mean in enumerate((800, 200)):
        assert visits[arm].mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 20_000))
        assert visits[arm].var() == pytest.approx(mean, rel=0.35)
        assert stats.binomtest(int(events[arm, 2].sum()), int(visits[arm].sum()), 0.3).pvalue > 1e-4
