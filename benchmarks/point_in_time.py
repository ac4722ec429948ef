"""A million questions to a million feature rows, beside raw DuckDB, pandas and, where it is there, Feast, as ratios.

The raw joins know one time only. Ours is asked for both times (rows arrive late) and for one. The best of several runs
counts, the joins taking turns.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd

from utils.features.store.point_in_time import point_in_time_join
from utils.foundation.timing import best_seconds

N, N_KEYS, RUNS = 1_000_000, 20_000, 5
DAYS = 60 * 86_400 * 10**6  # microseconds
MEAN_DELAY = 3_600 * 10**6


def tables(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a million questions in any order and a million feature rows in order of time."""
    rng = np.random.default_rng(seed)

    def times(values):
        return (np.datetime64("2024-01-01", "us") + values).astype("datetime64[us]")

    happened = np.sort(rng.integers(0, DAYS, N))
    arrived = happened + rng.exponential(MEAN_DELAY, N).astype(np.int64)
    features = {"key": rng.integers(0, N_KEYS, N), "event_time": times(happened), "available_time": times(arrived)}
    entities = {"key": rng.integers(0, N_KEYS, N), "event_time": times(rng.integers(0, DAYS, N))}
    return pd.DataFrame(entities), pd.DataFrame({**features, "value": rng.random(N)})


def take_turns(joins: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest time of each join in seconds."""
    best = dict.fromkeys(joins, np.inf)
    for _ in range(RUNS):
        for name, join in joins.items():
            best[name] = min(best[name], best_seconds(join, repeats=1))
    return best


def main() -> None:
    entities, features = tables()
    one_time = features.drop(columns="available_time")
    shuffled = features.sample(frac=1, random_state=0)
    database = duckdb.connect()
    database.register("entities", entities)
    database.register("features", one_time)
    raw = (
        "SELECT e.*, value FROM entities e ASOF LEFT JOIN features f ON e.key = f.key AND e.event_time >= f.event_time"
    )
    seconds = take_turns(
        {
            "raw DuckDB ASOF JOIN": lambda: database.execute(raw).df(),
            "event time and availability": lambda: point_in_time_join(entities, features, by="key"),
            "the same, features in any order": lambda: point_in_time_join(entities, shuffled, by="key"),
            "event time only": lambda: point_in_time_join(entities, one_time, by="key", available=None),
            "pandas merge_asof, sort included": lambda: pd.merge_asof(
                entities.sort_values("event_time"), one_time, on="event_time", by="key"
            ).sort_index(),
        }
    )
    base = seconds.pop("raw DuckDB ASOF JOIN")
    print(f"{N:,} questions, {N:,} feature rows, {N_KEYS:,} keys; times relative to raw DuckDB ASOF JOIN (bar: 1.5)")
    for name, value in seconds.items():
        print(f"{name}: {value / base:.2f}")
    if importlib.util.find_spec("feast") is None:
        print("Feast: not in this environment; tests/production compares its answers")


if __name__ == "__main__":
    main()
