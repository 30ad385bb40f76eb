"""Writes that are acknowledged once the standbys have them, or on the word that the primary is alone.

The services of the real thing, at their boldest: they write without a pause, and reach every host that runs.
"""

import random

from failover.core.observed import Role
from tests.unit.failover.simulated.agent import Agent
from tests.unit.failover.simulated.checks import Checks
from tests.unit.failover.simulated.database import Database
from tests.unit.failover.simulated.world import World

TURN_MS = 20
ASKS_EVERY_MS = 200
WORD_MS = 2500
"""For how long, from when it was asked for, a word counts."""
SLOW_ANSWER_MS = 6000
"""What was said may arrive much later."""


class Clients:
    """Acknowledges what may be, all the time."""

    def __init__(
        self,
        seed: int,
        world: World,
        agents: dict[str, Agent],
        databases: dict[str, Database],
        checks: Checks,
    ) -> None:
        self.world, self.agents, self.databases, self.checks = world, agents, databases, checks
        # Its own, so that the schedule of everything else is the same without clients.
        self.chance = random.Random(seed ^ 0xC11E)
        self.epoch = 0
        self.words: dict[str, tuple[int, float]] = {}
        """By agent: the epoch in which it said that its primary is alone, and until when that counts."""

    def start(self) -> None:
        self._turn()

    def _turn(self) -> None:
        for agent in self.agents.values():
            if agent.running and self.chance.random() < TURN_MS / ASKS_EVERY_MS:
                self._ask(agent)
        self._acknowledge()
        self.world.after(TURN_MS, self._turn)

    def _ask(self, agent: Agent) -> None:
        sent_at = self.world.now
        back_ms = self.chance.uniform(0.5, SLOW_ANSWER_MS if self.chance.random() < 0.1 else 6)

        def hears() -> None:
            epoch, unprotected = agent.said
            self.world.after(back_ms, lambda: self._last_answer(agent.me, sent_at, epoch, unprotected))

        agent.on_me(self.chance.uniform(0.5, 6), hears, timer=False)

    def _last_answer(self, host: str, sent_at: float, epoch: int, unprotected: bool) -> None:
        self.epoch = max(self.epoch, epoch)
        if unprotected:
            self.words[host] = epoch, sent_at + WORD_MS
        else:
            self.words.pop(host, None)

    def _acknowledge(self) -> None:
        for database in self.databases.values():
            if not database.writable() or database.table_epoch != self.epoch or database.history is None:
                continue
            database.advance()
            if any(epoch == self.epoch and self.world.now < until for epoch, until in self.words.values()):
                self.checks.acknowledged(database.history, database.scn, unprotected=True)
            elif (reached := self._on_all_standbys(database)) is not None and reached <= database.scn:
                self.checks.acknowledged(database.history, reached, unprotected=False)

    def _on_all_standbys(self, primary: Database) -> int | None:
        positions = []
        for name, standby in self.databases.items():
            if standby is primary or not self.agents[name].candidate:
                continue
            if standby.role is not Role.STANDBY or not standby.answering or standby.stopped:
                return None
            standby.advance()
            positions.append(standby.scn)
        return min(positions, default=None)
