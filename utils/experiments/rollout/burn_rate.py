"""How fast a canary spends the error budget of the whole service."""

import numpy as np
from numpy.typing import ArrayLike

from utils.foundation import checks

__all__ = ["burn_rate", "minute_of_page"]

LONGEST = 100_000  # minutes: ten weeks


def burn_rate(
    share: float, canary_error_rate: float, *, objective: float = 0.999, stable_error_rate: float = 0.0
) -> float:
    """Return how many times faster than allowed the whole service spends its error budget.

    Args:
        share: the canary's share of requests, 0 to 1.
        canary_error_rate: share of the canary's requests that fail, 0 to 1.
        objective: the service-level objective, such as 0.999.
        stable_error_rate: share of the stable version's requests that fail, 0 to 1.

    Returns:
        Error rate over both arms ÷ (1 − objective).

    Raises:
        ValueError: if an argument is out of its range.

    References:
        Google, *The Site Reliability Workbook*, chapter 5, "Alerting on SLOs".

    >>> round(burn_rate(0.01, 1.0), 1)        # a canary that fails every request; the page goes off at 14.4
    10.0
    """
    objective = checks.fraction("objective", objective, "pass a share such as 0.999")
    remedy = "pass a fraction such as 0.01"
    share = checks.share("share", share, remedy)
    canary_error_rate = checks.share("canary_error_rate", canary_error_rate, remedy)
    stable_error_rate = checks.share("stable_error_rate", stable_error_rate, remedy)
    return (share * canary_error_rate + (1 - share) * stable_error_rate) / (1 - objective)


def minute_of_page(burn: ArrayLike, *, threshold: float, long_window: int, short_window: int) -> int | None:
    """Return the first minute at which an alert on two windows goes off.

    Both windows must burn faster than the threshold: the long one so that enough of the budget is gone, the short one
    so that it is still going. Before the first minute the service is taken to have burned as in no incident: nothing.

    Args:
        burn: burn rate of each minute, shape (minutes,).
        threshold: burn rate that both windows must exceed.
        long_window: minutes.
        short_window: minutes, fewer than those.

    Returns:
        The minute, counted from 1; None if the alert stays silent.

    Raises:
        ValueError: if a rate is negative or not finite, the threshold not positive, or the windows are not in order.

    References:
        Google, *The Site Reliability Workbook*, chapter 5, "Alerting on SLOs": 14.4 over 1 h and 5 min, 6 over 6 h and
        30 min.

    >>> minute_of_page([20.0] * 60, threshold=14.4, long_window=60, short_window=5)
    44
    """
    rates = checks.array("burn", burn, low=0, dimensions=1, remedy="pass burn rates, one a minute")
    threshold = checks.positive("threshold", threshold, "use 14.4 for the fast page")
    long_window = checks.count("long_window", long_window, "count minutes, such as 60", maximum=LONGEST)
    short_window = checks.count("short_window", short_window, "count minutes, such as 5", maximum=LONGEST)
    if short_window >= long_window:
        raise ValueError(f"short_window must be below long_window, got {short_window} and {long_window}; swap them")
    spent = np.concatenate([np.zeros(long_window), np.cumsum(rates)])
    now = spent[long_window:]
    over_long = (now - spent[: rates.size]) / long_window
    over_short = (now - spent[long_window - short_window : spent.size - short_window]) / short_window
    pages = np.flatnonzero((over_long > threshold) & (over_short > threshold))
    return int(pages[0]) + 1 if pages.size else None
