"""The people and bots of a world: those who are always there, and those whom incidents bring."""

from collections.abc import Sequence

import numpy as np

from utils.world.incidents import Incident
from utils.world.streams import stream
from utils.world.traffic import SOURCES_LIMIT, Source
from utils.world.users import Users, make_users

__all__ = ["populate"]


def populate(
    seed: int, n_users: int, days: int, incidents: Sequence[tuple[str, Incident]]
) -> tuple[Users, list[Source]]:
    """Make the users and the sources of traffic: first those who are always there, then those of each incident.

    Args:
        seed: the world's seed.
        n_users: how many users sign up without any incident.
        days: the length of the world.
        incidents: what happens on the way, each with a name of its own.

    Returns:
        All users in order of `user_id`, and the sources, whose members do not overlap.

    Raises:
        ValueError: more incidents with newcomers than there are numbers for their sessions.
    """
    regular = make_users(seed, n_users, days)
    users, members = regular, [(np.arange(n_users), "regular", None)]
    for name, incident in incidents:
        newcomers = incident.newcomers(stream(seed, f"users, {name}"), regular, days)
        if newcomers is not None:
            members.append((len(users) + np.arange(len(newcomers)), name, incident))
            users = users.joined_by(newcomers)
    if len(members) > SOURCES_LIMIT:
        raise ValueError(
            f"incidents must bring at most {SOURCES_LIMIT - 1} new groups of users, got {len(members) - 1}; "
            "leave out some of the cities and bots"
        )
    sources = []
    for index, (ids, name, incident) in enumerate(members):
        asked = {} if incident is None else {"traffic": incident.traffic, "are_people": incident.are_people}
        sources.append(Source(users, ids, purpose=f"sessions, {name}", index=index, **asked))
    return users, sources
