"""What the agent tells through its API and takes there: from real looks, with etcd in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from failover.agent.api_backend import ApiBackend
from failover.agent.etcd_watch import EtcdWatch
from failover.agent.limits import limits_of
from failover.agent.memory import Memory
from failover.agent.metrics import Metrics
from failover.agent.pace import Pace
from failover.api.backend import RefusedError
from failover.core.observed import (
    Database,
    EtcdView,
    Leadership,
    Lease,
    Member,
    Observed,
    Phase,
    RequestKind,
    Role,
    UnprotectedMode,
)
from failover.etcd.client import EtcdClient
from failover.etcd.history import History
from failover.etcd.history_writer import HistoryWriter
from failover.etcd.http_api import EtcdHttpApi
from failover.etcd.records import LeaderRecord, member_text
from failover.host.local_state import LocalState
from failover.settings import Etcd as EtcdSettings
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.config import settings
from tests.unit.failover.fake_etcd import PASSWORD, USER, FakeEtcd, member

LEADERSHIP = Leadership(host="ob-b", epoch=4, phase=Phase.SERVING, revision=0, timeline=4, primary="ob-b")


class Eyes:
    def __init__(self, watch: EtcdWatch) -> None:
        self._watch = watch
        self.said = 0

    def observe(self) -> Observed:
        return Observed(now_ms=0, me="ob-a", database=Database(), etcd=self._watch.observe())

    def lag_ms(self, _: Observed) -> int | None:
        return 12

    def unprotected_reported(self) -> None:
        self.said += 1


class DecisionLoop:
    late_ms = 0

    def last_decision(self) -> str:
        return "Hold: waits"

    def last_cycle_ago_ms(self) -> int:
        return self.late_ms


class Stage:
    def __init__(self, endpoint: str, certificate: Path) -> None:
        found = settings()
        self.http_api = EtcdHttpApi(
            EtcdSettings(endpoints=(endpoint,), user=USER, password=PASSWORD, ca_file=str(certificate)),
            timeout_ms=300,
        )
        self.client = EtcdClient(self.http_api, "lab")
        self.watch = EtcdWatch(
            self.client,
            Memory(local_state=LocalState()),
            me="ob-a",
            timing=found.timing,
            pace=Pace(busy_ms=200, calm_ms=500),
            member_text=lambda: "",
        )
        self.loop = DecisionLoop()
        self.against: str | None = None
        self.verified: list[str] = []
        self.eyes = Eyes(self.watch)
        self.backend = ApiBackend(
            found,
            limits_of(found),
            observer=self.eyes,  # type: ignore[arg-type]
            watch=self.watch,
            etcd=self.client,
            history_writer=HistoryWriter(History(self.http_api, self.client.keys), "ob-a"),
            metrics=Metrics(),
            loop=self.loop,
            verify=self._verify,
            wall_s=lambda: 5.0,
        )

    async def _verify(self, host: str) -> str | None:
        self.verified.append(host)
        return self.against

    async def look(self) -> None:
        await self.watch.poll(put=False)

    async def somebody_leads(self) -> None:
        lease = await self.client.grant(3000)
        record = LeaderRecord(leadership=LEADERSHIP, acquisition_id="c", last_automatic_s=None)
        await self.client.acquire_leader_lock(record, lease=lease, takes_request=False)
        for host, role in (("ob-b", Role.PRIMARY), ("ob-a", Role.STANDBY)):
            put = Member(host=host, role=role, scn=9, recorded_role=role, timeline=4, epoch=4)
            text = member_text(put, seq=1, lag_ms=3, more={"thinks": f"{host} thinks"})
            await self.client.read(host=host, member=text)
        await self.look()


def play(certificate: Path, story: Callable[[Stage, FakeEtcd], Awaitable[None]]) -> None:
    async def whole() -> None:
        etcd = FakeEtcd(now=virtual_time.now_s)
        async with member(etcd, certificate) as endpoint:
            it = Stage(endpoint, certificate)
            await story(it, etcd)
            await it.http_api.close()

    virtual.run(whole())


def test_the_word_that_the_primary_is_alone_lasts_until_another_one_is_said(certificate: Path) -> None:
    """Until then anybody may have asked, and heard it."""

    async def story(it: Stage, _: FakeEtcd) -> None:
        def turn(unprotected: UnprotectedMode) -> int:
            leadership = replace(LEADERSHIP, host="ob-a", unprotected=unprotected)
            etcd = EtcdView(answered_ago_ms=0, leadership=leadership)
            lease = Lease(epoch=4, renewed_at_ms=0)
            it.backend.announce(Observed(now_ms=0, me="ob-a", etcd=etcd, lease=lease))
            return it.eyes.said

        turns = [
            UnprotectedMode.NO,
            UnprotectedMode.YES,
            UnprotectedMode.YES,
            UnprotectedMode.ENDING,
            UnprotectedMode.ENDING,
            UnprotectedMode.NO,
        ]
        assert [turn(unprotected) for unprotected in turns] == [0, 1, 2, 3, 3, 3]

    play(certificate, story)


SWITCHOVER = (RequestKind.SWITCHOVER, "ob-a", False, False)


def test_without_etcd_nothing_is_possible_and_the_agent_is_not_well(certificate: Path) -> None:
    async def story(it: Stage, etcd: FakeEtcd) -> None:
        etcd.down = {0}
        await it.look()
        assert it.backend.health() == (f"etcd does not answer: {it.watch.last_failure}",)
        assert await it.backend.objections(*SWITCHOVER) == (
            "etcd does not answer: without a majority of it nothing is done",
        )
        assert it.backend.successor() is None
        assert it.backend.status().store_answered_ago_ms is None
        assert it.verified == []

    play(certificate, story)


def test_a_loop_that_does_not_turn_is_not_well(certificate: Path) -> None:
    async def story(it: Stage, _: FakeEtcd) -> None:
        await it.look()
        assert it.backend.health() == ()
        it.loop.late_ms = 1500
        assert it.backend.health() == ("the last cycle of the loop was 1500 ms ago",)

    play(certificate, story)


def test_the_status_is_what_was_seen_with_what_each_agent_thinks(certificate: Path) -> None:
    async def story(it: Stage, _: FakeEtcd) -> None:
        await it.somebody_leads()
        status = it.backend.status()
        assert status.leader is not None
        assert (status.leader.host, status.leader.epoch, status.thinks) == ("ob-b", 4, "Hold: waits")
        assert {m.host: (m.thinks, m.lag_ms) for m in status.members} == {
            "ob-a": ("ob-a thinks", 3),
            "ob-b": ("ob-b thinks", 3),
        }
        it.backend.announce(it.backend._observer.observe())
        assert it.backend.announcement.answer.host == "ob-b"
        assert b"loanstack_failover_epoch 4.0" in it.backend.metrics()

    play(certificate, story)


def test_a_switchover_is_checked_on_the_leaders_database_too(certificate: Path) -> None:
    async def story(it: Stage, _: FakeEtcd) -> None:
        await it.somebody_leads()
        assert it.backend.successor() == "ob-a"
        assert await it.backend.objections(*SWITCHOVER) == ()
        it.against = "the database of ob-b would not hand over: DDL"
        assert await it.backend.objections(*SWITCHOVER) == (it.against,)
        assert it.verified == ["ob-b", "ob-b"]
        # Nobody is asked about what is refused anyhow.
        assert len(await it.backend.objections(RequestKind.SWITCHOVER, "ob-x", False, False)) == 1
        assert len(it.verified) == 2

    play(certificate, story)


def test_one_request_at_a_time_is_taken(certificate: Path) -> None:
    async def story(it: Stage, _: FakeEtcd) -> None:
        await it.somebody_leads()
        request = await it.backend.submit(*SWITCHOVER)
        await it.look()
        status = it.backend.status()
        assert status.request is not None
        assert (status.request.id, status.request.host) == (request, "ob-a")
        assert await it.backend.objections(*SWITCHOVER) == (
            "a switchover of ob-a was asked for before and is not over yet",
        )
        with pytest.raises(RefusedError, match="another request"):
            await it.backend.submit(*SWITCHOVER)

    play(certificate, story)


def test_a_pause_is_seen_by_everybody(certificate: Path) -> None:
    async def story(it: Stage, _: FakeEtcd) -> None:
        await it.backend.pause()
        await it.look()
        paused = it.backend.status().paused
        assert paused is not None
        assert (paused.host, paused.at_s) == ("ob-a", 5.0)
        await it.backend.resume()
        await it.look()
        assert it.backend.status().paused is None

    play(certificate, story)
