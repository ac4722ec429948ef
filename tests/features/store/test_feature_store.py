"""The feature store: both sides agree, a correction is a later row, and values come back as they were."""

import numpy as np
import pandas as pd
import pytest

from tests.features.store.rates import HOUR, RATES, START, rows
from utils.features.store.feature_store import FeatureStore
from utils.features.store.feature_view import FeatureView
from utils.features.store.online_store import RedisOnlineStore, SqliteOnlineStore


def online_rate(store, user, hour):
    return store.get_online("rates", [user], now=START + hour * HOUR)["rate"].tolist()[0]


def test_online_answers_what_was_known_at_the_time_of_the_state(unopened):
    unopened.ingest("rates", rows((1, 0, 0, 0.1), (1, 1, 3, 0.2), (2, 5, 5, 0.9)))
    assert unopened.materialize("rates", START + 2 * HOUR) == 1
    assert online_rate(unopened, 1, 2) == 0.1
    assert np.isnan(online_rate(unopened, 2, 2))
    assert unopened.materialize("rates", START + 3 * HOUR) == 1
    assert online_rate(unopened, 1, 3) == 0.2


def test_a_correction_is_a_later_row_and_the_past_stays(offline):
    offline.ingest("rates", rows((1, 0, 0, 0.1)))
    offline.ingest("rates", rows((1, 0, 4, 0.7)))
    asked = pd.DataFrame({"user_id": 1, "event_time": [START + 3 * HOUR, START + 4 * HOUR]})
    assert offline.get_historical("rates", asked)["rate"].tolist() == [0.1, 0.7]


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
    given = rows((1, 0, 0, 0.1 + 0.2), (2, 0, 0, np.nan)).assign(orders=[1, 2], vip=[False, None])
    given["orders"], given["city"] = pd.array([2**62 + 1, None], "Int64"), ["São Paulo", None]
    store.ingest("rates", given)
    store.materialize("rates", START)
    online = store.get_online("rates", [1, 2, 3], now=START)
    asked = pd.DataFrame({"user_id": [1, 2, 3], "event_time": START})
    offline = store.get_historical("rates", asked).drop(columns="event_time")
    pd.testing.assert_frame_equal(online, offline.where(offline.notna(), other=online))
    assert online.dtypes.tolist() == ["int64", "float64", "Int64", "object", "boolean"]
    assert online["rate"].tolist()[0] == 0.1 + 0.2
    assert online["orders"].tolist()[0] == 2**62 + 1
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


def test_a_block_of_calls_shares_one_open_history_and_closes_it(unopened):
    with pytest.raises(RuntimeError), unopened.opened():  # noqa: PT012
        unopened.ingest("rates", rows((1, 0, 0, 0.1)))
        with unopened.opened():
            unopened.materialize("rates", START)
        assert unopened.parity("rates").is_clean
        raise RuntimeError
    assert unopened.parity("rates").is_clean  # with a connection of its own, not the block's
    with FeatureStore(unopened.folder, SqliteOnlineStore(":memory:")) as again:
        assert again.materialize("rates", START) == 1


def test_only_keys_that_something_happened_to_are_written(store):
    store.ingest("rates", rows((1, 0, 0, 0.1), (2, 0, 0, 0.2), (3, 5, 5, 0.3)))
    assert store.materialize("rates", START + HOUR) == 2
    assert store.materialize("rates", START + 2 * HOUR) == 0
    store.ingest("rates", rows((2, 0, 1, 0.9)))  # arrives here after the state that should have had it
    assert store.materialize("rates", START + 3 * HOUR) == 1
    assert store.get_online("rates", [1, 2], now=START + 3 * HOUR)["rate"].tolist() == [0.1, 0.9]
    assert store.materialize("rates", START + 5 * HOUR) == 1


def test_several_views_are_joined_at_once(offline):
    offline.register(FeatureView("prices", {"dish_id": int}, {"price": float}))
    offline.ingest("rates", rows((1, 0, 0, 0.1)))
    offline.ingest(
        "prices", pd.DataFrame({"dish_id": [7], "price": [9.5], "event_time": START, "available_time": START})
    )
    asked = pd.DataFrame({"user_id": [1, 2], "dish_id": [7, 7], "asked": START}, index=[5, 3])
    found = offline.get_historical(["rates", "prices"], asked, on="asked")
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


def test_backfill_before_the_first_state_writes_nothing_online(offline):
    offline.backfill("rates", rows((1, 1, 1, 0.8)).drop(columns="available_time"), delay=0)
    assert offline.online.written("rates") is None
    assert np.isnan(online_rate(offline, 1, 1))


def test_a_store_opened_again_knows_its_views_and_rows(unopened, open_online):
    unopened.ingest("rates", rows((1, 0, 0, 0.1)))
    unopened.materialize("rates", START)
    with FeatureStore(unopened.folder, open_online()) as again:
        assert again.view("rates") == RATES
        again.register(RATES)
        assert online_rate(again, 1, 0) == 0.1
        assert len(again.get_historical("rates", pd.DataFrame({"user_id": [1], "event_time": [START]}))) == 1


def test_a_failed_ingest_leaves_no_row(offline):
    bad = rows((1, 0, 0, 0.1), (2, 0, 0, 0.2)).assign(orders=["1", "many"])
    with pytest.raises(ValueError, match="orders must hold whole numbers"):
        offline.ingest("rates", bad)
    asked = pd.DataFrame({"user_id": [1], "event_time": [START]})
    assert offline.get_historical("rates", asked)["rate"].isna().all()


def test_redis_url_chooses_redis_and_nothing_chooses_sqlite(tmp_path, monkeypatch, redis_url):
    monkeypatch.delenv("REDIS_URL", raising=False)
    with FeatureStore(tmp_path / "a") as store:
        assert isinstance(store.online, SqliteOnlineStore)
        assert (tmp_path / "a" / "online.sqlite").exists()
    monkeypatch.setenv("REDIS_URL", redis_url)
    with FeatureStore(tmp_path / "b") as store, FeatureStore(tmp_path / "c" / "b") as other:
        assert isinstance(store.online, RedisOnlineStore)
        store.online.write("rates", [((1,), [0])], 0)
        assert other.online.read("rates", [(1,)]) == [None]
    assert not (tmp_path / "b" / "online.sqlite").exists()


GOOD = rows((1, 0, 0, 0.1))
ASKED = pd.DataFrame({"user_id": [1], "event_time": [START]})


def test_bad_input_is_told_what_and_the_remedy(offline):
    refused = [
        (lambda s: s.view("rate"), r"name must be one of the views \['rates'\]"),
        (lambda s: s.register(FeatureView("rates", {"user_id": int}, {"rate": float})), "a name of its own"),
        (
            lambda s: s.ingest("rates", GOOD.drop(columns="available_time")),
            r"must have the columns \['available_time'\]",
        ),
        (lambda s: s.ingest("rates", GOOD.assign(user_id=np.nan)), r"no nulls in \['user_id'\]"),
        (lambda s: s.ingest("rates", pd.concat([GOOD, GOOD.assign(user_id=None)])), r"no nulls in \['user_id'\]"),
        (lambda s: s.ingest("rates", GOOD.assign(event_time=pd.NaT)), r"no nulls in \['event_time'\]"),
        (lambda s: s.ingest("rates", GOOD.assign(event_time=1)), "event_time must be a column of times"),
        (lambda s: s.backfill("rates", GOOD, delay="-1h"), "delay must be at least 0"),
        (
            lambda s: s.backfill("rates", GOOD.drop(columns="event_time"), delay=0),
            r"must have the columns \['event_time'\]",
        ),
        (lambda s: s.get_historical("rates", ASKED, on="asked"), r"entities must have the columns \['asked'\]"),
        (lambda s: s.get_historical("rates", ASKED.assign(rate=1)), r"columns named as features, got \['rate'\]"),
        (lambda s: s.get_online("rates", pd.DataFrame({"dish": [1]}), now=START), "keys must have the columns"),
        (lambda s: s.get_online("rates", [1], now=None), "now must be a time"),
        (lambda s: s.materialize("rates", pd.NaT), "until must be a time"),
        (lambda s: s.parity("rates"), "call materialize first"),
    ]
    for act, told in refused:
        with pytest.raises(ValueError, match=told):
            act(offline)


def test_the_state_never_goes_back_in_time(store):
    store.ingest("rates", GOOD)
    store.materialize("rates", START + HOUR)
    store.materialize("rates", START + HOUR)
    with pytest.raises(ValueError, match="until must not be before the last state"):
        store.materialize("rates", START)


# Keys of another kind


def test_a_key_of_the_views_kind_finds_its_row_in_both_stores_whatever_its_type(offline):
    told = [
        (int, [1, 2], [2.0, 1.0], [2, 1]),
        (int, [1, 2], pd.Series([2, None], dtype=object), [2, None]),
        (int, [2**62, 2**62 + 1], pd.array([2**62 + 1, None], "Int64"), [2, None]),
        (int, [2**62, 2**62 + 1], np.array([2**62], np.uint64), [1]),
        (int, [1, 2], pd.Categorical([2, 1]), [2, 1]),
        (float, [0.0, 1.5], [-0.0, 1.5], [1, 2]),
        (float, [0.0, 3.0], [3], [2]),
        (bool, [True, False], [False, True], [2, 1]),
        (bool, [True, False], pd.array([False, None], "boolean"), [2, None]),
        (str, ["7", "8"], pd.Series(["8", None], dtype=object), [2, None]),
        (str, ["7", "8"], pd.Categorical(["8", "7"]), [2, 1]),
        (str, ['a"b', "Köln"], ["Köln", 'a"b'], [2, 1]),
    ]
    for number, (kind, keys, asked, wanted) in enumerate(told):
        name = f"w{number}"
        offline.register(FeatureView(name, {"u": kind}, {"v": int}))
        offline.ingest(name, pd.DataFrame({"u": keys, "event_time": START, "available_time": START, "v": [1, 2]}))
        offline.materialize(name, START)
        online = offline.get_online(name, pd.DataFrame({"u": asked}), now=START)["v"]
        history = offline.get_historical(name, pd.DataFrame({"u": asked}).assign(event_time=START))["v"]
        assert [None if pd.isna(v) else v for v in online] == wanted, (kind, asked)
        assert [None if pd.isna(v) else v for v in history] == wanted, (kind, asked)


def test_a_key_of_another_kind_is_told_on_both_sides_and_when_it_is_written(offline):
    refused = [
        (int, [1, 2], [1.9]),
        (int, [1, 2], ["1"]),
        (int, [1, 2], [True]),
        (int, [1, 2], [2.0**53]),
        (int, [1, 2], [2**63]),
        (float, [1.0, 2.0], ["1.0"]),
        (float, [1.0, 2.0], [2**53]),
        (bool, [True, False], ["False"]),
        (bool, [True, False], [1]),
        (str, ["7", "8"], [7]),
        (str, ["7", "8"], [b"7"]),
        (str, ["7", "8"], pd.Series([7, "8"], dtype=object)),
    ]
    for number, (kind, keys, given) in enumerate(refused):
        name, asked = f"w{number}", pd.DataFrame({"u": given})
        offline.register(FeatureView(name, {"u": kind}, {"v": float}))
        offline.ingest(name, pd.DataFrame({"u": keys, "event_time": START, "available_time": START, "v": [1.0, 2.0]}))
        timed = asked.assign(event_time=START, available_time=START, v=1.0)
        for act in (
            lambda name=name, asked=asked: offline.get_online(name, asked, now=START),
            lambda name=name, timed=timed: offline.get_historical(name, timed.drop(columns="v")),
            lambda name=name, timed=timed: offline.ingest(name, timed),
        ):
            with pytest.raises(ValueError, match="u must hold"):
                act()


def test_a_text_is_not_taken_for_a_list_of_keys(offline):
    for keys in ("12", b"12", {"user_id": 1}, 7):
        with pytest.raises(ValueError, match="keys must be a data frame"):
            offline.get_online("rates", keys, now=START)
    offline.register(FeatureView("two", {"a": int, "b": int}, {"v": float}))
    with pytest.raises(ValueError, match="keys must be a data frame with the columns"):
        offline.get_online("two", [1], now=START)


def test_no_key_has_no_rows(offline):
    assert offline.get_online("rates", [], now=START).shape == (0, 5)
    assert offline.get_historical("rates", ASKED.iloc[:0]).shape == (0, 6)


# Names that clash


def test_names_that_mean_something_to_sql_are_names_like_any_other(offline):
    for name in ("group", "order", "table", "from", "default", "rowid", "arriving", "touched", "Ünit"):
        offline.register(FeatureView(name, {name: int}, {f"{name}_": float, "select": int}))
        times = {"event_time": [START], "available_time": [START]}
        offline.ingest(name, pd.DataFrame({name: [1], **times, f"{name}_": [1.5], "select": [3]}))
        offline.materialize(name, START)
        assert offline.parity(name).is_clean
        assert offline.get_online(name, [1], now=START)[f"{name}_"].tolist() == [1.5]


def test_views_whose_names_differ_only_in_case_would_share_a_table(offline):
    with pytest.raises(ValueError, match="view must have a name of its own, RATES is"):
        offline.register(FeatureView("RATES", {"user_id": int}, {"rate": float}))


def test_what_an_interrupted_registration_left_does_not_stand_in_the_way(offline):
    offline._history.create(FeatureView("half", {"other": str}, {"x": bool}))
    offline.register(FeatureView("half", {"user_id": int}, {"rate": float}))
    assert offline.ingest("half", rows((1, 0, 0, 0.1))) == 1


# Times


def test_times_far_away_are_kept_and_read(store):
    never = rows((1, 0, 0, 0.1), (1, 1, 1, 0.2))
    never["available_time"] = np.array(["2024-01-01", "9999-12-31"], "datetime64[s]")
    never["event_time"] = never["event_time"].astype("datetime64[ns]")
    store.ingest("rates", never)
    store.materialize("rates", START + 2 * HOUR)
    assert online_rate(store, 1, 2) == 0.1
    store.materialize("rates", "9999-12-31 00:00")
    assert store.parity("rates").n_rows == 1
    late = pd.Timestamp(np.datetime64("9999-12-31", "s"))
    assert store.get_online("rates", [1], now=late)["rate"].isna().all()  # too old by then


def test_the_unit_of_times_does_not_matter(offline):
    for user, unit in enumerate(("s", "ms", "us", "ns")):
        given = rows((user, 0, 0, 0.1), (user, 1, 3, 0.2))
        offline.ingest("rates", given.astype({"event_time": f"datetime64[{unit}]", "available_time": "datetime64[us]"}))
        asked = pd.DataFrame({"user_id": user, "event_time": [START + h * HOUR for h in (1, 3)]})
        asked["event_time"] = asked["event_time"].astype(f"datetime64[{unit}]")
        assert offline.get_historical("rates", asked)["rate"].tolist() == [0.1, 0.2]


def test_a_fraction_of_a_microsecond_is_never_known_too_early(offline):
    given = rows((1, 0, 0, 0.1))
    given["available_time"] = given["available_time"].astype("datetime64[ns]") + pd.Timedelta(1, "ns")
    offline.ingest("rates", given)
    asked = START + pd.to_timedelta([0, 1, 999, 1_000], unit="ns")
    found = offline.get_historical("rates", pd.DataFrame({"user_id": 1, "event_time": asked.as_unit("ns")}))["rate"]
    assert found.notna().tolist() == [False, False, False, True]


def test_a_backfilled_fraction_of_a_microsecond_is_rounded_up_too(offline):
    late = rows((1, 0, 0, 0.8)).drop(columns="available_time")
    late["event_time"] = late["event_time"].astype("datetime64[ns]") + pd.Timedelta(1, "ns")
    offline.backfill("rates", late, delay=0)
    asked = pd.DataFrame({"user_id": 1, "event_time": START + pd.to_timedelta([0, 1], unit="us")})
    assert offline.get_historical("rates", asked)["rate"].notna().tolist() == [False, True]


def test_a_delay_of_a_fraction_of_a_microsecond_is_rounded_up(offline):
    offline.backfill("rates", rows((1, 0, 0, 0.8)).drop(columns="available_time"), delay=pd.Timedelta(1_001, "ns"))
    asked = pd.DataFrame({"user_id": 1, "event_time": START + pd.to_timedelta([1, 2], unit="us")})
    assert offline.get_historical("rates", asked)["rate"].notna().tolist() == [False, True]


def test_what_is_no_time_is_told(offline):
    for now in (5, 1.5, True, "soon", None, np.datetime64("NaT")):
        for act in (offline.materialize, lambda name, now: offline.get_online(name, [1], now=now)):
            with pytest.raises(ValueError, match="must be a time, got"):
                act("rates", now)


# Values


def test_a_value_that_would_be_changed_to_fit_is_refused(offline):
    changed = [("orders", 2.7), ("orders", "3"), ("orders", 2**63)]
    changed += [("vip", 1), ("vip", "no"), ("city", 7), ("rate", "0.1")]
    for column, value in changed:
        given = rows((1, 0, 0, 0.1), (2, 0, 0, 0.1)).astype({column: object})
        given.loc[1, column] = value
        with pytest.raises(ValueError, match=f"{column} must hold"):
            offline.ingest("rates", given)


def test_integers_stay_exact_beside_questions_without_an_answer(store):
    large = 1_234_567_890_123_456_789
    store.ingest("rates", rows((1, 0, 0, 0.1)).assign(orders=large))
    store.materialize("rates", START)
    online = store.get_online("rates", [1, 2], now=START)["orders"]
    offline = store.get_historical("rates", pd.DataFrame({"user_id": [1, 2], "event_time": START}))["orders"]
    assert online[0] == offline[0] == large
    assert online.isna().tolist() == offline.isna().tolist() == [False, True]


def test_a_changed_large_integer_is_seen_by_parity(store):
    large = 1_234_567_890_123_456_789
    store.ingest("rates", rows((1, 0, 0, 0.1), (2, 0, 0, 0.1)).assign(orders=[large, 1]))
    store.materialize("rates", START)
    moment = START.value // 1_000
    store.online.write("rates", [((1,), [moment, 0.1, large + 1, "Köln", True])], store.online.written("rates"))
    assert store.parity("rates").mismatched == 0.5
