"""What counts as one bet decides the error rate, and a split anew for each request meets many more users."""

import math

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout.traffic_split import compare_units, share_touched


def units(sticky, **changes):
    settings = dict(
        n_users=200_000, requests_per_user=20, share=0.1, ratio=1.25, error_rate=0.001, prone_share=0.002,
        roll_back_above=math.log(20), n_runs=300, rng=np.random.default_rng(11),
    )  # fmt: skip
    return compare_units(sticky=sticky, **(settings | changes))


def test_counting_requests_of_sticky_users_breaks_the_stated_rate_and_counting_users_keeps_it():
    sticky, anew = units(True), units(False)
    allowed = stats.binom.isf(1e-5, 300, 0.05)
    assert sticky.requests_alarm.sum() > allowed
    assert sticky.users_alarm.sum() <= allowed
    assert anew.requests_alarm.sum() <= allowed


def test_splitting_every_request_touches_many_more_users():
    assert units(True).users_touched.mean() == pytest.approx(0.1, rel=0.01)
    assert units(False).users_touched.mean() == pytest.approx(1 - 0.9**20, rel=0.01)


def test_prone_users_cannot_fail_more_often_than_always():
    with pytest.raises(ValueError, match=r"^prone_share must"):
        units(True, prone_share=0.0005)


def test_a_worse_release_is_seen_by_users():
    """Of a million users with one visit each, 900 err on the stable version and 200 where 100 would on the canary."""
    assert units(True, canary_ratio=2.0, requests_per_user=1, n_users=1_000_000, n_runs=50).users_alarm.all()
    assert units(True, canary_ratio=0.0).users_alarm.sum() == 0


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: share_touched(0, 3), "share"),
        (lambda: share_touched(0.1, 0), "requests_per_user"),
        (lambda: units(True, n_users=0), "n_users"),
        (lambda: units(True, n_users=10**11), "n_users"),
        (lambda: units(True, n_runs=10**9), "n_runs"),
        (lambda: units(True, requests_per_user=0.5), "requests_per_user"),
        (lambda: units(True, error_rate=0), "error_rate"),
        (lambda: units(True, canary_ratio=math.nan), "canary_ratio"),
        (lambda: units(True, roll_back_above=math.nan), "roll_back_above"),
        (lambda: units(True, ratio=0), "ratio"),
    ],
)
def test_a_bad_argument_is_named(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()
