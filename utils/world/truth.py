"""The truth of the world, which no system on Platter may read and every lesson measures against."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import same_labels
from utils.foundation.whole_numbers import exact_integers
from utils.world.checks import ids, window
from utils.world.choice import EXAMINATION, POSITIONS, Choice
from utils.world.clock import day_of, instants
from utils.world.ranking import Policy, check_policy, check_ranking
from utils.world.streams import stream
from utils.world.traffic import SESSIONS_PER_DAY_LIMIT, Sessions, Source, check_sessions, join

__all__ = ["Truth"]

BEST_FEED_ROWS = 512  # sessions whose dishes are all valued at once


class Truth:
    """Exact probabilities and values. Obtained as `World.truth`; arguments broadcast as numpy arrays do.

    Args:
        seed: the world's seed.
        days: the length of the world.
        choice: how people choose.
        n_users: how many users there are, bots included.
        launch_day: the launch day of each dish, (n_dishes,).
        sources: the sources of traffic.
    """

    def __init__(
        self,
        *,
        seed: int,
        days: int,
        choice: Choice,
        n_users: int,
        launch_day: NDArray[np.integer],
        sources: Sequence[Source],
    ) -> None:
        self._seed, self._days, self._choice = seed, days, choice
        self._n_users, self._launch_day = n_users, launch_day
        self._people = [source for source in sources if source.are_people]

    def examination(self, position: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that a position is looked at: position to the power -0.8.

        Args:
            position: whole numbers from 1, on top, to 10.

        Raises:
            ValueError: positions that do not exist.
        """
        found = exact_integers("position", position, f"count positions from 1 to {POSITIONS}", floats=False)
        if found.size and (found.min() < 1 or found.max() > POSITIONS):
            raise ValueError(
                f"position must be from 1 to {POSITIONS}, got {found.min()} to {found.max()}; count from 1, on top"
            )
        return EXAMINATION[found - 1]

    def attraction(self, user_id: ArrayLike, dish_id: ArrayLike, time: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that a user who examines a dish clicks it.

        Args:
            user_id: whole numbers.
            dish_id: whole numbers.
            time: when the feed is shown, UTC. It matters through the hour in the user's city, and through the season.

        Raises:
            ValueError: ids or times that do not exist, shapes that do not broadcast, or columns of other rows.
        """
        return self._choice.attraction(*self._checked(user_id, dish_id, time))

    def order_given_click(self, user_id: ArrayLike, dish_id: ArrayLike, time: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that a click becomes an order; it does not depend on the time.

        Args:
            user_id: whole numbers.
            dish_id: whole numbers.
            time: when the feed is shown, UTC.

        Raises:
            ValueError: ids or times that do not exist, shapes that do not broadcast, or columns of other rows.
        """
        users, dishes, times = self._checked(user_id, dish_id, time)
        order = self._choice.order_given_click(users, dishes)
        return order if times.ndim == 0 else np.broadcast_arrays(order, times)[0].copy()

    def expected_basket(self, dish_id: ArrayLike) -> NDArray[np.float64]:
        """Return the mean value of an order of a dish, in euros.

        Args:
            dish_id: whole numbers.

        Raises:
            ValueError: dishes that do not exist.
        """
        return self._choice.mean_basket(ids("dish_id", dish_id, len(self._launch_day)))

    def expected_revenue(self, user_id: ArrayLike, dish_id: ArrayLike, time: ArrayLike) -> NDArray[np.float64]:
        """Return the mean revenue in euros of an examined impression: attraction × order given click × mean basket.

        Args:
            user_id: whole numbers.
            dish_id: whole numbers.
            time: when the feed is shown, UTC.

        Raises:
            ValueError: ids or times that do not exist, shapes that do not broadcast, or columns of other rows.
        """
        return self._revenue(*self._checked(user_id, dish_id, time))

    def best_feed(self, sessions: Sessions) -> NDArray[np.int32]:
        """Return the ten launched dishes of highest expected revenue, best first, (sessions, 10).

        No feed earns more: examination falls with the position and does not depend on the dishes, so pairing the
        largest revenue with the most examined position is optimal by the rearrangement inequality.

        Args:
            sessions: who opens the app when.

        Raises:
            ValueError: users who do not exist, or sessions before day 0.

        References:
            Hardy, Littlewood and Pólya, "Inequalities", theorem 368.
        """
        check_sessions(sessions)
        users, _, times = self._checked(sessions.user_id, 0, sessions.time)
        dish_id = np.arange(len(self._launch_day))
        feeds = np.empty((len(users), POSITIONS), dtype=np.int32)
        for start in range(0, len(feeds), BEST_FEED_ROWS):
            rows = slice(start, start + BEST_FEED_ROWS)
            time = times[rows, None]
            revenue = self._revenue(users[rows, None], dish_id, time)
            revenue = np.where(self._launch_day <= day_of(time), revenue, -1.0)
            top = np.argpartition(-revenue, POSITIONS - 1, axis=1)[:, :POSITIONS]
            order = np.argsort(-np.take_along_axis(revenue, top, axis=1), axis=1, kind="stable")
            feeds[rows] = np.take_along_axis(top, order, axis=1)
        return feeds

    def policy_value(
        self, policy: Policy, *, n_sessions: int = 20_000, seed: int = 0, start_day: int = 0, end_day: int | None = None
    ) -> float:
        """Return a policy's true revenue per session in euros, free of click noise.

        The sessions are drawn afresh from the world's traffic, the same for every policy with the same `seed`; what is
        left of chance is which sessions and, for a policy that explores, which feeds.

        Args:
            policy: any object with `rank(sessions, rng) -> Ranking`.
            n_sessions: about how many sessions of people are drawn, bots left out.
            seed: another one draws other sessions.
            start_day: the first day.
            end_day: the day after the last, None for all that follow.

        Raises:
            ValueError: no policy, no sessions, days that the world does not have, or an answer that is no feed.
        """
        check_policy(policy)
        n_sessions = checks.count(
            "n_sessions", n_sessions, "20,000 give a tenth of a percent", maximum=SESSIONS_PER_DAY_LIMIT
        )
        seed = checks.count("seed", seed, "use 0", minimum=0)
        start_day, end_day = window(start_day, end_day, self._days)
        per_day = max(1, round(n_sessions / (end_day - start_day)))
        total, count = 0.0, 0
        for day in range(start_day, end_day):
            for source in self._people:
                n = source.sessions_on(day, per_day)
                if n:
                    drawn = source.draw(self._seed, day, n, purpose=f"value {seed}, {source.purpose}")
                    rng = stream(self._seed, f"value policy {seed}, {source.purpose}", day)
                    total += self._value(join(drawn), policy, rng)
                    count += n
        return total / count

    def _value(self, sessions: Sessions, policy: Policy, rng: np.random.Generator) -> float:
        """Return the expected revenue in euros of the feeds that a policy shows in some sessions."""
        dish_id, _ = check_ranking(policy.rank(sessions, rng), sessions, self._launch_day)
        revenue = self._revenue(sessions.user_id[:, None], dish_id, sessions.time[:, None])
        return float((revenue * EXAMINATION).sum())

    def _revenue(
        self, user_id: NDArray[np.integer], dish_id: NDArray[np.integer], time: NDArray[np.datetime64]
    ) -> NDArray[np.float64]:
        attraction = self._choice.attraction(user_id, dish_id, time)
        return attraction * self._choice.order_given_click(user_id, dish_id) * self._choice.mean_basket(dish_id)

    def _checked(
        self, user_id: ArrayLike, dish_id: ArrayLike, time: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.datetime64]]:
        """Return ids and times as arrays that broadcast."""
        same_labels(user_id=user_id, dish_id=dish_id, time=time)
        users, dishes = ids("user_id", user_id, self._n_users), ids("dish_id", dish_id, len(self._launch_day))
        times = instants("time", time)
        try:
            np.broadcast_shapes(users.shape, dishes.shape, times.shape)
        except ValueError:
            raise ValueError(
                "user_id, dish_id and time must broadcast, "
                f"got shapes {users.shape}, {dishes.shape}, {times.shape}; add axes with [:, None]"
            ) from None
        return users, dishes, times
