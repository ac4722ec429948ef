"""The finalizer against the published outputs of splitmix64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.foundation.hash_mixing import mix64, mix64_array

GOLDEN_GAMMA = 0x9E3779B97F4A7C15  # what splitmix64.c adds to its state before each output
PUBLISHED = {  # seed: first outputs; 1234567 as in Rosetta Code, "Pseudo-random numbers/Splitmix64"; 0 as in Java and Julia
    0: [16294208416658607535, 7960286522194355700, 487617019471545679, 17909611376780542444],
    1234567: [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ],
}


@pytest.mark.parametrize("seed", PUBLISHED)
def test_the_published_streams_of_splitmix64_come_out(seed):
    states = [(seed + (i + 1) * GOLDEN_GAMMA) % 2**64 for i in range(len(PUBLISHED[seed]))]
    assert [mix64(state) for state in states] == PUBLISHED[seed]
    assert mix64_array(np.array(states, dtype=np.uint64)).tolist() == PUBLISHED[seed]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=10))
def test_an_array_gives_what_its_integers_give_and_stays_as_it_was(values):
    array = np.array(values, dtype=np.uint64)
    assert mix64_array(array).tolist() == [mix64(value) for value in values]
    assert array.tolist() == values


def test_bits_beyond_the_64th_are_dropped_and_the_shape_is_kept():
    assert mix64(2**64 + 5) == mix64(5)
    assert mix64_array(np.zeros((2, 3), dtype=np.uint64)).shape == (2, 3)


def test_each_bit_of_the_input_flips_half_of_the_output_on_average():
    states = np.random.default_rng(0).integers(0, 2**64, 2_000, dtype=np.uint64)
    mixed = mix64_array(states)
    for bit in range(64):
        flipped = mix64_array(states ^ np.uint64(1 << bit)) ^ mixed
        # 2,000 × 64 nearly fair coins: six standard errors of their mean
        assert abs(np.bitwise_count(flipped).mean() / 64 - 0.5) < 6 * 0.5 / np.sqrt(2_000 * 64)
