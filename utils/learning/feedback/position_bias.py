"""Position bias: how much less a lower position is looked at, and click rates that allow for it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from utils.foundation import checks
from utils.foundation.labels import aligned, same_labels
from utils.foundation.whole_numbers import exact_integers

__all__ = ["ExaminationEstimate", "ItemRates", "click_rates", "estimate_examination"]

LEAST_SEEN = 1e-100  # the inverse of a smaller examination overflows


class ExaminationEstimate(NamedTuple):
    """Estimated chance of being examined at each position, relative to position 1.

    Attributes:
        position: (k,) from 1.
        examination: (k,) with 1.0 at position 1.
        low: (k,) lower confidence bounds, NaN at position 1.
        high: (k,) upper confidence bounds, NaN at position 1.
        impressions: (k,) rows behind each ratio.
    """

    position: NDArray[np.int64]
    examination: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    impressions: NDArray[np.int64]


class ItemRates(NamedTuple):
    """Click rates by item.

    Attributes:
        item: (k,) identifiers, exactly as given, in ascending order.
        naive: (k,) clicks per impression.
        weighted: (k,) clicks per examination.
    """

    item: NDArray[np.integer]
    naive: NDArray[np.float64]
    weighted: NDArray[np.float64]


def _whole(name: str, values: ArrayLike, *, low: int) -> NDArray[np.integer]:
    """Return whole numbers of at least `low`, exactly."""
    found = exact_integers(name, values, "positions count from 1, and identifiers are whole")
    if found.ndim != 1 or found.size == 0:
        raise ValueError(
            f"{name} must not be empty and of one dimension, got shape {found.shape}; pass one entry a row"
        )
    if found.min() < low:
        raise ValueError(f"{name} must be at least {low}, got {found.min()}; positions count from 1")
    return found


def _clicks(values: ArrayLike) -> NDArray[np.float64]:
    """Return clicks, each 0 or 1: the spread of a share rests on that."""
    found = checks.array("clicked", values, dimensions=1, low=0, high=1)
    if ((found > 0) & (found < 1)).any():
        raise ValueError("clicked must be 0 or 1, got a fraction; pass one row an impression")
    return found


def estimate_examination(
    position: ArrayLike, clicked: ArrayLike, swapped_with: ArrayLike, *, level: float = 0.95
) -> ExaminationEstimate:
    """Estimate examination from sessions in which a coin swapped position 1 with position k, or left them.

    Both items of a pair may be in the log: each stands at either place equally often, so that the ratio of click rates
    at k and at 1 is the ratio of examinations.

    Args:
        position: (rows,) where an item of the pair was shown, 1 or that row's k.
        clicked: (rows,) 0 or 1.
        swapped_with: (rows,) the k drawn for the session, 2 or more, recorded also where the coin left the pair alone.
        level: of the interval, from 0.5 to 0.9999.

    Returns:
        `ExaminationEstimate`, intervals by the delta method on the log ratio.

    Raises:
        ValueError: rows outside their pair, a pair without clicks at one of its places, labels that differ.

    References:
        Joachims, Swaminathan and Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017.

    >>> estimate_examination([1, 1, 1, 2, 2, 2], [1, 1, 0, 1, 0, 0], [2] * 6).examination.tolist()
    [1.0, 0.5]
    """
    same_labels(position=position, clicked=clicked, swapped_with=swapped_with)
    position = _whole("position", position, low=1)
    swapped_with = _whole("swapped_with", swapped_with, low=2)
    clicked = _clicks(clicked)
    checks.same_length(position=position, clicked=clicked, swapped_with=swapped_with)
    level = checks.number("level", level, low=0.5, high=0.9999)
    if ((position != 1) & (position != swapped_with)).any():
        raise ValueError("position must be 1 or the row's swapped_with, got another; keep only the two swapped rows")

    pairs, pair = np.unique(swapped_with, return_inverse=True)
    place = pair + len(pairs) * (position > 1)  # first the tops of all pairs, then their lower places
    top_shown, shown = np.bincount(place, minlength=2 * len(pairs)).reshape(2, -1)
    top_clicks, clicks = np.bincount(place, clicked, minlength=2 * len(pairs)).reshape(2, -1)
    if min(top_clicks.min(), clicks.min()) == 0:
        raise ValueError("clicked must have clicks at both places of every pair, got none; log more swaps")
    ratio = (clicks / shown) / (top_clicks / top_shown)
    log_variance = 1 / clicks - 1 / shown + 1 / top_clicks - 1 / top_shown
    spread = np.exp(ndtri((1 + level) / 2) * np.sqrt(log_variance))
    first = [np.nan]
    return ExaminationEstimate(
        np.concatenate([[1], pairs]),
        np.concatenate([[1.0], ratio]),
        np.concatenate([first, ratio / spread]),
        np.concatenate([first, ratio * spread]),
        np.concatenate([[top_shown.sum()], top_shown + shown]),
    )


def click_rates(item: ArrayLike, position: ArrayLike, clicked: ArrayLike, examination: ArrayLike) -> ItemRates:
    """Return each item's naive click rate and the one weighted by inverse examination.

    Args:
        item: (rows,) whole-numbered identifiers of at least 0, of 64 bits, never rounded.
        position: (rows,) from 1.
        clicked: (rows,) 0 or 1.
        examination: (positions,) chance of being examined at position 1, 2, …, above 0; a common factor cancels. A Series
            labeled by position is read by its labels.

    Returns:
        `ItemRates`, one entry an item in ascending order. The weighted rate is the mean of clicked / examination, which
        estimates attraction without bias where click = examined and attractive.

    Raises:
        ValueError: values out of range, lengths or labels that differ.

    References:
        Joachims, Swaminathan and Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017.

    >>> rates = click_rates([7, 7, 8, 8], [1, 1, 2, 2], [1, 0, 1, 0], [1.0, 0.5])
    >>> rates.naive.tolist(), rates.weighted.tolist()
    ([0.5, 0.5], [0.5, 1.0])
    """
    same_labels(item=item, position=position, clicked=clicked)
    item, position = _whole("item", item, low=0), _whole("position", position, low=1)
    clicked = _clicks(clicked)
    if isinstance(examination, pd.Series):
        positions = pd.Series(0, index=range(1, len(examination) + 1))
        examination = aligned("examination", examination, "the positions 1, 2, …", positions)
    examination = checks.array("examination", examination, dimensions=1, low=0)
    checks.same_length(item=item, position=position, clicked=clicked)
    if position.max() > len(examination):
        raise ValueError(f"examination must reach position {position.max()}, got {len(examination)} entries; add them")
    if examination.min() < LEAST_SEEN:
        raise ValueError(
            f"examination must be positive, got {examination.min():g}; a position nobody sees has no weight"
        )
    items, row = np.unique(item, return_inverse=True)
    shown = np.bincount(row)
    return ItemRates(
        items, np.bincount(row, clicked) / shown, np.bincount(row, clicked / examination[position - 1]) / shown
    )
