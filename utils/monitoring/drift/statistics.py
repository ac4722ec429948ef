"""Two-sample statistics for drift: PSI with its null distribution, KS, chi-square, Jensen-Shannon, MMD, classifier.

Each compares a reference sample (what the model was trained or validated on) with a current sample. A statistic is a
number; only its null distribution, which depends on both sample sizes, turns it into an alarm.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

EMPTY_BIN = 0.5  # rows; a bin empty on one side counts as half a row, so that the logarithm stays finite


class BinnedCounts(NamedTuple):
    """Rows per bin of both samples; bins empty in both are left out."""

    reference: np.ndarray
    current: np.ndarray


class TestResult(NamedTuple):
    """A statistic and the probability, without drift, of one at least as large."""

    __test__ = False  # not a pytest class
    statistic: float
    pvalue: float


def binned_counts(reference, current, bins=10) -> BinnedCounts:
    """Count two samples in bins that hold equal shares of the reference.

    Numbers: the inner edges are the order statistics ceil(n k / bins) of the reference, bins are open on the left and
    closed on the right, the outer two are unbounded. Tied values share a bin, so ties leave fewer bins. A value tied
    at the reference's minimum across the first edge gets a bin of its own, so that smaller values are seen: a constant
    has the bins below, equal, above. NaN forms one more bin. Strings, booleans and pandas categories: one bin a value.

    Args:
        reference: shape (n,).
        current: shape (m,).
        bins: number of quantile bins, at least 2, or an increasing sequence of inner edges. Ignored for categories.

    Returns:
        BinnedCounts, two arrays of equal length.

    Raises:
        ValueError: a sample is empty or not one-dimensional, or the bins are unusable.

    >>> binned_counts([1, 2, 3, 4], [0, 2, 2, 9], bins=2)
    BinnedCounts(reference=array([2, 2]), current=array([3, 1]))
    >>> binned_counts(["a", "b", "b"], ["b", None, "c"])
    BinnedCounts(reference=array([1, 2, 0, 0]), current=array([0, 1, 1, 1]))
    """
    reference, current = _column(reference, "reference"), _column(current, "current")
    if not (_is_numeric(reference) and _is_numeric(current)):
        return _category_counts(reference, current)
    before, after = _quantile_counts(_floats(reference)[:, None], _floats(current)[:, None], bins)
    used = (before + after)[:, 0] > 0
    return BinnedCounts(before[used, 0], after[used, 0])


def psi(reference, current, bins=10) -> float:
    """Population stability index: sum over bins of (p - q) log(p / q).

    The bins are those of `binned_counts`. A bin empty on one side counts as half a row there.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        The index, 0 for equal shares; without drift its mean is about (1/n + 1/m)(bins - 1).

    Raises:
        ValueError: as `binned_counts`.

    Source: B. Yurdakul, "Statistical properties of population stability index", dissertation, Western Michigan
    University (2018); B. Yurdakul and J. Naranjo, Journal of Risk Model Validation (2020).

    >>> round(psi([1, 1, 1, 2], [1, 2, 2, 2]), 4)   # (.75 - .25) log 3, twice
    1.0986
    """
    return float(_psi_of_counts(*binned_counts(reference, current, bins)))


def psi_many(reference, current, bins=10) -> np.ndarray:
    """PSI of every column at once.

    Args:
        reference: shape (n, features), numbers; NaN forms its own bin.
        current: shape (m, features).
        bins: number of quantile bins, or inner edges shared by all columns.

    Returns:
        Array of shape (features,), equal to `psi` of each column.

    Raises:
        ValueError: an array is empty, not numeric or not two-dimensional, or the numbers of features differ.
    """
    reference, current = _tables(reference, current)
    return _psi_of_counts(*_quantile_counts(reference, current, bins))


def psi_null_quantile(n, m, bins=10, level=0.95, *, method="chi2", draws=20_000, seed=0) -> float:
    """Quantile of PSI when nothing has drifted: alarm above it and the false alarms are 1 - level.

    "chi2" is the limit (1/n + 1/m) chi2(bins - 1), fit for samples with 30 or more rows a bin. "exact" draws from the
    law that holds at any size for continuous features and quantile bins: the current counts are multinomial with
    Dirichlet probabilities, whatever the feature's distribution.

    Args:
        n: rows of the reference.
        m: rows of the current sample.
        bins: number of bins that are in use, the one for NaN included.
        level: probability of staying at or below the quantile, between 0 and 1.
        method: "chi2" or "exact".
        draws: number of draws for "exact".
        seed: seed of these draws.

    Returns:
        The threshold for PSI.

    Raises:
        ValueError: a size below 1, fewer than 2 bins, a level outside (0, 1), an unknown method.

    Source: Yurdakul (2018), asymptotic distribution of the index; the Dirichlet law of the shares between order
    statistics: S. Wilks, Mathematical Statistics (1962).

    >>> round(psi_null_quantile(100, 100, 10, 0.95), 3), round(psi_null_quantile(10_000, 10_000, 10, 0.95), 4)
    (0.338, 0.0034)
    """
    n, m, bins = _count(n, "n"), _count(m, "m"), _count(bins, "bins", least=2)
    _fraction(level, "level")
    if method == "chi2":
        return float((1 / n + 1 / m) * stats.chi2.ppf(level, bins - 1))
    if method == "exact":
        return float(np.quantile(_psi_null_draws(n, m, bins, _count(draws, "draws"), seed), level))
    raise ValueError(f'method must be "chi2" or "exact", got {method!r}')


def psi_test(reference, current, bins=10) -> TestResult:
    """PSI with its p-value by the chi-square limit, on as many degrees of freedom as bins are in use, less one.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        TestResult; p-value 1 when all rows share one bin.

    Raises:
        ValueError: as `binned_counts`.
    """
    before, after = binned_counts(reference, current, bins)
    value = float(_psi_of_counts(before, after))
    scale = 1 / before.sum() + 1 / after.sum()
    return TestResult(value, float(stats.chi2.sf(value / scale, len(before) - 1)) if len(before) > 1 else 1.0)


def chi_square_test(reference, current, bins=10) -> TestResult:
    """Pearson's chi-square test that both samples fill the bins or categories alike.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges; ignored for categories.

    Returns:
        TestResult; p-value 1 when all rows share one bin.

    Raises:
        ValueError: as `binned_counts`.
    """
    counts = np.stack(binned_counts(reference, current, bins))
    if counts.shape[1] < 2:
        return TestResult(0.0, 1.0)
    result = stats.chi2_contingency(counts, correction=False)
    return TestResult(float(result.statistic), float(result.pvalue))


def jensen_shannon(reference, current, bins=10) -> float:
    """Jensen-Shannon distance over the bins of `binned_counts`: root of the divergence in bits, from 0 to 1.

    Args:
        reference: shape (n,), numbers or categories.
        current: shape (m,).
        bins: number of quantile bins of the reference, or inner edges.

    Returns:
        0 for equal shares, 1 for samples that have no bin in common.

    Raises:
        ValueError: as `binned_counts`.

    Source: J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Information Theory 37 (1991).

    >>> jensen_shannon(["a", "a"], ["b"]), jensen_shannon(["a", "b"], ["b", "a"])
    (1.0, 0.0)
    """
    before, after = binned_counts(reference, current, bins)
    p, q = before / before.sum(), after / after.sum()
    middle = (p + q) / 2
    divergence = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / (2 * np.log(2))
    return float(np.sqrt(np.clip(divergence, 0, 1)))


def ks_distance(reference, current) -> float:
    """Kolmogorov-Smirnov distance: the largest gap between two empirical distribution functions.

    Args:
        reference: shape (n,), numbers without NaN.
        current: shape (m,).

    Returns:
        The distance, from 0 to 1; `ks_pvalue` turns it into a p-value.

    Raises:
        ValueError: a sample is empty, not one-dimensional, not numeric, or holds NaN.

    >>> ks_distance([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    reference, current = _floats(_column(reference, "reference")), _floats(_column(current, "current"))
    return float(ks_many(reference[:, None], current[:, None])[0])


def ks_many(reference, current) -> np.ndarray:
    """Kolmogorov-Smirnov distance of every column.

    Args:
        reference: shape (n, features), numbers without NaN.
        current: shape (m, features).

    Returns:
        Array of shape (features,).

    Raises:
        ValueError: an array is empty, not numeric, not two-dimensional or holds NaN, or the numbers of features differ.
    """
    reference, current = _tables(reference, current)
    _without_nan(reference, "reference")
    _without_nan(current, "current")
    columns = zip(np.sort(reference.T), np.sort(current.T), strict=True)
    return np.array([_sorted_ks(before, after) for before, after in columns])


def ks_pvalue(distance, n, m):
    """Probability, without drift, of a Kolmogorov-Smirnov distance at least this large (limit for large samples).

    Args:
        distance: a distance or an array of them, from 0 to 1.
        n: rows of the reference.
        m: rows of the current sample.

    Returns:
        p-value, of the shape of `distance`. With ties it is conservative.

    Raises:
        ValueError: a distance outside 0 to 1, a size below 1.
    """
    n, m = _count(n, "n"), _count(m, "m")
    distance = np.asarray(distance, float)
    if not ((distance >= 0) & (distance <= 1)).all():
        raise ValueError(f"distance must lie between 0 and 1, got {distance}; pass the result of ks_distance")
    return stats.kstwo.sf(distance, round(n * m / (n + m)) or 1)[()]


class MmdResult(NamedTuple):
    """Unbiased squared maximum mean discrepancy, its permutation p-value and the kernel's bandwidth."""

    statistic: float
    pvalue: float
    bandwidth: float


def mmd_test(reference, current, *, bandwidth=None, n_permutations=200, seed=0) -> MmdResult:
    """Maximum mean discrepancy with a Gaussian kernel, tested by permuting the rows between the samples.

    Memory and time grow with (n + m)²: pass a few hundred rows of each. Columns are used as they are: scale them first.

    Args:
        reference: shape (n, features) or (n,), at least 2 rows, without NaN.
        current: shape (m, features) or (m,).
        bandwidth: of the kernel exp(-distance² / (2 bandwidth²)); None takes the median distance between rows.
        n_permutations: number of random splits; the smallest p-value is 1 / (n_permutations + 1).
        seed: seed of the permutations.

    Returns:
        MmdResult.

    Raises:
        ValueError: fewer than 2 rows, NaN, different numbers of features, bandwidth or n_permutations not positive.

    Source: A. Gretton et al., "A kernel two-sample test", JMLR 13 (2012).
    """
    reference, current = _rows(reference, current)
    n, m = len(reference), len(current)
    if min(n, m) < 2:
        raise ValueError(f"mmd_test needs at least 2 rows on each side, got {n} and {m}; widen the window")
    n_permutations = _count(n_permutations, "n_permutations")
    squared = _squared_distances(np.concatenate([reference, current]))
    if bandwidth is None:
        bandwidth = float(np.sqrt(np.median(squared[np.triu_indices(n + m, 1)]))) or 1.0
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}; use None for the median distance")
    kernel = np.exp(-squared / (2 * bandwidth**2))
    np.fill_diagonal(kernel, 0.0)

    in_reference = np.zeros((n_permutations + 1, n + m))
    in_reference[:, :n] = 1.0
    in_reference[1:] = np.random.default_rng(seed).permuted(in_reference[1:], axis=1)
    to_reference = in_reference @ kernel
    within = (to_reference * in_reference).sum(axis=1)
    across = to_reference.sum(axis=1) - within
    rest = kernel.sum() - within - 2 * across
    values = within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * across / (n * m)
    as_large = (values[1:] >= values[0] - 1e-12).sum()
    return MmdResult(float(values[0]), float((1 + as_large) / (n_permutations + 1)), float(bandwidth))


class ClassifierTestResult(NamedTuple):
    """Area under the ROC curve on rows the classifier has not seen, and its one-sided Mann-Whitney p-value."""

    auc: float
    pvalue: float


def classifier_two_sample_test(reference, current, *, model=None, seed=0) -> ClassifierTestResult:
    """Train a classifier to tell the samples apart on half of the rows and test it on the other half.

    It sees changes in how columns go together that leave every single column intact. Splitting keeps the level exact
    whatever the classifier: without drift its scores say nothing about the sample a held-out row came from.

    Args:
        reference: shape (n, features) or (n,), at least 4 rows; NaN is allowed if the model takes it.
        current: shape (m, features) or (m,), at least 4 rows.
        model: unfitted scikit-learn classifier with predict_proba; None takes a small HistGradientBoostingClassifier.
        seed: seed of the split and of the default model.

    Returns:
        ClassifierTestResult; auc 0.5 when the samples can't be told apart.

    Raises:
        ValueError: fewer than 4 rows on a side, or different numbers of features.

    Source: D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017, section 3; with the area
    under the curve in place of accuracy, so that the samples may differ in size.
    """
    reference, current = _rows(reference, current, nan_allowed=True)
    if min(len(reference), len(current)) < 4:
        got = f"{len(reference)} and {len(current)}"
        raise ValueError(f"classifier_two_sample_test needs at least 4 rows on each side, got {got}; widen the window")
    from threadpoolctl import threadpool_limits

    if model is None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    else:
        from sklearn.base import clone

        model = clone(model)
    rng = np.random.default_rng(seed)
    before, after = rng.permutation(reference), rng.permutation(current)
    half, other_half = len(before) // 2, len(after) // 2
    label = np.repeat([0, 1], [half, other_half])
    with threadpool_limits(1):  # waiting for busy cores costs more than a second thread gains on a few thousand rows
        model.fit(np.concatenate([before[:half], after[:other_half]]), label)
        score_before = model.predict_proba(before[half:])[:, 1]
        score_after = model.predict_proba(after[other_half:])[:, 1]
    test = stats.mannwhitneyu(score_after, score_before, alternative="greater", method="asymptotic")
    pvalue = float(test.pvalue) if np.ptp(np.concatenate([score_before, score_after])) > 0 else 1.0
    return ClassifierTestResult(float(test.statistic / (len(score_after) * len(score_before))), pvalue)


def _quantile_counts(reference, current, bins):
    """Rows per bin, shape (bins + 2, features): below a tied minimum, the quantile bins, NaN."""
    columns = np.arange(reference.shape[1])
    ordered = np.sort(reference, axis=0)  # NaN sorts last
    present = np.count_nonzero(~np.isnan(reference), axis=0)
    if np.ndim(bins) == 0:
        bins = _count(bins, "bins", least=2)
        position = -(-present * np.arange(1, bins)[:, None] // bins) - 1  # ceil(n k / bins), counted from 0
        edges = ordered[np.maximum(position, 0), columns]
        second = ordered[np.minimum(1, len(ordered) - 1)]
        floor = np.where((edges[0] == ordered[0]) & (second == ordered[0]), ordered[0], -np.inf)
    else:
        edges = np.tile(_edges(bins)[:, None], len(columns))
        floor = np.full(len(columns), -np.inf)

    def counts(sample):
        missing = np.isnan(sample).sum(axis=0)
        below = (sample < floor).sum(axis=0)
        up_to = [(sample <= edge).sum(axis=0) for edge in edges]
        everything = np.full_like(below, len(sample))
        return np.diff(np.stack([0 * below, below, *up_to, everything - missing, everything]), axis=0)

    return counts(reference), counts(current)


def _category_counts(reference, current):
    codes, _ = pd.factorize(np.concatenate([reference.astype(object), current.astype(object)]), use_na_sentinel=True)
    codes = np.where(codes < 0, codes.max() + 1, codes)
    size = codes.max() + 1
    n = len(reference)
    return BinnedCounts(np.bincount(codes[:n], minlength=size), np.bincount(codes[n:], minlength=size))


def _psi_of_counts(before, after):
    """PSI over the first axis of counts; bins empty in both add nothing."""
    p = np.where((before == 0) & (after > 0), EMPTY_BIN, before) / before.sum(axis=0)
    q = np.where((after == 0) & (before > 0), EMPTY_BIN, after) / after.sum(axis=0)
    return (special.rel_entr(p, q) + special.rel_entr(q, p)).sum(axis=0)


def _psi_null_draws(n, m, bins, draws, seed):
    """PSI of samples without drift: the order statistics that are edges cut the population at Dirichlet shares."""
    before = np.diff(-(-n * np.arange(bins + 1) // bins))
    gaps = before + (np.arange(bins) == bins - 1)  # n + 1 gaps between n order statistics; the last bin has one more
    gaps = np.where(gaps > 0, gaps, 1e-12)
    rng = np.random.default_rng(seed)
    after = rng.multinomial(m, rng.dirichlet(gaps, size=draws)).T
    return _psi_of_counts(np.tile(before[:, None], draws), after)


def _sorted_ks(before, after):
    grid = np.concatenate([before, after])
    gap = np.searchsorted(before, grid, "right") / len(before) - np.searchsorted(after, grid, "right") / len(after)
    return np.abs(gap).max()


def _squared_distances(rows):
    norms = (rows**2).sum(axis=1)
    return np.maximum(norms[:, None] + norms - 2 * rows @ rows.T, 0.0)


def _column(values, name):
    """A one-dimensional array: of numbers, or of objects for categories."""
    is_category = isinstance(getattr(values, "dtype", None), pd.CategoricalDtype)
    values = np.asarray(values, dtype=object if is_category else None)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{name} must be a non-empty sequence of one dimension, got shape {values.shape}")
    if values.dtype.kind in "mMc":
        raise ValueError(f"{name} must be numbers or categories, got {values.dtype}; take the hours since a fixed time")
    if values.dtype == object and not is_category:
        missing = pd.isna(values)
        if pd.api.types.infer_dtype(values[~missing]) in {"integer", "floating", "mixed-integer-float"}:
            values = np.where(missing, np.nan, values).astype(float)
    return values


def _is_numeric(values):
    return np.issubdtype(values.dtype, np.number)


def _floats(values, name="reference and current"):
    if not _is_numeric(values):
        raise ValueError(f"{name} must be numbers, got {values.dtype}; use chi_square_test or psi for categories")
    return values.astype(float)


def _tables(reference, current):
    tables = []
    for name, table in (("reference", reference), ("current", current)):
        table = np.asarray(table)
        if table.ndim != 2 or table.size == 0:
            raise ValueError(f"{name} must have shape (rows, features), none of them 0, got {table.shape}")
        tables.append(_floats(table, name))
    if tables[0].shape[1] != tables[1].shape[1]:
        got = f"{tables[0].shape[1]} and {tables[1].shape[1]}"
        raise ValueError(f"reference and current must have the same features, got {got} columns")
    return tables


def _rows(reference, current, *, nan_allowed=False):
    pair = [np.asarray(sample) for sample in (reference, current)]
    pair = _tables(*[sample[:, None] if sample.ndim == 1 else sample for sample in pair])
    if not nan_allowed:
        _without_nan(pair[0], "reference")
        _without_nan(pair[1], "current")
    return pair


def _without_nan(values, name):
    if np.isnan(values).any():
        got = int(np.isnan(values).sum())
        raise ValueError(f"{name} must not hold NaN, got {got}; drop them and watch their rate by itself")


def _edges(bins):
    edges = np.asarray(bins, float)
    if edges.ndim != 1 or len(edges) == 0 or not (np.diff(edges) > 0).all() or np.isnan(edges).any():
        raise ValueError(f"bins must be a number of bins or increasing inner edges, got {bins!r}")
    return edges


def _count(value, name, least=1):
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not np.isfinite(value) or value != int(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def _fraction(value, name):
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}; 0.95 alarms on 5% of quiet days")
