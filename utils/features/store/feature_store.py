"""A feature store: one definition of a feature, its whole history offline, its newest values online.

The history is a DuckDB file to which rows are only ever appended. The online store is SQLite, or Redis where
`REDIS_URL` is set. Each is written by its own code and must agree with the other: `parity`.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from utils.features.frames import check_columns
from utils.features.skew.parity import Parity, replay_parity
from utils.features.store.definitions import Definitions
from utils.features.store.feature_view import TIMES, FeatureView
from utils.features.store.history import History
from utils.features.store.online_store import OnlineStore, RedisOnlineStore, SqliteOnlineStore
from utils.features.store.point_in_time import point_in_time_join
from utils.features.store.typed_columns import column_of, typed
from utils.features.times import duration, microseconds_of, moment, timestamp, whole_units

__all__ = ["FeatureStore"]


class FeatureStore:
    """Offline and online store of features in one folder. Threads may share one.

    Args:
        folder: where the history and the definitions are kept, made if it is not there.
        online: the online store; if None, Redis at the address in `REDIS_URL`, else SQLite in the folder.
    """

    def __init__(self, folder: str | os.PathLike[str], online: OnlineStore | None = None) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if online is None:
            url = os.environ.get("REDIS_URL")
            online = (
                RedisOnlineStore(url, _prefix(self.folder)) if url else SqliteOnlineStore(self.folder / "online.sqlite")
            )
        self.online = online
        self._definitions = Definitions(self.folder / "views.json")
        self._history = History(self.folder / "offline.duckdb")

    def close(self) -> None:
        """Close the online store."""
        self.online.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Definitions

    def register(self, view: FeatureView) -> None:
        """Add a feature view; the same one again changes nothing. Several writers may do so at once.

        Args:
            view: the definition.

        Raises:
            ValueError: another view has this name, be it in other case.
            RuntimeError: another process keeps the history open.
        """
        with self._history.writing():
            known = self._definitions.read()
            same_name = [name for name in known if name.lower() == view.name.lower()]
            if [known[name] for name in same_name] == [view]:
                return
            if same_name:
                taken = known[same_name[0]]
                raise ValueError(f"view must have a name of its own, {view.name} is {taken}; choose another name")
            self._history.create(view)
            self._definitions.write({**known, view.name: view})

    def view(self, name: str) -> FeatureView:
        """Return the feature view of this name.

        Raises:
            ValueError: there is none.
        """
        with self._history.lock:
            known = self._definitions.read()
        if name not in known:
            raise ValueError(f"name must be one of the views {sorted(known)}, got {name!r}; register it first")
        return known[name]

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """Keep history open for a block of many calls: faster, but meanwhile no other process can open it."""
        with self._history.opened():
            yield self

    # Offline

    def ingest(self, name: str, rows: pd.DataFrame) -> int:
        """Append rows to a view's history: all of them or, after an error, none.

        Args:
            name: the feature view.
            rows: data frame with the view's keys and features, `event_time` and `available_time` (UTC if they have no
                zone). Rows without an `available_time` never arrived and are left out. Times are kept in microseconds,
                rounded up, so that nothing is known before it was.

        Returns:
            How many rows were appended.

        Raises:
            ValueError: a missing column, a null key or `event_time`, or a value that is not of its declared type.
        """
        view = self.view(name)
        check_columns("rows", rows, (*view.columns, *TIMES))
        rows = rows.assign(**{column: microseconds_of(column, rows[column], round_up=True) for column in TIMES})
        rows = rows[rows["available_time"].notna()]
        null = [column for column in (*view.keys, "event_time") if rows[column].isna().any()]
        if null:
            raise ValueError(f"rows must have no nulls in {null}; drop or repair those rows first")
        kinds = view.keys | view.features
        self._history.append(
            view, rows.assign(**{column: typed(column, rows[column], kinds[column]) for column in kinds})
        )
        return len(rows)

    def backfill(self, name: str, rows: pd.DataFrame, *, delay: Any) -> int:
        """Append values computed after the fact, as if the pipeline had run all along, and refresh the online store.

        Args:
            name: the feature view.
            rows: as for `ingest`, without `available_time`.
            delay: how long after `event_time` the pipeline would have had a value, anything that `pandas.Timedelta`
                reads. Zero would claim that it was known the moment it happened, so there is no default.

        Returns:
            How many rows were appended.

        Raises:
            ValueError: a negative delay, or as for `ingest`.
        """
        delay = duration("delay", delay, "use what the pipeline takes, such as '2h'", zero=True)
        check_columns("rows", rows, ["event_time"])
        happened = microseconds_of("event_time", rows["event_time"], round_up=True)
        arrived = happened + np.timedelta64(-whole_units(-delay, "us"), "us")
        with self._history.writing():
            appended = self.ingest(name, rows.assign(event_time=happened, available_time=arrived))
            written = self.online.written(name)
            if written:
                self.materialize(name, timestamp(written[0]))
        return appended

    def get_historical(
        self, names: str | Sequence[str], entities: pd.DataFrame, *, on: str = "event_time"
    ) -> pd.DataFrame:
        """Return the features that could be known at each entity row's time: the training set.

        Args:
            names: a feature view or a list of them.
            entities: data frame with the views' keys and a time.
            on: the column of that time (UTC if it has no zone).

        Returns:
            The entity rows, in their order and with their index, and the features of all views: int as Int64, float as
            float64, bool as boolean, str as object.

        Raises:
            ValueError: a missing column, a column named as a feature, a key that is not of its declared type.
        """
        joined = entities
        for name in [names] if isinstance(names, str) else names:
            view = self.view(name)
            check_columns("entities", entities, (*view.keys, on))
            taken = [feature for feature in view.features if feature in joined.columns]
            if taken:
                raise ValueError(f"entities must not have columns named as features, got {taken}; rename them")
            asked = pd.DataFrame({key: typed(key, entities[key], kind) for key, kind in view.keys.items()})
            asked["event_time"] = microseconds_of(on, entities[on])
            found = point_in_time_join(asked, self._history.rows(view), by=list(view.keys), ttl=view.ttl)
            joined = pd.concat([joined, found[list(view.features)]], axis=1)
        return joined

    # Online

    def materialize(self, name: str, until: Any) -> int:
        """Bring the online store to the state at a time: each key's newest row that was known by then.

        Only keys that something has happened to since the last state are written. Killed on the way, it leaves whole
        rows; run again, it finishes.

        Args:
            name: the feature view.
            until: the time, UTC if it has no zone, never before the last one.

        Returns:
            How many rows were written.

        Raises:
            ValueError: not a time, or one before the last state.
        """
        view, until = self.view(name), moment("until", until)
        with self._history.writing():  # nobody else may write an older state meanwhile
            before, seen = self.online.written(name) or (None, -1)
            if before is not None and until < before:
                raise ValueError(
                    f"until must not be before the last state, {timestamp(before)}, got {timestamp(until)}; "
                    "pass that time or a later one"
                )
            last = self._history.last(view)
            rows = self._history.changed(view, until=until, since=before, seen=seen)
            n = len(view.keys)
            self.online.write(name, ((row[:n], row[n:]) for row in rows), (until, last))
        return len(rows)

    def get_online(self, name: str, keys: pd.DataFrame | Iterable[Any], *, now: Any) -> pd.DataFrame:
        """Return the features of some keys as the online store has them, null where there is none or it is too old.

        Args:
            name: the feature view.
            keys: data frame with the key columns, or a list of values where the view has one key. A null key has no
                features.
            now: the time of reading, UTC if it has no zone; it decides what is too old.

        Returns:
            Data frame, one row a key, in that order: the keys as given and the features, typed as by `get_historical`.

        Raises:
            ValueError: a missing key column, a key that is not of its declared type, `now` that is no time.
        """
        view, oldest = self.view(name), moment("now", now)
        oldest -= view.oldest_age
        keys = _key_columns(view, keys)
        columns = [typed(key, keys[key], kind).astype(object) for key, kind in view.keys.items()]
        asked = list(zip(*(column.where(column.notna(), None).tolist() for column in columns), strict=True))
        found = [row[1:] if row and row[0] >= oldest else None for row in self.online.read(name, asked)]
        nothing = [None] * len(view.features)
        table = np.array([row or nothing for row in found], dtype=object).reshape(len(found), len(nothing))
        features = {
            feature: column_of(table[:, place], pd.isna(table[:, place]), kind)
            for place, (feature, kind) in enumerate(view.features.items())
        }
        return pd.concat([keys, pd.DataFrame(features)], axis=1)

    def parity(self, name: str) -> Parity:
        """Compare both sides: what the online store has with what history says of the time it was written for.

        Args:
            name: the feature view.

        Raises:
            ValueError: the view has not been materialized, or has no rows.
        """
        view = self.view(name)
        with self._history.writing():
            written = self.online.written(name)
            if written is None:
                raise ValueError(f"name must be a view that was materialized, {name} was not; call materialize first")
            until, known = timestamp(written[0]), self._history.keys(view)
            recomputed = self.get_historical(name, known.assign(event_time=until)).drop(columns="event_time")
            online = self.get_online(name, known, now=until)
        return replay_parity(online, recomputed, key=list(view.keys))


def _prefix(folder: Path) -> str:
    """Return what a folder's names in Redis begin with; folders of one name in two places get two."""
    place = folder.resolve()
    return f"features:{place.name}:{hashlib.sha256(str(place).encode()).hexdigest()[:12]}"


def _key_columns(view: FeatureView, keys: pd.DataFrame | Iterable[Any]) -> pd.DataFrame:
    """Return the key columns with a new index, from a frame or from the values of the only key."""
    if isinstance(keys, pd.DataFrame):
        check_columns("keys", keys, view.keys)
        return keys[list(view.keys)].reset_index(drop=True)
    if len(view.keys) > 1 or isinstance(keys, (str, bytes, dict)) or not isinstance(keys, Iterable):
        raise ValueError(
            f"keys must be a data frame with the columns {list(view.keys)}, or a list of values where the view has one "
            f"key, got {type(keys).__name__}; use pandas.DataFrame"
        )
    values = pd.Series(keys) if hasattr(keys, "dtype") else pd.Series(list(keys), dtype=object).infer_objects()
    return pd.DataFrame({next(iter(view.keys)): values}).reset_index(drop=True)
