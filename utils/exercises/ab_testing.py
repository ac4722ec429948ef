"""Exercises of lesson 17, A/B testing."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def false_wins(share_that_work: float, power: float, alpha: float) -> float:
    """Return the share of the wins that change nothing. A win: p below `alpha` (two-sided) and the new version ahead.

    share_that_work: share of the tested ideas that help, 0 to 1; the others change nothing.
    power: probability that an idea that helps is found to win.
    """
    false = (1 - share_that_work) * alpha / 2
    return false / (false + share_that_work * power)


def ratio_z(clicks: np.ndarray, views: np.ndarray, arm: np.ndarray) -> float:
    """Return z of the difference of click rates, treatment minus control, when users were assigned.

    clicks, views: sums of each user, arrays of shape (n,). arm: 0 for control, 1 for treatment, shape (n,).
    """
    rates, variances = [], []
    for side in (0, 1):
        x, y = clicks[arm == side], views[arm == side]
        rate = x.sum() / y.sum()
        contribution = (x - rate * y) / y.mean()
        rates.append(rate)
        variances.append(contribution.var(ddof=1) / len(x))
    return (rates[1] - rates[0]) / np.sqrt(sum(variances))


def verdict(sample_ratio_p: float, supply_is_shared: bool, z: float, boundary: float, last_look: bool) -> str:
    """Return "debug the split", "split by city and day", "ship", "roll back", "wait" or "keep the old one".

    sample_ratio_p: p-value of the sample-ratio test; an alarm is a value below 0.001.
    supply_is_shared: whether the two arms, split by user, draw on the same couriers.
    z: the treatment's statistic at this look; positive is better. boundary: the planned critical z of this look.
    last_look: whether this is the last look of the plan.
    """
    if sample_ratio_p < 0.001:
        return "debug the split"
    if supply_is_shared:
        return "split by city and day"
    if z >= boundary:
        return "ship"
    if z <= -boundary:
        return "roll back"
    return "keep the old one" if last_look else "wait"


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


def _ratio_cases() -> list[tuple]:
    rng = np.random.default_rng(17)
    cases = []
    for users, lift in ((40, 1.0), (300, 1.5), (1_000, 0.8)):
        views = 10 * (1 + rng.poisson(rng.lognormal(1, 0.8, users)))
        arm = (np.arange(users) % 3 == 0).astype(int)
        clicks = rng.binomial(views, np.minimum(rng.beta(2, 20, users) * np.where(arm == 1, lift, 1), 1))
        cases.append((clicks, views, arm))
    return cases


def _verdict_cases() -> list[tuple]:
    return [
        (p, shared, z, boundary, last)
        for p in (0.4, 0.02, 0.0011, 0.0009, 1e-4, 1e-6)
        for shared in (False, True)
        for z in (-4.0, -2.1, -2.0, 0.3, 2.0, 2.1, 3.1, 4.0)
        for boundary in (2.04, 3.2)
        for last in (False, True)
    ]


def _peeking(p: float, shared: bool, z: float, boundary: float, last: bool) -> str:
    return verdict(p, shared, z, 1.96, last)


def _one_more_week(p: float, shared: bool, z: float, boundary: float, last: bool) -> str:
    return verdict(p, shared, z, boundary, False)


def _two_sided_win(p: float, shared: bool, z: float, boundary: float, last: bool) -> str:
    return verdict(p, shared, abs(z), boundary, last)


def _winner_skips_the_checks(p: float, shared: bool, z: float, boundary: float, last: bool) -> str:
    return "ship" if z >= boundary else verdict(p, shared, z, boundary, last)


def _blind_to_supply(p: float, shared: bool, z: float, boundary: float, last: bool) -> str:
    return verdict(p, False, z, boundary, last)


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how many wins are none",
        task=(
            "A team tests many ideas. A share of them helps, the others change nothing. It celebrates when the new "
            "version is ahead and p < α. Which share of its celebrations is for nothing? Start with one idea in ten "
            "that helps, power 80%, α = 5%."
        ),
        solution=false_wins,
        cases=lambda: [(0.1, 0.8, 0.05), (0.5, 0.8, 0.05), (0.02, 0.3, 0.1), (1.0, 0.8, 0.05)],
        mistakes=(
            Mistake(
                "alpha is the answer",
                lambda share_that_work, power, alpha: alpha,
                "α is the share of the *idle ideas* with p below it. You are asked for a share of the *wins*.",
            ),
            Mistake(
                "both tails",
                lambda share_that_work, power, alpha: (
                    (1 - share_that_work) * alpha / ((1 - share_that_work) * alpha + share_that_work * power)
                ),
                "You count idle ideas that look worse as wins. Of the two tails only one is celebrated.",
            ),
            Mistake(
                "no base rate",
                lambda share_that_work, power, alpha: (alpha / 2) / (alpha / 2 + power),
                "You treat helpful and idle ideas as equally frequent. Weight each kind by its share.",
            ),
            Mistake(
                "share of all tests",
                lambda share_that_work, power, alpha: (1 - share_that_work) * alpha / 2,
                "That is the share of all tests that are false wins. Divide by the share of tests that win at all.",
            ),
        ),
        hints=(
            "Think of 1,000 ideas. How many idle ones win, and how many helpful ones?",
            "An idle idea wins with probability α/2: p is below α and, half of the time, the sign is the good one.",
        ),
        praise="So p < .05 does not mean one chance in twenty of being wrong: that depends on how many ideas work.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="a click rate when users were assigned",
        task=(
            "Write the test that a click rate deserves. Users were assigned, so users are the sample: give each arm's "
            "rate the variance of its users' contributions to it, as the delta method does."
        ),
        solution=ratio_z,
        also_right=(_population_variance, _centered_at_the_common_rate, _centered_at_the_common_rate_population),
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
            "You run the weekly readout. Write the rule that turns its numbers into a decision. In which order do you "
            "ask, and what may no good z ever excuse?"
        ),
        solution=verdict,
        cases=_verdict_cases,
        mistakes=(
            Mistake(
                "peeking",
                _peeking,
                "You compare z with 1.96 at every look. The plan has a boundary for this look: use it.",
            ),
            Mistake(
                "one more week",
                _one_more_week,
                "At the last look you still wait. A test that runs until it wins has no error rate at all.",
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
        ),
        hints=(
            "First ask whether the numbers mean anything, then what they say.",
            "Split, then shared supply, then z with its sign against this look's boundary, then the end of the plan.",
        ),
        praise="Trust first, then evidence against the plan, and the plan has an end.",
    ),
)
