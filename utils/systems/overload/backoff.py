"""Backoff between retries: how long a client waits after each failure.

After k failures the window is min(cap, base·2^k); the policies differ in how they draw a delay from it. The delays of
one call are in one unit, milliseconds by default.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks

__all__ = ["POLICIES", "checked_base_and_cap", "delays", "draw_delays", "full_jitter", "window", "windows"]

POLICIES = ("none", "exponential", "equal", "full", "decorrelated")
DRAWING = ("equal", "full", "decorrelated")


def delays(
    policy: str,
    attempt: ArrayLike,
    *,
    base: float = 5.0,
    cap: float = 2000.0,
    previous: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Draw how long clients wait before they try again.

    Args:
        policy: "none"; "exponential", e = min(cap, base·2^attempt); "equal", e/2 plus a uniform draw from (0, e/2);
            "full", a uniform draw from (0, e); "decorrelated", min(cap, a uniform draw from (base, 3·previous)).
        attempt: how often each client has failed so far, from 1; any shape.
        base: scale of the first delay, ms, at least 10⁻⁹.
        cap: the longest delay, ms; at least `base`, at most 10¹².
        previous: each client's last delay, ms, for "decorrelated"; None means `base`.
        rng: numpy generator; needed by the policies that draw.

    Returns:
        Delays in ms, of the shape of `attempt`.

    Raises:
        ValueError: unknown policy, attempt below 1, base or cap out of range, rng missing.

    References:
        Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog (2015).

    >>> delays("exponential", [1, 2, 3, 20]).tolist()
    [10.0, 20.0, 40.0, 2000.0]
    """
    checks.choice("policy", policy, POLICIES)
    base, cap = checked_base_and_cap(base, cap)
    attempt = _attempts(attempt)
    if policy in DRAWING:
        rng = checks.generator("rng", rng)
    last = np.full(attempt.shape, base) if previous is None else _previous(previous, attempt.shape)
    return draw_delays(policy, attempt, last, base, cap, rng)


def draw_delays(
    policy: str,
    attempt: NDArray[np.number],
    last: NDArray[np.float64],
    base: float,
    cap: float,
    rng: np.random.Generator | None,
) -> NDArray[np.float64]:
    """Draw as `delays` does, from arguments that are known to be good.

    Args:
        policy: one of `POLICIES`.
        attempt: failures so far, from 1; any shape.
        last: each client's last delay; same shape.
        base: scale of the first delay, in any unit of time.
        cap: the longest delay, in that unit.
        rng: numpy generator, or None for a policy that draws nothing.

    Returns:
        Delays in that unit, same shape.
    """
    if policy == "none":
        return np.zeros(attempt.shape)
    if policy == "decorrelated":
        return np.minimum(cap, rng.uniform(base, 3 * np.maximum(last, base)))
    longest = window(attempt, base, cap)
    if policy == "exponential":
        return longest
    if policy == "equal":
        return longest / 2 + full_jitter(longest / 2, rng)
    return full_jitter(longest, rng)


def full_jitter(longest: ArrayLike, rng: np.random.Generator) -> float | NDArray[np.float64]:
    """Draw a delay uniformly between nothing and the window; its mean is half the window.

    Args:
        longest: the window, in any unit of time; any shape.
        rng: numpy generator.

    Returns:
        Delays in that unit, same shape.
    """
    return rng.uniform(0, longest)


def window(attempt: ArrayLike, base: float, cap: float) -> NDArray[np.float64]:
    """Return the longest delay after so many failures, min(cap, base·2^attempt).

    Args:
        attempt: failures so far, from 1; any shape.
        base: scale of the first delay, in any unit of time.
        cap: the longest delay, in that unit.

    Returns:
        Windows in that unit, same shape.
    """
    return np.minimum(cap, base * 2.0 ** np.minimum(attempt, _failures_to_cap(base, cap)))


def windows(base: float, cap: float) -> NDArray[np.float64]:
    """Return the windows after 1, 2, … failures up to one that is the cap, as all later ones are.

    Args:
        base: scale of the first delay, in any unit of time.
        cap: the longest delay, in that unit.

    Returns:
        Windows in that unit, shape (failures,), the last of them equal to `cap`.

    >>> windows(1, 8).tolist()
    [2.0, 4.0, 8.0, 8.0]
    """
    return window(np.arange(1, _failures_to_cap(base, cap) + 1), base, cap)


def checked_base_and_cap(base: float, cap: float, *, prefix: str = "", unit: str = "ms") -> tuple[float, float]:
    """Return the scale and the cap of a backoff as floats.

    Args:
        base: scale of the first delay.
        cap: the longest delay.
        prefix: what the two arguments' names begin with, for the message.
        unit: of both, for the message.

    Returns:
        Base and cap.

    Raises:
        ValueError: one is not a number from 10⁻⁹ to 10¹², or the cap is below the base.
    """
    base = checks.number(f"{prefix}base", base, low=1e-9, high=1e12, remedy=f"give the first delay in {unit}")
    cap = checks.number(f"{prefix}cap", cap, low=1e-9, high=1e12, remedy=f"give the longest delay in {unit}")
    if cap < base:
        raise ValueError(f"{prefix}cap must be at least {prefix}base = {base:g}, got {cap:g}; raise cap or lower base")
    return base, cap


def _failures_to_cap(base: float, cap: float) -> int:
    """Return a number of failures whose window is the cap; beyond it 2^attempt might overflow."""
    return int(np.ceil(np.log2(cap) - np.log2(base))) + 1


def _attempts(attempt: ArrayLike) -> NDArray[np.number]:
    array = np.asarray(attempt)
    if array.dtype.kind not in "iuf" or array.size == 0 or np.ma.is_masked(attempt):
        raise ValueError(f"attempt must hold numbers, got {checks.told(attempt)}; give the failures so far, from 1")
    if not (np.isfinite(array).all() and (array >= 1).all() and (array == np.floor(array)).all()):
        raise ValueError(
            f"attempt must hold whole numbers from 1, got {checks.told(attempt)}; the first retry is attempt 1"
        )
    return array


def _previous(previous: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = checks.array("previous", np.atleast_1d(previous), low=0, remedy="pass the last result")
    array = array.reshape(np.shape(previous))
    if array.shape != shape:
        raise ValueError(f"previous must have the shape of attempt {shape}, got {array.shape}; one delay per client")
    return array
