"""The log of what was shown and what came of it, written block by block into columns of fixed type."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.world.choice import POSITIONS, Choice, Luck
from utils.world.clock import HOUR, SECOND
from utils.world.ranking import Ranking
from utils.world.traffic import Sessions

__all__ = ["COLUMNS", "empty_log", "frame", "upload_delay", "write_arrival", "write_feeds", "write_outcomes"]

COLUMNS = {
    "session_id": "int64",
    "user_id": "int32",
    "dish_id": "int32",
    "position": "int16",
    "propensity": "float64",
    "event_time": "datetime64[us]",
    "available_time": "datetime64[us]",
    "clicked": "bool",
    "ordered": "bool",
    "revenue": "float64",
}
Log = dict[str, NDArray]  # column name -> (sessions, 10)

# Uploads: seconds for most sessions; a phone that was offline uploads hours later; some events never arrive.
UPLOAD_SECONDS = 40.0
LATE_SHARE = np.array([0.06, 0.08, 0.005])  # by device
LATE_HOURS = 3.0
LOST_SHARE = 0.01


def empty_log(n_sessions: int) -> Log:
    """Return the columns for `n_sessions` sessions, each (sessions, 10), to be filled."""
    return {name: np.empty((n_sessions, POSITIONS), dtype=dtype) for name, dtype in COLUMNS.items()}


def frame(log: Log) -> pd.DataFrame:
    """Return the log as a table with one row an impression."""
    return pd.DataFrame({name: column.reshape(-1) for name, column in log.items()}, copy=False)


def write_feeds(log: Log, rows: slice, sessions: Sessions, ranking: Ranking) -> None:
    """Write who was shown what, when, and with which probability."""
    log["session_id"][rows] = sessions.session_id[:, None]
    log["user_id"][rows] = sessions.user_id[:, None]
    log["event_time"][rows] = sessions.time[:, None]
    log["position"][rows] = np.arange(1, POSITIONS + 1)
    log["dish_id"][rows], log["propensity"][rows] = ranking


def write_outcomes(log: Log, rows: slice, sessions: Sessions, choice: Choice, luck: Luck) -> None:
    """Write clicks, orders and revenue: the first two by comparing luck with probability."""
    dish_id = log["dish_id"][rows]
    user_id = sessions.user_id[:, None]
    clicked = luck.click < choice.examination(sessions.user_id) * choice.attraction(
        user_id, dish_id, sessions.time[:, None]
    )
    at = np.nonzero(clicked)
    ordered = luck.order[at] < choice.order_given_click(sessions.user_id[at[0]], dish_id[at])
    at = (at[0][ordered], at[1][ordered])
    log["clicked"][rows] = clicked
    log["ordered"][rows] = False
    log["ordered"][rows][at] = True
    log["revenue"][rows] = 0.0
    log["revenue"][rows][at] = choice.basket(dish_id[at], luck.size[at], luck.group[at])


def upload_delay(rng: np.random.Generator, device: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the delay of each session's upload in microseconds, and which of its ten events are lost on the way."""
    seconds = UPLOAD_SECONDS * np.exp(0.8 * rng.standard_normal(len(device)))
    late = rng.random(len(device)) < LATE_SHARE[device]
    seconds += late * (HOUR // SECOND) * LATE_HOURS * rng.standard_exponential(len(device))
    lost = rng.random((len(device), POSITIONS), dtype=np.float32) < LOST_SHARE
    return (seconds * SECOND).astype(np.int64), lost


def write_arrival(log: Log, rows: slice, delay: NDArray[np.int64], lost: NDArray[np.bool_]) -> None:
    """Write when each event could first be read."""
    available = log["event_time"][rows] + delay[:, None].astype("timedelta64[us]")
    log["available_time"][rows] = np.where(lost, np.datetime64("NaT"), available)
