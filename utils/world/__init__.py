"""Platter, the company of this course: its users, dishes, feed, clicks, incidents, and the truth behind them."""

from utils.world.incidents import Bots, LostTracking, NewCity, PricesInCents, WinterMenu, platter_incidents
from utils.world.policies import BestPolicy, PopularityPolicy, ScorePolicy, UniformPolicy
from utils.world.ranking import Ranking
from utils.world.traffic import Sessions
from utils.world.world import World

__all__ = [
    "BestPolicy",
    "Bots",
    "LostTracking",
    "NewCity",
    "PopularityPolicy",
    "PricesInCents",
    "Ranking",
    "ScorePolicy",
    "Sessions",
    "UniformPolicy",
    "WinterMenu",
    "World",
    "platter_incidents",
]
