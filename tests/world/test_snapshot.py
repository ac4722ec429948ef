"""The snapshot is what its checksums and a fresh simulation say, on every machine."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from utils.world import snapshot


def stated():
    lines = (snapshot.DATA / "checksums.txt").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_the_files_are_those_of_the_checksums():
    for name in ("users.csv", "dishes.csv", "cities.csv", "log.parquet"):
        content = (snapshot.DATA / name).read_bytes()
        if not name.endswith("parquet"):
            content = content.replace(b"\r\n", b"\n")
        assert hashlib.sha256(content).hexdigest() == stated()[name]


def test_a_fresh_simulation_has_the_stated_content():
    tables = snapshot.build()
    for name, table in tables.items():
        assert snapshot.content_hash(table) == stated()[f"content of {name}"], name


def test_the_files_hold_the_stated_content_and_join():
    tables = {name: snapshot.read(name) for name in snapshot.TABLES}
    for name, table in tables.items():
        assert snapshot.content_hash(table) == stated()[f"content of {name}"], name
    joined = tables["log"].merge(tables["users"], on="user_id").merge(tables["dishes"], on="dish_id")
    assert len(joined.merge(tables["cities"], on="city")) == len(tables["log"]) == 560_000


def test_the_snapshot_is_small():
    assert sum(path.stat().st_size for path in snapshot.DATA.glob("*.*")) < 10_000_000


def test_the_content_hash_sees_every_kind_of_change():
    table = pd.DataFrame(
        {
            "a": [1, 2],
            "b": [0.5, 0.25],
            "c": [True, False],
            "d": ["x", "y"],
            "e": np.array(["2024-01-01", "NaT"], "datetime64[us]"),
        }
    )
    changed = [
        table.assign(a=[1, 3]),
        table.assign(b=[0.5, 0.25 + 1e-8]),
        table.assign(c=[True, True]),
        table.assign(d=["x", "z"]),
        table.assign(e=np.array(["2024-01-01", "2024-01-02"], "datetime64[us]")),
        table.rename(columns={"a": "z"}),
        table[::-1],
    ]
    assert len({snapshot.content_hash(other) for other in [table, *changed]}) == 8
    assert snapshot.content_hash(table.assign(b=table["b"] + 1e-12)) == snapshot.content_hash(table)


def test_check_says_which_file_was_changed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(snapshot, "WORLD", {"seed": 1, "n_users": 50, "n_dishes": 20, "days": 2})
    monkeypatch.setattr(snapshot, "SESSIONS_PER_DAY", 20)
    folder = ["--folder", str(tmp_path)]
    assert snapshot.main(folder) == 0
    assert snapshot.main(["--check", *folder]) == 0
    first = (tmp_path / "checksums.txt").read_text(encoding="utf-8")
    path = tmp_path / "dishes.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("served", "SERVED").replace("with", "WITH"), encoding="utf-8"
    )
    capsys.readouterr()
    assert snapshot.main(["--check", *folder]) == 1
    said = capsys.readouterr().out
    assert "dishes.csv" in said
    assert "users" not in said
    monkeypatch.setattr(snapshot, "SESSIONS_PER_DAY", 40)
    assert snapshot.main(["--check", *folder]) == 1
    assert "a fresh simulation of log differs" in capsys.readouterr().out
    monkeypatch.setattr(snapshot, "SESSIONS_PER_DAY", 20)
    assert snapshot.main(folder) == 0
    assert (tmp_path / "checksums.txt").read_text(encoding="utf-8") == first  # the same bytes again


def test_a_missing_folder_and_an_unknown_table_are_named(tmp_path, capsys):
    assert snapshot.main(["--folder", str(tmp_path / "none")]) == 1
    assert "not a folder" in capsys.readouterr().out
    with pytest.raises(ValueError, match="table"):
        snapshot.read("orders")


def test_a_folder_without_the_files_is_told_so(tmp_path, capsys):
    for table in snapshot.TABLES:
        with pytest.raises(ValueError, match=r"folder must hold .*; write it with python -m utils.world.snapshot"):
            snapshot.read(table, tmp_path)
    assert snapshot.main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{name} is not there" for name in ("users.csv", "dishes.csv", "cities.csv", "log.parquet")] + [
        "checksums.txt is not there"
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e10])
def test_a_number_that_is_missing_or_too_large_has_no_content(value):
    with pytest.raises(ValueError, match="revenue must"):
        snapshot.content_hash(pd.DataFrame({"revenue": [1.0, value]}))


def test_content_does_not_depend_on_the_unit_of_times_or_the_width_of_numbers():
    times = np.array(["2024-01-01", "NaT"], "datetime64[us]")
    table = pd.DataFrame({"n": [1, 2], "t": times, "x": [0.5, -9e9]})
    other = pd.DataFrame({"n": np.array([1, 2], np.int16), "t": times.astype("datetime64[ns]"), "x": table["x"]})
    assert snapshot.content_hash(table) == snapshot.content_hash(other)
