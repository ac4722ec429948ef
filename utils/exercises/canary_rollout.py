"""Exercises of lesson 19, canary rollout."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def service_burn(share: float, canary_error_rate: float, stable_error_rate: float, objective: float) -> float:
    """Return how many times faster than allowed the service burns its error budget.

    share: the canary's share of the visits, 0 to 1.
    canary_error_rate, stable_error_rate: share of each version's visits that fail.
    objective: share of the visits that must succeed, such as 0.999.
    """
    return (share * canary_error_rate + (1 - share) * stable_error_rate) / (1 - objective)


def running_evidence(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    """Return after each window the log evidence for a canary `ratio` times as bad.

    All but `ratio` are arrays, one entry a window: events and visits of each version.
    """
    share = canary_visits / (canary_visits + stable_visits)
    events = canary_events + stable_events
    return np.cumsum(canary_events * np.log(ratio) - events * np.log(1 + share * (ratio - 1)))


def decide(
    evidence: list[float],
    usable: bool,
    windows: int,
    least: int,
    most: int,
    roll_back_above: float,
    promote_below: float,
) -> str:
    """Return "hold", "promote" or "roll back" after a window.

    evidence: log evidences, one a guardrail; high means that the canary is worse.
    usable: whether this window could be read; if not, it decides nothing by itself,
        whatever the evidence, which is as before it.
    windows: windows in this step so far, with this one.
    least, most: windows that a promotion takes, and after which the step must end.
    roll_back_above, promote_below: the two boundaries; reaching one decides.
    """
    if usable and max(evidence) >= roll_back_above:
        return "roll back"
    if usable and max(evidence) <= promote_below and windows >= least:
        return "promote"
    return "roll back" if windows >= most else "hold"


def _hits_only(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    return np.cumsum(canary_events * np.log(ratio))


def _not_normalized(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    share = canary_visits / (canary_visits + stable_visits)
    return np.cumsum(canary_events * np.log(ratio) + stable_events * np.log((1 - ratio * share) / (1 - share)))


def _even_split(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    return np.cumsum(canary_events * np.log(ratio) - (canary_events + stable_events) * np.log(1 + 0.5 * (ratio - 1)))


def _each_window_alone(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    share = canary_visits / (canary_visits + stable_visits)
    return canary_events * np.log(ratio) - (canary_events + stable_events) * np.log(1 + share * (ratio - 1))


def _ratio_of_rates(
    canary_events: np.ndarray,
    stable_events: np.ndarray,
    canary_visits: np.ndarray,
    stable_visits: np.ndarray,
    ratio: float,
) -> np.ndarray:
    canary = np.cumsum(canary_events) / np.cumsum(canary_visits)
    stable = np.cumsum(stable_events) / np.cumsum(stable_visits)
    return np.log(canary / stable)


def _evidence_cases() -> list[tuple]:
    return [
        (np.array([1.0, 0.0, 3.0]), np.array([9.0, 12.0, 8.0]), np.full(3, 100.0), np.full(3, 9_900.0), 4.0),
        (np.array([40.0, 55.0]), np.array([460.0, 440.0]), np.array([950.0, 1_050.0]), np.array([9e3, 8e3]), 0.8),
        (np.array([6.0, 2.0]), np.array([5.0, 7.0]), np.array([5_000.0, 5_000.0]), np.array([4_000.0, 6e3]), 1.5),
    ]


def _decide_cases() -> list[tuple]:
    states = [
        [-6.0, -5.0, -7.0],
        [-6.0, 1.0, -7.0],
        [7.0, -6.0, -6.0],
        [2.0, 1.0, 3.0],
        [4.0, 3.5, 2.0],
        [-6.0, 7.0, -6.0],  # the bad one need not be the first
        [-9.0, -1.0, -9.0],  # content on average, not the worst
        [-1.0, -2.0, -3.0],  # none is above zero, none is cleared
        [-6.0, -6.0, 5.5],
        [-6.0, -6.0, 5.8],
        [-4.5, -6.0, -6.0],
        [-4.7, -6.0, -6.0],
    ]
    grid = [
        (evidence, usable, windows, 15, 60, 5.66, -4.61)
        for evidence in states
        for usable in (True, False)
        for windows in (3, 14, 15, 16, 59, 60)
    ]
    other_plans = [
        ([3.5], True, 9, 5, 40, 3.0, -2.0),
        ([3.0], True, 9, 5, 40, 3.0, -2.0),  # on the boundary
        ([-2.0, -2.5], True, 9, 5, 40, 3.0, -2.0),
        ([-2.5], True, 5, 5, 40, 3.0, -2.0),
        ([-2.5, -3.0], True, 4, 5, 40, 3.0, -2.0),
        ([8.0, -8.0], True, 40, 30, 90, 9.0, -7.0),
        ([-6.0, -5.0], True, 40, 30, 90, 9.0, -7.0),
        ([-8.0, -7.5], True, 29, 30, 90, 9.0, -7.0),
        ([-6.0, -5.0], True, 40, 30, 40, 9.0, -7.0),
    ]
    return grid + other_plans


def _any_cleared(evidence: list[float], usable: bool, windows: int, least: int, most: int, *lines: float) -> str:
    roll_back_above, promote_below = lines
    if usable and max(evidence) < roll_back_above and windows >= least and min(evidence) <= promote_below:
        return "promote"
    return decide(evidence, usable, windows, least, most, *lines)


def _waits_to_roll_back(evidence: list[float], usable: bool, windows: int, least: int, *rest: float) -> str:
    return "hold" if windows < least else decide(evidence, usable, windows, least, *rest)


def _by_the_clock(evidence: list[float], usable: bool, windows: int, least: int, *rest: float) -> str:
    found = decide(evidence, usable, windows, least, *rest)
    return "promote" if found == "hold" and usable and windows >= least else found


def _never_ends(evidence: list[float], usable: bool, windows: int, least: int, most: int, *lines: float) -> str:
    return decide(evidence, usable, windows, least, windows + 1, *lines)


def _ends_by_going_on(evidence: list[float], usable: bool, windows: int, least: int, most: int, *lines: float) -> str:
    found = _never_ends(evidence, usable, windows, least, most, *lines)
    return "promote" if found == "hold" and windows >= most else found


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="what the pager sees",
        task=(
            "Your pager watches the whole service, canary and stable version together. By which "
            "factor does the service "
            "burn its error budget? A factor of 1 spends exactly what the objective allows."
        ),
        solution=service_burn,
        cases=lambda: [
            (0.01, 1.0, 0.0, 0.999),
            (0.01, 1.0, 0.001, 0.999),
            (0.1, 0.05, 0.002, 0.99),
            (0.5, 0.004, 0.001, 0.995),
            (0.013, 0.0123, 0.00117, 0.9973),  # no round number
        ],
        mistakes=(
            Mistake(
                "canary only",
                lambda share, canary, stable, objective: canary / (1 - objective),
                "That is the canary's own burn rate. The pager sees it diluted by everybody who is not on the canary.",
            ),
            Mistake(
                "stable forgotten",
                lambda share, canary, stable, objective: share * canary / (1 - objective),
                "The stable version fails now and then too, and it serves the rest of the visits.",
            ),
            Mistake(
                "objective",
                lambda share, canary, stable, objective: (share * canary + (1 - share) * stable) / objective,
                "You divide by what must succeed. The budget is what may fail.",
            ),
            Mistake(
                "unweighted",
                lambda share, canary, stable, objective: (canary + stable) / 2 / (1 - objective),
                "You average the versions as if each served half of the visits. Weight them by their shares.",
            ),
        ),
        hints=(
            "First the error rate of the service: which share of all visits fails?",
            "A share `share` of the visits fails at the canary's rate, the rest at the stable rate. "
            "The budget is one minus the objective.",
        ),
        praise="Dilution is why the pager sleeps: at 1% a canary that fails everybody burns about ten budgets.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="the evidence, window by window",
        task=(
            "Write the statistic of this lesson for one guardrail, in array code. The share of the "
            "visits that the canary "
            "gets wobbles from window to window, so take each window's own."
        ),
        solution=running_evidence,
        cases=_evidence_cases,
        mistakes=(
            Mistake(
                "hits only",
                _hits_only,
                "You count what falls on the canary only. Each event on the stable version speaks "
                "for the canary, a little.",
            ),
            Mistake(
                "not normalized",
                _not_normalized,
                "You let an event fall on the canary with probability ratio × share. The two "
                "probabilities must add up to "
                "one after the canary's has grown: divide by 1 + share · (ratio − 1).",
            ),
            Mistake(
                "even split",
                _even_split,
                "You bet as if both versions had half of the visits. Use the canary's share in that window.",
            ),
            Mistake(
                "each window alone",
                _each_window_alone,
                "That is each window's own evidence. Windows are independent bets, so their log evidences add up.",
            ),
            Mistake(
                "ratio of rates",
                _ratio_of_rates,
                "That is how much worse the canary looks, not how sure you may be. One error of one looks terrible.",
            ),
        ),
        hints=(
            "One event on the canary multiplies the evidence by ratio / (1 + share · (ratio − 1)). "
            "What about one elsewhere?",
            "In logs: `canary_events * log(ratio)` minus all events times `log(1 + share * (ratio - "
            "1))`, then `np.cumsum`.",
        ),
        praise=(
            "That is the statistic of the controller: it needs no base rate, and you may look at it after every window."
        ),
    ),
    Exercise(
        number=3,
        kind="decide",
        title="on, back, or wait",
        task=(
            "Write the decision after one window. Several guardrails are watched at once; any of "
            "them may stop the release. "
            "Think of what a window without data must not do, and of a step that has not made up its mind in time."
        ),
        solution=decide,
        cases=_decide_cases,
        mistakes=(
            Mistake(
                "any cleared",
                _any_cleared,
                "You promote when one guardrail is content. A release without errors may still lose "
                "the orders: ask the worst.",
            ),
            Mistake(
                "no minimum",
                lambda evidence, usable, windows, least, *rest: decide(evidence, usable, windows, 0, *rest),
                "You promote as soon as the evidence allows. A leak needs time to show, whatever the traffic.",
            ),
            Mistake(
                "waits to roll back",
                _waits_to_roll_back,
                "You wait for the minimum before you roll back. It holds for promotions; harm is stopped at once.",
            ),
            Mistake(
                "blind",
                lambda evidence, usable, *rest: decide(evidence, True, *rest),
                "You decide on a window that could not be read. No data is not good news: hold.",
            ),
            Mistake(
                "adds up",
                lambda evidence, *rest: decide([sum(evidence)], *rest),
                "You add the guardrails up, so a calm latency pays for lost orders. Each must be content by itself.",
            ),
            Mistake(
                "by the clock",
                _by_the_clock,
                "You promote when the time is over. Silence after a quarter of an hour is no proof of health.",
            ),
            Mistake(
                "never ends",
                _never_ends,
                "You wait for ever. A step that has not made up its mind in time must end, whether its data can be "
                "read or not.",
            ),
            Mistake(
                "ends by going on",
                _ends_by_going_on,
                "You go on when time runs out. Nobody has looked, so the only safe end is the way back.",
            ),
        ),
        hints=(
            "Ask in this order: can I read the window, must I stop, may I go on?",
            "The guardrail with the highest evidence decides both: one bad is enough to go back, all "
            "must be good to go on.",
        ),
        praise="Fast to go back, slow to go on, and never on missing data.",
    ),
)
