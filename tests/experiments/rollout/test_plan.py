"""A plan keeps its promises about error rates, and one that makes no sense is refused."""

import math

import pytest

from utils.experiments.rollout.plan import Guardrail, RolloutPlan, checked_steps

GUARDRAILS = (
    Guardrail("errors", (4, 2, 1.5)),
    Guardrail("slow", (2, 1.5, 1.25)),
    Guardrail("orders", (0.8, 0.9, 0.95)),
)
PLAN = RolloutPlan(GUARDRAILS)


def test_boundaries_share_the_false_rollback_rate_over_tests_and_lifts_to_the_floor():
    lifts = 1 + PLAN.maximum_windows * 0.01 / 4
    assert math.exp(PLAN.roll_back_above) == pytest.approx(lifts * 9 / 0.05)
    assert math.exp(PLAN.promote_below) == pytest.approx(0.01)
    assert math.exp(PLAN.floor) == pytest.approx(0.0025)


def test_a_plan_keeps_its_numbers_as_floats_and_counts():
    plan = RolloutPlan(iter(GUARDRAILS[:1]), steps=[0.1, 0.2, 0.5, 1], minimum_windows=2.0, maximum_windows=3.0)
    assert plan.steps == (0.1, 0.2, 0.5, 1.0)
    assert (plan.minimum_windows, plan.maximum_windows) == (2, 3)
    assert plan.guardrails[0].ratios == (4.0, 2.0, 1.5)
    assert plan.names == ("errors",)


def test_the_widest_error_rates_still_leave_boundaries_on_both_sides():
    for rate in (1e-12, 0.5):
        plan = RolloutPlan(GUARDRAILS, false_rollback=rate, missed_fault=rate, maximum_windows=1_000_000)
        assert plan.floor < plan.promote_below < 0 < plan.roll_back_above < math.inf


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Guardrail("errors", ()), "ratios"),
        (lambda: Guardrail("errors", (2, 0.5)), "ratios"),
        (lambda: Guardrail("errors", (1, 2)), "ratios"),
        (lambda: Guardrail("errors", (math.nan,)), "ratios"),
        (lambda: Guardrail("requests", (2,)), "name"),
        (lambda: Guardrail("errors", (2,), noise=math.nan), "noise"),
        (lambda: RolloutPlan([]), "guardrails"),
        (lambda: RolloutPlan([GUARDRAILS[0], GUARDRAILS[0]]), "guardrails"),
        (lambda: RolloutPlan(GUARDRAILS, steps=(0.1, 0.01)), "steps"),
        (lambda: RolloutPlan(GUARDRAILS, steps=(0.0, 0.1, 0.5, 1.0)), "steps"),
        (lambda: RolloutPlan(GUARDRAILS, steps=(0.1, 0.2, 0.5, 1.1)), "steps"),
        (lambda: RolloutPlan(GUARDRAILS, steps=(0.1, 1.0)), "guardrail 'errors'"),
        (lambda: RolloutPlan(GUARDRAILS, false_rollback=0), "false_rollback"),
        (lambda: RolloutPlan(GUARDRAILS, missed_fault=math.nan), "missed_fault"),
        (lambda: RolloutPlan(GUARDRAILS, minimum_windows=0), "minimum_windows"),
        (lambda: RolloutPlan(GUARDRAILS, minimum_windows=9, maximum_windows=8), "minimum_windows"),
        (lambda: Guardrail("errors", 4), "ratios"),
        (lambda: Guardrail("errors", ("4", "2")), "ratios"),
        (lambda: Guardrail("errors", (1e10,)), "ratios"),
        (lambda: Guardrail("errors", (2,), noise=-1), "noise"),
        (lambda: Guardrail("errors", (2, 3, 4), noise=(1, 2)), "noise"),
        (lambda: Guardrail("errors", (2,), noise=[[1]]), "noise"),
        (lambda: Guardrail("errors", (2,), noise=math.inf), "noise"),
        (lambda: Guardrail("", (2,)), "name"),
        (lambda: Guardrail("share", (2,)), "name"),
        (lambda: Guardrail("reason", (2,)), "name"),
        (lambda: Guardrail(7, (2,)), "name"),
        (lambda: RolloutPlan(GUARDRAILS[0]), "guardrails"),
        (lambda: RolloutPlan(["errors"]), "guardrails"),
        (lambda: RolloutPlan(GUARDRAILS, steps=(0.1, 0.1, 0.5, 1.0)), "steps"),
        (lambda: RolloutPlan(GUARDRAILS, missed_fault=5e-324), "missed_fault"),
        (lambda: RolloutPlan(GUARDRAILS, maximum_windows=math.inf), "maximum_windows"),
        (lambda: RolloutPlan(GUARDRAILS, maximum_windows=10**400), "maximum_windows"),
        (lambda: RolloutPlan(GUARDRAILS, minimum_windows=math.nan), "minimum_windows"),
        (lambda: checked_steps([0.5]), "steps"),
        (lambda: checked_steps(0.5), "steps"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()


def test_one_noise_is_that_of_every_step():
    assert Guardrail("slow", (4, 2, 1.5), 0.5).noise == (0.5, 0.5, 0.5)
    assert Guardrail("slow", (4, 2, 1.5), (2, 1, 0)).noise == (2, 1, 0)
