"""Data frames as arguments."""

import pandas as pd
import pytest

from utils.features.frames import check_columns


def test_what_is_missing_or_repeated_is_told():
    frame = pd.DataFrame({"a": [1], "b": [2]})
    check_columns("rows", frame, ["a", "b"])
    for given, needed, told in (
        (frame, ["a", "c", "d"], r"rows must have the columns \['c', 'd'\], got \['a', 'b'\]"),
        (frame[["a", "a"]], ["a"], "rows must have columns of different names"),
        ({"a": [1]}, ["a"], "rows must be a data frame, got dict"),
        (frame["a"], ["a"], "rows must be a data frame, got Series"),
    ):
        with pytest.raises(ValueError, match=told):
            check_columns("rows", given, needed)
