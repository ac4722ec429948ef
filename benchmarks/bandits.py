"""Time the bandit simulation beside MABWiser and beside drawing the same random numbers, in one run, as ratios.

Run with `python benchmarks/bandits.py`. MABWiser lives in the environment of `make test-production`; where it is not
installed its column says so. It decides and learns one decision at a time, as a live system does: its time is per
decision of one run, ours per decision of many runs in step.
"""

import importlib.util

import numpy as np

from utils.foundation.timing import best_seconds
from utils.learning.feedback.bandits import UCB1, EpsilonGreedy, ThompsonBernoulli, simulate

MEANS = [0.5] + [0.4] * 9
HORIZON, RUNS, LOOPED = 1_000, 1_000, 3_000
POLICIES = {"epsilon-greedy": EpsilonGreedy(0.1), "UCB1": UCB1(), "Thompson": ThompsonBernoulli()}


def draws(name: str) -> None:
    """Draw what `simulate` draws for a policy: rewards, and what the policy needs to choose."""
    rng = np.random.default_rng(0)
    a, b = np.full((RUNS, len(MEANS)), 41.0), np.full((RUNS, len(MEANS)), 61.0)  # 100 pulls an arm, the mean count
    for _ in range(HORIZON):
        rng.random(RUNS)
        if name == "epsilon-greedy":
            rng.random(RUNS)
            rng.integers(len(MEANS), size=RUNS)
        elif name == "Thompson":
            rng.beta(a, b)


def mabwiser_loop(name: str) -> None:
    """Decide and learn `LOOPED` times with MABWiser, one decision at a time."""
    from mabwiser.mab import MAB, LearningPolicy

    rng = np.random.default_rng(0)
    learning = {
        "epsilon-greedy": LearningPolicy.EpsilonGreedy(0.1),
        "UCB1": LearningPolicy.UCB1(1.0),
        "Thompson": LearningPolicy.ThompsonSampling(),
    }[name]
    arms = list(range(len(MEANS)))
    mab = MAB(arms, learning, seed=0)
    mab.fit(arms, (rng.random(len(arms)) < MEANS).astype(int))
    for _ in range(LOOPED):
        arm = mab.predict()
        mab.partial_fit([arm], [int(rng.random() < MEANS[arm])])


def main() -> None:
    """Print the table."""
    has_mabwiser = importlib.util.find_spec("mabwiser") is not None
    print(f"{RUNS:,} runs of {HORIZON:,} decisions, {len(MEANS)} arms")
    print(f"{'policy':<16}{'decisions/s':>14}{'× drawing':>12}{'× MABWiser':>13}")
    for name, policy in POLICIES.items():
        ours = best_seconds(lambda policy=policy: simulate(policy, MEANS, HORIZON, RUNS, seed=0), repeats=3)
        drawing = best_seconds(lambda name=name: draws(name), repeats=3)
        rate = RUNS * HORIZON / ours
        peer = (
            f"{rate * best_seconds(lambda name=name: mabwiser_loop(name), repeats=3) / LOOPED:,.0f}"
            if has_mabwiser
            else "skipped"
        )
        print(f"{name:<16}{rate:>14,.0f}{ours / drawing:>12.1f}{peer:>13}")
    if not has_mabwiser:
        print("MABWiser: skipped, it is not installed here; its environment is that of `make test-production`.")


if __name__ == "__main__":
    main()
