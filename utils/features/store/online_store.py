"""Two online stores with one interface: the newest row of each key, read in one look-up.

A row is one value under one key, so that a reader sees all of it or none of it, whatever the writer is doing or has
died of. How far a view was written is recorded after its rows.
"""

import json
import sqlite3
import threading

BATCH = 1_000  # rows sent to Redis in one command; keys asked of SQLite in one statement


class SqliteOnlineStore:
    """Online store in a SQLite file, in write-ahead mode: readers go on while a writer works.

    All rows of a `write` appear at once.

    Args:
        path: the file, made if it is not there.
    """

    def __init__(self, path):
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE IF NOT EXISTS online (view TEXT, key TEXT, row TEXT, PRIMARY KEY (view, key)) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS written (view TEXT PRIMARY KEY, mark TEXT)"
        )

    def write(self, view, rows, mark):
        """Put rows in place of those of the same keys.

        Args:
            view: name of the feature view.
            rows: iterable of (key, row): tuple of key values, and what JSON can hold.
            mark: how far history was read, what JSON can hold.
        """
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO online VALUES (?, ?, ?)",
                ((view, json.dumps(key), json.dumps(row)) for key, row in rows),
            )
            self._connection.execute("INSERT OR REPLACE INTO written VALUES (?, ?)", (view, json.dumps(mark)))

    def read(self, view, keys):
        """Return the row of each key, None where there is none; all of them from one moment."""
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

    def written(self, view):
        """Return the mark of the last write that was finished, or None."""
        with self._lock:
            found = self._connection.execute("SELECT mark FROM written WHERE view = ?", (view,)).fetchone()
        return json.loads(found[0]) if found else None

    def clear(self, view):
        """Remove a view's rows."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM online WHERE view = ?", (view,))
            self._connection.execute("DELETE FROM written WHERE view = ?", (view,))

    def close(self):
        """Close the file."""
        self._connection.close()


class RedisOnlineStore:
    """Online store in Redis or Valkey: a hash for each view, a field for each key.

    The rows of a `write` appear a batch at a time, each of them whole.

    Args:
        url: address, such as "redis://127.0.0.1:6379" or "unix:///run/redis.sock".
        prefix: what the names of all keys begin with.
    """

    def __init__(self, url, prefix="features"):
        try:
            import redis
        except ImportError:
            raise ImportError(
                "RedisOnlineStore needs the package redis; pip install redis, or unset REDIS_URL"
            ) from None
        self._client = redis.Redis.from_url(url, decode_responses=True)
        self._client.ping()
        self._prefix = prefix

    def write(self, view, rows, mark):
        """As `SqliteOnlineStore.write`."""
        batch = {}
        for key, row in rows:
            batch[json.dumps(key)] = json.dumps(row)
            if len(batch) == BATCH:
                self._client.hset(f"{self._prefix}:{view}", mapping=batch)
                batch = {}
        if batch:
            self._client.hset(f"{self._prefix}:{view}", mapping=batch)
        self._client.hset(f"{self._prefix}:written", view, json.dumps(mark))

    def read(self, view, keys):
        """As `SqliteOnlineStore.read`."""
        asked = [json.dumps(key) for key in keys]
        found = self._client.hmget(f"{self._prefix}:{view}", asked) if asked else []
        return [None if row is None else json.loads(row) for row in found]

    def written(self, view):
        """As `SqliteOnlineStore.written`."""
        found = self._client.hget(f"{self._prefix}:written", view)
        return None if found is None else json.loads(found)

    def clear(self, view):
        """As `SqliteOnlineStore.clear`."""
        self._client.delete(f"{self._prefix}:{view}")
        self._client.hdel(f"{self._prefix}:written", view)

    def close(self):
        """Close the connections."""
        self._client.close()
