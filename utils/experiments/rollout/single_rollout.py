"""One rollout under the controller itself, from counters as a monitoring system would deliver them."""

import numpy as np

from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.counters import REQUESTS
from utils.experiments.rollout.plan import RolloutPlan
from utils.experiments.rollout.releases import Release
from utils.experiments.rollout.request_stream import draw_minute, true_rates
from utils.experiments.rollout.traffic import EVENTS, Traffic

__all__ = ["roll_out_once"]


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
    rng, traffic = np.random.default_rng(rng), Traffic() if traffic is None else traffic
    controller, counters = CanaryController(plan), np.zeros((2, 1 + len(EVENTS)))
    calm, own = np.zeros((2, 1)), np.zeros((2, 2, 1))
    while not controller.is_over:
        share = np.array([controller.share])
        rates = true_rates(release, traffic, len(controller.log), share, calm, own)
        visits, events = draw_minute(rates, traffic, share, rng)
        counters += np.column_stack([visits, events[:, :, 0]])
        controller.observe(*(dict(zip((REQUESTS, *EVENTS), arm, strict=True)) for arm in counters.tolist()))
    return controller
