"""Error rates and exposure of a step's test agree with Wald, Ville and simulated paths."""

import math

import numpy as np
import pytest

from utils.experiments.rollout.operating_characteristics import exposure, step_error_rates


@pytest.mark.parametrize(("share", "ratio"), [(0.01, 4), (0.1, 2), (0.5, 1.5), (0.1, 0.5)])
def test_exact_error_rates_keep_wald_and_ville(share, ratio):
    boundaries = {"roll_back_above": math.log(180), "promote_below": math.log(0.01)}
    healthy = step_error_rates(share, ratio, 1.0, **boundaries)
    faulty = step_error_rates(share, ratio, ratio, **boundaries)
    assert 0.25 / 180 < healthy.rolls_back <= 1 / 180  # overshoot costs a factor, never more than four here
    assert 0.25 * 0.01 < faulty.promotes <= 0.01
    for result in (healthy, faulty):
        assert result.rolls_back + result.promotes + result.undecided == pytest.approx(1, abs=1e-9)


def test_exact_error_rates_agree_with_simulated_paths():
    share, ratio, n = 0.1, 2.0, 4_000
    boundaries = {"roll_back_above": 2.0, "promote_below": -2.0}
    exact = step_error_rates(share, ratio, 1.4, **boundaries, max_events=300)
    chance = share * 1.4 / (1 + share * 0.4)
    hits = np.random.default_rng(3).random((n, 300)) < chance
    walk = np.cumsum(np.where(hits, math.log(2), 0.0) - math.log1p(share), axis=1)
    crossed = (walk >= 2) | (walk <= -2)
    stopped = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 299)
    up = walk[np.arange(n), stopped] >= 2
    deviation = math.sqrt(exact.rolls_back * (1 - exact.rolls_back) / n)
    assert abs(up.mean() - exact.rolls_back) < 4.5 * deviation  # two-sided 7e-6
    used = (stopped + 1).astype(float)
    assert abs(used.mean() - exact.mean_events) < 4.5 * used.std() / math.sqrt(n)
    assert abs((~crossed.any(axis=1)).mean() - exact.undecided) < 0.02


@pytest.mark.parametrize(("true_ratio", "probability"), [(2.0, 0.9), (3.0, 0.5)])
def test_exposure_is_the_first_look_at_which_enough_rollouts_are_back(true_ratio, probability):
    test = {"roll_back_above": math.log(180), "promote_below": math.log(0.01)}
    looks = exposure(0.1, 2.0, true_ratio, **test, probability=probability)
    back = [step_error_rates(0.1, 2.0, true_ratio, **test, max_events=n).rolls_back for n in (looks - 1, looks)]
    assert back[0] < probability <= back[1]


def test_exposure_in_windows_agrees_with_simulated_windows():
    share, ratio, events, n = 0.01, 2.0, 100, 4_000
    test = {"roll_back_above": 5.0, "promote_below": -4.0}
    looks = exposure(share, ratio, 2.5, **test, events_per_look=events, probability=0.8)
    chance = share * 2.5 / (1 + share * 1.5)
    hits = np.random.default_rng(5).binomial(events, chance, (n, looks)).cumsum(axis=1)
    walk = hits * math.log(2) - events * np.arange(1, looks + 1) * math.log1p(share)
    up, down = walk >= 5, walk <= -4
    first = [np.where(side.any(axis=1), side.argmax(axis=1), looks) for side in (up, down)]
    deviation = math.sqrt(0.2 * 0.8 / n)
    assert (first[0] < first[1]).mean() > 0.8 - 4.5 * deviation  # one-sided 3e-6
    assert ((first[0] < first[1]) & (first[0] < looks - 1)).mean() < 0.8 + 4.5 * deviation


def test_exposure_says_when_no_number_of_looks_is_enough():
    with pytest.raises(ValueError, match=r"^probability must be one the test can reach, got 0\.99"):
        exposure(0.1, 2.0, 1.0, roll_back_above=5, promote_below=-5)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: step_error_rates(0.1, 1, 1, roll_back_above=3, promote_below=-3), "promote_below"),
        (lambda: step_error_rates(0.1, 2, 0, roll_back_above=3, promote_below=-3), "true_ratio"),
        (lambda: exposure(1.0, 2, 2, roll_back_above=3, promote_below=-3), "share"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, events_per_look=0), "events_per_look"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, probability=1), "probability"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, max_looks=math.nan), "max_looks"),
        (lambda: step_error_rates(0.1, 2, 1, roll_back_above=3, promote_below=0), "promote_below"),
        (lambda: step_error_rates(0.1, 2, 1, roll_back_above=0, promote_below=-3), "promote_below"),
        (lambda: step_error_rates(0.1, 2, 1, roll_back_above=math.inf, promote_below=-3), "roll_back_above"),
        (lambda: step_error_rates(0.1, 1e10, 1, roll_back_above=3, promote_below=-3), "ratio"),
        (lambda: step_error_rates(0.1, 2, 1, roll_back_above=3, promote_below=-3, max_events=1e9), "max_events"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, events_per_look=1e9), "events_per_look"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()
