"""What a sweep says of a claim: how often it held, its worst seed, and its margin in standard deviations."""

import itertools
import json
import math
from types import SimpleNamespace

import joblib
import pytest

from tests.course.tiny_notebooks import write_notebook
from utils.course import sweep as module
from utils.course.claims import describe
from utils.course.notebooks import CourseError
from utils.course.run import TIME_LIMIT, cores
from utils.course.sweep import distance, in_parallel, is_narrow, margin, run_seed, summarise, sweep, sweep_table
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
        ([1.0, 2.0], "within", ["-inf", 3.0], "not finite"),
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
    row = {
        "lesson": "02",
        "id": "c",
        "held": 2,
        "made": 3,
        "of": 3,
        "worst": 1.5,
        "bound": 1.0,
        "relation": "<=",
        "seed": 6,
    }
    found = summarise(runs([0.2, 1.5, 0.9], lesson="02") + runs([0.0, 0.0], lesson="01"))
    # distances 0.8, -0.5, 0.1: mean 2/15, variance (0.4444 + 0.4011 + 0.0011) / 2 = 0.42333
    assert found[0] == {**row, "margin": pytest.approx(2 / 15 / math.sqrt(0.42333), rel=1e-4)}
    assert (found[1]["lesson"], found[1]["margin"], len(found)) == ("01", "exact", 2)


@pytest.fixture
def lessons(tmp_path):
    """A folder of two lessons that are never run: their results are prepared."""
    for name in ("01_good", "02_other"):
        write_notebook(tmp_path / "book", name)
    return tmp_path / "book"


def test_a_sweep_fails_for_one_false_claim_or_one_failed_lesson_and_if_strict_for_one_narrow_margin(
    lessons, tmp_path, monkeypatch, capsys
):
    held, false = runs([1.0, 2.0, 3.0], 10.0), runs([4.0, 4.0, 12.0], 10.0)
    narrow = runs([1.0, 5.0, 9.0], 10.0, lesson="02")  # mean distance 5, standard deviation 4
    raised = [{"lesson": "02", "seed": 6, "claims": [], "error": "in cell 4: ZeroDivisionError"}]
    for made, status, strictly in (
        (held, 0, 0),
        (held + raised, 1, 1),
        (false + narrow, 1, 1),
        (held + narrow, 0, 1),
    ):
        made = [{"error": "", **one} for one in made]
        monkeypatch.setattr(module, "in_parallel", lambda tasks, jobs, made=made: made)
        found = [sweep(lessons, output=tmp_path / "out", strict=strict) for strict in (False, True)]
        assert found == [status, strictly]
        stored = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))
        assert stored == {"runs": made, "claims": json.loads(json.dumps(summarise(made)))}
    told = capsys.readouterr().out
    assert told.count("\n02 with SEED=6 failed, in cell 4: ZeroDivisionError\n") == told.count("failed") == 2


def test_a_sweep_runs_every_lesson_wanted_on_every_seed(lessons, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "in_parallel", lambda tasks, jobs: asked.append((list(tasks), jobs)) or [])
    sweep(lessons, output=tmp_path / "out")
    sweep(lessons, ["02"], seeds=1, first_seed=7, jobs=3, time_limit=5.0, output=tmp_path / "out")
    paths = [str(lessons / "1_part" / f"{name}.ipynb") for name in ("01_good", "02_other")]
    pairs = list(itertools.product(paths, range(1000, 1020)))
    assert asked[0] == ([(run_seed, (*pair, TIME_LIMIT), {}) for pair in pairs], cores())
    assert asked[1] == ([(run_seed, (paths[1], 7, 5.0), {})], 3)


def test_one_run_gives_the_lesson_its_seed_and_records_claims_in_a_copy_that_is_gone_afterwards(monkeypatch):
    asked = []

    def run(path, copy, parameters, *, time_limit, variables):
        asked.append((path, copy.name, copy.parent.is_dir(), parameters, time_limit, variables))
        asked.append(copy.parent)
        return SimpleNamespace(lesson="01", seconds=1.23456, error="", claims=["c"])

    monkeypatch.setattr(module, "run_lesson", run)
    found = run_seed("book/01_good.ipynb", 7, 5.0)
    assert found == {"lesson": "01", "seed": 7, "seconds": 1.23, "error": "", "claims": ["c"]}
    assert asked[0] == ("book/01_good.ipynb", "01_good.ipynb", True, {"SEED": 7}, 5.0, {"COURSE_CLAIMS": "record"})
    assert not asked[1].exists()


def test_runs_go_to_processes_of_this_machine_where_no_cluster_is_named(monkeypatch):
    made = []
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setattr(joblib, "Parallel", lambda **options: made.append(options) or list)
    assert in_parallel(("a", "b"), 3) == ["a", "b"]
    assert made == [{"n_jobs": 3, "backend": "loky"}]


@pytest.mark.parametrize("seeds", [0, -1])
def test_a_sweep_over_no_seed_is_refused(tmp_path, seeds):
    with pytest.raises(CourseError, match=f"seeds must be at least 1, got {seeds}; for example make sweep SEEDS=20"):
        sweep(tmp_path, seeds=seeds)


def test_a_side_that_keeps_its_distance_is_no_danger_to_a_claim():
    moving = [{"measured": m, "relation": "within", "bound": [0.0, m + 4]} for m in (1.0, 2.0, 3.0)]
    assert margin(moving) == 2.0  # the lower side: mean 2, standard deviation 1


def test_rounding_is_judged_by_the_largest_value():
    assert margin(records([1e6, 1e6 + 1e-9], ">=", 0.0)) == "exact"
    moving = [{"measured": m, "relation": "<=", "bound": m + 0.1} for m in (0.001, 1e6)]
    assert margin(moving) == "with its bound"  # the distance is a tenth, but for the rounding of a million
    assert margin(records([0.0, 1e-9], ">=", -1.0)) == pytest.approx(math.sqrt(2) * 1e9)


def test_table_marks_what_is_narrow_and_says_so_in_words():
    summary = summarise(runs([1.0, 2.0, 3.0], 10.0) + runs([0.2, 1.5, 0.9], lesson="02") + runs([7.0, 7.0], 8.0, "03"))
    head, *rows, legend, false, mark = sweep_table(summary).splitlines()
    assert false == "! 1 claim is false on some seed"
    assert legend.endswith("; exact: the same on every seed")
    assert head.endswith("  margin")
    assert [row.split("  ")[-1].strip() for row in rows] == ["8.0", "0.2 !", "exact"]
    assert legend.startswith("margin: standard deviations over the seeds")
    assert mark == "! 1 claim has a margin of less than 4: expect it to fail on somebody's seed"


def test_the_columns_of_a_table_start_at_the_same_place_in_every_line():
    lines = sweep_table(summarise(runs([1.0], 10.0) + runs([123.4], 1_000.0, "02_a_long_name"))).splitlines()
    assert lines == [
        "lesson          claim  held    worst  bound      seed  margin",
        "01              c      1 of 1  1.0    <= 10.0    5     -",
        "02_a_long_name  c      1 of 1  123.4  <= 1000.0  5     -",
    ]


def test_table_of_sound_claims_has_no_mark_and_that_of_one_seed_no_legend():
    assert sweep_table(summarise(runs([2.0], 1.0))).splitlines()[1:] == [
        "01      c      0 of 1  2.0    <= 1.0  5     - !",
        "! 1 claim is false on some seed",
    ]
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


def test_a_claim_made_on_some_seeds_only_is_told_and_fails(lessons, tmp_path, monkeypatch, capsys):
    made = [{"error": "", **one} for one in runs([1.0, 2.0, 3.0], 10.0)]
    for one in made[1:]:
        one["claims"] = one["claims"] + [{**one["claims"][0], "id": "late"}]
    monkeypatch.setattr(module, "in_parallel", lambda tasks, jobs: made)
    assert sweep(lessons, output=tmp_path / "out") == 1
    told = capsys.readouterr().out
    assert "! 1 claim was not made on every seed" in told
    row = next(line for line in told.splitlines() if " late " in line)
    assert "2 of 3" in row
    assert row.endswith(" !")


def test_a_placebo_on_some_seeds_only_is_told_in_its_row_and_the_runs_are_kept(lessons, tmp_path, monkeypatch, capsys):
    made = [{"error": "", **one} for one in runs([1.0, 2.0, 3.0], 10.0)]
    made[1]["claims"][0]["placebo"] = 11.0
    monkeypatch.setattr(module, "in_parallel", lambda tasks, jobs: made)
    assert sweep(lessons, output=tmp_path / "out") == 1
    assert "mixed !" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))["runs"] == made
    assert margin([records([1.0], ">=", 0.0)[0], records([1.0], "<=", 2.0)[0]]) == "mixed"


def test_an_exact_claim_that_is_false_everywhere_has_its_mark():
    lines = sweep_table(summarise(runs([7.0, 7.0], 6.0))).splitlines()
    assert lines[1].endswith("exact !")
    assert lines[-1] == "! 1 claim is false on some seed"
