"""Two-sample tests of all features together: maximum mean discrepancy, and a classifier that tells the samples apart.

They see changes in how columns go together, which leave every single column intact.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utils.foundation import checks
from utils.monitoring.drift.samples import Sample
from utils.monitoring.drift.tables import rows

__all__ = ["ClassifierTestResult", "MmdResult", "classifier_two_sample_test", "mmd_test"]

MOST_PAIRED_ROWS = 8_000  # of MMD: its tables of pairs take half a gigabyte each
MOST_PERMUTED = 50_000_000  # permutations × rows: 400 MB


class MmdResult(NamedTuple):
    """Unbiased squared maximum mean discrepancy, its permutation p-value and the kernel's bandwidth."""

    statistic: float
    pvalue: float
    bandwidth: float


def mmd_test(
    reference: Sample,
    current: Sample,
    *,
    bandwidth: float | None = None,
    n_permutations: int = 200,
    seed: int = 0,
) -> MmdResult:
    """Maximum mean discrepancy with a Gaussian kernel, tested by permuting the rows between the samples.

    Memory and time grow with (n + m)²: pass a few hundred rows of each. Columns are used as they are: scale them first.

    Args:
        reference: shape (n, features) or (n,), at least 2 rows, finite; 8,000 rows at most on both sides.
        current: shape (m, features) or (m,); of two data frames, columns of one name belong together.
        bandwidth: of the kernel exp(-distance² / (2 bandwidth²)); None takes the median distance between rows.
        n_permutations: number of random splits; the smallest p-value is 1 / (n_permutations + 1).
        seed: seed of the permutations.

    Returns:
        MmdResult.

    Raises:
        ValueError: fewer than 2 rows or too many, NaN or infinity, different features, bandwidth or n_permutations not
            positive.

    References:
        A. Gretton et al., "A kernel two-sample test", JMLR 13 (2012).
    """
    before, after = rows(reference, current)
    n, m = len(before), len(after)
    n_permutations = _mmd_sizes(n, m, n_permutations)
    squared = _squared_distances(np.concatenate([before, after]))
    if bandwidth is None:
        bandwidth = float(np.sqrt(np.median(squared[np.triu_indices(n + m, 1)]))) or 1.0
    bandwidth = checks.positive("bandwidth", bandwidth, "use None for the median distance")
    with np.errstate(over="ignore"):  # a tiny bandwidth makes every row far from every other
        kernel = np.exp(-squared / bandwidth / bandwidth / 2)
    np.fill_diagonal(kernel, 0.0)

    in_reference = np.zeros((n_permutations + 1, n + m))
    in_reference[:, :n] = 1.0
    in_reference[1:] = checks.seeded("seed", seed).permuted(in_reference[1:], axis=1)
    to_reference = in_reference @ kernel
    within = (to_reference * in_reference).sum(axis=1)
    across = to_reference.sum(axis=1) - within
    rest = kernel.sum() - within - 2 * across
    values = within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * across / (n * m)
    as_large = (values[1:] >= values[0] - 1e-12).sum()
    return MmdResult(float(values[0]), float((1 + as_large) / (n_permutations + 1)), bandwidth)


class ClassifierTestResult(NamedTuple):
    """Area under the ROC curve on rows the classifier has not seen, and its one-sided Mann-Whitney p-value."""

    auc: float
    pvalue: float


def classifier_two_sample_test(
    reference: Sample, current: Sample, *, model: Any = None, seed: int = 0
) -> ClassifierTestResult:
    """Train a classifier to tell the samples apart on half of the rows and test it on the other half.

    It sees changes in how columns go together that leave every single column intact. Splitting keeps the level exact
    whatever the classifier: without drift its scores say nothing about the sample a held-out row came from.

    Args:
        reference: shape (n, features) or (n,), at least 4 rows; NaN is allowed if the model takes it.
        current: shape (m, features) or (m,), at least 4 rows; of two data frames, columns of one name belong together.
        model: unfitted scikit-learn classifier with predict_proba; None takes a small HistGradientBoostingClassifier.
        seed: seed of the split and of the default model.

    Returns:
        ClassifierTestResult; auc 0.5 when the samples can't be told apart.

    Raises:
        ValueError: fewer than 4 rows on a side, different features, infinite values, NaN that the model does not take,
            or a model without predict_proba.

    References:
        D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017, section 3; with the area under
        the curve in place of accuracy, so that the samples may differ in size.
    """
    before, after = rows(reference, current, nan_allowed=True)
    if min(len(before), len(after)) < 4:
        got = f"{len(before)} and {len(after)}"
        raise ValueError(
            f"classifier_two_sample_test must have 4 rows or more on each side, got {got}; widen the window"
        )
    rng = checks.seeded("seed", seed)
    model = _unfitted(model, seed)
    before, after = rng.permutation(before), rng.permutation(after)
    half, other_half = len(before) // 2, len(after) // 2
    label = np.repeat([0, 1], [half, other_half])
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # waiting for busy cores costs more than a second thread gains on a few thousand rows
        _fit(model, np.concatenate([before[:half], after[:other_half]]), label)
        score_before = model.predict_proba(before[half:])[:, 1]
        score_after = model.predict_proba(after[other_half:])[:, 1]
    test = stats.mannwhitneyu(score_after, score_before, alternative="greater", method="asymptotic")
    pvalue = float(test.pvalue) if np.ptp(np.concatenate([score_before, score_after])) > 0 else 1.0
    return ClassifierTestResult(float(test.statistic / (len(score_after) * len(score_before))), pvalue)


def _mmd_sizes(n: int, m: int, n_permutations: int) -> int:
    if min(n, m) < 2:
        raise ValueError(f"mmd_test must have 2 rows or more on each side, got {n} and {m}; widen the window")
    if n + m > MOST_PAIRED_ROWS:
        got = f"{n:,} and {m:,}"
        raise ValueError(f"mmd_test must have at most {MOST_PAIRED_ROWS:,} rows in all, got {got}; draw some of them")
    return checks.count("n_permutations", n_permutations, "200 is usual", maximum=MOST_PERMUTED // (n + m))


def _squared_distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distance of every two rows; taken from their middle, so that a common offset costs nothing."""
    values = values - values.mean(axis=0)
    with np.errstate(over="ignore"):
        norms = (values**2).sum(axis=1)
        farthest = 4 * norms.max()
    if not np.isfinite(farthest):
        raise ValueError("reference and current must have finite distances, got infinite ones; scale the columns")
    return np.maximum(norms[:, None] + norms - 2 * values @ values.T, 0.0)


def _unfitted(model: Any, seed: int) -> Any:
    if model is None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        state = seed if isinstance(seed, (int, np.integer)) else None
        return HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=state)
    if isinstance(model, type) or not hasattr(model, "predict_proba"):
        got = checks.told(model)
        raise ValueError(f"model must be a classifier with predict_proba, got {got}; pass LogisticRegression()")
    from sklearn.base import clone

    return clone(model)


def _fit(model: Any, values: NDArray[np.float64], label: NDArray[np.int64]) -> None:
    try:
        model.fit(values, label)
    except ValueError as error:
        missing = int(np.isnan(values).sum())
        if not missing:
            raise
        told = f"got {missing}; fill them in a pipeline, or use the default model, which takes them"
        raise ValueError(f"reference and current must hold no NaN for this model, {told}") from error
