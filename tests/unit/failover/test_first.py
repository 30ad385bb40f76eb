"""Who leads when nobody ever did: rule 8, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import AcquireLeaderLock, Hold, Refuse, StartDatabase
from failover.core.decision import decide, must_fence
from failover.core.observed import Observed, Process, Role
from tests.unit.failover.looks import NOTHING, NOW, SETTINGS, down, member, primary, standby

OTHERS = (member("b"),)


def first_read(**changes: object) -> Observed:
    base = Observed(
        now_ms=NOW,
        me="a",
        database=primary(recorded_epoch=0, timeline=None),
        etcd=replace(NOTHING, members=OTHERS),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of the look


def test_the_only_primary_leads_first() -> None:
    action = decide(first_read(), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.revision, action.epoch, action.timeline, action.primary) == (0, 5, 5, "a")
    assert action.unfenced == ()
    assert not action.automatic


def test_it_need_not_run_yet() -> None:
    assert isinstance(decide(first_read(database=down(Role.PRIMARY)), SETTINGS), AcquireLeaderLock)


def test_an_etcd_that_lost_its_records_goes_on_with_higher_epochs_and_the_same_history() -> None:
    known = first_read(database=down(Role.PRIMARY, recorded_epoch=9, timeline=7))
    action = decide(known, SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.epoch, action.timeline) == (10, 7)
    behind = first_read(database=down(Role.PRIMARY, recorded_epoch=0, timeline=11))
    action = decide(behind, SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.epoch == 12


@pytest.mark.parametrize("other", [{"role": Role.PRIMARY}, {"role": None, "recorded_role": Role.PRIMARY}])
def test_of_two_primaries_none_leads_by_itself(other: dict[str, object]) -> None:
    etcd = replace(NOTHING, members=(member("b", **other),))
    action = decide(first_read(etcd=etcd), SETTINGS)
    assert isinstance(action, Refuse)
    assert "more than one database is a primary: a and b" in action.why


def test_what_this_host_put_itself_is_no_other_primary() -> None:
    etcd = replace(NOTHING, members=(member("a"), member("b")))
    assert isinstance(decide(first_read(etcd=etcd), SETTINGS), AcquireLeaderLock)


def test_a_standby_does_not_lead_first_but_starts() -> None:
    assert isinstance(decide(first_read(me="b", database=standby()), SETTINGS), Hold)
    action = decide(first_read(me="b", database=down(Role.STANDBY)), SETTINGS)
    assert isinstance(action, StartDatabase)
    assert (action.guarantee, action.source) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"candidate": False},
        {"etcd": replace(NOTHING, paused=True)},
        {"etcd": None},
        {"etcd": replace(NOTHING, answered_ago_ms=901)},
        {"database": primary(process=Process.STARTING, role=None, recorded_epoch=0)},
        {"database": primary(silent_ms=2000, recorded_epoch=0)},
        {"database": down(None)},
    ],
)
def test_it_waits_for_what_it_needs(changes: dict[str, object]) -> None:
    assert not isinstance(decide(first_read(**changes), SETTINGS), AcquireLeaderLock)


def test_a_primary_from_before_there_were_agents_is_not_killed() -> None:
    assert must_fence(first_read(), SETTINGS) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"database": primary(recorded_epoch=1)},
        {"fenced_epoch": 1},
        {"etcd": None},
        {"etcd": replace(NOTHING, answered_ago_ms=901)},
    ],
)
def test_one_that_was_led_by_an_agent_or_cannot_ask_is(changes: dict[str, object]) -> None:
    assert must_fence(first_read(**changes), SETTINGS) is not None
