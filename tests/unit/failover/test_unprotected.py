"""When writes need not wait for a standby, and that nobody leads then who may lack them."""

from dataclasses import replace
from typing import Any

import pytest

from failover.core import actions as a
from failover.core.decision import decide
from failover.core.eligibility import better_candidates, excess_data_loss
from failover.core.observed import Lease, Observed, Phase, Role, Settings, UnprotectedMode
from failover.core.unprotected import (
    initial_unprotected_mode,
    is_followed,
    next_unprotected_mode,
    reported_unprotected_mode,
)
from tests.unit.failover.looks import (
    AT,
    NOW,
    SETTINGS,
    SILENT,
    S,
    claimed,
    claimer_look,
    dead,
    down,
    leader_look,
    look,
    member,
    primary,
    record,
    standby,
    view,
)
from tests.unit.failover.simulated import faults
from tests.unit.failover.simulated.cluster import Cluster, Shape
from tests.unit.failover.simulation import await_primary, deadline_ms

MAY = replace(SETTINGS, unprotected_after_ms=4000)
NEVER = replace(SETTINGS, unprotected_after_ms=None)


def serves(unprotected: UnprotectedMode, target: int | None = None, **changes: Any) -> Observed:
    """a serves, and its record says `unprotected`; nothing that was said of it counts any more."""
    leadership = record(unprotected=unprotected, catch_up_scn=target)
    base = leader_look(etcd=view(leadership), unprotected_reported_ago_ms=60_000)
    return replace(base, **changes)


def set_to(seen: Observed, settings: Settings = MAY) -> tuple[UnprotectedMode, int | None] | None:
    assert seen.etcd is not None
    assert seen.etcd.leadership is not None
    action = next_unprotected_mode(seen, seen.etcd.leadership, settings)
    if action is None:
        return None
    assert action.revision == seen.etcd.leadership.revision
    assert decide(seen, settings) == action
    return action.unprotected, action.catch_up_scn


def test_without_a_standby_for_long_enough_the_primary_is_alone() -> None:
    assert set_to(serves(UnprotectedMode.NO, unfollowed_ms=3999)) is None
    assert set_to(serves(UnprotectedMode.NO, unfollowed_ms=4000)) == (UnprotectedMode.YES, None)
    assert set_to(serves(UnprotectedMode.NO, unfollowed_ms=4000), NEVER) is None


def test_with_a_standby_again_services_wait_for_it_first() -> None:
    assert set_to(serves(UnprotectedMode.YES, unfollowed_ms=1)) is None
    assert set_to(serves(UnprotectedMode.YES, unfollowed_ms=0)) == (UnprotectedMode.ENDING, None)
    assert set_to(serves(UnprotectedMode.YES, unfollowed_ms=1), NEVER) == (UnprotectedMode.ENDING, None)


@pytest.mark.parametrize(
    ("said_ago_ms", "silent_ms", "target"),
    [
        (2999, 0, None),
        (3000, 0, AT),
        (3000, 1, None),
        (3400, 400, AT),
        (3400, 401, None),
    ],
)
def test_then_the_position_counts_that_the_primary_told_after_the_last_word_was_over(
    said_ago_ms: int, silent_ms: int, target: int | None
) -> None:
    seen = serves(
        UnprotectedMode.ENDING, unprotected_reported_ago_ms=said_ago_ms, database=primary(silent_ms=silent_ms)
    )
    assert set_to(seen) == (None if target is None else (UnprotectedMode.ENDING, target))


def test_a_position_that_is_not_known_is_none() -> None:
    assert set_to(serves(UnprotectedMode.ENDING, database=primary(scn=0))) is None


@pytest.mark.parametrize(
    ("members", "is_over"),
    [
        ((member("a"), member("b", scn=AT - 1)), False),
        ((member("a"), member("b", scn=AT)), True),
        ((member("a"), member("b", scn=AT), member("c", scn=AT - 1)), False),
        ((member("a"), member("b", scn=AT), member("c", scn=AT - 1, candidate=False)), True),
        ((member("a"), member("b", scn=AT, timeline=2)), False),
        ((member("a"),), False),
    ],
)
def test_and_it_ends_when_every_standby_that_may_lead_has_passed_it(
    members: tuple[Any, ...], is_over: bool
) -> None:
    seen = serves(
        UnprotectedMode.ENDING,
        AT,
        etcd=view(record(unprotected=UnprotectedMode.ENDING, catch_up_scn=AT), members=members),
    )
    assert set_to(seen) == ((UnprotectedMode.NO, None) if is_over else None)


def test_a_standby_that_goes_again_before_it_had_all_is_done_without_again() -> None:
    gone = replace(view(record(unprotected=UnprotectedMode.ENDING, catch_up_scn=AT)), members=(member("a"),))
    assert set_to(serves(UnprotectedMode.ENDING, AT, unfollowed_ms=4000, etcd=gone)) == (
        UnprotectedMode.YES,
        None,
    )
    assert set_to(serves(UnprotectedMode.ENDING, AT, unfollowed_ms=4000, etcd=gone), NEVER) is None


def test_one_that_only_pauses_before_it_had_all_is_waited_for() -> None:
    """A late look, as of a host without a processor for a moment, does not begin it all again."""
    late = replace(
        view(record(unprotected=UnprotectedMode.ENDING, catch_up_scn=AT)),
        members=(member("a"), member("b", scn=AT - 1)),
    )
    assert set_to(serves(UnprotectedMode.ENDING, AT, unfollowed_ms=3999, etcd=late)) is None


@pytest.mark.parametrize(
    ("changes", "follows"),
    [
        ({}, True),
        ({"role": None}, False),
        ({"role": Role.PRIMARY}, False),
        ({"timeline": 2}, False),
        ({"unchanged_ms": 1200}, False),
        ({"scn": AT - 2 * S}, True),
        ({"scn": AT - 2 * S - 1}, False),
        ({"candidate": False}, False),
    ],
)
def test_who_follows(changes: dict[str, Any], follows: bool) -> None:
    seen = leader_look(etcd=view(members=(member("a"), member("b", **changes))))
    assert is_followed(seen, SETTINGS.peer_silent_ms) is follows


def test_who_lacks_only_the_entry_after_a_long_pause_follows() -> None:
    seen = leader_look(etcd=view(members=(member("a"), member("b", scn=AT - 4 * S))))
    quiet = replace(seen, database=replace(seen.database, settled_scn=AT - 4 * S))
    assert not is_followed(seen, SETTINGS.peer_silent_ms)
    assert is_followed(quiet, SETTINGS.peer_silent_ms)


def test_one_standby_that_follows_is_not_enough_where_two_may_lead() -> None:
    members = (member("a"), member("b"), member("c", role=None))
    assert not is_followed(leader_look(etcd=view(members=members)), SETTINGS.peer_silent_ms)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, UnprotectedMode.YES),
        ({"lease": None}, None),
        ({"lease": Lease(epoch=3, renewed_at_ms=NOW)}, None),
        ({"me": "b"}, None),
        ({"etcd": view(record(unprotected=UnprotectedMode.ENDING))}, UnprotectedMode.ENDING),
        ({"etcd": view(record(unprotected=UnprotectedMode.YES, phase=Phase.HANDOVER))}, None),
    ],
)
def test_only_the_leaders_own_agent_says_so(changes: dict[str, Any], says: UnprotectedMode | None) -> None:
    assert reported_unprotected_mode(replace(serves(UnprotectedMode.YES), **changes)) is says


@pytest.mark.parametrize("unprotected", [UnprotectedMode.YES, UnprotectedMode.ENDING])
def test_nobody_else_leads_by_itself_while_the_primary_may_be_alone(unprotected: UnprotectedMode) -> None:
    leadership = record(unprotected=unprotected)
    action = decide(look(etcd=dead(leadership=leadership), peers=(SILENT,)), MAY)
    assert isinstance(action, a.Refuse)
    assert "acknowledged writes that it alone has" in action.why
    assert isinstance(decide(look(etcd=dead(), peers=(SILENT,)), MAY), a.AcquireLeaderLock)
    # And the primary itself need not wait for the others to go first.
    fenced = leader_look(etcd=view(record(unprotected=unprotected, phase=Phase.FENCED)))
    assert better_candidates(fenced, record(unprotected=unprotected), MAY) == ()
    assert better_candidates(fenced, record(), MAY) != ()


@pytest.mark.parametrize(("scn", "may"), [(AT, True), (AT - 1, False)])
def test_but_who_has_all_that_was_drained_may(scn: int, may: bool) -> None:
    leadership = record(unprotected=UnprotectedMode.YES, phase=Phase.HANDED, final_scn=AT)
    seen = look(database=standby(scn=scn), etcd=view(leadership))
    assert (excess_data_loss(seen, leadership, MAY) is None) is may


def test_a_new_primary_begins_alone_and_one_that_is_started_again_goes_on_as_it_was() -> None:
    taken = claimed(unfenced=())
    assert initial_unprotected_mode(claimer_look(), taken, MAY) is UnprotectedMode.YES
    assert initial_unprotected_mode(claimer_look(), taken, NEVER) is UnprotectedMode.NO
    action = decide(claimer_look(etcd=view(taken)), MAY)
    assert isinstance(action, a.Promote)
    assert action.unprotected is UnprotectedMode.YES
    for unprotected in UnprotectedMode:
        own = claimed(unfenced=(), primary="b", unprotected=unprotected)
        assert initial_unprotected_mode(claimer_look(), own, MAY) is unprotected


def test_a_claim_keeps_the_word() -> None:
    leadership = record(
        unprotected=UnprotectedMode.ENDING, catch_up_scn=AT, phase=Phase.FENCED, host="b", primary="b"
    )
    action = decide(look(etcd=view(leadership), database=down(Role.PRIMARY)), MAY)
    assert isinstance(action, a.AcquireLeaderLock)
    assert (action.unprotected, action.catch_up_scn) == (UnprotectedMode.ENDING, AT)


@pytest.mark.parametrize("seed", range(40))
def test_a_primary_that_dies_the_moment_it_is_not_alone_any_more_has_lost_nothing(seed: int) -> None:
    """What is acknowledged is watched by the simulation's own checks."""
    cluster = Cluster(seed, Shape(), replace(SETTINGS, unprotected_after_ms=1500))
    cluster.world.run_until(1000)
    faults.power_loss(cluster, "b", 3000)
    met = [UnprotectedMode.NO]
    while met[-1] is not UnprotectedMode.NO or len(met) == 1:
        assert cluster.world.now < 60_000, met
        cluster.world.run_until(cluster.world.now + 5)
        assert cluster.etcd.leadership is not None
        if cluster.etcd.leadership.unprotected is not met[-1]:
            met.append(cluster.etcd.leadership.unprotected)
    assert met == [UnprotectedMode.NO, UnprotectedMode.YES, UnprotectedMode.ENDING, UnprotectedMode.NO]
    assert cluster.checks.figures["acknowledged_alone"] > 0
    faults.power_loss(cluster, "a", 1e9)
    assert await_primary(cluster, deadline_ms(SETTINGS)) is not None
    assert cluster.checks.serving() == "b"
