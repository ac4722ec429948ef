"""The group-sequential rule against scipy's binomial test and its two promises."""

import math

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout.group_sequential import GroupSequentialRule
from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.experiments.rollout.releases import HEALTHY, Release
from utils.experiments.rollout.rules import GIVE_UP, HOLD, PROMOTE, ROLL_BACK
from utils.experiments.rollout.simulation import simulate_rollouts

ERRORS, ORDERS = Guardrail("errors", (4, 2, 1.5)), Guardrail("orders", (0.8, 0.9, 0.95))
PLAN = RolloutPlan([ERRORS, ORDERS], minimum_windows=2, maximum_windows=6)
SIX_LOOKS = sum(1 / k for k in range(1, 7))  # look k spends 1/k of it


def actions(rule, minutes, step=0):
    """Return the actions on windows of (canary visits, canary errors, stable errors, canary orders, stable orders)."""
    rule.start(1)
    taken = []
    for visits, bad, bad_stable, orders, orders_stable in minutes:
        events = np.array([[[bad_stable], [0], [orders_stable]], [[bad], [0], [orders]]])
        taken.append(int(rule.update(np.array([step]), np.array([[10_000 - visits], [visits]]), events)[0]))
    return taken


def test_the_first_look_goes_back_exactly_where_the_binomial_test_is_at_its_part_of_the_level():
    level = 0.05 / 6 / SIX_LOOKS
    counts = [k for k in range(1, 12) if stats.binomtest(k, 40, 0.1, alternative="greater").pvalue <= level]
    for k in range(1, 12):
        action = actions(GroupSequentialRule(PLAN, every=1), [(1_000, k, 40 - k, 300, 2_700)], step=1)
        assert action == [ROLL_BACK if k in counts else HOLD]
    fewer = [k for k in range(200, 300) if stats.binomtest(k, 3_000, 0.1, alternative="less").pvalue <= level]
    for k in (max(fewer), max(fewer) + 1):
        action = actions(GroupSequentialRule(PLAN, every=1), [(1_000, 4, 36, k, 3_000 - k)], step=1)
        assert action == [ROLL_BACK if k in fewer else HOLD]


def test_the_second_look_has_half_of_the_level_and_sees_all_counts_of_the_step():
    level = 0.05 / 6 / SIX_LOOKS / 2
    first = min(k for k in range(60) if stats.binomtest(k + 2, 80, 0.1, alternative="greater").pvalue <= level)
    for k in (first - 1, first):
        minutes = [(1_000, 2, 38, 300, 2_700), (1_000, k, 40 - k, 300, 2_700)]
        assert actions(GroupSequentialRule(PLAN, every=1), minutes, 1)[1] == (ROLL_BACK if k == first else HOLD)


def test_it_goes_on_when_every_guardrail_is_cleared_looks_only_when_due_and_gives_up_in_time():
    good, unclear = (1_000, 40, 360, 3_000, 27_000), (1_000, 1, 9, 3_000, 27_000)
    assert actions(GroupSequentialRule(PLAN, every=1), [good] * 2, 1) == [HOLD, PROMOTE]  # not before two minutes
    assert actions(GroupSequentialRule(PLAN, every=3), [good] * 3, 1) == [HOLD, HOLD, PROMOTE]
    assert actions(GroupSequentialRule(PLAN, every=5), [unclear] * 6, 1) == [HOLD] * 5 + [GIVE_UP]
    assert actions(GroupSequentialRule(PLAN, every=1), [(0, 0, 0, 0, 0)] * 6, 1) == [HOLD] * 5 + [GIVE_UP]


def test_its_two_promises_hold():
    plan = RolloutPlan([ERRORS, ORDERS])
    healthy, bad = (
        simulate_rollouts(release, GroupSequentialRule(plan), n_runs=300, rng=1, horizon=720)
        for release in (HEALTHY[0], Release("four times", errors=4.0))
    )
    assert 0 < healthy.by_evidence.mean() < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    assert bad.in_steps.mean() > 0.99 - 3 * math.sqrt(0.01 * 0.99 / 300)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"^every must .*got 0"):
        GroupSequentialRule(PLAN, every=0)
    with pytest.raises(ValueError, match=r"^guardrails must be among .*got \['clicks'\]; "):
        GroupSequentialRule(RolloutPlan([Guardrail("clicks", (2, 2, 2))]))
