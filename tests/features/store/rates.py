"""The view that the tests of the store write and read, and rows of it."""

import numpy as np
import pandas as pd

from utils.features.store.feature_view import FeatureView

START = pd.Timestamp("2024-01-01")
HOUR = pd.Timedelta(hours=1)
RATES = FeatureView("rates", {"user_id": int}, {"rate": float, "orders": int, "city": str, "vip": bool}, ttl="6h")


def rows(*given):
    """Return rows of RATES from (user, hour happened, hour arrived, rate)."""
    user, happened, arrived, rate = zip(*given, strict=True)
    hours = [START + pd.to_timedelta(side, unit="h") for side in (happened, arrived)]
    made = {"user_id": user, "event_time": hours[0], "available_time": hours[1], "rate": rate}
    return pd.DataFrame(made).assign(orders=np.arange(len(given)), city="Köln", vip=True)
