"""Platter, the company of this course: its users, dishes, feed, clicks, incidents, and the truth behind them."""

from utils.world.policies import BestPolicy, PopularityPolicy, Ranking, ScorePolicy, UniformPolicy
from utils.world.traffic import Sessions
from utils.world.world import World

__all__ = ["BestPolicy", "PopularityPolicy", "Ranking", "ScorePolicy", "Sessions", "UniformPolicy", "World"]
