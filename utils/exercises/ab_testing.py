"""Exercises of lesson 17, A/B testing."""

from typing import Any

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def false_wins(share_that_work: float, power: float, false_alarm: float, ahead_only: bool) -> float:
    """Return the share of a team's celebrations that are for nothing.

    share_that_work: share of the tested ideas that help, 0 to 1; the others change
        nothing.
    power: chance that an idea that helps is celebrated.
    false_alarm: chance that an idea that changes nothing raises an alarm in this
        team's procedure, on either side.
    ahead_only: True where only an alarm with the new version ahead is celebrated,
        False where every significant difference is reported as a finding.
    """
    idle_celebrated = false_alarm / 2 if ahead_only else false_alarm
    false = (1 - share_that_work) * idle_celebrated
    return false / (false + share_that_work * power)


def ratio_z(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    """Return z of the difference of click rates, treatment minus control.

    Users were assigned. clicks, views: sums of each user, arrays of shape (n,).
    arm: 0 for control, 1 for treatment, shape (n,).
    """
    rates, variances = [], []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        rate = x.sum() / y.sum()
        contribution = (x - rate * y) / y.mean()
        rates.append(rate)
        variances.append(contribution.var(ddof=1) / len(x))
    return (rates[1] - rates[0]) / np.sqrt(sum(variances))


def verdict(
    sample_ratio_p: float,
    shared: bool,
    guardrail_z: float,
    z: float,
    boundary: float,
    day: int,
    last_day: int,
    lasts: bool,
) -> str:
    """Return "debug the split", "split by city and day", "roll back", "ship", "wait" or
    "keep the old one" for the readout of a day.

    sample_ratio_p: p-value of the sample-ratio test.
    shared: whether the two arms, split by user, draw on the same couriers.
    guardrail_z: of late deliveries, in standard errors; positive is worse.
    z: of the deciding metric; positive is better.
    boundary: the planned critical z of this look, for both statistics.
    day: of the test, from 1. last_day: of the plan, a whole number of weeks.
    lasts: whether those who know it for a week still gain, or nothing looks new.
    """
    if sample_ratio_p < 0.001:
        return "debug the split"
    if shared:
        return "split by city and day"
    if z <= -boundary or guardrail_z >= boundary:
        return "roll back"
    if z >= boundary and day % 7 == 0 and lasts:
        return "ship"
    return "keep the old one" if day >= last_day else "wait"


def _population_variance(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    return _delta_z(clicks, views, arm, ddof=0)


def _centered_at_the_common_rate(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    return _pooled_z(clicks, views, arm, ddof=1)


def _centered_at_the_common_rate_population(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    return _pooled_z(clicks, views, arm, ddof=0)


def _delta_z(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray, ddof: int) -> float:
    rates, variances = [], []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        rates.append(x.sum() / y.sum())
        variances.append(((x - rates[-1] * y) / y.mean()).var(ddof=ddof) / len(x))
    return (rates[1] - rates[0]) / np.sqrt(sum(variances))


def _pooled_z(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray, ddof: int) -> float:
    """Center all users' contributions at the rate of both arms together, as the lesson does for a thousand splits."""
    contribution = (clicks - clicks.sum() / views.sum() * views) / views.mean()
    control, treatment = (contribution[arm == side] for side in (0, 1))
    error = np.sqrt(control.var(ddof=ddof) / len(control) + treatment.var(ddof=ddof) / len(treatment))
    return (treatment.mean() - control.mean()) / error


def _by_request(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    x, y = (np.array([column[arm == side].sum() for side in (0, 1)]) for column in (clicks, views))
    pooled = x.sum() / y.sum()
    return (x[1] / y[1] - x[0] / y[0]) / np.sqrt(pooled * (1 - pooled) * (1 / y).sum())


def _by_request_unpooled(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    x, y = (np.array([column[arm == side].sum() for side in (0, 1)]) for column in (clicks, views))
    rate = x / y
    return (rate[1] - rate[0]) / np.sqrt((rate * (1 - rate) / y).sum())


def _mean_of_rates(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    control, treatment = (clicks[arm == side] / views[arm == side] for side in (0, 1))
    error = control.var(ddof=1) / len(control) + treatment.var(ddof=1) / len(treatment)
    return (treatment.mean() - control.mean()) / np.sqrt(error)


def _views_are_fixed(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    rates, variances = [], []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        rates.append(x.sum() / y.sum())
        variances.append((x / y.mean()).var(ddof=1) / len(x))
    return (rates[1] - rates[0]) / np.sqrt(sum(variances))


def _jackknife(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    """Leave one user out at a time; agrees with the delta method up to the curvature of a ratio."""
    rates, variances = [], []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        without = (x.sum() - x) / (y.sum() - y)
        rates.append(x.sum() / y.sum())
        variances.append((len(x) - 1) * without.var())
    return (rates[1] - rates[0]) / np.sqrt(sum(variances))


def _within_two_percent(got: Any, wanted: Any) -> bool:
    """Whether two numbers differ by at most 2%, which right conventions do on the cases and wrong ones do not."""
    value = np.asarray(got)
    if value.shape != () or value.dtype.kind not in "iuf":
        return False
    return bool(abs(value - wanted) <= 0.02 * abs(wanted))


def _ratio_cases() -> list[tuple]:
    """Arms so large that the accepted conventions agree within the tolerance, and the wrong ones do not."""
    rng = np.random.default_rng(17)
    cases = []
    for users, lift in ((1_500, 1.0), (3_000, 1.3), (4_500, 0.8)):
        views = 10 * (1 + rng.poisson(rng.lognormal(1, 0.8, users)))
        arm = (np.arange(users) % 3 == 0).astype(int)
        clicks = rng.binomial(views, np.minimum(rng.beta(2, 20, users) * np.where(arm == 1, lift, 1), 1))
        cases.append((clicks, views, arm))
    return cases


def _verdict_cases() -> list[tuple]:
    """Readouts on both sides of every line, and none on a line: (p, shared, guardrail, z, boundary, day, last, lasts)."""
    values, days = (-4.0, -2.1, -2.0, 0.3, 2.0, 2.1, 3.1, 4.0), (3, 6, 7, 8, 13, 14)
    cases = [(0.4, False, 0.0, z, edge, day, 14) for z in values for edge in (2.04, 3.2) for day in (3, 7, 14)]
    cases += [(0.02, False, 0.0, z, 2.04, day, last) for z in (0.3, 2.1) for day in days for last in (14, 21)]
    cases += [(0.02, False, 0.3, z, 2.04, day, 28) for z in (-4.0, 0.3, 4.0) for day in (20, 21, 27, 28)]
    cases += [
        (0.4, False, guard, z, 2.04, day, 14)
        for guard in (-4.0, 2.0, 2.1, 4.0)
        for z in (0.3, 4.0)
        for day in (*days[1:3], 14)
    ]
    cases += [(0.4, False, guard, 3.5, 3.2, 7, 14) for guard in (2.1, 4.0)]
    ratios = (0.04, 0.0105, 0.0055, 0.0021, 0.00102, 0.00098, 0.0005, 1e-4, 2e-6)
    cases += [(p, shared, 0.0, z, 2.04, 7, 14) for p in ratios for shared in (False, True) for z in (0.3, 4.0)]
    cases += [(0.4, True, guard, z, 2.04, day, 14) for guard in (0.0, 4.0) for z in (-4.0, 0.3, 4.0) for day in (3, 14)]
    cases += [(2e-6, shared, 4.0, z, 2.04, day, 14) for shared in (False, True) for z in (-4.0, 4.0) for day in (3, 14)]
    fading = [
        (0.4, False, 0.0, z, 2.04, day, last) for z in (-4.0, 0.3, 4.0) for day in (3, 7, 14) for last in (14, 21)
    ]
    return [(*case, True) for case in cases] + [(*case, False) for case in fading]


def _ships_on_any_day(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, guard, z, boundary, 7 if z >= boundary and lasts else day, last, lasts)


def _ships_once_a_week_has_passed(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, guard, z, boundary, 7 if z >= boundary and day >= 7 and lasts else day, last, lasts)


def _harm_waits_for_sunday(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    said = verdict(p, shared, guard, z, boundary, day, last, lasts)
    return "wait" if said == "roll back" and day % 7 else said


def _no_guardrail(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, 0.0, z, boundary, day, last, lasts)


def _peeking(p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool) -> str:
    return verdict(p, shared, guard, z, 1.96, day, last, lasts)


def _one_more_week(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, guard, z, boundary, day, last + 7, lasts)


def _two_sided_win(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, guard, abs(z), boundary, day, last, lasts)


def _winner_skips_the_checks(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    wins = z >= boundary and day % 7 == 0 and lasts
    return "ship" if wins else verdict(p, shared, guard, z, boundary, day, last, lasts)


def _blind_to_supply(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, False, guard, z, boundary, day, last, lasts)


def _debugs_the_healthy(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return "debug the split" if p < 0.05 else verdict(p, shared, guard, z, boundary, day, last, lasts)


def _debugs_too_little(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p if p < 1e-5 else 1.0, shared, guard, z, boundary, day, last, lasts)


def _ships_a_novelty(
    p: float, shared: bool, guard: float, z: float, boundary: float, day: int, last: int, lasts: bool
) -> str:
    return verdict(p, shared, guard, z, boundary, day, last, True)


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how many wins are none",
        task=(
            "A team tests many ideas. A share of them helps, the others change nothing. Which share of what it "
            "celebrates is for nothing? Mind what it celebrates: only alarms with the new version ahead, or every "
            "significant difference. Start with one idea in ten that helps, power 80% and one look at 5%; then take "
            "the alarm rate of twenty looks that this lesson measured."
        ),
        solution=false_wins,
        cases=lambda: [
            (0.1, 0.8, 0.05, True),
            (0.1, 0.8, 0.05, False),
            (0.1, 0.8, 0.248, True),
            (0.5, 0.8, 0.05, True),
            (0.02, 0.3, 0.1, False),
            (1.0, 0.8, 0.05, True),
            (0.08, 0.8, 0.05, True),
            (0.0, 0.8, 0.05, True),
        ],
        mistakes=(
            Mistake(
                "the alarm rate is the answer",
                lambda share_that_work, power, false_alarm, ahead_only: false_alarm,
                "That is the share of the *idle ideas* that alarm. You are asked for a share of the *celebrations*.",
            ),
            Mistake(
                "both tails are celebrated",
                lambda share_that_work, power, false_alarm, ahead_only: false_wins(
                    share_that_work, power, false_alarm, False
                ),
                "You count idle ideas that look worse as wins too. Of the two tails only one is celebrated here.",
            ),
            Mistake(
                "one tail always",
                lambda share_that_work, power, false_alarm, ahead_only: false_wins(
                    share_that_work, power, false_alarm, True
                ),
                "You halve the alarms even where every significant difference counts as a finding, losses too.",
            ),
            Mistake(
                "no base rate",
                lambda share_that_work, power, false_alarm, ahead_only: (
                    false_alarm / (1 + ahead_only) / (false_alarm / (1 + ahead_only) + power)
                ),
                "You treat helpful and idle ideas as equally frequent. Weight each kind by its share.",
            ),
            Mistake(
                "share of all tests",
                lambda share_that_work, power, false_alarm, ahead_only: (
                    (1 - share_that_work) * false_alarm / (1 + ahead_only)
                ),
                "That is the share of all tests that end so. Divide by the share that is celebrated at all.",
            ),
        ),
        hints=(
            "Think of 1,000 ideas. How many idle ones are celebrated, and how many helpful ones?",
            "By symmetry half of an idle idea's alarms have the new version ahead.",
        ),
        praise="So p < .05 does not mean one chance in twenty of being wrong: that depends on how many ideas work.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a click rate when users were assigned",
        task=(
            "Write the test that a click rate deserves. Users were assigned, so users are the sample: the noise of each "
            "arm's rate comes from how far each of its users moves it. The delta method does, and so does any other "
            "right way; answers within two percent of it pass."
        ),
        solution=ratio_z,
        also_right=(
            _population_variance,
            _centered_at_the_common_rate,
            _centered_at_the_common_rate_population,
            _jackknife,
        ),
        agree=_within_two_percent,
        cases=_ratio_cases,
        mistakes=(
            Mistake(
                "by request",
                _by_request,
                "You treat every view as independent. One user's views share a taste, so this variance is too small.",
            ),
            Mistake(
                "by request, unpooled",
                _by_request_unpooled,
                "rate × (1 − rate) / views is a variance of independent views. You assigned users, who have many.",
            ),
            Mistake(
                "mean of rates",
                _mean_of_rates,
                "You average the users' own rates: another metric, where a rare visitor counts as much as a regular.",
            ),
            Mistake(
                "views are fixed",
                _views_are_fixed,
                "You let clicks vary but not views. More views bring more clicks, and that part cancels in a rate.",
            ),
            Mistake(
                "control minus treatment",
                lambda clicks, views, arm: ratio_z(clicks, views, 1 - arm),
                "The sign is reversed: treatment minus control, so that positive is better.",
            ),
        ),
        hints=(
            "How far does one user move the rate? By the clicks beyond those expected from this user's views.",
            "Contribution: (clicks − rate × views) / mean views, within the arm. Its variance over n is the variance "
            "of the arm's rate.",
        ),
        praise="That is the delta method, written as a Welch test of each user's contribution.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="the readout",
        task=(
            "You read the test every day. Write the rule that turns the numbers into a decision. The sample ratio is "
            "checked on hundreds of healthy tests a year too, and the team can follow up one false alarm in a thousand. "
            "The other lines are in this lesson: what a good z may not excuse, on which days a win may be believed, and "
            "whether harm has to wait as well."
        ),
        solution=verdict,
        cases=_verdict_cases,
        mistakes=(
            Mistake(
                "ships on any day",
                _ships_on_any_day,
                "You ship a win in the middle of a week. The days of a week have different visitors, and each of them "
                "should weigh the same.",
            ),
            Mistake(
                "ships once a week has passed",
                _ships_once_a_week_has_passed,
                "After the first week you ship on any day, so the test holds some weekdays twice as often as others. "
                "Wait for the end of a week.",
            ),
            Mistake(
                "ships a novelty",
                _ships_a_novelty,
                "You ship a win of which nobody knows whether it lasts. A pure novelty had won at the end of the first "
                "week, in every test.",
            ),
            Mistake(
                "harm waits for Sunday",
                _harm_waits_for_sunday,
                "You let a loser run to the end of the week. Only a win has to prove that it lasts.",
            ),
            Mistake(
                "no guardrail",
                _no_guardrail,
                "You don't read the guardrail. More orders that come too late are no win.",
            ),
            Mistake(
                "peeking",
                _peeking,
                "You compare z with 1.96 at every look. The plan has a boundary for this look: use it.",
            ),
            Mistake(
                "one more week",
                _one_more_week,
                "On the last day you still wait. A test that runs until it wins has no error rate at all.",
            ),
            Mistake(
                "two-sided win",
                _two_sided_win,
                "You ship what is much worse. A large |z| says that there is a difference, the sign says which.",
            ),
            Mistake(
                "winners skip the checks",
                _winner_skips_the_checks,
                "A win makes you skip the checks. Lost users produced the most convincing result of this lesson.",
            ),
            Mistake(
                "blind to supply",
                _blind_to_supply,
                "You read a split by user where the arms share couriers. The run showed by how much that overstates.",
            ),
            Mistake(
                "debugs the healthy",
                _debugs_the_healthy,
                "At 5% one healthy test in twenty is debugged. The team can follow up one in a thousand.",
            ),
            Mistake(
                "debugs too little",
                _debugs_too_little,
                "You wait for a smaller p than the team can afford. A loss of a few percent shows a p near the line.",
            ),
        ),
        hints=(
            "First ask whether the numbers mean anything, then whether anything is harmed, then what they say.",
            "Split, shared supply, harm on any day, a win that lasts at the end of a week, the end of the plan.",
        ),
        praise="Trust first, then harm, then evidence against the plan, and the plan has an end.",
    ),
)
