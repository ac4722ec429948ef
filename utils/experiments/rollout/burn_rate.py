"""How fast a canary spends the error budget of the whole service."""

from utils.foundation import checks

__all__ = ["burn_rate"]


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
