"""A planned change of leaders, from both sides: rule 7, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import (
    AcquireLeaderLock,
    HandOver,
    Hold,
    Rejoin,
    ResumeLeading,
    Serve,
    StartDatabase,
    TakeOver,
)
from failover.core.decision import decide
from failover.core.observed import Lease, Observed, Phase, Role
from tests.unit.failover.looks import (
    AT,
    NOW,
    SETTINGS,
    S,
    down,
    leader_look,
    look,
    member,
    primary,
    record,
    standby,
    view,
)

# handing over


def handing(**changes: object) -> Observed:
    """How a sees its handover to b, just begun."""
    return leader_look(**{"etcd": view(record(phase=Phase.HANDOVER, to="b", unchanged_ms=100)), **changes})


def test_a_handover_drains() -> None:
    action = decide(handing(), SETTINGS)
    assert isinstance(action, HandOver)
    assert action.revision == 70


@pytest.mark.parametrize(
    "etcd",
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
def test_a_handover_that_cannot_be_is_called_off(etcd: object) -> None:
    action = decide(handing(etcd=etcd), SETTINGS)
    assert isinstance(action, ResumeLeading)
    assert action.revision == 70


def test_what_was_drained_for_nothing_is_made_writable_in_the_same_epoch() -> None:
    back = record(phase=Phase.RECOVERING, unchanged_ms=10)
    action = decide(leader_look(etcd=view(back), database=primary(drained=True)), SETTINGS)
    assert isinstance(action, TakeOver)
    assert action.timeline == 3
    assert isinstance(decide(leader_look(etcd=view(back)), SETTINGS), Serve)


def handed(unchanged_ms: int = 100, **changes: object) -> Observed:
    """How a sees itself when it was drained for b."""
    done = record(phase=Phase.HANDED, to="b", final_scn=AT, unchanged_ms=unchanged_ms)
    return leader_look(**{"etcd": view(done), "database": primary(drained=True), **changes})


@pytest.mark.parametrize("lease", [Lease(epoch=4, renewed_at_ms=NOW - 100), None])
def test_a_drained_leader_waits_and_then_leads_on_itself(lease: Lease | None) -> None:
    assert isinstance(decide(handed(2999, lease=lease), SETTINGS), Hold)
    action = decide(handed(3000, lease=lease), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.epoch, action.final_scn, action.timeline, action.unfenced) == (5, AT, 3, ())
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
    return look(**{"etcd": view(done), "database": standby(scn=scn), **changes})


def test_a_former_primary_with_perhaps_writes_of_its_own_is_no_successor() -> None:
    action = decide(successor(AT, database=down(Role.PRIMARY, scn=AT)), SETTINGS)
    assert isinstance(action, Hold | Rejoin)


def test_the_successor_claims_once_it_has_everything() -> None:
    action = decide(successor(AT), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.epoch, action.final_scn, action.unfenced) == (5, AT, ())
    assert not action.automatic
    action = decide(successor(AT - 1), SETTINGS)
    assert isinstance(action, Hold)
    assert str(AT - 1) in action.why
    assert str(AT) in action.why


def test_it_does_so_while_paused_an_operator_asked_for_it() -> None:
    seen = successor(AT)
    assert seen.etcd is not None
    assert isinstance(
        decide(replace(seen, etcd=replace(seen.etcd, paused=True)), SETTINGS), AcquireLeaderLock
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"database": standby(scn=AT, timeline=2)},
        {"database": standby(scn=AT, silent_ms=2000)},
        {"candidate": False},
    ],
)
def test_not_with_another_history_or_a_database_that_cannot(changes: dict[str, object]) -> None:
    assert not isinstance(decide(successor(AT, **changes), SETTINGS), AcquireLeaderLock)


def test_who_was_not_named_takes_over_only_if_nobody_does() -> None:
    assert isinstance(decide(successor(AT, 3399, to="c"), SETTINGS), Hold)
    assert isinstance(decide(successor(AT, 3400, to="c"), SETTINGS), AcquireLeaderLock)
    assert isinstance(decide(successor(AT - 1, 3400, to="c"), SETTINGS), Hold)


def test_a_successor_that_lacks_a_little_leads_only_after_the_drained_one_is_lost() -> None:
    lost = {"lease_alive": False, "lease_gone_ms": 3000}
    behind = successor(AT - S, 3400)
    assert behind.etcd is not None
    assert not isinstance(decide(behind, SETTINGS), AcquireLeaderLock)
    action = decide(replace(behind, etcd=replace(behind.etcd, **lost)), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    early = successor(AT - S, 3399)
    assert early.etcd is not None
    assert not isinstance(
        decide(replace(early, etcd=replace(early.etcd, **lost)), SETTINGS), AcquireLeaderLock
    )
    too_far = successor(AT - 60 * S, 3400)
    assert too_far.etcd is not None
    assert not isinstance(
        decide(replace(too_far, etcd=replace(too_far.etcd, **lost)), SETTINGS), AcquireLeaderLock
    )


def test_a_successor_that_is_down_starts() -> None:
    action = decide(successor(AT, database=down(Role.STANDBY)), SETTINGS)
    assert isinstance(action, StartDatabase)
