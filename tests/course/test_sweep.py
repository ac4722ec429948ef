"""What a sweep says of a claim: how often it held, its worst seed, and its margin in standard deviations."""

import math

import pytest

from utils.course.claims import describe
from utils.course.notebooks import CourseError
from utils.course.sweep import distance, is_narrow, margin, summarise, sweep, sweep_table
from utils.lesson import Claim


def records(values, relation="<=", bounds=1.0):
    """Return a claim's records, one a measured value; `bounds` is one bound, or a list with one each."""
    bounds = bounds if isinstance(bounds, list) and relation != "within" else [bounds] * len(values)
    return [{"id": "c", "measured": m, "relation": relation, "bound": b} for m, b in zip(values, bounds, strict=True)]


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "expected"),
    [
        (1.0, "<=", 3.0, 2.0),
        (4.0, "<=", 3.0, -1.0),
        (1.0, ">=", 3.0, -2.0),
        (1.0, "within", [0.5, 3.0], 0.5),
        (2.5, "within", [0.5, 3.0], 0.5),
        (4.0, "within", [0.5, 3.0], -1.0),
        ("nan", "<=", 1.0, -math.inf),
        ("inf", ">=", 1.0, -math.inf),
        ("inf", "<=", "inf", -math.inf),
    ],
)
def test_distance_is_to_the_bound_and_negative_when_false(measured, relation, bound, expected):
    assert distance({"measured": measured, "relation": relation, "bound": bound}) == expected


@pytest.mark.parametrize(
    ("values", "relation", "bounds", "expected"),
    [
        ([1.0, 2.0, 3.0], "<=", 10.0, 8.0),  # mean 2, standard deviation 1
        ([1.0, 2.0, 3.0], ">=", 10.0, -8.0),
        ([1.0, 2.0, 3.0], ">=", -1.0, 3.0),
        ([2.0, 4.0], "<=", 3.0, 0.0),
        ([0.0, 4.0], ">=", -1.0, 3 / math.sqrt(8)),  # mean 2, variance ((-2)² + 2²) / (2 - 1) = 8
        ([1.0, 2.0, 3.0], "within", [0.0, 10.0], 2.0),  # the lower side is nearer
        ([7.0, 8.0, 9.0], "within", [0.0, 10.0], 2.0),  # the upper side is
        ([4.0, 5.0, 6.0], "within", [0.0, 10.0], 5.0),
        ([11.0, 12.0, 13.0], "within", [0.0, 10.0], -2.0),
        ([1.0, 2.0], "<=", [4.0, 4.0], 2.5 / math.sqrt(0.5)),
        ([5.0, 5.0], "<=", [6.0, 8.0], 2.0 / math.sqrt(2)),  # it is the bound that varies: distances 1 and 3
        ([5.0, 9.0], "<=", [6.0, 12.0], 2.0 / math.sqrt(2)),  # both do, together
    ],
)
def test_margin_is_the_mean_distance_in_standard_deviations(values, relation, bounds, expected):
    assert margin(records(values, relation, bounds)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "relation", "bounds", "expected"),
    [
        ([3.0, 3.0], "<=", 4.0, "exact"),
        ([0.0, 0.0], ">=", 0.0, "exact"),
        ([0.1 + 0.2, 0.3], "<=", 1.0, "exact"),  # one number, rounded in two ways
        ([5.0, 5.0], "<=", 4.0, "exact"),  # false on every seed: the count says it
        ([1.0, "inf"], ">=", 0.0, "not finite"),
        (["nan", "nan"], ">=", 0.0, "not finite"),
        (["inf"], ">=", 0.0, "not finite"),
        ([1.0, 2.0], "<=", ["inf", "inf"], "not finite"),
        ([1.0], "<=", 4.0, None),
    ],
)
def test_margin_says_when_it_is_no_number(values, relation, bounds, expected):
    assert margin(records(values, relation, bounds)) == expected


@pytest.mark.parametrize(
    ("found", "narrow"),
    [
        (3.99, True),
        (4.0, False),
        (-5.0, True),
        (math.inf, False),
        ("exact", False),
        ("not finite", True),
        (None, False),
    ],
)
def test_less_than_four_standard_deviations_is_narrow(found, narrow):
    assert is_narrow(found) is narrow


def runs(values, bound=1.0, lesson="01"):
    claims = [{"id": "c", "measured": m, "relation": "<=", "bound": bound, "holds": m <= bound} for m in values]
    return [{"lesson": lesson, "seed": 5 + n, "claims": [claim]} for n, claim in enumerate(claims)]


def test_summary_keeps_the_worst_seed_and_the_order_of_the_claims():
    row = {"lesson": "02", "id": "c", "held": 2, "of": 3, "worst": 1.5, "bound": 1.0, "relation": "<=", "seed": 6}
    found = summarise(runs([0.2, 1.5, 0.9], lesson="02") + runs([0.0, 0.0], lesson="01"))
    # distances 0.8, -0.5, 0.1: mean 2/15, variance (0.4444 + 0.4011 + 0.0011) / 2 = 0.42333
    assert found[0] == {**row, "margin": pytest.approx(2 / 15 / math.sqrt(0.42333), rel=1e-4)}
    assert (found[1]["lesson"], found[1]["margin"], len(found)) == ("01", "exact", 2)


@pytest.mark.parametrize("seeds", [0, -1])
def test_a_sweep_over_no_seed_is_refused(tmp_path, seeds):
    with pytest.raises(CourseError, match=f"seeds must be at least 1, got {seeds}; for example make sweep SEEDS=20"):
        sweep(tmp_path, seeds=seeds)


def test_rounding_is_judged_by_the_largest_value():
    assert margin(records([1e6, 1e6 + 1e-9], ">=", 0.0)) == "exact"
    assert margin(records([0.0, 1e-9], ">=", -1.0)) == pytest.approx(math.sqrt(2) * 1e9)


def test_table_marks_what_is_narrow_and_says_so_in_words():
    summary = summarise(runs([1.0, 2.0, 3.0], 10.0) + runs([0.2, 1.5, 0.9], lesson="02") + runs([7.0, 7.0], 8.0, "03"))
    head, *rows, legend, mark = sweep_table(summary).splitlines()
    assert head.endswith("  margin")
    assert [row.split("  ")[-1].strip() for row in rows] == ["8.0", "0.2 !", "exact"]
    assert legend.startswith("margin: standard deviations over the seeds")
    assert mark == "! 1 claim has a margin of less than 4: expect it to fail on somebody's seed"


def test_table_of_sound_claims_has_no_mark_and_that_of_one_seed_no_legend():
    assert "!" not in sweep_table(summarise(runs([1.0, 2.0, 3.0], 10.0)))
    assert len(sweep_table(summarise(runs([1.0, 2.0, 3.0], 10.0))).splitlines()) == 3
    assert len(sweep_table(summarise(runs([1.0], 10.0))).splitlines()) == 2
    assert len(sweep_table([]).splitlines()) == 1


@pytest.mark.parametrize(
    ("relation", "bound", "measured", "placebo", "expected"),
    [
        (">=", 2.0, 5.0, 1.5, 0.5),  # the placebo is nearer to the bound than the measured value
        (">=", 2.0, 2.25, 0.0, 0.25),
        (">=", 2.0, 5.0, 3.0, -1.0),
        ("<=", 2.0, 1.0, 2.5, 0.5),
        ("<=", 2.0, 1.0, 1.5, -0.5),
        ("within", [0.0, 10.0], 5.0, -1.0, 1.0),
        ("within", [0.0, 10.0], 5.0, 12.0, 2.0),
        ("within", [0.0, 10.0], 5.0, 9.0, -1.0),
        (">=", 2.0, 5.0, "nan", -math.inf),
        (">=", 2.0, 5.0, "-inf", -math.inf),
    ],
)
def test_distance_counts_the_placebo_which_must_miss_the_bound(relation, bound, measured, placebo, expected):
    record = {"measured": measured, "relation": relation, "bound": bound, "placebo": placebo}
    assert distance(record) == expected
    claim = Claim("x", "t", float(measured), relation, bound, "b", placebo=float(placebo), recording=True)
    assert claim.holds is (expected > 0)


def test_margin_is_that_of_the_placebo_where_it_is_the_smaller():
    found = [{"measured": 100.0 + n, "relation": ">=", "bound": 10.0, "placebo": float(n)} for n in (1, 2, 3)]
    assert margin(found) == pytest.approx(8.0)  # 10 − 2, over a standard deviation of 1
    assert describe(found[0]) == "measured 101.0, placebo 1.0, bound >= 10.0"
