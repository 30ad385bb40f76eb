"""Actions on etcd only: the leader lock, confirmations, phases, refusals."""

from collections.abc import Callable
from contextlib import suppress

from failover import clock
from failover.agent.etcd_watch import EtcdWatch
from failover.agent.leader_record import Etcd, LeaderRecordUpdater, Superseded
from failover.agent.memory import HeldLease, Memory
from failover.core.actions import (
    AcquireLeaderLock,
    BeginHandover,
    ConfirmFenced,
    Refuse,
    ResumeLeading,
    Serve,
    SetUnprotectedMode,
)
from failover.core.observed import Guarantee, Leadership, Phase, UnprotectedMode
from failover.etcd.history_writer import HistoryWriter
from failover.etcd.http_api import EtcdError
from failover.etcd.records import LeaderRecord
from failover.settings import Settings

_UNPROTECTED_EVENTS = {
    UnprotectedMode.YES: "alone",
    UnprotectedMode.ENDING: "followed",
    UnprotectedMode.NO: "redundant",
}
"""Names of the steps in the history: acknowledging alone, waiting for the standby, standby has all writes."""


class LeaderLock:
    """Actions that change etcd, and on this host only the agent's memory."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        *,
        etcd: Etcd,
        watch: EtcdWatch,
        updater: LeaderRecordUpdater,
        history_writer: HistoryWriter,
        now_ms: Callable[[], int] = clock.steady_ms,
        wall_s: Callable[[], float] = clock.wall_s,
    ) -> None:
        """Act in `etcd`."""
        self._settings = settings
        self._memory = memory
        self._etcd = etcd
        self._watch = watch
        self._updater = updater
        self._history = history_writer
        self._now_ms = now_ms
        self._wall_s = wall_s

    async def acquire_leader_lock(self, action: AcquireLeaderLock) -> None:
        """Become the leader in etcd.

        Raises:
            Superseded: somebody else was first.
            EtcdError: it is not known whether it happened.
        """
        detected_s, began_ms = self._wall_s(), self._now_ms()
        seen = self._watch.record
        if (seen.leadership.revision if seen else 0) != action.revision:
            raise Superseded("the record was changed meanwhile")
        lease = await self._etcd.grant(self._settings.timing.lease_ttl_ms)
        record = LeaderRecord(
            leadership=Leadership(
                host=self._settings.me,
                epoch=action.epoch,
                phase=Phase.RECOVERING,
                revision=action.revision,
                timeline=action.timeline,
                primary=action.primary,
                final_scn=action.final_scn,
                unfenced=action.unfenced,
                powered_off=action.powered_off,
                accept_loss=action.accept_loss,
                unprotected=action.unprotected,
                catch_up_scn=action.catch_up_scn,
            ),
            acquisition_id=f"{self._settings.me} {lease}",
            last_automatic_s=detected_s if action.automatic else (seen.last_automatic_s if seen else None),
        )
        takes_request = action.request is not None
        if await self._etcd.acquire_leader_lock(record, lease=lease, takes_request=takes_request) is None:
            await self._revoke(lease)
            await self._watch.poll(put=True)
            raise Superseded("another agent acquired the leader lock first")
        self._memory.lease = HeldLease(epoch=action.epoch, id=lease, renewed_at_ms=began_ms)
        self._memory.lock_acquired_at_ms = self._now_ms()
        self._memory.reports.clear()
        if action.automatic:
            self._history.record(action.epoch, "detected", action.why, at_s=detected_s)
            self._history.record(action.epoch, "decided", action.why)
        else:
            self._history.record(action.epoch, "claimed", action.why, request=action.request)
        await self._watch.poll(put=True)

    async def confirm_fenced(self, action: ConfirmFenced) -> None:
        """Record in etcd that this host's database cannot take writes under `action.epoch`.

        Raises:
            Superseded: somebody else changed the record first.
            EtcdError: it is not known whether it happened.
        """
        self._memory.fenced_epoch = max(self._memory.fenced_epoch, action.epoch)
        lease, self._memory.lease = self._memory.lease, None
        if action.revision is None:
            await self._watch.poll(put=True)
        else:
            await self._updater.change(action.revision, phase=Phase.FENCED)
        if lease is not None:
            await self._revoke(lease.id)

    async def begin_handover(self, action: BeginHandover) -> None:
        """Let services hold their writes.

        Raises:
            Superseded: somebody else changed the record first.
            EtcdError: it is not known whether it happened.
        """
        epoch = self._updater.record(action.revision).leadership.epoch
        await self._updater.change(
            action.revision, takes_request=True, phase=Phase.HANDOVER, to=action.to, final_scn=None
        )
        self._history.record(epoch, "switchover", action.why, request=action.request)

    async def resume_leading(self, action: ResumeLeading) -> None:
        """Cancel a handover.

        Raises:
            Superseded: somebody else changed the record first.
            EtcdError: it is not known whether it happened.
        """
        epoch = self._updater.record(action.revision).leadership.epoch
        await self._updater.change(action.revision, phase=Phase.RECOVERING, guarantee=Guarantee.SELF, to=None)
        self._history.record(epoch, "called off", action.why)

    async def set_unprotected_mode(self, action: SetUnprotectedMode) -> None:
        """Record whether the primary may acknowledge writes that no standby has.

        Raises:
            Superseded: somebody else changed the record first.
            EtcdError: it is not known whether it happened.
        """
        leadership = self._updater.record(action.revision).leadership
        await self._updater.change(
            action.revision, unprotected=action.unprotected, catch_up_scn=action.catch_up_scn
        )
        if action.unprotected is not leadership.unprotected:
            self._history.record(leadership.epoch, _UNPROTECTED_EVENTS[action.unprotected], action.why)

    async def refuse(self, action: Refuse) -> None:
        """Record the reason of a refusal, and delete the refused request.

        Raises:
            EtcdError: etcd did not answer.
        """
        record = self._watch.record
        epoch = record.leadership.epoch if record else 0
        self._history.refuse(epoch, action.about, action.why, action.request)
        if action.request is not None:
            await self.take_request(action.request)

    async def take_request(self, request: str) -> None:
        """Delete a request, if it is still the one that was seen.

        Raises:
            EtcdError: etcd did not answer.
        """
        snapshot = self._watch.snapshot
        if snapshot is not None and snapshot.request is not None and snapshot.request.id == request:
            await self._etcd.clear_request(snapshot.request_revision)
            await self._watch.poll(put=False)

    async def announce(self, action: Serve) -> None:
        """Record in etcd that this host serves; its database already knows the epoch.

        Raises:
            Superseded: somebody else changed the record first.
            EtcdError: it is not known whether it happened.
        """
        leadership = self._updater.record(action.revision).leadership
        await self._updater.change(
            action.revision,
            phase=Phase.SERVING,
            guarantee=action.guarantee,
            timeline=action.timeline,
            primary=self._settings.me,
            unfenced=action.unfenced,
            final_scn=None,
            to=None,
            powered_off=tuple(sorted({*leadership.powered_off, *action.powered_off})),
        )
        self._history.record(action.epoch, "serving", action.why)

    async def _revoke(self, lease: str) -> None:
        # The lease would end by itself; revoking it only ends it sooner.
        with suppress(EtcdError):
            await self._etcd.revoke(lease)
