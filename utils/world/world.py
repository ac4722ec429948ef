"""The world in one object: Platter from the outside, and its truth."""

from functools import cached_property

import numpy as np
import pandas as pd

from utils.world.choice import POSITIONS, Choice, Luck, draw_luck
from utils.world.clock import day_of
from utils.world.dishes import CUISINES, make_dishes
from utils.world.incidents import Incident, LostTracking, WinterMenu
from utils.world.log import empty_log, frame, upload_delay, write_arrival, write_feeds, write_outcomes
from utils.world.policies import PopularityPolicy, Ranking
from utils.world.streams import stream
from utils.world.traffic import SESSIONS_PER_DAY_LIMIT, Sessions, Source, join
from utils.world.truth import Truth
from utils.world.users import AGE_BANDS, DEVICES, make_users

POPULARITY_ERROR = 0.7  # of what is known before launch, in standard deviations of quality


def _at_least(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def _name(incident: Incident | None) -> str:
    """Return the name of an incident in the addresses of random streams."""
    return "regular" if incident is None else f"{type(incident).__name__} {incident.start_day}"


class World:
    """Platter, a food-delivery marketplace whose home feed shows ten dishes.

    Args:
        seed: the same seed gives the same world and the same days, byte for byte.
        n_users: how many users sign up in all.
        n_dishes: how many dishes launch in all, at least ten.
        days: length of the story; day 0 is a Monday.
        incidents: what happens on the way, from `utils.world.incidents`.

    >>> world = World(seed=1, n_users=500, n_dishes=50, days=7)
    >>> len(world.simulate(sessions_per_day=100))
    7000
    """

    def __init__(
        self, seed: int = 0, n_users: int = 20_000, n_dishes: int = 400, days: int = 60, *, incidents: tuple = ()
    ) -> None:
        self.seed = _at_least("seed", seed, 0)
        self.days = _at_least("days", days, 1)
        self.incidents = self._check_incidents(incidents)
        self._dishes = make_dishes(self.seed, _at_least("n_dishes", n_dishes, POSITIONS), self.days)
        self._populate(_at_least("n_users", n_users, 1))
        changes = tuple(incident for incident in self.incidents if isinstance(incident, WinterMenu))
        self._choice = Choice(self._users, self._dishes, changes)
        error = stream(self.seed, "popularity").standard_normal(len(self._dishes))
        #: what the restaurants were known for before launch, (n_dishes,), higher is better
        self.popularity = self._dishes.quality + POPULARITY_ERROR * error
        people = [source for source in self._sources if source.incident is None or source.incident.are_people]
        self.truth = Truth(self, self._choice, people, self._check_ranking)

    def _check_incidents(self, incidents: tuple) -> tuple:
        if not isinstance(incidents, tuple | list):
            raise ValueError(
                f"incidents must be a tuple from utils.world.incidents, got {incidents!r}; use () for none"
            )
        for incident in incidents:
            if not isinstance(incident, Incident):
                raise ValueError(f"incidents must hold incidents from utils.world.incidents, got {incident!r}")
            if incident.start_day >= self.days or (incident.end_day or 0) > self.days:
                raise ValueError(f"incidents must lie within the {self.days} days of the world, got {incident}")
        return tuple(incidents)

    def _populate(self, n_users: int) -> None:
        """Make the users and the sources of traffic: first those who are always there, then those of each incident."""
        self._users = make_users(self.seed, n_users, self.days)
        regular = self._users
        members = [(np.arange(n_users), None)]
        for incident in self.incidents:
            rng = stream(self.seed, f"users, {_name(incident)}")
            newcomers = incident.newcomers(rng, regular, self.days)
            if newcomers is not None:
                members.append((len(self._users) + np.arange(len(newcomers)), incident))
                self._users = self._users.joined_by(newcomers)
        self._sources = [
            Source(self._users, ids, purpose=f"sessions, {_name(incident)}", index=index, incident=incident)
            for index, (ids, incident) in enumerate(members)
        ]

    @cached_property
    def users(self) -> pd.DataFrame:
        """What Platter knows of its users."""
        users = self._users
        names = np.array([city.name for city in users.cities], dtype=object)
        return pd.DataFrame(
            {
                "user_id": np.arange(len(users), dtype=np.int32),
                "city": names[users.city],
                "age_band": np.array(AGE_BANDS, dtype=object)[users.age],
                "device": np.array(DEVICES, dtype=object)[users.device],
                "signup_day": users.signup_day,
            }
        )

    @cached_property
    def dishes(self) -> pd.DataFrame:
        """What Platter knows of its dishes; prices in euros."""
        dishes = self._dishes
        return pd.DataFrame(
            {
                "dish_id": np.arange(len(dishes), dtype=np.int32),
                "restaurant_id": dishes.restaurant_id,
                "cuisine": np.array(CUISINES, dtype=object)[dishes.cuisine],
                "price": dishes.price,
                "preparation_minutes": dishes.preparation_minutes,
                "launch_day": dishes.launch_day,
                "description": dishes.description,
            }
        )

    @cached_property
    def cities(self) -> pd.DataFrame:
        """The cities, their clocks and their shares of the users."""
        return pd.DataFrame(self._users.cities, columns=["city", "utc_offset_hours", "share"]).rename(
            columns={"name": "city"}
        )

    def catalogue(self, day: int) -> pd.DataFrame:
        """Return the dishes on sale on a day, as that day's catalogue feed delivers them."""
        self._check_days(day, None)
        catalogue = self.dishes[self.dishes["launch_day"] <= day].reset_index(drop=True)
        for incident in self.incidents:
            catalogue = incident.deliver(catalogue, day)
        return catalogue

    def sessions(self, start_day: int = 0, end_day: int | None = None, sessions_per_day: int = 2_000) -> Sessions:
        """Return the contexts that `simulate` with the same arguments ranks, in the order of its log."""
        return join([block for _, block in self._blocks(start_day, end_day, sessions_per_day)])

    def simulate(
        self,
        policy=None,
        sessions_per_day: int = 2_000,
        *,
        start_day: int = 0,
        end_day: int | None = None,
        batch_size: int = 4_096,
    ) -> pd.DataFrame:
        """Return the log of a policy, ten rows a session, in order of day, source of traffic, time and position.

        Args:
            policy: any object with `rank(sessions, rng) -> Ranking`; `PopularityPolicy` if None.
            sessions_per_day: mean over the week.
            start_day, end_day: from the first day to before the last, all days if None.
            batch_size: sessions whose outcomes are computed at once; changes memory and speed, never the result.

        Returns:
            `session_id, user_id, dish_id, position, propensity, event_time, available_time, clicked, ordered,
            revenue`; times in UTC, revenue in euros.
        """
        _at_least("batch_size", batch_size, 1)
        policy = PopularityPolicy(self) if policy is None else policy
        if not callable(getattr(policy, "rank", None)):
            raise ValueError(f"policy must have a method rank(sessions, rng), got {policy!r}")
        blocks = self._blocks(start_day, end_day, sessions_per_day)
        log = empty_log(sum(len(block.user_id) for _, block in blocks))
        batch, start = [], 0
        for (key, sessions), is_last in zip(blocks, [False] * (len(blocks) - 1) + [True], strict=True):
            batch.append((key, sessions))
            size = sum(len(block.user_id) for _, block in batch)
            if size >= batch_size or is_last:
                self._write(log, slice(start, start + size), policy, batch)
                batch, start = [], start + size
        return frame(log)

    def _blocks(self, start_day: int, end_day: int | None, sessions_per_day: int) -> list[tuple[tuple, Sessions]]:
        """Return the blocks of sessions with the addresses of their random streams."""
        self._check_days(start_day, end_day)
        _at_least("sessions_per_day", sessions_per_day, 1)
        if sessions_per_day > SESSIONS_PER_DAY_LIMIT:
            raise ValueError(f"sessions_per_day must be at most {SESSIONS_PER_DAY_LIMIT}, got {sessions_per_day}")
        found = []
        for day in range(start_day, self.days if end_day is None else end_day):
            for source in self._sources:
                drawn = source.draw(self.seed, day, source.sessions_on(day, sessions_per_day))
                found += [((source.purpose, day, block), sessions) for block, sessions in enumerate(drawn)]
        return found

    def _write(self, log: dict, rows: slice, policy, batch: list) -> None:
        """Fill some rows of the log: feeds and random numbers by block, outcomes for the whole batch."""
        sessions = join([block for _, block in batch])
        rankings, lucks, uploads, losses = [], [], [], []
        for address, block in batch:
            ranking = policy.rank(block, self._stream("policy", address))
            rankings.append(self._check_ranking(ranking, block))
            lucks.append(draw_luck(self._stream("luck", address), len(block.user_id)))
            device = self._users.device[block.user_id]
            uploads.append(upload_delay(self._stream("upload", address), device))
            losses.append(self._lost_clicks(address, device))
        write_feeds(log, rows, sessions, Ranking(*map(np.concatenate, zip(*rankings, strict=True))))
        write_outcomes(log, rows, sessions, self._choice, Luck(*map(np.concatenate, zip(*lucks, strict=True))))
        delay, lost = map(np.concatenate, zip(*uploads, strict=True))
        write_arrival(log, rows, delay, lost | (np.concatenate(losses) & log["clicked"][rows]))

    def _stream(self, purpose: str, address: tuple[str, int, int]) -> np.random.Generator:
        source, day, block = address
        return stream(self.seed, f"{purpose}, {source}", day, block)

    def _lost_clicks(self, address: tuple[str, int, int], device: np.ndarray) -> np.ndarray:
        """Return which events of a block (sessions, 10) incidents lose if they are clicks."""
        lost = np.zeros((len(device), POSITIONS), dtype=bool)
        for incident in self.incidents:
            if isinstance(incident, LostTracking) and incident.is_on(address[1]):
                rng = self._stream(f"tracking, {incident.device} {incident.start_day}", address)
                lost |= incident.loses(rng, address[1], device, POSITIONS)
        return lost

    def _check_days(self, start_day: int, end_day: int | None) -> None:
        end_day = self.days if end_day is None else end_day
        _at_least("start_day", start_day, 0)
        _at_least("end_day", end_day, 0)
        if not 0 <= start_day < end_day <= self.days:
            raise ValueError(
                f"start_day and end_day must satisfy 0 <= start_day < end_day <= {self.days}, "
                f"got {start_day}, {end_day}"
            )

    def _check_ranking(self, ranking: Ranking, sessions: Sessions) -> Ranking:
        """Return what a policy answered, or say what is wrong with it."""
        if not isinstance(ranking, tuple) or len(ranking) != 2:
            raise ValueError(f"policy must return a Ranking(dish_id, propensity), got {type(ranking).__name__}")
        dish_id, propensity = (np.asarray(part) for part in ranking)
        shape = (len(sessions.user_id), POSITIONS)
        if dish_id.shape != shape or propensity.shape != shape:
            raise ValueError(
                f"policy must return dish_id and propensity of shape {shape}, got {dish_id.shape}, {propensity.shape}"
            )
        if not np.issubdtype(dish_id.dtype, np.integer):
            raise ValueError(f"policy must return dish_id as whole numbers, got dtype {dish_id.dtype}")
        if dish_id.min() < 0 or dish_id.max() >= len(self._dishes):
            raise ValueError(
                f"policy must return dish_id from 0 to {len(self._dishes) - 1}, got {dish_id.min()}…{dish_id.max()}"
            )
        ordered = np.sort(dish_id, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise ValueError("policy must not show a dish twice in one feed")
        if (self._dishes.launch_day[dish_id] > day_of(sessions.time)[:, None]).any():
            raise ValueError("policy must not show a dish before its launch_day")
        if not ((propensity > 0) & (propensity <= 1)).all():
            raise ValueError("policy must return propensity above 0 and at most 1, the chance of showing what it shows")
        return Ranking(dish_id, propensity)
