"""Faults act from their minute and share on, and to their ratio."""

import math

import numpy as np
import pytest

from utils.experiments.rollout.releases import FAULTS, HEALTHY, Release


def test_faults_act_as_described():
    leak, late = FAULTS[3], FAULTS[4]
    np.testing.assert_allclose(leak.ratios(120, 0.01), [1, 4.5, 1])
    np.testing.assert_allclose(leak.ratios(900, 0.01), [1, 8, 1])
    np.testing.assert_allclose(late.ratios(0, np.array([0.1, 0.5])), [[1, 3], [1, 2], [1, 1]])
    np.testing.assert_allclose(HEALTHY[1].both_arms(30), [5, 5, 1])
    np.testing.assert_allclose(HEALTHY[1].both_arms(41), 1)
    assert [release.is_faulty for release in (*FAULTS, *HEALTHY)] == [True] * 6 + [False] * 2


def test_an_incident_that_adds_the_same_failures_to_both_dilutes_the_fault():
    added = Release("x", errors=5.0, orders=0.75, incident=(0, 40), incident_ratio=5.0, incident_adds=True)
    for at, share in ((20, 0.01), (20, np.array([0.1, 0.5])), (41, 0.01)):
        errors, slow, orders = added.ratios(at, share) * added.both_arms(at).reshape(3, *([1] * np.ndim(share)))
        np.testing.assert_allclose(errors, 9 if at == 20 else 5)  # 5 of its own and 4 of the incident
        np.testing.assert_allclose(slow, 5 if at == 20 else 1)
        np.testing.assert_allclose(orders, 0.75)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Release("x", errors=0), "errors"),
        (lambda: Release("x", errors=1e300), "errors"),
        (lambda: Release("x", slow="2"), "slow"),
        (lambda: Release("x", orders=math.nan), "orders"),
        (lambda: Release("x", incident_ratio=-1), "incident_ratio"),
        (lambda: Release("x", grows_over=-1), "grows_over"),
        (lambda: Release("x", grows_over=math.inf), "grows_over"),
        (lambda: Release("x", from_share=2), "from_share"),
        (lambda: Release("x", incident=(40, 20)), "incident"),
        (lambda: Release("x", incident=(0, math.inf)), "incident"),
        (lambda: Release("x", incident=(1, 2, 3)), "incident"),
        (lambda: Release("x", incident=20), "incident"),
        (lambda: Release("x", incident_adds=1), "incident_adds"),
    ],
)
def test_a_bad_argument_is_named(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()
