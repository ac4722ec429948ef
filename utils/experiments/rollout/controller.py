"""A canary rollout decided by evidence: a sequential test in each step, guardrails, automatic roll back, a log.

The idea: when the two versions are equally good, an event (an error, a slow answer, an order) falls on the canary with
a probability equal to the canary's share of the traffic, whatever the rate of events is that minute. Each event is a
bet on that share, and the product of the bets is a likelihood ratio: large when the canary is as bad as the ratio the
step looks for, small when it is healthy. One statistic serves both decisions and may be read after every window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

Action = Literal["hold", "promote", "roll back"]
REQUESTS = "requests"


@dataclass(frozen=True)
class Guardrail:
    """A kind of event that is counted in both arms, and how much worse the canary must be for each step to see it.

    Args:
        name: the event's name in the counts, such as "errors", "slow" or "orders".
        ratios: for each step before the last, the ratio canary rate ÷ stable rate that the step must not let pass;
            above 1 where more events are worse (errors), below 1 where fewer are worse (orders).
        noise: long-run variance, per window, of the log ratio of two equally good arms' rates beyond what counting
            explains, as measured on two arms that run the same version; 0 if the arms differ by chance alone.

    Raises:
        ValueError: if there is no ratio, one is not positive and finite, they lie on both sides of 1, or the noise is
            negative or not finite.
    """

    name: str
    ratios: tuple[float, ...]
    noise: float = 0.0

    def __post_init__(self) -> None:
        ratios = tuple(float(ratio) for ratio in self.ratios)
        object.__setattr__(self, "ratios", ratios)
        if self.name in ("", REQUESTS):
            raise ValueError(f"name must be that of a counted event, got {self.name!r}; use for example 'errors'")
        if not ratios or not all(math.isfinite(ratio) and ratio > 0 for ratio in ratios):
            raise ValueError(f"ratios must be positive, one for each step, got {ratios}; use for example (4, 2, 1.5)")
        if not (min(ratios) > 1 or max(ratios) < 1):
            raise ValueError(
                f"ratios must all lie above 1 (more is worse) or all below 1 (fewer is worse), got {ratios}; "
                "split them into two guardrails"
            )
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise must be a variance of 0 or more, got {self.noise!r}; measure it on equal versions")


@dataclass(frozen=True)
class RolloutPlan:
    """Steps, guardrails and error rates of a rollout, fixed before it starts.

    Args:
        guardrails: what is compared; each needs one ratio for every step but the last.
        steps: the canary's share of the traffic in each step, rising; after the last one nothing is compared.
        false_rollback: probability at most this that a guardrail rolls back a release that is no worse than the stable
            version, over all guardrails, steps and windows together (Ville's inequality and the union bound).
        missed_fault: probability at most this that a step promotes a release that is at least as bad as a ratio of it.
        minimum_windows: windows with usable data before a step may promote; a leak needs time, not requests.
        maximum_windows: windows after which a step that could not decide rolls back.

    Raises:
        ValueError: if a value is out of its range, or a guardrail has another number of ratios than there are steps.
    """

    guardrails: tuple[Guardrail, ...]
    steps: tuple[float, ...] = (0.01, 0.10, 0.50, 1.00)
    false_rollback: float = 0.05
    missed_fault: float = 0.01
    minimum_windows: int = 15
    maximum_windows: int = 240

    def __post_init__(self) -> None:
        object.__setattr__(self, "guardrails", tuple(self.guardrails))
        object.__setattr__(self, "steps", tuple(float(step) for step in self.steps))
        rising = all(low < high for low, high in zip(self.steps, self.steps[1:], strict=False))
        if len(self.steps) < 2 or not rising or not 0 < self.steps[0] < self.steps[-1] <= 1:
            raise ValueError(f"steps must rise within (0, 1], got {self.steps}; use for example (0.01, 0.1, 0.5, 1.0)")
        if not self.guardrails or len({guardrail.name for guardrail in self.guardrails}) < len(self.guardrails):
            raise ValueError("guardrails must be at least one, each with a name of its own; add or rename one")
        for guardrail in self.guardrails:
            if len(guardrail.ratios) != len(self.steps) - 1:
                raise ValueError(
                    f"guardrail {guardrail.name!r} must have {len(self.steps) - 1} ratios, one for each step "
                    f"before the last, got {len(guardrail.ratios)}; add or remove ratios"
                )
        for name in ("false_rollback", "missed_fault"):
            if not 0 < getattr(self, name) < 0.5:
                raise ValueError(f"{name} must lie between 0 and 0.5, got {getattr(self, name)}; use for example 0.05")
        if not 1 <= self.minimum_windows <= self.maximum_windows:
            raise ValueError(
                f"minimum_windows must be from 1 to maximum_windows, got {self.minimum_windows} and "
                f"{self.maximum_windows}; lower the one or raise the other"
            )

    @property
    def floor(self) -> float:
        """Log evidence below which a test is not credited further, so that a late fault is still met awake."""
        return math.log(self.missed_fault / 4)

    @property
    def promote_below(self) -> float:
        """Log evidence at or below which a guardrail is content."""
        return math.log(self.missed_fault)

    @property
    def roll_back_above(self) -> float:
        """Log evidence at or above which a guardrail rolls back.

        A statistic that is lifted to the floor f at most n times exceeds b with probability at most (1 + n·f)/b, by
        Doob's inequality for the submartingale; the budget is shared equally by guardrails and steps.
        """
        tests = len(self.guardrails) * (len(self.steps) - 1)
        return math.log((1 + self.maximum_windows * math.exp(self.floor)) * tests / self.false_rollback)


def log_evidence(canary_events, stable_events, share, ratio, *, noise=0.0):
    """Return the log likelihood ratio of "the canary's rate is `ratio` times the stable one" against "equal rates".

    Given their total, the events split between the arms like coins whose chance of "canary" is the canary's share of
    the requests. The total, and so the base rate with its rhythm and its incidents, cancels. For a fixed number of
    requests the split is hypergeometric, less dispersed than binomial, so the bets stay fair (Hoeffding 1963).

    Args:
        canary_events, stable_events: counts in the same window, any shape that broadcasts.
        share: canary requests ÷ all requests in that window, from 0 to 1.
        ratio: the ratio looked for, positive.
        noise: variance of the log ratio of equal arms beyond counting, see `Guardrail`; it discounts the evidence by
            1 + events · share · (1 − share) · noise, the factor by which it inflates the variance (quasi-likelihood).

    Returns:
        Log likelihood ratio, an array of the broadcast shape or a float; independent windows add. Exact without
        noise, approximate with it.

    Raises:
        ValueError: if a count or the noise is negative or not finite, a share outside [0, 1], or a ratio not positive.

    Reference: Wald (1945), "Sequential Tests of Statistical Hypotheses", *Annals of Mathematical Statistics* 16.

    >>> round(float(log_evidence(4, 0, share=0.01, ratio=4)), 2)   # four errors, all on a 1% canary
    5.43
    >>> round(float(log_evidence(0, 4, share=0.01, ratio=4)), 2)   # four errors, none on it: little is learned
    -0.12
    """
    canary_events, stable_events = np.asarray(canary_events, float), np.asarray(stable_events, float)
    share, ratio = np.asarray(share, float), np.asarray(ratio, float)
    for name, values in (("canary_events", canary_events), ("stable_events", stable_events)):
        if values.size == 0 or not (np.isfinite(values).all() and (values >= 0).all()):
            raise ValueError(f"{name} must be counts of 0 or more, got {values!r}; pass the events of one window")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share must lie between 0 and 1, got {share!r}; pass canary requests ÷ all requests")
    if not ((ratio > 0) & np.isfinite(ratio)).all():
        raise ValueError(f"ratio must be positive and finite, got {ratio!r}; use for example 2")
    noise = np.asarray(noise, float)
    if not ((noise >= 0) & np.isfinite(noise)).all():
        raise ValueError(f"noise must be a variance of 0 or more, got {noise!r}; measure it on equal versions")
    events = canary_events + stable_events
    evidence = canary_events * np.log(ratio) - events * np.log1p(share * (ratio - 1))
    return evidence / (1 + events * share * (1 - share) * noise)


class Decision(NamedTuple):
    """One line of the log: what was decided after a window, and why."""

    window: int
    share: float
    action: Action
    reason: str
    evidence: dict[str, float]

    def __str__(self) -> str:
        return f"window {self.window:>3}  {self.share:>6.1%}  {self.action:<9}  {self.reason}"


def counts_of(arm: str, counts: Mapping[str, float], names: Sequence[str], before: Mapping[str, float]) -> dict:
    """Return the events of one arm since the last usable window, or say what is wrong with its counters.

    Args:
        arm: "stable" or "canary", for the message.
        counts: counters since the rollout began: "requests" and every guardrail's name.
        names: the guardrails' names.
        before: the counters at the last usable window.

    Returns:
        The increase of each counter.

    Raises:
        ValueError: if a counter is missing, not a finite number, negative, went backwards, if events outnumber
            requests, or if the arm answered no request.
    """
    if not isinstance(counts, Mapping) or not counts:
        raise ValueError(f"{arm} must be a mapping of counters, got {counts!r}; check that its metrics are scraped")
    increase = {}
    for name in (REQUESTS, *names):
        if name not in counts:
            raise ValueError(f"{arm} must count {name!r}, got only {sorted(counts)}; check that the metric is exported")
        try:
            value = float(counts[name])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{arm} {name} must be a count of 0 or more, got {counts[name]!r}; check the metric query")
        if value < before.get(name, 0.0):
            raise ValueError(
                f"{arm} {name} must not go backwards, got {value:g} after {before[name]:g}; "
                "look for a restarted process"
            )
        increase[name] = value - before.get(name, 0.0)
    if increase[REQUESTS] == 0:
        raise ValueError(f"{arm} must have answered requests in this window, got none; check routing and health")
    for name in names:
        if increase[name] > increase[REQUESTS]:
            raise ValueError(
                f"{arm} {name} must not outnumber its requests, got {increase[name]:g} of {increase[REQUESTS]:g}; "
                "count each request or user once"
            )
    return increase


def check_share(observed: float, intended: float, requests: float) -> None:
    """Raise if the canary's share of requests is under half or over twice what was set, beyond chance.

    Args:
        observed: canary requests ÷ all requests in the window.
        intended: the step's share.
        requests: all requests in the window.

    Raises:
        ValueError: if the share is off by a factor of 2 and by 6 binomial standard deviations.
    """
    deviation = abs(observed - intended) / math.sqrt(intended * (1 - intended) / requests)
    if deviation > 6 and not intended / 2 <= observed <= 2 * intended:
        raise ValueError(
            f"canary share must be near {intended:.1%}, got {observed:.2%}; check the splitter and the logs"
        )


@dataclass
class CanaryController:
    """Steps a release up while its evidence is good, rolls it back when it is not, and never promotes blind.

    After every window call `observe` with both arms' counters since the rollout began, then route `share` of the users
    to the canary. A window whose data cannot be used is logged, decides nothing and is not added to any test; after
    `patience` such windows in a row the release is rolled back.

    Args:
        plan: steps, guardrails and error rates.
        patience: unusable windows in a row after which the release is rolled back, at least 1.

    Raises:
        ValueError: if patience is below 1.

    >>> plan = RolloutPlan([Guardrail("errors", (4, 2, 1.5))])
    >>> controller = CanaryController(plan)
    >>> print(controller.observe({"requests": 9900, "errors": 10}, {"requests": 100, "errors": 9}))
    window   1    1.0%  roll back  errors: 9 of 19 fell on 1.0% of the traffic; evidence 1e+05 to 1 for 4x
    >>> controller.share
    0.0
    """

    plan: RolloutPlan
    patience: int = 3
    log: list[Decision] = field(default_factory=list, init=False)
    _step: int = field(default=0, init=False)
    _rolled_back: bool = field(default=False, init=False)
    _unusable: int = field(default=0, init=False)
    _usable_in_step: int = field(default=0, init=False)
    _windows_in_step: int = field(default=0, init=False)
    _before: dict[str, dict[str, float]] = field(default_factory=lambda: {"stable": {}, "canary": {}}, init=False)

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1 window, got {self.patience}; use for example 3")
        self._open_step()

    @property
    def share(self) -> float:
        """The share of users to route to the canary now: 0 after a roll back."""
        return 0.0 if self._rolled_back else self.plan.steps[self._step]

    @property
    def is_over(self) -> bool:
        """Whether the release is rolled back or fully out."""
        return self._rolled_back or self._step == len(self.plan.steps) - 1

    @property
    def rolled_back(self) -> bool:
        """Whether the release was rolled back."""
        return self._rolled_back

    def observe(self, stable: Mapping[str, float], canary: Mapping[str, float]) -> Decision:
        """Read one window's counters, decide, and log the decision.

        Args:
            stable, canary: counters since the rollout began: "requests" and each guardrail's name.

        Returns:
            The decision, which is also the last line of `log`.

        Raises:
            ValueError: if the rollout is over.
        """
        if self.is_over:
            raise ValueError(
                f"observe must not be called after the end, got share {self.share:.0%}; start a new rollout"
            )
        self._windows_in_step += 1
        try:
            increases = self._usable_increases(stable, canary)
        except ValueError as unusable:
            return self._hold_blind(str(unusable))
        self._unusable = 0
        self._usable_in_step += 1
        self._add_evidence(increases)
        return self._decide()

    def log_table(self) -> pd.DataFrame:
        """Return the log as a table, one row a window, with each guardrail's evidence (times to 1)."""
        rows = [
            {"window": d.window, "share": d.share, "action": d.action, "reason": d.reason}
            | {name: math.exp(value) for name, value in d.evidence.items()}
            for d in self.log
        ]
        return pd.DataFrame(rows, columns=["window", "share", "action", "reason", *self._names])

    @property
    def _names(self) -> list[str]:
        return [guardrail.name for guardrail in self.plan.guardrails]

    def _open_step(self) -> None:
        self._evidence = dict.fromkeys(self._names, 0.0)
        self._events = {name: np.zeros(2) for name in self._names}
        self._requests = np.zeros(2)
        self._usable_in_step = self._windows_in_step = 0

    def _usable_increases(self, stable, canary) -> dict[str, dict[str, float]]:
        arms = {"stable": stable, "canary": canary}
        increases = {arm: counts_of(arm, counts, self._names, self._before[arm]) for arm, counts in arms.items()}
        requests = {arm: increase[REQUESTS] for arm, increase in increases.items()}
        total = requests["stable"] + requests["canary"]
        check_share(requests["canary"] / total, self.share, total)
        self._before = {
            arm: {name: float(counts[name]) for name in (REQUESTS, *self._names)} for arm, counts in arms.items()
        }
        return increases

    def _add_evidence(self, increases: dict[str, dict[str, float]]) -> None:
        stable, canary = increases["stable"], increases["canary"]
        self._requests += canary[REQUESTS], stable[REQUESTS]
        share = canary[REQUESTS] / (canary[REQUESTS] + stable[REQUESTS])
        for guardrail in self.plan.guardrails:
            name = guardrail.name
            self._events[name] += canary[name], stable[name]
            ratio = guardrail.ratios[self._step]
            gain = float(log_evidence(canary[name], stable[name], share, ratio, noise=guardrail.noise))
            self._evidence[name] = max(self._evidence[name] + gain, self.plan.floor)

    def _decide(self) -> Decision:
        worst = max(self.plan.guardrails, key=lambda guardrail: self._evidence[guardrail.name])
        evidence = self._evidence[worst.name]
        if evidence >= self.plan.roll_back_above:
            return self._roll_back(self._accusation(worst))
        if self._usable_in_step >= self.plan.minimum_windows and evidence <= self.plan.promote_below:
            return self._promote()
        if self._windows_in_step >= self.plan.maximum_windows:
            return self._roll_back(f"no decision after {self._windows_in_step} windows; least sure of {worst.name}")
        if self._usable_in_step < self.plan.minimum_windows:
            return self._record("hold", f"{self._usable_in_step} of at least {self.plan.minimum_windows} windows")
        return self._record("hold", f"{worst.name} not yet cleared of {worst.ratios[self._step]:g}x")

    def _accusation(self, guardrail: Guardrail) -> str:
        on_canary, on_stable = self._events[guardrail.name]
        return (
            f"{guardrail.name}: {on_canary:.0f} of {on_canary + on_stable:.0f} fell on "
            f"{self._requests[0] / self._requests.sum():.1%} of the traffic; "
            f"evidence {math.exp(self._evidence[guardrail.name]):.0e} to 1 for {guardrail.ratios[self._step]:g}x"
        )

    def _hold_blind(self, problem: str) -> Decision:
        self._unusable += 1
        if self._unusable >= self.patience:
            return self._roll_back(f"{self._unusable} unusable windows in a row; {problem}")
        if self._windows_in_step >= self.plan.maximum_windows:
            return self._roll_back(f"no decision after {self._windows_in_step} windows; {problem}")
        return self._record("hold", f"unusable: {problem}")

    def _promote(self) -> Decision:
        cleared = ", ".join(f"{guardrail.name} {guardrail.ratios[self._step]:g}x" for guardrail in self.plan.guardrails)
        reason = (
            f"to {self.plan.steps[self._step + 1]:.0%}: cleared of {cleared} on {self._requests[0]:.0f} canary requests"
        )
        decision = self._record("promote", reason)
        self._step += 1
        self._open_step()
        return decision

    def _roll_back(self, reason: str) -> Decision:
        decision = self._record("roll back", reason)
        self._rolled_back = True
        return decision

    def _record(self, action: Action, reason: str) -> Decision:
        decision = Decision(len(self.log) + 1, self.share, action, reason, dict(self._evidence))
        self.log.append(decision)
        return decision
