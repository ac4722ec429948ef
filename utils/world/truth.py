"""The truth of the world, which no system on Platter may read and every lesson measures against."""

import numpy as np

from utils.world.choice import EXAMINATION, POSITIONS
from utils.world.clock import day_of
from utils.world.streams import stream
from utils.world.traffic import Sessions, join


class Truth:
    """Exact probabilities and values. Obtained as `World.truth`; arguments broadcast as numpy arrays do."""

    def __init__(self, world, choice, sources, check_ranking) -> None:
        self._world, self._choice, self._sources, self._check_ranking = world, choice, sources, check_ranking

    def examination(self, position: np.ndarray) -> np.ndarray:
        """Return the probability that a position, counted from 1 to 10, is looked at: position to the power -0.8."""
        position = np.asarray(position)
        if position.size and (
            not np.issubdtype(position.dtype, np.integer) or position.min() < 1 or position.max() > POSITIONS
        ):
            raise ValueError(f"position must be whole numbers from 1 to {POSITIONS}, got {position!r}")
        return EXAMINATION[position - 1]

    def attraction(self, user_id: np.ndarray, dish_id: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the probability that a user who examines a dish clicks it.

        Args:
            user_id, dish_id: whole numbers.
            time: when the feed is shown, UTC, `datetime64`. It matters through the hour in the user's city.
        """
        return self._choice.attraction(*self._check(user_id, dish_id, time))

    def order_given_click(self, user_id: np.ndarray, dish_id: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the probability that a click becomes an order; it does not depend on the time."""
        user_id, dish_id, time = self._check(user_id, dish_id, time)
        order = self._choice.order_given_click(user_id, dish_id)
        return order if time.ndim == 0 else np.broadcast_arrays(order, time)[0].copy()

    def expected_basket(self, dish_id: np.ndarray) -> np.ndarray:
        """Return the mean value of an order of a dish, in euros."""
        return self._choice.mean_basket(self._check_id("dish_id", dish_id, len(self._world.dishes)))

    def expected_revenue(self, user_id: np.ndarray, dish_id: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the mean revenue in euros of an examined impression: attraction × order given click × mean basket."""
        user_id, dish_id, time = self._check(user_id, dish_id, time)
        attraction = self._choice.attraction(user_id, dish_id, time)
        return attraction * self._choice.order_given_click(user_id, dish_id) * self._choice.mean_basket(dish_id)

    def best_feed(self, sessions: Sessions) -> np.ndarray:
        """Return the ten launched dishes of highest expected revenue, best first, (sessions, 10).

        No feed earns more: examination falls with the position and does not depend on the dishes, so pairing the
        largest revenue with the most examined position is optimal (rearrangement inequality; Hardy, Littlewood and
        Pólya, "Inequalities", theorem 368).
        """
        launch_day = self._world.dishes["launch_day"].to_numpy()
        dish_id = np.arange(len(launch_day))
        feeds = np.empty((len(sessions.user_id), POSITIONS), dtype=np.int32)
        for start in range(0, len(feeds), 512):
            rows = slice(start, start + 512)
            time = sessions.time[rows, None]
            revenue = self.expected_revenue(sessions.user_id[rows, None], dish_id, time)
            revenue = np.where(launch_day <= day_of(time), revenue, -1.0)
            top = np.argpartition(-revenue, POSITIONS - 1, axis=1)[:, :POSITIONS]
            order = np.argsort(-np.take_along_axis(revenue, top, axis=1), axis=1, kind="stable")
            feeds[rows] = np.take_along_axis(top, order, axis=1)
        return feeds

    def policy_value(
        self, policy, *, n_sessions: int = 20_000, seed: int = 0, start_day: int = 0, end_day: int | None = None
    ) -> float:
        """Return a policy's true revenue per session in euros, free of click noise.

        About `n_sessions` sessions of people are drawn, bots left out, from `start_day` to before `end_day`.
        The sessions are drawn afresh from the world's traffic, the same for every policy with the same `seed`; what is
        left of chance is which sessions and, for a policy that explores, which feeds.
        """
        self._world._check_days(start_day, end_day)
        if n_sessions < 1:
            raise ValueError(f"n_sessions must be at least 1, got {n_sessions}")
        end_day = self._world.days if end_day is None else end_day
        per_day = max(1, round(n_sessions / (end_day - start_day)))
        total, count = 0.0, 0
        for day in range(start_day, end_day):
            for source in self._sources:
                n = source.sessions_on(day, per_day)
                sessions = join(source.draw(self._world.seed, day, n, purpose=f"value {seed}, {source.purpose}"))
                if n:
                    rng = stream(self._world.seed, f"value policy {seed}, {source.purpose}", day)
                    total += self._revenue(sessions, policy, rng)
                    count += n
        return total / count

    def _revenue(self, sessions: Sessions, policy, rng: np.random.Generator) -> float:
        """Return the expected revenue in euros of the feeds that a policy shows in some sessions."""
        dish_id, _ = self._check_ranking(policy.rank(sessions, rng), sessions)
        revenue = self.expected_revenue(sessions.user_id[:, None], dish_id, sessions.time[:, None])
        return float((revenue * EXAMINATION).sum())

    def _check_id(self, name: str, values: np.ndarray, n: int) -> np.ndarray:
        values = np.asarray(values)
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f"{name} must be whole numbers, got dtype {values.dtype}; cast with astype(int)")
        if values.size and (values.min() < 0 or values.max() >= n):
            raise ValueError(f"{name} must lie in 0 to {n - 1}, got {values.min()} to {values.max()}")
        return values

    def _check(self, user_id, dish_id, time):
        user_id = self._check_id("user_id", user_id, len(self._world.users))
        dish_id = self._check_id("dish_id", dish_id, len(self._world.dishes))
        try:
            time = np.asarray(time, dtype="datetime64[us]")
            np.broadcast_shapes(user_id.shape, dish_id.shape, time.shape)
        except (TypeError, ValueError) as error:
            raise ValueError(f"user_id, dish_id and time must broadcast, time as datetime64: {error}") from None
        if np.isnat(time).any():
            raise ValueError("time must not hold NaT; drop the events without a time first")
        return user_id, dish_id, time
