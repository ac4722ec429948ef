"""Assignment of users to arms by a salted hash, and the test that the split came out as designed."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from utils.foundation import checks
from utils.foundation.hash_mixing import mix64_array
from utils.foundation.labels import aligned
from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = ["SampleRatioTest", "assign", "bucket", "srm_test"]

LARGEST_ID = 2**64 - 1


class SampleRatioTest(NamedTuple):
    """Result of `srm_test`.

    Args:
        statistic: Pearson's chi-square.
        pvalue: its p-value.
        expected: expected users in each arm, shape (arms,).
    """

    statistic: float
    pvalue: float
    expected: NDArray[np.float64]


def bucket(user_ids: ArrayLike, experiment: str) -> NDArray[np.float64]:
    """Give every user a point in [0, 1) that depends on the user and the experiment's name only.

    Args:
        user_ids: whole numbers from 0 to 2⁶⁴ − 1 or strings, shape (n,). The number 17 and the string "17" are two
            users: a service that sends the one where another sends the other splits its users differently.
        experiment: name of the experiment; it salts the hash, so that two experiments split independently.

    Returns:
        Points, shape (n,), uniform over users. A rollout that raises its share keeps the users it had: they are
        those whose point lies below the share.

    Raises:
        ValueError: no name, or identifiers that are neither whole numbers nor strings, missing or negative, or more
            than one axis.

    References:
        See `utils.foundation.hash_mixing` for the function that mixes the bits.
    """
    if not isinstance(experiment, str) or not experiment:
        raise ValueError(f"experiment must be a name, got {experiment!r}; an empty salt gives every test one split")
    first, second = np.frombuffer(_digest(experiment, 16), dtype="<u8")
    mixed = mix64_array(mix64_array(_as_integers(user_ids) ^ first) ^ second)
    return (mixed >> np.uint64(11)) * 2.0**-53


def assign(user_ids: ArrayLike, experiment: str, weights: ArrayLike = (0.5, 0.5)) -> NDArray[np.int64]:
    """Assign users to arms: uniform over users, the same at every visit, independent across experiments.

    Args:
        user_ids: whole numbers or strings, shape (n,), see `bucket`.
        experiment: name of the experiment; it salts the hash.
        weights: share of each arm by place, shape (arms,); scaled to sum to one.

    Returns:
        Number of the arm, from 0, shape (n,).

    Raises:
        ValueError: see `bucket`; or weights that are not finite and non-negative, or sum to zero.

    >>> assign([101, 102, 103, 104, 105, 106], "new-ranker").tolist() == assign(
    ...     [101, 102, 103, 104, 105, 106], "new-ranker"
    ... ).tolist()
    True
    """
    shares = _shares(weights)
    edges = np.cumsum(shares)
    edges[np.flatnonzero(shares)[-1] :] = 1.0  # rounding must not leave a gap for arms without weight
    return np.searchsorted(edges[:-1], bucket(user_ids, experiment), side="right")


def srm_test(counts: ArrayLike, weights: ArrayLike | None = None) -> SampleRatioTest:
    """Test whether the numbers of users in the arms fit the designed split (sample-ratio mismatch).

    Args:
        counts: users seen in each arm, shape (arms,). Where both counts and weights are Series, arms meet by name.
        weights: designed share of each arm, shape (arms,); None for equal shares.

    Returns:
        Pearson's chi-square statistic with arms − 1 degrees of freedom, its p-value, the expected counts in the order
        of `counts`.

    Raises:
        ValueError: fewer than two arms, counts that are not whole numbers of 0 or more, no users at all, weights that
            do not fit.

    References:
        Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments", KDD.

    >>> f"{srm_test([821_588, 815_482]).pvalue:.1e}"
    '1.8e-06'
    """
    observed = checks.array("counts", counts, minimum_length=2)
    if observed.ndim != 1:
        raise ValueError(f"counts must have one axis, got shape {observed.shape}; test one experiment at a time")
    if (observed < 0).any() or observed.sum() == 0:
        raise ValueError(f"counts must be non-negative and not all zero, got {observed.tolist()}; count users per arm")
    if (observed % 1 != 0).any() or observed.sum() > LARGEST_COUNT:
        raise ValueError(f"counts must be whole numbers of users, got {observed.tolist()}; pass counts, not shares")
    shares = _shares(np.ones(len(observed)) if weights is None else aligned("weights", weights, "counts", counts))
    if shares.shape != observed.shape:
        raise ValueError(f"weights must have one entry an arm, got {len(shares)} for {len(observed)} arms; match them")
    if (shares == 0).any():
        raise ValueError("weights must be positive in a test, got a zero; leave out arms that get no traffic")
    expected = observed.sum() * shares
    test = stats.chisquare(observed, expected)
    return SampleRatioTest(float(test.statistic), float(test.pvalue), expected)


def _shares(weights: ArrayLike) -> NDArray[np.float64]:
    shares = checks.array("weights", weights, high=1e300)
    if shares.ndim != 1 or (shares < 0).any() or shares.sum() == 0:
        raise ValueError(f"weights must be one axis of non-negative shares, got {shares.tolist()}; try (0.5, 0.5)")
    return shares / shares.sum()


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=size).digest()


def _as_integers(user_ids: ArrayLike) -> NDArray[np.uint64]:
    """Return one 64-bit integer a user: a whole number as it is, a string by a hash of its own."""
    dtype = getattr(user_ids, "dtype", None)
    kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
    if kind in "mM" or np.ma.is_masked(user_ids):
        raise ValueError(
            f"user_ids must be whole numbers or strings, got {dtype} with missing or timed values; convert them first"
        )
    # as objects, so that numpy makes no text of a missing value or of a number beside a text
    ids = np.asarray(user_ids) if kind in "iu" else np.asarray(user_ids, dtype=object)
    if ids.ndim != 1 or ids.size == 0:
        raise ValueError(f"user_ids must have one axis and be non-empty, got shape {ids.shape}; pass a list of users")
    if kind not in "iu":
        return np.array([_as_integer(identifier) for identifier in ids.tolist()], dtype=np.uint64)
    _as_integer(ids.min())
    return ids.astype(np.uint64)


def _as_integer(identifier: Any) -> int:
    if isinstance(identifier, str):
        return int.from_bytes(_digest(identifier, 8), "little")
    if isinstance(identifier, (int, np.integer)) and not isinstance(identifier, (bool, np.timedelta64)):
        if 0 <= identifier <= LARGEST_ID:
            return int(identifier)
        raise ValueError(f"user_ids must be from 0 to 2**64 - 1, got {identifier}; pass it as a string")
    raise ValueError(
        f"user_ids must be whole numbers or strings, got {identifier!r:.60}; drop missing ids and convert the others"
    )
