"""How many users an experiment needs, and the smallest effect that those it has can show."""

import math

from scipy import optimize, stats

from utils.foundation import checks

__all__ = ["cohen_h", "minimum_detectable_effect", "sample_size", "sample_size_proportions"]

MOST_USERS = 10**15  # a hundred thousand times mankind; beyond it floats skip whole numbers


def cohen_h(base: float, relative_lift: float) -> float:
    """Give the effect size of a relative lift of a proportion: a difference in units of one user's deviation.

    Args:
        base: proportion in control, between 0 and 1.
        relative_lift: relative change; 0.05 turns 5% into 5.25%; negative for a drop.

    Returns:
        h = 2 asin √p₁ − 2 asin √p₀, whose variance does not depend on p.

    Raises:
        ValueError: base outside (0, 1), a lift of zero, or one that leaves the interval (0, 1).

    References:
        Cohen (1988), "Statistical power analysis for the behavioral sciences", section 6.2.

    >>> round(cohen_h(base=0.05, relative_lift=0.05), 5)
    0.01134
    """
    base = checks.fraction("base", base, "give the proportion in control, as 0.05")
    lift = _effect("relative_lift", relative_lift)
    lifted = checks.fraction("base * (1 + relative_lift)", base * (1 + lift), "choose a smaller relative_lift")
    # the difference of two arc sines as one, so that a small lift keeps its digits
    spread = math.sqrt(lifted * (1 - base)) + math.sqrt(base * (1 - lifted))
    return 2 * math.asin(base * lift / spread)


def sample_size(effect: float, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0) -> int:
    """Give the users a control arm needs to detect an effect, two-sided, known deviation.

    Args:
        effect: difference of means ÷ the metric's standard deviation across users, or `cohen_h` for proportions.
        alpha: two-sided significance level.
        power: probability of detecting the effect.
        ratio: users in treatment per user in control.

    Returns:
        Users in control, rounded up.

    Raises:
        ValueError: any argument out of range, or an effect so small that no number of users shows it.

    >>> sample_size(0.5 / 10)  # half a euro where users spread by ten
    6280
    """
    effect, inverse_users = abs(_effect("effect", effect)), _inverse_users(ratio)
    root = _required_shift(alpha, power) / effect * math.sqrt(inverse_users)
    if root > math.sqrt(MOST_USERS):
        raise ValueError(f"effect must be large enough to test, got {effect:g}; look for a change that matters")
    return math.ceil(root**2)


def sample_size_proportions(
    base: float, relative_lift: float, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0
) -> int:
    """Give the users a control arm needs to detect a relative lift of a proportion, two-sided.

    Args:
        base: proportion in control, see `cohen_h`.
        relative_lift: relative change to detect, see `cohen_h`.
        alpha: two-sided significance level.
        power: probability of detecting the lift.
        ratio: users in treatment per user in control.

    Returns:
        Users in control, rounded up.

    Raises:
        ValueError: see `cohen_h` and `sample_size`.

    >>> sample_size_proportions(base=0.05, relative_lift=0.05)
    122107
    """
    return sample_size(cohen_h(base, relative_lift), alpha, power, ratio=ratio)


def minimum_detectable_effect(users: int, alpha: float = 0.05, power: float = 0.8, *, ratio: float = 1.0) -> float:
    """Give the smallest effect that a two-sided test detects with the stated power.

    Args:
        users: users in control.
        alpha: two-sided significance level.
        power: probability of detecting the effect.
        ratio: users in treatment per user in control.

    Returns:
        Effect in standard deviations of the metric across users.

    Raises:
        ValueError: any argument out of range.
    """
    users = checks.count("users", users, "count the users in control", maximum=MOST_USERS)
    return _required_shift(alpha, power) * math.sqrt(_inverse_users(ratio) / users)


def _effect(name: str, value: float) -> float:
    effect = checks.number(name, value, remedy="give the change that matters")
    if effect == 0:
        raise ValueError(f"{name} must not be zero, got {value}; give the change that matters")
    return effect


def _required_shift(alpha: float, power: float) -> float:
    """Expected z that gives the power; the textbook's z of the level plus z of the power ignores the far tail."""
    alpha, power = checks.significance_level(alpha), checks.fraction("power", power, "use 0.8")
    if power <= alpha:
        raise ValueError(f"power must exceed alpha, got {power} against {alpha}; use 0.8")
    critical = stats.norm.isf(alpha / 2)

    def surplus(shift: float) -> float:
        """Return by how much the chance that |z| exceeds its critical value, when z has mean `shift`, is too high."""
        return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift)) - power

    # one more than the textbook's z, so that rounding leaves the ends on both sides
    return float(optimize.brentq(surplus, 0, critical + max(stats.norm.ppf(power), 0) + 1, xtol=1e-13))


def _inverse_users(ratio: float) -> float:
    """1/n₀ + 1/n₁ per user in control."""
    return 1 + 1 / checks.number("ratio", ratio, low=1e-6, high=1e6, remedy="use 1 for equal arms")
