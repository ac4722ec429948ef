"""Readings of several runs against counts by hand."""

import numpy as np
import pytest

from utils.systems.overload.outage import Trace
from utils.systems.overload.repeated_runs import confirmed, lost, lost_text, multiple


def trace(placed, through):
    nothing = np.zeros(len(placed), int)
    return Trace(np.array(placed), np.array(through), nothing, nothing, nothing, np.zeros(0))


FEW, MANY = trace([10, 10, 20], [10, 8, 18]), trace([10, 10, 20], [0, 10, 20])  # 4 and 10 lost


def test_orders_lost_are_the_mean_of_the_runs_with_its_standard_error():
    assert lost([FEW]) == 4
    assert lost([FEW, MANY]) == 7
    assert lost_text([FEW, MANY]) == "7 ± 3"
    assert lost_text([FEW]) == "4"
    assert multiple([MANY], [FEW]) == 2.5
    assert multiple([MANY], [trace([5], [5])]) == 10  # none lost counts as one


def test_confirmed_is_a_share_of_the_orders_of_all_runs_between_two_seconds():
    assert confirmed([FEW, MANY], 0, 2) == 28 / 40
    assert confirmed([FEW], 2, 3) == 0.9


def test_bad_arguments_are_named():
    for call, told in (
        (lambda: lost([]), "traces must be a list"),
        (lambda: lost_text(FEW), "traces must be a list"),
        (lambda: multiple([FEW], [3]), "traces must hold traces only"),
        (lambda: confirmed([FEW], 3, 9), "start and stop must hold orders"),
    ):
        with pytest.raises(ValueError, match=rf"^{told}.*got .*; "):
            call()
