"""When the own database is fenced: rules 1 and 2, on literal looks."""

import pytest

from failover.core.actions import ConfirmFenced, FenceSelf, Hold
from failover.core.decision import decide, must_fence
from failover.core.observed import Lease, Phase, Process, Role, Task, TaskKind
from tests.unit.failover.looks import (
    NOW,
    SETTINGS,
    claimed,
    claimer_look,
    down,
    leader_look,
    look,
    primary,
    record,
    standby,
    view,
)


def fences(seen: object) -> str | None:
    return must_fence(seen, SETTINGS)  # type: ignore[arg-type]  # a look


def test_a_leader_with_a_fresh_lease_goes_on() -> None:
    assert fences(leader_look()) is None
    assert isinstance(decide(leader_look(), SETTINGS), Hold)


@pytest.mark.parametrize(("ago_ms", "fenced"), [(1999, False), (2000, True), (2_000_000, True)])
def test_writes_end_a_margin_before_the_lease_does(ago_ms: int, fenced: bool) -> None:
    seen = leader_look(lease=Lease(epoch=4, renewed_at_ms=NOW - ago_ms))
    assert (fences(seen) is not None) is fenced


def test_the_first_act_after_a_pause_is_to_fence_even_if_all_else_looks_sound() -> None:
    action = decide(leader_look(now_ms=NOW + 20_000), SETTINGS)
    assert isinstance(action, FenceSelf)
    assert "20100 ms ago" in action.why
    assert "allowed for 2000 ms" in action.why


def test_fencing_waits_for_no_answer_of_etcd() -> None:
    assert fences(leader_look(etcd=None, now_ms=NOW + 3000)) is not None
    assert fences(leader_look(etcd=view(answered_ago_ms=60_000), now_ms=NOW + 3000)) is not None


def test_a_primary_without_a_lease_is_fenced() -> None:
    assert "holds no lease" in (fences(leader_look(lease=None)) or "")
    assert fences(leader_look(lease=None, etcd=None)) is not None


@pytest.mark.parametrize(
    "database",
    [
        primary(role=None, process=Process.STARTING),
        primary(process=Process.HUNG, role=None),
        primary(role=Role.STANDBY),
        standby(role=None, recorded_role=None),
    ],
)
def test_in_doubt_a_database_could_write(database: object) -> None:
    assert fences(leader_look(lease=None, database=database)) is not None


@pytest.mark.parametrize(
    "database",
    [
        standby(),
        standby(role=None, process=Process.STARTING),
        primary(drained=True),
        down(Role.PRIMARY),
        standby(recorded_role=None),
    ],
)
def test_what_cannot_write_needs_no_lease(database: object) -> None:
    assert fences(leader_look(lease=None, database=database)) is None


@pytest.mark.parametrize("kind", [TaskKind.REJOIN, TaskKind.START_STANDBY])
def test_a_copy_in_the_making_is_not_taken_for_a_primary(kind: TaskKind) -> None:
    copying = standby(role=None, process=Process.STARTING, recorded_role=None)
    assert fences(look(database=copying, task=Task(kind=kind, started_ago_ms=900))) is None
    says_primary = standby(role=Role.PRIMARY, recorded_role=None)
    assert fences(look(database=says_primary, task=Task(kind=kind, started_ago_ms=900))) is not None


@pytest.mark.parametrize("kind", [TaskKind.PROMOTE, TaskKind.TAKE_OVER, TaskKind.START_PRIMARY])
def test_a_promotion_under_way_is_fenced_with_the_lease(kind: TaskKind) -> None:
    task = Task(kind=kind, started_ago_ms=300)
    lapsed = Lease(epoch=5, renewed_at_ms=NOW - 2000)
    assert fences(claimer_look(task=task)) is None
    assert fences(claimer_look(task=task, lease=lapsed)) is not None
    assert fences(claimer_look(task=task, lease=None)) is not None
    assert fences(claimer_look(task=task, lease=None, database=down(Role.STANDBY))) is not None


def test_a_leader_that_was_replaced_is_fenced_at_once() -> None:
    assert "b leads with epoch 5" in (fences(leader_look(etcd=view(claimed()))) or "")


def test_two_leaders_of_one_epoch_are_one_too_many() -> None:
    assert fences(leader_look(etcd=view(record(host="b")))) is not None


def test_an_older_look_than_its_own_claim_says_nothing_to_a_leader() -> None:
    newer = Lease(epoch=5, renewed_at_ms=NOW - 100)
    assert fences(leader_look(lease=newer, etcd=view(record(host="b")))) is None
    assert isinstance(decide(leader_look(lease=newer), SETTINGS), Hold)


def test_a_leader_that_said_it_was_fenced_is_held_to_it() -> None:
    assert fences(leader_look(etcd=view(record(phase=Phase.FENCED)))) is not None


@pytest.mark.parametrize("phase", [Phase.SERVING, Phase.HANDOVER])
def test_a_leader_whose_database_ended_gives_up_at_once(phase: Phase) -> None:
    seen = leader_look(database=down(Role.PRIMARY), etcd=view(record(phase=phase)))
    assert "has ended" in (fences(seen) or "")


def test_a_claimer_whose_database_is_still_to_be_started_is_not_fenced() -> None:
    assert fences(claimer_look(database=down(Role.PRIMARY))) is None


@pytest.mark.parametrize(("silent_ms", "fenced"), [(1999, False), (2000, True)])
def test_a_leader_whose_database_hangs_gives_up(silent_ms: int, fenced: bool) -> None:
    seen = leader_look(database=primary(silent_ms=silent_ms))
    assert (fences(seen) is not None) is fenced


def test_a_stopped_process_is_hung_without_waiting() -> None:
    assert fences(leader_look(database=primary(process=Process.HUNG))) is not None


def test_a_silent_database_is_no_surprise_in_the_middle_of_a_start() -> None:
    starting = primary(process=Process.STARTING, role=None, silent_ms=9000)
    task = Task(kind=TaskKind.START_PRIMARY, started_ago_ms=9000)
    assert fences(claimer_look(database=starting, task=task)) is None
    assert fences(claimer_look(database=starting)) is not None


def test_a_drain_does_not_explain_a_hung_database() -> None:
    task = Task(kind=TaskKind.HAND_OVER, started_ago_ms=2100)
    seen = leader_look(database=primary(silent_ms=2000), task=task, etcd=view(record(phase=Phase.HANDOVER)))
    assert fences(seen) is not None


def test_a_leader_whose_database_became_a_standby_gives_up() -> None:
    assert "says STANDBY" in (fences(leader_look(database=primary(role=Role.STANDBY))) or "")
    handing = view(record(phase=Phase.HANDOVER, to="b"))
    assert fences(leader_look(database=primary(role=Role.STANDBY, drained=True), etcd=handing)) is None


@pytest.mark.parametrize("kind", [TaskKind.PROMOTE, TaskKind.TAKE_OVER, TaskKind.HAND_OVER])
def test_a_change_of_roles_without_end_is_ended_with_the_process(kind: TaskKind) -> None:
    assert fences(claimer_look(task=Task(kind=kind, started_ago_ms=4999))) is None
    assert "not ended" in (fences(claimer_look(task=Task(kind=kind, started_ago_ms=5000))) or "")


def test_a_long_start_is_no_statement_without_end() -> None:
    task = Task(kind=TaskKind.START_PRIMARY, started_ago_ms=50_000)
    starting = primary(process=Process.STARTING, role=None)
    assert fences(claimer_look(task=task, database=starting)) is None


# Confirming.


def test_a_leader_that_is_down_says_so_in_the_record() -> None:
    action = decide(leader_look(lease=None, database=down(Role.PRIMARY)), SETTINGS)
    assert isinstance(action, ConfirmFenced)
    assert (action.epoch, action.revision) == (4, 70)


def test_it_says_so_once() -> None:
    fenced = view(record(phase=Phase.FENCED))
    seen = leader_look(lease=None, database=down(Role.PRIMARY), etcd=fenced, fenced_epoch=4)
    assert not isinstance(decide(seen, SETTINGS), ConfirmFenced)


def test_a_drained_leader_has_nothing_to_confirm() -> None:
    handed = view(record(phase=Phase.HANDED, to="b", final_scn=5))
    seen = leader_look(lease=None, database=primary(drained=True), etcd=handed)
    assert not isinstance(decide(seen, SETTINGS), ConfirmFenced)


def test_a_replaced_leader_confirms_to_its_successor() -> None:
    seen = leader_look(lease=None, database=down(Role.PRIMARY), etcd=view(claimed()))
    action = decide(seen, SETTINGS)
    assert isinstance(action, ConfirmFenced)
    assert (action.epoch, action.revision) == (4, None)
    again = leader_look(lease=None, database=down(Role.PRIMARY), etcd=view(claimed()), fenced_epoch=4)
    assert not isinstance(decide(again, SETTINGS), ConfirmFenced)


def test_an_old_lease_is_given_up_with_a_confirmation() -> None:
    lapsed = Lease(epoch=4, renewed_at_ms=NOW - 9000)
    seen = leader_look(lease=lapsed, database=down(Role.PRIMARY), etcd=view(claimed(unfenced=())))
    action = decide(seen, SETTINGS)
    assert isinstance(action, ConfirmFenced)
    assert action.epoch == 4


def test_whoever_handed_over_and_still_takes_writes_is_fenced_before_anybody_takes_over() -> None:
    """The successor goes by the record alone, which says that all is drained."""
    handed = view(record(phase=Phase.HANDED, to="b", final_scn=5))
    assert "is not drained" in (fences(leader_look(etcd=handed)) or "")
    assert fences(leader_look(etcd=handed, database=primary(drained=True))) is None
