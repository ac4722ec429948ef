"""Assignment of users to arms by a salted hash, and the test that the split came out as designed."""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks


class SampleRatioTest(NamedTuple):
    """Result of `srm_test`: the chi-square statistic, its p-value and the expected counts, shape (arms,)."""

    statistic: float
    p_value: float
    expected: NDArray[np.float64]


def bucket(user_ids: ArrayLike, experiment: str) -> NDArray[np.float64]:
    """Give every user a point in [0, 1) that depends on the user and the experiment's name only.

    Args:
        user_ids: whole numbers or strings, shape (n,).
        experiment: name of the experiment; it salts the hash, so that two experiments split independently.

    Returns:
        Points, shape (n,), uniform over users. A rollout that raises its share keeps the users it had: they are
        those whose point lies below the share.

    Raises:
        ValueError: no name, or identifiers that are neither whole numbers nor strings, or more than one axis.

    Source:
        The mixing function is the finalizer of SplitMix64: Steele, Lea, Flood (2014), "Fast splittable pseudorandom
        number generators", section 4, with the constants of Stafford's variant 13.
    """
    if not isinstance(experiment, str) or not experiment:
        raise ValueError(f"experiment must be a name, got {experiment!r}; an empty salt gives every test one split")
    salt = hashlib.blake2b(experiment.encode(), digest_size=16).digest()
    first, second = np.frombuffer(salt, dtype="<u8")
    mixed = _mix(_mix(_as_integers(user_ids) ^ first) ^ second)
    return (mixed >> np.uint64(11)) * 2.0**-53


def assign(user_ids: ArrayLike, experiment: str, weights: ArrayLike = (0.5, 0.5)) -> NDArray[np.int64]:
    """Assign users to arms: uniform over users, the same at every visit, independent across experiments.

    Args:
        user_ids: whole numbers or strings, shape (n,).
        experiment: name of the experiment; it salts the hash.
        weights: share of each arm, shape (arms,); scaled to sum to one.

    Returns:
        Number of the arm, from 0, shape (n,).

    Raises:
        ValueError: see `bucket`; or weights that are not finite and non-negative, or sum to zero.

    >>> assign([101, 102, 103, 104, 105, 106], "new-ranker").tolist() == assign(
    ...     [101, 102, 103, 104, 105, 106], "new-ranker"
    ... ).tolist()
    True
    """
    edges = np.cumsum(_shares(weights))[:-1]
    return np.searchsorted(edges, bucket(user_ids, experiment), side="right")


def srm_test(counts: ArrayLike, weights: ArrayLike | None = None) -> SampleRatioTest:
    """Test whether the numbers of users in the arms fit the designed split (sample-ratio mismatch).

    Args:
        counts: users seen in each arm, shape (arms,).
        weights: designed share of each arm, shape (arms,); None for equal shares.

    Returns:
        Pearson's chi-square statistic with arms − 1 degrees of freedom, its p-value, the expected counts.

    Raises:
        ValueError: fewer than two arms, negative or NaN counts, no users at all, weights that do not fit.

    Source:
        Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments", KDD.

    >>> f"{srm_test([821_588, 815_482]).p_value:.1e}"
    '1.8e-06'
    """
    observed = checks.array("counts", counts, minimum_length=2)
    if observed.ndim != 1:
        raise ValueError(f"counts must have one axis, got shape {observed.shape}; test one experiment at a time")
    if (observed < 0).any() or observed.sum() == 0:
        raise ValueError(f"counts must be non-negative and not all zero, got {observed.tolist()}; count users per arm")
    shares = _shares(np.ones(len(observed)) if weights is None else weights)
    if shares.shape != observed.shape:
        raise ValueError(f"weights must have one entry an arm, got {len(shares)} for {len(observed)} arms; match them")
    if (shares == 0).any():
        raise ValueError("weights must be positive in a test, got a zero; leave out arms that get no traffic")
    expected = observed.sum() * shares
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return SampleRatioTest(statistic, float(stats.chi2.sf(statistic, len(observed) - 1)), expected)


def _shares(weights: ArrayLike) -> NDArray[np.float64]:
    shares = checks.array("weights", weights)
    if shares.ndim != 1 or (shares < 0).any() or shares.sum() == 0:
        raise ValueError(f"weights must be one axis of non-negative shares, got {shares.tolist()}; try (0.5, 0.5)")
    return shares / shares.sum()


def _as_integers(user_ids: ArrayLike) -> NDArray[np.uint64]:
    ids = np.asarray(user_ids)
    if ids.ndim != 1 or ids.size == 0:
        raise ValueError(f"user_ids must have one axis and be non-empty, got shape {ids.shape}; pass a list of users")
    if np.issubdtype(ids.dtype, np.integer):
        return ids.astype(np.uint64)
    if not all(isinstance(identifier, str) for identifier in ids):
        raise ValueError(f"user_ids must be whole numbers or strings, got {ids.dtype}; drop missing ids and convert")
    digests = b"".join(hashlib.blake2b(identifier.encode(), digest_size=8).digest() for identifier in ids)
    return np.frombuffer(digests, dtype="<u8")


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit integers so that each input bit flips each output bit in about half of all cases."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
