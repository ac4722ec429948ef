"""The controller's test for many rollouts decides as the controller does; the other rules as they say."""

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout import rules
from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.evidence import log_evidence
from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.experiments.rollout.releases import FAULTS, HEALTHY
from utils.experiments.rollout.request_stream import draw_minute, true_rates
from utils.experiments.rollout.rules import (
    GIVE_UP,
    HOLD,
    PROMOTE,
    ROLL_BACK,
    ArmThresholdRule,
    FixedSampleRule,
    MannWhitneyRule,
    SequentialRule,
    ServiceThresholdRule,
)
from utils.experiments.rollout.traffic import EVENTS, Traffic

GUARDRAILS = (
    Guardrail("errors", (4, 2, 1.5)),
    Guardrail("slow", (2, 1.5, 1.25)),
    Guardrail("orders", (0.8, 0.9, 0.95)),
)
PLAN = RolloutPlan(GUARDRAILS)


NOISY = RolloutPlan([Guardrail(g.name, g.ratios, noise=(2.0, 0.3, 0.1)) for g in GUARDRAILS])


@pytest.mark.parametrize("plan", [PLAN, NOISY], ids=["no noise", "noise of each step"])
def test_the_vectorized_rule_decides_as_the_controller_does_window_by_window(plan):
    for seed, release in enumerate((*FAULTS, HEALTHY[0])):
        rng, rule, controller, traffic = (
            np.random.default_rng(seed),
            SequentialRule(plan),
            CanaryController(plan),
            Traffic(per_minute=10_000, order_rate=0.05),
        )
        rule.start(1)
        step, totals = np.zeros(1, int), np.zeros((2, 4))
        for minute in range(600):
            share = np.array([controller.share])
            rates = true_rates(release, traffic, minute, share, np.zeros((2, 1)), np.zeros((2, 2, 1)))
            visits, events = draw_minute(rates, traffic, share, rng)
            totals += np.column_stack([visits[:, 0], events[:, :, 0]])
            action = rule.update(step, visits, events)[0]
            decision = controller.observe(*(dict(zip(("requests", *EVENTS), arm, strict=True)) for arm in totals))
            assert {"hold": 0, "promote": 1, "roll back": -1}[decision.action] == max(action, ROLL_BACK)
            if action == HOLD:
                np.testing.assert_allclose(rule._evidence[:, 0], list(decision.evidence.values()))
            step += action == 1
            if controller.is_over:
                break
        assert controller.rolled_back == release.is_faulty or plan is NOISY


def minute(stable, canary, runs=1):
    """Visits and events of one minute, (visits, errors, slow, orders) of each arm."""
    both = np.array([stable, canary], float)
    return np.repeat(both[:, :1], runs, axis=1), np.repeat(both[:, 1:, None], runs, axis=2)


def decisions(rule, minutes):
    rule.start(1)
    return [int(rule.update(np.zeros(1, int), *arms)[0]) for arms in minutes]


def test_the_global_rule_looks_at_both_arms_over_its_window_and_promotes_by_the_clock():
    calm, storm = minute((990, 1, 0, 0), (10, 1, 0, 0)), minute((990, 5, 0, 0), (10, 5, 0, 0))
    rule = ServiceThresholdRule(0.005, window=2, minutes_per_step=4)
    assert decisions(rule, [calm] * 9) == [HOLD, HOLD, HOLD, PROMOTE] * 2 + [HOLD]
    assert decisions(rule, [calm, storm, storm]) == [HOLD, ROLL_BACK, ROLL_BACK]  # 12 of 2,000, then 20 of 2,000
    assert decisions(rule, [storm]) == [HOLD]  # the window is not full
    edge = minute((990, 5, 0, 0), (10, 0, 0, 0))
    assert decisions(rule, [edge, edge]) == [HOLD, HOLD]  # 10 of 2,000 is the threshold and not above it


@pytest.mark.parametrize(
    ("watched", "service", "action"),
    [
        ({}, (0, 900, 0), HOLD),
        ({"slow_above": 0.02}, (0, 20, 0), HOLD),
        ({"slow_above": 0.02}, (0, 21, 0), ROLL_BACK),
        ({"orders_below": 0.3}, (0, 0, 300), HOLD),
        ({"orders_below": 0.3}, (0, 0, 299), ROLL_BACK),
        ({"slow_above": 0.02, "orders_below": 0.3}, (11, 0, 300), ROLL_BACK),
    ],
)
def test_a_service_is_watched_in_what_it_is_told_to_watch(watched, service, action):
    rule = ServiceThresholdRule(0.01, window=1, **watched)
    assert decisions(rule, [minute((990, *service), (10, 0, 0, 0))]) == [action]


@pytest.mark.parametrize("event", [0, 1, 2])
@pytest.mark.parametrize("nudge", [0, 1])
def test_the_fixed_sample_test_is_the_binomial_test_at_a_share_of_the_level(event, nudge):
    """The smallest count that scipy's test refuses at 5% over nine tests is refused, and the one before is not."""
    side, worse = ("less", -1) if event == 2 else ("greater", 1)
    stable, canary, place = [9_000, 900, 900, 900], [1_000, 100, 100, 100], 1 + event
    while stats.binomtest(canary[place], canary[place] + stable[place], 0.1, side).pvalue > 0.05 / 9:
        canary[place] += worse
    canary[place] -= worse * nudge
    fifth = [value / 5 for value in canary]
    action = decisions(FixedSampleRule(0.05, minutes_per_step=5), [minute([v / 5 for v in stable], fifth)] * 5)[-1]
    assert action == (PROMOTE if nudge else ROLL_BACK)


def test_a_step_that_cannot_decide_in_time_gives_up_and_says_so():
    rule = SequentialRule(RolloutPlan(GUARDRAILS, minimum_windows=1, maximum_windows=3))
    assert decisions(rule, [minute((99, 0, 0, 0), (1, 0, 0, 0))] * 3) == [HOLD, HOLD, GIVE_UP]


def test_a_tolerance_asks_the_difference_to_clear_a_part_of_itself():
    """Kayenta's: the interval must lie beyond a quarter of the estimate, so a difference that is just seen is let pass."""
    rng = np.random.default_rng(5)
    stable, canary = rng.normal(100, 10, (2, 30))
    canary += next(
        s for s in np.arange(0, 30, 0.1) if stats.mannwhitneyu(canary + s, stable, alternative="greater").pvalue < 0.009
    )

    def decide(tolerance):
        rule = MannWhitneyRule(0.02, tolerance=tolerance, minutes_per_step=30)
        arms = [minute((1_000, s, 0, 0), (1_000, c, 0, 0)) for s, c in zip(stable, canary, strict=True)]
        return decisions(rule, arms)[-1]

    assert (decide(0.0), decide(0.25)) == (ROLL_BACK, PROMOTE)


@pytest.mark.parametrize(
    ("canary", "action"),
    [
        ((100, 15, 15, 67), PROMOTE),  # not above 1.5 times the errors, and not below two thirds of the orders
        ((100, 16, 10, 100), ROLL_BACK),
        ((100, 10, 16, 100), ROLL_BACK),
        ((100, 10, 10, 66), ROLL_BACK),
        ((100, 0, 0, 100), PROMOTE),
    ],
)
def test_the_threshold_between_arms_is_a_factor_in_each_event_at_the_end_of_the_step(canary, action):
    rule = ArmThresholdRule(1.5, minutes_per_step=5)
    assert decisions(rule, [minute((1_000, 100, 100, 1_000), canary)] * 5) == [HOLD] * 4 + [action]


def test_worse_by_exactly_the_factor_is_not_worse_by_more():
    at_the_factor = minute((8_000, 1_000, 1_000, 6_000), (16, 3, 3, 8))  # 3/16 = 1.5 · 1/8, and 3/4 = 1.5 · 1/2
    assert decisions(ArmThresholdRule(1.5, minutes_per_step=5), [at_the_factor] * 5)[-1] == PROMOTE


def test_evidence_on_a_boundary_has_reached_it(monkeypatch):
    plan = RolloutPlan([Guardrail("errors", (2,))], steps=(0.5, 1.0), minimum_windows=1)
    for name, errors, action in (("roll_back_above", 7, ROLL_BACK), ("promote_below", 3, PROMOTE)):
        with monkeypatch.context() as patch:
            patch.setattr(RolloutPlan, name, float(log_evidence(errors, 5, 0.5, 2)))
            assert decisions(SequentialRule(plan), [minute((100, 5, 0, 0), (100, errors, 0, 0))]) == [action]


def test_the_rules_in_use_take_half_an_hour_a_step_and_five_minutes_a_rate_unless_said_otherwise():
    both = [(1_000, 100 + n % 7, 100 + n % 5, 100 + n % 3) for n in range(30)]
    calm = [minute(arm, arm) for arm in both]
    for rule in (ServiceThresholdRule(0.5), ArmThresholdRule(), MannWhitneyRule()):
        assert decisions(rule, calm) == [HOLD] * 29 + [PROMOTE]
        assert rule.steps == (0.01, 0.1, 0.5, 1.0)
    assert decisions(ServiceThresholdRule(0.01), calm[:5]) == [HOLD] * 4 + [ROLL_BACK]
    assert (ArmThresholdRule().factor, MannWhitneyRule().alpha) == ((1.5, 1.5, 1.5), 0.02)


@pytest.mark.parametrize("event", [0, 1, 2])
def test_mann_whitney_sees_a_shift_in_the_bad_direction_of_any_event(event):
    rng = np.random.default_rng(2)
    counts = rng.integers(40, 60, (12, 2, 3))

    def decide(shift, alpha=0.02):
        moved = counts.copy()
        moved[:, 1, event] += shift
        rule = MannWhitneyRule(alpha, minutes_per_step=12)
        arms = [(np.full((2, 1), 1_000.0), moved[m][..., None].astype(float)) for m in range(12)]
        return decisions(rule, arms)[-1], moved

    bad = -25 if event == 2 else 25
    verdict, moved = decide(bad)
    side = "less" if event == 2 else "greater"
    pvalue = stats.mannwhitneyu(moved[:, 1, event], moved[:, 0, event], alternative=side, method="asymptotic").pvalue
    assert pvalue < 0.01
    assert verdict == ROLL_BACK
    assert decide(bad, 2 * pvalue * 1.01)[0] == ROLL_BACK  # the level is two-sided, so half of it on this side
    assert decide(bad, 2 * pvalue * 0.99)[0] == PROMOTE
    assert decide(-bad)[0] == PROMOTE


def test_mann_whitney_compares_rates_of_single_visits_as_they_are():
    """One visit a minute: it fails on the canary each time, on the stable version three visits of four do."""
    visits = np.array([[4.0], [1.0]])
    events = np.array([[[3.0], [3.0], [0.0]], [[1.0], [1.0], [1.0]]])
    rates = [0.75] * 12, [1.0] * 12
    assert stats.mannwhitneyu(rates[1], rates[0], alternative="greater").pvalue < 0.01
    assert decisions(MannWhitneyRule(0.02, minutes_per_step=12), [(visits, events)] * 12)[-1] == ROLL_BACK


def test_a_step_of_nearly_a_week_is_the_longest():
    ServiceThresholdRule(0.1, window=10_000)
    ArmThresholdRule(2, minutes_per_step=10_000)


def test_as_many_rollouts_as_fit_into_memory_are_begun(monkeypatch):
    monkeypatch.setattr(rules, "MOST_CELLS", 10)
    for rule in (ServiceThresholdRule(0.1, window=5), ArmThresholdRule(2, minutes_per_step=5)):
        rule.start(2)
        with pytest.raises(ValueError, match="must leave room in memory for 3 rollouts, got 5; simulate fewer"):
            rule.start(3)


def test_a_minute_without_visits_teaches_nothing():
    nothing = minute((0, 0, 0, 0), (0, 0, 0, 0))
    for rule in (SequentialRule(PLAN), ServiceThresholdRule(0.1), ArmThresholdRule()):
        assert decisions(rule, [nothing] * 6) == [HOLD] * 6


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: SequentialRule(RolloutPlan([Guardrail("clicks", (2, 2, 2))])), "guardrails"),
        (lambda: ServiceThresholdRule(1.5), "errors_above"),
        (lambda: ServiceThresholdRule(0.1, window=0), "window"),
        (lambda: ServiceThresholdRule(0.1, window=10_001), "window"),
        (lambda: ServiceThresholdRule(0.1, minutes_per_step=0), "minutes_per_step"),
        (lambda: ServiceThresholdRule(0.1, steps=(0.5, 0.1)), "steps"),
        (lambda: ServiceThresholdRule(0.1, window=1_000).start(10**6), "window"),
        (lambda: ArmThresholdRule(1), "factor"),
        (lambda: ArmThresholdRule(2, minutes_per_step=4), "minutes_per_step"),
        (lambda: ArmThresholdRule(2, minutes_per_step=10_001), "minutes_per_step"),
        (lambda: ArmThresholdRule(2, minutes_per_step=1_000).start(10**6), "minutes_per_step"),
        (lambda: ServiceThresholdRule(None), "errors_above"),
        (lambda: ServiceThresholdRule(0.1, slow_above=0), "slow_above"),
        (lambda: ServiceThresholdRule(0.1, orders_below=1.5), "orders_below"),
        (lambda: FixedSampleRule(0), "alpha"),
        (lambda: MannWhitneyRule(0), "alpha"),
        (lambda: MannWhitneyRule(tolerance=1.5), "tolerance"),
        (lambda: MannWhitneyRule(steps=[0.5]), "steps"),
    ],
)
def test_a_bad_argument_is_named(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()


def test_each_event_may_have_a_factor_of_its_own():
    rule = ArmThresholdRule((3, 1.5, 2), minutes_per_step=5)
    for canary, action in (
        ((100, 29, 14, 51), PROMOTE),
        ((100, 31, 14, 51), ROLL_BACK),
        ((100, 29, 16, 51), ROLL_BACK),
        ((100, 29, 14, 49), ROLL_BACK),
    ):
        assert decisions(rule, [minute((1_000, 100, 100, 1_000), canary)] * 5)[-1] == action
    with pytest.raises(ValueError, match="factor must be one number or one for each"):
        ArmThresholdRule((3, 1.5))
