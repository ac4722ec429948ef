"""Named random streams: every draw has an address, so nothing depends on the order of calls or on the batch size."""

import hashlib

import numpy as np

__all__ = ["BLOCK", "blocks", "stream"]

BLOCK = 4096  # sessions that share one stream; part of the definition of the world, not a tuning option


def stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """Return the generator for one purpose, the same for the same (seed, purpose, keys) and independent of all others.

    Args:
        seed: seed of the world, a non-negative integer.
        purpose: what the numbers are for, such as "click".
        *keys: non-negative integers that continue the address, such as day and block.

    >>> stream(0, "click", 3).random() == stream(0, "click", 3).random()
    True
    """
    name = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, name, *keys])))


def blocks(n: int) -> list[tuple[int, int, int]]:
    """Return (block, start, stop) for `n` sessions cut into blocks of `BLOCK`."""
    return [(start // BLOCK, start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
