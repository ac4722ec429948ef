"""Every draw has an address: the same numbers at the same address, others elsewhere."""

import numpy as np
import pytest
from scipy import stats

from utils.world.streams import BLOCK, blocks, stream


def test_an_address_has_its_numbers_whatever_is_drawn_elsewhere():
    first = stream(3, "luck", 5, 1).random(4)
    stream(3, "policy", 5, 1).random(100)
    np.testing.assert_array_equal(stream(3, "luck", 5, 1).random(4), first)


def test_every_part_of_an_address_counts():
    addresses = [(3, "luck", 5, 1), (4, "luck", 5, 1), (3, "Luck", 5, 1), (3, "luck", 1, 5), (3, "luck", 5)]
    drawn = np.array([stream(*address).random(2_000) for address in addresses])
    correlation = np.corrcoef(drawn)[np.triu_indices(len(addresses), 1)]
    assert np.abs(correlation).max() < 4.5 / np.sqrt(2_000)
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-5


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_cut_the_sessions_without_gap_or_overlap(n):
    found = blocks(n)
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert [i for _, start, stop in found for i in range(start, stop)] == list(range(n))
    assert all(start < stop <= start + BLOCK for _, start, stop in found)
    assert all(stop - start == BLOCK for _, start, stop in found[:-1])
