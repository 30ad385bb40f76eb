"""What is done to the database, in the order that makes it safe: etcd, disk, statement."""

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.agent.leader_record import Superseded
from failover.agent.memory import HeldLease, Memory, RejoinedFile, RunningTask
from failover.agent.role_changes import RoleChanges
from failover.core import observed
from failover.core.actions import HandOver, Promote, Rejoin, Serve, StartDatabase, TakeOver
from failover.core.observed import (
    Guarantee,
    Leadership,
    Phase,
    Process,
    Role,
    TaskKind,
    Unfenced,
    UnprotectedMode,
)
from failover.etcd.records import LeaderRecord
from failover.host.local_state import LocalState
from failover.host.tool import ToolError
from tests.unit.failover import virtual
from tests.unit.failover.config import settings

LEADERSHIP = Leadership(
    host="ob-a",
    epoch=7,
    phase=Phase.RECOVERING,
    revision=9,
    timeline=5,
    primary="ob-b",
    unfenced=(Unfenced(host="ob-b", epoch=6),),
)


class Stage:
    """Host ob-a with everything it changes; `done` is what happened, in order."""

    def __init__(self, folder: Path) -> None:
        self.done: list[str] = []
        self.fails: dict[str, int] = {}
        """Commands that fail so many times."""
        self.database_now = observed.Database(process=Process.RUNNING, role=Role.STANDBY, scn=40)
        self.leadership = LEADERSHIP
        self.memory = Memory(
            lease=HeldLease(epoch=7, id="l", renewed_at_ms=0),
            local_state=LocalState(role=Role.STANDBY, epoch=6, timeline=5),
        )
        self.role_changes = RoleChanges(
            settings(),
            self.memory,
            database=_Database(self),
            tool=_Tool(self),
            local_state_file=_Notes(self),
            rejoined=RejoinedFile(folder / "rejoined"),
            updater=_Keeper(self),  # type: ignore[arg-type]
            history_writer=_Recorder(self),  # type: ignore[arg-type]
            now_ms=lambda: 12_345,
        )


class _Database:
    def __init__(self, it: Stage) -> None:
        self._it = it

    def observe(self) -> observed.Database:
        return self._it.database_now

    def distrust(self) -> None:
        self._it.done.append("distrust")

    def trust(self) -> None:
        self._it.done.append("trust")

    async def ask(self) -> None:
        self._it.done.append("ask")

    async def set_epoch(self, epoch: int) -> None:
        self._it.done.append(f"epoch {epoch}")

    async def kill(self) -> None:
        self._it.done.append("kill")


class _Tool:
    def __init__(self, it: Stage) -> None:
        self._it = it

    async def run(self, *arguments: str, deadline_s: float) -> str:
        command = " ".join(arguments)
        running_task = self._it.memory.running_task
        self._it.done.append(f"{command} ({running_task.kind})" if running_task else command)
        if self._it.fails.get(command, 0):
            self._it.fails[command] -= 1
            raise ToolError(f"{command} failed")
        return "4711" if command == "hand-over" else ""


class _Notes:
    def __init__(self, it: Stage) -> None:
        self._it, self._now = it, it.memory.local_state

    def read(self) -> LocalState:
        return self._now

    def write(self, local_state: LocalState) -> None:
        self._it.done.append(f"note {local_state.role} {local_state.epoch} {local_state.timeline}")
        self._now = local_state


class _Keeper:
    def __init__(self, it: Stage) -> None:
        self._it = it

    def record(self, revision: int) -> LeaderRecord:
        assert revision == 9
        return LeaderRecord(leadership=self._it.leadership, acquisition_id="c", last_automatic_s=None)

    async def change(self, revision: int, **changes: Any) -> None:
        assert revision == 9
        if "etcd" in self._it.fails:
            raise Superseded("somebody else was first")
        self._it.done.append("etcd " + " ".join(f"{k}={v}" for k, v in changes.items()))

    def assert_leader(self) -> None:
        if self._it.memory.lease is None:
            raise Superseded("dropped")


class _Recorder:
    def __init__(self, it: Stage) -> None:
        self._it = it

    def record(self, epoch: int, event: str, detail: str, *, request: str | None = None) -> None:
        self._it.done.append(f"tell {epoch} {event}")


@pytest.fixture
def it(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def run(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await work

    virtual.run(whole())


PROMOTE = Promote(revision=9, guarantee=Guarantee.LEASE, timeline=7, unprotected=UnprotectedMode.YES, why="w")
TAKE_OVER = TakeOver(
    revision=9, guarantee=Guarantee.SELF, timeline=5, unprotected=UnprotectedMode.NO, why="w"
)
IN_ETCD = "etcd guarantee=lease timeline=7 primary=ob-a unprotected=yes catch_up_scn=None"


def test_a_promotion_is_written_down_before_it_begins(it: Stage) -> None:
    run(it.role_changes.promote(PROMOTE))
    assert it.done == [
        IN_ETCD,
        "tell 7 fenced",
        "tell 7 guarantee",
        "tell 7 alone",
        "note PRIMARY 6 7",
        "distrust",
        "promote --fenced",
        "ask",
        "tell 7 promoted",
    ]
    assert it.memory.local_state == LocalState(role=Role.PRIMARY, epoch=6, timeline=7)


def test_who_is_superseded_promotes_nothing(it: Stage) -> None:
    it.fails["etcd"] = 1
    with pytest.raises(Superseded):
        run(it.role_changes.promote(PROMOTE))
    assert it.done == []


def test_who_lost_the_lease_meanwhile_promotes_nothing(it: Stage) -> None:
    it.memory.lease = None
    with pytest.raises(Superseded):
        run(it.role_changes.promote(PROMOTE))
    assert it.done[-1] == "note PRIMARY 6 7"


def test_a_standby_takes_over_at_the_position_that_was_handed_over(it: Stage) -> None:
    it.leadership = replace(LEADERSHIP, final_scn=4711)
    run(it.role_changes.take_over(TAKE_OVER))
    assert "take-over 4711" in it.done
    assert "tell 7 fenced" not in it.done


def test_a_source_that_went_meanwhile_does_not_hold_a_take_over(it: Stage) -> None:
    it.fails["take-over 40"] = 1
    run(it.role_changes.take_over(TAKE_OVER))
    assert it.done[-4:] == ["take-over 40", "promote --fenced", "ask", "tell 7 promoted"]


def test_a_drained_primary_is_had_back_by_a_restart_however_long_that_takes(it: Stage) -> None:
    it.database_now = replace(it.database_now, role=Role.PRIMARY, drained=True)
    it.memory.running_task = RunningTask(kind=TaskKind.TAKE_OVER, since_ms=0)
    it.fails["start"] = 1
    run(it.role_changes.take_over(TAKE_OVER))
    assert it.done[-6:] == [
        "kill",
        "start (start_standby)",
        "start (start_standby)",
        "promote --fenced (take_over)",
        "ask",
        "tell 7 promoted",
    ]


@pytest.mark.parametrize(
    ("unprotected", "kept"),
    [(UnprotectedMode.NO, None), (UnprotectedMode.YES, None), (UnprotectedMode.ENDING, 4711)],
)
def test_a_primary_that_is_started_again_keeps_what_it_acknowledged_alone(
    it: Stage, unprotected: UnprotectedMode, kept: int | None
) -> None:
    it.leadership = replace(LEADERSHIP, unprotected=unprotected, catch_up_scn=4711)
    run(it.role_changes.take_over(replace(TAKE_OVER, unprotected=unprotected)))
    assert it.done[0].endswith(f"unprotected={unprotected} catch_up_scn={kept}")


def test_a_lead_is_announced_once_note_and_table_have_its_epoch(it: Stage) -> None:
    action = Serve(
        epoch=7, revision=9, guarantee=Guarantee.SELF, timeline=7, unfenced=(), powered_off=(), why="w"
    )

    async def announce(_: Serve) -> None:
        it.done.append("announce")

    run(it.role_changes.serve(action, announce))
    assert it.done == ["note PRIMARY 7 7", "epoch 7", "announce"]


def test_a_hand_over_is_noted_before_it_is_told(it: Stage) -> None:
    """Trusted first: it is the process that was promoted once, and was distrusted for it, that hands over."""
    run(it.role_changes.hand_over(HandOver(revision=9, why="w")))
    assert it.done == [
        "trust",
        "hand-over",
        "note STANDBY 6 5",
        "ask",
        "etcd phase=handed final_scn=4711",
        "tell 7 handed",
    ]


def test_a_primary_starts_alone_after_it_was_written_down(it: Stage) -> None:
    action = StartDatabase(
        source=None, guarantee=Guarantee.SELF, revision=9, timeline=5, unprotected=UnprotectedMode.NO, why="w"
    )
    run(it.role_changes.start(action))
    assert it.done.index("note PRIMARY 6 5") < it.done.index("start --alone")
    assert it.memory.started_at_ms == 12_345


@pytest.mark.parametrize(("source", "command"), [(None, "start"), ("ob-b", "follow 127.0.0.1")])
def test_a_standby_starts_following_whom_it_shall(it: Stage, source: str | None, command: str) -> None:
    action = StartDatabase(
        source=source, guarantee=None, revision=None, timeline=None, unprotected=None, why="w"
    )
    run(it.role_changes.start(action))
    assert it.done == [command, "ask"]


def test_a_standby_that_does_not_come_up_with_its_data_needs_others(it: Stage) -> None:
    it.fails["follow 127.0.0.1"] = 1
    rejoin = Rejoin(source="ob-b", keep_data=True, timeline=5, request=None, why="w")
    with pytest.raises(ToolError):
        run(it.role_changes.rejoin(rejoin))
    assert it.memory.cannot_follow
    run(it.role_changes.rejoin(replace(rejoin, keep_data=False)))
    assert not it.memory.cannot_follow
    assert it.done[-4:] == ["rejoin 127.0.0.1", "note STANDBY 6 5", "ask", "tell 5 rejoined"]


def test_a_source_that_no_setting_knows_is_a_failure(it: Stage) -> None:
    with pytest.raises(ToolError, match="ob-x is no host"):
        run(it.role_changes.rejoin(Rejoin(source="ob-x", keep_data=True, timeline=5, request=None, why="w")))
