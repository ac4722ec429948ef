"""The online side's features of one visit, read from the serving database.

Nothing here calls the offline code: it is the second implementation of the same features, as most companies have.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from utils.foundation import checks

__all__ = ["OnlineFeatures", "Visit"]


@dataclass(frozen=True)
class Visit:
    """One visit to the app: who, which dishes could be shown, and when.

    Attributes:
        session_id: a whole number of at least 0.
        user_id: the same.
        dish_ids: the same, at least one of them.
        time: UTC if it has no zone; kept in UTC, without one.
    """

    session_id: int
    user_id: int
    dish_ids: list[int]
    time: datetime

    def __post_init__(self) -> None:
        if not isinstance(self.time, datetime):
            raise ValueError(f"time must be a datetime, got {type(self.time).__name__}; use datetime.fromisoformat")
        if len(self.dish_ids) == 0:
            raise ValueError("dish_ids must name at least one dish, got none; send the visit's candidates")
        dish_ids = [checks.count("dish_ids", dish_id, minimum=0) for dish_id in self.dish_ids]
        object.__setattr__(self, "dish_ids", dish_ids)  # numpy's integers would not be found in SQLite
        for name in ("session_id", "user_id"):
            object.__setattr__(self, name, checks.count(name, getattr(self, name), minimum=0))
        if self.time.tzinfo is not None:
            object.__setattr__(self, "time", self.time.astimezone(UTC).replace(tzinfo=None))


class OnlineFeatures:
    """Fetch the features of one visit. Each method is one read that a team may get wrong.

    Args:
        connection: SQLite connection to a database that `serving_database.fill` wrote.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        [(self.prior,)] = connection.execute("SELECT rate FROM prior").fetchall()

    def fetch(self, request: Visit) -> list[list[float]]:
        """Return the features of a visit's dishes, list of rows in the order of `dish_ids` and of `FEATURES`.

        Raises:
            ValueError: a dish or a user that the database does not have.
        """
        dishes = self.dishes(request.dish_ids)
        dish_rates = self.dish_rates(request.dish_ids)
        hour = self.hour(request)
        cuisine_rates = self.cuisine_rates(hour)
        tastes, user_rate = self.user(request.user_id)
        return [
            [price, minutes, rate, cuisine_rates[cuisine], tastes.get(cuisine, self.prior), user_rate]
            for (price, minutes, cuisine), rate in zip(dishes, dish_rates, strict=True)
        ]

    def dishes(self, dish_ids: Sequence[int]) -> list[list[Any]]:
        """Return [price, preparation minutes, cuisine] of each dish."""
        found = {key: row for key, *row in self._in("SELECT * FROM dish WHERE dish_id IN", dish_ids)}
        unknown = [dish_id for dish_id in dish_ids if dish_id not in found]
        if unknown:
            raise ValueError(f"dish_ids must be in the catalogue, got {unknown[:5]}; load the catalogue again")
        return [found[dish_id] for dish_id in dish_ids]

    def dish_rates(self, dish_ids: Sequence[int]) -> list[float]:
        """Return the click rate of each dish, the prior where it has never been shown."""
        found = dict(self._in("SELECT dish_id, rate FROM dish_rate WHERE dish_id IN", dish_ids))
        return [found.get(dish_id, self.prior) for dish_id in dish_ids]

    def hour(self, request: Visit) -> int:
        """Return the hour on the user's clock."""
        query = "SELECT utc_offset_hours FROM user WHERE user_id = ?"
        found = self.connection.execute(query, (request.user_id,)).fetchone()
        if found is None:
            raise ValueError(f"user_id must be a known user, got {request.user_id}; load the users again")
        return (request.time + timedelta(hours=found[0])).hour

    def cuisine_rates(self, hour: int) -> dict[int, float]:
        """Return cuisine -> click rate at this hour."""
        return dict(self.connection.execute("SELECT cuisine, rate FROM cuisine_hour_rate WHERE hour = ?", (hour,)))

    def user(self, user_id: int) -> tuple[dict[int, float], float]:
        """Return the user's click rate by cuisine, and overall; the prior where nothing is known."""
        tastes = dict(
            self.connection.execute("SELECT cuisine, rate FROM user_cuisine_rate WHERE user_id = ?", (user_id,))
        )
        found = self.connection.execute("SELECT rate FROM user_rate WHERE user_id = ?", (user_id,)).fetchone()
        return tastes, found[0] if found else self.prior

    def _in(self, query: str, keys: Sequence[int]) -> list[tuple[Any, ...]]:
        return self.connection.execute(f"{query} ({', '.join('?' * len(keys))})", keys).fetchall()
