"""The offline half of the feature store: every row that was ever written, in one DuckDB file.

Rows are only appended: a correction is a later row. `ingested` numbers the rows of a view in the order of writing.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from utils.features.store.feature_view import TIMES, TYPES, FeatureView
from utils.features.store.typed_columns import column_of

__all__ = ["History"]

PATIENCE = 10.0  # seconds to wait for another process to close the file
# Names with a space can't clash with a view's, which is an identifier.
ARRIVING, TOUCHED = '"arriving rows"', '"keys touched"'
# Keys of which something became known or was written since the last state, and of each the newest row that was known
# at the time of the new one; ties as in `point_in_time_join`.
STATE = """
WITH {touched} AS (
    SELECT DISTINCT {keys} FROM "{view}"
    WHERE event_time <= make_timestamp($until) AND available_time <= make_timestamp($until)
    AND (greatest(event_time, available_time) > make_timestamp($since) OR ingested > $seen)
)
SELECT {columns} FROM "{view}" SEMI JOIN {touched} USING ({keys})
WHERE event_time <= make_timestamp($until) AND available_time <= make_timestamp($until)
QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY event_time DESC, available_time DESC, ingested DESC) = 1
"""
_locks: dict[Path, threading.RLock] = {}


class History:
    """The rows of all views. Threads may share one; of processes, one at a time can have the file open.

    Args:
        path: the file, made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = _locks.setdefault(path.resolve(), threading.RLock())  # one for all who write this file from here
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._users = 0

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the file open for a block of many calls; blocks may overlap, the last one out closes it.

        Raises:
            RuntimeError: another process keeps the file open.
        """
        with self.lock:
            if self._users == 0:
                self._connection = _connected(self.path)
            self._users += 1
        try:
            yield
        finally:
            with self.lock:
                self._users -= 1
                if self._users == 0:
                    self._connection.close()
                    self._connection = None

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a block a connection of its own."""
        with self.opened(), self._connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a block a connection while no other thread and no other process writes; blocks may be nested."""
        with self.lock, self.reading() as cursor:
            yield cursor

    def create(self, view: FeatureView) -> None:
        """Make an empty table for a view that is new, in place of what an interrupted attempt may have left."""
        kinds = {"ingested": "BIGINT", **_column_types(view)}
        columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        with self.writing() as cursor:
            cursor.execute(f'CREATE OR REPLACE TABLE "{view.name}" ({columns})')

    def append(self, view: FeatureView, rows: pd.DataFrame) -> None:
        """Append rows: all of them or, after an error, none.

        Args:
            view: the feature view.
            rows: data frame of the view's columns and times, each of the type declared.
        """
        kinds = _column_types(view)
        values = ", ".join(f'CAST("{column}" AS {kind})' for column, kind in kinds.items())
        columns = ", ".join(f'"{column}"' for column in kinds)
        with self.writing() as cursor:
            cursor.register(ARRIVING.strip('"'), rows[list(kinds)].assign(ingested=np.arange(len(rows))))
            cursor.execute(
                f'INSERT INTO "{view.name}" (ingested, {columns}) SELECT ingested + '
                f'(SELECT 1 + coalesce(max(ingested), -1) FROM "{view.name}"), {values} FROM {ARRIVING} ORDER BY 1'
            )

    def rows(self, view: FeatureView) -> pd.DataFrame:
        """Return all rows of a view in the order of writing: keys, times and features, exactly as declared."""
        kinds = dict.fromkeys(TIMES) | view.keys | view.features
        columns = ", ".join(f'"{column}"' for column in kinds)
        return self._table(f'SELECT {columns} FROM "{view.name}" ORDER BY ingested', kinds)

    def keys(self, view: FeatureView) -> pd.DataFrame:
        """Return each key of a view once."""
        columns = ", ".join(f'"{column}"' for column in view.keys)
        return self._table(f'SELECT DISTINCT {columns} FROM "{view.name}"', view.keys)

    def last(self, view: FeatureView) -> int:
        """Return the number of the row written last, -1 where there is none."""
        with self.reading() as cursor:
            [(last,)] = cursor.execute(f'SELECT coalesce(max(ingested), -1) FROM "{view.name}"').fetchall()
        return last

    def changed(self, view: FeatureView, *, until: int, since: int | None, seen: int) -> list[tuple[Any, ...]]:
        """Return the newest row known at `until` of each key that something has happened to.

        Args:
            view: the feature view.
            until: microseconds since 1970.
            since: the same, of the state before; None for the first.
            seen: number of the row that was written last when the state before was made.

        Returns:
            Rows of the keys, the microseconds since 1970 at which the row happened, and the features.
        """
        keys = ", ".join(f'"{key}"' for key in view.keys)
        columns = f"{keys}, epoch_us(event_time), " + ", ".join(f'"{feature}"' for feature in view.features)
        query = STATE.format(touched=TOUCHED, view=view.name, keys=keys, columns=columns)
        with self.reading() as cursor:
            parameters = {"until": until, "since": until if since is None else since, "seen": seen}
            return cursor.execute(query, parameters).fetchall()

    def _table(self, query: str, kinds: dict[str, type | None]) -> pd.DataFrame:
        """Return a query's result with integers as integers, also beside nulls; None stands for a time."""
        with self.reading() as cursor:
            found = cursor.execute(query).fetchnumpy()
        return pd.DataFrame({name: _column(found[name], kind) for name, kind in kinds.items()})


def _column(found: np.ndarray, kind: type | None) -> pd.Series:
    """Return what DuckDB gives, an array that may be masked, as a column of a declared type, or of times."""
    values = np.ma.getdata(found)
    if kind is None:
        return pd.Series(values)
    return column_of(values, np.ma.getmaskarray(found) | pd.isna(values), kind)


def _column_types(view: FeatureView) -> dict[str, str]:
    kinds = view.keys | view.features
    return {**dict.fromkeys(TIMES, "TIMESTAMP"), **{name: TYPES[kind] for name, kind in kinds.items()}}


def _connected(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the file, waiting a while for another process to close it."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.IOException as error:
            is_taken = "lock" in str(error) or "used by another process" in str(error)
            if not is_taken:
                raise
            if time.monotonic() >= give_up:
                raise RuntimeError(
                    f"folder must not be open in another process, got {path.parent}; close that store, "
                    "or let it leave its opened() block"
                ) from error
            time.sleep(0.02)
