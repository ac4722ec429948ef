"""Tables of rollouts, against counts by hand."""

import math

import numpy as np
import pytest

from utils.experiments.rollout.reports import by_release, by_rule
from utils.experiments.rollout.simulation import Rollouts


def rollouts(back, late, minutes, share, harmed):
    columns = [np.array(column) for column in (back, late, minutes, share, [0, 0, 0], harmed)]
    return Rollouts(*columns)


BAD = rollouts([True, True, False], [False, True, False], [4.0, 8.0, 90.0], [0.01, 1.0, 0.5], [1.0, 2.0, 6.0])
GOOD = rollouts([False, False, False], [False, False, False], [90.0, 90.0, 90.0], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0])


def test_a_roll_back_is_by_evidence_or_by_time_and_in_the_steps_or_after_them():
    assert BAD.by_evidence.tolist() == [True, False, False]
    assert BAD.in_steps.tolist() == [True, False, False]


def test_a_release_has_its_share_its_medians_and_the_error_of_its_mean():
    bad, good = by_release({"bad": BAD, "good": GOOD}).itertuples(index=False)
    assert tuple(bad) == pytest.approx(("bad", 2 / 3, 6, 0.505, 3, math.sqrt(7 / 3)))
    assert good[1] == good[4] == good[5] == 0
    assert math.isnan(good[2])
    assert math.isnan(good[3])


def test_a_rule_has_its_worst_cases_and_its_harm():
    [row] = by_rule(
        {"rule": {"bad": BAD, "worse": GOOD, "good": GOOD, "also": BAD}}, ["bad", "worse"], ["good", "also"]
    ).itertuples(index=False)
    assert tuple(row) == pytest.approx(("rule", 0, 1 / 3, 1.5, 3))
