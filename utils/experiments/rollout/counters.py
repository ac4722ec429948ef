"""Counters of the two arms of a rollout: what happened since they were last read, or why they cannot be used."""

import math
from collections.abc import Mapping, Sequence

from utils.foundation import checks
from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = ["REQUESTS", "check_share", "increase"]

REQUESTS = "requests"


def increase(
    arm: str, counts: Mapping[str, float], names: Sequence[str], before: Mapping[str, float]
) -> dict[str, float]:
    """Return the events of one arm since the last usable window, or say what is wrong with its counters.

    Args:
        arm: "stable" or "canary", for the message.
        counts: counters since the rollout began: "requests" and every guardrail's name.
        names: the guardrails' names.
        before: the counters at the last usable window.

    Returns:
        The increase of each counter.

    Raises:
        ValueError: if a counter is missing, not a finite number, negative, above 2⁵³, went backwards, if events
            outnumber requests, or if the arm answered no request.
    """
    if not isinstance(counts, Mapping) or not counts:
        raise ValueError(f"{arm} must be a mapping of counters, got {counts!r:.60}; check that its metrics are scraped")
    more = {}
    for name in (REQUESTS, *names):
        value, last = _counter(arm, counts, name), before.get(name, 0.0)
        if value < last:
            raise ValueError(
                f"{arm} {name} must not go backwards, got {value:g} after {last:g}; look for a restarted process"
            )
        more[name] = value - last
    if more[REQUESTS] == 0:
        raise ValueError(f"{arm} must have answered requests in this window, got none; check routing and health")
    for name in names:
        if more[name] > more[REQUESTS]:
            raise ValueError(
                f"{arm} {name} must not outnumber its requests, got {more[name]:g} of {more[REQUESTS]:g}; "
                "count each request or user once"
            )
    return more


def check_share(observed: float, intended: float, requests: float, *, factor: float = 2.0) -> None:
    """Raise if either arm's share of requests is off by a factor from what was set, beyond chance.

    Args:
        observed: canary requests ÷ all requests in the window, from 0 to 1.
        intended: the step's share, between 0 and 1.
        requests: all requests in the window.
        factor: how far off either arm's share may be, above 1; nearer to 1 the more windows are taken together.

    Raises:
        ValueError: if the share is off by the factor and by 6 binomial standard deviations, or an argument is out of
            its range.

    References:
        Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    observed = checks.share("observed", observed, "pass canary requests ÷ all requests")
    intended = checks.fraction("intended", intended, "pass the share of a step before the last")
    requests = checks.positive("requests", requests, "pass the requests of both arms")
    factor = checks.number("factor", factor, low=1, open_low=True, remedy="use 2 for one window")
    deviation = abs(observed - intended) / math.sqrt(intended * (1 - intended) / requests)
    canary_is_near = intended / factor <= observed <= factor * intended
    stable_is_near = (1 - intended) / factor <= 1 - observed <= factor * (1 - intended)
    if deviation > 6 and not (canary_is_near and stable_is_near):
        raise ValueError(
            f"canary share must be near {intended:.1%}, got {observed:.2%}; check the splitter and the logs"
        )


def _counter(arm: str, counts: Mapping[str, float], name: str) -> float:
    if name not in counts:
        known = sorted(str(key) for key in counts)
        raise ValueError(f"{arm} must count {name!r}, got only {known}; check that the metric is exported")
    try:
        return checks.number(name, counts[name], low=0, high=LARGEST_COUNT)
    except ValueError:
        raise ValueError(
            f"{arm} {name} must be a count of 0 or more, got {counts[name]!r:.60}; check the metric query"
        ) from None
