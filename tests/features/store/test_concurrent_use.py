"""Readers beside writers, writers beside each other, and a writer that dies: nobody ever reads half of a row."""

import subprocess
import sys
import threading

import numpy as np
import pandas as pd

from tests.features.store.rates import HOUR, RATES, START, rows
from utils.features.store.feature_store import FeatureStore
from utils.features.store.feature_view import FeatureView
from utils.features.store.online_store import SqliteOnlineStore

VERSIONED = FeatureView("versioned", {"user_id": int}, {"a": float, "b": float, "c": float})
N_KEYS = 1_500


def versions(version):
    columns = {"user_id": np.arange(N_KEYS), "a": version, "b": version, "c": version}
    moment = START + version * HOUR
    return pd.DataFrame({**columns, "event_time": moment, "available_time": moment})


def test_readers_beside_a_writer_see_whole_rows(open_online, tmp_path):
    with FeatureStore(tmp_path, open_online()) as store, store.opened():
        store.register(VERSIONED)
        store.ingest("versioned", pd.concat([versions(float(version)) for version in range(4)]))
        store.materialize("versioned", START)
        seen, done = [], threading.Event()

        def watch():
            online = open_online()
            while not done.is_set():
                seen.append(online.read("versioned", [(key,) for key in range(0, N_KEYS, 7)]))
            online.close()

        readers = [threading.Thread(target=watch) for _ in range(2)]
        for reader in readers:
            reader.start()
        for version in range(1, 4):
            store.materialize("versioned", START + version * HOUR)
        done.set()
        for reader in readers:
            reader.join()
    read = np.array([[row[1:] for row in answer] for answer in seen])
    assert (read == read[:, :, :1]).all()
    if isinstance(store.online, SqliteOnlineStore):  # all keys of one read come from one state
        assert (read == read[:, :1, :1]).all()


# Each writes half of the rows, says so, and waits to be killed. The first is a whole store; the second only its online
# half, which has what differs in Redis and starts at once.
DYING_WRITER = """
import sys, time, pandas as pd
from utils.features.store.online_store import BATCH, SqliteOnlineStore
from utils.features.store.feature_store import FeatureStore

folder, until = sys.argv[1:]
online = SqliteOnlineStore(folder + "/online.sqlite")
write = online.write

def half(rows):
    for i, row in enumerate(rows):
        if i == BATCH + 100:
            print("half", flush=True)
            time.sleep(60)
        yield row

online.write = lambda view, rows, mark: write(view, half(rows), mark)
FeatureStore(folder, online).materialize("versioned", pd.Timestamp(until))
"""
DYING_REDIS_WRITER = """
import sys, time
from utils.features.store.online_store import BATCH, RedisOnlineStore

address, prefix, moment = sys.argv[1:]

def half():
    for key in range(BATCH + 100):
        yield (key,), [int(moment), 1.0, 1.0, 1.0]
    print("half", flush=True)
    time.sleep(60)

RedisOnlineStore(address, prefix).write("versioned", half(), None)
"""


def test_killed_while_it_materializes_it_leaves_whole_rows_and_can_finish(open_online, tmp_path, request):
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(VERSIONED)
        store.ingest("versioned", pd.concat([versions(0.0), versions(1.0)]))
        store.materialize("versioned", START)
        is_sqlite = isinstance(store.online, SqliteOnlineStore)
        if is_sqlite:
            command = [DYING_WRITER, str(tmp_path), str(START + HOUR)]
        else:
            moment = (START + HOUR).value // 1_000
            command = [DYING_REDIS_WRITER, request.getfixturevalue("redis_url"), tmp_path.name, str(moment)]
        with subprocess.Popen([sys.executable, "-c", *command], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline().strip() == b"half"
            writer.kill()
        everyone = [(key,) for key in range(N_KEYS)]
        left = np.array([row[1:] for row in store.online.read("versioned", everyone)])
        assert (left == left[:, :1]).all()
        assert (left == 0).all() if is_sqlite else set(left[:, 0]) == {0.0, 1.0}
        assert store.online.written("versioned")[0] == START.value // 1_000
        assert store.materialize("versioned", START + HOUR) == N_KEYS
        assert (np.array([row[1:] for row in store.online.read("versioned", everyone)]) == 1).all()
        assert store.parity("versioned").is_clean


def run_together(*actions):
    """Run all actions at the same time in threads, and raise the first error."""
    barrier, errors = threading.Barrier(len(actions)), []

    def run(action):
        barrier.wait()
        try:
            action()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_that_ingest_into_one_store_number_their_rows_apart(tmp_path):
    with FeatureStore(tmp_path, SqliteOnlineStore(":memory:")) as store, store.opened():
        store.register(RATES)

        def ingest(user):
            for hour in range(5):
                store.ingest("rates", rows((user, hour, hour, 0.1)))

        run_together(*(lambda user=user: ingest(user) for user in range(4)))
        with store._history.reading() as cursor:
            numbers = cursor.execute('SELECT ingested FROM "rates" ORDER BY 1').fetchall()
        assert numbers == [(number,) for number in range(20)]
        assert store.materialize("rates", START + 9 * HOUR) == 4


def test_threads_that_materialize_one_store_end_in_its_latest_state(tmp_path):
    with FeatureStore(tmp_path) as store:
        store.register(RATES)
        store.ingest("rates", rows(*((user, hour, hour, hour / 10) for user in range(50) for hour in range(4))))
        told = []

        def materialize(hour):
            try:
                store.materialize("rates", START + hour * HOUR)
            except ValueError as error:  # another thread was further
                told.append(str(error))

        run_together(*(lambda hour=hour: materialize(hour) for hour in (3, 1, 2, 0)))
        assert store.get_online("rates", range(50), now=START + 3 * HOUR)["rate"].tolist() == [0.3] * 50
        assert store.parity("rates").is_clean
        assert all("until must not be before the last state" in words for words in told)


def test_threads_read_what_another_ingests_and_materializes(tmp_path):
    with FeatureStore(tmp_path) as store:
        store.register(VERSIONED)
        store.ingest("versioned", versions(0.0))
        store.materialize("versioned", START)
        answers = []

        def write():
            for version in (1.0, 2.0, 3.0):
                store.ingest("versioned", versions(version))
                store.materialize("versioned", START + version * HOUR)

        def read():
            for _ in range(8):
                answers.append(store.get_online("versioned", range(N_KEYS), now=START)["a"].unique().tolist())

        def replay():
            asked = pd.DataFrame({"user_id": np.arange(N_KEYS), "event_time": START})
            for _ in range(5):
                assert store.get_historical("versioned", asked)["a"].tolist() == [0.0] * N_KEYS

        run_together(write, read, read, replay)
    assert all(len(answer) == 1 for answer in answers)  # 1,500 keys in two statements, all from one state


def test_blocks_that_overlap_in_two_threads_leave_no_closed_connection_behind(tmp_path):
    with FeatureStore(tmp_path, SqliteOnlineStore(":memory:")) as store:
        store.register(RATES)
        first_is_in, second_is_in = threading.Event(), threading.Event()

        def first():
            with store.opened():
                first_is_in.set()
                second_is_in.wait(30)

        def second():
            first_is_in.wait(30)
            with store.opened():
                second_is_in.set()
                thread.join(30)
                store.ingest("rates", rows((1, 0, 0, 0.1)))

        thread = threading.Thread(target=first)
        thread.start()
        second()
        assert store.ingest("rates", rows((2, 0, 0, 0.1))) == 1
        assert store.materialize("rates", START) == 2
