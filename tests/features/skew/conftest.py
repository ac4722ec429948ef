"""A small Platter, its log, its dimensions and a night's rates."""

import pytest

from utils.features.skew import click_features
from utils.world import UniformPolicy, World

DAY = 21


@pytest.fixture(scope="package")
def platter():
    world = World(3, n_users=200, n_dishes=60, days=30)
    log = world.simulate(UniformPolicy(world), sessions_per_day=60, start_day=10, end_day=DAY)
    dimensions = click_features.Dimensions.of(world.catalogue(DAY), world.users, world.cities)
    return world, log, dimensions, click_features.snapshot(log, dimensions, DAY)
