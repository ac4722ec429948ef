"""Exercises of lesson 6, the feature store."""

import numpy as np

from utils.lesson import Exercise, Mistake

__all__ = ["EXERCISES"]


def watermark_hours(late_share: float, mean_hours: float, complete: float) -> float:
    """Return how long a job waits after an event until so many of the events are in.

    late_share: share of events that are late; the others arrive at once.
    mean_hours: mean delay of the late ones; it is distributed exponentially.
    complete: share of all events that must have arrived, below 1.
    """
    missing = 1 - complete
    return mean_hours * max(0.0, float(np.log(late_share / missing))) if late_share > 0 else 0.0


def newest_known(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    """Return the value that was known of one key when asked for, NaN if there was none.

    event_time, available_time, value: arrays, one element a row, in any order; hours.
        A correction repeats an event time and arrives later than what it corrects.
    asked: the time of the question; ttl: how old a value may be, in hours.
        Limits belong to what they limit.
    """
    known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    if not known.any():
        return np.nan
    return value[known][np.lexsort((available_time[known], event_time[known]))[-1]]


def training_source(days_logged: float, days_needed: float, history: str, delay_hours: float | None) -> str:
    """Return "serving log", "join on arrival", "backfill" or "none yet".

    days_logged: for how long the service has logged this feature as it served it.
    days_needed: how much past the model is to be trained on.
    history: "appended" if corrections are new rows with a time of arrival, or
        "overwritten" if they replace the value and leave its times.
    delay_hours: what the registry says a value takes from event to publication;
        None where the field is empty.
    """
    if days_logged >= days_needed:
        return "serving log"
    if history == "appended":
        return "join on arrival"
    return "backfill" if delay_hours else "none yet"


def _pick(known: np.ndarray, value: np.ndarray, *order: np.ndarray) -> float:
    """Return the known value that is last by the first order, then by the second."""
    return value[known][np.lexsort([by[known] for by in order[::-1]])[-1]] if known.any() else np.nan


def _by_event(event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float) -> float:
    return _pick((event_time <= asked) & (asked - event_time <= ttl), value, event_time, available_time)


def _last_arrival(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    return _pick(known, value, available_time)


def _first_version(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    return _pick(known, value, event_time, -available_time)


def _final_version(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    is_final = np.array(
        [t == available_time[event_time == e].max() for e, t in zip(event_time, available_time, strict=True)]
    )
    known = is_final & (event_time <= asked) & (available_time <= asked) & (asked - event_time <= ttl)
    return _pick(known, value, event_time, available_time)


def _age_since_arrival(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time <= asked) & (available_time <= asked) & (asked - available_time <= ttl)
    return _pick(known, value, event_time, available_time)


def _strictly_before(
    event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float
) -> float:
    known = (event_time < asked) & (available_time < asked) & (asked - event_time < ttl)
    return _pick(known, value, event_time, available_time)


def _no_ttl(event_time: np.ndarray, available_time: np.ndarray, value: np.ndarray, asked: float, ttl: float) -> float:
    return _pick((event_time <= asked) & (available_time <= asked), value, event_time, available_time)


def _known_cases() -> list[tuple]:
    event_time = np.array([3.0, 1.0, 6.0, 2.0, 3.0])  # the last row corrects the first
    available_time = np.array([3.5, 1.0, 9.0, 8.0, 4.5])
    value = np.array([12.0, 50.0, 7.0, 31.0, 9.0])  # the newest row holds neither the largest nor the first value
    asked_and_ttl = [
        (0.5, 24.0),
        (1.0, 24.0),
        (3.2, 24.0),
        (3.5, 24.0),
        (4.49, 24.0),
        (4.5, 24.0),
        (8.5, 24.0),
        (9.0, 3.0),
        (9.0, 24.0),
        (8.99, 24.0),
        (7.0, 3.8),
        (5.0, 2.0),
        (20.0, 2.0),
    ]
    cases = [(event_time, available_time, value, asked, ttl) for asked, ttl in asked_and_ttl]
    other_order = np.array([4, 2, 0, 3, 1])  # and the correction may stand before what it corrects
    return [*cases, *((*(a[other_order] for a in case[:3]), *case[3:]) for case in cases[3:7])]


def _source_cases() -> list[tuple]:
    days = [(0, 30), (29, 30), (30, 30), (31, 30), (12, 7)]
    histories, delays = ("appended", "overwritten"), (None, 0.0, 0.25, 5.0)
    return [(*d, history, delay) for d in days for history in histories for delay in delays]


EXERCISES = (
    Exercise(
        number=1,
        kind="compute",
        title="how long to wait",
        task=(
            "A share of the phones is late, by a delay that is distributed exponentially; the others arrive at once. "
            "How many hours after an event must a job wait until a given share of all events is in?"
        ),
        solution=watermark_hours,
        cases=lambda: [(0.05, 3.0, 0.99), (0.06, 3.0, 0.999), (0.5, 0.5, 0.9), (0.05, 3.0, 0.95), (0.04, 3.0, 0.9)],
        mistakes=(
            Mistake(
                "of the late ones",
                lambda late_share, mean_hours, complete: -mean_hours * np.log(1 - complete),
                "You wait as if all events were late. Those that arrive at once count too.",
            ),
            Mistake(
                "before the event",
                lambda late_share, mean_hours, complete: mean_hours * np.log(late_share / (1 - complete)),
                "Yours is below zero where enough events arrive at once. Then the job need not wait at all.",
            ),
            Mistake(
                "mean delay",
                lambda late_share, mean_hours, complete: mean_hours,
                "After the mean delay more than a third of the late events (1/e of them) is still out.",
            ),
            Mistake(
                "what is in",
                lambda late_share, mean_hours, complete: mean_hours * max(0, np.log(late_share / complete)),
                "`complete` is the share that is in. The tail of the delay is about the share that is still missing.",
            ),
        ),
        hints=(
            "Which share of *all* events is still out t hours after they happened?",
            "That share is late_share · exp(−t / mean_hours). Set it to 1 − complete, and never wait less than 0.",
        ),
        praise="Each further nine of completeness costs the same wait again: mean_hours times ln 10.",
    ),
    Exercise(
        number=2,
        kind="build",
        title="what was known",
        task=(
            "Write the point-in-time lookup for one key: the newest row that had happened and arrived, and is not too "
            "old. Rows come in any order, some arrive after newer ones, and some correct others."
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
                "first version",
                _first_version,
                "You answer with the value as it was first published. From its arrival on a correction wins.",
            ),
            Mistake(
                "final version",
                _final_version,
                "You keep the final version of each event before you ask what had arrived. Until a correction comes, "
                "what it corrects is known.",
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
            "Build one mask of `event_time <= asked`, `available_time <= asked` and the age. Of the rows under it the "
            "largest event time wins, and of equal ones the later arrival: `np.lexsort`, or `max` of pairs.",
        ),
        praise="Two clocks to be allowed in; the event's to win and to grow old by; the arrival's between versions.",
    ),
    Exercise(
        number=3,
        kind="decide",
        title="where the past comes from",
        task=(
            "A model is to be trained, and a feature's past is needed. Write down your rule for where its values come "
            "from. Use what this lesson measured: which source is closest to what serving saw, and which can lie?"
        ),
        solution=training_source,
        cases=_source_cases,
        mistakes=(
            Mistake(
                "backfill without a delay",
                lambda logged, needed, history, delay: (
                    "serving log" if logged >= needed else "join on arrival" if history == "appended" else "backfill"
                ),
                "You backfill although nobody knows the delay. That is the join by event time, and the run showed what "
                "it promises.",
            ),
            Mistake(
                "a delay of zero",
                lambda logged, needed, history, delay: (
                    "serving log"
                    if logged >= needed
                    else "join on arrival"
                    if history == "appended"
                    else "none yet"
                    if delay is None
                    else "backfill"
                ),
                "You believe a delay of 0. No pipeline publishes the moment something happens: the field was left at "
                "its default, and in the run a backfill without delay made the promise of the join by event time.",
            ),
            Mistake(
                "join before log",
                lambda logged, needed, history, delay: (
                    "join on arrival"
                    if history == "appended"
                    else "serving log"
                    if logged >= needed
                    else "backfill"
                    if delay
                    else "none yet"
                ),
                "You join although the served values are logged. The join differs from serving by the time since "
                "loading; the log differs by nothing.",
            ),
            Mistake(
                "any log",
                lambda logged, needed, history, delay: (
                    "serving log"
                    if logged
                    else "join on arrival"
                    if history == "appended"
                    else "backfill"
                    if delay
                    else "none yet"
                ),
                "You take a log that is too short. It must cover all the days that the model is trained on.",
            ),
            Mistake(
                "overwritten history",
                lambda logged, needed, history, delay: "serving log" if logged >= needed else "join on arrival",
                "You join a history that was overwritten. Its rows say when a value was first published, and hold "
                "another value.",
            ),
            Mistake(
                "never backfill",
                lambda logged, needed, history, delay: (
                    "serving log" if logged >= needed else "join on arrival" if history == "appended" else "none yet"
                ),
                "You never backfill. With the delay that the pipeline really has, the run's backfill promised about "
                "what the honest join did.",
            ),
        ),
        hints=(
            "Order the sources by how close they are to what the service saw.",
            "A log is what was served; a join on arrival is what could have been, if no value was replaced; a backfill "
            "is a claim about a delay, and needs one that somebody measured.",
        ),
        praise="What was served, else what was known, else what would have been known; else no promise.",
    ),
)
