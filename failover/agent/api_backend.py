"""The agent's answers to its API, and the operators' commands that it takes; implements `backend.Backend`."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from failover import clock
from failover.agent.etcd_watch import EtcdWatch
from failover.agent.metrics import Metrics
from failover.agent.observer import Observer
from failover.api.announcement import Announcement, answer_of
from failover.api.backend import RefusedError
from failover.api.status import Status, status_of, successor
from failover.core.objections import objections
from failover.core.observed import Observed, Request, RequestKind
from failover.core.observed import Settings as Limits
from failover.etcd.client import EtcdClient
from failover.etcd.history_writer import HistoryWriter
from failover.settings import Settings

_LATE_LOOPS = 5
"""If the last cycle of the loop is older than this many intervals, the agent reports a problem."""

Json = dict[str, Any]


class DecisionLoop(Protocol):
    """What this module needs of `loop.Loop`."""

    def last_decision(self) -> str:
        """Return the last decision: the action, and why."""

    def last_cycle_ago_ms(self) -> int:
        """Return the time since the last cycle of the loop."""


class ApiBackend:
    """One agent, as its API uses it."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        *,
        observer: Observer,
        watch: EtcdWatch,
        etcd: EtcdClient,
        history_writer: HistoryWriter,
        metrics: Metrics,
        loop: DecisionLoop,
        verify: Callable[[str], Awaitable[str | None]],
        wall_s: Callable[[], float] = clock.wall_s,
    ) -> None:
        """Answer from the observations of `observer`.

        Args:
            settings: of this host.
            limits: of the core's decisions.
            observer: collects the observations.
            watch: the last read of etcd.
            etcd: takes requests.
            history_writer: reads and writes the history.
            metrics: for Prometheus.
            loop: the agent's loop.
            verify: asks the database of a host whether it would hand over; returns its objection.
            wall_s: the Unix time.
        """
        self.announcement = Announcement()
        self._settings = settings
        self._limits = limits
        self._observer = observer
        self._watch = watch
        self._etcd = etcd
        self._history = history_writer
        self._metrics = metrics
        self._loop = loop
        self._verify = verify
        self._wall_s = wall_s

    @property
    def me(self) -> str:
        """This host's name."""
        return self._settings.me

    def announce(self, seen: Observed) -> None:
        """Bring the announcement up to date."""
        was_unprotected = self.announcement.answer.is_unprotected
        self.announcement.say(answer_of(seen, self._settings))
        if was_unprotected or self.announcement.answer.is_unprotected:
            self._observer.unprotected_reported()

    def standby_lag_ms(self) -> int | None:
        """Return the lag of this host's database; None: it is not a standby, or its lag is not known."""
        return self._observer.lag_ms(self._observer.observe())

    def status(self) -> Status:
        """Return what this agent sees."""
        snapshot = self._watch.snapshot
        return status_of(
            self._observer.observe(),
            self._settings,
            last_decision=self._loop.last_decision(),
            reports={seen.member.host: seen.report for seen in (snapshot.members if snapshot else ())},
            paused=snapshot.paused if snapshot else None,
        )

    def metrics(self) -> bytes:
        """Return the page for Prometheus."""
        seen = self._observer.observe()
        return self._metrics.page(seen, self._limits, self._observer.lag_ms(seen))

    def health(self) -> tuple[str, ...]:
        """Return this agent's problems; empty if there are none."""
        wrong, late_ms = [], self._loop.last_cycle_ago_ms()
        if late_ms > _LATE_LOOPS * self._limits.loop_interval_ms:
            wrong.append(f"the last cycle of the loop was {late_ms} ms ago")
        etcd = self._watch.observe()
        if etcd is None or etcd.answered_ago_ms > self._limits.lease_ttl_ms:
            wrong.append(f"etcd does not answer: {self._watch.last_failure or 'not yet'}")
        return tuple(wrong)

    def successor(self) -> str | None:
        """Return the default target of a switchover; None: there is no suitable standby."""
        return successor(self._observer.observe(), self._limits)

    async def history(self) -> Mapping[int, Sequence[Json]]:
        """Return the events of each kept epoch; if etcd does not answer, those that were read last."""
        return await self._history.history()

    async def objections(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> tuple[str, ...]:
        """Return every objection to an operator's request; empty: it can be carried out."""
        seen = self._observer.observe()
        request = Request(id="", kind=kind, host=to, force=force, accept_loss=accept_loss)
        found = list(objections(seen, request, self._limits))
        waiting = seen.etcd.request if seen.etcd else None
        if waiting is not None:
            found.append(f"a {waiting.kind} of {waiting.host} was asked for before and is not over yet")
        leadership = seen.etcd.leadership if seen.etcd else None
        if kind is RequestKind.SWITCHOVER and not found and leadership is not None:
            against = await self._verify(leadership.host)
            found += [] if against is None else [against]
        return tuple(found)

    async def submit(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> str:
        """Leave an operator's request in etcd; returns its id.

        Raises:
            RefusedError: another one waits.
            EtcdError: it is not known whether it is there.
        """
        request = Request(id=uuid.uuid4().hex[:12], kind=kind, host=to, force=force, accept_loss=accept_loss)
        if not await self._etcd.put_request(request, at_s=self._wall_s()):
            raise RefusedError("another request was left before and is not over yet")
        self._watch.recheck_now()
        return request.id

    async def pause(self) -> None:
        """Stop automatic actions.

        Raises:
            EtcdError: it is not known whether that is so now.
        """
        await self._etcd.pause(host=self.me, at_s=self._wall_s())
        self._watch.recheck_now()

    async def resume(self) -> None:
        """Allow automatic actions again.

        Raises:
            EtcdError: it is not known whether that is so now.
        """
        await self._etcd.resume()
        self._watch.recheck_now()
