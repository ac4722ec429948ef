"""The finalizer of SplitMix64: it spreads each bit of a 64-bit integer over all bits of the result.

The hash of an experiment's users and the hash of a cache's keys both end with it, each with a start of its own.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["MASK", "mix64", "mix64_array"]

MASK = (1 << 64) - 1
MULTIPLIER_1, MULTIPLIER_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mix64(value: int) -> int:
    """Return the finalizer's value for one integer.

    Args:
        value: integer from 0 to 2**64 − 1; higher bits are dropped.

    Returns:
        Integer from 0 to 2**64 − 1; the map is one to one.

    References:
        The lines that follow the addition in Vigna's `splitmix64.c` (public domain, 2015), after Steele, Lea and
        Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.

    >>> hex(mix64(0x9E3779B97F4A7C15))  # the first output of splitmix64 seeded with 0
    '0xe220a8397b1dcdaf'
    """
    value &= MASK
    value = ((value ^ (value >> 30)) * MULTIPLIER_1) & MASK
    value = ((value ^ (value >> 27)) * MULTIPLIER_2) & MASK
    return value ^ (value >> 31)


def mix64_array(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return `mix64` of each element.

    Args:
        values: unsigned 64-bit integers of any shape; left as they are.

    Returns:
        Array of the same shape and type.

    References:
        As for `mix64`.
    """
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(MULTIPLIER_1)
    values ^= values >> np.uint64(27)
    values *= np.uint64(MULTIPLIER_2)
    values ^= values >> np.uint64(31)
    return values
