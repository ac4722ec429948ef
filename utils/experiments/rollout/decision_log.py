"""The log of a rollout: what was decided after each window, and why."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import pandas as pd

__all__ = ["COLUMNS", "Action", "Decision", "table_of"]

Action = Literal["hold", "promote", "roll back"]
COLUMNS = ("window", "share", "action", "reason")


class Decision(NamedTuple):
    """One line of the log.

    Args:
        window: number of the window, from 1.
        share: the canary's share of the traffic in it.
        action: what was decided.
        reason: why, in words.
        evidence: each guardrail's evidence, the natural log of a likelihood ratio.
    """

    window: int
    share: float
    action: Action
    reason: str
    evidence: dict[str, float]

    def __str__(self) -> str:
        return f"window {self.window:>3}  {self.share:>6.1%}  {self.action:<9}  {self.reason}"


def table_of(log: Sequence[Decision], names: Sequence[str]) -> pd.DataFrame:
    """Return a log as a table.

    Args:
        log: the decisions in order.
        names: the guardrails' names, in order.

    Returns:
        One row a window: window, share, action, reason, and for each guardrail its evidence as a power of ten, which
        no size of it overflows: 2 means 100 to 1.
    """
    columns = {column: [getattr(decision, column) for decision in log] for column in COLUMNS}
    powers = {name: [decision.evidence[name] / math.log(10) for decision in log] for name in names}
    return pd.DataFrame(columns | powers)
