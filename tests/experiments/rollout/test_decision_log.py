"""The log reads as a table, one row a window, its evidence as powers of ten."""

import math

import pytest

from utils.experiments.rollout.decision_log import Decision, table_of

LOG = [
    Decision(1, 0.01, "hold", "1 of at least 2 windows", {"errors": math.log(100), "slow": -math.log(10)}),
    Decision(2, 0.01, "roll back", "errors: 9 of 19", {"errors": 40_000.0, "slow": 0.0}),
]


def test_evidence_stands_as_powers_of_ten_that_nothing_overflows():
    table = table_of(LOG, ["slow", "errors"])
    assert table.columns.tolist() == ["window", "share", "action", "reason", "slow", "errors"]
    assert table["errors"].tolist() == pytest.approx([2, 40_000 / math.log(10)])
    assert table["slow"].tolist() == pytest.approx([-1, 0])
    assert table[["window", "action"]].to_numpy().tolist() == [[1, "hold"], [2, "roll back"]]


def test_an_empty_log_has_its_columns():
    assert table_of([], ["errors"]).columns.tolist() == ["window", "share", "action", "reason", "errors"]
    assert len(table_of([], ["errors"])) == 0


def test_a_decision_reads_as_a_line():
    assert str(LOG[1]) == "window   2    1.0%  roll back  errors: 9 of 19"
