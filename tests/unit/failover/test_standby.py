"""How a database becomes and stays a standby: rules 5 and 6, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import Action, FenceSelf, Hold, Rejoin, StartDatabase
from failover.core.decision import decide
from failover.core.observed import Observed, Phase, Process, Role, Task, TaskKind
from tests.unit.failover.looks import SETTINGS, claimed, down, look, member, record, standby, view


def next_of(**changes: object) -> Action:
    return decide(look(**changes), SETTINGS)


@pytest.mark.parametrize(
    "database",
    [
        down(Role.PRIMARY),
        down(None),
        standby(cannot_follow=True),
        standby(timeline=2),
        down(Role.STANDBY, timeline=2),
    ],
)
def test_data_that_cannot_follow_are_copied_anew(database: object) -> None:
    action = next_of(database=database)
    assert isinstance(action, Rejoin)
    assert (action.source, action.keep_data, action.timeline, action.request) == ("a", False, 3, None)


@pytest.mark.parametrize(("ago_ms", "copies"), [(None, True), (9999, False), (10_000, True)])
def test_at_most_every_so_often(ago_ms: int | None, copies: bool) -> None:
    assert isinstance(next_of(database=down(None), rejoined_ago_ms=ago_ms), Rejoin) is copies


@pytest.mark.parametrize(
    "etcd",
    [
        view(record(phase=Phase.FENCED)),
        view(claimed(host="c")),
        view(record(phase=Phase.HANDED, to="c", final_scn=9)),
        view(lease_alive=False, lease_gone_ms=10),
        view(members=(member("a", unchanged_ms=1200), member("b"))),
        view(paused=True),
        view(answered_ago_ms=901),
    ],
)
@pytest.mark.parametrize("database", [down(Role.PRIMARY), down(None), standby(timeline=2)])
def test_never_without_a_leader_that_serves_and_lives(etcd: object, database: object) -> None:
    assert not isinstance(next_of(etcd=etcd, database=database, fenced_epoch=9), Rejoin)


def test_also_from_a_leader_that_hands_over() -> None:
    assert isinstance(next_of(etcd=view(record(phase=Phase.HANDOVER, to="c")), database=down(None)), Rejoin)


def test_a_standby_from_before_there_were_agents_is_given_time_to_prove_its_history() -> None:
    young, old = view(record(unchanged_ms=9999)), view(record(unchanged_ms=10_000))
    unknown = standby(timeline=None)
    assert isinstance(next_of(etcd=young, database=unknown), Hold)
    assert isinstance(next_of(etcd=old, database=unknown), Rejoin)
    assert isinstance(next_of(etcd=young, database=standby(timeline=2)), Rejoin)
    assert isinstance(next_of(etcd=young, database=down(Role.STANDBY, timeline=None)), StartDatabase)


def test_a_standby_of_another_host_is_turned_to_the_leader_with_its_data() -> None:
    action = next_of(database=standby(follows="c"))
    assert isinstance(action, Rejoin)
    assert (action.source, action.keep_data, action.timeline) == ("a", True, 3)
    assert isinstance(next_of(database=standby(follows="c", started_ago_ms=2999)), Hold)


def test_a_drained_former_leader_follows_its_successor_with_its_data() -> None:
    drained = standby(role=Role.PRIMARY, drained=True, follows=None)
    action = next_of(database=drained)
    assert isinstance(action, Rejoin)
    assert action.keep_data


def test_a_standby_that_is_down_is_started() -> None:
    action = next_of(database=down(Role.STANDBY))
    assert isinstance(action, StartDatabase)
    assert (action.source, action.guarantee, action.revision, action.timeline) == ("a", None, None, None)
    assert isinstance(next_of(database=down(Role.STANDBY, started_ago_ms=2999)), Hold)


def test_also_without_a_leader_but_a_former_primary_is_not() -> None:
    nobody = view(claimed(host="c", unfenced=()))
    action = next_of(etcd=nobody, database=down(Role.STANDBY))
    assert isinstance(action, StartDatabase)
    assert action.source is None
    assert isinstance(next_of(etcd=nobody, database=down(Role.PRIMARY)), Hold)
    assert isinstance(next_of(etcd=nobody, database=down(None)), Hold)


@pytest.mark.parametrize("etcd", [view(), view(claimed(host="c", unfenced=()))])
@pytest.mark.parametrize("hung", [standby(silent_ms=2000), standby(process=Process.HUNG)])
def test_a_hung_standby_is_ended(etcd: object, hung: object) -> None:
    action = next_of(etcd=etcd, database=hung)
    assert isinstance(action, FenceSelf)
    assert "standby of b" in action.why


def test_a_copy_under_way_is_left_alone() -> None:
    copying = standby(process=Process.STARTING, role=None, recorded_role=None, silent_ms=60_000)
    task = Task(kind=TaskKind.REJOIN, started_ago_ms=60_000)
    assert isinstance(next_of(database=copying, task=task), Hold)


@pytest.mark.parametrize(
    "database", [down(Role.PRIMARY), down(Role.STANDBY), standby(silent_ms=5000), standby(follows="c")]
)
def test_nothing_is_touched_while_paused(database: object) -> None:
    action = next_of(etcd=view(paused=True), database=database, fenced_epoch=9)
    assert isinstance(action, Hold)
    assert "paused" in action.why


def test_a_third_host_that_never_leads_follows_all_the_same() -> None:
    seen: Observed = look(me="c", candidate=False, database=down(Role.STANDBY))
    assert isinstance(decide(seen, SETTINGS), StartDatabase)
    assert isinstance(decide(replace(seen, database=standby(timeline=2)), SETTINGS), Rejoin)
