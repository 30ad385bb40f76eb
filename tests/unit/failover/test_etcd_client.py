"""Reads and changes of etcd: once or not at all, whatever gets lost on the way.

Against the etcd in memory. With LOANSTACK_TEST_ETCD="endpoint ca_file user password" the same tests ask a
real one, which is how the one in memory is held to its behaviour; what only a fake can do is skipped then.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.core.observed import Guarantee, Leadership, Member, Phase, Request, RequestKind, Role, Unfenced
from failover.etcd import records
from failover.etcd.client import EtcdClient, EtcdSnapshot
from failover.etcd.history import Event, History
from failover.etcd.http_api import EtcdError, EtcdHttpApi, encoded
from failover.etcd.records import LeaderRecord
from failover.settings import Etcd as EtcdSettings
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.fake_etcd import PASSWORD, USER, FakeEtcd, member

REAL = os.environ.get("LOANSTACK_TEST_ETCD", "").split()
TTL_MS = 2000


class Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return virtual_time.now_s() + self.ahead_s


class Stage:
    def __init__(
        self, client: EtcdClient, http_api: EtcdHttpApi, etcd: FakeEtcd | None, clock: Clock
    ) -> None:
        self.client, self.http_api, self.clock = client, http_api, clock
        self.history = History(http_api, client.keys)
        self._etcd = etcd

    @property
    def etcd(self) -> FakeEtcd:
        if self._etcd is None:
            pytest.skip("only the etcd in memory can do that")
        return self._etcd


@asynccontextmanager
async def stage(certificate: Path) -> AsyncIterator[Stage]:
    clock, environment = Clock(), f"try-{uuid.uuid4().hex[:8]}"
    if REAL:
        endpoint, ca_file, user, password = REAL
        settings = EtcdSettings(endpoints=(endpoint,), user=user, password=password, ca_file=ca_file)
        http_api = EtcdHttpApi(settings, timeout_ms=2000)
        try:
            yield Stage(EtcdClient(http_api, environment), http_api, None, clock)
        finally:
            await http_api.close()
        return
    etcd = FakeEtcd(now=clock)
    async with member(etcd, certificate, number=0) as one, member(etcd, certificate, number=1) as two:
        settings = EtcdSettings(endpoints=(one, two), user=USER, password=PASSWORD, ca_file=str(certificate))
        http_api = EtcdHttpApi(settings, timeout_ms=150)
        yield Stage(EtcdClient(http_api, environment), http_api, etcd, clock)
        await http_api.close()


def play(certificate: Path, story: Callable[[Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with stage(certificate) as found:
            await story(found)

    (asyncio.run if REAL else virtual.run)(whole())


def record(*, revision: int = 0, epoch: int = 1, host: str = "ob-a", **more: Any) -> LeaderRecord:
    leadership = Leadership(
        host=host,
        epoch=epoch,
        phase=more.pop("phase", Phase.RECOVERING),
        revision=revision,
        timeline=more.pop("timeline", 1),
        primary=more.pop("primary", host),
        **more,
    )
    return LeaderRecord(leadership=leadership, acquisition_id=f"claim of {host}", last_automatic_s=None)


MEMBER = Member(
    host="ob-a",
    role=Role.STANDBY,
    scn=1795520469021068000,
    settled_scn=1795520466110042000,
    recorded_role=Role.STANDBY,
    timeline=4,
    epoch=5,
)
REQUEST = Request(id="r-1", kind=RequestKind.SWITCHOVER, host="ob-b", force=True)


def member_text(seq: int, found: Member = MEMBER) -> str:
    return records.member_text(found, seq=seq, lag_ms=12, more={"version": "0.1.0"})


async def claimed(it: Stage, wanted: LeaderRecord, *, takes_request: bool = False) -> tuple[int | None, str]:
    lease = await it.client.grant(TTL_MS)
    return await it.client.acquire_leader_lock(wanted, lease=lease, takes_request=takes_request), lease


def test_an_empty_etcd_holds_nothing(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        snapshot = await it.client.read()
        assert snapshot == EtcdSnapshot(revision=snapshot.revision)
        assert await it.history.read() == {}

    play(certificate, story)


def test_a_claim_is_seen_whole(certificate: Path) -> None:
    wanted = record(
        guarantee=Guarantee.DEVICE,
        final_scn=1795520469021068000,
        to="ob-b",
        unfenced=(Unfenced(host="ob-b", epoch=3, lease_over=True),),
        powered_off=("ob-b",),
        accept_loss=True,
    )
    wanted = replace(wanted, last_automatic_s=1795520469.25)

    async def story(it: Stage) -> None:
        revision, _ = await claimed(it, wanted)
        snapshot = await it.client.read()
        assert snapshot.leader == replace(wanted, leadership=replace(wanted.leadership, revision=revision))
        assert snapshot.lease_alive

    play(certificate, story)


def test_of_two_claims_one_wins(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        first, _ = await claimed(it, record(host="ob-a"))
        second, _ = await claimed(it, record(host="ob-b"))
        assert first is not None
        assert second is None
        third, _ = await claimed(it, record(host="ob-b", epoch=2, revision=first))
        assert third is not None
        assert third > first

    play(certificate, story)


def test_a_claim_whose_answer_got_lost_is_known_as_ones_own(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        lease = await it.client.grant(TTL_MS)
        it.etcd.deaf = {0}
        revision = await it.client.acquire_leader_lock(record(), lease=lease, takes_request=False)
        snapshot = await it.client.read()
        assert snapshot.leader is not None
        assert snapshot.leader.leadership.revision == revision

    play(certificate, story)


def test_a_claim_on_a_lease_that_has_ended_changes_nothing(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        lease = await it.client.grant(TTL_MS)
        await it.client.revoke(lease)
        with pytest.raises(EtcdError, match="lease not found"):
            await it.client.acquire_leader_lock(record(), lease=lease, takes_request=False)
        assert (await it.client.read()).leader is None

    play(certificate, story)


def test_a_lease_lives_while_it_is_kept_alive_and_takes_its_key_along(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        _, lease = await claimed(it, record())
        for _ in range(3):
            assert await it.client.keep_alive(lease)
            it.etcd.expire()
            it.clock.ahead_s += TTL_MS / 1000 - 0.1
        assert (await it.client.read()).lease_alive
        it.clock.ahead_s += 0.2
        snapshot = await it.client.read()
        assert not snapshot.lease_alive
        assert snapshot.leader is not None
        assert not await it.client.keep_alive(lease)

    play(certificate, story)


def test_a_revoked_lease_is_not_kept_alive(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        _, lease = await claimed(it, record())
        assert await it.client.keep_alive(lease)
        await it.client.revoke(lease)
        assert not await it.client.keep_alive(lease)
        assert not (await it.client.read()).lease_alive

    play(certificate, story)


def test_a_phase_advances_from_the_revision_that_was_seen_and_no_other(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        first, _ = await claimed(it, record())
        assert first is not None
        second = await it.client.advance(record(revision=first, phase=Phase.SERVING))
        assert second is not None
        assert await it.client.advance(record(revision=first, phase=Phase.FENCED)) is None
        snapshot = await it.client.read()
        assert snapshot.leader is not None
        assert (snapshot.leader.leadership.phase, snapshot.leader.leadership.revision) == (
            Phase.SERVING,
            second,
        )
        assert snapshot.lease_alive

    play(certificate, story)


def test_a_member_is_put_and_everything_read_in_one_call(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        await claimed(it, record())
        sights = [await it.client.read(host="ob-a", member=member_text(seq)) for seq in (1, 2)]
        (one,), (two,) = (s.members for s in sights)
        assert one.member == two.member == MEMBER
        assert two.revision > one.revision
        assert (two.report["seq"], two.report["lag_ms"], two.report["version"]) == (2, 12, "0.1.0")
        assert sights[0].leader is not None
        assert (await it.client.read()).members == (two,)

    play(certificate, story)


def test_the_history_is_not_part_of_a_look(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        await it.history.append(1, Event(at_s=1.5, event="claimed", host="ob-a", detail="first"))
        await it.client.read()
        await it.http_api.call(
            "/v3/kv/put", {"key": encoded(it.client.keys.history(2)), "value": encoded("not JSON")}
        )
        assert (await it.client.read()).members == ()

    play(certificate, story)


def test_events_are_appended_once_in_order_and_by_epoch(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        first = Event(at_s=1.5, event="claimed", host="ob-a", detail="why", request="r-1")
        for event in (first, first, replace(first, event="promoted", request=None)):
            await it.history.append(9, event)
        await asyncio.gather(*(it.history.append(10, replace(first, host=f"ob-{n}")) for n in range(3)))
        found = await it.history.read()
        assert list(found) == [9, 10]
        assert found[9] == [
            {"at_s": 1.5, "event": "claimed", "host": "ob-a", "detail": "why", "request": "r-1"},
            {"at_s": 1.5, "event": "promoted", "host": "ob-a", "detail": "why"},
        ]
        assert {e["host"] for e in found[10]} == {"ob-0", "ob-1", "ob-2"}

    play(certificate, story)


def test_epochs_long_past_are_forgotten(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        event = Event(at_s=1.5, event="claimed", host="ob-a", detail="")
        for epoch in (1, 2, 3, 202):
            await it.history.append(epoch, event)
        assert list(await it.history.read()) == [2, 3, 202]

    play(certificate, story)


def test_one_request_waits_at_a_time_and_is_taken_with_what_answers_it(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        assert await it.client.put_request(REQUEST, at_s=1.0)
        assert not await it.client.put_request(replace(REQUEST, id="r-2"), at_s=2.0)
        assert (await it.client.read()).request == REQUEST
        await claimed(it, record(), takes_request=True)
        assert (await it.client.read()).request is None

    play(certificate, story)


def test_only_the_request_that_was_meant_is_cleared(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        await it.client.put_request(REQUEST, at_s=1.0)
        revision = (await it.client.read()).request_revision
        await it.client.clear_request(revision - 1)
        assert (await it.client.read()).request == REQUEST
        await it.client.clear_request(revision)
        assert (await it.client.read()).request is None

    play(certificate, story)


def test_a_request_whose_answer_got_lost_counts_as_left(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        await it.client.read()
        it.etcd.deaf = {0}
        assert await it.client.put_request(REQUEST, at_s=1.0)

    play(certificate, story)


def test_a_pause_lasts_until_it_is_ended(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        await it.client.pause(host="ob-a", at_s=5.0)
        assert (await it.client.read()).paused == {"host": "ob-a", "at_s": 5.0}
        await it.client.resume()
        await it.client.resume()
        assert (await it.client.read()).paused is None

    play(certificate, story)


@pytest.mark.parametrize("text", ["{", "[]", '{"host": "ob-a"}', '{"epoch": "x"}'])
def test_a_leader_that_no_agent_wrote_is_no_answer(certificate: Path, text: str) -> None:
    async def story(it: Stage) -> None:
        it.etcd.put(it.client.keys.leader, text)
        with pytest.raises(EtcdError, match="leader"):
            await it.client.read()

    play(certificate, story)


def test_other_records_that_no_agent_wrote_are_passed_over(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        it.etcd.put(it.client.keys.member("ob-x"), '{"role": "KING"}')
        it.etcd.put(it.client.keys.request, "please")
        it.etcd.put(it.client.keys.member("ob-a"), member_text(1))
        snapshot = await it.client.read()
        assert [s.member.host for s in snapshot.members] == ["ob-a"]
        assert snapshot.request is None

    play(certificate, story)


async def drained(last_answer: "asyncio.Queue[str]") -> None:
    """Wait until nothing is on its way any more, and forget it."""
    await asyncio.sleep(0.05)
    while not last_answer.empty():
        last_answer.get_nowait()


def test_changes_are_told_as_they_happen_but_not_those_of_members_and_history(certificate: Path) -> None:
    async def story(it: Stage) -> None:
        last_answer: asyncio.Queue[str] = asyncio.Queue()

        async def listen() -> None:
            async for _ in it.client.changes():
                last_answer.put_nowait("changed")

        listening = asyncio.create_task(listen())
        while last_answer.empty():
            # Until somebody listens, and not a moment longer.
            await it.client.pause(host="ob-a", at_s=1.0)
            await asyncio.sleep(0.01)
        await drained(last_answer)
        await it.client.read(host="ob-a", member=member_text(1))
        await it.history.append(2, Event(at_s=1.5, event="claimed", host="ob-a", detail=""))
        await asyncio.sleep(0.05)
        assert last_answer.empty()
        lease = await it.client.grant(TTL_MS)
        changes: tuple[Callable[[], Awaitable[object]], ...] = (
            it.client.resume,
            lambda: it.client.acquire_leader_lock(record(), lease=lease, takes_request=False),
            lambda: it.client.put_request(REQUEST, at_s=2.0),
            lambda: it.client.revoke(lease),
        )
        for change in changes:
            await change()
            await asyncio.wait_for(last_answer.get(), 5)
            await drained(last_answer)
        listening.cancel()

    play(certificate, story)
