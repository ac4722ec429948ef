"""How many users an experiment needs, and what it can see with those it has."""

import math

from scipy import optimize, stats

from utils.foundation import checks


def sample_size_proportions(
    base: float, relative_lift: float, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0
) -> int:
    """Give the users a control arm needs to detect a relative lift of a proportion, two-sided.

    Args:
        base: proportion in control, between 0 and 1.
        relative_lift: relative change to detect; 0.05 turns 5% into 5.25%; negative for a drop.
        alpha: two-sided significance level.
        power: probability of detecting the lift.
        ratio: users in treatment per user in control.

    Returns:
        Users in control, rounded up.

    Raises:
        ValueError: any argument out of range, or a lift that leaves the interval (0, 1).

    Source:
        Cohen (1988), "Statistical power analysis for the behavioral sciences", section 6.2: effect size
        h = 2 asin √p₁ − 2 asin √p₀, whose variance does not depend on p.

    >>> sample_size_proportions(base=0.05, relative_lift=0.05)
    122107
    """
    return _sample_size(_cohen_h(base, relative_lift), alpha, power, ratio)


def sample_size_means(
    standard_deviation: float, difference: float, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0
) -> int:
    """Give the users a control arm needs to detect a difference of means, two-sided, known deviation.

    Args:
        standard_deviation: of the metric across users, in the metric's unit.
        difference: absolute change of the mean to detect, in the metric's unit.
        alpha: two-sided significance level.
        power: probability of detecting the difference.
        ratio: users in treatment per user in control.

    Returns:
        Users in control, rounded up.

    Raises:
        ValueError: any argument out of range, or a difference of zero.

    >>> sample_size_means(standard_deviation=10, difference=0.5)
    6280
    """
    return _sample_size(_standardized(standard_deviation, difference), alpha, power, ratio)


def power_proportions(
    base: float, relative_lift: float, users: int, alpha: float = 0.05, *, ratio: float = 1.0
) -> float:
    """Give the probability that a two-sided test detects a relative lift of a proportion.

    Args:
        base, relative_lift, alpha, ratio: as in `sample_size_proportions`.
        users: users in control.

    Returns:
        Power, counting both tails.

    Raises:
        ValueError: any argument out of range.
    """
    return _power(_cohen_h(base, relative_lift), users, alpha, ratio)


def power_means(
    standard_deviation: float, difference: float, users: int, alpha: float = 0.05, *, ratio: float = 1.0
) -> float:
    """Give the probability that a two-sided test detects a difference of means.

    Args:
        standard_deviation, difference, alpha, ratio: as in `sample_size_means`.
        users: users in control.

    Returns:
        Power, counting both tails.

    Raises:
        ValueError: any argument out of range.
    """
    return _power(_standardized(standard_deviation, difference), users, alpha, ratio)


def minimum_detectable_difference(
    standard_deviation: float, users: int, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0
) -> float:
    """Give the smallest difference of means that a two-sided test detects with the stated power.

    Args:
        standard_deviation: of the metric across users, in the metric's unit.
        users: users in control.
        alpha: two-sided significance level.
        power: probability of detecting the difference.
        ratio: users in treatment per user in control.

    Returns:
        Absolute difference, in the metric's unit.

    Raises:
        ValueError: any argument out of range.
    """
    deviation = checks.positive("standard_deviation", standard_deviation, "take it from the pre-period")
    return deviation * _required_shift(alpha, power) * math.sqrt(_inverse_users(ratio) / checks.count("users", users))


def _cohen_h(base: float, relative_lift: float) -> float:
    base = checks.fraction("base", base, "give the proportion in control, as 0.05")
    relative_lift = _effect(relative_lift, "relative_lift")
    lifted = checks.fraction("base * (1 + relative_lift)", base * (1 + relative_lift), "choose a smaller relative_lift")
    return 2 * math.asin(math.sqrt(lifted)) - 2 * math.asin(math.sqrt(base))


def _standardized(standard_deviation: float, difference: float) -> float:
    deviation = checks.positive("standard_deviation", standard_deviation, "take it from the pre-period")
    return _effect(difference, "difference") / deviation


def _effect(value: float, name: str) -> float:
    if not math.isfinite(value) or value == 0:
        raise ValueError(f"{name} must be finite and not zero, got {value}; give the change that matters")
    return value


def _sample_size(effect: float, alpha: float, power: float, ratio: float) -> int:
    return math.ceil((_required_shift(alpha, power) / effect) ** 2 * _inverse_users(ratio))


def _power(effect: float, users: int, alpha: float, ratio: float) -> float:
    return _rejection(
        abs(effect) * math.sqrt(checks.count("users", users) / _inverse_users(ratio)),
        checks.significance_level(alpha),
    )


def _rejection(shift: float, alpha: float) -> float:
    """Probability that |z| exceeds its critical value when z has mean `shift`."""
    critical = stats.norm.isf(alpha / 2)
    return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))


def _required_shift(alpha: float, power: float) -> float:
    """Expected z that gives the power; the textbook's z of the level plus z of the power ignores the far tail."""
    alpha, power = (
        checks.significance_level(alpha),
        checks.fraction("power", power, "use 0.8"),
    )
    if power <= alpha:
        raise ValueError(f"power must exceed alpha, got {power} against {alpha}; use 0.8")
    largest = stats.norm.isf(alpha / 2) + max(stats.norm.ppf(power), 0)
    return float(optimize.brentq(lambda shift: _rejection(shift, alpha) - power, 0, largest, xtol=1e-13))


def _inverse_users(ratio: float) -> float:
    """1/n₀ + 1/n₁ per user in control."""
    return 1 + 1 / checks.positive("ratio", ratio, "use 1 for equal arms")
