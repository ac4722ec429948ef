"""One rollout under the controller itself, from counters as a monitoring system would deliver them."""

from collections.abc import Mapping

import numpy as np

from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.counters import REQUESTS
from utils.experiments.rollout.decision_log import Decision
from utils.experiments.rollout.plan import RolloutPlan
from utils.experiments.rollout.releases import Release
from utils.experiments.rollout.request_stream import draw_minute, true_rates
from utils.experiments.rollout.traffic import EVENTS, Traffic
from utils.foundation import checks

__all__ = ["after_calm_minutes", "counters_after", "first_step", "roll_out_once"]


def roll_out_once(
    release: Release, plan: RolloutPlan, *, traffic: Traffic | None = None, rng: np.random.Generator | int
) -> CanaryController:
    """Roll one release out, minute by minute, without noise of the arms.

    Args:
        release: the new version.
        plan: the plan; its guardrails are among "errors", "slow" and "orders".
        traffic: the service; the default `Traffic()` if None.
        rng: a numpy generator or a seed; the same one gives the same visits as `simulate_rollouts` with one run.

    Returns:
        The controller when the rollout is over, with its log.

    Raises:
        ValueError: if the controller refuses the plan.
    """
    rng, traffic = checks.seeded("rng", rng), Traffic() if traffic is None else traffic
    controller, counters = CanaryController(plan), np.zeros((2, 1 + len(EVENTS)))
    calm, own = np.zeros((2, 1)), np.zeros((2, 2, 1))
    while not controller.is_over:
        share = np.array([controller.share])
        rates = true_rates(release, traffic, len(controller.log), share, calm, own)
        visits, events = draw_minute(rates, traffic, share, rng)
        counters += np.column_stack([visits, events[:, :, 0]])
        controller.observe(*(dict(zip((REQUESTS, *EVENTS), arm, strict=True)) for arm in counters.tolist()))
    return controller


def counters_after(minutes: float, share: float, traffic: Traffic) -> dict[str, float]:
    """Return one version's counters after calm minutes: what is expected, rounded.

    Args:
        minutes: since the release.
        share: of the traffic that the version serves.
        traffic: the service.

    Returns:
        "requests", "errors", "slow" and "orders", totals since the release.

    Raises:
        ValueError: if the minutes are negative or the share is not from 0 to 1.
    """
    minutes = checks.not_negative("minutes", minutes, "count from the release")
    share = checks.share("share", share, "pass the version's share of the visits")
    totals = traffic.per_minute * share * minutes * np.array([1, *traffic.rates])
    return dict(zip((REQUESTS, *EVENTS), totals.round().tolist(), strict=True))


def after_calm_minutes(plan: RolloutPlan, canary: Mapping[str, float], traffic: Traffic) -> list[Decision]:
    """Give a controller fourteen calm minutes in its first step and then the same canary window three times.

    Args:
        plan: the plan.
        canary: the canary's counters after the fifteenth minute, as the monitoring delivers them.
        traffic: the service.

    Returns:
        The three decisions.

    Raises:
        ValueError: if the rollout is over after one or two of them.
    """
    controller, share = CanaryController(plan), plan.steps[0]
    for minute in range(1, 15):
        controller.observe(counters_after(minute, 1 - share, traffic), counters_after(minute, share, traffic))
    return [controller.observe(counters_after(15, 1 - share, traffic), canary) for _ in range(3)]


def first_step(plan: RolloutPlan, traffic: Traffic, *, counted: float = 1.0) -> CanaryController:
    """Run the first step on calm minutes, of whose visits to the canary only a part is counted.

    Args:
        plan: the plan.
        traffic: the service.
        counted: share of the canary's visits that reach its counters; the rest is lost and nobody sees it.

    Returns:
        The controller after its first decision to go on or to go back.

    Raises:
        ValueError: if the share is not from 0 to 1.
    """
    counted = checks.share("counted", counted, "pass the share of the canary's visits that is counted")
    controller, share, minute = CanaryController(plan), plan.steps[0], 0
    while controller.share == share:
        minute += 1
        stable, canary = (counters_after(part * minute, of, traffic) for part, of in ((1, 1 - share), (counted, share)))
        controller.observe(stable, canary)
    return controller
