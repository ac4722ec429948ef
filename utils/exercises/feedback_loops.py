"""Exercises of lesson 15, feedback loops."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def visits_to_log(wanted: float, epsilon: float, n_candidates: int) -> float:
    """Return the visits to log until a dish is shown in `wanted` of them on average.

    The logging rule shows another dish, its favorite; in a share `epsilon` of the
    visits it draws one of all `n_candidates` dishes at random, each equally likely.
    Not rounded.
    """
    return wanted * n_candidates / epsilon


def off_policy_estimate(
    clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray
) -> tuple[float, float]:
    """Return (value, worth): self-normalized estimate and effective sample size.

    All three are arrays with one entry a logged visit: clicked, 0 or 1; the chance
    that the old rule showed what it showed; the chance that the new one would have.
    """
    weight = target_propensity / propensity
    return np.sum(weight * clicked) / np.sum(weight), np.sum(weight) ** 2 / np.sum(weight**2)


def next_step(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    """Return "explore first", "test it", "drop it" or "log more".

    weight: the new rule's propensity over the old one's, one entry a logged visit.
    clicked: 0 or 1, one entry a logged visit.
    current: clicks per visit of the rule that runs now.
    """
    worth = np.sum(weight) ** 2 / np.sum(weight**2)
    if worth < 15 or abs(np.mean(weight) - 1) > 0.5:
        return "explore first"
    value = np.sum(weight * clicked) / np.sum(weight)
    error = np.sqrt(np.sum((weight * (clicked - value)) ** 2)) / np.sum(weight)
    if value - 2 * error > current:
        return "test it"
    return "drop it" if value + 2 * error < current else "log more"


def _unnormalized(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    weight = target_propensity / propensity
    return np.mean(weight * clicked), np.sum(weight) ** 2 / np.sum(weight**2)


def _upside_down(clicked: np.ndarray, propensity: np.ndarray, target_propensity: np.ndarray) -> tuple[float, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
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
        (np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.9, 0.01, 0.5, 0.002]), np.array([0.1, 0.9, 0.0, 0.3])),
        (np.array([1.0, 1.0, 0.0]), np.array([0.6, 0.3, 0.1]), np.array([0.0, 0.8, 0.2])),
    ]


def _log(worth: float, mean_weight: float, rate: float, n: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    """Return weights of this effective sample size and mean, nearly, and clicks of this rate at each weight."""
    light = 0.1 * mean_weight
    heavy_rows = np.arange(1, n + 1)  # on which the rest of the weight lies
    heavy_weight = light + n * (mean_weight - light) / heavy_rows
    sum_of_squares = heavy_rows * heavy_weight**2 + (n - heavy_rows) * light**2
    heavy = 1 + np.abs((n * mean_weight) ** 2 / sum_of_squares - worth).argmin()
    weight = np.full(n, light)
    weight[:heavy] = heavy_weight[heavy - 1]
    clicked = (np.arange(n) % 10 < 10 * rate).astype(float)
    clicked[:heavy] = np.arange(heavy) % 10 < 10 * rate
    order = np.random.default_rng(0).permutation(n)
    return weight[order], clicked[order]


def _interval(weight: np.ndarray, clicked: np.ndarray) -> tuple[float, float]:
    value = np.sum(weight * clicked) / np.sum(weight)
    error = np.sqrt(np.sum((weight * (clicked - value)) ** 2)) / np.sum(weight)
    return value - 2 * error, value + 2 * error


def _by_interval(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    low, high = _interval(weight, clicked)
    return "test it" if low > current else "drop it" if high < current else "log more"


def _is_worth_little(weight: np.ndarray) -> bool:
    return np.sum(weight) ** 2 / np.sum(weight**2) < 15


def _by_worth_alone(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    return "explore first" if _is_worth_little(weight) else _by_interval(weight, clicked, current)


def _by_mean_alone(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    return "explore first" if abs(np.mean(weight) - 1) > 0.5 else _by_interval(weight, clicked, current)


def _by_middle(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    step = next_step(weight, clicked, current)
    if step == "explore first":
        return step
    return "test it" if np.sum(weight * clicked) / np.sum(weight) > current else "drop it"


def _one_sided(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    if _is_worth_little(weight) or np.mean(weight) > 1.5:
        return "explore first"
    return _by_interval(weight, clicked, current)


def _not_normalized(weight: np.ndarray, clicked: np.ndarray, current: float) -> str:
    step, value = next_step(weight, clicked, current), np.mean(weight * clicked)
    if step == "explore first":
        return step
    error = np.std(weight * clicked) / np.sqrt(len(weight))
    return "test it" if value - 2 * error > current else "drop it" if value + 2 * error < current else "log more"


def _step_cases() -> list[tuple]:
    cases = []
    for worth, mean_weight in ((120, 1.0), (30, 1.0), (120, 0.8), (30, 1.2)):  # good enough
        weight, clicked = _log(worth, mean_weight, 0.4)
        low, high = _interval(weight, clicked)
        cases += [(weight, clicked, round(float(end) + step, 3)) for end in (low, high) for step in (-0.012, 0.012)]
    for worth, mean_weight in ((5, 1.0), (2, 1.1), (120, 1.7), (1_900, 0.1), (400, 0.3), (4, 0.1)):
        weight, clicked = _log(worth, mean_weight, 0.4)
        cases += [(weight, clicked, current) for current in (0.01, 0.4, 0.99)]
    nothing = np.full(2_000, 0.005)  # a log without any exploration
    return [*cases, (nothing, (np.arange(2_000) % 10 < 4).astype(float), 0.3)]


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
        cases=lambda: [(100, 0.1, 20), (100, 0.01, 20), (1, 0.01, 20), (50, 1.0, 200), (7, 0.3, 11)],
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
            "You get the log itself: the weights and the clicks. Decide what to do with the new rule. Ask first whether "
            "the log can speak of it at all; the lesson has measured at which worth the intervals are right in about "
            "nine logs of ten, and near which value the mean weight stays unless the log is blind. If it can't, "
            '"explore first". Otherwise take the self-normalized estimate, two standard errors either way: "test it" in '
            'an A/B test if the whole interval lies above the current rule, "drop it" if it lies below, and else '
            '"log more". (The standard error is the root of the sum of (weight × (clicked − value))², over the sum of '
            "the weights.)"
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
                "mean weight alone",
                _by_mean_alone,
                "You trust a mean weight near 1. It can be so while the whole weight lies on a handful of visits.",
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
            Mistake(
                "not normalized",
                _not_normalized,
                "You divide the weighted clicks by the number of visits. The self-normalized estimate has another divisor.",
            ),
        ),
        hints=(
            "Ask first whether the estimate may be believed at all, then what it says.",
            "Two reasons for disbelief, joined by `or`: the table of overlap shows both. A mean weight can be off on either side.",
        ),
        praise="Overlap first, then the interval, and even then a test: the log proposes, the experiment decides.",
    ),
)
