"""Assignment is uniform, sticky and independent across experiments; the sample-ratio test is Pearson's."""

import hashlib
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utils.experiments import assignment
from utils.experiments.assignment import assign, bucket, srm_test

USERS = np.arange(100_000)
# Hashing has no seed: each p-value below is a fixed number, and stays the same on every machine. 0.001 is the level at
# which a uniform hash fails one test in a thousand.
LEVEL = 0.001
FROZEN_INTEGERS = [1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]
# the first 53 bits of each point, as they stood when the finalizer still lived in this module
FROZEN_BITS = {0: 7907585765864803, 1: 534833421220870, 2**53 + 1: 2782180492086104, 2**63: 6116798904717467}
FROZEN_BITS |= {2**64 - 1: 3723465983644714, "user-1": 4115417115373863, "é": 1112934107911195, "": 196447834270435}
FROZEN_DIGEST = "02e16d1be8f022b1"
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


def test_points_never_change_by_a_bit():
    for user, bits in FROZEN_BITS.items():
        assert int(bucket([user], "new-ranker")[0] * 2**53) == bits
    many = bucket(np.arange(0, 1_000_000, 7), "checkout").tobytes()
    assert hashlib.sha256(many).hexdigest()[:16] == FROZEN_DIGEST


IDS = st.one_of(st.integers(0, 2**64 - 1), st.text(st.characters(), max_size=5))


@given(st.lists(IDS, min_size=1, max_size=6))
@settings(deadline=None)
def test_a_user_meets_the_same_arm_whoever_stands_beside_in_the_list(ids):
    together = bucket(ids, "new-ranker")
    assert together.tolist() == [bucket([one], "new-ranker")[0] for one in ids]
    assert bucket(pd.Series(ids, dtype=object), "new-ranker").tolist() == together.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, "Int64", object])
def test_a_number_is_the_same_user_in_every_type(dtype):
    ids = pd.Series([3, 1, 200], dtype=dtype)
    assert bucket(ids, "a").tolist() == bucket([3, 1, 200], "a").tolist()


def test_a_number_and_its_text_are_two_users():
    assert bucket([17], "a")[0] != bucket(["17"], "a")[0]


def test_ids_beyond_the_floats_are_told_apart():
    assert len(set(bucket([2**53, 2**53 + 1, 2**63, 2**63 + 1, 2**64 - 1], "a"))) == 5


def test_an_arm_without_weight_gets_nobody_even_where_shares_do_not_add_up_to_one(monkeypatch):
    """Ten tenths add up to one bit below 1; the last point below 1 belongs to the tenth arm, not to the eleventh."""
    monkeypatch.setattr(assignment, "bucket", lambda ids, experiment: np.array([np.nextafter(1, 0)]))
    assert assign([1], "a", [0.1] * 10 + [0]).tolist() == [9]


def test_arms_meet_their_planned_share_by_name():
    arms = pd.Series(["control"] * 1_000 + ["treatment"] * 9_050)
    plan = pd.Series({"control": 0.1, "treatment": 0.9})
    test = srm_test(arms.value_counts(), plan)
    assert test.pvalue == pytest.approx(stats.chisquare([1_000, 9_050], [1_005, 9_045]).pvalue)
    np.testing.assert_allclose(test.expected, [9_045, 1_005])
    with pytest.raises(ValueError, match=r"weights must carry the labels of counts, got a difference in \['placebo'\]"):
        srm_test(arms.value_counts(), plan.rename({"control": "placebo"}))


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
    assert ours.pvalue == pytest.approx(reference.pvalue)
    np.testing.assert_allclose(ours.expected, np.sum(counts) * shares)


def test_sample_ratio_test_gives_the_published_pvalue():
    """Kohavi, Tang, Xu (2020), "Trustworthy online controlled experiments", chapter 21, scenario 1."""
    assert srm_test([821_588, 815_482]).pvalue == pytest.approx(1.8e-6, rel=0.02)


def test_an_arm_without_users_is_a_mismatch_and_no_error():
    assert srm_test([0, 30]).pvalue == pytest.approx(stats.chisquare([0, 30]).pvalue)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: assign([], "a"), "user_ids must have one axis and be non-empty"),
        (lambda: assign([[1, 2]], "a"), "user_ids must have one axis"),
        (lambda: assign([1.5, 2.0], "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign(np.array(["a", None], dtype=object), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign(["u1", np.nan], "a"), "user_ids must be whole numbers or strings, got nan"),
        (lambda: assign([1, None], "a"), "user_ids must be whole numbers or strings, got None"),
        (lambda: assign(pd.Series([1, None], dtype="Int64"), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign([True, 2], "a"), "user_ids must be whole numbers or strings, got True"),
        (lambda: assign(np.array([True, False]), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign([np.timedelta64(1, "s")], "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign(np.array(["2024"], "datetime64[ns]"), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign(np.ma.masked_equal([1, 2], 2), "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign([b"a"], "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign([Fraction(1)], "a"), "user_ids must be whole numbers or strings"),
        (lambda: assign("abc", "a"), "user_ids must have one axis"),
        (lambda: assign({1, 2}, "a"), "user_ids must have one axis"),
        (lambda: assign([-1], "a"), r"user_ids must be from 0 to 2\*\*64 - 1, got -1"),
        (lambda: assign(np.array([3, -1]), "a"), r"user_ids must be from 0 to 2\*\*64 - 1, got -1"),
        (lambda: assign([2**64], "a"), r"user_ids must be from 0 to 2\*\*64 - 1"),
        (lambda: assign([1, 2], "a", [1e308, 1e308]), "weights must lie in"),
        (lambda: srm_test([0.5, 0.5]), "counts must be whole numbers of users"),
        (lambda: srm_test([10, 10.5]), "counts must be whole numbers of users"),
        (lambda: srm_test([2.0**53, 2.0**53]), "counts must be whole numbers of users"),
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
