"""Two online stores with one interface: the newest row of each key, read in one look-up.

A row is one value under one key, so that a reader sees all of it or none of it, whatever the writer is doing or has
died of. How far a view was written is recorded after its rows.
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

__all__ = ["OnlineStore", "RedisOnlineStore", "SqliteOnlineStore"]

PATIENCE = 30.0  # seconds to wait for another writer
BATCH = 1_000  # rows sent to Redis in one command; keys asked of SQLite in one statement


class OnlineStore(Protocol):
    """What a feature store asks of an online store."""

    def write(self, view: str, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]], mark: Any) -> None:
        """Put rows in place of those of the same keys.

        Args:
            view: name of the feature view.
            rows: (key, row) each: the key's values, and what JSON can hold.
            mark: how far history was read, what JSON can hold.
        """

    def read(self, view: str, keys: Iterable[Sequence[Any]]) -> list[list[Any] | None]:
        """Return the row of each key, None where there is none; all of them from one moment."""

    def written(self, view: str) -> Any:
        """Return the mark of the last write that was finished, or None."""

    def close(self) -> None:
        """Let go of the store."""


class SqliteOnlineStore:
    """Online store in a SQLite file, in write-ahead mode: readers go on while a writer works.

    All rows of a `write` appear at once. Threads may share one.

    Args:
        path: the file, made if it is not there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        _write_ahead(self._connection)
        self._connection.executescript(
            "PRAGMA synchronous=NORMAL;"
            "CREATE TABLE IF NOT EXISTS online (view TEXT, key TEXT, row TEXT, PRIMARY KEY (view, key)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS written (view TEXT PRIMARY KEY, mark TEXT)"
        )

    def write(self, view: str, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]], mark: Any) -> None:
        """As `OnlineStore.write`."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO online VALUES (?, ?, ?)",
                ((view, json.dumps(key), json.dumps(row)) for key, row in rows),
            )
            self._connection.execute("INSERT OR REPLACE INTO written VALUES (?, ?)", (view, json.dumps(mark)))

    def read(self, view: str, keys: Iterable[Sequence[Any]]) -> list[list[Any] | None]:
        """As `OnlineStore.read`."""
        asked = [json.dumps(key) for key in keys]
        found = {}
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            for start in range(0, len(asked), BATCH):
                part = asked[start : start + BATCH]
                holes = ", ".join("?" * len(part))
                query = f"SELECT key, row FROM online WHERE view = ? AND key IN ({holes})"
                found.update(self._connection.execute(query, (view, *part)))
        return [json.loads(found[key]) if key in found else None for key in asked]

    def written(self, view: str) -> Any:
        """As `OnlineStore.written`."""
        with self._lock:
            found = self._connection.execute("SELECT mark FROM written WHERE view = ?", (view,)).fetchone()
        return json.loads(found[0]) if found else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the file in write-ahead mode; SQLite does not wait by itself when two try at the same time."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.01)


class RedisOnlineStore:
    """Online store in Redis or Valkey: a hash for each view, a field for each key.

    The rows of a `write` appear a batch at a time, each of them whole.

    Args:
        url: address, such as "redis://127.0.0.1:6379" or "unix:///run/redis.sock".
        prefix: what the names of all keys begin with.
    """

    def __init__(self, url: str, prefix: str = "features") -> None:
        try:
            import redis
        except ImportError:
            raise ImportError(
                "RedisOnlineStore needs the package redis; pip install redis, or unset REDIS_URL"
            ) from None
        self._client = redis.Redis.from_url(url)
        self._client.ping()
        self._prefix = prefix

    def write(self, view: str, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]], mark: Any) -> None:
        """As `OnlineStore.write`."""
        batch = {}
        for key, row in rows:
            batch[json.dumps(key)] = json.dumps(row)
            if len(batch) == BATCH:
                self._client.hset(f"{self._prefix}:{view}", mapping=batch)
                batch = {}
        if batch:
            self._client.hset(f"{self._prefix}:{view}", mapping=batch)
        self._client.hset(f"{self._prefix}:written", view, json.dumps(mark))

    def read(self, view: str, keys: Iterable[Sequence[Any]]) -> list[list[Any] | None]:
        """As `OnlineStore.read`."""
        asked = [json.dumps(key) for key in keys]
        found = self._client.hmget(f"{self._prefix}:{view}", asked) if asked else []
        return [None if row is None else json.loads(row) for row in found]

    def written(self, view: str) -> Any:
        """As `OnlineStore.written`."""
        found = self._client.hget(f"{self._prefix}:written", view)
        return None if found is None else json.loads(found)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
