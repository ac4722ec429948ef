"""A group-sequential test as a rollout's rule: exact tests at planned looks, which share the two error rates."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utils.experiments.rollout.plan import RolloutPlan
from utils.experiments.rollout.rules import GIVE_UP, HOLD, PROMOTE, ROLL_BACK
from utils.experiments.rollout.traffic import EVENTS
from utils.foundation import checks

__all__ = ["GroupSequentialRule"]


class GroupSequentialRule:
    """Compares the arms every few minutes by exact tests on the counts of the step, and spends its errors over the looks.

    Look k of a step spends a part of each error rate that falls as 1/k, and all looks together spend it once; falling
    faster would leave too little for the late looks. A guardrail goes back when the split of its events is too unlikely
    for equal versions, and is content when it is too unlikely for a canary as bad as the step must not let pass; given
    their total, events split as a binomial.

    Args:
        plan: the plan; its guardrails are among "errors", "slow" and "orders", their noise is not used.
        every: minutes between two looks.

    Raises:
        ValueError: if a guardrail has another name, or `every` is below 1.

    References:
        Lan and DeMets (1983), "Discrete sequential boundaries for clinical trials", *Biometrika* 70, on spending a
        level over looks. Spent by the union bound here, which is a little less than exact.
    """

    def __init__(self, plan: RolloutPlan, *, every: int = 5) -> None:
        self.plan, self.steps = plan, plan.steps
        self.every = checks.count("every", every, "use 5 minutes", maximum=plan.maximum_windows)
        looks = np.arange(1, plan.maximum_windows // self.every + 1)
        self._spent = 1 / looks / (1 / looks).sum()
        unknown = sorted(set(plan.names) - set(EVENTS))
        if unknown:
            raise ValueError(f"guardrails must be among {EVENTS}, got {unknown}; rename or remove them")
        self._rows = [EVENTS.index(name) for name in plan.names]
        self._ratios = np.array([guardrail.ratios for guardrail in plan.guardrails])
        self._level = plan.false_rollback / (len(self._rows) * (len(plan.steps) - 1))

    def start(self, n_runs: int) -> None:
        """Do as `Rule.start` says."""
        self._minutes = np.zeros(n_runs, int)
        self._visits = np.zeros((2, n_runs))
        self._counts = np.zeros((2, len(self._rows), n_runs))

    def update(
        self, step: NDArray[np.int64], visits: NDArray[np.int64], events: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Do as `Rule.update` says."""
        self._visits += visits
        self._counts += events[:, self._rows]
        self._minutes += 1
        action = np.full(step.size, HOLD)
        action[self._minutes >= self.plan.maximum_windows] = GIVE_UP
        due = np.flatnonzero((self._minutes % self.every == 0) & (self._visits.sum(axis=0) > 0))
        if due.size:
            back, content = self._look(due, step[due])
            action[due[content & (self._minutes[due] >= self.plan.minimum_windows)]] = PROMOTE
            action[due[back]] = ROLL_BACK
        moved = action == PROMOTE
        self._minutes[moved], self._visits[:, moved], self._counts[..., moved] = 0, 0, 0
        return action

    def _look(self, due: NDArray[np.int64], step: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return of the runs that are due which go back, and which are content."""
        look = np.minimum(self._minutes[due] // self.every, self._spent.size)  # what is out is not looked at any more
        spent = self._spent[look - 1]
        visits, counts = self._visits[:, due], self._counts[..., due]
        share, ratio, total = visits[1] / visits.sum(axis=0), self._ratios[:, step], counts.sum(axis=0)
        as_bad = share * ratio / (1 + share * (ratio - 1))
        more_is_worse = ratio > 1
        # the canary's count where more is worse, the stable version's where fewer is: large is bad in both
        bad = np.where(more_is_worse, counts[1], counts[0])
        if_good, if_bad = (np.where(more_is_worse, chance, 1 - chance) for chance in (share, as_bad))
        back = stats.binom.sf(bad - 1, total, if_good) <= self._level * spent
        content = stats.binom.cdf(bad, total, if_bad) <= self.plan.missed_fault * spent
        return back.any(axis=0), content.all(axis=0)

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Do as `Rule.keep` says."""
        self._minutes, self._visits = self._minutes[runs], self._visits[:, runs]
        self._counts = self._counts[..., runs]
