"""etcd as the agent uses it: reads, leases, and changes that are made once or not at all.

Every change of the record `leader` is a compare-and-swap on its revision. A member of etcd may make a
change and fail before it answers. The change is then sent to the next member, where the comparison fails: so
a failed comparison counts as success if the present record is the one that was to be written.
"""

import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from failover.core.observed import Member, Request
from failover.etcd import operations, records
from failover.etcd.http_api import Answer, EtcdError, decoded, encoded
from failover.etcd.keys import Keys
from failover.etcd.records import Json, LeaderRecord, RecordError

_LOG = logging.getLogger("failover.etcd")


class HttpApi(Protocol):
    """What this module needs of `http_api.EtcdHttpApi`."""

    async def call(self, path: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to one call."""

    def stream(self, path: str, bodies: Sequence[Mapping[str, object]]) -> AsyncIterator[Answer]:
        """Yield what one member answers to a call that goes on for ever."""


@dataclass(frozen=True, kw_only=True)
class MemberReport:
    """A member's report, and when it was put."""

    member: Member
    revision: int
    report: Json
    """The whole report of its agent, for people."""


@dataclass(frozen=True, kw_only=True)
class EtcdSnapshot:
    """One linearizable read of everything but the history."""

    revision: int = 0
    """Revision of all of etcd: a read with a lower revision is older."""
    leader: LeaderRecord | None = None
    lease_alive: bool = False
    members: tuple[MemberReport, ...] = ()
    request: Request | None = None
    request_revision: int = 0
    paused: Json | None = None
    """Host and time of a pause of automatic actions."""


class EtcdClient:
    """Reads and changes of one environment's keys."""

    def __init__(self, http_api: HttpApi, environment: str) -> None:
        """Use `http_api` for the keys of `environment`."""
        self._http = http_api
        self.keys = Keys(environment=environment)

    async def read(self, *, host: str = "", member: str | None = None) -> EtcdSnapshot:
        """Return the content of etcd; in the same call, put the report `member` of `host`, if given.

        Raises:
            EtcdError: etcd did not answer, or its record `leader` was not written by an agent.
        """
        first, end = self.keys.all_but_history
        reading = operations.read(first, end)
        if member is None:
            return self._snapshot(await self._http.call("/v3/kv/range", reading["request_range"]))
        putting = operations.put(self.keys.member(host), member)
        answer = await self._http.call("/v3/kv/txn", {"success": [putting, reading]})
        return self._snapshot(answer["responses"][1]["response_range"])

    async def changes(self) -> AsyncIterator[None]:
        """Yield whenever anything except members and history changes: a hint to read, without the content.

        Raises:
            EtcdError: the member that sent the notifications stopped.
        """
        watched = [{"create_request": operations.keys(*of)} for of in self.keys.watched]
        async for answer in self._http.stream("/v3/watch", watched):
            # The first answer to each request says that it was taken; it holds no events.
            if answer.get("result", {}).get("events"):
                yield

    async def grant(self, ttl_ms: int) -> str:
        """Return a new lease, which ends in `ttl_ms` unless it is kept alive.

        Raises:
            EtcdError: etcd did not answer.
        """
        answer = await self._http.call("/v3/lease/grant", {"TTL": math.ceil(ttl_ms / 1000)})
        return str(answer["ID"])

    async def keep_alive(self, lease: str) -> bool:
        """Renew a lease for its whole time; False: it has ended.

        Raises:
            EtcdError: etcd did not answer.
        """
        answer = await self._http.call("/v3/lease/keepalive", {"ID": lease})
        return int(answer.get("result", {}).get("TTL", 0)) > 0

    async def revoke(self, lease: str) -> None:
        """End a lease, and delete the key that is bound to it.

        Raises:
            EtcdError: etcd did not answer, or the lease had ended.
        """
        await self._http.call("/v3/lease/revoke", {"ID": lease})

    async def acquire_leader_lock(
        self, record: LeaderRecord, *, lease: str, takes_request: bool
    ) -> int | None:
        """Make `record` the leader's if `leader` still has its revision, and bind the key `lease` to `lease`.

        Returns:
            The new revision of `leader`; None: somebody else changed it first.

        Raises:
            EtcdError: it is not known whether it happened; the next read shows.
        """
        held = {"host": record.leadership.host, "epoch": record.leadership.epoch}
        more = [operations.put(self.keys.lease, msgspec.json.encode(held).decode(), lease=lease)]
        return await self._swap(record, more, takes_request=takes_request)

    async def advance(self, record: LeaderRecord, *, takes_request: bool = False) -> int | None:
        """Replace `leader` by `record` if it still has its revision.

        Returns:
            The new revision of `leader`; None: somebody else changed it first.

        Raises:
            EtcdError: it is not known whether it happened; the next read shows.
        """
        return await self._swap(record, [], takes_request=takes_request)

    async def put_request(self, request: Request, *, at_s: float) -> bool:
        """Put an operator's request; False: another request waits.

        Raises:
            EtcdError: it is not known whether it happened.
        """
        text = records.request_text(request, at_s=at_s)
        answer = await self._http.call(
            "/v3/kv/txn",
            {
                "compare": [operations.unchanged(self.keys.request, 0)],
                "success": [operations.put(self.keys.request, text)],
                "failure": [operations.read(self.keys.request)],
            },
        )
        if answer.get("succeeded"):
            return True
        found = operations.first_kv_of_failure(answer)
        return found is not None and found[0] == text

    async def clear_request(self, revision: int) -> None:
        """Delete the request that was put at `revision`; a newer one stays.

        Raises:
            EtcdError: etcd did not answer.
        """
        compare = [operations.unchanged(self.keys.request, revision)]
        await self._http.call(
            "/v3/kv/txn", {"compare": compare, "success": [operations.delete(self.keys.request)]}
        )

    async def pause(self, *, host: str, at_s: float) -> None:
        """Stop automatic actions until `resume`.

        Raises:
            EtcdError: it is not known whether it happened.
        """
        text = msgspec.json.encode({"host": host, "at_s": at_s}).decode()
        await self._http.call("/v3/kv/put", operations.put(self.keys.paused, text)["request_put"])

    async def resume(self) -> None:
        """End the pause.

        Raises:
            EtcdError: it is not known whether it happened.
        """
        await self._http.call("/v3/kv/deleterange", {"key": encoded(self.keys.paused)})

    async def _swap(self, record: LeaderRecord, more: list[Json], *, takes_request: bool) -> int | None:
        text = records.leader_text(record)
        success = [operations.put(self.keys.leader, text), *more]
        if takes_request:
            success.append(operations.delete(self.keys.request))
        answer = await self._http.call(
            "/v3/kv/txn",
            {
                "compare": [operations.unchanged(self.keys.leader, record.leadership.revision)],
                "success": success,
                "failure": [operations.read(self.keys.leader)],
            },
        )
        if answer.get("succeeded"):
            return int(answer["header"]["revision"])
        found = operations.first_kv_of_failure(answer)
        return found[1] if found is not None and found[0] == text else None

    def _snapshot(self, answer: Json) -> EtcdSnapshot:
        snapshot = EtcdSnapshot(revision=int(answer["header"]["revision"]))
        members = []
        for kv in answer.get("kvs", []):
            key, text, revision = decoded(kv["key"]), decoded(kv["value"]), int(kv["mod_revision"])
            try:
                if key == self.keys.leader:
                    snapshot = replace(snapshot, leader=records.leader_record(text, revision))
                elif key == self.keys.lease:
                    snapshot = replace(snapshot, lease_alive=True)
                elif key == self.keys.request:
                    snapshot = replace(snapshot, request=records.request(text), request_revision=revision)
                elif key == self.keys.paused:
                    snapshot = replace(snapshot, paused=msgspec.json.decode(text))
                elif key.startswith(self.keys.member("")):
                    host = key.removeprefix(self.keys.member(""))
                    found = records.member(host, text)
                    report = msgspec.json.decode(text)
                    members.append(MemberReport(member=found, revision=revision, report=report))
            except RecordError as wrong:
                if key == self.keys.leader:
                    raise EtcdError(str(wrong)) from wrong
                _LOG.warning("ignored a record", extra={"problem": str(wrong)})
        return replace(snapshot, members=tuple(members))
