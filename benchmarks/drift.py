"""Compare PSI and KS over many features at once with scipy.stats.ks_2samp in a loop, in one process.

Run: python benchmarks/drift.py
"""

import numpy as np
from scipy import stats

from utils.foundation.timing import best_seconds
from utils.monitoring.drift.distances import ks_many, psi_many
from utils.monitoring.drift.two_sample_tests import ks_pvalue

ROWS, FEATURES, REPEATS = 10_000, 100, 5


def main():
    """Print seconds and ratios; the results agree before they are timed."""
    rng = np.random.default_rng(0)
    reference, current = rng.normal(size=(2, ROWS, FEATURES))

    def ks_in_a_loop():
        return [stats.ks_2samp(reference[:, i], current[:, i], method="asymp") for i in range(FEATURES)]

    def ks_at_once():
        distances = ks_many(reference, current)
        return distances, ks_pvalue(distances, ROWS, ROWS)

    distances, pvalues = ks_at_once()
    np.testing.assert_allclose(distances, [result.statistic for result in ks_in_a_loop()])
    np.testing.assert_allclose(pvalues, [result.pvalue for result in ks_in_a_loop()])

    loop = best_seconds(ks_in_a_loop, repeats=REPEATS)
    ks = best_seconds(ks_at_once, repeats=REPEATS)
    psi = best_seconds(lambda: psi_many(reference, current), repeats=REPEATS)
    print(f"{FEATURES} features x {ROWS:,} rows, best of {REPEATS} runs")
    print(f"scipy.stats.ks_2samp in a loop  {loop:7.3f} s   1.00")
    print(f"ks_many with p-values           {ks:7.3f} s   {ks / loop:.2f}")
    print(f"psi_many                        {psi:7.3f} s   {psi / loop:.2f}")
    print(f"PSI and KS together             {ks + psi:7.3f} s   {(ks + psi) / loop:.2f}")


if __name__ == "__main__":
    main()
