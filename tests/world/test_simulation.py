"""The batch size changes memory and speed, never the result."""

import tracemalloc

import pandas as pd
import pytest

from utils.world import PopularityPolicy, UniformPolicy, World


@pytest.mark.parametrize("batch_size", [1, 5_000, 1_000_000])
def test_the_batch_size_changes_no_byte(batch_size):
    world = World(seed=4, n_users=500, n_dishes=30, days=2)
    expected = world.simulate(sessions_per_day=6_000)  # two blocks a day
    pd.testing.assert_frame_equal(
        world.simulate(sessions_per_day=6_000, batch_size=batch_size), expected, check_exact=True
    )


def test_memory_grows_with_the_result_only():
    world = World(seed=0, n_users=300, n_dishes=30, days=8)
    policy = UniformPolicy(world)

    def overhead(end_day):
        tracemalloc.start()
        log = world.simulate(policy, 4_000, end_day=end_day)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - log.memory_usage(deep=True).sum()

    overhead(1)
    # contexts of a session are 20 bytes; the blocks of a batch are reused
    assert overhead(8) - overhead(2) < 6 * 4_000 * 100


class Counting(PopularityPolicy):
    """A policy that notes how many sessions it was asked for at once."""

    def rank(self, sessions, rng):
        self.asked.append(len(sessions.user_id))
        return super().rank(sessions, rng)


def test_a_policy_is_asked_block_by_block_whatever_the_batch():
    world = World(seed=4, n_users=500, n_dishes=30, days=2)
    for batch_size in (1, 5_000, 10**6):
        policy = Counting(world)
        policy.asked = []
        world.simulate(policy, sessions_per_day=6_000, batch_size=batch_size)
        assert policy.asked == [4_096, 1_184, 4_096, 1_184]  # 88% of the mean on Monday and Tuesday
