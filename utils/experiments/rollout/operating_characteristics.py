"""Exact operating characteristics of a step's sequential test: how often it errs, and how many events it takes."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from utils.experiments.rollout.evidence import LARGEST_RATIO, SMALLEST_RATIO
from utils.foundation import checks

__all__ = ["StepErrorRates", "exposure", "step_error_rates"]

MOST_LOOKS = 1_000_000
MOST_EVENTS_PER_LOOK = 1_000_000


class StepErrorRates(NamedTuple):
    """What one guardrail's test does in one step, by events seen in both arms together.

    Args:
        rolls_back: probability of rolling back.
        promotes: probability of promoting.
        undecided: probability of giving up undecided.
        mean_events: mean number of events used.
    """

    rolls_back: float
    promotes: float
    undecided: float
    mean_events: float


def step_error_rates(
    share: float,
    ratio: float,
    true_ratio: float,
    *,
    roll_back_above: float,
    promote_below: float,
    max_events: int = 20_000,
) -> StepErrorRates:
    """Return the exact decision probabilities of the sequential test that looks after every event.

    The test's state is how many of the events so far fell on the canary; its distribution is carried forward event by
    event, and what crosses a boundary is taken out. The rate of events plays no part.

    Args:
        share: the canary's share of requests.
        ratio: the ratio the test looks for.
        true_ratio: the canary's true rate ÷ the stable one's.
        roll_back_above: upper boundary on the log evidence.
        promote_below: lower boundary on the log evidence.
        max_events: events after which the test gives up.

    Returns:
        Probabilities of rolling back, promoting and not deciding; mean number of events used.

    Raises:
        ValueError: if an argument is out of its range.

    References:
        Wald (1945), "Sequential Tests of Statistical Hypotheses", *Annals of Mathematical Statistics* 16, whose
        approximations these are the exact values of.
    """
    _check_test(share, ratio, true_ratio, roll_back_above, promote_below)
    max_events = checks.count("max_events", max_events, "use 20_000", maximum=MOST_LOOKS)
    rolls_back = promotes = mean_events = 0.0
    alive = 1.0
    looks = _looks(share, ratio, true_ratio, roll_back_above, promote_below, events_per_look=1)
    for _, (up, down, left) in zip(range(max_events), looks, strict=False):
        mean_events += alive
        rolls_back, promotes, alive = rolls_back + up, promotes + down, left
    return StepErrorRates(rolls_back, promotes, alive, mean_events)


def exposure(
    share: float,
    ratio: float,
    true_ratio: float,
    *,
    roll_back_above: float,
    promote_below: float,
    events_per_look: int = 1,
    probability: float = 0.99,
    max_looks: int = 20_000,
) -> int:
    """Return the looks within which the sequential test rolls a fault back with the given probability.

    Args:
        share: as in `step_error_rates`.
        ratio: as in `step_error_rates`.
        true_ratio: as in `step_error_rates`.
        roll_back_above: as in `step_error_rates`.
        promote_below: as in `step_error_rates`.
        events_per_look: events in both arms between two looks at the evidence.
        probability: of having rolled back, over all rollouts.
        max_looks: looks after which the search gives up.

    Returns:
        Number of looks; times `events_per_look`, events.

    Raises:
        ValueError: if an argument is out of its range, or the test never reaches the probability.
    """
    _check_test(share, ratio, true_ratio, roll_back_above, promote_below)
    events_per_look = checks.count("events_per_look", events_per_look, "use 1", maximum=MOST_EVENTS_PER_LOOK)
    max_looks = checks.count("max_looks", max_looks, "use 20_000", maximum=MOST_LOOKS)
    probability = checks.fraction("probability", probability, "use 0.99")
    rolled_back = 0.0
    looks = _looks(share, ratio, true_ratio, roll_back_above, promote_below, events_per_look=events_per_look)
    for look, (up, _, _) in zip(range(1, max_looks + 1), looks, strict=False):
        rolled_back += up
        if rolled_back >= probability:
            return look
    raise ValueError(
        f"probability must be one the test can reach, got {probability} where {rolled_back:.4f} are rolled back; "
        "lower it, look for a smaller ratio, or raise max_looks"
    )


def _check_test(share: float, ratio: float, true_ratio: float, roll_back_above: float, promote_below: float) -> None:
    checks.fraction("share", share, "pass the share of a step before the last")
    for name, value in {"ratio": ratio, "true_ratio": true_ratio}.items():
        checks.number(name, value, low=SMALLEST_RATIO, high=LARGEST_RATIO, remedy="use for example 2")
    for name, value in {"roll_back_above": roll_back_above, "promote_below": promote_below}.items():
        checks.number(name, value, remedy="take the boundaries of a RolloutPlan")
    if not promote_below < 0 < roll_back_above or ratio == 1:
        raise ValueError(
            f"promote_below must be negative, roll_back_above positive and ratio not 1, got {promote_below!r}, "
            f"{roll_back_above!r} and {ratio!r}; take the boundaries of a RolloutPlan"
        )


def _looks(
    share: float,
    ratio: float,
    true_ratio: float,
    roll_back_above: float,
    promote_below: float,
    *,
    events_per_look: int,
) -> Iterator[tuple[float, float, float]]:
    """Yield, look by look, the probabilities of rolling back and promoting at it, and of going on."""
    chance = share * true_ratio / (1 + share * (true_ratio - 1))
    per_event, per_hit = math.log1p(share * (ratio - 1)), math.log(ratio)
    hits = stats.binom.pmf(np.arange(events_per_look + 1), events_per_look, chance)
    hits = hits[: np.flatnonzero(hits > 1e-18)[-1] + 1]
    # alive[i] is the probability that first + i events fell on the canary and no boundary was crossed.
    alive, first, n = np.ones(1), 0, 0
    while alive.sum() >= 1e-12:
        n += events_per_look
        alive = np.convolve(alive, hits)
        evidence = (first + np.arange(alive.size)) * per_hit - n * per_event
        up, down = evidence >= roll_back_above, evidence <= promote_below
        inside = np.flatnonzero(~(up | down))
        crossed = float(alive[up].sum()), float(alive[down].sum())
        alive = alive[inside[0] : inside[-1] + 1] if inside.size else np.zeros(1)
        first += int(inside[0]) if inside.size else 0
        yield *crossed, float(alive.sum())
