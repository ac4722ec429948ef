"""Switchbacks by loops over every schedule of a small design, and conservation laws."""

from itertools import product

import numpy as np
import pytest

from utils.experiments.ab_testing.switchback import gain, randomization_interval, randomization_pvalue

rng = np.random.default_rng(5)
CELLS = 12
COINS = np.array(list(product((0, 1), repeat=CELLS // 2)))
EVERY = np.concatenate([COINS, 1 - COINS], axis=1)  # all falls of six coins, each pair in opposite arms
VISITS = rng.integers(50, 150, CELLS).astype(float)
ORDERS = rng.poisson(0.2 * VISITS).astype(float)


def by_loop(y, on, visits):
    totals = {0: [0.0, 0.0], 1: [0.0, 0.0]}
    for outcome, arm, exposed in zip(y, on, visits, strict=True):
        totals[int(arm)][0] += outcome
        totals[int(arm)][1] += exposed
    return totals[1][0] / totals[1][1] - totals[0][0] / totals[0][1]


def test_the_gain_is_the_loop_and_turns_with_the_arms():
    every = gain(ORDERS, EVERY, VISITS)
    np.testing.assert_allclose(every, [by_loop(ORDERS, on, VISITS) for on in EVERY], rtol=1e-12)
    np.testing.assert_allclose(gain(ORDERS, 1 - EVERY, VISITS), -every, rtol=1e-12)
    np.testing.assert_allclose(gain(ORDERS + 0.05 * EVERY * VISITS, EVERY, VISITS), every + 0.05, rtol=1e-12)


def test_the_pvalue_counts_schedules_and_keeps_its_level_exactly():
    every = np.array([by_loop(ORDERS, on, VISITS) for on in EVERY])
    p = np.array([randomization_pvalue(ORDERS, on, EVERY, VISITS) for on in EVERY])
    wanted = [(1 + (np.abs(every) >= abs(g) - 1e-12).sum()) / (1 + len(every)) for g in every]
    np.testing.assert_allclose(p, wanted, rtol=1e-12)
    for level in (0.05, 0.1, 0.5):
        assert (p <= level).mean() <= level  # under the null every schedule is as likely
    assert min(p) > 0
    assert max(p) == 1


def test_the_interval_inverts_the_test_and_moves_with_the_effect():
    tried, on = np.arange(-300, 301) / 1_000, EVERY[13]
    low, high = randomization_interval(ORDERS, on, EVERY, VISITS, tried)
    for effect in tried[::20]:
        p = randomization_pvalue(ORDERS - effect * on * VISITS, on, EVERY, VISITS)
        assert (low <= effect <= high) == (p > 0.05)
    assert low < gain(ORDERS, on, VISITS) < high
    shifted = randomization_interval(ORDERS + 0.1 * on * VISITS, on, EVERY, VISITS, tried)
    assert shifted == pytest.approx((low + 0.1, high + 0.1))
    narrow = randomization_interval(ORDERS, on, EVERY, VISITS, tried, alpha=0.5)
    assert low < narrow[0] <= narrow[1] < high


def test_the_interval_covers_a_constant_effect_at_its_level():
    tried = np.arange(-200, 301) / 1_000
    held = [
        low <= 0.05 <= high
        for on in EVERY
        for low, high in [randomization_interval(ORDERS + 0.05 * on * VISITS, on, EVERY, VISITS, tried)]
    ]
    assert 0.95 <= np.mean(held) < 1


def test_malformed_runs_are_refused():
    ones, half = [1.0] * 4, [0, 1, 0, 1]
    cases = [
        (lambda: gain(ones, [0, 1, 2, 1], ones), "on must be 0 or 1"),
        (lambda: gain(ones, [1] * 4, ones), "exposure in both arms"),
        (lambda: gain(ones, [0] * 4, ones), "exposure in both arms"),
        (lambda: gain(ones, [0, 1, 0], ones), "one entry a cell"),
        (lambda: gain([1, 2, 3], half, ones), "one entry a cell"),
        (lambda: gain(ones, half, [-1, 1, 1, 1]), "exposure"),
        (lambda: gain([np.nan, 1, 1, 1], half, ones), "outcomes"),
        (lambda: randomization_pvalue(ones, half, half, ones), "shape \\(draws, cells\\)"),
        (lambda: randomization_pvalue([ones, ones], half, [half], ones), "shape \\(draws, cells\\)"),
        (lambda: randomization_interval(ones, half, [half], ones, [0.0, 1.0]), "tried must reach"),
        (lambda: randomization_interval(ORDERS, EVERY[3], EVERY, VISITS, [-0.3, 0.3]), "tried must reach"),
        (lambda: randomization_interval(ones, half, [half], ones, [0.0], alpha=2), "alpha"),
    ]
    for call, said in cases:
        with pytest.raises(ValueError, match=said):
            call()
