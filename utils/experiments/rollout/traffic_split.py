"""Which version a request meets: a split that sticks to the user, beside one drawn anew for every request."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from utils.experiments.rollout.evidence import log_evidence
from utils.foundation import checks

__all__ = ["SplitStudy", "compare_units", "share_touched"]

MOST_PEOPLE, MOST_RUNS, MOST_CELLS = 10**12, 1_000_000, 20_000_000
FRACTION = "pass a fraction such as 0.01"


def share_touched(share: float, requests_per_user: int) -> float:
    """Return the share of users who meet the canary at least once when each request is split anew.

    Args:
        share: the canary's share of requests.
        requests_per_user: requests of each user, at least 1.

    Returns:
        1 − (1 − share)^requests; a sticky split touches `share` whatever the requests.

    Raises:
        ValueError: if an argument is out of its range.

    >>> round(share_touched(0.01, 20), 3)
    0.182
    """
    share = checks.fraction("share", share, FRACTION)
    requests_per_user = checks.count("requests_per_user", requests_per_user, maximum=MOST_PEOPLE)
    return -math.expm1(requests_per_user * math.log1p(-share))


class SplitStudy(NamedTuple):
    """What a split did over many releases; arrays of shape (runs,).

    Args:
        users_touched: share of users who met the canary.
        requests_alarm: whether the test by requests alarmed.
        users_alarm: whether the test by users alarmed.
    """

    users_touched: NDArray[np.float64]
    requests_alarm: NDArray[np.bool_]
    users_alarm: NDArray[np.bool_]


def compare_units(
    *,
    sticky: bool,
    n_users: int,
    requests_per_user: int,
    share: float,
    ratio: float,
    error_rate: float,
    prone_share: float,
    canary_ratio: float = 1.0,
    roll_back_above: float,
    n_runs: int,
    rng: np.random.Generator | int,
) -> SplitStudy:
    """Play one step of many rollouts in which few users cause all errors, and test it by requests and by users.

    A share `prone_share` of the users (an old phone, a broken account) meets errors at error_rate ÷ prone_share, the
    others none. A sticky split puts such a user into one arm for good, so the errors of one user are no independent
    bets; counting each user once, by whether any request failed, makes them so again.

    Args:
        sticky: whether a user stays in one arm; otherwise every request is split anew.
        n_users: users in the step.
        requests_per_user: requests of each.
        share: the canary's share.
        ratio: the ratio the test looks for.
        error_rate: mean error rate of the stable version over all requests.
        prone_share: share of the users who meet the errors, at least `error_rate`.
        canary_ratio: the canary's true error rate ÷ the stable one's; 1 for a healthy release.
        roll_back_above: boundary on the log evidence, read once, at the end of the step.
        n_runs: number of releases.
        rng: a numpy generator or a seed.

    Returns:
        For each run: share of users who met the canary, and whether the test by requests and by users alarmed.

    Raises:
        ValueError: if a size is below 1 or too large, a share outside (0, 1), or the prone users' error rate above 1.
    """
    n_users = checks.count("n_users", n_users, maximum=MOST_PEOPLE)
    requests_per_user = checks.count("requests_per_user", requests_per_user, maximum=MOST_PEOPLE)
    n_runs = checks.count("n_runs", n_runs, maximum=MOST_RUNS)
    for name, value in (("share", share), ("error_rate", error_rate), ("prone_share", prone_share)):
        checks.fraction(name, value, FRACTION)
    checks.not_negative("canary_ratio", canary_ratio, "use 1 for a healthy release")
    checks.number("roll_back_above", roll_back_above, remedy="take the boundary of a RolloutPlan")
    prone_rate = error_rate / prone_share
    if max(prone_rate, prone_rate * canary_ratio) > 1:
        raise ValueError(f"prone_share must be at least the error rate, got {prone_share!r}; raise it")
    if n_runs * n_users * prone_share > MOST_CELLS:
        raise ValueError(
            f"n_users must leave fewer prone users in all runs than {MOST_CELLS:,}, got {n_users}; use less"
        )
    rng = checks.seeded("rng", rng)
    n_prone = rng.binomial(n_users, prone_share, n_runs)
    columns = int(n_prone.max())
    exists = np.arange(columns) < n_prone[:, None]
    # requests of each prone user that meet the canary: all or none when sticky
    if sticky:
        to_canary = requests_per_user * (rng.random((n_runs, columns)) < share)
        touched = rng.binomial(n_users, share, n_runs) / n_users
    else:
        to_canary = rng.binomial(requests_per_user, share, (n_runs, columns))
        touched = rng.binomial(n_users, share_touched(share, requests_per_user), n_runs) / n_users
    canary = rng.binomial(to_canary, prone_rate * canary_ratio) * exists
    stable = rng.binomial(requests_per_user - to_canary, prone_rate) * exists
    by_request = log_evidence(canary.sum(axis=1), stable.sum(axis=1), share, ratio)
    by_user = log_evidence((canary > 0).sum(axis=1), (stable > 0).sum(axis=1), share, ratio)
    return SplitStudy(touched, by_request >= roll_back_above, by_user >= roll_back_above)
