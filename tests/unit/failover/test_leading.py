"""What a leader does from its claim to its handover: rules 4 and 7, on literal looks."""

from dataclasses import replace

import pytest

from failover.actions import (
    Action,
    Claim,
    ConfirmFenced,
    FenceSelf,
    HandOver,
    Hold,
    PowerOn,
    Promote,
    ResumeLeading,
    Serve,
    StartDatabase,
    TakeOver,
)
from failover.decision import decide
from failover.observed import FenceState, Guarantee, Lease, Observed, Phase, Process, Role, Task, TaskKind
from tests.unit.failover.looks import (
    AT,
    NOW,
    SETTINGS,
    S,
    claimed,
    claimer_look,
    device,
    down,
    leader_look,
    look,
    member,
    primary,
    record,
    standby,
    view,
)

FREE = claimed(unfenced=())
"""b claimed epoch 5, and nobody is to be fenced."""


def next_of(**changes: object) -> Action:
    return decide(claimer_look(**{"store": view(FREE), **changes}), SETTINGS)


# from the claim to serving


def test_a_standby_is_promoted_and_begins_a_history_of_its_own() -> None:
    action = next_of()
    assert isinstance(action, Promote)
    assert (action.revision, action.lineage, action.guarantee) == (70, 5, Guarantee.SELF)


def test_nothing_is_promoted_under_a_lapsed_lease() -> None:
    action = next_of(lease=Lease(epoch=5, renewed_at_ms=NOW - 2000))
    assert isinstance(action, Hold)
    assert "renewed 2000 ms ago" in action.why


def test_nothing_is_begun_in_the_middle_of_something() -> None:
    action = next_of(task=Task(kind=TaskKind.PROMOTE, started_ago_ms=300))
    assert isinstance(action, Hold)
    assert "in the middle of promote" in action.why


def test_a_promoted_database_serves() -> None:
    begun = replace(FREE, primary="b", lineage=5, guarantee=Guarantee.SELF)
    action = next_of(store=view(begun), database=primary(lineage=5))
    assert isinstance(action, Serve)
    assert (action.epoch, action.revision, action.lineage) == (5, 70, 5)


def test_a_promotion_that_ended_in_nothing_is_repeated() -> None:
    begun = replace(FREE, primary="b", lineage=5, guarantee=Guarantee.SELF)
    again = next_of(store=view(begun), database=standby(lineage=5, recorded_role=Role.PRIMARY))
    assert isinstance(again, Promote)
    assert again.lineage == 5


def test_a_former_primary_is_started_and_goes_on_with_its_history() -> None:
    action = next_of(store=view(replace(FREE, primary="b")), database=down(Role.PRIMARY))
    assert isinstance(action, StartDatabase)
    assert (action.guarantee, action.revision, action.lineage) == (Guarantee.SELF, 70, 3)


def test_it_is_started_at_most_every_so_often() -> None:
    mine = view(replace(FREE, primary="b"))
    action = next_of(store=mine, database=down(Role.PRIMARY, started_ago_ms=2999))
    assert isinstance(action, Hold)
    assert isinstance(next_of(store=mine, database=down(Role.PRIMARY, started_ago_ms=3000)), StartDatabase)


def test_a_start_is_waited_for() -> None:
    starting = primary(process=Process.STARTING, role=None)
    assert isinstance(next_of(store=view(replace(FREE, primary="b")), database=starting), Hold)


@pytest.mark.parametrize(
    "database",
    [
        down(Role.STANDBY),
        down(None),
        standby(silent_ms=2000),
        standby(process=Process.HUNG),
        standby(lineage=2),
        down(Role.PRIMARY),
    ],
)
def test_a_claimer_that_cannot_lead_lets_others(database: object) -> None:
    action = next_of(database=database)
    assert isinstance(action, ConfirmFenced)
    assert (action.epoch, action.revision) == (5, 70)
    assert "cannot lead epoch 5 after all" in action.why


def test_a_database_that_was_promoted_behind_its_agents_back_is_ended_first() -> None:
    assert isinstance(next_of(database=primary(lineage=2)), FenceSelf)


def test_an_operator_who_accepts_the_loss_has_other_data_lead_as_a_new_history() -> None:
    accepted = view(replace(FREE, accept_loss=True))
    action = next_of(store=accepted, database=down(Role.PRIMARY, lineage=2))
    assert isinstance(action, StartDatabase)
    assert action.lineage == 5
    action = next_of(store=accepted, database=standby(lineage=2))
    assert isinstance(action, Promote)
    assert action.lineage == 5


# serving


def test_hosts_that_were_switched_off_are_switched_on_again_once_there_is_a_primary() -> None:
    seen = leader_look(store=view(record(powered_off=("b",))))
    action = decide(seen, SETTINGS)
    assert isinstance(action, PowerOn)
    assert (action.host, action.revision) == ("b", 70)
    late = leader_look(fence_device=device(FenceState.CONFIRMED, "c"))
    action = decide(late, SETTINGS)
    assert isinstance(action, PowerOn)
    assert action.host == "c"


def test_not_while_paused_and_never_itself() -> None:
    paused = view(record(powered_off=("b",)), paused=True)
    assert isinstance(decide(leader_look(store=paused), SETTINGS), Hold)
    assert isinstance(decide(leader_look(store=view(record(powered_off=("a",)))), SETTINGS), Hold)
    recovering = claimer_look(store=view(replace(FREE, powered_off=("a",))))
    assert isinstance(decide(recovering, SETTINGS), Promote)


def test_a_store_that_lacks_the_member_of_a_fenced_host_gets_it_back() -> None:
    off = device(FenceState.CONFIRMED)
    silent = view(claimed(), answered_ago_ms=6000)
    action = decide(claimer_look(store=silent, fence_device=off), SETTINGS)
    assert isinstance(action, PowerOn)
    assert (action.host, action.revision) == ("a", None)
    for changes in (
        {"store": replace(silent, answered_ago_ms=5999)},
        {"fence_device": ()},
        {"task": Task(kind=TaskKind.START_STANDBY, started_ago_ms=10)},
    ):
        seen = claimer_look(**{"store": silent, "fence_device": off, **changes})
        assert isinstance(decide(seen, SETTINGS), Hold)


# handing over


def handing(**changes: object) -> Observed:
    """How a sees its handover to b, just begun."""
    return leader_look(**{"store": view(record(phase=Phase.HANDOVER, to="b", unchanged_ms=100)), **changes})


def test_a_handover_drains() -> None:
    action = decide(handing(), SETTINGS)
    assert isinstance(action, HandOver)
    assert action.revision == 70


@pytest.mark.parametrize(
    "store",
    [
        view(record(phase=Phase.HANDOVER, to="b", unchanged_ms=3000)),
        view(
            record(phase=Phase.HANDOVER, to="b", unchanged_ms=100),
            members=(member("a"), member("b", unchanged_ms=1200)),
        ),
        view(
            record(phase=Phase.HANDOVER, to="b", unchanged_ms=100),
            members=(member("a"), member("b", role=None)),
        ),
        view(record(phase=Phase.HANDOVER, to="c", unchanged_ms=100)),
    ],
)
def test_a_handover_that_cannot_be_is_called_off(store: object) -> None:
    action = decide(handing(store=store), SETTINGS)
    assert isinstance(action, ResumeLeading)
    assert action.revision == 70


def test_what_was_drained_for_nothing_is_made_writable_in_the_same_epoch() -> None:
    back = record(phase=Phase.RECOVERING, unchanged_ms=10)
    action = decide(leader_look(store=view(back), database=primary(drained=True)), SETTINGS)
    assert isinstance(action, TakeOver)
    assert action.lineage == 3
    assert isinstance(decide(leader_look(store=view(back)), SETTINGS), Serve)


def handed(unchanged_ms: int = 100, **changes: object) -> Observed:
    """How a sees itself when it was drained for b."""
    done = record(phase=Phase.HANDED, to="b", final_scn=AT, unchanged_ms=unchanged_ms)
    return leader_look(**{"store": view(done), "database": primary(drained=True), **changes})


@pytest.mark.parametrize("lease", [Lease(epoch=4, renewed_at_ms=NOW - 100), None])
def test_a_drained_leader_waits_and_then_leads_on_itself(lease: Lease | None) -> None:
    assert isinstance(decide(handed(2999, lease=lease), SETTINGS), Hold)
    action = decide(handed(3000, lease=lease), SETTINGS)
    assert isinstance(action, Claim)
    assert (action.epoch, action.final_scn, action.lineage, action.unfenced) == (5, AT, 3, ())
    assert not action.automatic


def test_a_drained_database_that_ended_is_started_to_give_its_last_log() -> None:
    action = decide(handed(database=down(Role.STANDBY)), SETTINGS)
    assert isinstance(action, StartDatabase)
    assert (action.guarantee, action.source) == (None, None)
    assert isinstance(decide(handed(4000, database=down(Role.STANDBY, started_ago_ms=10)), SETTINGS), Hold)


# taking over


def successor(scn: int, unchanged_ms: int = 100, to: str = "b", **changes: object) -> Observed:
    """How b sees a drained for `to`."""
    done = record(phase=Phase.HANDED, to=to, final_scn=AT, unchanged_ms=unchanged_ms)
    return look(**{"store": view(done), "database": standby(scn=scn), **changes})


def test_the_successor_claims_once_it_has_everything() -> None:
    action = decide(successor(AT), SETTINGS)
    assert isinstance(action, Claim)
    assert (action.epoch, action.final_scn, action.unfenced) == (5, AT, ())
    assert not action.automatic
    action = decide(successor(AT - 1), SETTINGS)
    assert isinstance(action, Hold)
    assert str(AT - 1) in action.why
    assert str(AT) in action.why


def test_it_does_so_while_paused_an_operator_asked_for_it() -> None:
    seen = successor(AT)
    assert seen.store is not None
    assert isinstance(decide(replace(seen, store=replace(seen.store, paused=True)), SETTINGS), Claim)


@pytest.mark.parametrize(
    "changes",
    [
        {"database": standby(scn=AT, lineage=2)},
        {"database": standby(scn=AT, silent_ms=2000)},
        {"may_lead": False},
    ],
)
def test_not_with_another_history_or_a_database_that_cannot(changes: dict[str, object]) -> None:
    assert not isinstance(decide(successor(AT, **changes), SETTINGS), Claim)


def test_who_was_not_named_takes_over_only_if_nobody_does() -> None:
    assert isinstance(decide(successor(AT, 3399, to="c"), SETTINGS), Hold)
    assert isinstance(decide(successor(AT, 3400, to="c"), SETTINGS), Claim)
    assert isinstance(decide(successor(AT - 1, 3400, to="c"), SETTINGS), Hold)


def test_a_successor_that_lacks_a_little_leads_only_after_the_drained_one_is_lost() -> None:
    lost = {"lease_alive": False, "lease_gone_ms": 3000}
    behind = successor(AT - S, 3400)
    assert behind.store is not None
    assert not isinstance(decide(behind, SETTINGS), Claim)
    action = decide(replace(behind, store=replace(behind.store, **lost)), SETTINGS)
    assert isinstance(action, Claim)
    early = successor(AT - S, 3399)
    assert early.store is not None
    assert not isinstance(decide(replace(early, store=replace(early.store, **lost)), SETTINGS), Claim)
    too_far = successor(AT - 60 * S, 3400)
    assert too_far.store is not None
    assert not isinstance(decide(replace(too_far, store=replace(too_far.store, **lost)), SETTINGS), Claim)


def test_a_successor_that_is_down_starts() -> None:
    action = decide(successor(AT, database=down(Role.STANDBY)), SETTINGS)
    assert isinstance(action, StartDatabase)


def test_whoever_has_all_that_was_drained_goes_on_with_the_same_history() -> None:
    drained = view(replace(FREE, final_scn=AT))
    action = next_of(store=drained, database=standby(scn=AT))
    assert isinstance(action, TakeOver)
    assert (action.lineage, action.revision) == (3, 70)
    action = next_of(store=drained, database=standby(scn=AT - 1))
    assert isinstance(action, Promote)
    assert action.lineage == 5
