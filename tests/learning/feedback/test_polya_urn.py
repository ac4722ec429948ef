"""Pólya's urn against its exact distributions."""

import numpy as np
import pytest
from scipy import stats

from utils.learning.feedback.polya_urn import simulate_urn

HARMONIC_10 = sum(1 / k for k in range(1, 11))


def test_polya_share_of_two_is_uniform():
    shares = simulate_urn(n_items=2, n_draws=2_000, n_worlds=2_000, seed=10)
    assert shares.sum(axis=1) == pytest.approx(1)
    # Exactly uniform on 1/2002, ..., 2001/2002: a p-value below 1e-4 comes once in 10,000.
    assert stats.kstest(shares[:, 0], "uniform").pvalue > 1e-4


@pytest.mark.parametrize("initial", [0.5, 3.0])
def test_polya_share_follows_its_beta_marginal(initial):
    shares = simulate_urn(n_items=4, n_draws=1_500, n_worlds=1_500, seed=11, initial=initial)
    for item in range(4):
        assert stats.kstest(shares[:, item], stats.beta(initial, 3 * initial).cdf).pvalue > 1e-4


def test_polya_winner_of_ten_has_the_harmonic_share():
    winners = simulate_urn(n_items=10, n_draws=1_000, n_worlds=1_000, seed=12).max(axis=1)
    # Finite urn: expected largest share moves by at most one draw's worth, 1 / 1,000, from H_10 / 10 = 0.293.
    assert abs(winners.mean() - HARMONIC_10 / 10) < 5 * winners.std() / np.sqrt(1_000) + 0.001


def test_two_draws_of_two_items_have_the_exact_shares():
    # From one ball each: the same twice with 1/2 * 2/3 * 2 = 2/3, else one each.
    shares = simulate_urn(n_items=2, n_draws=2, n_worlds=20_000, seed=13).max(axis=1)
    assert set(shares.round(12)) == {0.5, 0.75}
    assert abs((shares == 0.75).mean() - 2 / 3) < 5 * np.sqrt(2 / 9 / 20_000)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: simulate_urn(n_items=1, n_draws=1, n_worlds=1, seed=0), "n_items must be"),
        (lambda: simulate_urn(n_items=2, n_draws=0, n_worlds=1, seed=0), "n_draws must be"),
        (lambda: simulate_urn(n_items=2, n_draws=1, n_worlds=0, seed=0), "n_worlds must be"),
        (lambda: simulate_urn(n_items=2, n_draws=1, n_worlds=1, seed=0, initial=0), "initial must be"),
        (lambda: simulate_urn(n_items=2, n_draws=1, n_worlds=1, seed=0, initial=1e16), "initial must be"),
        (lambda: simulate_urn(n_items=2, n_draws=1, n_worlds=1, seed=-1), "seed must be"),
    ],
)
def test_bad_input_is_named_with_its_remedy(call, words):
    with pytest.raises(ValueError, match=words):
        call()
