"""Exercises of lesson 17 against drawn ideas, statsmodels' clustered errors and a table by hand; answers of others."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from tests.exercises.judging import (
    assert_by_hand,
    assert_solution_is,
    in_order,
    mistake,
    named_mistakes,
    results,
    state,
)
from utils.exercises.ab_testing import EXERCISES

WINS, RATIO, READOUT = in_order(EXERCISES)


def by_bayes(share_that_work, power, alpha):
    """Count a million ideas: p is uniform for idle ones, and half of the small p point the good way."""
    ideas = Fraction(10**6)
    helpful = ideas * Fraction(share_that_work)
    idle_wins = (ideas - helpful) * Fraction(alpha) * Fraction(1, 2)
    return float(idle_wins / (idle_wins + helpful * Fraction(power)))


def test_false_wins_are_those_of_drawn_ideas():
    assert_solution_is(WINS, by_bayes, (0.3, 0.5, 0.01), (0.9, 0.9, 0.2))
    rng = np.random.default_rng(0)
    works = rng.random(200_000) < 0.1
    effect = stats.norm.ppf(0.8) - stats.norm.ppf(0.025)  # power 80% one-sided at the two-sided bound
    z = rng.normal(np.where(works, effect, 0.0))
    wins = z > stats.norm.isf(0.025)
    assert abs((wins & ~works).sum() / wins.sum() - results(WINS)[0]) < 0.01
    by_hand = [
        ((0.1, 0.8, 0.05), 0.0225 / 0.1025),
        ((0.5, 0.8, 0.05), 0.0125 / 0.4125),
        ((0.02, 0.3, 0.1), 0.049 / 0.055),
        ((1, 0.8, 0.05), 0),
    ]
    assert_by_hand(WINS, by_hand)


def by_delta_method(clicks, views, arm):
    """The delta method written with the moments of clicks and views, as in the textbooks."""
    parts = []
    for side in (0, 1):
        x, y = clicks[arm == side].astype(float), views[arm == side].astype(float)
        n, rate = len(x), x.sum() / y.sum()
        (xx, xy), (_, yy) = np.cov(x, y)
        parts.append((rate, (xx - 2 * rate * xy + rate**2 * yy) / y.mean() ** 2 / n))
    (before, v0), (after, v1) = parts
    return (after - before) / np.sqrt(v0 + v1)


def test_z_is_that_of_the_textbook_formula_and_near_clustered_errors():
    rng = np.random.default_rng(1)
    views = rng.poisson(9, 80) + 1
    more = (rng.binomial(views, 0.2), views, rng.permutation(80) % 2)
    assert_solution_is(RATIO, by_delta_method, more)
    clicks, views, arm = RATIO.cases()[2]
    users = np.repeat(np.arange(len(views)), views)
    clicked = np.concatenate([np.r_[np.ones(c), np.zeros(v - c)] for c, v in zip(clicks, views, strict=True)])
    fit = sm.OLS(clicked, sm.add_constant(arm[users])).fit(cov_type="cluster", cov_kwds={"groups": users})
    assert RATIO.solution(clicks, views, arm) == pytest.approx(fit.tvalues[1], rel=0.01)


def test_the_cases_hold_no_effect_a_lift_and_a_loss_for_arms_of_unequal_size():
    idle, lift, loss = results(RATIO)
    assert [round(abs(idle)), lift > 3, loss < -2] == [0, True, True]
    assert [len(case[0]) for case in RATIO.cases()] == [40, 300, 1_000]
    assert [sum(case[2]) for case in RATIO.cases()] == [14, 100, 334]
    assert all(views.min() >= 10 and set(arm) == {0, 1} for _, views, arm in RATIO.cases())


def test_the_readout_is_that_of_the_table_by_hand():
    """Trust is decided by two readings, the rest by where z lies: a table of both boundaries."""
    by_z = {  # z: (boundary 2.04, boundary 3.2); "." is undecided
        -4.0: ("roll back", "roll back"),
        -2.1: ("roll back", "."),
        -2.0: (".", "."),
        0.3: (".", "."),
        2.0: (".", "."),
        2.1: ("ship", "."),
        3.1: ("ship", "."),
        4.0: ("ship", "ship"),
    }
    asked = set()
    for p, shared, z, boundary, last in READOUT.cases():
        wanted = by_z[z][(2.04, 3.2).index(boundary)].replace(".", "keep the old one" if last else "wait")
        if shared:
            wanted = "split by city and day"
        if p in (0.0009, 1e-4, 1e-6):
            wanted = "debug the split"
        assert READOUT.solution(p, shared, z, boundary, last) == wanted
        asked.add((p, shared, z, boundary, last))
    assert len(asked) == len(READOUT.cases()) == 6 * 2 * 8 * 2 * 2
    assert {case[0] for case in asked} == {0.4, 0.02, 0.0011, 0.0009, 1e-4, 1e-6}


def test_a_statistic_at_a_boundary_has_reached_it():
    assert [READOUT.solution(0.001, False, z, 2.04, False) for z in (2.04, -2.04)] == ["ship", "roll back"]


def by_frame(clicks, views, arm, ddof=1):
    users = pd.DataFrame({"x": clicks, "y": views, "arm": arm})
    arms = users.groupby("arm")[["x", "y"]].sum()
    rate = arms["x"] / arms["y"]
    users["c"] = (users["x"] - users["arm"].map(rate) * users["y"]) / users["arm"].map(users.groupby("arm")["y"].mean())
    variance = users.groupby("arm")["c"].agg(lambda c: c.var(ddof=ddof) / len(c))
    return (rate[1] - rate[0]) / variance.sum() ** 0.5


def by_welch_of_contributions(clicks, views, arm):
    contribution = (clicks - clicks.sum() / views.sum() * views) / views.mean()
    return stats.ttest_ind(contribution[arm == 1], contribution[arm == 0], equal_var=False).statistic


def by_population_contributions(clicks, views, arm):
    c = (clicks - np.sum(clicks) / np.sum(views) * views) / np.mean(views)
    a, b = c[arm == 0], c[arm == 1]
    return (np.mean(b) - np.mean(a)) / np.hypot(np.std(a) / len(a) ** 0.5, np.std(b) / len(b) ** 0.5)


def readout(p, shared, z, boundary, last, *, alarm=0.001):
    conditions = [p < alarm, shared, z >= boundary, z <= -boundary, last]
    words = ["debug the split", "split by city and day", "ship", "roll back", "keep the old one"]
    return np.select(conditions, words, "wait")


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (WINS, by_bayes),
        (WINS, lambda s, power, a: 1 / (1 + s * power / ((1 - s) * a / 2)) if s < 1 else 0),
        (WINS, lambda s, power, a: np.float32((1 - s) * a) / np.float32((1 - s) * a + 2 * s * power)),
        (RATIO, by_delta_method),
        (RATIO, by_frame),
        (RATIO, lambda *columns: by_frame(*columns, ddof=0)),
        (RATIO, by_welch_of_contributions),
        (RATIO, by_population_contributions),
        (RATIO, lambda *columns: np.array(by_delta_method(*columns))),
        (READOUT, readout),
        (READOUT, lambda *readings: readout(*readings)[()]),
        (READOUT, lambda *readings: str(readout(*readings))),
    ],
)
def test_right_answers_in_other_styles_pass(exercise, answer):
    assert state(exercise, answer) == "passed"


def with_standard_error(clicks, views, arm, variance):
    parts = []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        parts.append((x.sum() / y.sum(), variance(x, y, x.sum() / y.sum())))
    return (parts[1][0] - parts[0][0]) / np.sqrt(parts[0][1] + parts[1][1])


def variance_forms(variance):
    return lambda clicks, views, arm: with_standard_error(clicks, views, arm, variance)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (WINS, lambda s, power, a: (1 - s) * a / 2 / (s * power)),
        (WINS, lambda s, power, a: (1 - s) * (1 - power) / ((1 - s) * (1 - power) + s * power)),
        (WINS, lambda s, power, a: s * a / 2 / (s * a / 2 + (1 - s) * power)),
        (WINS, lambda s, power, a: 0.2195),
        (WINS, lambda s, power, a: (1 - s) * a / 4 / ((1 - s) * a / 4 + s * power)),
        (RATIO, variance_forms(lambda x, y, rate: ((x - rate * y) / y.mean()).var(ddof=2) / len(x))),
        (RATIO, variance_forms(lambda x, y, rate: ((x - rate * y) / y.mean()).var(ddof=1))),
        (RATIO, variance_forms(lambda x, y, rate: ((x - rate * y) / y).var(ddof=1) / len(x))),
        (RATIO, variance_forms(lambda x, y, rate: (x - rate * y).var(ddof=1) / y.sum())),
        (RATIO, variance_forms(lambda x, y, rate: (x / y).var(ddof=1) / len(x))),
        (RATIO, lambda clicks, views, arm: abs(by_delta_method(clicks, views, arm))),
        (RATIO, lambda clicks, views, arm: stats.ttest_ind(clicks[arm == 1], clicks[arm == 0]).statistic),
        (RATIO, lambda clicks, views, arm: round(by_delta_method(clicks, views, arm), 2)),
        (READOUT, lambda *readings: readout(*readings, alarm=0.05)),
        (READOUT, lambda *readings: readout(*readings, alarm=0.01)),
        (READOUT, lambda *readings: readout(*readings, alarm=0.0012)),
        (READOUT, lambda *readings: readout(*readings, alarm=0.0008)),
        (READOUT, lambda *readings: readout(*readings, alarm=1e-5)),
        (READOUT, lambda p, shared, z, boundary, last: readout(p, shared, z, 0.95 * boundary, last)),
        (READOUT, lambda p, shared, z, boundary, last: readout(p, shared, z, 1.05 * boundary, last)),
        (READOUT, lambda p, shared, z, boundary, last: readout(p, shared, z, 2.04, last)),
        (READOUT, lambda p, shared, z, boundary, last: "roll back" if last and z < 0 else readout(p, shared, z, boundary, last)),
        (READOUT, lambda p, shared, z, boundary, last: readout(p, shared, z, 0 if last else boundary, last)),
        (READOUT, lambda p, shared, z, boundary, last: "split by city and day" if shared else readout(p, shared, z, boundary, last)),
        (READOUT, lambda *readings: "wait"),
    ],
)  # fmt: skip
def test_plausible_wrong_answers_fail(exercise, answer):
    assert state(exercise, answer) in ("wrong", "mistake")


def by_request(clicks, views, arm, *, pooled):
    (x0, x1), (y0, y1) = ([c[arm == s].sum() for s in (0, 1)] for c in (clicks, views))
    if not pooled:
        return (x1 / y1 - x0 / y0) / np.sqrt(x1 / y1 * (1 - x1 / y1) / y1 + x0 / y0 * (1 - x0 / y0) / y0)
    chi_square = stats.chi2_contingency([[x0, y0 - x0], [x1, y1 - x1]], correction=False).statistic
    return np.sign(x1 / y1 - x0 / y0) * np.sqrt(chi_square)


MISTAKES = [
    (WINS, "alpha is the answer", lambda s, power, a: a),
    (WINS, "both tails", lambda s, power, a: (a - s * a) / (a - s * a + s * power)),
    (WINS, "no base rate", lambda s, power, a: a / (a + 2 * power)),
    (WINS, "share of all tests", lambda s, power, a: a / 2 - s * a / 2),
    (RATIO, "by request", lambda *columns: by_request(*columns, pooled=True)),
    (RATIO, "by request, unpooled", lambda *columns: by_request(*columns, pooled=False)),
    (
        RATIO,
        "mean of rates",
        lambda c, v, arm: stats.ttest_ind((c / v)[arm == 1], (c / v)[arm == 0], equal_var=False).statistic,
    ),
    (RATIO, "views are fixed", variance_forms(lambda x, y, rate: np.cov(x) / y.mean() ** 2 / len(x))),
    (RATIO, "control minus treatment", lambda *columns: -by_delta_method(*columns)),
    (READOUT, "peeking", lambda p, shared, z, boundary, last: readout(p, shared, z, 1.96, last)),
    (READOUT, "one more week", lambda p, shared, z, boundary, last: readout(p, shared, z, boundary, False)),
    (READOUT, "two-sided win", lambda p, shared, z, boundary, last: readout(p, shared, abs(z), boundary, last)),
    (
        READOUT,
        "winners skip the checks",
        lambda p, shared, z, boundary, last: readout(p * (z < boundary) + (z >= boundary), shared and z < boundary, z, boundary, last),
    ),
    (READOUT, "blind to supply", lambda p, shared, *rest: readout(p, False, *rest)),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "name", "answer"), MISTAKES)
def test_mistakes_as_others_write_them_are_recognized(exercise, name, answer):
    assert mistake(exercise, answer) == name


def test_every_mistake_was_tried():
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
