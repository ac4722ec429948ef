"""Exercises of lesson 7, training–serving skew."""

import numpy as np
import pandas as pd

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def deviation_ratio(n: int) -> float:
    """Return pandas' standard deviation of n values divided by numpy's, for the same values; n is at least 2."""
    return np.sqrt(n / (n - 1))


def share_mismatched(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    """Return the share of the recomputed rows whose served `value` is missing or differs by more than `tolerance`.

    Both are data frames with the columns `id` and `value`, one row an id, in any order. Two NaN agree.
    """
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""), indicator=True)
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    one_missing = pair["value"].isna() != pair["value_again"].isna()
    return (far | one_missing | (pair["_merge"] == "left_only")).mean()


def triage(parity_mismatch: float, inputs_shifted: bool, quality_fell: bool) -> str:
    """Return what to do first: "fix the pipeline", "retrain", "watch" or "nothing".

    parity_mismatch: share of served values that replay parity could not reproduce, 0 to 1.
    inputs_shifted: whether a marginal or joint test raised an alarm.
    quality_fell: whether calibration or orders got worse.
    """
    if parity_mismatch > 0:
        return "fix the pipeline"
    if quality_fell:
        return "retrain"
    return "watch" if inputs_shifted else "nothing"


def _by_position(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    n = min(len(served), len(recomputed))
    a, b = served["value"].to_numpy()[:n], recomputed["value"].to_numpy()[:n]
    far = np.abs(a - b) > tolerance
    return (np.sum(far | (np.isnan(a) != np.isnan(b))) + len(recomputed) - n) / len(recomputed)


def _inner_join(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    pair = recomputed.merge(served, on="id", suffixes=("_again", ""))
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    return (far | (pair["value"].isna() != pair["value_again"].isna())).mean()


def _nan_never_agrees(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""))
    return 1 - ((pair["value"] - pair["value_again"]).abs() <= tolerance).mean()


def _nan_always_agrees(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""))
    return ((pair["value"] - pair["value_again"]).abs() > tolerance).mean()


def _signed(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""), indicator=True)
    far = (pair["value"] - pair["value_again"]) > tolerance
    one_missing = pair["value"].isna() != pair["value_again"].isna()
    return (far | one_missing | (pair["_merge"] == "left_only")).mean()


def _parity_cases() -> list[tuple]:
    again = pd.DataFrame({"id": [1, 2, 3, 4, 5], "value": [1.0, np.nan, 3.0, np.nan, 5.0]})
    served = pd.DataFrame({"id": [5, 4, 3, 2, 9], "value": [4.0, np.nan, 3.05, 2.0, 1.0]})
    same = pd.DataFrame({"id": [1, 2], "value": [1.0, 2.0]})
    return [
        (served, again, 0.1),
        (same.iloc[::-1], same, 0.0),
        (served.iloc[[0, 1]], again.iloc[[3, 4]], 0.5),
        (same, pd.DataFrame({"id": [3, 4], "value": [1.0, 2.0]}), 0.0),
        (
            served,
            pd.DataFrame({"id": [2, 7], "value": [2.0, np.nan]}),
            0.1,
        ),  # what was never served agrees with nothing
        (pd.DataFrame({"id": [1, 2], "value": [np.nan, 2.0]}), pd.DataFrame({"id": [1, 2], "value": [0.0, 2.0]}), 0.1),
        (pd.DataFrame({"id": [1, 2, 3], "value": [1.0, 2.25, 2.5]}), again.iloc[[0, 2]], 0.5),
        (pd.DataFrame({"id": [1, 2], "value": [1.255, 2.25]}), same, 0.25),
    ]


def _triage_cases() -> list[tuple]:
    return [(p, shifted, fell) for p in (0.0, 1e-5, 0.01, 1.0) for shifted in (False, True) for fell in (False, True)]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="two libraries, one standard deviation",
        task=(
            "The training job standardizes a feature with `pandas`, the service with `numpy`, each with its own default. "
            "By which factor do the two standard deviations differ for `n` values?"
        ),
        solution=deviation_ratio,
        cases=lambda: [(2,), (5,), (30,), (1_000,)],
        mistakes=(
            Mistake(
                "variance",
                lambda n: n / (n - 1),
                "That is the ratio of the variances. A standard deviation is the root of a variance.",
            ),
            Mistake(
                "inverted",
                lambda n: np.sqrt((n - 1) / n),
                "Upside down: pandas divides by n − 1 by default, so its deviation is the larger one.",
            ),
            Mistake(
                "no difference",
                lambda n: 1.0,
                "They do differ: compare the defaults of `ddof` in `pandas.Series.std` and in `numpy.std`.",
            ),
        ),
        hints=(
            "Both sum the same squared deviations. They divide by different numbers.",
            "pandas has `ddof=1`, numpy `ddof=0`: write both formulas down and divide one by the other.",
        ),
        praise="The same data give two features. With few values a key, as for new users, the gap is largest.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a parity check",
        task=(
            "Write the core of replay parity for one feature. Watch out: the two sides come in different orders, "
            "some rows are missing, and NaN on both sides is agreement, NaN on one side is not."
        ),
        solution=share_mismatched,
        cases=_parity_cases,
        mistakes=(
            Mistake("by position", _by_position, "You compare row by row in the order they come. Join on `id` first."),
            Mistake(
                "inner join",
                _inner_join,
                "Rows that were never served drop out of your join, so a service that logs nothing would look perfect.",
            ),
            Mistake(
                "nan never agrees",
                _nan_never_agrees,
                "NaN on both sides counts as a mismatch in yours: NaN compares as unequal to itself.",
            ),
            Mistake(
                "nan always agrees",
                _nan_always_agrees,
                "A comparison with NaN is never true, so a value missing on one side passes in yours.",
            ),
            Mistake(
                "signed",
                _signed,
                "You find served values that are too large, not those that are too small. Take the absolute difference.",
            ),
        ),
        hints=(
            'Start from the rows that should exist: `recomputed.merge(served, on="id", how="left", …)`.',
            "Three ways to mismatch: the row is not there, exactly one of the two is NaN, the difference is too large. "
            "`indicator=True` tells you the first.",
        ),
        praise="That is the detector that found every skew in this lesson.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="the first move",
        task=(
            "It is nine in the morning and you have three readings. Write down your rule for the first move. "
            "Use what this lesson measured: which reading points at the pipeline, and which at the world?"
        ),
        solution=triage,
        cases=_triage_cases,
        mistakes=(
            Mistake(
                "retrain on alarm",
                lambda parity, shifted, fell: (
                    "fix the pipeline" if parity > 0 else "retrain" if shifted or fell else "nothing"
                ),
                "You retrain whenever the inputs shift. The new city shifted them and cost nothing: watch it.",
            ),
            Mistake(
                "skew needs an alarm",
                lambda parity, shifted, fell: (
                    "fix the pipeline"
                    if parity > 0 and shifted
                    else "retrain"
                    if fell
                    else "watch"
                    if shifted
                    else "nothing"
                ),
                "You wait for a drift alarm before you believe a parity mismatch. The misjoin never raises one.",
            ),
            Mistake(
                "skew needs a loss",
                lambda parity, shifted, fell: (
                    "fix the pipeline"
                    if parity > 0 and fell
                    else "retrain"
                    if fell
                    else "watch"
                    if shifted
                    else "nothing"
                ),
                "You wait until quality has fallen. Labels come late, and parity has already shown that inputs are wrong.",
            ),
            Mistake(
                "retrain first",
                lambda parity, shifted, fell: (
                    "retrain" if fell else "fix the pipeline" if parity > 0 else "watch" if shifted else "nothing"
                ),
                "You retrain on top of a broken pipeline. The run showed what that buys: honest metrics, not the orders.",
            ),
        ),
        hints=(
            "One of the three readings never fired in the drift control. What does it mean when it does fire?",
            "Ask in this order: are the inputs computed wrongly, has quality fallen, has anything moved at all?",
        ),
        praise="Parity first, since nothing measured on wrong inputs can be trusted; then quality; then curiosity.",
    ),
)
