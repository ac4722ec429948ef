"""Exercises of lesson 6, the feature store."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def share_of_hours_late(late_share: float, n_visits: int) -> float:
    """Return the share of hours that are published late if an hour waits for all of its visits.

    late_share: share of visits that upload late, each by its own luck; n_visits: visits in an hour.
    """
    return 1 - (1 - late_share) ** n_visits


def newest_known(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    """Return the value that was known of one key when it was asked for, NaN if there was none.

    event_time, available_time, value: arrays, one element a row, in any order; times in hours, no two events at once.
    asked: the time of the question; ttl: how old a value may be, in hours. Limits belong to what they limit.
    """
    known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    if not known.any():
        return np.nan
    return value[known][np.argmax(event_time[known])]


def training_set(served_values_logged: bool, arrival_recorded: bool, pipeline_delay_known: bool) -> str:
    """Return where a feature's training values come from: "serving log", "join on arrival", "backfill" or "none yet".

    served_values_logged: whether the service has logged this feature as it served it, for long enough.
    arrival_recorded: whether the history says of each value when it arrived.
    pipeline_delay_known: whether we know how long the pipeline takes from an event to a value.
    """
    if served_values_logged:
        return "serving log"
    if arrival_recorded:
        return "join on arrival"
    return "backfill" if pipeline_delay_known else "none yet"


def _pick(known: np.ndarray, order: np.ndarray, value: np.ndarray) -> float:
    return value[known][np.argmax(order[known])] if known.any() else np.nan


def _by_event(event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float) -> float:
    return _pick((event_time <= asked) & (asked - event_time <= ttl), event_time, value)


def _last_arrival(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    return _pick(known, available_time, value)


def _age_since_arrival(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time <= asked) & (available_time <= asked) & (asked - available_time <= ttl)
    return _pick(known, event_time, value)


def _strictly_before(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time < asked) & (available_time < asked) & (asked - event_time < ttl)
    return _pick(known, event_time, value)


def _no_ttl(event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float) -> float:
    return _pick((event_time <= asked) & (available_time <= asked), event_time, value)


def _known_cases() -> list[tuple]:
    event_time = np.array([3.0, 1.0, 6.0, 2.0])
    available_time = np.array([3.5, 1.0, 9.0, 8.0])
    value = np.array([12.0, 50.0, 7.0, 31.0])  # the newest row holds neither the largest nor the first value
    asked_and_ttl = [
        (0.5, 24.0),
        (1.0, 24.0),
        (3.2, 24.0),
        (8.5, 24.0),
        (9.0, 3.0),
        (9.0, 24.0),
        (8.99, 24.0),
        (7.0, 3.8),
        (5.0, 2.0),
        (20.0, 2.0),
    ]
    return [(event_time, available_time, value, asked, ttl) for asked, ttl in asked_and_ttl]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="one late phone",
        task=(
            "The hourly job publishes an hour when its last visit has arrived. A share of the visits is late, each by "
            "its own luck. Which share of the **hours** is late?"
        ),
        solution=share_of_hours_late,
        cases=lambda: [(0.05, 1), (0.05, 40), (0.06, 80), (0.5, 3), (0.0, 10)],
        mistakes=(
            Mistake(
                "same share",
                lambda late_share, n_visits: late_share,
                "That is the share of visits. One late visit is enough to hold up its whole hour.",
            ),
            Mistake(
                "sum",
                lambda late_share, n_visits: late_share * n_visits,
                "That is the mean number of late visits in an hour; it exceeds one, and a share can't.",
            ),
            Mistake(
                "all late",
                lambda late_share, n_visits: late_share**n_visits,
                "That is how often *all* visits of an hour are late. One is enough.",
            ),
            Mistake(
                "none late",
                lambda late_share, n_visits: (1 - late_share) ** n_visits,
                "That is the share of hours that are on time.",
            ),
        ),
        hints=(
            "When is an hour on time?",
            "An hour is on time if every one of its visits is: multiply their chances, then take the complement.",
        ),
        praise="With forty visits and 5% late, nearly nine hours in ten wait. Completeness is paid for in freshness.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="what was known",
        task=(
            "Write the point-in-time lookup for one key: the newest row that had happened and arrived, and is not too "
            "old. Rows come in any order, and some arrive after newer ones."
        ),
        solution=newest_known,
        cases=_known_cases,
        mistakes=(
            Mistake(
                "event time only",
                _by_event,
                "You use rows that had happened but had not arrived: the second rung of the ladder.",
            ),
            Mistake(
                "last arrival",
                _last_arrival,
                "The row that arrived last wins in yours. A late row must not displace a newer one.",
            ),
            Mistake(
                "age since arrival",
                _age_since_arrival,
                "You count the age from the arrival. A value that took a day to come is a day old when it comes.",
            ),
            Mistake(
                "strictly before",
                _strictly_before,
                "You leave out rows at the limit. A row that arrives at the moment of the question counts, and so does "
                "an age equal to the TTL.",
            ),
            Mistake("no ttl", _no_ttl, "Yours answers with values of any age. What is older than `ttl` is missing."),
        ),
        hints=(
            "Three conditions make a row count; only then ask which of those rows is the newest.",
            "Build one mask of `event_time <= asked`, `available_time <= asked` and the age, then `np.argmax` of the "
            "event times under the mask.",
        ),
        praise="Two clocks to be allowed in, one clock to win, one to grow old by.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="where the past comes from",
        task=(
            "You add a feature to the model and need its past. Write down your rule for where the training values come "
            "from. Use what this lesson measured: which source is closest to what serving sees, and which can lie?"
        ),
        solution=training_set,
        cases=lambda: [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)],
        mistakes=(
            Mistake(
                "join by event time",
                lambda logged, recorded, known: (
                    "serving log" if logged else "join on arrival" if recorded else "backfill"
                ),
                "You backfill although nobody knows the delay. With a delay of zero that is the join by event time, "
                "and the run showed what it promises.",
            ),
            Mistake(
                "join before log",
                lambda logged, recorded, known: (
                    "join on arrival" if recorded else "serving log" if logged else "backfill" if known else "none yet"
                ),
                "You join although the served values are logged. The join differs from serving by the time since "
                "loading; the log differs by nothing.",
            ),
            Mistake(
                "only the log",
                lambda logged, recorded, known: "serving log" if logged else "none yet",
                "You wait for a log although the arrivals are recorded. The join on arrival promised what serving "
                "delivered, within noise.",
            ),
            Mistake(
                "never backfill",
                lambda logged, recorded, known: (
                    "serving log" if logged else "join on arrival" if recorded else "none yet"
                ),
                "You never backfill. With the delay that the pipeline really has, a backfill is honest to within that "
                "delay's spread.",
            ),
        ),
        hints=(
            "Order the three sources by how close they are to what the service saw.",
            "A log is what was served; a join on arrival is what could have been; a backfill is a claim about delays, "
            "and needs one.",
        ),
        praise="What was served, else what was known, else what would have been known; else no promise.",
    ),
)
