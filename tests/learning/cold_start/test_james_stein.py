"""The James–Stein rule against the published baseball data."""

import numpy as np
import pytest

from utils.learning.cold_start.james_stein import james_stein_shrinkage

# First 45 at-bats and remainder of the 1970 season as printed by Efron and Morris (1975, table 1; 1977).
BASEBALL_HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
BASEBALL_REST = np.array(
    [
        *(0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269),
        *(0.230, 0.264, 0.256, 0.303, 0.264, 0.226, 0.285, 0.316, 0.200),
    ]
)


def test_baseball_as_printed_shrinks_to_a_third_of_the_error():
    average = np.array(BASEBALL_HITS) / 45
    center = average.mean()
    shrunk = james_stein_shrinkage(average, center * (1 - center) / 45)
    keep = (shrunk[0] - center) / (average[0] - center)
    assert (round(center, 3), round(keep, 3)) == (0.265, 0.212)  # printed by Efron and Morris
    raw, better = (float(np.sum((e - BASEBALL_REST) ** 2)) for e in (average, shrunk))
    assert raw / better == pytest.approx(3.5, abs=0.05)


def test_james_stein_never_pushes_past_the_mean():
    np.testing.assert_allclose(james_stein_shrinkage([1.0, 2.0, 3.0, 6.0], variance=100.0), 3.0)
    np.testing.assert_allclose(james_stein_shrinkage([2.0] * 4, variance=1.0), 2.0)


@pytest.mark.parametrize(
    ("estimates", "variance", "named"),
    [
        ([1, 2, 3], 1, "estimates must be at least 4"),
        ([1, 2, 3, np.nan], 1, "estimates"),
        ([1, 2, 3, 1e200], 1, "estimates must lie in"),
        ([1, 2, 3, 4], 0, "variance"),
    ],
)
def test_james_stein_refuses(estimates, variance, named):
    with pytest.raises(ValueError, match=named):
        james_stein_shrinkage(estimates, variance)
