"""A million look-ups on 10 nodes × 160 virtual nodes, beside uhashring and beside hashing alone, as ratios.

uhashring looks up one key at a time; it is given fewer keys and its time is scaled. The best of several runs counts.
"""

from __future__ import annotations

import numpy as np
import uhashring

from utils.foundation.timing import best_seconds
from utils.systems.hashing.key_hash import hash_keys
from utils.systems.hashing.ring import HashRing

N_KEYS, N_PEER_KEYS = 1_000_000, 50_000
NODES = [f"cache-{i}" for i in range(10)]


def main() -> None:
    ring, peer = HashRing(NODES, 160), uhashring.HashRing(NODES, vnodes=160)
    integers, texts = np.arange(N_KEYS), np.array([f"user:{i}" for i in range(N_KEYS)])
    print(f"{N_KEYS:,} look-ups on {len(NODES)} nodes × 160 virtual nodes")
    for name, keys in (("integers", integers), ("texts", texts)):
        few = keys[:N_PEER_KEYS].tolist()
        theirs = best_seconds(lambda few=few: [peer.get_node(key) for key in few], repeats=3) * N_KEYS / N_PEER_KEYS
        one_by_one = best_seconds(lambda few=few: [ring.lookup(key) for key in few], repeats=3) * N_KEYS / N_PEER_KEYS
        ours, hashing = (
            best_seconds(lambda keys=keys: ring.lookup(keys)),
            best_seconds(lambda keys=keys: hash_keys(keys)),
        )
        print(
            f"{name}: {theirs / ours:.0f} times uhashring's rate (bar: 10), "
            f"{ours / hashing:.1f} times the time of hashing alone; "
            f"one key at a time {theirs / one_by_one:.2f} times uhashring's rate"
        )


if __name__ == "__main__":
    main()
