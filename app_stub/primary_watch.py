"""Listens to the failover agents, asks both databases for their role, and points the pool at the primary."""

import asyncio
import logging
from collections.abc import Callable

from app_stub.agent_poller import Refusal, Trust, poll
from app_stub.metrics import Metrics
from app_stub.pool import Pool
from app_stub.primary_rule import (
    Choice,
    EndpointStatus,
    Role,
    Source,
    Word,
    choose,
    highest_epoch,
    seen,
    two_primaries,
)
from app_stub.role_poller import RolePoller
from app_stub.settings import Database, Endpoint

ALONE_S = 2.5
"""For how long, from when it was asked for, the word that the primary is alone counts. The agents wait for
longer (`failover.core.limits.unprotected_answer_ttl_ms`) before anybody may be promoted again."""

_LOG = logging.getLogger("loan.primary")


class PrimaryWatch:
    """One task per agent and per database; each answer, and each silence, may change the primary.

    The databases are asked though agents answer: so it is known at once what to do when they stop answering,
    and two primaries are seen whoever is believed. They are asked rarely while all agents agree.
    """

    def __init__(
        self,
        settings: Database,
        pool: Pool,
        metrics: Metrics,
        moved: Callable[[], None] = lambda: None,
        alone: Callable[[float], None] = lambda _until_s: None,
    ) -> None:
        """Begin with no primary.

        Args:
            settings: endpoints and agents.
            pool: pointed at the primary.
            metrics: told what is seen.
            moved: called whenever the pool has been told of another choice.
            alone: told, with every word of an agent, until when (monotonic) the primary counts as alone.
        """
        self._settings = settings
        self._pool = pool
        self._moved = moved
        self._alone = alone
        self._alone_until_s: dict[Endpoint, float] = {}
        self._metrics = metrics
        self._statuses = {endpoint: EndpointStatus(endpoint=endpoint) for endpoint in settings.endpoints}
        self._words: dict[Endpoint, Word | None] = dict.fromkeys(settings.agents)
        self._pollers = [
            RolePoller(settings, e, self._note_role, self._is_settled) for e in settings.endpoints
        ]
        self._unheard: set[Endpoint] = {*settings.endpoints, *settings.agents}
        self._epoch = 0
        self._choice = Choice(primary=None, epoch=0)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start watching."""
        create = asyncio.get_running_loop().create_task
        timeout_s = self._settings.connect_timeout_ms / 1000
        self._tasks = [create(poller.poll()) for poller in self._pollers]
        trust = Trust(key=self._settings.agent_key, databases=self._settings.endpoints)
        self._tasks += [
            create(poll(agent, self._note_word, self._note_refusal, trust, connect_timeout_s=timeout_s))
            for agent in self._words
        ]

    async def stop(self) -> None:
        """End watching; the pool keeps its last primary."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def recheck_now(self) -> None:
        """Ask the databases again now: a write did not reach a primary, or lost its connection."""
        for poller in self._pollers:
            poller.recheck_now()

    def _note_word(self, agent: Endpoint, word: Word | None, asked_s: float) -> None:
        if word is not None and word.alone:
            self._alone_until_s[agent] = asked_s + ALONE_S
        self._take_in(agent, word)
        said = [
            self._alone_until_s[agent]
            for agent, word in self._words.items()
            if word is not None
            and word.alone
            and (word.primary, word.epoch) == (self._choice.primary, self._choice.epoch)
        ]
        self._alone(max(said, default=float("-inf")))

    def _note_refusal(self, agent: Endpoint, because: Refusal) -> None:
        self._metrics.agent_answers_refused.labels(str(agent), because).inc()

    def _take_in(self, agent: Endpoint, word: Word | None) -> None:
        if word == self._words[agent] and agent not in self._unheard:
            return
        _LOG.warning("agent says", extra={"agent": str(agent), "word": word, "was": self._words[agent]})
        self._words[agent] = word
        self._unheard.discard(agent)
        self._decide()
        # Whatever it is, the databases' own word on it is wanted now and not when their turn comes.
        self.recheck_now()

    def _is_settled(self) -> bool:
        """Say whether all agents are heard, and name the primary that is followed."""
        return bool(self._words) and all(
            word is not None and word.primary is not None and word.primary == self._choice.primary
            for word in self._words.values()
        )

    def _note_role(self, endpoint: Endpoint, role: Role, epoch: int, why: str) -> None:
        before = self._statuses[endpoint]
        now = seen(before, role, epoch, asyncio.get_running_loop().time())
        if now == before and endpoint not in self._unheard:
            return
        self._statuses[endpoint] = now
        self._unheard.discard(endpoint)
        _LOG.warning(
            "role seen",
            extra={
                "endpoint": str(endpoint),
                "role": role.value,
                "epoch": epoch,
                "was": before.role.value,
                "why": why,
            },
        )
        for known in Role:
            self._metrics.role_seen.labels(str(endpoint), known.value).set(1.0 if known is role else 0.0)
        self._metrics.two_primaries.set(1.0 if two_primaries(tuple(self._statuses.values())) else 0.0)
        self._decide()

    def _decide(self) -> None:
        words, statuses = tuple(self._words.values()), tuple(self._statuses.values())
        self._epoch = max(self._epoch, highest_epoch(words, statuses))
        # Choosing by roles before all have had their say would trust an old primary that answers first.
        choice = choose(words, () if self._unheard else statuses, self._choice, self._epoch)
        if choice == self._choice:
            return
        was, self._choice = self._choice, choice
        _LOG.warning(
            "primary changed" if choice.primary != was.primary else "leadership changed",
            extra={"primary": str(choice.primary), "was": str(was.primary), "choice": choice},
        )
        if choice.primary != was.primary:
            self._metrics.primary_changes.inc()
        self._metrics.epoch.set(choice.epoch)
        for source in Source:
            is_believed = choice.primary is not None and choice.source is source
            self._metrics.primary_known_from.labels(source.value).set(1.0 if is_believed else 0.0)
        self._pool.follow(choice.primary, choice.epoch, is_held=choice.is_held)
        self._moved()
