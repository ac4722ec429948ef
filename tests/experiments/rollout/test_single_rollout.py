"""One rollout by counters decides as the simulation of many does on the same visits."""

import numpy as np
import pytest

from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.experiments.rollout.releases import FAULTS, HEALTHY
from utils.experiments.rollout.rules import SequentialRule
from utils.experiments.rollout.simulation import simulate_rollouts
from utils.experiments.rollout.single_rollout import roll_out_once
from utils.experiments.rollout.traffic import Traffic

PLAN = RolloutPlan([Guardrail("errors", (4, 2, 1.5)), Guardrail("orders", (0.8, 0.9, 0.95))])


@pytest.mark.parametrize("release", [*FAULTS[:3], *HEALTHY], ids=lambda release: release.name)
def test_a_single_rollout_is_one_of_many(release):
    traffic = Traffic(per_minute=3_000)
    one = roll_out_once(release, PLAN, traffic=traffic, rng=7)
    many = simulate_rollouts(release, SequentialRule(PLAN), traffic=traffic, n_runs=1, rng=np.random.default_rng(7))
    assert (len(one.log), one.rolled_back) == (many.minutes[0], many.rolled_back[0])
