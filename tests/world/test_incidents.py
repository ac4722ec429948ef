"""An incident changes what it says and leaves every other byte alone."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from utils.world import (
    BestPolicy,
    Bots,
    LostTracking,
    NewCity,
    PopularityPolicy,
    PricesInCents,
    Ranking,
    UniformPolicy,
    WinterMenu,
    World,
    platter_incidents,
)
from utils.world.cities import City
from utils.world.dishes import CUISINES
from utils.world.incidents import Incident, named
from utils.world.users import make_users

RARE = 1e-5
SIZE = {"seed": 9, "n_users": 1_500, "n_dishes": 40, "days": 20}
SESSIONS = 600


def world_with(*incidents):
    return World(**SIZE, incidents=incidents)


def days_of(log):
    return (log["event_time"] - np.datetime64("2024-01-01")).dt.days


@pytest.fixture(scope="module")
def calm():
    return world_with()


@pytest.fixture(scope="module")
def log(calm):
    return calm.simulate(sessions_per_day=SESSIONS)


def split(incident, log):
    """Simulate with an incident; return its world, the rows that the calm world has too, and the added rows."""
    world = world_with(incident)
    found = world.simulate(sessions_per_day=SESSIONS)
    known = found["session_id"].isin(log["session_id"])
    return world, found[known].reset_index(drop=True), found[~known]


def assert_equal_but(found, expected, columns=(), rows=None):
    """Assert that two logs are equal outside some columns of some rows."""
    other = expected.columns.difference(list(columns))
    pd.testing.assert_frame_equal(found[other], expected[other], check_exact=True)
    if rows is not None:
        pd.testing.assert_frame_equal(found[~rows], expected[~rows], check_exact=True)


def test_prices_in_cents_change_the_catalogue_only(calm, log):
    world, found, added = split(PricesInCents(start_day=5, end_day=8), log)
    assert_equal_but(found, log)
    assert added.empty
    pd.testing.assert_frame_equal(world.dishes, calm.dishes)
    for day in range(20):
        factor = 100 if 5 <= day < 8 else 1
        expected = calm.catalogue(day)
        pd.testing.assert_frame_equal(world.catalogue(day), expected.assign(price=expected["price"] * factor))


def test_lost_tracking_loses_a_share_of_the_clicks_of_one_device(log):
    world, found, added = split(LostTracking(start_day=5, end_day=12, device="android", share=0.4), log)
    assert added.empty
    concerned = (
        days_of(log).between(5, 11) & log["clicked"] & (world.users["device"].to_numpy()[log["user_id"]] == "android")
    )
    assert_equal_but(found, log, ["available_time"], concerned)
    arrived = log["available_time"].notna() & concerned
    lost = int(found.loc[arrived, "available_time"].isna().sum())
    assert stats.binomtest(lost, int(arrived.sum()), 0.4).pvalue > RARE
    pd.testing.assert_series_equal(
        found["available_time"].dropna(), log.loc[found["available_time"].notna(), "available_time"]
    )
    assert set(days_of(found)[found["available_time"].isna() & arrived]) == set(range(5, 12))


def test_bots_add_sessions_that_click_everything_and_order_nothing(calm, log):
    world, found, added = split(Bots(start_day=4, end_day=6, share=0.2, n_bots=7), log)
    assert_equal_but(found, log)
    assert set(days_of(added)) == {4, 5}
    assert len(added) / (days_of(log).between(4, 5).sum()) == pytest.approx(0.2, rel=0.01)
    assert added["clicked"].all()
    assert not added["ordered"].any()
    assert set(added["user_id"]) == set(range(1_500, 1_507))
    pd.testing.assert_frame_equal(world.users[:1_500], calm.users)
    assert (world.users["device"][1_500:] == "web").all()
    assert world.truth.policy_value(UniformPolicy(world), n_sessions=500) == pytest.approx(
        calm.truth.policy_value(UniformPolicy(calm), n_sessions=500)
    )


def test_a_new_city_adds_people_of_another_kind_whose_tastes_follow_the_same_rule(calm, log):
    world, found, added = split(NewCity(start_day=6, share=0.5), log)
    assert_equal_but(found, log)
    assert set(days_of(added)) == set(range(6, 20))
    assert len(added) / (days_of(log) >= 6).sum() == pytest.approx(0.5, rel=0.01)
    assert world.cities["city"].tolist() == [*calm.cities["city"], "Fairhaven"]
    newcomers = world.users[1_500:]
    assert len(newcomers) == 750
    assert (newcomers["city"] == "Fairhaven").all()
    assert newcomers["signup_day"].min() == 6
    assert (newcomers["age_band"] == "18-24").mean() > (calm.users["age_band"] == "18-24").mean() + 0.1
    # clicks of newcomers follow the truth as everyone's do: z of their sum is standard normal
    attraction = world.truth.attraction(
        added["user_id"].to_numpy(), added["dish_id"].to_numpy(), added["event_time"].to_numpy()
    )
    p = attraction * world.truth.examination(added["position"].to_numpy())
    assert abs((added["clicked"] - p).sum() / np.sqrt((p * (1 - p)).sum())) < 4.5
    # given age band and local hour they like cuisines as the average of the other cities does
    noon = np.datetime64("2024-01-15T12:00:00")
    logit = {}
    for name, members in world.users.query("age_band == '25-34'").groupby(world.users["city"] == "Fairhaven"):
        user = members.merge(world.cities)
        time = noon - user["utc_offset_hours"].to_numpy().astype("timedelta64[h]")
        a = world.truth.attraction(user["user_id"].to_numpy()[:, None], np.arange(40), time[:, None])
        logit[name] = np.log(a / (1 - a))
    error = np.sqrt(sum(part.var(axis=0) / len(part) for part in logit.values()))
    assert (np.abs(logit[True].mean(axis=0) - logit[False].mean(axis=0)) / error).max() < 4.5


def test_a_winter_menu_changes_taste_and_nothing_that_is_shown(calm, log):
    world, found, added = split(WinterMenu(start_day=10, end_day=15), log)
    assert added.empty
    assert_equal_but(found, log, ["clicked", "ordered", "revenue"], days_of(log).between(10, 14))
    assert (found["clicked"] != log["clicked"])[days_of(log).between(10, 14)].mean() > 0.01
    user, dish = np.arange(100)[:, None], np.arange(40)
    for day, changed in ((9, False), (10, True), (14, True), (15, False)):
        time = np.datetime64("2024-01-01T23:00:00") + np.timedelta64(day, "D")
        before, after = (w.truth.attraction(user, dish, time) for w in (calm, world))
        shift = np.log(after / (1 - after)) - np.log(before / (1 - before))
        assert (np.abs(shift).max() > 1) == changed
        np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-9)  # the same for everyone
    by_cuisine = pd.Series(shift_at(calm, world, 12)).groupby(calm.dishes["cuisine"]).mean()
    assert by_cuisine["salad"] < 0 < by_cuisine["indian"]


def shift_at(calm, world, day):
    time = np.datetime64("2024-01-01T12:00:00") + np.timedelta64(day, "D")
    before, after = (w.truth.attraction(0, np.arange(40), time) for w in (calm, world))
    return np.log(after / (1 - after)) - np.log(before / (1 - before))


def test_a_winter_menu_harms_the_feed_that_was_best_and_its_strength_counts():
    calm, weak, strong = (
        World(seed=1, n_users=800, n_dishes=200, days=6, incidents=incidents)
        for incidents in ((), (WinterMenu(start_day=3, strength=0.3),), (WinterMenu(start_day=3),))
    )

    class BestBeforeWinter:
        def rank(self, sessions, rng):
            feeds = calm.truth.best_feed(sessions)
            return Ranking(feeds, np.ones(feeds.shape))

    window = {"n_sessions": 1_500, "start_day": 3, "end_day": 6}
    value = [world.truth.policy_value(BestBeforeWinter(), **window) for world in (calm, weak, strong)]
    assert value[2] < 0.95 * value[0]
    regret = [
        world.truth.policy_value(BestPolicy(world), **window) - v
        for world, v in zip((weak, strong), value[1:], strict=True)
    ]
    assert 0 < 3 * regret[0] < regret[1]


def test_incidents_do_not_disturb_one_another(log):
    both = world_with(NewCity(start_day=3), Bots(start_day=4, end_day=8), LostTracking(start_day=5, end_day=7))
    alone = world_with(NewCity(start_day=3))
    found = both.simulate(sessions_per_day=SESSIONS)
    expected = alone.simulate(sessions_per_day=SESSIONS)
    found = found[found["session_id"].isin(expected["session_id"])].reset_index(drop=True)
    assert_equal_but(found, expected, ["available_time"])
    assert both.cities["city"].is_unique


def test_the_standard_schedule_holds_all_five_at_any_length():
    for days in (20, 28, 60, 90):
        incidents = platter_incidents(days)
        world = World(seed=0, n_users=200, n_dishes=20, days=days, incidents=incidents)
        assert [type(incident) for incident in incidents] == [NewCity, PricesInCents, LostTracking, Bots, WinterMenu]
        starts = [incident.start_day for incident in incidents]
        assert starts == sorted(starts)
        assert len(world.simulate(sessions_per_day=10)) > 10 * 10 * days
        ends = [incident.end_day for incident in incidents[1:4]]
        assert all(end <= start for end, start in zip(ends, starts[2:], strict=True))


def test_incidents_do_not_depend_on_the_batch_size():
    world = World(seed=3, n_users=300, n_dishes=30, days=20, incidents=platter_incidents(20))
    expected = world.simulate(sessions_per_day=40)
    for batch_size in (1, 300, 10**6):
        pd.testing.assert_frame_equal(world.simulate(sessions_per_day=40, batch_size=batch_size), expected)
    sessions = world.sessions(sessions_per_day=40)
    np.testing.assert_array_equal(sessions.session_id, expected["session_id"].to_numpy()[::10])
    assert expected["session_id"].nunique() * 10 == len(expected)


@pytest.mark.parametrize(
    ("incident", "named"),
    [
        *((lambda day=day: WinterMenu(start_day=day), "start_day") for day in (-1, 1.5, np.nan, True, "3", None)),
        *((lambda day=day: WinterMenu(start_day=3, end_day=day), "end_day") for day in (3, 2, 4.5, np.nan, True)),
        *((lambda x=x: WinterMenu(start_day=1, strength=x), "strength") for x in (np.nan, np.inf, 11, "1", None)),
        *((lambda x=x: NewCity(start_day=1, share=x), "share") for x in (0, -0.1, 1.1, np.nan, "0.5", True)),
        *((lambda x=x: NewCity(start_day=1, utc_offset_hours=x), "utc_offset_hours") for x in (5.5, -13, 15, np.nan)),
        *((lambda x=x: NewCity(start_day=1, city=x), "city must be a name") for x in ("", " ", None, 3)),
        (lambda: Bots(start_day=1, share=1.5), "share"),
        *((lambda x=x: Bots(start_day=1, n_bots=x), "n_bots") for x in (0, 2.5, np.nan, True, 10**9)),
        *((lambda x=x: LostTracking(start_day=1, device=x), "device") for x in ("fax", "iOS", None, ["ios"])),
        (lambda: LostTracking(start_day=1, share=np.nan), "share"),
        *((lambda x=x: platter_incidents(x), "days") for x in (19, 20.5, np.nan, "60", None)),
        (lambda: world_with(WinterMenu(start_day=20)), "incidents"),
        (lambda: world_with(Bots(start_day=1, end_day=21)), "incidents"),
        (lambda: world_with(WinterMenu), "incidents must hold incidents"),
        (lambda: world_with(NewCity(start_day=1), NewCity(start_day=5)), "new names, got 'Fairhaven' again"),
        (lambda: world_with(NewCity(start_day=1, city="ALDERMERE")), "new names, got 'ALDERMERE' again"),
    ],
)
def test_an_incident_names_the_argument_that_is_wrong(incident, named):
    with pytest.raises(ValueError, match=named):
        incident()


def test_by_itself_an_incident_changes_nothing(calm, log):
    incident = Incident(start_day=3, end_day=8)
    rng, time = np.random.default_rng(0), np.datetime64("2024-01-05T12:00:00", "us")
    assert incident.newcomers(rng, None, 20) is None
    assert incident.shift(np.array([time])) is None
    assert incident.loses(rng, np.zeros(3, int), 10) is None
    assert [incident.traffic(day) for day in (2, 3)] == [0.0, 0.0]
    assert incident.cities == ()
    assert incident.deliver(calm.catalogue(4), 4).equals(calm.catalogue(4))
    world, found, added = split(incident, log)
    assert_equal_but(found, log)
    assert added.empty
    pd.testing.assert_frame_equal(world.users, calm.users)


def test_an_incident_is_on_from_its_first_day_to_before_its_end():
    assert Incident(start_day=3, end_day=5).is_on(np.arange(7)).tolist() == [False] * 3 + [True] * 2 + [False] * 2
    assert Incident(start_day=3).is_on(np.arange(5)).tolist() == [False] * 3 + [True] * 2
    assert [NewCity(start_day=3, end_day=5, share=0.5).traffic(day) for day in (2, 3, 4, 5)] == [0, 0.5, 0.5, 0]
    assert [Bots(start_day=3, end_day=5, share=0.5).traffic(day) for day in (2, 3, 4, 5)] == [0, 0.5, 0.5, 0]


def test_a_number_means_the_same_in_every_type():
    for day, end in ((4.0, 9.0), (np.int64(4), np.float32(9)), (Fraction(4), Decimal(9))):
        incident = NewCity(start_day=day, end_day=end, share=Fraction(1, 4), utc_offset_hours=3.0)
        assert incident == NewCity(start_day=4, end_day=9)
        assert incident.name == "NewCity 4"
        assert repr(incident) == repr(NewCity(start_day=4, end_day=9))
    assert Bots(start_day=1, n_bots=25.0) == Bots(start_day=1)
    assert WinterMenu(start_day=1, strength=1) == WinterMenu(start_day=1)


@pytest.mark.parametrize("kind", [Incident, NewCity, Bots, WinterMenu, PricesInCents, LostTracking])
def test_an_incident_is_told_by_name_and_does_not_change(kind):
    incident = kind(start_day=3)
    with pytest.raises(AttributeError):
        incident.start_day = 4
    with pytest.raises(TypeError):
        kind(3)
    assert incident.end_day is None
    assert incident.are_people == (kind is not Bots)


def test_the_usual_incidents_have_the_stated_size():
    assert NewCity(start_day=0) == NewCity(start_day=0, city="Fairhaven", utc_offset_hours=3, share=0.25)
    assert Bots(start_day=0) == Bots(start_day=0, share=0.10, n_bots=25)
    assert LostTracking(start_day=0) == LostTracking(start_day=0, device="ios", share=0.5)
    days = [(incident.start_day, incident.end_day) for incident in platter_incidents()]
    assert days == [(16, None), (24, 27), (31, 36), (39, 43), (46, None)]
    days = [(incident.start_day, incident.end_day) for incident in platter_incidents(20)]
    assert days == [(5, None), (8, 9), (10, 12), (13, 14), (15, None)]


def test_winter_moves_each_cuisine_by_the_stated_logits():
    cold = {
        "diner": -0.2,
        "salad": -2.4,
        "sandwich": -1.4,
        "pizza": -0.9,
        "burger": -1.1,
        "sushi": -2.4,
        "mexican": -1.4,
    }
    warm = {"bakery": 0.0, "thai": 0.9, "indian": 1.2, "kebab": 0.3, "dessert": 0.0}
    time = np.array([["2024-01-02T23:59"], ["2024-01-03T00:00"]], "datetime64[us]")
    rows, table = WinterMenu(start_day=2, strength=0.5).shift(time)
    expected = [(cold | warm)[name] / 2 for name in CUISINES]
    np.testing.assert_allclose(table[rows], [[[0.0] * 12], [expected]], rtol=1e-12)


def test_a_new_city_opens_alone_with_young_users_half_of_them_at_once():
    city = NewCity(start_day=4, end_day=9, share=0.5)
    users = city.newcomers(np.random.default_rng(0), make_users(0, 20_000, 30), 30)
    assert len(users) == 10_000
    assert users.cities == city.cities == (City("Fairhaven", 3, 0.5),)
    assert users.city_cuisine.shape == (1, 12)
    assert not users.city_cuisine.any()
    assert not users.city.any()
    assert (users.signup_day[:5_000] == 4).all()
    assert stats.chisquare(np.bincount(users.signup_day[5_000:], minlength=9)[4:]).pvalue > RARE
    shares = np.array([0.40, 0.34, 0.14, 0.08, 0.04])
    assert stats.chisquare(np.bincount(users.age, minlength=5), 10_000 * shares).pvalue > RARE
    stays = NewCity(start_day=4).newcomers(np.random.default_rng(0), make_users(0, 200, 30), 30)
    assert stays.signup_day.max() > 20
    assert len(NewCity(start_day=0, share=0.01).newcomers(np.random.default_rng(0), make_users(0, 3, 5), 5)) == 2


def test_bots_are_web_clients_without_taste_who_look_everywhere():
    regular = make_users(0, 50, 30)
    bots = Bots(start_day=4, n_bots=7).newcomers(np.random.default_rng(0), regular, 30)
    assert len(bots) == 7
    assert bots.cities == regular.cities
    assert (bots.signup_day == 4).all()
    assert bots.examines_all.all()
    assert not bots.taste.any()
    assert not bots.price_sensitivity.any()
    assert (special.expit(bots.intercept - 20) == 1).all()  # whatever the dish, certain to a float's precision
    assert (special.expit(bots.order_intercept + 20) < 1e-30).all()


def test_an_end_on_the_last_day_is_within_the_world(calm):
    assert world_with(Bots(start_day=19, end_day=20)).incidents == (Bots(start_day=19, end_day=20),)
    assert world_with().incidents == calm.incidents == ()


def test_incidents_of_one_kind_and_day_have_names_and_luck_of_their_own(log):
    twice = (LostTracking(start_day=5, share=0.3), LostTracking(start_day=5, share=0.3))
    assert [name for name, _ in named((*twice, Bots(start_day=5), *twice))] == [
        "ios 5",
        "ios 5, 2",
        "Bots 5",
        "ios 5, 3",
        "ios 5, 4",
    ]
    _, found, _ = split(twice[0], log)
    once = found["available_time"].isna()
    world = World(**SIZE, incidents=twice)
    both = world.simulate(sessions_per_day=SESSIONS)["available_time"].isna()
    assert both[once].all()  # the first loses what it lost alone, the second 30% of what was left
    concerned = (
        (world.users["device"].to_numpy()[log["user_id"]] == "ios")
        & (days_of(log) >= 5)
        & log["clicked"]
        & log["available_time"].notna()
    )
    lost = stats.binomtest(int(both[concerned].sum()), int(concerned.sum()), 1 - 0.7**2)
    assert lost.pvalue > RARE


def test_two_groups_of_bots_of_one_day_are_not_the_same_bots():
    world = world_with(Bots(start_day=2), Bots(start_day=2))
    bots = world.users[1_500:]
    assert len(bots) == 50
    assert (bots["city"].to_numpy()[:25] != bots["city"].to_numpy()[25:]).any()
    sessions = world.sessions(2, 3, SESSIONS)
    first, second = (np.isin(sessions.user_id, range(start, start + 25)) for start in (1_500, 1_525))
    assert first.sum() == second.sum() > 0
    assert (sessions.time[first] != sessions.time[second]).any()


def test_winters_add_up_and_the_strongest_leaves_probabilities():
    size = {"seed": 3, "n_users": 50, "n_dishes": 40, "days": 4}
    one, half, none = (
        World(**size, incidents=incidents)
        for incidents in ((WinterMenu(start_day=1),), (WinterMenu(start_day=1, strength=0.5),) * 2, ())
    )
    question = np.arange(50)[:, None], np.arange(40), np.datetime64("2024-01-03T12:00:00")
    np.testing.assert_allclose(one.truth.attraction(*question), half.truth.attraction(*question), rtol=1e-12)
    logit = special.logit(one.truth.attraction(*question)) - special.logit(none.truth.attraction(*question))
    by_cuisine = dict(zip(CUISINES, WinterMenu.SHIFT, strict=True))
    np.testing.assert_allclose(logit[0], none.dishes["cuisine"].map(by_cuisine), atol=1e-9)
    strong = World(**size, incidents=(WinterMenu(start_day=1, strength=10), WinterMenu(start_day=1, strength=10)))
    attraction = strong.truth.attraction(*question)
    assert ((attraction >= 0) & (attraction <= 1)).all()


def test_popularity_is_known_before_launch_and_no_incident_moves_it(calm):
    world = world_with(*platter_incidents(20))
    np.testing.assert_array_equal(world.popularity, calm.popularity)
    assert world.popularity.shape == (40,)
    assert PopularityPolicy(world).popularity is not None
