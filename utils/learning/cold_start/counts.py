"""Counts of trials and successes as arguments."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.foundation import checks
from utils.foundation.labels import same_labels
from utils.foundation.whole_numbers import LARGEST_COUNT

__all__ = ["success_counts"]


def success_counts(trials: ArrayLike, successes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return trials and successes as floats of one shape, so that each success was a trial.

    Args:
        trials: counts of any shape; a fraction may count, as half a look does.
        successes: counts of a shape that broadcasts with that of `trials`.

    Raises:
        ValueError: values that are no counts, shapes that do not fit, labels that differ, more successes than trials.
    """
    same_labels(trials=trials, successes=successes)
    found = [
        checks.array(name, np.atleast_1d(values), low=0, high=LARGEST_COUNT).reshape(np.shape(values))
        for name, values in (("trials", trials), ("successes", successes))
    ]
    try:
        trials, successes = np.broadcast_arrays(*found)
    except ValueError:
        raise ValueError(
            f"successes must have the shape of trials, {found[0].shape}, got {found[1].shape}; align them"
        ) from None
    if (successes > trials).any():
        raise ValueError("successes must not exceed trials, got more successes than trials; swap the arguments")
    return trials, successes
