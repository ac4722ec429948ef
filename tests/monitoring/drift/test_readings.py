"""What a day reads: each test by scipy or by hand, one row a visit; lines by the mean and deviation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from utils.monitoring.drift.calibration import calibration_gap
from utils.monitoring.drift.readings import SINGLE_FEATURE_TESTS, alarm_lines, readings


def some_rows(seed, n=2_000, shift=0.0, turned=1):
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 1, n)
    b = 0.9 * turned * a + rng.normal(0, np.sqrt(1 - 0.81), n)
    score = rng.random(n)
    rows = pd.DataFrame({"a": a + shift, "b": b, "session_id": np.arange(n), "score": score})
    return rows.assign(clicked=(rng.random(n) < score).astype(float))


def test_single_features_and_scores_read_what_scipy_says():
    before, after = some_rows(0), some_rows(1, shift=0.5)
    read = readings(before, after, ["a", "b"])
    for name in ("a", "b"):
        assert np.isclose(read["KS", name], stats.ks_2samp(before[name], after[name]).statistic)
    assert np.isclose(read["scores", ""], stats.ks_2samp(before["score"], after["score"]).statistic)
    edges = np.quantile(before["a"], np.linspace(0, 1, 11)[1:-1])
    shares = [np.bincount(np.searchsorted(edges, x["a"]), minlength=10) / len(x) for x in (before, after)]
    assert np.isclose(read["JS", "a"] ** 2, jensenshannon(*shares, base=2) ** 2, rtol=0.02)
    assert read["PSI", "a"] > 10 * read["PSI", "b"]
    assert set(read.index.get_level_values(0)) == {*SINGLE_FEATURE_TESTS, "joint", "scores", "calibration"}


def test_only_the_joint_test_sees_features_that_go_together_otherwise():
    before = some_rows(0)
    same, turned = (readings(before, some_rows(1, turned=sign), ["a", "b"]) for sign in (1, -1))
    assert turned["joint", ""] > 0.3 > 0.1 > abs(same["joint", ""])
    assert turned[SINGLE_FEATURE_TESTS].max() < 0.1


def test_repeated_rows_of_a_visit_count_once():
    before, after = some_rows(0), some_rows(1)
    often = pd.concat([after] + [after.iloc[:10]] * 500)
    for name in ("a", "b"):
        expected = stats.ks_2samp(before[name], after[name]).statistic
        assert np.isclose(readings(before, often, ["a", "b"])["KS", name], expected)


def test_rows_without_an_outcome_leave_calibration_alone():
    before, after = some_rows(0), some_rows(1)
    after.loc[::2, "clicked"] = np.nan
    shown = after.dropna()
    expected = calibration_gap(shown["score"], shown["clicked"])
    assert readings(before, after, ["a", "b"])["calibration", ""] == expected


@pytest.mark.parametrize(("side", "column"), [(0, "a"), (0, "score"), (1, "clicked"), (1, "session_id")])
def test_a_missing_column_is_told(side, column):
    frames = [some_rows(0), some_rows(1)]
    frames[side] = frames[side].drop(columns=column)
    with pytest.raises(ValueError, match=("before", "after")[side]):
        readings(*frames, ["a", "b"])


def test_lines_are_mean_plus_deviations():
    quiet = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [5.0, 5.0, 5.0]})
    assert alarm_lines(quiet).to_dict() == {"x": 2 + 4 * 1.0, "y": 5.0}
    assert alarm_lines(quiet, deviations=1)["x"] == 3
    for wrong, remedy in ((quiet.iloc[:1], 4.0), (quiet, 0.0)):
        with pytest.raises(ValueError, match=r"quiet|deviations"):
            alarm_lines(wrong, deviations=remedy)


def test_the_gap_of_calibration_was_worked_out_by_hand():
    score, clicked = [0.9, 0.2, 0.1, 0.8], [1, 0, 1, 0]  # bins {.1, .2} and {.8, .9}: rates .5 and .5, rate .5
    assert np.isclose(calibration_gap(score, clicked, bins=2), (0.35 + 0.35) / 2 / 0.5)
    assert np.isclose(calibration_gap(score, clicked, bins=1), 0)
    assert np.isclose(calibration_gap(score, clicked, bins=4), (0.9 + 0.2 + 0.8 + 0.1) / 4 / 0.5)


@pytest.mark.parametrize(
    ("score", "clicked", "bins", "argument"),
    [
        ([0.1], [1, 0], 1, "clicked"),
        ([0.1, np.nan], [1, 0], 1, "score"),
        ([0.1, 0.2], [1, np.nan], 1, "clicked"),
        ([0.1, 0.2], [0, 0], 1, "clicked"),
        ([0.1, 0.2], [1, 0], 3, "bins"),
    ],
)
def test_what_has_no_gap_is_refused(score, clicked, bins, argument):
    with pytest.raises(ValueError, match=argument):
        calibration_gap(score, clicked, bins=bins)
