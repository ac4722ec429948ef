"""A canary rollout decided by evidence: a sequential test in each step, guardrails, automatic roll back, a log.

One statistic, `log_evidence`, serves both decisions, and may be read after every window.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from utils.experiments.rollout.counters import REQUESTS, check_share, increase
from utils.experiments.rollout.decision_log import Action, Decision, table_of
from utils.experiments.rollout.evidence import log_evidence, odds
from utils.experiments.rollout.plan import Guardrail, RolloutPlan
from utils.foundation import checks

__all__ = ["CanaryController"]

NEAR_OVER_A_STEP = 1.05  # how far a step's counted share may be from the assigned one


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
        ValueError: if the plan is none, or patience is below 1.

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
    _before: dict[str, dict[str, float]] = field(default_factory=lambda: {"stable": {}, "canary": {}}, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.plan, RolloutPlan):
            raise ValueError(f"plan must be a RolloutPlan, got {self.plan!r:.60}; make one first")
        self.patience = checks.count("patience", self.patience, "use for example 3")
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
            stable: the stable version's counters since the rollout began: "requests" and each guardrail's name.
            canary: the canary's.

        Returns:
            The decision, which is also the last line of `log`.

        Raises:
            ValueError: if the rollout is over. Counters that cannot be read, whatever is wrong with them, are an
                unusable window and no error.
        """
        if self.is_over:
            raise ValueError(
                f"observe must not be called after the end, got share {self.share:.0%}; start a new rollout"
            )
        self._windows_in_step += 1
        try:
            increases = self._usable_increases(stable, canary)
        except Exception as unusable:  # the counters are another program's: they may raise anything
            is_ours = type(unusable) is ValueError
            return self._hold_blind(str(unusable) if is_ours else f"reading raised {type(unusable).__name__}")
        self._unusable = 0
        self._usable_in_step += 1
        self._add_evidence(increases)
        return self._decide()

    def log_table(self) -> pd.DataFrame:
        """Return the log as a table.

        Returns:
            One row a window; each guardrail's evidence as a power of ten, see `decision_log.table_of`.
        """
        return table_of(self.log, self.plan.names)

    def _open_step(self) -> None:
        self._evidence = dict.fromkeys(self.plan.names, 0.0)
        self._events = {name: np.zeros(2) for name in self.plan.names}
        self._requests = np.zeros(2)
        self._usable_in_step = self._windows_in_step = 0

    def _usable_increases(
        self, stable: Mapping[str, float], canary: Mapping[str, float]
    ) -> dict[str, dict[str, float]]:
        arms = {"stable": stable, "canary": canary}
        increases = {arm: increase(arm, counts, self.plan.names, self._before[arm]) for arm, counts in arms.items()}
        requests = {arm: more[REQUESTS] for arm, more in increases.items()}
        total = requests["stable"] + requests["canary"]
        check_share(requests["canary"] / total, self.share, total)
        # requests that are lost before they are counted show only over many windows
        on_canary, in_step = self._requests[0] + requests["canary"], self._requests.sum() + total
        check_share(on_canary / in_step, self.share, in_step, factor=NEAR_OVER_A_STEP)
        self._before = {arm: {name: float(counts[name]) for name in increases[arm]} for arm, counts in arms.items()}
        return increases

    def _add_evidence(self, increases: dict[str, dict[str, float]]) -> None:
        stable, canary = increases["stable"], increases["canary"]
        self._requests += canary[REQUESTS], stable[REQUESTS]
        share = canary[REQUESTS] / (canary[REQUESTS] + stable[REQUESTS])
        for guardrail in self.plan.guardrails:
            name = guardrail.name
            self._events[name] += canary[name], stable[name]
            ratio = guardrail.ratios[self._step]
            gain = float(log_evidence(canary[name], stable[name], share, ratio, noise=guardrail.noise[self._step]))
            self._evidence[name] = max(self._evidence[name] + gain, self.plan.floor)

    def _decide(self) -> Decision:
        worst = max(self.plan.guardrails, key=lambda guardrail: self._evidence[guardrail.name])
        evidence = self._evidence[worst.name]
        if evidence >= self.plan.roll_back_above:
            return self._roll_back(lambda: self._accusation(worst))
        if self._usable_in_step >= self.plan.minimum_windows and evidence <= self.plan.promote_below:
            return self._promote()
        if self._windows_in_step >= self.plan.maximum_windows:
            return self._roll_back(
                lambda: f"no decision after {self._windows_in_step} windows; least sure of {worst.name}"
            )
        if self._usable_in_step < self.plan.minimum_windows:
            return self._record("hold", f"{self._usable_in_step} of at least {self.plan.minimum_windows} windows")
        return self._record("hold", f"{worst.name} not yet cleared of {worst.ratios[self._step]:g}x")

    def _accusation(self, guardrail: Guardrail) -> str:
        on_canary, on_stable = self._events[guardrail.name]
        return (
            f"{guardrail.name}: {on_canary:.0f} of {on_canary + on_stable:.0f} fell on "
            f"{self._requests[0] / self._requests.sum():.1%} of the traffic; "
            f"evidence {odds(self._evidence[guardrail.name])} for {guardrail.ratios[self._step]:g}x"
        )

    def _hold_blind(self, problem: str) -> Decision:
        self._unusable += 1
        if self._unusable >= self.patience:
            return self._roll_back(lambda: f"{self._unusable} unusable windows in a row; {problem}")
        if self._windows_in_step >= self.plan.maximum_windows:
            return self._roll_back(lambda: f"no decision after {self._windows_in_step} windows; {problem}")
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

    def _roll_back(self, tell: Callable[[], str]) -> Decision:
        """Roll back first and find words afterwards, so that no words can keep a bad release live."""
        share = self.share
        self._rolled_back = True
        return self._record("roll back", tell(), share)

    def _record(self, action: Action, reason: str, share: float | None = None) -> Decision:
        share = self.share if share is None else share
        decision = Decision(len(self.log) + 1, share, action, reason, dict(self._evidence))
        self.log.append(decision)
        return decision
