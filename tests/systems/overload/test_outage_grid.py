"""The grid of outages against the simulation order by order, and against load × attempts."""

import math

import numpy as np
import pytest

from utils.systems.overload import outage_grid
from utils.systems.overload.guards import RetryBudget
from utils.systems.overload.outage import simulate_outage
from utils.systems.overload.outage_grid import simulate_outage_grid
from utils.systems.overload.scenario import Scenario

SHORT = Scenario(horizon=45.0, patience=10.0, servers=5)


def variant(**changes):
    return Scenario(**{"horizon": 45.0, "patience": 10.0, **changes})


@pytest.mark.parametrize(
    ("load", "retries", "stalls", "ratio"),
    [
        (0.2, 3, True, None),
        (0.4, 3, True, None),
        (0.4, 1, True, None),
        (0.6, 1, True, None),
        (0.7, 3, False, None),
        (0.8, math.inf, False, None),
        (0.8, math.inf, False, 0.1),
        (0.1, math.inf, False, None),
        (0.5, 0, True, None),
    ],
)
def test_the_grid_and_the_event_simulation_agree_on_what_recovers(load, retries, stalls, ratio):
    limit = None if math.isinf(retries) else int(retries)
    scenario = variant(load=load, retries=limit, stalls=stalls, outage_seconds=4.0 if stalls else 10.0, horizon=42.0)
    guard = None if ratio is None else RetryBudget(ratio)
    trace = simulate_outage(scenario, 0, guard=guard)
    events = trace.useful[34:].sum() / trace.placed[34:].sum()
    grid = simulate_outage_grid(scenario, 0, load=load, retries=retries, budget_ratio=ratio)
    assert grid.shape == ()
    assert (events > 0.5) == (grid > 0.5)
    assert min(events, 1) == pytest.approx(min(float(grid), 1), abs=0.15)


def test_a_stalled_server_collapses_where_load_times_attempts_exceeds_its_capacity():
    """After a long stall every attempt is late, so load × (1 + retries) against 1 decides."""
    scenario = Scenario(stalls=True, outage_seconds=5.0, horizon=90.0)
    for retries in (1, 2, 3):
        edge = 1 / (1 + retries)
        share = simulate_outage_grid(scenario, 0, load=[0.85 * edge, 1.15 * edge], retries=retries)
        assert share[0] > 0.9
        assert share[1] < 0.1


def test_grids_broadcast_and_longer_outages_are_worse():
    scenario = Scenario(horizon=60.0)
    share = simulate_outage_grid(
        scenario, 1, load=[[0.3], [0.8]], retries=np.inf, outage_seconds=[0.0, 0.5, 10.0], step=0.05
    )
    assert share.shape == (2, 3)
    assert share[1, 0] > 0.95
    assert share[1, 2] < 0.05
    budget = simulate_outage_grid(scenario, 1, load=0.8, retries=np.inf, budget_ratio=[0.1, 4.0])
    assert budget[0] > 0.95 > budget[1]


def test_more_retries_than_there_are_steps_are_as_good_as_no_limit():
    shares = simulate_outage_grid(SHORT, 0, load=0.8, retries=[1e12, np.inf])
    alone = [simulate_outage_grid(SHORT, 0, load=[0.8, 0.8], retries=r) for r in (1e12, np.inf)]
    assert shares[0] == pytest.approx(shares[1], abs=0.1)
    assert alone[0].tolist() == alone[1].tolist()


def test_a_cell_in_which_no_order_was_placed_is_not_called_collapsed():
    shares = simulate_outage_grid(SHORT, 0, load=[1e-12, 0.5], retries=0, outage_seconds=0)
    assert np.isnan(shares[0])
    assert shares[1] > 0.9


def test_a_grid_that_would_not_fit_is_refused(monkeypatch):
    steps = round(SHORT.horizon / 0.05)
    monkeypatch.setattr(outage_grid, "MOST_STEPS", steps)
    assert simulate_outage_grid(SHORT, 0, load=0.1, retries=0) > 0.9
    monkeypatch.setattr(outage_grid, "MOST_STEPS", steps - 1)
    with pytest.raises(ValueError, match=rf"^step must give at most {steps - 1} steps, got {steps}; "):
        simulate_outage_grid(SHORT, 0, load=0.1, retries=0)
    monkeypatch.undo()
    levels = len(SHORT.backoff_windows)
    for name, most in (("MOST_NUMBERS", levels * 20), ("MOST_WORK", levels * steps)):
        monkeypatch.setattr(outage_grid, name, most)
        assert simulate_outage_grid(SHORT, 0, load=0.1, retries=0) > 0.9
        for too_large in ({"load": [0.1, 0.1], "retries": 0}, {"load": 0.1, "retries": levels}):
            with pytest.raises(ValueError, match=r"^retries must give a grid that fits, got .*; "):
                simulate_outage_grid(SHORT, 0, **too_large)
        monkeypatch.undo()


def test_outages_of_no_length_and_budgets_of_no_tokens_are_cells_too():
    shares = simulate_outage_grid(SHORT, 0, load=0.8, retries=np.inf, outage_seconds=[0, 10], budget_ratio=[0, 0])
    assert (shares > 0.9).all()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simulate_outage_grid(None, 0, load=1, retries=1), "scenario"),
        (lambda: simulate_outage_grid(Scenario(queue_limit=3), 0, load=1, retries=1), "scenario"),
        (lambda: simulate_outage_grid(Scenario(stops_at_patience=True), 0, load=1, retries=1), "scenario"),
        (lambda: simulate_outage_grid(SHORT, -1, load=1, retries=1), "seed"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load="1", retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=math.inf, retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, math.inf], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, math.nan], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, -0.1], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, 0], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, 1e19], retries=1), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1.5), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=[1, 1.5]), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=-1), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=[0, -1]), "retries"),
        (lambda: simulate_outage_grid(SHORT, 0, load=[0.5, 1], retries=[1, 2, 3]), "load"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, outage_seconds=[1, math.inf]), "outage_seconds"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, outage_seconds=[1, math.nan]), "outage_seconds"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, step=0.7), "step"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, step=0), "step"),
        (lambda: simulate_outage_grid(Scenario(horizon=1.1), 0, load=0.5, retries=1), "scenario"),
        (lambda: simulate_outage_grid(SHORT, 0, load=0.5, retries=1, budget_ratio=[0.1, -1]), "budget_ratio"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name} .*must .*got .*; "):
        call()
