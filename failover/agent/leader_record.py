"""Changes of the record `leader`: each starts from the seen revision, and is followed by a new read."""

from dataclasses import replace
from typing import Any, Protocol

from failover.agent.etcd_watch import EtcdWatch
from failover.agent.memory import Memory
from failover.etcd.records import LeaderRecord


class Etcd(Protocol):
    """What this module needs of `client.EtcdClient`."""

    async def grant(self, ttl_ms: int) -> str:
        """Return a new lease."""

    async def revoke(self, lease: str) -> None:
        """End a lease."""

    async def acquire_leader_lock(
        self, record: LeaderRecord, *, lease: str, takes_request: bool
    ) -> int | None:
        """Make a record the leader's."""

    async def advance(self, record: LeaderRecord, *, takes_request: bool = False) -> int | None:
        """Replace the record."""

    async def clear_request(self, revision: int) -> None:
        """Delete a request."""


class Superseded(Exception):  # noqa: N818 - no error: somebody else was first, and the next read shows it
    """Another agent changed the record, or this agent dropped its lease: the action ends here."""


class LeaderRecordUpdater:
    """The only way in which actions change the record."""

    def __init__(self, etcd: Etcd, watch: EtcdWatch, memory: Memory) -> None:
        """Change what `watch` has seen."""
        self._etcd = etcd
        self._watch = watch
        self._memory = memory

    def record(self, revision: int) -> LeaderRecord:
        """Return the record as it was seen at `revision`.

        Raises:
            Superseded: another one was seen meanwhile.
        """
        record = self._watch.record
        if record is None or record.leadership.revision != revision:
            raise Superseded(f"the record is not at revision {revision} any more")
        return record

    async def change(self, revision: int, *, takes_request: bool = False, **changes: Any) -> None:  # noqa: ANN401
        """Change fields of the record that was seen at `revision`, and read again.

        Raises:
            Superseded: somebody else changed it first.
            EtcdError: it is not known whether it happened.
        """
        record = self.record(revision)
        changed = replace(record, leadership=replace(record.leadership, **changes))
        if await self._etcd.advance(changed, takes_request=takes_request) is None:
            await self._watch.poll(put=True)
            raise Superseded(f"somebody changed the record at revision {revision} first")
        await self._watch.poll(put=True)

    def assert_leader(self) -> None:
        """Return if the lease is still held.

        Raises:
            Superseded: it was dropped meanwhile.
        """
        if self._memory.lease is None:
            raise Superseded("the lease was dropped meanwhile")
