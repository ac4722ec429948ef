"""Assignment is uniform, sticky and independent across experiments; the sample-ratio test is Pearson's."""

import numpy as np
import pytest
from scipy import stats

from utils.experiments.assignment import assign, bucket, srm_test

USERS = np.arange(100_000)
# Hashing has no seed: each p-value below is a fixed number, and stays the same on every machine. 0.001 is the level at
# which a uniform hash fails one test in a thousand.
LEVEL = 0.001
FROZEN_INTEGERS = [1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]
FROZEN_STRINGS = [0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("user_ids", [USERS, USERS * 1_000, np.array([f"user-{i}" for i in range(20_000)])])
@pytest.mark.parametrize("experiment", ["new-ranker", "checkout", "photos"])
def test_buckets_are_uniform_even_for_regular_identifiers(user_ids, experiment):
    points = bucket(user_ids, experiment)
    assert points.min() >= 0
    assert points.max() < 1
    assert stats.kstest(points, "uniform").pvalue > LEVEL


def test_last_digits_of_a_bucket_are_uniform_too():
    digits = (bucket(USERS, "new-ranker") * 2**40).astype(np.int64) % 16
    assert stats.chisquare(np.bincount(digits, minlength=16)).pvalue > LEVEL


def test_shares_follow_the_weights():
    counts = np.bincount(assign(USERS, "price-test", [0.5, 0.3, 0.2]))
    assert stats.chisquare(counts, len(USERS) * np.array([0.5, 0.3, 0.2])).pvalue > LEVEL


def test_weights_need_not_sum_to_one_and_a_zero_weight_gets_nobody():
    arms = assign(USERS, "price-test", [5, 0, 5])
    assert set(arms) == {0, 2}
    np.testing.assert_array_equal(arms, assign(USERS, "price-test", [0.5, 0.0, 0.5]))


@pytest.mark.parametrize("other", ["checkout", "new-ranker ", "new-ranker2", "NEW-RANKER"])
def test_two_experiments_split_independently(other):
    first, second = assign(USERS, "new-ranker", [0.5, 0.5]), assign(USERS, other, [0.2, 0.8])
    table = np.bincount(2 * first + second, minlength=4).reshape(2, 2)
    assert stats.chi2_contingency(table).pvalue > LEVEL


def test_assignment_is_sticky_whatever_the_batch_and_the_type():
    arms = assign(USERS, "new-ranker")
    np.testing.assert_array_equal(assign(USERS[::-1], "new-ranker")[::-1], arms)
    np.testing.assert_array_equal(assign(USERS[777:778].astype(np.int32), "new-ranker"), arms[777:778])


def test_assignment_never_changes_between_releases():
    """Frozen values: a change of the hash would move users of running experiments to the other arm."""
    assert assign(list(range(20)), "new-ranker").tolist() == FROZEN_INTEGERS
    assert assign([f"user-{i}" for i in range(20)], "new-ranker").tolist() == FROZEN_STRINGS


def test_a_growing_share_keeps_the_users_it_had():
    points = bucket(USERS, "rollout")
    for small, large in [(0.01, 0.1), (0.1, 0.5)]:
        assert np.all(points[points < small] < large)
        in_small = assign(USERS, "rollout", [small, 1 - small]) == 0
        in_large = assign(USERS, "rollout", [large, 1 - large]) == 0
        assert not np.any(in_small & ~in_large)
        assert in_large.sum() > in_small.sum()


def test_one_bit_of_the_identifier_changes_half_the_bits_of_the_bucket():
    ids = np.arange(4_096)
    before = (bucket(ids, "new-ranker") * 2**53).astype(np.uint64)
    for bit in (0, 1, 7, 20, 40, 62):
        after = (bucket(ids ^ (1 << bit), "new-ranker") * 2**53).astype(np.uint64)
        flipped = np.unpackbits((before ^ after).view(np.uint8)).sum() / (53 * len(ids))
        assert flipped == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(53 * len(ids)))  # five binomial deviations


@pytest.mark.parametrize(("counts", "weights"), [([821_588, 815_482], None), ([90, 110, 300], [0.2, 0.2, 0.6])])
def test_sample_ratio_test_agrees_with_scipy(counts, weights):
    shares = np.full(len(counts), 1 / len(counts)) if weights is None else np.array(weights)
    ours, reference = srm_test(counts, weights), stats.chisquare(counts, np.sum(counts) * shares)
    assert ours.statistic == pytest.approx(reference.statistic)
    assert ours.p_value == pytest.approx(reference.pvalue)
    np.testing.assert_allclose(ours.expected, np.sum(counts) * shares)


def test_sample_ratio_test_gives_the_published_p_value():
    """Kohavi, Tang, Xu (2020), "Trustworthy online controlled experiments", chapter 21, scenario 1."""
    assert srm_test([821_588, 815_482]).p_value == pytest.approx(1.8e-6, rel=0.02)


def test_an_arm_without_users_is_a_mismatch_and_no_error():
    assert srm_test([0, 30]).p_value == pytest.approx(stats.chisquare([0, 30]).pvalue)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: assign([], "a"), "user_ids must have one axis and be non-empty"),
        (lambda: assign([[1, 2]], "a"), "user_ids must have one axis"),
        (lambda: assign([1.5, 2.0], "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign(np.array(["a", None], dtype=object), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign([1, 2], ""), "experiment must be a name"),
        (lambda: assign([1, 2], 7), "experiment must be a name"),
        (lambda: assign([1, 2], "a", [-0.5, 1.5]), "weights must be one axis of non-negative shares"),
        (lambda: assign([1, 2], "a", [0.0, 0.0]), "weights must be one axis of non-negative shares"),
        (lambda: assign([1, 2], "a", [[0.5, 0.5]]), "weights must be one axis of non-negative shares"),
        (lambda: assign([1, 2], "a", [np.nan, 1]), "weights must be finite"),
        (lambda: assign([1, 2], "a", []), "weights must not be empty"),
        (lambda: srm_test([10]), "counts must hold at least 2"),
        (lambda: srm_test([10, -1]), "counts must be non-negative"),
        (lambda: srm_test([0, 0]), "counts must be non-negative and not all zero"),
        (lambda: srm_test([10, np.nan]), "counts must be finite"),
        (lambda: srm_test([[10, 11]]), "counts must have one axis"),
        (lambda: srm_test([10, 11], [0.2, 0.3, 0.5]), "weights must have one entry an arm"),
        (lambda: srm_test([10, 11], [0.0, 1.0]), "weights must be positive"),
        (lambda: srm_test(["ten", "eleven"]), "counts must hold numbers"),
        (lambda: srm_test(10), "counts must be an array"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
