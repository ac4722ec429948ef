"""Tables of what became of simulated rollouts: release by release under one rule, and rule by rule."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from utils.experiments.rollout.simulation import Rollouts

__all__ = ["by_release", "by_rule"]


def by_release(rollouts: Mapping[str, Rollouts]) -> pd.DataFrame:
    """Return what a rule did with each release.

    Args:
        rollouts: release's name -> its rollouts, at least two each.

    Returns:
        One row a release: share rolled back; of those the median minute, and the median share of the traffic; visits
        harmed, mean and its standard error. NaN where none was rolled back.
    """
    rows = []
    for name, found in rollouts.items():
        back = found.rolled_back
        when, where = (float(np.median(x[back])) if back.any() else np.nan for x in (found.minutes, found.share))
        error = found.harmed.std(ddof=1) / np.sqrt(found.harmed.size)
        rows.append((name, back.mean(), when, where, found.harmed.mean(), error))
    columns = ["Release", "rolled back", "after, minutes", "at share", "visits harmed, mean", "standard error"]
    return pd.DataFrame(rows, columns=columns)


def by_rule(
    boards: Mapping[str, Mapping[str, Rollouts]], faulty: Sequence[str], healthy: Sequence[str]
) -> pd.DataFrame:
    """Return what each rule caught, blamed and cost.

    Args:
        boards: rule's name -> release's name -> its rollouts.
        faulty: names of the releases with a fault.
        healthy: names of those without.

    Returns:
        One row a rule: the share rolled back before 100% of the fault that is caught least, of the healthy release
        that is blamed most, and visits harmed by the mean fault and by the costliest one.
    """
    rows = []
    for rule, rollouts in boards.items():
        in_steps = {name: found.in_steps.mean() for name, found in rollouts.items()}
        harmed = [rollouts[name].harmed.mean() for name in faulty]
        rows.append(
            (rule, min(in_steps[n] for n in faulty), max(in_steps[n] for n in healthy), np.mean(harmed), max(harmed))
        )
    columns = ["Rule", "least caught", "healthy blamed", "visits harmed, mean fault", "worst fault"]
    return pd.DataFrame(rows, columns=columns)
