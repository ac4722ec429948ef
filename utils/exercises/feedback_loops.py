"""Exercises of lesson 15, feedback loops."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def visits_to_log(wanted: float, epsilon: float, n_candidates: int) -> float:
    """Return how many visits must be logged so that a given dish is shown in `wanted` of them on average.

    The logging rule shows another dish, its favorite; in a share `epsilon` of the visits it draws one of all
    `n_candidates` dishes at random, each equally likely.
    """
    return wanted * n_candidates / epsilon


def off_policy_estimate(
    clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray
) -> tuple[float, float]:
    """Return (value, worth): the self-normalized estimate of the target rule and the effective sample size.

    All three are arrays with one entry a logged visit: 0 or 1; the chance that the old rule showed what it showed;
    the chance that the new rule would have shown it.
    """
    weight = target_propensity / propensity
    return np.sum(weight * clicked) / np.sum(weight), np.sum(weight) ** 2 / np.sum(weight**2)


def next_step(worth: float, mean_weight: float, low: float, high: float, current: float) -> str:
    """Return what to do with a new rule: "explore first", "test it", "drop it" or "log more".

    worth: effective sample size, visits; mean_weight: mean importance weight; low, high: interval of the new rule's
    clicks per visit; current: clicks per visit of the rule that runs now.
    """
    if worth < 100 or abs(mean_weight - 1) > 0.2:
        return "explore first"
    if low > current:
        return "test it"
    return "drop it" if high < current else "log more"


def _unnormalized(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = target_propensity / propensity
    return np.mean(weight * clicked), np.sum(weight) ** 2 / np.sum(weight**2)


def _upside_down(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = propensity / target_propensity
    return np.sum(weight * clicked) / np.sum(weight), np.sum(weight) ** 2 / np.sum(weight**2)


def _clicks_only(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = (target_propensity / propensity)[clicked > 0]
    return np.sum(weight) / np.sum(target_propensity / propensity), np.sum(weight) ** 2 / np.sum(weight**2)


def _rows(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = target_propensity / propensity
    return np.sum(weight * clicked) / np.sum(weight), float(len(weight))


def _unweighted(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = target_propensity / propensity
    return np.mean(clicked), np.sum(weight) ** 2 / np.sum(weight**2)


def _estimate_cases() -> list[tuple]:
    return [
        (np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.25, 0.25]), np.array([0.5, 0.25, 0.5, 0.75])),
        (np.array([0.0, 1.0, 1.0]), np.array([0.9, 0.9, 0.05]), np.array([0.05, 0.05, 0.9])),
        (np.array([1.0, 0.0]), np.array([0.5, 0.25]), np.array([0.5, 0.25])),
    ]


def _by_interval(worth: float, mean_weight: float, low: float, high: float, current: float) -> str:
    return "test it" if low > current else "drop it" if high < current else "log more"


def _by_worth_alone(worth: float, mean_weight: float, low: float, high: float, current: float) -> str:
    return "explore first" if worth < 100 else _by_interval(worth, mean_weight, low, high, current)


def _by_middle(worth: float, mean_weight: float, low: float, high: float, current: float) -> str:
    if worth < 100 or abs(mean_weight - 1) > 0.2:
        return "explore first"
    return "test it" if (low + high) / 2 > current else "drop it"


def _one_sided(worth: float, mean_weight: float, low: float, high: float, current: float) -> str:
    if worth < 100 or mean_weight > 1.2:
        return "explore first"
    return _by_interval(worth, mean_weight, low, high, current)


def _step_cases() -> list[tuple]:
    return [
        (800.0, 1.02, 0.14, 0.18, 0.12),
        (800.0, 0.97, 0.14, 0.18, 0.20),
        (800.0, 0.97, 0.11, 0.18, 0.12),
        (800.0, 0.97, 0.11, 0.18, 0.16),
        (3.0, 0.9, 0.14, 0.18, 0.12),
        (1_900.0, 0.1, 0.01, 0.03, 0.12),
        (400.0, 1.6, 0.20, 0.30, 0.12),
        (3.0, 0.1, 0.01, 0.03, 0.12),
        (99.0, 1.0, 0.14, 0.18, 0.12),
        (100.0, 1.0, 0.14, 0.18, 0.12),
        (101.0, 1.0, 0.14, 0.18, 0.20),
        (50.0, 1.0, 0.11, 0.18, 0.12),
        (250.0, 1.0, 0.11, 0.18, 0.12),
        (800.0, 1.19, 0.14, 0.18, 0.12),
        (800.0, 1.21, 0.14, 0.18, 0.12),
        (800.0, 0.81, 0.14, 0.18, 0.20),
        (800.0, 0.79, 0.14, 0.18, 0.20),
        (800.0, 1.1, 0.11, 0.18, 0.12),
        (800.0, 0.9, 0.121, 0.18, 0.12),
        (800.0, 0.9, 0.119, 0.18, 0.12),
        (800.0, 0.9, 0.01, 0.119, 0.12),
        (800.0, 0.9, 0.01, 0.121, 0.12),
    ]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how long to log",
        task=(
            "A new rule wants to show a dish that the old rule shows only when it explores. The old rule explores a "
            "share `epsilon` of its visits, and then draws one of `n_candidates` dishes at random. How many visits "
            "must be logged until the dish has been shown `wanted` times, on average?"
        ),
        solution=visits_to_log,
        cases=lambda: [(100, 0.1, 20), (100, 0.01, 20), (1, 0.01, 20), (50, 1.0, 200)],
        mistakes=(
            Mistake(
                "all exploration is ours",
                lambda wanted, epsilon, n_candidates: wanted / epsilon,
                "You count every exploring visit. Only one in `n_candidates` of them draws this dish.",
            ),
            Mistake(
                "explores always",
                lambda wanted, epsilon, n_candidates: wanted * n_candidates,
                "That is for a log that explores in every visit. Here only a share `epsilon` does.",
            ),
            Mistake(
                "favorite left out",
                lambda wanted, epsilon, n_candidates: wanted * (n_candidates - 1) / epsilon,
                "The draw is over all candidates, the favorite included.",
            ),
            Mistake(
                "fraction upside down",
                lambda wanted, epsilon, n_candidates: wanted * epsilon / n_candidates,
                "That is how often the dish is shown in `wanted` visits. The question goes the other way.",
            ),
        ),
        hints=(
            "What is the chance that one visit shows the dish?",
            "It explores, and then it draws this dish: multiply the two chances. Divide `wanted` by the product.",
        ),
        praise="With 1% explored over 20 dishes it takes 2,000 visits to see the dish once.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="an estimate that knows its worth",
        task=(
            "Write the self-normalized estimate of a new rule's click rate, and return its effective sample size with "
            "it. Nobody should see the one without the other."
        ),
        solution=off_policy_estimate,
        cases=_estimate_cases,
        mistakes=(
            Mistake(
                "not normalized",
                _unnormalized,
                "You divide by the number of visits: that is plain IPS. Here the sum of the weights is the divisor.",
            ),
            Mistake(
                "upside down",
                _upside_down,
                "Your weights are old over new. A visit that the new rule would produce more often counts for more.",
            ),
            Mistake(
                "worth of the clicks",
                _clicks_only,
                "Your sample size counts only visits with a click. A visit without one is information too.",
            ),
            Mistake("rows", _rows, "You return the number of rows. Visits with a tiny weight hardly count."),
            Mistake(
                "old rule", _unweighted, "That is the click rate of the old rule: the weights are missing in the value."
            ),
        ),
        hints=(
            "First one array of weights, new over old. Both results are sums over it.",
            "Value: the weighted mean of the clicks. Worth: the squared sum of the weights over the sum of squares.",
        ),
        praise="Two numbers, one function: the estimate, and how much of the log it rests on.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="may it be tested",
        task=(
            "The log has spoken about a new rule. Write down what you do next. House rule: an estimate counts if the "
            'log is worth at least 100 visits and the mean weight is within 0.2 of 1; otherwise "explore first". If '
            'it counts: "test it" in an A/B test when the whole interval lies above the current rule, "drop it" when '
            'it lies below, and "log more" when it holds the current value.'
        ),
        solution=next_step,
        cases=_step_cases,
        mistakes=(
            Mistake(
                "by the interval",
                _by_interval,
                "You believe an interval whatever it rests on. With 1% explored it often missed the truth.",
            ),
            Mistake(
                "worth alone",
                _by_worth_alone,
                "You trust a large effective sample size. It can be large where nothing of the new rule was logged.",
            ),
            Mistake(
                "by the middle",
                _by_middle,
                "You decide by the middle of the interval. While it holds the current value, the log has not decided.",
            ),
            Mistake(
                "too heavy only",
                _one_sided,
                "You look out for weights too large on average. A mean weight far below 1 is the more common sign.",
            ),
        ),
        hints=(
            "Ask first whether the estimate may be believed at all, then what it says.",
            "Two conditions for belief, joined by `or` for disbelief. A mean weight can be off on either side.",
        ),
        praise="Overlap first, then the interval, and even then a test: the log proposes, the experiment decides.",
    ),
)
