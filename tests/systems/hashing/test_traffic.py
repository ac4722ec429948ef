"""Requests against scipy's Zipf law and the Poisson process."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.systems.hashing.traffic import draw_requests, zipf_shares


def test_zipf_shares_agree_with_scipy():
    assert zipf_shares(50, 0.9) == pytest.approx(stats.zipfian(0.9, 50).pmf(np.arange(1, 51)))
    assert zipf_shares(4, 0) == pytest.approx([0.25] * 4)


def test_requests_are_poisson_in_time_and_follow_the_shares():
    shares = zipf_shares(20, 1.0)
    requests = draw_requests(shares, rate=500, seconds=40, rng=np.random.default_rng(1))
    counts = np.bincount(requests.key, minlength=20)
    assert stats.chisquare(counts, counts.sum() * shares).pvalue > 1e-6
    assert abs(len(requests.time) - 20_000) < 5 * np.sqrt(20_000)  # five standard deviations of a Poisson count
    assert stats.kstest(np.diff(requests.time), "expon", args=(0, 1 / 500)).pvalue > 1e-6
    assert abs(np.corrcoef(requests.time, requests.key)[0, 1]) < 5 / np.sqrt(20_000)


def test_shares_of_a_series_belong_to_the_keys_of_its_index():
    by_size = pd.Series([0.6, 0.3, 0.1], index=[2, 0, 1])
    drawn = draw_requests(by_size, 100, 10, rng=np.random.default_rng(0))
    aligned = draw_requests([0.3, 0.1, 0.6], 100, 10, rng=np.random.default_rng(0))
    assert drawn.key.tolist() == aligned.key.tolist()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: zipf_shares(0, 1), "n_keys"),
        (lambda: zipf_shares(2.5, 1), "n_keys"),
        (lambda: zipf_shares(10**12, 1), "n_keys"),
        (lambda: zipf_shares(3, -1), "exponent"),
        (lambda: zipf_shares(3, float("nan")), "exponent"),
        (lambda: zipf_shares(3, "1"), "exponent"),
        (lambda: draw([], 1, 1), "shares"),
        (lambda: draw([0.5], 1, 1), "shares"),
        (lambda: draw([[1.0]], 1, 1), "shares"),
        (lambda: draw([1.5, -0.5], 1, 1), "shares"),
        (lambda: draw([np.nan, 1.0], 1, 1), "shares"),
        (lambda: draw(["1"], 1, 1), "shares"),
        (lambda: draw(pd.Series([0.5, 0.5], index=["a", "b"]), 1, 1), "shares"),
        (lambda: draw(pd.Series([0.5, 0.5], index=[0, 0]), 1, 1), "shares"),
        (lambda: draw([1.0], float("nan"), 1), "rate"),
        (lambda: draw([1.0], 1e9, 3600), "rate"),
        (lambda: draw([1.0], 1, -1), "seconds"),
        (lambda: draw_requests([1.0], 1, 1, rng=None), "rng"),
        (lambda: draw_requests([1.0], 1, 1, rng=7), "rng"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        call()


def draw(shares, rate, seconds):
    return draw_requests(shares, rate, seconds, rng=np.random.default_rng(0))
