"""The snapshot in `data/`: a small world as files, for whoever wants the tables without the simulator.

python -m utils.world.snapshot            write it anew
python -m utils.world.snapshot --check    compare the files with a fresh simulation
"""

import argparse
import hashlib
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from utils.foundation import checks
from utils.foundation.checkout import CHECKOUT
from utils.world.world import World

__all__ = [
    "CHECKSUMS",
    "DATA",
    "SESSIONS_PER_DAY",
    "TABLES",
    "WORLD",
    "build",
    "content_hash",
    "differences",
    "file_hash",
    "file_name",
    "main",
    "read",
    "write",
]

DATA = CHECKOUT / "data"
WORLD = {"seed": 0, "n_users": 4_000, "n_dishes": 200, "days": 28}
SESSIONS_PER_DAY = 2_000
TABLES = ("users", "dishes", "cities", "log")
CHECKSUMS = "checksums.txt"
LARGEST = 2**63 / 1e9 - 1  # whose billionths are counted by 64 bits


def build() -> dict[str, pd.DataFrame]:
    """Simulate the world of the snapshot and return its tables by name."""
    world = World(**WORLD)
    log = world.simulate(sessions_per_day=SESSIONS_PER_DAY)
    return {
        "users": world.users,
        "dishes": world.dishes,
        "cities": world.cities,
        "log": log.assign(propensity=log["propensity"].round(9)),
    }


def content_hash(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's names and values, whatever the file format; floats count to nine decimals.

    Args:
        table: columns of numbers, booleans, texts, or times, of which only times may be missing.

    Raises:
        ValueError: numbers that are missing or infinite, or too large for nine decimals.
    """
    digest = hashlib.sha256()
    for name in table.columns:
        values = table[name].to_numpy()
        if values.dtype.kind == "M":
            values = values.astype("datetime64[us]").astype("<i8")
        elif values.dtype.kind == "f":
            checks.array(name, values, low=-LARGEST, high=LARGEST)
            values = np.rint(values * 1e9).astype("<i8")
        elif values.dtype.kind in "iub":
            values = values.astype("<i8")
        else:
            values = np.frombuffer("\n".join(table[name]).encode(), dtype=np.uint8)
        digest.update(name.encode() + b"\0" + values.tobytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; line ends of text count as one character, as git may change them."""
    content = path.read_bytes()
    return hashlib.sha256(content if path.suffix == ".parquet" else content.replace(b"\r\n", b"\n")).hexdigest()


def file_name(table: str) -> str:
    """Return the name of the file that holds a table."""
    return "log.parquet" if table == "log" else f"{table}.csv"


def read(table: str, folder: Path = DATA) -> pd.DataFrame:
    """Return a table of the snapshot.

    Args:
        table: "users", "dishes", "cities" or "log".
        folder: where its file is.

    Raises:
        ValueError: another table, or no such file.
    """
    path = folder / file_name(checks.choice("table", table, TABLES))
    if not path.is_file():
        raise ValueError(f"folder must hold {path.name}, got {folder}; write it with python -m utils.world.snapshot")
    if table != "log":
        return pd.read_csv(path)
    with duckdb.connect() as connection:
        return connection.read_parquet(str(path)).df()


def write(folder: Path = DATA) -> None:
    """Write the four tables and their checksums into a folder."""
    lines = []
    for name, table in build().items():
        path = folder / file_name(name)
        if name == "log":
            with duckdb.connect(config={"threads": 1}) as connection:
                connection.from_df(table).write_parquet(str(path), compression="zstd")
        else:
            table.to_csv(path, index=False, lineterminator="\n")
        lines += [f"{file_hash(path)}  {path.name}", f"{content_hash(table)}  content of {name}"]
    (folder / CHECKSUMS).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def differences(folder: Path = DATA) -> list[str]:
    """Return what differs between the files, their checksums and a fresh simulation; nothing if all agree."""
    missing = [name for name in (*map(file_name, TABLES), CHECKSUMS) if not (folder / name).is_file()]
    if missing:
        return [f"{name} is not there" for name in missing]
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    stated = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    found = []
    for name, table in build().items():
        path = folder / file_name(name)
        if file_hash(path) != stated.get(path.name):
            found.append(f"{path.name} is not the file that {CHECKSUMS} describes")
        if content_hash(table) != stated.get(f"content of {name}"):
            found.append(f"a fresh simulation of {name} differs from {CHECKSUMS}")
        if content_hash(read(name, folder)) != stated.get(f"content of {name}"):
            found.append(f"the content of {path.name} differs from {CHECKSUMS}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write or check the snapshot; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.world.snapshot", description="Write the snapshot in data/.")
    parser.add_argument("--check", action="store_true", help="compare the files with a fresh simulation instead")
    parser.add_argument("--folder", type=Path, default=DATA, help="where the files are (default: data/)")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder} is not a folder; make it first")
        return 1
    if not options.check:
        write(options.folder)
        return 0
    found = differences(options.folder)
    print("\n".join(found) or "The snapshot is what the world says.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
