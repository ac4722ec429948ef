"""A run of the world: a policy ranks blocks of sessions, luck decides what comes of it, and the log is written."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.world.choice import POSITIONS, Choice, Luck, draw_luck
from utils.world.incidents import Incident
from utils.world.log import Log, empty_log, frame, upload_delay, write_arrival, write_feeds, write_outcomes
from utils.world.ranking import Policy, Ranking, check_ranking
from utils.world.streams import stream
from utils.world.traffic import Block, join

__all__ = ["Simulation"]


class Simulation:
    """What turns a policy's feeds into a log.

    Args:
        seed: the world's seed.
        choice: how people choose.
        device: the device of each user, as a code, (n_users,).
        launch_day: the launch day of each dish, (n_dishes,).
        incidents: what happens on the way, each with a name of its own.
    """

    def __init__(
        self,
        seed: int,
        choice: Choice,
        device: NDArray[np.integer],
        launch_day: NDArray[np.integer],
        incidents: Sequence[tuple[str, Incident]],
    ) -> None:
        self.seed, self.choice, self.device, self.launch_day = seed, choice, device, launch_day
        self.incidents = incidents

    def run(self, policy: Policy, blocks: Sequence[Block], batch_size: int) -> pd.DataFrame:
        """Return the log of a policy on blocks of sessions, ten rows a session, in the order of the blocks.

        Args:
            policy: whoever ranks.
            blocks: the sessions, at least one block.
            batch_size: sessions whose outcomes are computed at once; changes memory and speed, never the result.

        Raises:
            ValueError: the policy's answer is no feed.
        """
        log = empty_log(sum(map(len, blocks)))
        batch: list[Block] = []
        start = 0
        for block in blocks:
            batch.append(block)
            size = sum(map(len, batch))
            if size >= batch_size or block is blocks[-1]:
                self._write(log, slice(start, start + size), policy, batch)
                batch, start = [], start + size
        return frame(log)

    def _write(self, log: Log, rows: slice, policy: Policy, batch: list[Block]) -> None:
        """Fill some rows of the log: feeds and random numbers by block, outcomes for the whole batch."""
        sessions = join([block.sessions for block in batch])
        rankings, lucks, uploads, losses = [], [], [], []
        for block in batch:
            ranking = policy.rank(block.sessions, self._stream("policy", block))
            rankings.append(check_ranking(ranking, block.sessions, self.launch_day))
            lucks.append(draw_luck(self._stream("luck", block), len(block)))
            device = self.device[block.sessions.user_id]
            uploads.append(upload_delay(self._stream("upload", block), device))
            losses.append(self._lost_clicks(block, device))
        write_feeds(log, rows, sessions, Ranking(*map(np.concatenate, zip(*rankings, strict=True))))
        write_outcomes(log, rows, sessions, self.choice, Luck(*map(np.concatenate, zip(*lucks, strict=True))))
        delay, lost = map(np.concatenate, zip(*uploads, strict=True))
        write_arrival(log, rows, delay, lost | (np.concatenate(losses) & log["clicked"][rows]))

    def _stream(self, purpose: str, block: Block) -> np.random.Generator:
        return stream(self.seed, f"{purpose}, {block.source}", block.day, block.number)

    def _lost_clicks(self, block: Block, device: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which events of a block (sessions, 10) incidents lose if they are clicks."""
        lost = np.zeros((len(device), POSITIONS), dtype=bool)
        for name, incident in self.incidents:
            if incident.is_on(block.day):
                loses = incident.loses(self._stream(f"tracking, {name}", block), device, POSITIONS)
                lost = lost if loses is None else lost | loses
        return lost
