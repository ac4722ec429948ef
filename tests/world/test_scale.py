"""Platter's scale is that of the world, and what follows from it is computed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from utils.world import BestPolicy, PopularityPolicy, World, scale
from utils.world.cities import City
from utils.world.clock import HOUR, microseconds
from utils.world.scale import PLATTER

RARE = 1e-5


def rates(policy, n_worlds, sessions_per_day):
    """Simulate worlds of the default size; return clicks, orders and euros a visit, a row a world."""
    found = []
    for seed in range(n_worlds):
        world = World(seed)
        log = world.simulate(policy(world), sessions_per_day)
        found.append(10 * log[["clicked", "ordered", "revenue"]].mean().to_numpy())
    return np.array(found).T


def refuses(values, stated):
    """Return whether the mean of the worlds lies farther from what is stated than their standard error explains."""
    return stats.ttest_1samp(values, stated).pvalue < RARE


@pytest.fixture(scope="module")
def live():
    return rates(PopularityPolicy, 24, 20)


def test_the_worlds_live_feed_has_the_stated_rates(live):
    clicks, orders, euros = live
    assert not refuses(clicks, PLATTER.clicks_per_visit)
    assert not refuses(orders, PLATTER.orders_per_visit)
    assert not refuses(euros - PLATTER.basket * orders, 0)
    assert not refuses(euros, PLATTER.order_value_per_visit)


def test_the_rates_are_measured_well_enough_to_refuse_others(live):
    clicks, orders, euros = live
    for factor in (0.8, 1.25):
        assert refuses(clicks, factor * PLATTER.clicks_per_visit)
        assert refuses(orders, factor * PLATTER.orders_per_visit)
        assert refuses(euros, factor * PLATTER.order_value_per_visit)
    for factor in (0.7, 1.4):  # a basket goes with what happens to be popular, and scatters more
        assert refuses(euros - factor * PLATTER.basket * orders, 0)


def test_the_best_feed_has_the_stated_rates():
    _, orders, euros = rates(BestPolicy, 10, 8)
    assert not refuses(orders, PLATTER.best_orders_per_visit)
    assert not refuses(euros - PLATTER.best_basket * orders, 0)
    for factor in (0.8, 1.25):
        assert refuses(orders, factor * PLATTER.best_orders_per_visit)
        assert refuses(euros - factor * PLATTER.best_basket * orders, 0)


def test_the_friday_peak_is_that_of_the_worlds_traffic():
    mean, per_second = 2_000, []
    start = PLATTER.friday_peak_minute * 60_000_000 - HOUR // 2
    for seed in range(24):
        world = World(seed, n_users=2_000, n_dishes=10, days=7)
        evening = microseconds(world.sessions(scale.FRIDAY, scale.FRIDAY + 1, mean).time) - scale.FRIDAY * 24 * HOUR
        per_second.append(((evening >= start) & (evening < start + HOUR)).sum() / 3_600 * PLATTER.factor(mean))
    hour = PLATTER.visits_per_second_by_minute[scale.FRIDAY]
    around = hour[PLATTER.friday_peak_minute - 30 : PLATTER.friday_peak_minute + 30].mean()
    assert not refuses(per_second, around)
    assert refuses(per_second, 1.1 * around)
    assert around == pytest.approx(PLATTER.friday_peak_visits_per_second, rel=0.06)


def test_friday_evening_is_the_peak_of_the_week():
    week = PLATTER.visits_per_second_by_minute
    assert pd.Timestamp("2024-01-01").day_of_week + scale.FRIDAY == pd.Timestamp("2024-01-05").day_of_week
    assert np.unravel_index(week.argmax(), week.shape) == (scale.FRIDAY, PLATTER.friday_peak_minute)
    assert PLATTER.friday_peak_visits_per_second == week.max()
    assert PLATTER.peak_to_mean == pytest.approx(week.max() / week.mean())
    assert 17 * 60 <= PLATTER.friday_peak_minute <= 19 * 60
    assert week.mean() * 86_400 == pytest.approx(4_000_000)


def test_one_city_has_the_peak_of_its_own_clock():
    one = replace(PLATTER, cities=(City("Here", 2, 1.0),))
    assert one.friday_peak_minute == 16 * 60  # the working day's busiest hour is 18
    # 1.12 of the week on Friday, 52 of the day's 435 shares in that hour
    assert one.peak_to_mean == pytest.approx(1.12 * 52 / (435 / 24))


def test_what_follows_is_arithmetic():
    small = scale.Scale(
        daily_users=1_000,
        visits_per_user=3,
        clicks_per_visit=2,
        orders_per_visit=0.5,
        basket=20,
        margin=0.25,
        restaurants=7,
        dishes_per_restaurant=6,
    )
    assert small.visits_per_day == 3_000
    assert small.visits_per_second == pytest.approx(3_000 / 86_400)
    assert small.clicks_per_day == 6_000
    assert small.orders_per_day == 1_500
    assert small.order_value_per_day == 30_000
    assert small.order_value_per_visit == 10
    assert small.margin_per_order == 5
    assert small.margin_per_day == 7_500
    assert small.dishes == 42
    assert small.log_rows_per_day == 30_000
    assert small.users_by_city == {
        "Aldermere": 280,
        "Brightwater": 240,
        "Carrowick": 200,
        "Davenholm": 160,
        "Elmsport": 120,
    }
    assert small.friday_peak_orders_per_minute == pytest.approx(30 * small.friday_peak_visits_per_second)
    assert small.factor(1_500) == 2
    assert replace(small, daily_users=100_000).factor(1_500) == 200


def test_a_simulated_day_times_the_factor_is_platters_day():
    world = World(seed=0, n_users=500, n_dishes=20, days=7)
    for sessions_per_day in (100, 2_000, 2_000.0):
        visits = len(world.sessions(sessions_per_day=sessions_per_day).user_id) / 7
        assert visits * PLATTER.factor(sessions_per_day) == pytest.approx(PLATTER.visits_per_day)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, 0) for name in ("daily_users", "visits_per_user", "clicks_per_visit", "orders_per_visit")),
        *((name, 0) for name in ("restaurants", "dishes_per_restaurant", "best_orders_per_visit")),
        *(("basket", value) for value in (0, -1, np.nan, np.inf, "16", True)),
        *(("best_basket", value) for value in (0, np.nan)),
        *(("margin", value) for value in (-0.1, 1.1, np.nan, "10%")),
        *(("daily_users", value) for value in (0.5, -1, True)),
        *(("cities", value) for value in ((), (City("Here", 0, 0.5),), (City("Here", 0, np.nan),), ("Here",))),
    ],
)
def test_a_scale_names_what_is_wrong(field, value):
    with pytest.raises(ValueError, match=rf"^{field} must .*; "):
        replace(PLATTER, **{field: value})


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, None, "2000"])
def test_a_factor_is_of_some_traffic(value):
    with pytest.raises(ValueError, match="sessions_per_day must be positive and finite"):
        PLATTER.factor(value)


def test_a_scale_does_not_change():
    with pytest.raises(AttributeError):
        PLATTER.basket = 17
