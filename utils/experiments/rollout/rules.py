"""Rules that decide many rollouts at once: the controller's test beside the rules that are commonly used instead."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utils.experiments.rollout.evidence import log_evidence
from utils.experiments.rollout.plan import RolloutPlan, checked_steps
from utils.experiments.rollout.traffic import EVENTS
from utils.foundation import checks

__all__ = [
    "GIVE_UP",
    "HOLD",
    "PROMOTE",
    "ROLL_BACK",
    "ArmThresholdRule",
    "FixedSampleRule",
    "MannWhitneyRule",
    "Rule",
    "SequentialRule",
    "ServiceThresholdRule",
]

HOLD, PROMOTE, ROLL_BACK, GIVE_UP = 0, 1, -1, -2  # a roll back by evidence, and one because time ran out
STEPS = (0.01, 0.10, 0.50, 1.00)
MOST_MINUTES = 10_000  # of a step: about a week
MOST_CELLS = 20_000_000  # minutes × rollouts that fit into memory


class Rule(Protocol):
    """Decides for many rollouts at once; `steps` are the canary's shares."""

    steps: tuple[float, ...]

    def start(self, n_runs: int) -> None:
        """Begin with `n_runs` rollouts, each in its first step."""

    def update(
        self, step: NDArray[np.int64], visits: NDArray[np.int64], events: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Read one minute, of shapes (runs,), (2, runs) and (2, 3, runs), and return one of the four actions a run."""

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Drop the rollouts that have ended."""


class _Timed:
    """What every rule needs: the minutes each rollout has spent in its step."""

    def start(self, n_runs: int) -> None:
        self._minutes = np.zeros(n_runs, int)

    def _moved(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        self._minutes[action == PROMOTE] = 0
        return action

    def keep(self, runs: NDArray[np.bool_]) -> None:
        self._minutes = self._minutes[runs]


class SequentialRule(_Timed):
    """The test of `CanaryController` for many rollouts at once, on usable data; the decisions are the same.

    Args:
        plan: the plan; its guardrails are among "errors", "slow" and "orders".

    Raises:
        ValueError: if a guardrail has another name.
    """

    def __init__(self, plan: RolloutPlan) -> None:
        self.plan, self.steps = plan, plan.steps
        unknown = sorted(set(plan.names) - set(EVENTS))
        if unknown:
            raise ValueError(f"guardrails must be among {EVENTS}, got {unknown}; rename or remove them")
        self._rows = [EVENTS.index(name) for name in plan.names]
        self._ratios = np.array([guardrail.ratios for guardrail in plan.guardrails])
        self._noise = np.array([guardrail.noise for guardrail in plan.guardrails])

    def start(self, n_runs: int) -> None:
        """Do as `Rule.start` says."""
        super().start(n_runs)
        self._evidence = np.zeros((len(self._rows), n_runs))

    def update(
        self, step: NDArray[np.int64], visits: NDArray[np.int64], events: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Do as `Rule.update` says."""
        stable, canary = events[0, self._rows], events[1, self._rows]
        share = visits[1] / np.maximum(visits.sum(axis=0), 1)  # a minute without visits teaches nothing
        ratio = self._ratios[:, step]
        gain = log_evidence(canary, stable, share, ratio, noise=self._noise[:, step])
        self._evidence = np.maximum(self._evidence + gain, self.plan.floor)
        self._minutes += 1
        worst = self._evidence.max(axis=0)
        action = np.full(step.size, HOLD)
        action[self._minutes >= self.plan.maximum_windows] = GIVE_UP
        action[(worst <= self.plan.promote_below) & (self._minutes >= self.plan.minimum_windows)] = PROMOTE
        action[worst >= self.plan.roll_back_above] = ROLL_BACK
        self._evidence[:, action == PROMOTE] = 0.0
        return self._moved(action)

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Do as `Rule.keep` says."""
        super().keep(runs)
        self._evidence = self._evidence[:, runs]


class ServiceThresholdRule(_Timed):
    """The usual answer: steps by the clock, and back when a rate of the whole service passes a threshold.

    Args:
        errors_above: error rate over both arms above which to roll back.
        slow_above: the same of slow answers; None where nobody watches them.
        orders_below: rate of orders over both arms below which to roll back; None where nobody watches them.
        window: minutes the rates are taken over; until they have passed nothing is decided.
        minutes_per_step: minutes after which a step promotes.
        steps: the canary's shares.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        errors_above: float,
        *,
        slow_above: float | None = None,
        orders_below: float | None = None,
        window: int = 5,
        minutes_per_step: int = 30,
        steps: tuple[float, ...] = STEPS,
    ) -> None:
        given = {"errors_above": errors_above, "slow_above": slow_above, "orders_below": orders_below}
        checked = {
            name: checks.fraction(name, value, "pass a rate such as 0.01")
            for name, value in given.items()
            if value is not None
        }
        checks.fraction("errors_above", errors_above, "pass a rate such as 0.01")
        self._highest = np.array([[checked["errors_above"]], [checked.get("slow_above", 1.0)]])
        self._lowest_orders = checked.get("orders_below", 0.0)
        self.window = checks.count("window", window, "use for example 5", maximum=MOST_MINUTES)
        self.minutes_per_step = checks.count("minutes_per_step", minutes_per_step, "use for example 30")
        self.steps = checked_steps(steps)

    def start(self, n_runs: int) -> None:
        """Do as `Rule.start` says."""
        super().start(n_runs)
        _check_cells("window", self.window, n_runs)
        self._recent = np.zeros((self.window, 4, n_runs))
        self._totals = np.zeros((4, n_runs))
        self._clock = 0

    def update(
        self, step: NDArray[np.int64], visits: NDArray[np.int64], events: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Do as `Rule.update` says."""
        oldest = self._recent[self._clock % self.window]
        self._totals -= oldest
        np.sum(events, axis=0, out=oldest[:3])
        np.sum(visits, axis=0, out=oldest[3])
        self._totals += oldest  # whole numbers, so nothing is rounded
        self._clock += 1
        self._minutes += 1
        action = np.where(self._minutes >= self.minutes_per_step, PROMOTE, HOLD)
        if self._clock >= self.window:
            total = self._totals[3]
            rates = self._totals[:3] / np.maximum(total, 1)
            bad = (rates[:2] > self._highest).any(axis=0) | ((rates[2] < self._lowest_orders) & (total > 0))
            action[bad] = ROLL_BACK
        return self._moved(action)

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Do as `Rule.keep` says."""
        super().keep(runs)
        self._recent, self._totals = self._recent[..., runs], self._totals[:, runs]


class _PerMinute(_Timed):
    """Keeps each arm's per-minute rates of the present step, for rules that compare them at its end."""

    def __init__(self, *, minutes_per_step: int = 30, steps: tuple[float, ...] = STEPS) -> None:
        remedy = "use for example 30"
        minutes = checks.count("minutes_per_step", minutes_per_step, remedy, minimum=5, maximum=MOST_MINUTES)
        self.minutes_per_step, self.steps = minutes, checked_steps(steps)

    def start(self, n_runs: int) -> None:
        """Do as `Rule.start` says."""
        super().start(n_runs)
        _check_cells("minutes_per_step", self.minutes_per_step, n_runs)
        self._visits = np.zeros((self.minutes_per_step, 2, n_runs))
        self._counts = np.zeros((self.minutes_per_step, 2, 3, n_runs))

    def update(
        self, step: NDArray[np.int64], visits: NDArray[np.int64], events: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Do as `Rule.update` says."""
        # all rollouts of a timed rule are in the same minute of their step
        row = int(self._minutes[0])
        self._visits[row], self._counts[row] = visits, events
        self._minutes += 1
        if row + 1 < self.minutes_per_step:
            return np.full(step.size, HOLD)
        return self._moved(np.where(self._is_bad(), ROLL_BACK, PROMOTE))

    def _is_bad(self) -> NDArray[np.bool_]:
        raise NotImplementedError

    def keep(self, runs: NDArray[np.bool_]) -> None:
        """Do as `Rule.keep` says."""
        super().keep(runs)
        self._visits, self._counts = self._visits[..., runs], self._counts[..., runs]


class ArmThresholdRule(_PerMinute):
    """Compares the arms at the end of each step: back when the canary is worse by a fixed factor in any event.

    Args:
        factor: how much worse, above 1; one for all events, or one each for errors, slow answers and orders.
        timing: `minutes_per_step` (at least 5) and `steps` as for `ServiceThresholdRule`.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, factor: float | tuple[float, float, float] = 1.5, **timing: Any) -> None:
        super().__init__(**timing)
        factors = factor if isinstance(factor, tuple) else (factor,) * len(EVENTS)
        if len(factors) != len(EVENTS):
            raise ValueError(f"factor must be one number or one for each of {EVENTS}, got {factor!r:.60}; pass three")
        remedy = "use for example 1.5"
        self.factor = tuple(checks.number("factor", one, low=1, open_low=True, remedy=remedy) for one in factors)

    def _is_bad(self) -> NDArray[np.bool_]:
        rates = self._counts.sum(axis=0) / np.maximum(self._visits.sum(axis=0), 1)[:, None]
        errors, slow, orders = self.factor
        more = rates[1, :2] > np.array([[errors], [slow]]) * rates[0, :2]
        return more.any(axis=0) | (rates[1, 2] * orders < rates[0, 2])


class FixedSampleRule(_PerMinute):
    """Compares the arms at the end of each step by an exact test of where the events fell, all tests sharing one level.

    Args:
        alpha: probability at most this that a release as good as the stable version is rolled back, over all events
            and steps (Bonferroni).
        timing: `minutes_per_step` (at least 5) and `steps` as for `ServiceThresholdRule`.

    Raises:
        ValueError: if an argument is out of its range.

    References:
        Przyborowski and Wilenski (1940), "Homogeneity of results in testing samples from Poisson series",
        *Biometrika* 31: given their total, the events split as a binomial.
    """

    def __init__(self, alpha: float = 0.05, **timing: Any) -> None:
        super().__init__(**timing)
        self.alpha = checks.significance_level(alpha)

    def _is_bad(self) -> NDArray[np.bool_]:
        visits, counts = self._visits.sum(axis=0), self._counts.sum(axis=0)
        share = visits[1] / np.maximum(visits.sum(axis=0), 1)
        level = self.alpha / (len(EVENTS) * (len(self.steps) - 1))
        more = stats.binom.sf(counts[1, :2] - 1, counts[:, :2].sum(axis=0), share)
        fewer = stats.binom.cdf(counts[1, 2], counts[:, 2].sum(axis=0), share)
        return (more <= level).any(axis=0) | (fewer <= level)


class MannWhitneyRule(_PerMinute):
    """Compares the arms' per-minute rates by Mann and Whitney's test at the end of each step, event by event.

    Args:
        alpha: two-sided level; the release is rolled back when a difference is in the bad direction.
        tolerance: share of the estimated difference (Hodges and Lehmann's) that the interval of the difference must
            clear as well, as Kayenta asks; 0 for the plain test.
        timing: `minutes_per_step` (at least 5) and `steps` as for `ServiceThresholdRule`.

    Raises:
        ValueError: if an argument is out of its range.

    References:
        Mann and Whitney (1947), "On a test of whether one of two random variables is stochastically larger than the
        other", *Annals of Mathematical Statistics* 18, as `scipy.stats.mannwhitneyu`. Kayenta (2018),
        `MannWhitneyClassifier`, for the tolerance of 0.25.
    """

    def __init__(self, alpha: float = 0.02, *, tolerance: float = 0.0, **timing: Any) -> None:
        super().__init__(**timing)
        self.alpha = checks.significance_level(alpha)
        self.tolerance = checks.number("tolerance", tolerance, low=0, high=1, remedy="use 0.25, or 0 for none")

    def _is_bad(self) -> NDArray[np.bool_]:
        rates = self._counts / np.maximum(self._visits, 1)[:, :, None]
        rates[:, :, 2] *= -1  # so that more is worse in all
        stable, canary = rates[:, 0], rates[:, 1]
        bad = self._sees(canary, stable)
        if self.tolerance and bad.any():
            # the interval clears a bound if the test still sees the canary after moving it by that bound; what the
            # test does not see where it stands, it sees less when it is moved nearer
            stable, canary = stable[:, bad], canary[:, bad]
            shift = self.tolerance * np.median(canary[:, None] - stable[None], axis=(0, 1))
            bad[bad] = self._sees(canary - shift, stable)
        return bad.any(axis=0)

    def _sees(self, canary: NDArray[np.float64], stable: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether the test finds the canary's minutes larger; minutes come first."""
        found = stats.mannwhitneyu(canary, stable, alternative="greater", method="asymptotic")
        return found.pvalue < self.alpha / 2


def _check_cells(name: str, minutes: int, n_runs: int) -> None:
    if minutes * n_runs > MOST_CELLS:
        raise ValueError(f"{name} must leave room in memory for {n_runs:,} rollouts, got {minutes}; simulate fewer")
