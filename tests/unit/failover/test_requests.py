"""What becomes of operators' requests: rule 7, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import AcquireLeaderLock, Action, BeginHandover, Hold, Refuse, Rejoin
from failover.core.decision import decide
from failover.core.objections import objections
from failover.core.observed import Observed, Phase, Process, Request, RequestKind, Role
from tests.unit.failover.looks import (
    AT,
    NOTHING,
    SETTINGS,
    S,
    claimed,
    dead,
    down,
    leader_look,
    look,
    member,
    record,
    request,
    standby,
    view,
)

TO_B = request(RequestKind.SWITCHOVER, "b")
FAIL_TO_B = request(RequestKind.FAILOVER, "b")
FORCED = replace(FAIL_TO_B, force=True)
REJOIN_B = request(RequestKind.REJOIN, "b")


def asked(seen: Observed, what: Request, **changes: object) -> Action:
    etcd = seen.etcd
    assert etcd is not None
    return decide(replace(seen, etcd=replace(etcd, request=what, **changes)), SETTINGS)  # type: ignore[arg-type]  # fields of a view


def refusal(seen: Observed, what: Request, **changes: object) -> str:
    action = asked(seen, what, **changes)
    assert isinstance(action, Refuse), action
    assert action.request == "r1"
    return action.why


# switchover


def test_the_leader_begins_a_switchover() -> None:
    action = asked(leader_look(), TO_B)
    assert isinstance(action, BeginHandover)
    assert (action.to, action.revision, action.request) == ("b", 70, "r1")
    assert isinstance(asked(leader_look(), TO_B, paused=True), BeginHandover)


def test_others_leave_it_to_the_leader() -> None:
    assert isinstance(asked(look(), TO_B), Hold)


@pytest.mark.parametrize(
    ("to", "changes", "reason"),
    [
        ("a", {}, "leads already"),
        ("z", {}, "no database host with an agent (known: a, b)"),
        ("b", {"unchanged_ms": 1200}, "silent to etcd for 1200 ms"),
        ("b", {"role": None}, "no standby that answers"),
        ("b", {"role": Role.PRIMARY}, "no standby that answers"),
        ("b", {"candidate": False}, "never to be a candidate"),
        ("b", {"timeline": 2}, "epoch 2, those served of epoch 3"),
        ("b", {"scn": AT - 3 * S - 1_000_000}, "3001 ms behind (limit 3000 ms)"),
    ],
)
def test_a_switchover_to_the_wrong_host_is_refused(to: str, changes: dict[str, object], reason: str) -> None:
    members = (member("a"), member("b", **changes))
    assert reason in refusal(leader_look(), replace(TO_B, host=to), members=members)


def test_a_lag_at_the_limit_is_allowed_and_the_failover_limit_counts_if_it_is_less() -> None:
    members = (member("a"), member("b", scn=AT - 3 * S))
    assert isinstance(asked(leader_look(), TO_B, members=members), BeginHandover)
    tight = replace(SETTINGS, max_failover_lag_ms=2000)
    etcd = view(request=TO_B, members=members)
    assert isinstance(decide(leader_look(etcd=etcd), tight), Refuse)


def test_all_that_speaks_against_it_is_said_at_once() -> None:
    members = (member("a"), member("b", candidate=False, unchanged_ms=9000))
    why = refusal(leader_look(), TO_B, members=members)
    assert "never to be a candidate" in why
    assert "silent" in why


def test_a_request_waits_for_a_handover_that_is_under_way_but_not_for_ever() -> None:
    handing = leader_look(etcd=view(record(phase=Phase.HANDOVER, to="b", unchanged_ms=10)))
    assert not isinstance(asked(handing, TO_B), Refuse)


# failover


def test_a_failover_from_a_healthy_leader_needs_force() -> None:
    assert "--force" in refusal(look(), FAIL_TO_B)
    action = asked(look(), FORCED)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.epoch, action.request, action.accept_loss) == (5, "r1", False)
    assert [u.host for u in action.unfenced] == ["a"]
    assert not action.automatic


def test_a_recovery_that_is_under_way_is_not_disturbed_without_force() -> None:
    recovering = look(etcd=view(claimed(host="c", unfenced=())))
    assert "c holds its lease" in refusal(recovering, FAIL_TO_B, members=(member("b"), member("c")))


@pytest.mark.parametrize(
    "etcd",
    [
        view(record(phase=Phase.FENCED), lease_alive=False),
        view(record(phase=Phase.FENCED)),
        dead(lease_alive=False, lease_gone_ms=10),
        dead(lease_alive=False, lease_gone_ms=10, paused=True, last_automatic_ago_ms=5),
    ],
)
def test_without_a_leader_it_needs_none_and_waits_for_no_window(etcd: object) -> None:
    assert isinstance(asked(look(etcd=etcd), FAIL_TO_B), AcquireLeaderLock)


def test_a_leader_that_still_holds_its_lease_needs_force_however_silent() -> None:
    assert "--force" in refusal(look(etcd=dead()), FAIL_TO_B)


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        (standby(scn=AT - 60 * S), "60000 ms behind"),
        (standby(timeline=2), "descend from epoch 2"),
    ],
)
def test_a_loss_must_be_accepted(database: object, reason: str) -> None:
    seen = look(database=database)
    assert reason in refusal(seen, FORCED)
    action = asked(seen, replace(FORCED, accept_loss=True))
    assert isinstance(action, AcquireLeaderLock)
    assert action.accept_loss


@pytest.mark.parametrize(
    "changes",
    [
        {"database": down(Role.STANDBY)},
        {"database": down(None)},
        {"database": standby(process=Process.STARTING, role=None)},
        {"candidate": False},
    ],
)
def test_what_cannot_lead_cannot_be_made_to(changes: dict[str, object]) -> None:
    refusal(look(**changes), replace(FORCED, accept_loss=True))


def test_a_failover_to_the_leader_is_refused() -> None:
    assert "leads already" in refusal(leader_look(), replace(FORCED, host="a"))


def test_a_former_leader_that_is_fenced_can_be_told_to_lead_again() -> None:
    seen = look(me="a", database=down(Role.PRIMARY), etcd=view(record(phase=Phase.FENCED)), fenced_epoch=4)
    assert isinstance(asked(seen, replace(FAIL_TO_B, host="a")), AcquireLeaderLock)


# rejoin


def test_a_rejoin_copies_anew_without_waiting() -> None:
    action = asked(look(rejoined_ago_ms=5), REJOIN_B)
    assert isinstance(action, Rejoin)
    assert (action.source, action.keep_data, action.request) == ("a", False, "r1")


def test_the_leader_is_not_copied_over() -> None:
    assert "leads" in refusal(leader_look(), replace(REJOIN_B, host="a"))


@pytest.mark.parametrize(
    "etcd",
    [
        view(claimed(host="c", unfenced=()), members=(member("c"), member("b"))),
        dead(),
        view(lease_alive=False, lease_gone_ms=10),
    ],
)
def test_nothing_is_copied_without_a_sound_leader(etcd: object) -> None:
    refusal(look(etcd=etcd), REJOIN_B)


# what nobody takes up


@pytest.mark.parametrize("seen", [look(), leader_look(), look(etcd=view(claimed(host="c", unfenced=())))])
@pytest.mark.parametrize("what", [request(RequestKind.FAILOVER, "c"), request(RequestKind.REJOIN, "c")])
def test_what_its_host_does_not_take_up_is_taken_away(seen: Observed, what: Request) -> None:
    assert not isinstance(asked(seen, replace(what, unchanged_ms=4999)), Refuse)
    assert "nobody could carry it out for 5000 ms" in refusal(seen, replace(what, unchanged_ms=5000))


def test_a_switchover_without_a_leader_is_taken_away() -> None:
    fenced = look(etcd=view(record(phase=Phase.FENCED)), candidate=False)
    assert "nobody could" in refusal(fenced, replace(TO_B, unchanged_ms=5000))


# dry runs, from any host


def test_a_dry_run_sees_what_the_real_one_would() -> None:
    for seen in (look(), leader_look(), look(me="c")):
        assert objections(seen, TO_B, SETTINGS) == ()
        assert objections(seen, FORCED, SETTINGS) == ()
        assert objections(seen, REJOIN_B, SETTINGS) == ()
        assert "--force" in objections(seen, FAIL_TO_B, SETTINGS)[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unchanged_ms": 1200}, "silent to etcd"),
        ({"role": None}, "no standby that answers"),
        ({"candidate": False}, "never to be a candidate"),
    ],
)
def test_a_dry_run_of_a_failover_elsewhere_looks_at_what_its_host_put(
    changes: dict[str, object], reason: str
) -> None:
    seen = leader_look(etcd=view(members=(member("a"), member("b", **changes))))
    assert reason in " ".join(objections(seen, replace(FORCED, accept_loss=True), SETTINGS))


@pytest.mark.parametrize(
    ("changes", "reason"), [({"scn": AT - 60 * S}, "60000 ms behind"), ({"timeline": 2}, "of epoch 2")]
)
def test_it_also_tells_what_would_be_lost(changes: dict[str, object], reason: str) -> None:
    seen = leader_look(etcd=view(members=(member("a"), member("b", **changes))))
    assert reason in " ".join(objections(seen, FORCED, SETTINGS))
    assert objections(seen, replace(FORCED, accept_loss=True), SETTINGS) == ()


def test_a_former_primary_elsewhere_can_be_started_if_it_has_the_data_or_the_loss_is_accepted() -> None:
    off = member("b", role=None, recorded_role=Role.PRIMARY, timeline=2)
    seen = leader_look(etcd=view(members=(member("a"), off)))
    assert objections(seen, replace(FORCED, accept_loss=True), SETTINGS) == ()
    assert objections(seen, FORCED, SETTINGS) != ()
    its_own = view(record(phase=Phase.FENCED, primary="b"), members=(member("a"), replace(off, timeline=3)))
    assert objections(leader_look(etcd=its_own), FORCED, SETTINGS) == ()


@pytest.mark.parametrize("what", [TO_B, FORCED, REJOIN_B])
@pytest.mark.parametrize("etcd", [None, view(answered_ago_ms=901)])
def test_nothing_is_done_without_a_majority(what: Request, etcd: object) -> None:
    assert "without a majority" in objections(look(etcd=etcd), what, SETTINGS)[0]


@pytest.mark.parametrize("what", [TO_B, FORCED, REJOIN_B])
def test_nothing_is_done_before_anybody_led(what: Request) -> None:
    assert objections(look(etcd=NOTHING), what, SETTINGS) == ("nobody has led yet",)
