"""Numbers of other libraries that lesson 19 quotes."""

from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from utils.experiments.rollout.power import canary_requests_needed


def test_statsmodels_asks_for_more_because_it_estimates_the_stable_rate_and_transforms():
    needed = [
        NormalIndPower().solve_power(
            proportion_effectsize(0.001 * ratio, 0.001), alpha=0.05, power=0.8, ratio=99, alternative="larger"
        )
        for ratio in (2, 1.1)
    ]
    # the numbers that lesson 19 quotes
    assert [round(n) for n in needed] == [9_086, 654_666]
    ours = [canary_requests_needed(0.001, ratio) for ratio in (2, 1.1)]
    assert all(own < theirs < 1.15 * own for own, theirs in zip(ours, needed, strict=True))
