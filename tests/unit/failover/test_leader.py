"""What a leader does from its claim to its handover: rules 4 and 7, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import (
    Action,
    ConfirmFenced,
    FenceSelf,
    Hold,
    PowerOn,
    Promote,
    Serve,
    StartDatabase,
    TakeOver,
)
from failover.core.decision import decide
from failover.core.observed import FenceState, Guarantee, Lease, Process, Role, Task, TaskKind
from tests.unit.failover.looks import (
    AT,
    NOW,
    SETTINGS,
    claimed,
    claimer_look,
    device,
    down,
    leader_look,
    primary,
    record,
    standby,
    view,
)

FREE = claimed(unfenced=())
"""b claimed epoch 5, and nobody is to be fenced."""


def next_of(**changes: object) -> Action:
    return decide(claimer_look(**{"etcd": view(FREE), **changes}), SETTINGS)


# from the claim to serving


def test_a_standby_is_promoted_and_begins_a_history_of_its_own() -> None:
    action = next_of()
    assert isinstance(action, Promote)
    assert (action.revision, action.timeline, action.guarantee) == (70, 5, Guarantee.SELF)


def test_nothing_is_promoted_under_a_lapsed_lease() -> None:
    action = next_of(lease=Lease(epoch=5, renewed_at_ms=NOW - 2000))
    assert isinstance(action, Hold)
    assert "renewed 2000 ms ago" in action.why


def test_nothing_is_begun_in_the_middle_of_something() -> None:
    action = next_of(task=Task(kind=TaskKind.PROMOTE, started_ago_ms=300))
    assert isinstance(action, Hold)
    assert "in the middle of promote" in action.why


def test_a_promoted_database_serves() -> None:
    begun = replace(FREE, primary="b", timeline=5, guarantee=Guarantee.SELF)
    action = next_of(etcd=view(begun), database=primary(timeline=5))
    assert isinstance(action, Serve)
    assert (action.epoch, action.revision, action.timeline) == (5, 70, 5)


def test_a_promotion_that_ended_in_nothing_is_repeated() -> None:
    begun = replace(FREE, primary="b", timeline=5, guarantee=Guarantee.SELF)
    again = next_of(etcd=view(begun), database=standby(timeline=5, recorded_role=Role.PRIMARY))
    assert isinstance(again, Promote)
    assert again.timeline == 5


def test_a_former_primary_is_started_and_goes_on_with_its_history() -> None:
    action = next_of(etcd=view(replace(FREE, primary="b")), database=down(Role.PRIMARY))
    assert isinstance(action, StartDatabase)
    assert (action.guarantee, action.revision, action.timeline) == (Guarantee.SELF, 70, 3)


def test_it_is_started_at_most_every_so_often() -> None:
    mine = view(replace(FREE, primary="b"))
    action = next_of(etcd=mine, database=down(Role.PRIMARY, started_ago_ms=2999))
    assert isinstance(action, Hold)
    assert isinstance(next_of(etcd=mine, database=down(Role.PRIMARY, started_ago_ms=3000)), StartDatabase)


def test_a_start_is_waited_for() -> None:
    starting = primary(process=Process.STARTING, role=None)
    assert isinstance(next_of(etcd=view(replace(FREE, primary="b")), database=starting), Hold)


@pytest.mark.parametrize(
    "database",
    [
        down(Role.STANDBY),
        down(None),
        standby(silent_ms=2000),
        standby(process=Process.HUNG),
        standby(timeline=2),
        down(Role.PRIMARY),
    ],
)
def test_a_claimer_that_cannot_lead_lets_others(database: object) -> None:
    action = next_of(database=database)
    assert isinstance(action, ConfirmFenced)
    assert (action.epoch, action.revision) == (5, 70)
    assert "cannot lead epoch 5 after all" in action.why


def test_a_database_that_was_promoted_behind_its_agents_back_is_ended_first() -> None:
    assert isinstance(next_of(database=primary(timeline=2)), FenceSelf)


def test_an_operator_who_accepts_the_loss_has_other_data_lead_as_a_new_history() -> None:
    accepted = view(replace(FREE, accept_loss=True))
    action = next_of(etcd=accepted, database=down(Role.PRIMARY, timeline=2))
    assert isinstance(action, StartDatabase)
    assert action.timeline == 5
    action = next_of(etcd=accepted, database=standby(timeline=2))
    assert isinstance(action, Promote)
    assert action.timeline == 5


# serving


def test_hosts_that_were_switched_off_are_switched_on_again_once_there_is_a_primary() -> None:
    seen = leader_look(etcd=view(record(powered_off=("b",))))
    action = decide(seen, SETTINGS)
    assert isinstance(action, PowerOn)
    assert (action.host, action.revision) == ("b", 70)
    late = leader_look(fence_device=device(FenceState.CONFIRMED, "c"))
    action = decide(late, SETTINGS)
    assert isinstance(action, PowerOn)
    assert action.host == "c"


def test_not_while_paused_and_never_itself() -> None:
    paused = view(record(powered_off=("b",)), paused=True)
    assert isinstance(decide(leader_look(etcd=paused), SETTINGS), Hold)
    assert isinstance(decide(leader_look(etcd=view(record(powered_off=("a",)))), SETTINGS), Hold)
    recovering = claimer_look(etcd=view(replace(FREE, powered_off=("a",))))
    assert isinstance(decide(recovering, SETTINGS), Promote)


def test_an_etcd_that_lacks_the_member_of_a_fenced_host_gets_it_back() -> None:
    off = device(FenceState.CONFIRMED)
    silent = view(claimed(), answered_ago_ms=6000)
    action = decide(claimer_look(etcd=silent, fence_device=off), SETTINGS)
    assert isinstance(action, PowerOn)
    assert (action.host, action.revision) == ("a", None)
    for changes in (
        {"etcd": replace(silent, answered_ago_ms=5999)},
        {"fence_device": ()},
        {"task": Task(kind=TaskKind.START_STANDBY, started_ago_ms=10)},
    ):
        seen = claimer_look(**{"etcd": silent, "fence_device": off, **changes})
        assert isinstance(decide(seen, SETTINGS), Hold)


def test_whoever_has_all_that_was_drained_goes_on_with_the_same_history() -> None:
    drained = view(replace(FREE, final_scn=AT))
    action = next_of(etcd=drained, database=standby(scn=AT))
    assert isinstance(action, TakeOver)
    assert (action.timeline, action.revision) == (3, 70)
    action = next_of(etcd=drained, database=standby(scn=AT - 1))
    assert isinstance(action, Promote)
    assert action.timeline == 5
