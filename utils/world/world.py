"""The world in one object: Platter from the outside, and its truth."""

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from utils.foundation import checks
from utils.world.checks import window
from utils.world.choice import POSITIONS, Choice
from utils.world.dishes import DISHES_LIMIT, make_dishes
from utils.world.incidents import Incident, check_incidents, named
from utils.world.policies import PopularityPolicy
from utils.world.population import populate
from utils.world.ranking import Policy, check_policy
from utils.world.simulation import Simulation
from utils.world.streams import stream
from utils.world.tables import city_table, dish_table, user_table
from utils.world.traffic import SESSIONS_PER_DAY_LIMIT, Block, Sessions, join
from utils.world.truth import Truth
from utils.world.users import USERS_LIMIT

__all__ = ["World"]

POPULARITY_ERROR = 0.7  # of what is known before launch, in standard deviations of quality
DAYS_LIMIT = 36_525  # a century
SESSIONS_LIMIT = 10_000_000  # of one log: a hundred million rows, five gigabytes


class World:
    """Platter, a food-delivery marketplace whose home feed shows ten dishes.

    Args:
        seed: the same seed gives the same world and the same days, byte for byte.
        n_users: how many users sign up in all.
        n_dishes: how many dishes launch in all, at least ten.
        days: length of the story; day 0 is a Monday.
        incidents: what happens on the way, from `utils.world.incidents`.

    Raises:
        ValueError: a number that is not whole or out of range, or incidents that the world can't have.

    >>> world = World(seed=1, n_users=500, n_dishes=50, days=7)
    >>> len(world.simulate(sessions_per_day=100))
    7000
    """

    def __init__(
        self,
        seed: int = 0,
        n_users: int = 20_000,
        n_dishes: int = 400,
        days: int = 60,
        *,
        incidents: Sequence[Incident] = (),
    ) -> None:
        self.seed = checks.count("seed", seed, "use 0", minimum=0)
        self.days = checks.count("days", days, "tell a story of weeks or months", maximum=DAYS_LIMIT)
        n_users = checks.count("n_users", n_users, "simulate fewer users", maximum=USERS_LIMIT)
        n_dishes = checks.count(
            "n_dishes", n_dishes, "a few hundred are a menu", minimum=POSITIONS, maximum=DISHES_LIMIT
        )
        self.incidents = check_incidents(incidents, self.days)
        happening = named(self.incidents)
        self._dishes = make_dishes(self.seed, n_dishes, self.days)
        self._users, self._sources = populate(self.seed, n_users, self.days, happening)
        choice = Choice(self._users, self._dishes, self.incidents)
        launch_day = self._dishes.launch_day
        self._simulation = Simulation(self.seed, choice, self._users.device, launch_day, happening)
        error = stream(self.seed, "popularity").standard_normal(n_dishes)
        #: what the restaurants were known for before launch, (n_dishes,), higher is better
        self.popularity = self._dishes.quality + POPULARITY_ERROR * error
        self.truth = Truth(
            seed=self.seed,
            days=self.days,
            choice=choice,
            n_users=len(self._users),
            launch_day=launch_day,
            sources=self._sources,
        )

    @cached_property
    def users(self) -> pd.DataFrame:
        """What Platter knows of its users."""
        return user_table(self._users)

    @cached_property
    def dishes(self) -> pd.DataFrame:
        """What Platter knows of its dishes; prices in euros."""
        return dish_table(self._dishes)

    @cached_property
    def cities(self) -> pd.DataFrame:
        """The cities, their clocks and their shares of the users."""
        return city_table(self._users.cities)

    def catalogue(self, day: int) -> pd.DataFrame:
        """Return the dishes on sale on a day, as that day's catalogue feed delivers them.

        Args:
            day: from 0 to the last of the world.

        Raises:
            ValueError: no such day.
        """
        day = checks.count("day", day, "choose a day of this world", minimum=0, maximum=self.days - 1)
        catalogue = self.dishes[self.dishes["launch_day"] <= day].reset_index(drop=True)
        for incident in self.incidents:
            catalogue = incident.deliver(catalogue, day)
        return catalogue

    def sessions(self, start_day: int = 0, end_day: int | None = None, sessions_per_day: int = 2_000) -> Sessions:
        """Return the contexts that `simulate` with the same arguments ranks, in the order of its log.

        Args:
            start_day: the first day.
            end_day: the day after the last, None for all that follow.
            sessions_per_day: mean over the week, of the users who are always there.

        Raises:
            ValueError: days that the world does not have, or too few or too many sessions.
        """
        return join([block.sessions for block in self._blocks(start_day, end_day, sessions_per_day)])

    def simulate(
        self,
        policy: Policy | None = None,
        sessions_per_day: int = 2_000,
        *,
        start_day: int = 0,
        end_day: int | None = None,
        batch_size: int = 4_096,
    ) -> pd.DataFrame:
        """Return the log of a policy, ten rows a session, in order of day, source of traffic, time and position.

        Args:
            policy: any object with `rank(sessions, rng) -> Ranking`; `PopularityPolicy` if None.
            sessions_per_day: mean over the week, of the users who are always there.
            start_day: the first day.
            end_day: the day after the last, None for all that follow.
            batch_size: sessions whose outcomes are computed at once; changes memory and speed, never the result.

        Returns:
            `session_id, user_id, dish_id, position, propensity, event_time, available_time, clicked, ordered,
            revenue`; times in UTC, revenue in euros.

        Raises:
            ValueError: no policy, days that the world does not have, too few or too many sessions, or an answer of
                the policy that is no feed.
        """
        batch_size = checks.count("batch_size", batch_size, "use 4096")
        policy = PopularityPolicy(self) if policy is None else policy
        check_policy(policy)
        return self._simulation.run(policy, self._blocks(start_day, end_day, sessions_per_day), batch_size)

    def _blocks(self, start_day: int, end_day: int | None, sessions_per_day: int) -> list[Block]:
        """Return the sessions of a window, with the addresses of their random streams."""
        start_day, end_day = window(start_day, end_day, self.days)
        remedy = "simulate a part of the traffic, and say which"
        mean = checks.count("sessions_per_day", sessions_per_day, remedy, maximum=SESSIONS_PER_DAY_LIMIT)
        days = range(start_day, end_day)
        n = sum(source.sessions_on(day, mean) for day in days for source in self._sources)
        if n > SESSIONS_LIMIT:
            raise ValueError(
                f"sessions_per_day must leave at most {SESSIONS_LIMIT:,} sessions in all, got {n:,}; "
                "simulate fewer days at a time, which gives the same rows"
            )
        return [block for day in days for source in self._sources for block in source.blocks(self.seed, day, mean)]
