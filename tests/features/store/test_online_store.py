"""An online store: keys asked in batches come from one moment, and threads may share one store."""

import sqlite3
import threading

import pytest

from utils.features.store import online_store
from utils.features.store.online_store import RedisOnlineStore, SqliteOnlineStore


def numbered(version, n):
    return [((key,), [version]) for key in range(n)]


def test_a_write_replaces_the_rows_of_its_keys_and_no_others(open_online):
    store = open_online()
    store.write("rates", [((1,), ["a"]), ((2,), ["b"])], [1, 2])
    store.write("prices", [((1,), ["c"])], 0)
    store.write("rates", [((2,), ["d"])], [3, 4])
    assert store.read("rates", [(2,), (1,), (3,), (2,)]) == [["d"], ["a"], None, ["d"]]
    assert store.read("prices", [(1,), (2,)]) == [["c"], None]
    assert store.written("rates") == [3, 4]
    assert store.written("prices") == 0
    assert store.written("nothing") is None
    assert store.read("nothing", []) == []
    store.close()


@pytest.mark.parametrize("n", [999, 1_000, 1_001, 2_000])
def test_no_row_is_lost_at_the_edge_of_a_batch(open_online, n):
    store = open_online()
    store.write("rates", numbered(1, n), 0)
    assert store.read("rates", [(key,) for key in range(n + 1)]) == [[1]] * n + [None]
    store.close()


def test_all_keys_of_a_read_come_from_one_moment_though_a_writer_comes_between_two_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(online_store, "BATCH", 2)
    reader, writer = SqliteOnlineStore(tmp_path / "online"), SqliteOnlineStore(tmp_path / "online")
    writer.write("rates", numbered(1, 6), 0)
    asked = []

    def write_after_the_first_batch(statement):
        if statement.startswith("SELECT key"):
            asked.append(statement)
            if len(asked) == 2:
                writer.write("rates", numbered(2, 6), 0)

    reader._connection.set_trace_callback(write_after_the_first_batch)
    assert reader.read("rates", [(key,) for key in range(6)]) == [[1]] * 6
    assert len(asked) == 3
    assert reader.read("rates", [(key,) for key in range(6)]) == [[2]] * 6
    reader.close()
    writer.close()


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda store: store.read("rates", [(1,)]), [[1]]),
        (lambda store: store.written("rates"), 0),
        (lambda store: store.write("rates", [((1,), [7])], 1), None),
    ],
)
def test_a_thread_waits_while_another_one_uses_the_same_store(tmp_path, call, answer):
    store, began, answers = SqliteOnlineStore(tmp_path / "online"), threading.Event(), []
    store.write("rates", numbered(1, 3), 0)

    def second():
        began.set()
        answers.append(call(store))

    thread = threading.Thread(target=second)

    def start_the_second_in_the_middle(statement):
        if statement.startswith("SELECT key") and not began.is_set():
            thread.start()
            began.wait(30)
            thread.join(0.05)
            answers.append("the first is still reading")

    store._connection.set_trace_callback(start_the_second_in_the_middle)
    assert store.read("rates", [(0,), (1,)]) == [[1], [1]]
    thread.join(30)
    assert answers == ["the first is still reading", answer]
    store.close()


def test_a_write_that_fails_leaves_all_as_it_was(open_online):
    store = open_online()
    store.write("rates", numbered(1, 3), 0)
    with pytest.raises(TypeError):
        store.write("rates", [((1,), [2]), ((2,), [object()])], 5)
    assert store.written("rates") == 0
    assert store.read("rates", [(2,)]) == [[1]]
    if isinstance(store, SqliteOnlineStore):
        assert store.read("rates", [(1,)]) == [[1]]
    store.close()


class BusyFile:
    """Stands in for a connection whose file others are opening, the first times it is asked."""

    def __init__(self, times):
        self.times = times

    def execute(self, statement):
        self.times -= 1
        if self.times >= 0:
            raise sqlite3.OperationalError("database is locked")


def test_a_file_that_others_are_opening_is_waited_for_until_patience_ends(monkeypatch):
    waited = []
    monkeypatch.setattr(online_store.time, "sleep", waited.append)
    online_store._write_ahead(BusyFile(3))
    assert waited == [0.01] * 3
    waited.clear()
    monkeypatch.setattr(online_store.time, "monotonic", lambda: len(waited) / 100)  # a clock that the waits turn
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        online_store._write_ahead(BusyFile(10**6))
    assert len(waited) == 3_000  # half a minute


@pytest.mark.parametrize(("n", "commands"), [(0, 1), (1_000, 2), (1_001, 3), (2_000, 3)])
def test_rows_go_to_redis_a_batch_at_a_time_and_the_mark_after_them(redis_url, tmp_path, monkeypatch, n, commands):
    store = RedisOnlineStore(redis_url, prefix=tmp_path.name)
    sent, send = [], store._client.hset
    monkeypatch.setattr(
        store._client, "hset", lambda name, *rest, **more: (sent.append(name), send(name, *rest, **more))
    )
    store.write("rates", numbered(1, n), 7)
    assert len(sent) == commands
    assert sent[-1].endswith(":written")
    assert store.written("rates") == 7
    store.close()


def test_many_who_open_a_new_file_at_once_all_succeed(tmp_path):
    barrier, failed = threading.Barrier(8), []

    def start():
        barrier.wait()
        try:
            SqliteOnlineStore(tmp_path / "online").close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
