"""The scenario of an outage: its fields are checked and kept as plain numbers."""

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from utils.systems.overload.scenario import Scenario


def test_capacity_is_workers_over_service_time_and_an_outage_has_an_end():
    scenario = Scenario(servers=4, service_seconds=0.5, outage_start=3, outage_seconds=2.5)
    assert scenario.capacity == 8
    assert scenario.outage_end == 5.5


def test_backoff_windows_double_from_twice_the_base_and_end_at_the_cap():
    windows = Scenario(backoff_base=0.5, backoff_cap=6).backoff_windows
    assert windows[:5].tolist() == [1, 2, 4, 6, 6]
    assert windows[-1] == 6
    assert Scenario(backoff_base=2, backoff_cap=2).backoff_windows.tolist() == [2]


def test_numbers_of_any_type_are_kept_as_plain_ones():
    mixed = Scenario(
        servers=np.int64(5), load=Decimal("0.5"), timeout=Fraction(1, 2), retries=3.0, horizon=np.float32(20)
    )
    assert mixed == Scenario(servers=5, load=0.5, timeout=0.5, retries=3, horizon=20.0)
    assert [type(value) for value in (mixed.servers, mixed.load, mixed.timeout, mixed.retries)] == [
        int,
        float,
        float,
        int,
    ]
    assert mixed.capacity == 25.0


def test_a_changed_scenario_is_checked_again():
    with pytest.raises(ValueError, match=r"^load must"):
        replace(Scenario(), load=-1)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "1", True])
@pytest.mark.parametrize(
    "name",
    [
        *("servers", "load", "service_seconds", "timeout", "horizon", "patience", "outage_start", "outage_seconds"),
        *("retries", "queue_limit", "backoff_base", "backoff_cap"),
        *("error_rate", "longest_wait", "emptied_at", "refusal_seconds"),
    ],
)
def test_a_field_that_is_no_sensible_number_is_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        Scenario(**{name: value})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"servers": 0}, "servers"),
        ({"load": 0}, "load"),
        ({"horizon": 0.5}, "horizon"),
        ({"retries": 1.5}, "retries"),
        ({"backoff_base": 3}, "backoff_cap"),
        ({"backoff_base": 1e-300}, "backoff_base"),
        ({"stalls": "no"}, "stalls"),
        ({"stops_at_patience": 1}, "stops_at_patience"),
        ({"newest_first": "yes"}, "newest_first"),
        ({"error_rate": 1.5}, "error_rate"),
        ({"longest_wait": 0}, "longest_wait"),
    ],
)
def test_a_field_out_of_its_range_is_named(fields, name):
    with pytest.raises(ValueError, match=rf"^{name} must .*got .*; "):
        Scenario(**fields)
