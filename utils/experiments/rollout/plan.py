"""The plan of a rollout, fixed before it starts: guardrails, steps and error rates."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from utils.experiments.rollout.counters import REQUESTS
from utils.experiments.rollout.decision_log import COLUMNS
from utils.experiments.rollout.evidence import LARGEST_NOISE, LARGEST_RATIO, SMALLEST_RATIO
from utils.foundation import checks

__all__ = ["Guardrail", "RolloutPlan", "checked_steps"]

TAKEN_NAMES = ("", REQUESTS, *COLUMNS)
SMALLEST_ERROR_RATE = 1e-12
MOST_WINDOWS = 1_000_000  # two years of minutes


@dataclass(frozen=True)
class Guardrail:
    """A kind of event that is counted in both arms, and how much worse the canary must be for each step to see it.

    Args:
        name: the event's name in the counts, such as "errors", "slow" or "orders".
        ratios: for each step before the last, the ratio canary rate ÷ stable rate that the step must not let pass;
            above 1 where more events are worse (errors), below 1 where fewer are worse (orders).
        noise: long-run variance, per window, of the log ratio of two equally good arms' rates beyond what counting
            explains, as measured on two arms that run the same version and are as large as in the step: one number
            for all steps or one for each; 0 if the arms differ by chance alone. Kept as one for each.

    Raises:
        ValueError: if the name is empty or one that the counts or the log use themselves, there is no ratio, one is
            not positive and finite, they lie on both sides of 1, or the noise is negative, not finite or of another
            number of steps.
    """

    name: str
    ratios: tuple[float, ...]
    noise: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name in TAKEN_NAMES:
            raise ValueError(f"name must be that of a counted event, got {self.name!r}; use for example 'errors'")
        found = checks.array(
            "ratios", self.ratios, low=SMALLEST_RATIO, high=LARGEST_RATIO, dimensions=1, remedy="use (4, 2, 1.5)"
        )
        object.__setattr__(self, "ratios", tuple(found.tolist()))
        if not (min(self.ratios) > 1 or max(self.ratios) < 1):
            raise ValueError(
                f"ratios must all lie above 1 (more is worse) or all below 1 (fewer is worse), got {self.ratios}; "
                "split them into two guardrails"
            )
        noise = checks.array(
            "noise", np.atleast_1d(self.noise), low=0, high=LARGEST_NOISE, remedy="measure it on equal versions"
        )
        if noise.shape not in ((1,), (len(self.ratios),)):
            raise ValueError(
                f"noise must be one number or one for each ratio, got {self.noise!r:.60}; measure each step"
            )
        object.__setattr__(self, "noise", tuple(np.broadcast_to(noise, len(self.ratios)).tolist()))


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
        object.__setattr__(self, "guardrails", _checked_guardrails(self.guardrails))
        object.__setattr__(self, "steps", checked_steps(self.steps))
        for guardrail in self.guardrails:
            if len(guardrail.ratios) != len(self.steps) - 1:
                raise ValueError(
                    f"guardrail {guardrail.name!r} must have {len(self.steps) - 1} ratios, one for each step "
                    f"before the last, got {len(guardrail.ratios)}; add or remove ratios"
                )
        for name in ("false_rollback", "missed_fault"):
            remedy = "use for example 0.05"
            checks.number(name, getattr(self, name), low=SMALLEST_ERROR_RATE, high=0.5, remedy=remedy)
        for name in ("minimum_windows", "maximum_windows"):
            remedy = "count the windows of a step"
            object.__setattr__(self, name, checks.count(name, getattr(self, name), remedy, maximum=MOST_WINDOWS))
        if self.minimum_windows > self.maximum_windows:
            raise ValueError(
                f"minimum_windows must be from 1 to maximum_windows, got {self.minimum_windows} and "
                f"{self.maximum_windows}; lower the one or raise the other"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The guardrails' names, in order."""
        return tuple(guardrail.name for guardrail in self.guardrails)

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


def checked_steps(steps: Iterable[float]) -> tuple[float, ...]:
    """Return the canary's shares of the traffic, checked.

    Args:
        steps: at least two shares, rising within (0, 1].

    Returns:
        The shares as floats.

    Raises:
        ValueError: if they are fewer, do not rise or lie outside.
    """
    shares = tuple(checks.array("steps", steps, dimensions=1, remedy="use (0.01, 0.1, 0.5, 1.0)").tolist())
    rising = all(low < high for low, high in pairwise(shares))
    if len(shares) < 2 or not rising or not 0 < shares[0] < shares[-1] <= 1:
        raise ValueError(f"steps must rise within (0, 1], got {shares}; use for example (0.01, 0.1, 0.5, 1.0)")
    return shares


def _checked_guardrails(guardrails: Iterable[Guardrail]) -> tuple[Guardrail, ...]:
    found = tuple(guardrails) if isinstance(guardrails, Iterable) else ()
    if not found or not all(isinstance(guardrail, Guardrail) for guardrail in found):
        raise ValueError(f"guardrails must be at least one Guardrail, got {guardrails!r:.60}; use [Guardrail(...)]")
    if len({guardrail.name for guardrail in found}) < len(found):
        raise ValueError(f"guardrails must each have a name of its own, got {[g.name for g in found]}; rename one")
    return found
