"""From parts to the one value to decide by: names for addresses, proofs of history, a stuck standby."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from failover.agent.memory import HeldLease, Memory, RejoinedFile, RunningTask
from failover.agent.observer import Observer
from failover.core import observed
from failover.core.observed import (
    EtcdView,
    Leadership,
    Member,
    Observed,
    Phase,
    Process,
    Role,
    TaskKind,
)
from failover.host.local_state import LocalState
from failover.settings_file import parse
from tests.unit.failover.config import settings_file

MS = 1_000_000
A, B = "198.18.1.13", "198.18.2.23"
LEADERSHIP = Leadership(host="ob-a", epoch=7, phase=Phase.SERVING, revision=1, timeline=5, primary="ob-a")


class Stage:
    """Host ob-b, a standby of ob-a, and its parts."""

    def __init__(self, folder: Path) -> None:
        found = settings_file()
        found |= {"me": "ob-b", "address": B}
        found["peers"][0] |= {"host": "ob-a", "address": A}
        self.now_ms = 1_000_000
        self.memory = Memory(local_state=LocalState(role=Role.STANDBY, epoch=6, timeline=5))
        self.found = observed.Database(
            process=Process.RUNNING, role=Role.STANDBY, scn=100 * MS, follows=A, silent_ms=3
        )
        self.epoch: int | None = 7
        self.view: EtcdView | None = EtcdView(
            answered_ago_ms=10, leadership=LEADERSHIP, members=(Member(host="ob-a", scn=140 * MS),)
        )
        self.sql_silent_ms, self.peer_scn, self.others = 50, 0, False
        self.peer_settled_scn: int | None = None
        self.observer = Observer(
            parse(found),
            self.memory,
            database=_Database(self),
            etcd=_Etcd(self),
            peers=_Peers(self),
            rejoined=RejoinedFile(folder / "rejoined"),
            used_by_others=lambda: self.others,
            now_ms=lambda: self.now_ms,
        )

    def seen(self) -> Observed:
        return self.observer.observe()

    def pass_ms(self, ms: int, *, leader_moves: bool = True) -> None:
        self.now_ms += ms
        if leader_moves and self.view is not None:
            (member,) = self.view.members
            self.view = replace(self.view, members=(replace(member, scn=member.scn + ms * MS),))
        self.seen()


class _Database:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def epoch(self) -> int | None:
        return self._stage.epoch

    def observe(self) -> observed.Database:
        return self._stage.found


class _Etcd:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def observe(self) -> EtcdView | None:
        return self._stage.view


class _Peers:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def observe(self) -> tuple[observed.Peer, ...]:
        return (observed.Peer(host="ob-a", sql_silent_ms=self._stage.sql_silent_ms, agent_silent_ms=0),)

    def position_of(self, host: str) -> tuple[int, int | None]:
        return self._stage.peer_scn, self._stage.peer_settled_scn


@pytest.fixture
def it(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_everything_is_put_together(it: Stage) -> None:
    it.memory.lease = HeldLease(epoch=3, id="l", renewed_at_ms=999)
    it.memory.fenced_epoch, it.memory.started_at_ms = 2, it.now_ms - 400
    seen = it.seen()
    assert (seen.me, seen.now_ms, seen.fenced_epoch) == ("ob-b", it.now_ms, 2)
    assert seen.lease == observed.Lease(epoch=3, renewed_at_ms=999)
    database = seen.database
    assert (database.follows, database.recorded_role, database.timeline) == ("ob-a", Role.STANDBY, 5)
    assert (database.recorded_epoch, database.started_ago_ms) == (7, 400)
    assert (seen.task, seen.rejoined_ago_ms) == (None, None)


def test_an_address_that_no_host_has_is_no_host(it: Stage) -> None:
    it.found = replace(it.found, follows="198.18.9.9")
    assert it.seen().database.follows == "198.18.9.9"


def test_a_rejoin_is_remembered_by_the_next_agent_on_this_host(it: Stage, tmp_path: Path) -> None:
    RejoinedFile(tmp_path / "rejoined").write(it.now_ms - 5000)
    assert Stage(tmp_path).seen().rejoined_ago_ms == 5000


def test_whoever_uses_the_database_otherwise_makes_at_most_a_standby_of_it(it: Stage) -> None:
    it.others = True
    task = it.seen().task
    assert task is not None
    assert task.kind is TaskKind.REJOIN
    it.memory.running_task = RunningTask(kind=TaskKind.PROMOTE, since_ms=it.now_ms - 70)
    task = it.seen().task
    assert task is not None
    assert (task.kind, task.started_ago_ms) == (TaskKind.PROMOTE, 70)


def test_the_leaders_epoch_in_the_own_table_proves_its_history(it: Stage) -> None:
    it.memory.local_state = LocalState(role=Role.STANDBY)
    assert it.observer.proven_local_state(it.seen()) == LocalState(role=Role.STANDBY, epoch=7, timeline=5)
    it.memory.local_state = LocalState(role=Role.STANDBY, epoch=7, timeline=5)
    assert it.observer.proven_local_state(it.seen()) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda it: setattr(it, "epoch", 6),
        lambda it: setattr(it, "epoch", None),
        lambda it: setattr(it, "found", replace(it.found, role=Role.PRIMARY)),
        lambda it: setattr(it, "view", None),
        lambda it: setattr(
            it, "view", replace(it.view, leadership=replace(LEADERSHIP, phase=Phase.RECOVERING))
        ),
        lambda it: setattr(it, "view", replace(it.view, leadership=replace(LEADERSHIP, host="ob-b"))),
        lambda it: setattr(it.memory, "local_state", LocalState(role=Role.PRIMARY)),
        lambda it: setattr(it.memory, "local_state", LocalState()),
    ],
)
def test_nothing_less_proves_a_history(it: Stage, spoil) -> None:
    it.memory.local_state = LocalState(role=Role.STANDBY)
    spoil(it)
    assert it.observer.proven_local_state(it.seen()) is None


def test_the_lag_is_measured_against_what_was_last_heard_of_the_leader(it: Stage) -> None:
    assert it.observer.lag_ms(it.seen()) == 40
    it.peer_scn = 160 * MS
    assert it.observer.lag_ms(it.seen()) == 60
    it.found = replace(it.found, scn=200 * MS)
    assert it.observer.lag_ms(it.seen()) == 0
    it.found = replace(it.found, role=Role.PRIMARY)
    assert it.observer.lag_ms(it.seen()) is None


def test_what_is_said_to_the_others_is_what_is_seen(it: Stage) -> None:
    it.observer.last_decision = lambda: "Hold: waits"
    told = [json.loads(it.observer.member_text()) for _ in range(2)]
    assert [t["seq"] for t in told] == [1, 2]
    assert {
        name: told[0][name] for name in ("host", "role", "scn", "lineage", "epoch", "lag_ms", "thinks")
    } == {
        "host": "ob-b",
        "role": "STANDBY",
        "scn": 100 * MS,
        "lineage": 5,
        "epoch": 7,
        "lag_ms": 40,
        "thinks": "Hold: waits",
    }


def test_a_standby_that_stands_still_while_its_leader_goes_on_cannot_follow(it: Stage) -> None:
    it.seen()
    for _ in range(29):
        it.pass_ms(1000)
    assert not it.seen().database.cannot_follow
    it.pass_ms(1500)
    assert it.seen().database.cannot_follow


@pytest.mark.parametrize("moves", ["own position", "no position at all", "nothing is heard of the leader"])
def test_a_standby_is_not_stuck_while_it_moves_or_cannot_be_expected_to(it: Stage, moves: str) -> None:
    it.seen()
    for _ in range(60):
        if moves == "own position":
            it.found = replace(it.found, scn=it.found.scn + 1)
        elif moves == "nothing is heard of the leader":
            it.sql_silent_ms = 5000
        it.pass_ms(1000, leader_moves=moves != "no position at all")
    assert not it.seen().database.cannot_follow


def test_how_long_nobody_has_followed_counts_from_when_somebody_last_did(it: Stage) -> None:
    def unfollowed_ms(after_ms: int, silent_ms: int) -> int:
        it.now_ms += after_ms
        other = Member(host="ob-a", role=Role.STANDBY, scn=100 * MS, timeline=5, unchanged_ms=silent_ms)
        it.view = EtcdView(answered_ago_ms=10, leadership=LEADERSHIP, members=(other,))
        return it.seen().unfollowed_ms

    looks = [(0, 100), (700, 60_000), (300, 60_000), (50, 100), (10, 100)]
    assert [unfollowed_ms(*look) for look in looks] == [0, 700, 1000, 0, 0]


def test_an_agent_that_has_just_started_may_have_said_anything_just_before(it: Stage) -> None:
    assert it.seen().unprotected_reported_ago_ms == 0
    it.now_ms += 900
    assert it.seen().unprotected_reported_ago_ms == 900
    it.observer.unprotected_reported()
    it.now_ms += 5
    assert it.seen().unprotected_reported_ago_ms == 5


def test_one_entry_after_a_pause_is_half_a_second_of_lag_at_most(it: Stage) -> None:
    """Whether etcd or the leader's agent itself tells of it."""
    it.peer_scn, it.peer_settled_scn = 5100 * MS, 100 * MS
    assert it.observer.lag_ms(it.seen()) == 500
    it.peer_settled_scn = 101 * MS
    assert it.observer.lag_ms(it.seen()) == 5000
    assert it.view is not None
    it.view = replace(it.view, members=(Member(host="ob-a", scn=5200 * MS, settled_scn=100 * MS),))
    assert it.observer.lag_ms(it.seen()) == 500
