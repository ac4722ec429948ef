"""Exercises of lesson 7, training–serving skew."""

import math

import numpy as np
import pandas as pd

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def visits_to_log(share: float, escape: float) -> int:
    """Return the least number of visits to log so that a bug escapes at most so often.

    share: of the visits that the bug touches, 0 to 1; visits are drawn independently.
    escape: largest probability that no logged visit is one of them.
    """
    visits = 1
    while (1 - share) ** visits > escape:
        visits += 1
    return visits


def share_mismatched(served: pd.DataFrame, recomputed: pd.DataFrame, tolerance: float) -> float:
    """Return the share of recomputed rows that were not served, or served otherwise.

    Both are data frames with the columns `id` and `value`, one row an id, in any order.
    Values may differ by `tolerance`. Two NaN agree.
    """
    pair = recomputed.merge(served, on="id", how="left", suffixes=("_again", ""), indicator=True)
    far = (pair["value"] - pair["value_again"]).abs() > tolerance
    one_missing = pair["value"].isna() != pair["value_again"].isna()
    return (far | one_missing | (pair["_merge"] == "left_only")).mean()


def triage(
    released: bool,
    labels_arrive: bool,
    served_wrong: float,
    trained_wrong: float,
    inputs: float,
    calibration: float,
) -> str:
    """Return one of the first moves of this lesson's table, such as "roll back".

    released: whether a release went out since yesterday.
    labels_arrive: whether clicks come in as on other days.
    served_wrong, trained_wrong: shares of rows that a parity found wrong, 0 to 1.
    inputs, calibration: readings of the tests, as multiples of their alarm lines.
    """
    if released and calibration > 1:
        return "roll back"
    if served_wrong > 0 or trained_wrong > 0:
        return "fix the pipeline"
    if not labels_arrive:
        return "fix the tracking"
    if calibration > 1:
        return "retrain"
    return "watch" if inputs > 1 else "nothing"


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
    yes_no, lines = (False, True), (0.9, 1.1)
    crossed = [
        (released, arrive, served, trained, inputs, calibration)
        for released in yes_no
        for arrive in yes_no
        for served, trained in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.3))
        for inputs in lines
        for calibration in lines
    ]
    edges = [
        (False, True, 1e-6, 0.0, 0.5, 0.5),
        (False, True, 0.0, 1e-6, 0.5, 0.5),
        (False, True, 1.0, 1.0, 4.0, 4.0),
        (False, True, 0.0, 0.0, 1.01, 0.99),
        (False, True, 0.0, 0.0, 0.99, 1.01),
        (True, True, 0.0, 0.0, 0.5, 1.01),
        (True, True, 0.0, 0.0, 4.0, 0.99),
    ]
    return crossed + edges


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how many visits to log",
        task=(
            "Storage is dear, so the service logs the features of a random sample of visits. A bug touches a share of the "
            "visits, and one touched visit in the sample is enough for parity. How many visits must be logged a day? "
            "Example: a bug in half of the visits escapes two logged ones with probability 0.25."
        ),
        solution=visits_to_log,
        cases=lambda: [
            (0.5, 0.25),
            (0.5, 0.26),
            (0.5, 0.24),
            (0.01, 0.01),
            (0.001, 0.05),
            (0.3, 0.001),
            (1.0, 0.01),
            (0.2, 0.9),
        ],
        mistakes=(
            Mistake(
                "rounded down",
                lambda share, escape: max(1, math.floor(math.log(escape) / math.log1p(-share))) if share < 1 else 1,
                "With one visit fewer than needed the bug escapes too often. Round up.",
            ),
            Mistake(
                "expected one",
                lambda share, escape: math.ceil(1 / share),
                "So many visits hold one touched visit *on average*. The probability of none is then still about a third.",
            ),
            Mistake(
                "rule of three",
                lambda share, escape: math.ceil(3 / share),
                "The rule of three is for an escape of 5% and a small share. Use the probability that is asked for.",
            ),
            Mistake(
                "caught for escape",
                lambda share, escape: max(1, math.ceil(math.log(1 - escape) / math.log1p(-share))) if share < 1 else 1,
                "That is the number for catching it with probability `escape`. It may *escape* with that probability.",
            ),
        ),
        hints=(
            "One visit misses the bug with probability 1 − share. What do n independent visits do?",
            "Find the least n with (1 − share)ⁿ ≤ escape: count up, or take logarithms and round up.",
        ),
        praise="A few hundred visits a day catch what touches one in a hundred. Parity is cheap.",
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
        praise="That is the check that needs no threshold, no label and no reference day.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="the first move",
        task=(
            "It is nine in the morning, and you have six readings. Write down your rule for the first move. Use what this "
            "lesson measured in the control, under drift, and after retraining: which readings can be trusted, and which "
            "one settles the matter?"
        ),
        solution=triage,
        cases=_triage_cases,
        mistakes=(
            Mistake(
                "retrain on alarm",
                lambda released, arrive, served, trained, inputs, calibration: triage(
                    released,
                    arrive,
                    served,
                    trained,
                    inputs,
                    max(calibration, 1.1 if inputs > 1 else 0) if not released else calibration,
                ),
                "You retrain when the inputs move. The new city moved them and every value was right: watch it.",
            ),
            Mistake(
                "never rolls back",
                lambda released, *readings: triage(False, *readings),
                "Quality fell after a release, and you debug while orders are lost. Roll back first; the log keeps.",
            ),
            Mistake(
                "always rolls back",
                lambda released, *readings: "roll back" if released else triage(False, *readings),
                "You roll back every release. Roll back when quality fell; else look at the other readings.",
            ),
            Mistake(
                "served only",
                lambda released, arrive, served, trained, *tests: triage(released, arrive, served, 0.0, *tests),
                "What is served can be right while the training rows are wrong: look-ahead passes serving parity.",
            ),
            Mistake(
                "skew needs an alarm",
                lambda released, arrive, served, trained, inputs, calibration: triage(
                    released, arrive, served * (inputs > 1), trained * (inputs > 1), inputs, calibration
                ),
                "You wait for a test of distributions before you believe a parity. The misjoin moved no single feature.",
            ),
            Mistake(
                "skew needs a loss",
                lambda released, arrive, served, trained, inputs, calibration: triage(
                    released, arrive, served * (calibration > 1), trained * (calibration > 1), inputs, calibration
                ),
                "You wait until quality has fallen. Labels come late, and parity has already shown that values are wrong.",
            ),
            Mistake(
                "retrain first",
                lambda released, arrive, served, trained, inputs, calibration: (
                    "retrain"
                    if calibration > 1 and not released
                    else triage(released, arrive, served, trained, inputs, calibration)
                ),
                "You retrain on a broken pipeline or on damaged labels. The run showed what that buys: an honest metric, "
                "not the orders.",
            ),
            Mistake(
                "labels taken on trust",
                lambda released, arrive, *readings: triage(released, True, *readings),
                "Clicks are missing, and you go on as if quality could be read. Fix the tracking before you believe it.",
            ),
        ),
        hints=(
            "Two of the readings were exactly zero in the control and under drift. What does any other value mean?",
            "Ask in this order: can the loss be stopped, is a value computed wrongly, can the labels be trusted, has "
            "quality fallen, has anything moved at all?",
        ),
        praise="Stop the loss, then the exact checks, then the labels, and only then what is made of them.",
    ),
)
