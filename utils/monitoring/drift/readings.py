"""What the tests of distributions read on one day, and the alarm lines that quiet days draw."""

from collections.abc import Sequence

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from utils.foundation import checks
from utils.monitoring.drift.calibration import calibration_gap
from utils.monitoring.drift.distances import jensen_shannon, ks_distance, ks_many, psi_many
from utils.monitoring.drift.joint_tests import classifier_two_sample_test

__all__ = ["SINGLE_FEATURE_TESTS", "alarm_lines", "readings"]

SINGLE_FEATURE_TESTS = ["PSI", "KS", "JS"]


def readings(
    before: pd.DataFrame, after: pd.DataFrame, features: Sequence[str], *, visit: str = "session_id", seed: int = 0
) -> pd.Series:
    """Return what each test reads when the rows `after` are held against the rows `before`.

    All but calibration look at one row a visit, drawn at random, so that rows are close to independent.

    Args:
        before: rows with the features, `visit` and `score`.
        after: the same and `clicked`, which may be missing where nothing was shown.
        features: names of the numeric columns to test.
        visit: column that says which rows belong together.
        seed: of the drawing, and of the joint test's split.

    Returns:
        Series indexed by (test, feature), the feature empty for tests of all together: "PSI", "KS" and "JS" (square
        root of the Jensen–Shannon divergence) of each feature, "joint" (AUC above one half of a classifier that tells
        the two apart, pairs of features included), "scores" (KS), "calibration" (`calibration_gap`).

    Raises:
        ValueError: a column is missing, or as for the tests.
    """
    needed = {"before": (before, [*features, visit, "score"]), "after": (after, [*features, visit, "score", "clicked"])}
    for name, (frame, columns) in needed.items():
        absent = [column for column in columns if column not in frame.columns]
        if absent:
            raise ValueError(f"{name} must have the columns {columns}, got none called {absent}; join them first")
    rng = checks.seeded("seed", seed)
    one, other = (rows.iloc[rng.permutation(len(rows))].drop_duplicates(visit) for rows in (before, after))
    x, y = (rows[list(features)].to_numpy(dtype=float) for rows in (one, other))
    read = {("PSI", name): value for name, value in zip(features, psi_many(x, y), strict=True)}
    read |= {("KS", name): value for name, value in zip(features, ks_many(x, y), strict=True)}
    read |= {("JS", name): jensen_shannon(a, b) for name, a, b in zip(features, x.T, y.T, strict=True)}
    read["joint", ""] = classifier_two_sample_test(x, y, model=_pairs(), seed=seed).auc - 0.5
    read["scores", ""] = ks_distance(one["score"].to_numpy(), other["score"].to_numpy())
    shown = after[after["clicked"].notna()]
    read["calibration", ""] = calibration_gap(shown["score"].to_numpy(), shown["clicked"].to_numpy(dtype=float))
    return pd.Series(read)


def alarm_lines(quiet: pd.DataFrame, *, deviations: float = 4.0) -> pd.Series:
    """Return for each reading the mean of the quiet days plus so many standard deviations.

    Args:
        quiet: a row a quiet day, a column a reading; at least two days.
        deviations: how many; 4 passes a normal reading once in 30,000 days if mean and deviation are known, and far
            more often where they come from few days.

    Raises:
        ValueError: fewer than two days, or a number of deviations that is not positive.
    """
    if len(quiet) < 2:
        raise ValueError(f"quiet must have at least two days, got {len(quiet)}; give two weeks or more")
    return quiet.mean() + checks.positive("deviations", deviations, "4 is usual") * quiet.std()


def _pairs() -> Pipeline:
    """Return a classifier that sees features and products of two."""
    return make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), LogisticRegression(max_iter=200))
