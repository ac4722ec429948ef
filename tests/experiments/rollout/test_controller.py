"""The canary controller, its power functions and its simulation keep their promises."""

import math

import numpy as np
import pytest
from scipy import stats

from utils.experiments.rollout.controller import CanaryController, Guardrail, RolloutPlan, log_evidence
from utils.experiments.rollout.power import (
    burn_rate,
    canary_requests_needed,
    exact_power,
    exposure,
    normal_power,
    step_error_rates,
)
from utils.experiments.rollout.release_faults import (
    EVENTS,
    FAULTS,
    HEALTHY,
    Noise,
    Release,
    Traffic,
    draw_minute,
    true_rates,
)
from utils.experiments.rollout.simulation import (
    ArmThresholdRule,
    GlobalErrorRule,
    MannWhitneyRule,
    SequentialRule,
    simulate_rollouts,
)
from utils.experiments.rollout.traffic_split import compare_units, on_canary, share_touched

GUARDRAILS = (
    Guardrail("errors", (4, 2, 1.5)),
    Guardrail("slow", (2, 1.5, 1.25)),
    Guardrail("orders", (0.8, 0.9, 0.95)),
)
PLAN = RolloutPlan(GUARDRAILS)
ERRORS_ONLY = RolloutPlan([Guardrail("errors", (4, 2, 1.5))], minimum_windows=2, maximum_windows=6)


def errors(requests, count):
    return {"requests": requests, "errors": count}


# ---- evidence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "share"), [(4, 0.01), (2, 0.1), (0.8, 0.01), (0.95, 0.5)])
def test_evidence_is_the_binomial_likelihood_ratio(ratio, share):
    canary, total = np.arange(12), 40
    chance = share * ratio / (1 - share + share * ratio)
    expected = stats.binom.logpmf(canary, total, chance) - stats.binom.logpmf(canary, total, share)
    np.testing.assert_allclose(log_evidence(canary, total - canary, share, ratio), expected, rtol=1e-9)


@pytest.mark.parametrize("ratio", [4, 0.5])
def test_bets_on_a_healthy_canary_are_fair_or_worse_under_the_hypergeometric_split(ratio):
    requests, canary_requests, total = 400, 40, 30
    split = stats.hypergeom(requests, total, canary_requests)
    canary = np.arange(total + 1)
    mean = (split.pmf(canary) * np.exp(log_evidence(canary, total - canary, 0.1, ratio))).sum()
    assert mean <= 1 + 1e-12
    assert mean > 0.5  # a statistic that is always small would be fair too, and useless


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((-1, 0, 0.1, 2), "canary_events"),
        ((0, math.nan, 0.1, 2), "stable_events"),
        (([], [], 0.1, 2), "canary_events"),
        ((1, 1, 1.1, 2), "share"),
        ((1, 1, math.nan, 2), "share"),
        ((1, 1, 0.1, 0), "ratio"),
        ((1, 1, 0.1, math.inf), "ratio"),
    ],
)
def test_evidence_names_a_bad_argument(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        log_evidence(*arguments)


def test_noise_discounts_evidence_by_the_inflation_of_the_variance_it_causes():
    # simulate log-normal arms: the variance of the canary's count, given the total, inflates by 1 + T·s·(1 − s)·noise
    rng, share, mean, noise = np.random.default_rng(12), 0.5, 200.0, 0.02
    own = rng.normal(0, math.sqrt(noise / 2), (2, 40_000))
    canary, stable = rng.poisson(mean / 2 * np.exp(own))
    inflation = np.var((canary - stable) / 2) / (mean * share * (1 - share))
    discount = log_evidence(130, 70, share, 1.5) / log_evidence(130, 70, share, 1.5, noise=noise)
    assert discount == pytest.approx(inflation, rel=0.05)
    with pytest.raises(ValueError, match=r"^noise must"):
        log_evidence(1, 1, 0.1, 2, noise=-1)


# ---- error rates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "ratio"), [(0.01, 4), (0.1, 2), (0.5, 1.5), (0.1, 0.5)])
def test_exact_error_rates_keep_wald_and_ville(share, ratio):
    boundaries = {"roll_back_above": math.log(180), "promote_below": math.log(0.01)}
    healthy = step_error_rates(share, ratio, 1.0, **boundaries)
    faulty = step_error_rates(share, ratio, ratio, **boundaries)
    assert 0.25 / 180 < healthy.rolls_back <= 1 / 180  # overshoot costs a factor, never more than four here
    assert 0.25 * 0.01 < faulty.promotes <= 0.01
    for result in (healthy, faulty):
        assert result.rolls_back + result.promotes + result.undecided == pytest.approx(1, abs=1e-9)


def test_exact_error_rates_agree_with_simulated_paths():
    share, ratio, n = 0.1, 2.0, 4_000
    boundaries = {"roll_back_above": 2.0, "promote_below": -2.0}
    exact = step_error_rates(share, ratio, 1.4, **boundaries, max_events=300)
    chance = share * 1.4 / (1 + share * 0.4)
    hits = np.random.default_rng(3).random((n, 300)) < chance
    walk = np.cumsum(np.where(hits, math.log(2), 0.0) - math.log1p(share), axis=1)
    crossed = (walk >= 2) | (walk <= -2)
    stopped = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 299)
    up = walk[np.arange(n), stopped] >= 2
    deviation = math.sqrt(exact.rolls_back * (1 - exact.rolls_back) / n)
    assert abs(up.mean() - exact.rolls_back) < 4.5 * deviation  # two-sided 7e-6
    used = (stopped + 1).astype(float)
    assert abs(used.mean() - exact.mean_events) < 4.5 * used.std() / math.sqrt(n)
    assert abs((~crossed.any(axis=1)).mean() - exact.undecided) < 0.02


def test_power_reproduces_the_textbook_values():
    assert [round(normal_power(n, 0.01, 0.001, 2), 2) for n in (10_000, 100_000, 1_000_000)] == [0.17, 0.32, 0.86]
    assert canary_requests_needed(0.001, 2) == 8_026
    assert canary_requests_needed(0.001, 1.1) == 638_191


def test_exact_power_is_that_of_fishers_test_simulated_with_scipy():
    rng, n = np.random.default_rng(5), 600
    canary, stable = rng.binomial(200, 0.04, n), rng.binomial(800, 0.01, n)
    alarms = [
        stats.fisher_exact([[c, 200 - c], [s, 800 - s]], alternative="greater").pvalue <= 0.05
        for c, s in zip(canary, stable, strict=True)
    ]
    exact = exact_power(1_000, 0.2, 0.01, 4)
    assert abs(np.mean(alarms) - exact) < 4.5 * math.sqrt(exact * (1 - exact) / n)


def test_exact_power_never_exceeds_the_level_when_healthy_and_stays_below_the_normal_one_when_events_are_few():
    for n in (10_000, 100_000):
        assert exact_power(n, 0.01, 0.001, 1) <= 0.05
        assert exact_power(n, 0.01, 0.001, 2) < 0.6 * normal_power(n, 0.01, 0.001, 2)


def test_normal_power_agrees_with_the_exact_one_when_events_are_many():
    assert normal_power(4_000, 0.5, 0.1, 1.2) == pytest.approx(exact_power(4_000, 0.5, 0.1, 1.2), abs=0.03)


def test_requests_needed_give_the_power_asked_for():
    n = canary_requests_needed(0.05, 1.2, alpha=0.05, power=0.9)
    least = stats.binom.isf(0.05, n, 0.05) + 1
    assert stats.binom.sf(least - 1, n, 0.06) == pytest.approx(0.9, abs=0.02)


def test_a_fully_broken_one_percent_canary_burns_ten_times_the_budget():
    assert burn_rate(0.01, 1.0) == pytest.approx(10)
    assert burn_rate(0.01, 1.0, stable_error_rate=0.001) == pytest.approx(10.99)
    assert burn_rate(0.5, 0.1, objective=0.99) == pytest.approx(5)


@pytest.mark.parametrize(("true_ratio", "probability"), [(2.0, 0.9), (3.0, 0.5)])
def test_exposure_is_the_first_look_at_which_enough_rollouts_are_back(true_ratio, probability):
    test = {"roll_back_above": math.log(180), "promote_below": math.log(0.01)}
    looks = exposure(0.1, 2.0, true_ratio, **test, probability=probability)
    back = [step_error_rates(0.1, 2.0, true_ratio, **test, max_events=n).rolls_back for n in (looks - 1, looks)]
    assert back[0] < probability <= back[1]


def test_exposure_in_windows_agrees_with_simulated_windows():
    share, ratio, events, n = 0.01, 2.0, 100, 4_000
    test = {"roll_back_above": 5.0, "promote_below": -4.0}
    looks = exposure(share, ratio, 2.5, **test, events_per_look=events, probability=0.8)
    chance = share * 2.5 / (1 + share * 1.5)
    hits = np.random.default_rng(5).binomial(events, chance, (n, looks)).cumsum(axis=1)
    walk = hits * math.log(2) - events * np.arange(1, looks + 1) * math.log1p(share)
    up, down = walk >= 5, walk <= -4
    first = [np.where(side.any(axis=1), side.argmax(axis=1), looks) for side in (up, down)]
    deviation = math.sqrt(0.2 * 0.8 / n)
    assert (first[0] < first[1]).mean() > 0.8 - 4.5 * deviation  # one-sided 3e-6
    assert ((first[0] < first[1]) & (first[0] < looks - 1)).mean() < 0.8 + 4.5 * deviation


def test_exposure_says_when_no_number_of_looks_is_enough():
    with pytest.raises(ValueError, match=r"^probability must be one the test can reach, got 0\.99"):
        exposure(0.1, 2.0, 1.0, roll_back_above=5, promote_below=-5)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: normal_power(0, 0.01, 0.001, 2), "n_requests"),
        (lambda: normal_power(10_000, 1.0, 0.001, 2), "share"),
        (lambda: normal_power(10_000, 0.01, 0.0, 2), "base"),
        (lambda: normal_power(10_000, 0.01, 0.5, 2), "ratio"),
        (lambda: exact_power(10_000, 0.01, 0.001, math.nan), "ratio"),
        (lambda: exact_power(10_000, 0.01, 0.001, 2, alpha=0), "alpha"),
        (lambda: canary_requests_needed(0.001, 1), "ratio"),
        (lambda: canary_requests_needed(0.001, 2, power=1), "power"),
        (lambda: burn_rate(1.5, 1), "share"),
        (lambda: burn_rate(0.5, -1), "canary_error_rate"),
        (lambda: burn_rate(0.5, 1, objective=1), "objective"),
        (lambda: step_error_rates(0.1, 1, 1, roll_back_above=3, promote_below=-3), "promote_below"),
        (lambda: step_error_rates(0.1, 2, 0, roll_back_above=3, promote_below=-3), "true_ratio"),
        (lambda: exposure(1.0, 2, 2, roll_back_above=3, promote_below=-3), "share"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, events_per_look=0), "events_per_look"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, probability=1), "probability"),
        (lambda: exposure(0.1, 2, 2, roll_back_above=3, promote_below=-3, max_looks=math.nan), "max_looks"),
    ],
)
def test_power_functions_name_a_bad_argument(call, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        call()


# ---- plan --------------------------------------------------------------------------------------------------------


def test_boundaries_share_the_false_rollback_rate_over_tests_and_lifts_to_the_floor():
    lifts = 1 + PLAN.maximum_windows * 0.01 / 4
    assert math.exp(PLAN.roll_back_above) == pytest.approx(lifts * 9 / 0.05)
    assert math.exp(PLAN.promote_below) == pytest.approx(0.01)
    assert math.exp(PLAN.floor) == pytest.approx(0.0025)


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
        (lambda: CanaryController(PLAN, patience=0), "patience"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()


# ---- controller --------------------------------------------------------------------------------------------------


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
    assert controller.log_table().columns.tolist() == ["window", "share", "action", "reason", "errors"]


def test_unusable_windows_interrupted_by_good_ones_still_end_at_the_maximum_exposure():
    controller = CanaryController(ERRORS_ONLY, patience=2)
    for window in range(1, 7):
        counts = (errors(990 * window, 0), errors(10 * window, 0)) if window % 2 else ({}, {})
        controller.observe(*counts)
    assert controller.rolled_back
    assert len(controller.log) == 6


# ---- simulation --------------------------------------------------------------------------------------------------


def test_the_vectorized_rule_decides_as_the_controller_does_window_by_window():
    for seed, release in enumerate((*FAULTS, HEALTHY[0])):
        rng, rule, controller, traffic = (
            np.random.default_rng(seed),
            SequentialRule(PLAN),
            CanaryController(PLAN),
            Traffic(),
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
            assert {"hold": 0, "promote": 1, "roll back": -1}[decision.action] == action
            step += action == 1
            if controller.is_over:
                break
        assert controller.rolled_back == release.is_faulty


@pytest.mark.parametrize("release", FAULTS, ids=lambda release: release.name)
def test_the_controller_rolls_back_every_planted_fault(release):
    rollouts = simulate_rollouts(release, SequentialRule(PLAN), n_runs=200, rng=np.random.default_rng(1))
    # each is at least as bad as its step's ratio, so at most 1% are missed; 9 or more of 200 has probability 2e-4
    assert rollouts.rolled_back.mean() >= 1 - stats.binom.isf(1e-4, 200, 0.01) / 200
    assert (rollouts.harmed[rollouts.share >= release.from_share] > 0).all()
    assert (rollouts.share == 0.5).mean() > 0.9 if release.from_share else (rollouts.share <= 0.1).all()


@pytest.mark.parametrize("release", HEALTHY, ids=lambda release: release.name)
def test_the_controller_rolls_back_healthy_releases_at_no_more_than_its_stated_rate(release):
    rollouts = simulate_rollouts(release, SequentialRule(PLAN), n_runs=300, rng=np.random.default_rng(2))
    assert rollouts.rolled_back.sum() <= stats.binom.isf(1e-4, 300, 0.05)
    assert (rollouts.harmed == 0).all()
    assert (rollouts.minutes[~rollouts.rolled_back] >= 45).all()


def test_noise_that_both_arms_share_cancels():
    traffic = Traffic(shared_noise=0.5)
    rollouts = simulate_rollouts(
        HEALTHY[0], SequentialRule(PLAN), traffic=traffic, n_runs=200, rng=np.random.default_rng(3)
    )
    assert rollouts.rolled_back.sum() <= stats.binom.isf(1e-4, 200, 0.05)


def with_noise(traffic):
    noise = {"errors": traffic.ratio_noise, "slow": traffic.ratio_noise, "orders": 0.0}
    guardrails = [Guardrail(guardrail.name, guardrail.ratios, noise[guardrail.name]) for guardrail in GUARDRAILS]
    return RolloutPlan(guardrails, maximum_windows=720)


def test_autocorrelated_noise_of_each_arm_fools_the_plain_test_and_not_the_one_that_knows_it():
    traffic, n = Traffic(arm_noise=0.2, persistence=0.8), 200

    def false_rollbacks(plan):
        rng = np.random.default_rng(10)
        rollouts = simulate_rollouts(HEALTHY[0], SequentialRule(plan), traffic=traffic, n_runs=n, rng=rng, horizon=1440)
        return rollouts.rolled_back.sum()

    assert false_rollbacks(PLAN) > stats.binom.isf(1e-5, n, 0.05)
    assert false_rollbacks(with_noise(traffic)) <= stats.binom.isf(1e-5, n, 0.05)


def test_a_burn_rate_alert_never_fires_on_a_broken_canary_at_one_percent():
    broken = Release("broken", errors=999.0)
    rollouts = simulate_rollouts(
        broken, GlobalErrorRule(0.0144, minutes_per_step=60), n_runs=50, rng=np.random.default_rng(4)
    )
    assert (rollouts.share > 0.01).all()
    assert rollouts.rolled_back.all()


def test_the_global_rule_misses_a_business_fault_and_blames_a_release_for_a_shared_incident():
    rng = np.random.default_rng(5)
    missed = simulate_rollouts(FAULTS[2], GlobalErrorRule(0.003), n_runs=50, rng=rng)
    blamed = simulate_rollouts(HEALTHY[1], GlobalErrorRule(0.003), n_runs=50, rng=rng)
    assert not missed.rolled_back.any()
    assert blamed.rolled_back.all()


def test_rules_that_compare_arms_decide_at_the_end_of_a_step_and_see_gross_faults():
    rng = np.random.default_rng(6)
    for rule in (ArmThresholdRule(1.5), MannWhitneyRule(0.02)):
        rollouts = simulate_rollouts(FAULTS[1], rule, n_runs=50, rng=rng)
        assert rollouts.rolled_back.all()
        assert set(rollouts.minutes) <= {30, 60, 90}


def test_harm_is_the_expected_excess_over_the_stable_version():
    # never rolled back: 30 min each at 1%, 10%, 50% and 100% of 10,000 visits with 0.1% more errors
    rollouts = simulate_rollouts(
        Release("worse", errors=2.0), GlobalErrorRule(0.5), n_runs=40, rng=np.random.default_rng(7), horizon=120
    )
    expected = 10_000 * 0.001 * 30 * (0.01 + 0.1 + 0.5 + 1.0)
    assert rollouts.harmed.mean() == pytest.approx(expected, rel=0.01)
    assert rollouts.canary_visits.mean() == pytest.approx(10_000 * 30 * 0.61, rel=0.01)
    assert (rollouts.minutes == 90).all()


def test_harm_counts_slow_answers_and_lost_orders_but_not_improvements():
    release = Release("mixed", errors=0.5, slow=3.0, orders=0.75)
    rollouts = simulate_rollouts(release, GlobalErrorRule(0.5), n_runs=40, rng=np.random.default_rng(8), horizon=30)
    assert rollouts.harmed.mean() == pytest.approx(100 * 30 * (0.02 + 0.0125), rel=0.02)


def test_faults_act_as_described():
    leak, late = FAULTS[3], FAULTS[4]
    np.testing.assert_allclose(leak.ratios(120, 0.01), [1, 4.5, 1])
    np.testing.assert_allclose(leak.ratios(900, 0.01), [1, 8, 1])
    np.testing.assert_allclose(late.ratios(0, np.array([0.1, 0.5])), [[1, 3], [1, 2], [1, 1]])
    np.testing.assert_allclose(HEALTHY[1].both_arms(30), [5, 5, 1])
    np.testing.assert_allclose(HEALTHY[1].both_arms(41), 1)
    assert [release.is_faulty for release in (*FAULTS, *HEALTHY)] == [True] * 5 + [False] * 2


def test_noise_is_stationary_with_the_stated_deviation_and_autocorrelation():
    noise = Noise(0.3, 0.8, (20_000,), np.random.default_rng(9))
    before = noise.values
    noise.step()
    assert noise.values.std() == pytest.approx(0.3, rel=0.03)
    assert np.corrcoef(before, noise.values)[0, 1] == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Traffic(per_minute=0), "per_minute"),
        (lambda: Traffic(error_rate=1), "error_rate"),
        (lambda: Traffic(arm_noise=-1), "arm_noise"),
        (lambda: Traffic(persistence=1), "persistence"),
        (lambda: Release("x", errors=0), "errors"),
        (lambda: Release("x", orders=math.nan), "orders"),
        (lambda: Release("x", grows_over=-1), "grows_over"),
        (lambda: Release("x", from_share=2), "from_share"),
        (lambda: SequentialRule(RolloutPlan([Guardrail("clicks", (2, 2, 2))])), "guardrails"),
        (lambda: GlobalErrorRule(1.5), "threshold"),
        (lambda: ArmThresholdRule(1), "factor"),
        (lambda: ArmThresholdRule(2, minutes_per_step=1), "minutes_per_step"),
        (lambda: MannWhitneyRule(0), "alpha"),
        (lambda: simulate_rollouts(FAULTS[0], GlobalErrorRule(0.1), n_runs=0, rng=None), "n_runs"),
        (lambda: simulate_rollouts(FAULTS[0], GlobalErrorRule(0.1), n_runs=1, rng=None, horizon=0), "horizon"),
        (lambda: on_canary([1], "v2", 1.2), "share"),
        (lambda: on_canary([], "v2", 0.1), "user_ids"),
        (lambda: share_touched(0, 3), "share"),
        (lambda: share_touched(0.1, 0), "requests_per_user"),
    ],
)
def test_simulation_and_split_name_a_bad_argument(make, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        make()


# ---- split -------------------------------------------------------------------------------------------------------


def test_the_split_is_sticky_nested_and_of_the_stated_share():
    users = np.arange(100_000)
    for share in (0.01, 0.1, 0.5):
        chosen = on_canary(users, "v2", share)
        assert stats.binomtest(int(chosen.sum()), users.size, share).pvalue > 1e-4
        np.testing.assert_array_equal(chosen, on_canary(users, "v2", share))
        assert on_canary(users[chosen], "v2", min(2 * share, 1)).all()
    assert on_canary(users, "v2", 1).all()
    assert not on_canary(users, "v2", 0).any()


def test_two_releases_do_not_pick_the_same_users_first():
    users = np.arange(100_000)
    both = (on_canary(users, "v2", 0.1) & on_canary(users, "v3", 0.1)).sum()
    assert stats.binomtest(int(both), users.size, 0.01).pvalue > 1e-4


def units(sticky, **changes):
    settings = dict(
        n_users=200_000, requests_per_user=20, share=0.1, ratio=1.25, error_rate=0.001, prone_share=0.002,
        roll_back_above=math.log(20), n_runs=300, rng=np.random.default_rng(11),
    )  # fmt: skip
    return compare_units(sticky=sticky, **(settings | changes))


def test_counting_requests_of_sticky_users_breaks_the_stated_rate_and_counting_users_keeps_it():
    sticky, anew = units(True), units(False)
    allowed = stats.binom.isf(1e-5, 300, 0.05)
    assert sticky.requests_alarm.sum() > allowed
    assert sticky.users_alarm.sum() <= allowed
    assert anew.requests_alarm.sum() <= allowed


def test_splitting_every_request_touches_many_more_users():
    assert units(True).users_touched.mean() == pytest.approx(0.1, rel=0.01)
    assert units(False).users_touched.mean() == pytest.approx(1 - 0.9**20, rel=0.01)


def test_prone_users_cannot_fail_more_often_than_always():
    with pytest.raises(ValueError, match=r"^prone_share must"):
        units(True, prone_share=0.0005)
