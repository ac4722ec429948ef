"""Time 10,000 A/A experiments of 4,000 users beside loops over scipy and statsmodels, in one run, as ratios.

Run with `python benchmarks/ab_testing.py`. The loops test a part of the experiments and their time is scaled up. Every
contender draws its data inside its time, since an A/A run has to draw it, and reports its share of p < 0.05.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import stats
from statsmodels.stats.weightstats import ttest_ind

from utils.experiments.ab_testing.monte_carlo import resample, simulate_experiments

EXPERIMENTS, USERS_PER_ARM, LOOPED = 10_000, 2_000, 1_000


def revenue_per_user(rng: np.random.Generator) -> np.ndarray:
    """Heavy-tailed: two users in three order nothing, the others a lognormal basket."""
    return np.where(rng.random(10_000) < 1 / 3, rng.lognormal(3.0, 1.0, 10_000), 0.0)


def vectorized(pool: np.ndarray) -> np.ndarray:
    """All experiments at once."""
    tests = simulate_experiments(resample(pool), n_experiments=EXPERIMENTS, users_per_arm=USERS_PER_ARM, rng=1)
    return tests.pvalue[:, 0]


def scipy_loop(pool: np.ndarray) -> np.ndarray:
    """One `scipy.stats.ttest_ind` an experiment."""
    rng = np.random.default_rng(2)
    return np.array(
        [
            stats.ttest_ind(*pool[rng.integers(len(pool), size=(2, USERS_PER_ARM))], equal_var=False).pvalue
            for _ in range(LOOPED)
        ]
    )


def statsmodels_loop(pool: np.ndarray) -> np.ndarray:
    """One `statsmodels.stats.weightstats.ttest_ind` an experiment."""
    rng = np.random.default_rng(3)
    return np.array(
        [ttest_ind(*pool[rng.integers(len(pool), size=(2, USERS_PER_ARM))], usevar="unequal")[1] for _ in range(LOOPED)]
    )


def timed(contender: Callable[[np.ndarray], np.ndarray], pool: np.ndarray) -> tuple[float, float]:
    """Return seconds for all experiments, the best of three runs, and the share of p-values below 0.05."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        pvalues = contender(pool)
        seconds.append((time.perf_counter() - start) * EXPERIMENTS / len(pvalues))
    return min(seconds), float(np.mean(pvalues < 0.05))


def main() -> None:
    """Print the table."""
    pool = revenue_per_user(np.random.default_rng(0))
    results = {contender.__name__: timed(contender, pool) for contender in (vectorized, scipy_loop, statsmodels_loop)}
    base = results["vectorized"][0]
    print(f"{EXPERIMENTS:,} A/A experiments of {2 * USERS_PER_ARM:,} users")
    print(f"{'contender':<18}{'seconds':>9}{'ratio':>8}{'p < .05':>9}")
    for name, (seconds, share) in results.items():
        print(f"{name:<18}{seconds:>9.2f}{seconds / base:>8.1f}{share:>9.1%}")


if __name__ == "__main__":
    main()
