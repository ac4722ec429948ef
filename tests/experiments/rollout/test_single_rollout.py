"""One rollout by counters decides as the simulation of many does on the same visits."""

import numpy as np
import pytest

from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.experiments.rollout.releases import FAULTS, HEALTHY
from utils.experiments.rollout.rules import SequentialRule
from utils.experiments.rollout.simulation import simulate_rollouts
from utils.experiments.rollout.single_rollout import (
    after_calm_minutes,
    counters_after,
    first_step,
    roll_out_once,
)
from utils.experiments.rollout.traffic import Traffic

PLAN = RolloutPlan([Guardrail("errors", (4, 2, 1.5)), Guardrail("orders", (0.8, 0.9, 0.95))])


@pytest.mark.parametrize("release", [*FAULTS[:3], *HEALTHY], ids=lambda release: release.name)
def test_a_single_rollout_is_one_of_many(release):
    traffic = Traffic(per_minute=3_000)
    one = roll_out_once(release, PLAN, traffic=traffic, rng=7)
    many = simulate_rollouts(release, SequentialRule(PLAN), traffic=traffic, n_runs=1, rng=np.random.default_rng(7))
    assert (len(one.log), one.rolled_back) == (many.minutes[0], many.rolled_back[0])


def test_counters_are_what_is_expected_of_so_many_minutes():
    traffic = Traffic(per_minute=1_000, order_rate=0.3)
    assert counters_after(10, 0.2, traffic) == {"requests": 2_000, "errors": 2, "slow": 20, "orders": 600}


def test_a_window_that_cannot_be_read_is_met_after_fourteen_good_ones():
    traffic = Traffic()
    blind = after_calm_minutes(PLAN, {}, traffic)
    assert [decision.window for decision in blind] == [15, 16, 17]
    assert [decision.action for decision in blind] == ["hold", "hold", "roll back"]
    seeing = after_calm_minutes(PLAN, counters_after(15, 0.01, traffic), traffic)
    assert seeing[0].reason.startswith("errors not yet cleared")  # the fifteenth usable window


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: counters_after(-1, 0.5, Traffic()), "minutes"),
        (lambda: counters_after(1, 1.5, Traffic()), "share"),
        (lambda: first_step(PLAN, Traffic(), counted=-0.1), "counted"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()


def test_a_calm_first_step_ends_with_a_promotion_and_one_that_loses_visits_with_a_roll_back():
    good, losing = (first_step(PLAN, Traffic(), counted=counted) for counted in (1.0, 0.6))
    assert (good.log[-1].action, good.share) == ("promote", PLAN.steps[1])
    assert (losing.log[-1].action, losing.share) == ("roll back", 0)
    assert losing.log[-1].reason.startswith("3 unusable windows in a row; canary share must be near 1.0%")
