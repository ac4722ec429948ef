"""Counters that cannot be used are told apart from good ones, with words that say what is wrong."""

import math
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout.counters import check_share, increase


def counts(requests, errors):
    return {"requests": requests, "errors": errors}


def test_the_increase_is_counted_from_the_last_usable_window():
    assert increase("canary", counts(150, 7), ["errors"], counts(100, 4)) == counts(50, 3)
    assert increase("canary", counts(150, 7) | {"other": math.nan}, ["errors"], {}) == counts(150, 7)


@pytest.mark.parametrize("number", [np.int64(7), np.float32(7), Decimal(7), np.array(7)])
def test_any_kind_of_number_counts(number):
    assert increase("canary", counts(150, number), ["errors"], {})["errors"] == 7


def test_every_request_may_be_an_event_and_a_counter_may_stand_still():
    assert increase("canary", counts(150, 100), ["errors"], counts(50, 0)) == counts(100, 100)
    assert increase("canary", counts(150, 4), ["errors"], counts(100, 4))["errors"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "canary must be a mapping of counters"),
        (None, "canary must be a mapping of counters"),
        ([150, 7], "canary must be a mapping of counters"),
        ({"requests": 150, 7: 1}, r"canary must count 'errors', got only \['7', 'requests'\]"),
        (counts(150, 10**400), "canary errors must be a count of 0 or more"),
        (counts(2.0**54, 0), "canary requests must be a count of 0 or more"),
        (counts(150, True), "canary errors must be a count of 0 or more, got True"),
        (counts(150, "7"), "canary errors must be a count of 0 or more, got '7'"),
        (counts(150, None), "canary errors must be a count of 0 or more"),
        (counts(150, 101), r"canary errors must not outnumber its requests, got 101 of 100"),
        (counts(49, 0), "canary requests must not go backwards, got 49 after 50"),
        (counts(50, 0), "canary must have answered requests"),
    ],
)
def test_what_is_wrong_with_a_counter_is_told(given, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        increase("canary", given, ["errors"], counts(50, 0))


def test_a_share_may_stray_by_chance_and_by_less_than_half():
    check_share(0.011, 0.01, 1e9)  # beyond chance, but near
    check_share(0.0, 0.01, 100)  # far, but by chance: nobody of a hundred
    check_share(0.02, 0.01, 1e9)
    check_share(0.005, 0.01, 1e9)
    for observed in (0.0201, 0.0049):
        with pytest.raises(ValueError, match=r"canary share must be near 1\.0%"):
            check_share(observed, 0.01, 1e9)


def test_six_deviations_are_beyond_chance():
    """A share of 3% where 1% is set lies six binomial deviations out from 891 requests on."""
    check_share(0.03, 0.01, 890)
    with pytest.raises(ValueError, match="canary share must be near"):
        check_share(0.03, 0.01, 892)
    assert 2 * stats.norm.sf(6) < 1e-8


def test_too_little_left_for_the_stable_version_is_a_wrong_share_too():
    check_share(0.75, 0.5, 1e6)
    with pytest.raises(ValueError, match=r"canary share must be near 50\.0%, got 76\.00%"):
        check_share(0.76, 0.5, 1e6)
    check_share(0.81, 0.9, 1e6)
    for observed in (0.5, 0.875):  # exactly twice and half of a quarter is near
        check_share(observed, 0.75, 1e6)
    for observed in (0.79, 0.96):  # twice and half of what was set for the stable version
        with pytest.raises(ValueError, match="canary share must be near 90"):
            check_share(observed, 0.9, 1e6)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1.1, 0.5, 10), "observed"),
        ((0.5, 1.0, 10), "intended"),
        ((0.5, 0.0, 10), "intended"),
        ((0.5, 0.5, 0), "requests"),
    ],
)
def test_a_bad_argument_is_named(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        check_share(*arguments)


def test_over_many_windows_a_share_may_be_asked_to_lie_nearer():
    for near in (0.0096, 0.0104):
        check_share(near, 0.01, 1e9, factor=1.05)
    for far in (0.0095, 0.0106):
        with pytest.raises(ValueError, match=r"canary share must be near 1\.0%"):
            check_share(far, 0.01, 1e9, factor=1.05)
    check_share(0.006, 0.01, 20_000, factor=1.05)  # within 6 deviations
    with pytest.raises(ValueError, match=r"^factor must"):
        check_share(0.01, 0.01, 100, factor=1.0)
