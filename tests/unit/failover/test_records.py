"""The stored names: agents of an earlier version wrote the records that are read, and read those written."""

import json
from pathlib import Path

from failover.core.observed import Leadership, Member, Phase, Role, Unfenced, UnprotectedMode
from failover.etcd import records
from failover.etcd.records import LeaderRecord
from failover.host.local_state import LocalState, LocalStateFile

LEADER = {
    "host": "ob-a",
    "epoch": 7,
    "phase": "serving",
    "lineage": 5,
    "primary": "ob-a",
    "guarantee": "lease",
    "final_scn": None,
    "to": None,
    "unfenced": [{"host": "ob-b", "epoch": 6, "lease_over": True}],
    "powered_off": ["ob-b"],
    "accept_loss": False,
    "alone": "ending",
    "acknowledged_scn": 4711,
    "claim": "ob-a 123",
    "last_automatic_s": 1.5,
}
MEMBER = {
    "thinks": "Hold: waits",
    "host": "ob-b",
    "role": "STANDBY",
    "scn": 9,
    "settled_scn": 8,
    "recorded_role": "STANDBY",
    "lineage": 5,
    "epoch": 7,
    "fenced": 3,
    "may_lead": False,
    "seq": 2,
    "lag_ms": None,
}


def test_the_record_leader_keeps_its_words() -> None:
    found = records.leader_record(json.dumps(LEADER), 4)
    leadership = found.leadership
    assert isinstance(leadership, Leadership)
    assert (leadership.phase, leadership.revision) == (Phase.SERVING, 4)
    assert (leadership.timeline, leadership.catch_up_scn) == (5, 4711)
    assert leadership.unprotected is UnprotectedMode.ENDING
    assert leadership.unfenced == (Unfenced(host="ob-b", epoch=6, lease_over=True),)
    assert found == LeaderRecord(leadership=leadership, acquisition_id="ob-a 123", last_automatic_s=1.5)
    assert json.loads(records.leader_text(found)) == LEADER


def test_a_member_keeps_its_words() -> None:
    found = records.member("ob-b", json.dumps(MEMBER))
    assert found == Member(
        host="ob-b",
        role=Role.STANDBY,
        scn=9,
        settled_scn=8,
        recorded_role=Role.STANDBY,
        timeline=5,
        epoch=7,
        fenced=3,
        candidate=False,
    )
    written = records.member_text(found, seq=2, lag_ms=None, more={"thinks": "Hold: waits"})
    assert json.loads(written) == MEMBER


def test_the_local_state_on_disk_keeps_its_words(tmp_path: Path) -> None:
    role_file, state_file = tmp_path / "loanstack-role", tmp_path / "loanstack-failover"
    role_file.write_text("STANDBY\n")
    words = {
        "role": "STANDBY",
        "epoch": 6,
        "lineage": 5,
        "role_file_ns": role_file.stat().st_mtime_ns,
    }
    state_file.write_text(json.dumps(words))
    file = LocalStateFile(tmp_path)
    assert file.read() == LocalState(role=Role.STANDBY, epoch=6, timeline=5)
    file.write(file.read())
    assert json.loads(state_file.read_text()) == words
