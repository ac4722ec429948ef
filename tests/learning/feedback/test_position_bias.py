"""Position bias: examination from randomized swaps and weighted click rates, against a known examination curve."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.learning.feedback.position_bias import click_rates, estimate_examination

EXAMINATION = np.array([0.9, 0.55, 0.4, 0.25, 0.15])


def _swap_log(n: int, seed: int):
    """Sessions in which a coin swaps the item at the top, liked by 0.5, with the one at k, liked by 0.3."""
    rng = np.random.default_rng(seed)
    swapped_with = rng.integers(2, 6, size=n)
    is_swapped = rng.random(n) < 0.5
    rows = []
    for likes, at_top in ((0.5, ~is_swapped), (0.3, is_swapped)):
        position = np.where(at_top, 1, swapped_with)
        rows.append((position, rng.random(n) < likes * EXAMINATION[position - 1], swapped_with))
    return tuple(map(np.concatenate, zip(*rows, strict=True)))


def test_examination_is_recovered_within_its_interval():
    estimate = estimate_examination(*_swap_log(80_000, 0), level=0.9999)
    truth = EXAMINATION / EXAMINATION[0]
    assert estimate.position.tolist() == [1, 2, 3, 4, 5]
    assert estimate.examination[0] == 1
    assert np.isnan([estimate.low[0], estimate.high[0]]).all()
    assert ((estimate.low <= truth) & (truth <= estimate.high))[1:].all()
    # About 20,000 impressions at each place: relative error of a click rate near 0.1 is 2%; five of them.
    assert estimate.examination == pytest.approx(truth, rel=0.1)


def test_interval_covers_at_its_level():
    truth = (EXAMINATION / EXAMINATION[0])[1:]
    runs = [estimate_examination(*_swap_log(4_000, seed), level=0.9) for seed in range(300)]
    covered = np.mean([(run.low[1:] <= truth) & (truth <= run.high[1:]) for run in runs])
    # 1,200 intervals at 90%: four binomial standard errors are 0.035.
    assert abs(covered - 0.9) < 0.035


def test_ratio_and_interval_are_scipys_relative_risk():
    position, clicked, swapped_with = [1] * 40 + [3] * 50, [1] * 20 + [0] * 20 + [1] * 10 + [0] * 40, [3] * 90
    estimate = estimate_examination(position, clicked, swapped_with)
    reference = stats.contingency.relative_risk(10, 50, 20, 40)
    interval = reference.confidence_interval(0.95)
    assert estimate.position.tolist() == [1, 3]
    assert estimate.examination[1] == pytest.approx(reference.relative_risk)
    assert (estimate.low[1], estimate.high[1]) == pytest.approx((interval.low, interval.high))
    assert estimate.impressions.tolist() == [40, 90]


def test_each_pair_is_compared_with_its_own_top():
    # Pair 2 has clicks 4 of 8 against 2 of 8, pair 3 has 1 of 5 against 1 of 10.
    position = [1] * 8 + [2] * 8 + [1] * 5 + [3] * 10
    clicked = [1] * 4 + [0] * 4 + [1] * 2 + [0] * 6 + [1] + [0] * 4 + [1] + [0] * 9
    swapped_with = [2] * 16 + [3] * 15
    estimate = estimate_examination(position, clicked, swapped_with)
    assert estimate.examination == pytest.approx([1, 0.5, 0.5])
    assert estimate.impressions.tolist() == [13, 16, 15]


def test_weighting_restores_the_order_that_the_naive_rate_reverses():
    rng = np.random.default_rng(1)
    n = 30_000
    item = np.repeat([3, 8], n)
    position = np.where(rng.random(2 * n) < np.where(item == 3, 0.9, 0.1), 1, 4)
    attraction = np.where(item == 3, 0.2, 0.3)
    clicked = rng.random(2 * n) < attraction * EXAMINATION[position - 1]
    rates = click_rates(item, position, clicked, EXAMINATION)
    assert rates.item.tolist() == [3, 8]
    assert rates.naive[0] > rates.naive[1]
    expected = (0.9 * 0.9 + 0.1 * 0.25) * 0.2, (0.1 * 0.9 + 0.9 * 0.25) * 0.3
    # Five binomial standard errors; a weighted click counts at most 1 / 0.25.
    assert rates.naive == pytest.approx(expected, abs=5 * np.sqrt(0.2 / n))
    assert rates.weighted == pytest.approx([0.2, 0.3], abs=5 * np.sqrt(0.3 / 0.25 / n))


def test_weighted_rate_is_the_mean_of_clicks_over_examination():
    rates = click_rates([2, 5, 2, 2], [1, 2, 2, 1], [1, 1, 1, 0], [0.8, 0.4])
    assert rates.naive == pytest.approx([2 / 3, 1])
    assert rates.weighted == pytest.approx([(1 / 0.8 + 1 / 0.4) / 3, 1 / 0.4])
    flat = click_rates([2, 5, 2, 2], [1, 2, 2, 1], [1, 1, 1, 0], [1, 1])
    assert (flat.weighted == flat.naive).all()


@pytest.mark.parametrize("kind", [list, lambda ids: np.array(ids, np.uint64), lambda ids: np.array(ids, object)])
def test_items_whose_identifiers_differ_in_the_last_bit_stay_two(kind):
    large = 2**63 - 1
    rates = click_rates(kind([large, large - 1, large - 1]), [1, 1, 1], [1, 0, 0], [1.0])
    assert rates.item.tolist() == [large - 1, large]
    assert rates.naive.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: estimate_examination([], [], []), "position must not be empty"),
        (lambda: estimate_examination([1, 0], [1, 0], [2, 2]), "position must be at least 1, got 0"),
        (lambda: estimate_examination([1, 1.5], [1, 0], [2, 2]), "position must be whole numbers, got 1.5"),
        (lambda: estimate_examination([1, 3], [1, 1], [2, 2]), "position must be 1 or the row's swapped_with"),
        (lambda: estimate_examination([1, 2], [1, 1], [1, 2]), "swapped_with must be at least 2, got 1"),
        (lambda: estimate_examination([1, 2], [1, 2], [2, 2]), "clicked must lie in"),
        (lambda: estimate_examination([1, 2], [1, -1], [2, 2]), "clicked must lie in"),
        (lambda: estimate_examination([1, 2], [1], [2, 2]), "clicked must have one entry"),
        (lambda: estimate_examination([1, 2], [1, 1], [2, 2], level=1), "level must be"),
        (lambda: estimate_examination([1, 2], [1, 0], [2, 2]), "clicked must have clicks at both places"),
        (lambda: estimate_examination([1, 2], [0, 1], [2, 2]), "clicked must have clicks at both places"),
        (lambda: click_rates([1], [3], [1], [1, 0.5]), "examination must reach position 3, got 2"),
        (lambda: click_rates([1], [1], [1], [1, 0]), "examination must be positive"),
        (lambda: click_rates([1], [1], [1], [1e-300]), "examination must be positive"),
        (lambda: click_rates([1], [1], [np.nan], [1]), "clicked must be finite"),
        (lambda: click_rates([1, 1], [1, 1], [1, 0.5], [1]), "clicked must be 0 or 1"),
        (lambda: click_rates(["7"], [1], [1], [1]), "item must be whole numbers"),
        (lambda: click_rates([7, np.nan], [1, 1], [1, 1], [1]), "item must be whole numbers, got nan"),
        (lambda: click_rates(np.array([2.0**53]), [1], [1], [1]), "item must be whole numbers"),
        (lambda: click_rates([[1]], [1], [1], [1]), "item must not be empty and of one dimension"),
        (
            lambda: click_rates(pd.Series([1, 2]), pd.Series([1, 1], index=[1, 0]), [1, 0], [1]),
            "position must have the index of item",
        ),
        (
            lambda: estimate_examination([1, 2], pd.Series([1, 1]), pd.Series([2, 2], index=[1, 0])),
            "swapped_with must have the index of clicked",
        ),
        (lambda: click_rates([1, 2], [1], [1], [1]), "position must have one entry"),
        (lambda: click_rates([-1], [1], [1], [1]), "item must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_examination_labeled_by_position_is_read_by_its_labels():
    log = ([7, 7, 8, 8], [1, 1, 2, 2], [1, 0, 1, 0])
    assert click_rates(*log, pd.Series({2: 0.5, 1: 1.0})).weighted.tolist() == [0.5, 1.0]
    assert click_rates(*log, pd.Series([1.0, 0.5])).weighted.tolist() == [0.5, 1.0]
    with pytest.raises(ValueError, match="examination must carry the labels of the positions"):
        click_rates(*log, pd.Series({3: 0.5, 2: 1.0}))
