"""A feature store: one definition of a feature, its whole history offline, its newest values online.

The history is a DuckDB file to which rows are only ever appended: a correction is a later row. The online store is
SQLite, or Redis where `REDIS_URL` is set. Each is written by its own code and must agree with the other: `parity`.
"""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from utils.features.skew.parity import replay_parity
from utils.features.store.online_store import RedisOnlineStore, SqliteOnlineStore
from utils.features.store.point_in_time import point_in_time_join

TYPES = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", str: "VARCHAR"}
TIMES = ("event_time", "available_time")
# Keys of which something became known or was ingested since the last state, and of each the newest row that was known
# at the time of the new one; ties as in `point_in_time_join`.
STATE = """
WITH touched AS (
    SELECT DISTINCT {keys} FROM "{view}" WHERE event_time <= $until AND available_time <= $until
    AND (greatest(event_time, available_time) > $since OR ingested > $seen)
)
SELECT {columns} FROM "{view}" SEMI JOIN touched USING ({keys})
WHERE event_time <= $until AND available_time <= $until
QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY event_time DESC, available_time DESC, ingested DESC) = 1
"""
EVER = pd.Timestamp("1900-01-01")


@dataclass(frozen=True)
class FeatureView:
    """The definition of some features that are written together.

    Attributes:
        name: an identifier.
        keys: key column -> type (`int`, `float`, `bool`, `str`).
        features: feature -> type.
        ttl: how old a value may be when it is read, anything that `pandas.Timedelta` reads; None keeps every age.
    """

    name: str
    keys: dict[str, type]
    features: dict[str, type]
    ttl: pd.Timedelta | None = None
    columns: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        for what, named in (("keys", self.keys), ("features", self.features)):
            if not named or set(named.values()) - set(TYPES):
                raise ValueError(f"{what} must map names to int, float, bool or str, got {named!r}; name at least one")
        columns = [*self.keys, *self.features]
        for name in (self.name, *columns):
            if not name.isidentifier() or name.lower() in (*TIMES, "ingested"):
                raise ValueError(f"name must be an identifier and not the name of a time, got {name!r}; rename it")
        if len({name.lower() for name in columns}) < len(columns):
            raise ValueError(f"features must not repeat names, got {columns}; rename one")
        object.__setattr__(self, "columns", columns)
        if self.ttl is not None:
            object.__setattr__(self, "ttl", pd.Timedelta(self.ttl))
            if not self.ttl > pd.Timedelta(0):
                raise ValueError(f"ttl must be positive, got {self.ttl}; use None to keep every value")


class FeatureStore:
    """Offline and online store of features in one folder.

    Args:
        folder: where the history and the definitions are kept, made if it is not there.
        online: the online store; if None, Redis at the address in `REDIS_URL`, else SQLite in the folder.
    """

    def __init__(self, folder, online=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if online is None:
            url = os.environ.get("REDIS_URL")
            prefix = f"features:{self.folder.resolve().name}"
            online = RedisOnlineStore(url, prefix) if url else SqliteOnlineStore(self.folder / "online.sqlite")
        self.online, self._opened = online, None

    def close(self):
        """Close the online store."""
        self.online.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Definitions

    def register(self, view):
        """Add a feature view; the same one again changes nothing.

        Raises:
            ValueError: another view has this name.
        """
        known = self._views()
        if known.setdefault(view.name, view) != view:
            raise ValueError(
                f"view must have a name of its own, {view.name} is {known[view.name]}; choose another name"
            )
        kinds = {**view.keys, "event_time": None, "available_time": None, **view.features}
        columns = ", ".join(f'"{name}" {TYPES.get(kind, "TIMESTAMP")}' for name, kind in kinds.items())
        with self._history() as history:
            history.execute(f'CREATE TABLE IF NOT EXISTS "{view.name}" (ingested BIGINT, {columns})')
        written = self.folder / "views.json.new"
        written.write_text(json.dumps({name: _written(view) for name, view in known.items()}, indent=1))
        written.replace(self.folder / "views.json")

    def view(self, name):
        """Return the feature view of this name."""
        known = self._views()
        if name not in known:
            raise ValueError(f"name must be one of the views {sorted(known)}, got {name!r}; register it first")
        return known[name]

    def _views(self):
        path = self.folder / "views.json"
        return {name: _read(name, view) for name, view in json.loads(path.read_text()).items()} if path.exists() else {}

    @contextmanager
    def _history(self):
        if self._opened is not None:
            yield self._opened
            return
        with duckdb.connect(str(self.folder / "offline.duckdb")) as connection:
            yield connection

    @contextmanager
    def opened(self):
        """Keep history open for a block of many calls: faster, but meanwhile no other process can open it."""
        with self._history() as connection:
            before, self._opened = self._opened, connection
            try:
                yield self
            finally:
                self._opened = before

    # Offline

    def ingest(self, name, rows):
        """Append rows to a view's history: all of them or, after an error, none.

        Args:
            name: the feature view.
            rows: data frame with the view's keys and features, `event_time` and `available_time` (UTC if they have no
                zone). Rows without an `available_time` never arrived and are left out.

        Returns:
            how many rows were appended.

        Raises:
            ValueError: a missing column, a null key or `event_time`.
        """
        view = self.view(name)
        missing = [column for column in (*view.columns, *TIMES) if column not in rows.columns]
        if missing:
            raise ValueError(f"rows must have the columns {missing}, got {list(rows.columns)}; add them")
        rows = rows.assign(**{column: _utc(rows[column], column) for column in TIMES})
        rows = rows[rows["available_time"].notna()]
        null = [column for column in (*view.keys, "event_time") if rows[column].isna().any()]
        if null:
            raise ValueError(f"rows must have no nulls in {null}; drop or repair those rows first")
        kinds = {**dict.fromkeys(TIMES, "TIMESTAMP"), **{k: TYPES[t] for k, t in (view.keys | view.features).items()}}
        arriving = rows[list(kinds)].assign(ingested=np.arange(len(rows)))  # read by name in the statement below
        values = ", ".join(f'CAST("{column}" AS {kind})' for column, kind in kinds.items())
        columns = ", ".join(f'"{column}"' for column in kinds)
        with self._history() as history:
            history.register("arriving", arriving)
            history.execute(
                f'INSERT INTO "{name}" (ingested, {columns}) SELECT ingested + '
                f'(SELECT 1 + coalesce(max(ingested), -1) FROM "{name}"), {values} FROM arriving ORDER BY 1'
            )
        return len(rows)

    def backfill(self, name, rows, *, delay):
        """Append values computed after the fact, as if the pipeline had run all along, and refresh the online store.

        Args:
            name: the feature view.
            rows: as for `ingest`, without `available_time`.
            delay: how long after `event_time` the pipeline would have had a value. Zero would claim that it was known
                the moment it happened, so there is no default.

        Returns:
            how many rows were appended.
        """
        if not pd.Timedelta(delay) >= pd.Timedelta(0):
            raise ValueError(f"delay must be at least 0, got {delay}; use what the pipeline takes, such as '2h'")
        if "event_time" not in rows.columns:
            raise ValueError(f"rows must have the column event_time, got {list(rows.columns)}; add it")
        happened = _utc(rows["event_time"], "event_time")
        appended = self.ingest(name, rows.assign(event_time=happened, available_time=happened + pd.Timedelta(delay)))
        if self.online.written(name):
            self.materialize(name, pd.Timestamp(self.online.written(name)[0], unit="us"))
        return appended

    def get_historical(self, names, entities, *, on="event_time"):
        """Return the features that could be known at each entity row's time: the training set.

        Args:
            names: a feature view or a list of them.
            entities: data frame with the views' keys and a time.
            on: the column of that time (UTC if it has no zone).

        Returns:
            the entity rows, in their order and with their index, and the features of all views.
        """
        joined = entities
        for name in [names] if isinstance(names, str) else names:
            view = self.view(name)
            absent = [column for column in (*view.keys, on) if column not in entities.columns]
            if absent:
                raise ValueError(f"entities must have the columns {absent}, got {list(entities.columns)}; add them")
            taken = [feature for feature in view.features if feature in joined.columns]
            if taken:
                raise ValueError(f"entities must not have columns named as features, got {taken}; rename them")
            columns = ", ".join(f'"{column}"' for column in (*view.keys, *TIMES, *view.features))
            with self._history() as history:
                rows = history.execute(f'SELECT {columns} FROM "{name}" ORDER BY ingested').df()
            asked = entities[list(view.keys)].assign(event_time=_utc(entities[on], on))
            found = point_in_time_join(asked, rows, by=list(view.keys), ttl=view.ttl)
            joined = pd.concat([joined, found[list(view.features)]], axis=1)
        return joined

    # Online

    def materialize(self, name, until):
        """Bring the online store to the state at a time: each key's newest row that was known by then.

        Only keys that something has happened to since the last state are written. Killed on the way, it leaves whole
        rows; run again, it finishes.

        Args:
            name: the feature view.
            until: the time, UTC if it has no zone, never before the last one.

        Returns:
            how many rows were written.
        """
        view, until = self.view(name), _instant(until, "until")
        before, seen = self.online.written(name) or (None, -1)
        if before is not None and _microseconds(until) < before:
            raise ValueError(f"until must not be before the last state, {pd.Timestamp(before, unit='us')}, got {until}")
        keys = ", ".join(f'"{key}"' for key in view.keys)
        columns = f"{keys}, epoch_us(event_time), " + ", ".join(f'"{feature}"' for feature in view.features)
        since = EVER if before is None else pd.Timestamp(before, unit="us")
        with self._history() as history:
            [(last,)] = history.execute(f'SELECT coalesce(max(ingested), -1) FROM "{name}"').fetchall()
            query = STATE.format(columns=columns, view=name, keys=keys)
            rows = history.execute(query, {"until": until, "since": since, "seen": seen}).fetchall()
        n = len(view.keys)
        self.online.write(name, ((row[:n], row[n:]) for row in rows), (_microseconds(until), last))
        return len(rows)

    def get_online(self, name, keys, *, now):
        """Return the features of some keys as the online store has them, null where there is none or it is too old.

        Args:
            name: the feature view.
            keys: data frame with the key columns, or a list of values where the view has one key.
            now: the time of reading, UTC if it has no zone; it decides what is too old.

        Returns:
            data frame, one row a key, in that order: the keys and the features.
        """
        view = self.view(name)
        if not isinstance(keys, pd.DataFrame):
            keys = pd.DataFrame({next(iter(view.keys)): list(keys)})
        if set(view.keys) - set(keys.columns):
            raise ValueError(f"keys must have the columns {list(view.keys)}, got {list(keys.columns)}; add them")
        asked = list(zip(*(keys[key].astype(kind).tolist() for key, kind in view.keys.items()), strict=True))
        oldest = -np.inf if view.ttl is None else _microseconds(_instant(now, "now") - view.ttl)
        found = [
            row[1:] if row and row[0] >= oldest else [None] * len(view.features)
            for row in self.online.read(name, asked)
        ]
        values = zip(*found, strict=True) if found else [[]] * len(view.features)
        kinds = [float if kind is int else kind for kind in view.features.values()]
        columns = {
            feature: pd.Series(list(column), dtype=kind if kind is float else object)
            for (feature, kind), column in zip(zip(view.features, kinds, strict=True), values, strict=True)
        }
        return pd.concat([keys[list(view.keys)].reset_index(drop=True), pd.DataFrame(columns)], axis=1)

    def parity(self, name):
        """Compare both sides: what the online store has with what history says of the time it was written for.

        Returns:
            `utils.features.skew.parity.Parity`.

        Raises:
            ValueError: the view has not been materialized, or has no rows.
        """
        view, written = self.view(name), self.online.written(name)
        if written is None:
            raise ValueError(f"name must be a view that was materialized, {name} was not; call materialize first")
        until, keys = pd.Timestamp(written[0], unit="us"), list(view.keys)
        with self._history() as history:
            known = history.execute(f'SELECT DISTINCT {", ".join(keys)} FROM "{name}"').df()
        recomputed = self.get_historical(name, known.assign(event_time=until)).drop(columns="event_time")
        return replay_parity(self.get_online(name, known, now=until), recomputed, key=keys)


def _written(view):
    named = {what: {k: kind.__name__ for k, kind in getattr(view, what).items()} for what in ("keys", "features")}
    return named | {"ttl": None if view.ttl is None else view.ttl.isoformat()}


def _read(name, view):
    kinds = {kind.__name__: kind for kind in TYPES}
    keys, features = ({k: kinds[kind] for k, kind in view[what].items()} for what in ("keys", "features"))
    return FeatureView(name, keys, features, view["ttl"])


def _utc(column, name):
    """Return a column of times in UTC, without zone, in microseconds."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        raise ValueError(f"{name} must be a column of times, got {column.dtype}; use pandas.to_datetime")
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return column.astype("datetime64[us]")


def _instant(time, name):
    time = pd.Timestamp(time)
    if time is pd.NaT:
        raise ValueError(f"{name} must be a time, got NaT; pass the time of the state")
    return time if time.tz is None else time.tz_convert("UTC").tz_localize(None)


def _microseconds(time):
    return time.value // 1_000
