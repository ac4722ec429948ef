"""Evidence that a canary is worse, as the log likelihood ratio of how events split between the arms.

When the two versions are equally good, an event (an error, a slow answer, an order) falls on the canary with a
probability equal to the canary's share of the traffic, whatever the rate of events is that minute. Each event is a bet
on that share, and the product of the bets is a likelihood ratio: large when the canary is as bad as the ratio looked
for, small when it is healthy.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import all_aligned
from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = ["LARGEST_NOISE", "LARGEST_RATIO", "SMALLEST_RATIO", "log_evidence", "odds"]

SMALLEST_RATIO, LARGEST_RATIO = 1e-9, 1e9
LARGEST_NOISE = 1e9


def log_evidence(
    canary_events: ArrayLike, stable_events: ArrayLike, share: ArrayLike, ratio: ArrayLike, *, noise: ArrayLike = 0.0
) -> NDArray[np.float64] | np.float64:
    """Return the log likelihood ratio of "the canary's rate is `ratio` times the stable one" against "equal rates".

    Given their total, the events split between the arms like coins whose chance of "canary" is the canary's share of
    the requests. The total, and so the base rate with its rhythm and its incidents, cancels. For a fixed number of
    requests the split is hypergeometric, less dispersed than binomial, so the bets stay fair (Hoeffding 1963).

    Args:
        canary_events: counts in a window, any shape that broadcasts.
        stable_events: counts in the same window; Series among the five arguments meet window by window.
        share: canary requests ÷ all requests in that window, from 0 to 1.
        ratio: the ratio looked for, positive.
        noise: variance of the log ratio of equal arms beyond counting, see `Guardrail`; it discounts the evidence by
            1 + events · share · (1 − share) · noise, the factor by which it inflates the variance (quasi-likelihood).

    Returns:
        Natural log of the likelihood ratio, an array of the broadcast shape or a float; independent windows add.
        Exact without noise, approximate with it.

    Raises:
        ValueError: if a count or the noise is negative or not finite, a share outside [0, 1], a ratio outside
            [1e-9, 1e9], or labels that differ.

    References:
        Wald (1945), "Sequential Tests of Statistical Hypotheses", *Annals of Mathematical Statistics* 16.

    >>> round(float(log_evidence(4, 0, share=0.01, ratio=4)), 2)   # four errors, all on a 1% canary
    5.43
    >>> round(float(log_evidence(0, 4, share=0.01, ratio=4)), 2)   # four errors, none on it: little is learned
    -0.12
    """
    canary_events, stable_events, share, ratio, noise = all_aligned(
        canary_events=canary_events, stable_events=stable_events, share=share, ratio=ratio, noise=noise
    )
    canary = _numbers("canary_events", canary_events, 0, LARGEST_COUNT, "pass the events of one window")
    stable = _numbers("stable_events", stable_events, 0, LARGEST_COUNT, "pass the events of one window")
    share = _numbers("share", share, 0, 1, "pass canary requests ÷ all requests")
    ratio = _numbers("ratio", ratio, SMALLEST_RATIO, LARGEST_RATIO, "use for example 2")
    noise = _numbers("noise", noise, 0, LARGEST_NOISE, "measure it on equal versions")
    events = canary + stable
    evidence = canary * np.log(ratio) - events * np.log1p(share * (ratio - 1))
    return evidence / (1 + events * share * (1 - share) * noise)


def odds(evidence: float) -> str:
    """Return evidence in words, as a power of ten that no size of it overflows.

    Args:
        evidence: natural log of a likelihood ratio.

    Returns:
        The ratio to one digit, such as "1e+05 to 1".

    Raises:
        ValueError: if the evidence is not finite.

    >>> odds(11.6), odds(-4.7), odds(30_000.0)
    ('1e+05 to 1', '9e-03 to 1', '7e+13028 to 1')
    """
    power = checks.number("evidence", evidence, remedy="pass the value of log_evidence") / math.log(10)
    exponent = math.floor(power)
    digit = round(10 ** (power - exponent))
    if digit == 10:
        digit, exponent = 1, exponent + 1
    return f"{digit}e{exponent:+03d} to 1"


def _numbers(name: str, values: ArrayLike, low: float, high: float, remedy: str) -> NDArray[np.float64]:
    """Return checked numbers in the shape given, a single one too."""
    found = checks.array(name, np.atleast_1d(values), low=low, high=high, remedy=remedy)
    return found.reshape(np.shape(values))
