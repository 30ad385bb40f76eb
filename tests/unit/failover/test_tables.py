"""What operators read: whole, aligned, and no wider than a terminal."""

from typing import Any

import pytest

from failover.api.history import HistoryEvent, history_of, refusal_in
from failover.api.status import LeaderStatus, PausedStatus, RequestStatus, status_of, successor
from failover.core.observed import (
    Database,
    EtcdView,
    Leadership,
    Member,
    Observed,
    Phase,
    Process,
    Request,
    RequestKind,
    Role,
    Unfenced,
)
from failover.core.observed import Settings as Limits
from failover.tables import history_lines, status_lines, table
from tests.unit.failover.config import settings
from tests.unit.failover.fake_backend import a_member, a_status


def test_a_quiet_day() -> None:
    assert list(status_lines(a_status())) == [
        "lab: ob-a leads under epoch 12 (guarantee: device); told by ob-a",
        "",
        "HOST  ROLE       LAG  EPOCH  FENCED  MAY LEAD  SILENT",
        "ob-a  PRIMARY      -     12      11  yes        0.1 s",
        "ob-b  STANDBY  62 ms     12       0  yes        0.1 s",
        "",
        "ob-a: leads, and nothing is to be done",
    ]


def test_what_is_not_as_every_day_is_remarked() -> None:
    leader = LeaderStatus(
        host="ob-a",
        epoch=12,
        phase="serving",
        guarantee="lease",
        to=None,
        lease_alive=False,
        unfenced=("ob-b",),
        powered_off=("ob-b", "ob-c"),
        alone="ending",
    )
    status = a_status(
        leader=leader,
        store_answered_ago_ms=4200,
        paused=PausedStatus(host="ob-b", at_s=1_750_000_000.25),
        request=RequestStatus(id="r-1", kind="failover", host="ob-b", waits_ms=400),
        durability="cross_centre",
    )
    text = " ".join(line.strip() for line in status_lines(status))
    for words in (
        "! etcd last answered 4.2 s ago",
        "! the lease of ob-a has run out",
        "! not known to be fenced: ob-b",
        "! switched off by a fence device: ob-b, ob-c",
        "! alone: ending: acknowledged writes may be on ob-a only, and nobody else is promoted by itself",
        "! paused on ob-b since 2025-06-15 15:06:40.250 UTC",
        "! failover of ob-b was asked for and waits for 0.4 s",
        "durability: cross_centre",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"leader": None, "store_answered_ago_ms": None, "members": ()}, "nobody is known to have led"),
        ({"store_answered_ago_ms": None}, "! etcd has not answered since this agent started"),
        (
            {
                "leader": LeaderStatus(
                    host="ob-a",
                    epoch=12,
                    phase="handover",
                    guarantee=None,
                    to="ob-b",
                    lease_alive=True,
                    unfenced=(),
                    powered_off=(),
                    alone="no",
                )
            },
            "lab: nobody serves, epoch 12 of ob-a is handover to ob-b; told by ob-a",
        ),
    ],
)
def test_when_nobody_serves(changed: dict[str, Any], words: str) -> None:
    assert words in "\n".join(status_lines(a_status(**changed)))


def test_nothing_is_wider_than_80_columns() -> None:
    long = "a-database-host-with-a-name-that-nobody-would-give-to-a-host-in-earnest-ob-1"
    thought = "ob-a has been silent to etcd, to SQL and over its agent for 1,243 ms (limit 1,200) " * 3
    status = a_status(members=(a_member(long, None, lag_ms=86_400_000, thinks=thought, may_lead=False),))
    told = HistoryEvent(epoch=12, at_s=0, event="detected", host=long, guarantee="device", detail=thought)
    lines = [*status_lines(status), *history_lines([told])]
    assert max(map(len, lines)) <= 80
    assert thought.split() == " ".join(lines[lines.index("") :]).split()[-len(thought.split()) :]
    assert any("~" in line for line in lines)


def test_a_table_of_nothing_has_its_headers() -> None:
    assert list(table(("HOST", "LAG"), [], right=(1,))) == ["HOST  LAG"]


def test_history_shows_each_event_with_its_detail_below() -> None:
    story = history_of(
        {
            13: [
                {
                    "at_s": 1_750_000_000.0,
                    "event": "guarantee",
                    "host": "ob-b",
                    "detail": "device: ob-a is off",
                },
                {"at_s": 1_750_000_000.5, "event": "promoted", "host": "ob-b", "detail": ""},
            ],
            9: [{"at_s": 1_700_000_000.0, "event": "claimed", "host": "ob-a", "detail": "strange: nothing"}],
        }
    )
    assert list(history_lines(story)) == [
        "EPOCH  TIME (UTC)               EVENT      HOST  GUARANTEE",
        "    9  2023-11-14 22:13:20.000  claimed    ob-a  -",
        "       strange: nothing",
        "   13  2025-06-15 15:06:40.000  guarantee  ob-b  device",
        "       device: ob-a is off",
        "   13  2025-06-15 15:06:40.500  promoted   ob-b  device",
    ]
    assert list(history_lines([])) == ["nothing has happened yet"]


def test_a_guarantee_that_is_none_is_not_shown_as_one() -> None:
    for detail in ("", "   ", "perhaps: who knows", "devices"):
        (told,) = history_of({1: [{"at_s": 1, "event": "guarantee", "host": "ob-a", "detail": detail}]})
        assert told.guarantee is None


def test_a_refusal_is_found_by_the_request_it_answers() -> None:
    found = {
        1: [{"event": "refused", "request": "r-1", "detail": "one"}],
        2: [{"event": "switchover", "request": "r-2"}, {"event": "refused", "detail": "anyhow"}],
    }
    assert (refusal_in(found, "r-1"), refusal_in(found, "r-2")) == ("one", None)


def look(*members: Member, **changed: Any) -> Observed:
    lead = Leadership(
        host="ob-a",
        epoch=12,
        phase=Phase.SERVING,
        revision=5,
        timeline=11,
        primary="ob-a",
        unfenced=(Unfenced(host="ob-c", epoch=10),),
        powered_off=("ob-c",),
    )
    etcd = EtcdView(answered_ago_ms=90, leadership=lead, lease_alive=True, members=members, **changed)
    return Observed(
        now_ms=1, me="ob-a", etcd=etcd, fenced_epoch=7, database=Database(process=Process.HUNG, silent_ms=9)
    )


def standby(host: str, scn: int, **changed: Any) -> Member:
    usual: dict[str, Any] = {"host": host, "role": Role.STANDBY, "scn": scn, "timeline": 11}
    return Member(**{**usual, **changed})


def test_status_is_what_is_seen() -> None:
    request = Request(id="r-1", kind=RequestKind.REJOIN, host="ob-b", unchanged_ms=300)
    status = status_of(
        look(standby("ob-b", 5, fenced=3, unchanged_ms=800), request=request),
        settings(),
        last_decision="waits",
        reports={"ob-b": {"lag_ms": 62, "thinks": "follows"}},
        paused={"host": "ob-b", "at_s": 5},
    )
    assert (status.fenced_epoch, status.thinks, status.durability) == (7, "waits", "cross_centre")
    assert status.leader is not None
    assert (status.leader.unfenced, status.leader.powered_off) == (("ob-c",), ("ob-c",))
    (member,) = status.members
    assert (member.lag_ms, member.thinks, member.fenced_epoch, member.silent_ms) == (62, "follows", 3, 800)
    assert (status.database.process, status.database.role) == ("hung", None)
    assert status.paused == PausedStatus(host="ob-b", at_s=5.0)
    assert status.request == RequestStatus(id="r-1", kind="rejoin", host="ob-b", waits_ms=300)


def test_status_before_etcd_has_answered() -> None:
    status = status_of(Observed(now_ms=1, me="ob-a"), settings(), last_decision="", reports={}, paused=None)
    assert (status.leader, status.members, status.store_answered_ago_ms) == (None, (), None)


def test_the_successor_is_the_living_standby_that_has_most() -> None:
    able = (standby("ob-b", 5), standby("ob-c", 9))
    unable = (
        standby("ob-a", 99),
        standby("ob-d", 99, candidate=False),
        standby("ob-e", 99, role=Role.PRIMARY),
        standby("ob-f", 99, timeline=10),
        standby("ob-g", 99, unchanged_ms=1200),
    )
    assert successor(look(*able, *unable), Limits()) == "ob-c"
    assert successor(look(*unable), Limits()) is None
    assert successor(Observed(now_ms=1, me="ob-a"), Limits()) is None
