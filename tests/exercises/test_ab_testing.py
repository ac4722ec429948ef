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


def by_bayes(share_that_work, power, false_alarm, ahead_only):
    """Count a million ideas; half of the alarms of idle ones point the good way."""
    ideas = Fraction(10**6)
    helpful = ideas * Fraction(share_that_work)
    celebrated = (ideas - helpful) * Fraction(false_alarm) * Fraction(1, 2 if ahead_only else 1)
    return float(celebrated / (celebrated + helpful * Fraction(power)))


def test_false_wins_are_those_of_drawn_ideas():
    assert_solution_is(WINS, by_bayes, (0.3, 0.5, 0.01, True), (0.9, 0.9, 0.2, False))
    rng = np.random.default_rng(0)
    works = rng.random(200_000) < 0.1
    effect = stats.norm.ppf(0.8) - stats.norm.ppf(0.025)  # power 80% one-sided at the two-sided bound
    z = rng.normal(np.where(works, effect, 0.0))
    ahead, any_side = z > stats.norm.isf(0.025), np.abs(z) > stats.norm.isf(0.025)
    for wins, share in zip((ahead, any_side), results(WINS)[:2], strict=True):
        assert abs((wins & ~works).sum() / wins.sum() - share) < 0.01
    by_hand = [
        ((0.1, 0.8, 0.05, True), 0.0225 / 0.1025),
        ((0.1, 0.8, 0.05, False), 0.045 / 0.125),
        ((0.1, 0.8, 0.248, True), 0.1116 / 0.1916),
        ((0.5, 0.8, 0.05, True), 0.0125 / 0.4125),
        ((0.02, 0.3, 0.1, False), 0.098 / 0.104),
        ((1.0, 0.8, 0.05, True), 0),
        ((0.08, 0.8, 0.05, True), 0.023 / 0.087),
        ((0.0, 0.8, 0.05, True), 1),
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


def clustered(clicks, views, arm):
    """Ordinary least squares on views, errors clustered by user."""
    users = np.repeat(np.arange(len(views)), views)
    clicked = np.repeat(np.tile([1.0, 0.0], len(views)), np.stack([clicks, views - clicks], axis=1).ravel())
    fit = sm.OLS(clicked, sm.add_constant(arm[users])).fit(cov_type="cluster", cov_kwds={"groups": users})
    return fit.tvalues[1]


def test_z_is_that_of_the_textbook_formula_and_near_clustered_errors():
    rng = np.random.default_rng(1)
    views = rng.poisson(9, 80) + 1
    more = (rng.binomial(views, 0.2), views, rng.permutation(80) % 2)
    assert_solution_is(RATIO, by_delta_method, more)
    first = RATIO.cases()[0]
    assert RATIO.solution(*first) == pytest.approx(clustered(*first), rel=0.01)


def test_the_cases_hold_no_effect_a_lift_and_a_loss_for_arms_of_unequal_size():
    idle, lift, loss = results(RATIO)
    assert [0.1 < abs(idle) < 2, lift > 3, loss < -2] == [True, True, True]
    assert [len(case[0]) for case in RATIO.cases()] == [1_500, 3_000, 4_500]
    assert [sum(case[2]) for case in RATIO.cases()] == [500, 1_000, 1_500]
    assert all(views.min() >= 10 and set(arm) == {0, 1} for _, views, arm in RATIO.cases())


def by_table(p, shared, guard, z, boundary, day, last, lasts):
    """The readout as the lesson tells it, by where the readings lie in a table written by hand."""
    where = {  # z: (boundary 2.04, boundary 3.2); "." is undecided
        -4.0: ("loss", "loss"), -2.1: ("loss", "."), -2.0: (".", "."), 0.0: (".", "."), 0.3: (".", "."), 2.0: (".", "."),
        2.1: ("win", "."), 3.1: ("win", "."), 3.5: ("win", "win"), 4.0: ("win", "win"),
    }  # fmt: skip
    metric, harm = (where[x][(2.04, 3.2).index(boundary)] for x in (z, guard))
    if p in (0.00098, 0.0005, 1e-4, 2e-6):
        return "debug the split"
    if shared:
        return "split by city and day"
    if metric == "loss" or harm == "win":
        return "roll back"
    if metric == "win" and day in (7, 14, 21, 28) and lasts:
        return "ship"
    return "keep the old one" if day == last else "wait"


def test_the_readout_is_that_of_the_table_by_hand():
    cases = READOUT.cases()
    assert [READOUT.solution(*case) for case in cases] == [by_table(*case) for case in cases]
    assert len(set(cases)) == len(cases) == 184
    said = [READOUT.solution(*case) for case in cases]
    words = ("debug the split", "split by city and day", "roll back", "ship", "wait", "keep the old one")
    assert min(said.count(word) for word in words) >= 5
    assert {case[5] for case in cases} >= {3, 6, 7, 8, 13, 14, 20, 21, 27, 28}


def test_a_statistic_at_a_boundary_has_reached_it():
    asked = [(2.04, 0, 7), (-2.04, 0, 3), (4.0, 2.04, 7)]
    said = [READOUT.solution(0.001, False, guard, z, 2.04, day, 14, True) for z, guard, day in asked]
    assert said == ["ship", "roll back", "roll back"]


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


def jackknife(clicks, views, arm):
    """Leave each user out in turn, in a loop over the arms and array code over the users."""
    out = {}
    for side in (0, 1):
        x, y = clicks[arm == side].astype(float), views[arm == side].astype(float)
        without = (x.sum() - x) / (y.sum() - y)
        out[side] = x.sum() / y.sum(), (len(x) - 1) / len(x) * ((without - without.mean()) ** 2).sum()
    return (out[1][0] - out[0][0]) / (out[0][1] + out[1][1]) ** 0.5


def readout(p, shared, guard, z, boundary, day, last, lasts, *, alarm=0.001, ships=lambda day: day % 7 == 0):
    harmed = guard >= boundary or z <= -boundary
    conditions = [p < alarm, shared, harmed, z >= boundary and ships(day) and lasts, day >= last]
    words = ["debug the split", "split by city and day", "roll back", "ship", "keep the old one"]
    return np.select(conditions, words, "wait")


def by_returns(p, shared, guard, z, boundary, day, last, lasts):
    """Early returns, the lines reached exclusively."""
    if not p > 0.001:
        return "debug the split"
    if shared:
        return "split by city and day"
    if z < -boundary or guard > boundary:
        return "roll back"
    if z > boundary and day in (7, 14, 21, 28) and lasts:
        return "ship"
    return "wait" if day < last else "keep the old one"


RIGHT = [
    (WINS, by_bayes),
    (WINS, lambda s, power, a, ahead: 1 / (1 + s * power / ((1 - s) * a / (2 if ahead else 1))) if s < 1 else 0),
    (WINS, lambda s, power, a, ahead: np.float32((1 - s) * a) / np.float32((1 - s) * a + (1 + ahead) * s * power)),
    (WINS, lambda s, power, a, ahead: 1 - s * power / (s * power + (1 - s) * np.where(ahead, a / 2, a))),
    (WINS, lambda s, power, a, ahead: np.array((1 - s) * a / ((1 - s) * a + s * power * [1, 2][ahead]))),
    (RATIO, by_delta_method),
    (RATIO, by_frame),
    (RATIO, lambda *columns: by_frame(*columns, ddof=0)),
    (RATIO, by_welch_of_contributions),
    (RATIO, by_population_contributions),
    (RATIO, lambda *columns: np.array(by_delta_method(*columns))),
    (RATIO, jackknife),
    (RATIO, clustered),
    (READOUT, readout),
    (READOUT, lambda *readings: readout(*readings)[()]),
    (READOUT, lambda *readings: str(readout(*readings))),
    (READOUT, by_table),
    (READOUT, by_returns),
]


def test_right_answers_in_other_styles_pass():
    assert [state(exercise, answer) for exercise, answer in RIGHT] == ["passed"] * len(RIGHT)


def with_standard_error(clicks, views, arm, variance):
    parts = []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        parts.append((x.sum() / y.sum(), variance(x, y, x.sum() / y.sum())))
    return (parts[1][0] - parts[0][0]) / np.sqrt(parts[0][1] + parts[1][1])


def variance_forms(variance):
    return lambda clicks, views, arm: with_standard_error(clicks, views, arm, variance)


def rule(**changed):
    """Return the readout with the alarm or the days of shipping changed."""
    return lambda *readings: readout(*readings, **changed)


WRONG = [
    (WINS, lambda s, power, a, ahead: (1 - s) * a / (1 + ahead) / (s * power) if s else 1),
    (WINS, lambda s, power, a, ahead: (1 - s) * (1 - power) / ((1 - s) * (1 - power) + s * power)),
    (WINS, lambda s, power, a, ahead: s * a / (s * a + (1 - s) * power * (1 + ahead))),
    (WINS, lambda s, power, a, ahead: 0.2195),
    (WINS, lambda s, power, a, ahead: (1 - s) * a / ((1 - s) * a + (2 - ahead) * s * power)),
    (WINS, lambda s, power, a, ahead: (1 - s) * 0.05 / ((1 - s) * 0.05 + (1 + ahead) * s * power)),
    (RATIO, variance_forms(lambda x, y, rate: ((x - rate * y) / y.mean()).var(ddof=1))),
    (RATIO, variance_forms(lambda x, y, rate: ((x - rate * y) / y).var(ddof=1) / len(x))),
    (RATIO, variance_forms(lambda x, y, rate: (x - rate * y).var(ddof=1) / y.sum())),
    (RATIO, variance_forms(lambda x, y, rate: (x / y).var(ddof=1) / len(x))),
    (RATIO, lambda clicks, views, arm: abs(by_delta_method(clicks, views, arm))),
    (RATIO, lambda clicks, views, arm: stats.ttest_ind(clicks[arm == 1], clicks[arm == 0]).statistic),
    (RATIO, lambda *columns: 1.1 * by_delta_method(*columns)),
    (RATIO, lambda *columns: str(by_delta_method(*columns))),
    *((READOUT, rule(alarm=alarm)) for alarm in (0.05, 0.01, 0.002, 0.00105, 0.0009, 1e-4, 1e-5, 0)),
    (READOUT, rule(ships=lambda day: day >= 7)),
    (READOUT, rule(ships=lambda day: day >= 14)),
    (READOUT, rule(ships=lambda day: day in (14, 21, 28))),
    (READOUT, rule(ships=lambda day: day in (7, 14))),
    (READOUT, rule(ships=lambda day: day > 3)),
    (READOUT, lambda p, shared, guard, z, boundary, *days: readout(p, shared, guard, z, 0.95 * boundary, *days)),
    (READOUT, lambda p, shared, guard, z, boundary, *days: readout(p, shared, guard, z, 1.05 * boundary, *days)),
    (READOUT, lambda p, shared, guard, z, boundary, *days: readout(p, shared, guard, z, 2.04, *days)),
    (READOUT, lambda p, shared, guard, *rest: readout(p, shared, abs(guard), *rest)),
    (READOUT, lambda p, shared, guard, *rest: readout(p, shared, 9 if guard >= 1.96 else 0, *rest)),
    (READOUT, lambda p, shared, *rest: "split by city and day" if shared else readout(p, shared, *rest)),
    (READOUT, lambda *readings: readout(*readings) if readings[-1] else "wait"),
    (READOUT, lambda *readings: readout(*readings[:-1], readings[-1] or readings[5] >= 14)),
    (READOUT, lambda *readings: "wait"),
]


def test_plausible_wrong_answers_fail():
    said = [state(exercise, answer) for exercise, answer in WRONG]
    assert [place for place, word in enumerate(said) if word not in ("wrong", "mistake")] == []


def by_request(clicks, views, arm, *, pooled):
    (x0, x1), (y0, y1) = ([c[arm == s].sum() for s in (0, 1)] for c in (clicks, views))
    if not pooled:
        return (x1 / y1 - x0 / y0) / np.sqrt(x1 / y1 * (1 - x1 / y1) / y1 + x0 / y0 * (1 - x0 / y0) / y0)
    chi_square = stats.chi2_contingency([[x0, y0 - x0], [x1, y1 - x1]], correction=False).statistic
    return np.sign(x1 / y1 - x0 / y0) * np.sqrt(chi_square)


def never_waits_with_a_winner(p, shared, guard, z, boundary, day, last, lasts):
    wins = z >= boundary and day % 7 == 0 and lasts
    return readout(1.0 if wins else p, shared and not wins, 0 if wins else guard, z, boundary, day, last, lasts)


def patient_with_harm(*readings):
    said = str(readout(*readings))
    return "wait" if said == "roll back" and readings[5] not in (7, 14, 21, 28) else said


MISTAKES = [
    (WINS, "the alarm rate is the answer", lambda s, power, a, ahead: a),
    (WINS, "both tails are celebrated", lambda s, power, a, ahead: (a - s * a) / (a - s * a + s * power)),
    (WINS, "one tail always", lambda s, power, a, ahead: (a - s * a) / (a - s * a + 2 * s * power)),
    (WINS, "no base rate", lambda s, power, a, ahead: a / (a + (1 + ahead) * power)),
    (WINS, "share of all tests", lambda s, power, a, ahead: (a - s * a) / (2 if ahead else 1)),
    (RATIO, "by request", lambda *columns: by_request(*columns, pooled=True)),
    (RATIO, "by request, unpooled", lambda *columns: by_request(*columns, pooled=False)),
    (
        RATIO,
        "mean of rates",
        lambda c, v, arm: stats.ttest_ind((c / v)[arm == 1], (c / v)[arm == 0], equal_var=False).statistic,
    ),
    (RATIO, "views are fixed", variance_forms(lambda x, y, rate: np.cov(x) / y.mean() ** 2 / len(x))),
    (RATIO, "control minus treatment", lambda *columns: -by_delta_method(*columns)),
    (READOUT, "ships on any day", rule(ships=lambda day: True)),
    (READOUT, "ships once a week has passed", rule(ships=lambda day: day > 6)),
    (READOUT, "ships a novelty", lambda *readings: readout(*readings[:-1], True)),
    (READOUT, "harm waits for Sunday", patient_with_harm),
    (READOUT, "no guardrail", lambda p, shared, guard, *rest: readout(p, shared, -9, *rest)),
    (READOUT, "peeking", lambda p, shared, guard, z, edge, *days: readout(p, shared, guard, z, 1.96, *days)),
    (READOUT, "one more week", lambda *readings: readout(*readings[:-2], 99, readings[-1])),
    (READOUT, "two-sided win", lambda p, shared, guard, z, *rest: readout(p, shared, guard, abs(z), *rest)),
    (READOUT, "winners skip the checks", never_waits_with_a_winner),
    (READOUT, "blind to supply", lambda p, shared, *rest: readout(p, False, *rest)),
    (READOUT, "debugs the healthy", rule(alarm=0.05)),
    (READOUT, "debugs too little", rule(alarm=1e-5)),
]


def test_mistakes_as_others_write_them_are_recognized():
    for exercise, name, answer in MISTAKES:
        assert mistake(exercise, answer) == name
    assert {(exercise.number, name) for exercise, name, _ in MISTAKES} == named_mistakes(EXERCISES)
