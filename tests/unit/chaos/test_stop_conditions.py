"""Drills that are broken off: what clients suffer, or an alert, ends them; the heal runs all the same."""

import json
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from chaos.catalogue import drills
from chaos.engine import runner
from chaos.engine.judgement import judge_run
from chaos.engine.stop_conditions import met_by
from chaos.recorders.clients import RecordTail
from chaos.system.alerts import firing_in
from chaos.system.world import ClientsSeen
from inventory.drill_slo import StopConditions
from inventory.lab import ENVIRONMENT
from proof.history import Records
from proof.verdict import Verdict
from tests.unit.chaos.fake_world import pair
from tests.unit.chaos.histories import read, write
from tests.unit.chaos.test_agents_drills import runner_of

CONDITIONS = StopConditions(outage_s_max=30.0, failed_ratio_max=0.95, failed_over_s=30.0)
NOW_S = 1000.0


def seen(**changes: object) -> ClientsSeen:
    return replace(
        ClientsSeen(last_acknowledged_s=NOW_S, served=100, failed=0, is_whole=True),
        **changes,  # type: ignore[arg-type]  # fields by name
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"last_acknowledged_s": NOW_S - 30.0}, None),
        ({"last_acknowledged_s": NOW_S - 31.0}, "nothing was acknowledged for 31 s; allowed: 30 s"),
        ({"last_acknowledged_s": None}, None),
        ({"failed": 1900}, None),
        ({"failed": 1901}, "1901 of 2001 requests failed within 30 s; allowed: 95% of them"),
        ({"failed": 1901, "is_whole": False}, None),
    ],
)
def test_what_clients_suffer_at_most(changes: dict[str, object], why: str | None) -> None:
    assert met_by(seen(**changes), CONDITIONS, now_s=NOW_S) == why


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "drill-heal.json"
    monkeypatch.setattr(runner, "record_path", lambda env: path)
    return path


@pytest.mark.parametrize(
    ("suffers", "why"),
    [
        ({"failing": 9900}, "9900 of 10000 requests failed"),
        ({"firing_alerts": frozenset({"NoPrimary"})}, "NoPrimary"),
    ],
)
def test_a_drill_that_is_broken_off_is_healed_and_has_failed(
    suffers: dict[str, object], why: str, tmp_path: Path, record: Path
) -> None:
    world = pair(**suffers)
    one = runner_of(world, tmp_path)
    slo = replace(ENVIRONMENT.drill_slo, stop=replace(CONDITIONS, alerts=("NoPrimary", "Other")))
    one.env = replace(ENVIRONMENT, drill_slo=slo)
    drill = drills.drills(ENVIRONMENT)["centre-a-cut-off"]
    begun_s = world.clock.now_s()
    done = one.run(drill)
    assert done.failures == [f"broken off by a stop condition: {done.failures[0].partition(': ')[2]}"]
    assert why in done.failures[0]
    assert "mend centre-a" in world.calls[world.calls.index("cut centre-a") :]
    assert done.residue == []
    assert not record.exists()
    assert [event.event for event in done.timeline if event.event == "broken-off"]
    fault = next(event.at_s for event in done.timeline if event.event == "fault")
    assert next(e.at_s for e in done.timeline if e.event == "heal") < fault + drill.observe_s > begun_s
    judged = judge_run(ENVIRONMENT, drill, done, Records(writes=()), sample_interval_ms=250)
    assert judged.verdict is Verdict.FAIL


def test_alerts_are_not_asked_for_where_none_ends_a_drill(tmp_path: Path) -> None:
    world = pair(firing_alerts=frozenset({"NoPrimary"}))
    done = runner_of(world, tmp_path).run(drills.drills(ENVIRONMENT)["primary-crash"])
    assert done.failures == []


def recorded(folder: Path, file: str, *requests: object) -> None:
    with (folder / file).open("ab") as into:
        into.writelines(orjson.dumps(each) + b"\n" for each in requests)


def test_the_tail_of_the_record_tells_what_clients_saw(tmp_path: Path) -> None:
    served = [write(f"k{n}", ended_s=100.0 + n) for n in range(40)]
    failed = [write(f"f{n}", ended_s=141.0 + n, outcome="indeterminate") for n in range(5)]
    recorded(tmp_path, "ledger.jsonl", *served, *failed)
    found = RecordTail(tmp_path).seen(151.0, 30.0)
    assert (found.last_acknowledged_s, found.served, found.failed) == (139.0, 20, 5)
    assert found.is_whole
    assert not RecordTail(tmp_path).seen(121.0, 30.0).is_whole
    assert RecordTail(tmp_path / "none").seen(1.0, 30.0) == ClientsSeen(
        last_acknowledged_s=None, served=0, failed=0, is_whole=False
    )


def test_wrong_bodies_and_failed_queries_are_no_service_and_a_right_no_is(tmp_path: Path) -> None:
    tail = RecordTail(tmp_path)
    recorded(tmp_path, "ledger.jsonl", write("k1"), write("k2", error="body: amount_fen is 7"))
    recorded(tmp_path, "ledger.jsonl", write("k3", outcome="refused", status=422))
    recorded(tmp_path, "reads.jsonl", read(500, 99.0), read(500, 99.0, error="body: not a JSON object"))
    found = tail.seen(101.0, 30.0)
    assert (found.served, found.failed) == (3, 2)
    recorded(tmp_path, "reads.jsonl", read(500, 99.0, outcome="indeterminate", status=502))
    assert tail.seen(101.0, 30.0).failed == 3


def test_only_firing_alerts_count() -> None:
    alerts = [
        {"labels": {"alertname": "NoPrimary"}, "state": "firing"},
        {"labels": {"alertname": "Lag"}, "state": "pending"},
    ]
    assert firing_in(json.dumps({"data": {"alerts": alerts}})) == {"NoPrimary"}
    for wrong in ("{}", "[]", "no"):
        with pytest.raises(ValueError, match=r"not an answer about alerts|Expecting value"):
            firing_in(wrong)
