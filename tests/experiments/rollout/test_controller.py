"""The canary controller rolls back what is worse, promotes what is not, and never promotes blind."""

import inspect
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.experiments.rollout.controller import CanaryController
from utils.experiments.rollout.evidence import log_evidence
from utils.experiments.rollout.plan import Guardrail, RolloutPlan

GUARDRAILS = (
    Guardrail("errors", (4, 2, 1.5)),
    Guardrail("slow", (2, 1.5, 1.25)),
    Guardrail("orders", (0.8, 0.9, 0.95)),
)
PLAN = RolloutPlan(GUARDRAILS)
ERRORS_ONLY = RolloutPlan([Guardrail("errors", (4, 2, 1.5))], minimum_windows=2, maximum_windows=6)


def errors(requests, count):
    return {"requests": requests, "errors": count}


def healthy_counts(share, per_window=100_000, rate=0.01):
    return (
        np.array([per_window * (1 - share), per_window * (1 - share) * rate]),
        np.array([per_window * share, per_window * share * rate]),
    )


def test_a_healthy_release_goes_through_every_step_and_not_before_the_minimum_exposure():
    controller = CanaryController(ERRORS_ONLY)
    stable, canary = np.zeros(2), np.zeros(2)
    while not controller.is_over:
        more_stable, more_canary = healthy_counts(controller.share)
        stable, canary = stable + more_stable, canary + more_canary
        controller.observe(errors(*stable), errors(*canary))
    assert [(d.share, d.action) for d in controller.log] == [
        (0.01, "hold"), (0.01, "promote"), (0.10, "hold"), (0.10, "promote"), (0.50, "hold"), (0.50, "promote"),
    ]  # fmt: skip
    assert controller.share == 1.0
    assert not controller.rolled_back
    with pytest.raises(ValueError, match=r"^observe must"):
        controller.observe(errors(*stable), errors(*canary))


def test_the_evidence_of_a_step_is_counted_from_that_steps_windows_only():
    controller = CanaryController(ERRORS_ONLY)
    controller.observe(errors(9_900, 99), errors(100, 1))
    first = controller.log[-1].evidence["errors"]
    assert first == pytest.approx(float(log_evidence(1, 99, 0.01, 4)))
    controller.observe(errors(19_800, 198), errors(200, 3))
    assert controller.log[-1].evidence["errors"] == pytest.approx(first + float(log_evidence(2, 99, 0.01, 4)))


def test_a_fault_in_any_guardrail_rolls_back_and_is_named_in_the_log():
    good = {"requests": 9_900, "errors": 10, "slow": 99, "orders": 495}
    for bad, count in (("errors", 15), ("slow", 30)):
        controller = CanaryController(PLAN)
        canary = {"requests": 100, "errors": 0, "slow": 1, "orders": 5} | {bad: count}
        decision = controller.observe(good, canary)
        assert decision.action == "roll back"
        assert decision.reason.startswith(f"{bad}: {count} of ")
        assert controller.share == 0
        assert controller.rolled_back
    controller = CanaryController(RolloutPlan([Guardrail("orders", (0.5,))], steps=(0.5, 1.0)))
    decision = controller.observe({"requests": 5_000, "orders": 250}, {"requests": 5_000, "orders": 100})
    assert decision.action == "roll back"


def test_evidence_is_not_credited_below_the_floor_so_a_late_fault_is_met_awake():
    plan = RolloutPlan([Guardrail("errors", (4, 2, 1.5))], minimum_windows=100)
    controller = CanaryController(plan)
    stable, canary = np.zeros(2), np.zeros(2)
    for _ in range(30):
        more_stable, more_canary = healthy_counts(0.01)
        stable, canary = stable + more_stable, canary + more_canary
        controller.observe(errors(*stable), errors(*canary))
    assert controller.log[-1].evidence["errors"] == plan.floor
    stable, canary = stable + np.array([99_000, 990]), canary + np.array([1_000, 60])
    controller.observe(errors(*stable), errors(*canary))
    assert controller.rolled_back


def test_a_step_that_cannot_decide_rolls_back_at_the_maximum_exposure():
    controller = CanaryController(ERRORS_ONLY)
    for window in range(1, 7):
        decision = controller.observe(errors(990 * window, window), errors(10 * window, 0))
    assert decision.action == "roll back"
    assert len(controller.log) == 6
    assert "no decision after 6 windows" in decision.reason


GOOD_STABLE, GOOD_CANARY = errors(990_000, 9_900), errors(10_000, 100)
UNUSABLE = {
    "no data": (GOOD_STABLE, {}, "canary must be a mapping"),
    "none": (None, GOOD_CANARY, "stable must be a mapping"),
    "missing counter": (GOOD_STABLE, {"requests": 10_000}, "canary must count 'errors'"),
    "NaN": (GOOD_STABLE, errors(10_000, math.nan), "canary errors must be a count"),
    "infinite": (errors(math.inf, 1), GOOD_CANARY, "stable requests must be a count"),
    "negative": (GOOD_STABLE, errors(10_000, -1), "canary errors must be a count"),
    "text": (GOOD_STABLE, errors(10_000, "many"), "canary errors must be a count"),
    "backwards": (GOOD_STABLE, errors(4_000, 10), "canary requests must not go backwards"),
    "errors backwards": (GOOD_STABLE, errors(10_000, 1), "canary errors must not go backwards"),
    "canary silent": (GOOD_STABLE, errors(5_000, 50), "canary must have answered requests"),
    "stable silent": (errors(495_000, 4_950), GOOD_CANARY, "stable must have answered requests"),
    "more events than requests": (GOOD_STABLE, errors(10_000, 9_000), "canary errors must not outnumber"),
    "share far too small": (GOOD_STABLE, errors(6_000, 60), "canary share must be near"),
    "share far too large": (GOOD_STABLE, errors(60_000, 600), "canary share must be near"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_data_never_promotes_is_logged_and_rolls_back_when_it_lasts(case):
    stable, canary, message = UNUSABLE[case]
    # the second good window would promote: the bad one must not, in its place
    controller = CanaryController(ERRORS_ONLY)
    controller.observe(errors(495_000, 4_950), errors(5_000, 50))
    before = dict(controller.log[-1].evidence)
    decision = controller.observe(stable, canary)
    assert (decision.action, controller.share) == ("hold", 0.01)
    assert message in decision.reason
    assert decision.evidence == before
    for _ in range(2):
        decision = controller.observe(stable, canary)
    assert decision.action == "roll back"
    assert "3 unusable windows in a row" in decision.reason
    assert message in decision.reason


def test_one_unusable_window_is_forgiven_and_its_requests_are_judged_with_the_next():
    controller = CanaryController(ERRORS_ONLY)
    controller.observe(errors(495_000, 4_950), errors(5_000, 50))
    controller.observe({}, {})
    assert controller.observe(GOOD_STABLE, GOOD_CANARY).action == "promote"
    assert controller.log_table()["action"].tolist() == ["hold", "hold", "promote"]
    assert controller.log_table()["window"].tolist() == [1, 2, 3]
    assert controller.log_table().columns.tolist() == ["window", "share", "action", "reason", "errors"]


def test_unusable_windows_interrupted_by_good_ones_still_end_at_the_maximum_exposure():
    controller = CanaryController(ERRORS_ONLY, patience=2)
    for window in range(1, 7):
        counts = (errors(990 * window, 0), errors(10 * window, 0)) if window % 2 else ({}, {})
        controller.observe(*counts)
    assert controller.rolled_back
    assert len(controller.log) == 6


# ---- the worst releases ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("canary_errors", [500, 520, 530, 600, 9_000, 10_000])
def test_the_worse_the_release_the_surer_it_is_rolled_back(canary_errors):
    controller = CanaryController(ERRORS_ONLY)
    decision = controller.observe(errors(990_000, 100), errors(10_000, canary_errors))
    assert (decision.action, controller.share, controller.rolled_back) == ("roll back", 0.0, True)
    power = float(log_evidence(canary_errors, 100, 0.01, 4)) / math.log(10)
    digit, exponent = decision.reason.split("evidence ")[1].split(" to 1")[0].split("e")
    assert math.log10(float(digit)) + int(exponent) == pytest.approx(power, abs=0.3)
    assert controller.log_table()["errors"].tolist() == pytest.approx([power])


@pytest.mark.parametrize(
    ("name", "ratio", "stable", "canary"), [("orders", 0.5, 50_000, 0), ("slow", 1.5, 5_000, 250_000)]
)
def test_every_kind_of_guardrail_rolls_back_at_its_worst(name, ratio, stable, canary):
    controller = CanaryController(RolloutPlan([Guardrail(name, (ratio,))], steps=(0.5, 1.0)))
    assert (
        controller.observe({"requests": 500_000, name: stable}, {"requests": 500_000, name: canary}).action
        == "roll back"
    )
    assert controller.share == 0


@given(
    stable=st.integers(0, 2**52), canary=st.integers(1, 2**52), ratio=st.floats(1.001, 1e9), noise=st.floats(0, 1e9),
    bad=st.floats(0, 1), good=st.floats(0, 1),
)  # fmt: skip
@settings(deadline=None)
def test_no_counts_make_the_controller_raise(stable, canary, ratio, noise, bad, good):
    controller = CanaryController(RolloutPlan([Guardrail("errors", (ratio,), noise)], steps=(0.5, 1.0)))
    for _ in range(3):
        decision = controller.observe(errors(stable, stable * good), errors(canary, canary * bad))
        if controller.is_over:
            break
        assert decision.action == "hold"
    assert len(controller.log_table()) == len(controller.log)


def test_a_release_is_rolled_back_before_its_reason_is_put_into_words(monkeypatch):
    controller = CanaryController(ERRORS_ONLY)
    monkeypatch.setattr(CanaryController, "_accusation", lambda self, guardrail: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        controller.observe(errors(9_900, 10), errors(100, 90))
    assert (controller.share, controller.rolled_back, controller.is_over) == (0.0, True, True)


def test_the_log_says_what_a_step_still_waits_for():
    plan = RolloutPlan([Guardrail("errors", (4,)), Guardrail("slow", (2,))], steps=(0.1, 1.0), minimum_windows=2)
    controller = CanaryController(plan)
    for window in (1, 2):
        both = {"errors": 0, "slow": 3 * window}
        controller.observe({"requests": 900 * window} | both, {"requests": 100 * window, "errors": 0, "slow": window})
    assert [decision.reason for decision in controller.log] == ["1 of at least 2 windows", "slow not yet cleared of 2x"]
    for window in (3, 4):
        counts = {"requests": 9_000 * window, "errors": 900 * window, "slow": 900 * window}
        decision = controller.observe(counts, {name: count // 9 for name, count in counts.items()})
        if controller.is_over:
            break
    assert decision.action == "promote"
    assert decision.reason.startswith("to 100%: cleared of errors 4x, slow 2x on ")
    assert decision.reason.endswith(f"{1_000 * window} canary requests")


def test_events_and_requests_of_an_accusation_are_those_of_the_step():
    controller = CanaryController(RolloutPlan([Guardrail("errors", (4, 2))], steps=(0.1, 0.2, 1.0), minimum_windows=1))
    controller.observe(errors(90_000, 900), errors(10_000, 100))
    assert controller.share == 0.2
    decision = controller.observe(errors(98_000, 980), errors(12_000, 300))
    assert decision.reason.startswith("errors: 200 of 280 fell on 20.0% of the traffic; evidence ")
    assert decision.reason.endswith(" for 2x")


def test_evidence_on_a_boundary_has_reached_it(monkeypatch):
    plan = RolloutPlan([Guardrail("errors", (2,))], steps=(0.5, 1.0), minimum_windows=1)
    for name, canary_errors, action in (("roll_back_above", 7, "roll back"), ("promote_below", 3, "promote")):
        evidence = float(log_evidence(canary_errors, 5, 0.5, 2))
        with monkeypatch.context() as patch:
            patch.setattr(RolloutPlan, name, evidence)
            assert CanaryController(plan).observe(errors(100, 5), errors(100, canary_errors)).action == action


def test_a_controller_starts_from_its_plan_and_nothing_else():
    assert list(inspect.signature(CanaryController).parameters) == ["plan", "patience"]


class Broken(Mapping):
    """Counters of a scraper that fails when it is read."""

    def __getitem__(self, name):
        raise ConnectionError("no route to host")

    def __iter__(self):
        return iter(("requests", "errors"))

    def __len__(self):
        return 2


def test_counters_that_raise_when_they_are_read_are_an_unusable_window():
    controller = CanaryController(ERRORS_ONLY)
    reasons = [controller.observe(errors(990, 0), Broken()).reason for _ in range(3)]
    assert reasons[0] == "unusable: reading raised ConnectionError"
    assert controller.rolled_back
    assert controller.log[-1].share == 0.01


def test_half_usable_counters_are_read_again_from_where_both_were_good():
    controller = CanaryController(ERRORS_ONLY)
    controller.observe(errors(990, 10), {})
    controller.observe(errors(1_980, 20), errors(20, 1))
    assert controller.log[-1].evidence["errors"] == pytest.approx(float(log_evidence(1, 20, 0.01, 4)))


def test_counters_of_a_tenth_do_not_go_backwards_by_rounding():
    controller = CanaryController(RolloutPlan([Guardrail("errors", (2,))], steps=(0.5, 1.0)))
    for value in (0.1, 0.3, 0.3, 0.4):
        decision = controller.observe(errors(10 * value, value), errors(10 * value, value))
    assert "backwards" not in decision.reason


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: CanaryController(ERRORS_ONLY, patience=0), "patience"),
        (lambda: CanaryController(ERRORS_ONLY, patience=math.inf), "patience"),
        (lambda: CanaryController("errors"), "plan"),
    ],
)
def test_a_controller_that_makes_no_sense_is_refused(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()


@pytest.mark.parametrize(("counted", "promotes"), [(0.6, False), (1.0, True)])
def test_a_canary_that_loses_requests_before_they_are_counted_is_not_promoted(counted, promotes):
    """Each window alone lies within a factor of two and 6 deviations of its share; only the step together shows it."""
    controller = CanaryController(RolloutPlan(ERRORS_ONLY.guardrails, maximum_windows=120))
    window = 0
    while controller.share == 0.01:
        window += 1
        controller.observe(errors(5_737 * window, 6 * window), errors(round(58 * counted * window), 0))
    assert controller.rolled_back is not promotes
    if not promotes:
        assert "canary share must be near 1.0%" in controller.log[-1].reason
