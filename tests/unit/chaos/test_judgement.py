"""From the files of a finished drill to its verdict."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.catalogue import drills
from chaos.catalogue.model import Drill
from chaos.engine import judgement, results
from chaos.engine.run import Run
from inventory import ENVIRONMENT_NAMES, environment
from inventory.availability import Durability
from inventory.drill_slo import DrillSlo, NoObjectivesError
from inventory.lab import ENVIRONMENT
from inventory.model import Environment
from proof import outage
from proof.exits import ExitCode
from proof.history import FaultWindow, Records
from proof.record import Event, HostClock, Moment, Write
from proof.verdict import Verdict, worst
from tests.unit.chaos.histories import contents, limit, probes, read, row, sample, write

CROSS_CENTRE = replace(
    ENVIRONMENT, failover=replace(ENVIRONMENT.failover, durability=Durability.CROSS_CENTRE)
)
DRILL = drills.drills(ENVIRONMENT)["primary-crash"]
FAULT = FaultWindow(started_s=200.0, ended_s=200.01, promoted_s=202.0)
BEFORE = tuple(write(f"b{n}", ended_s=180 + n / 50) for n in range(1000))
AFTER = tuple(write(f"a{n}", ended_s=203 + n / 50) for n in range(1000))
REFUSED = write("no", ended_s=200.5, outcome="rejected", status=503)
UNKNOWN = write("maybe", ended_s=200.6, outcome="indeterminate", status=504)
LOST = BEFORE[-1]
ROWS = tuple(row(w.key) for w in (*BEFORE[:-1], *AFTER))
RECORDS = Records(
    writes=(*BEFORE, REFUSED, UNKNOWN, *AFTER),
    journal=ROWS,
    limits=(limit(used_fen=500 * len(ROWS), cap_fen=10**9),),
    samples=(sample(195.0, 80.0), sample(199.9, 120.0)),
    reads=(read(0, 100.0, cap_fen=10**9),),
    contents=contents(len(ROWS)),
    clocks=tuple(
        HostClock(host=host.name, moment=moment, ahead_ms=0.3, give_or_take_ms=1.0)
        for host in ENVIRONMENT.hosts
        for moment in Moment
    ),
    applications=(),
    probes=(
        *probes("ob-a", "+" * 100 + "-" * 400, from_s=190.0),
        *probes("ob-b", "-" * 120, from_s=190.0),
        *probes("ob-b", "+" * 380, from_s=202.1),
    ),
)
TIMELINE = [
    Event(at_s=200.0, event="fault"),
    Event(at_s=200.7, event="detected"),
    Event(at_s=200.8, event="decided"),
    Event(at_s=201.5, event="fenced"),
    Event(at_s=202.0, event="promoted"),
]


def finished(**changes: object) -> Run:
    run = Run(drill="primary-crash", fault=FAULT, heal_s=9.5, clients_until_s=222.0, exported=True)
    run.timeline = TIMELINE
    for name, value in changes.items():
        setattr(run, name, value)
    return run


def judged(run: Run | None = None, records: Records = RECORDS) -> judgement.JudgedDrill:
    return judgement.judge_run(ENVIRONMENT, DRILL, run or finished(), records, sample_interval_ms=250)


def test_a_good_drill_passes_with_all_its_figures() -> None:
    found = judged()
    assert found.verdict is Verdict.PASS, found.reasons
    assert found.exit_code == ExitCode.PASS
    assert found.figures["rto_ms"] == pytest.approx(3020)
    parts = [found.figures[f"rto_{part}_ms"] for part in outage.PARTS]
    assert sum(parts) == pytest.approx(found.figures["rto_ms"])
    assert found.figures["acknowledged_lost"] == 1
    assert found.figures["lost_window_ms"] == pytest.approx(20)
    assert found.figures["acknowledged_doubled"] == 0
    assert found.figures["transactions_acknowledged"] == 2000
    assert found.figures["errors"] == 2
    assert found.figures["errors_rejected_503"] == 1
    assert found.figures["errors_indeterminate_504"] == 1
    assert found.figures["rejoin_s"] == 9.5
    assert found.figures["lag_before_fault_ms"] == 120.0
    assert found.figures["residue"] == 0
    assert found.errors_by_second == {0: {"indeterminate 504": 1, "rejected 503": 1}}
    assert all(math.isfinite(value) for value in found.figures.values())


def test_a_slow_recovery_fails_the_slo() -> None:
    late = tuple(replace(w, ended_s=w.ended_s + 13) for w in AFTER)
    found = judged(finished(clients_until_s=240.0), replace(RECORDS, writes=(*BEFORE, *late)))
    assert found.verdict is Verdict.FAIL
    assert "RTO as the client sees it: 16,020 ms; promised: at most 5,000 ms" in found.reasons


def test_no_recovery_fails() -> None:
    found = judged(finished(), replace(RECORDS, writes=BEFORE))
    assert found.verdict is Verdict.FAIL
    assert any("no recovery" in reason for reason in found.reasons)
    assert "rto_ms" not in found.figures


def test_an_old_loss_fails() -> None:
    rows = tuple(r for r in ROWS if r.key != "b10")
    limits = (limit(used_fen=500 * len(rows), cap_fen=10**9),)
    found = judged(records=replace(RECORDS, journal=rows, limits=limits, contents=contents(len(rows))))
    assert found.verdict is Verdict.FAIL
    assert found.figures["acknowledged_lost"] == 2


def test_two_primaries_fail_however_well_the_rest_went() -> None:
    back = probes("ob-a", "++", from_s=205.0)
    found = judged(records=replace(RECORDS, probes=(*RECORDS.probes, *back)))
    assert found.figures["two_primaries_seen"] == 2
    assert found.verdict is Verdict.FAIL


def test_a_drill_without_direct_writes_proves_nothing_about_two_primaries() -> None:
    found = judged(records=replace(RECORDS, probes=()))
    assert found.verdict is Verdict.INVALID
    assert found.exit_code == ExitCode.INVALID


def test_residue_outranks_a_pass() -> None:
    found = judged(finished(residue=["ob-a: unit is failed"]))
    assert found.exit_code == ExitCode.RESIDUE
    assert found.figures["residue"] == 1


def test_a_drill_without_an_export_is_not_a_pass() -> None:
    found = judged(finished(exported=False, invalid=["the database could not be read back: no host"]))
    assert found.verdict is Verdict.INVALID
    assert found.exit_code == ExitCode.INVALID


def test_an_unmet_hypothesis_is_invalid_and_judges_nothing() -> None:
    unmet = Run(drill="primary-crash", invalid=["400 writes/s acknowledged; needed: 475"])
    found = judged(unmet)
    assert found.verdict is Verdict.INVALID
    assert found.findings == ()
    assert "rto_ms" not in found.figures


def test_the_worst_wins_and_nothing_is_invalid() -> None:
    assert worst([Verdict.PASS, Verdict.INVALID, Verdict.PASS]) is Verdict.INVALID
    assert worst([Verdict.FAIL, Verdict.INVALID]) is Verdict.FAIL
    assert worst([]) is Verdict.INVALID


def test_the_files_are_what_other_programs_expect(tmp_path: Path) -> None:
    run = finished()
    run.steps.append(("observe", 20.123456))
    results.write_results(tmp_path, ENVIRONMENT, DRILL, run, judged(run))
    found = json.loads((tmp_path / "results.json").read_text())
    assert set(found) == {"verb", "environment", "verdict", "reasons", "figures", "steps", "children"}
    assert (found["verb"], found["environment"], found["verdict"]) == ("drill", "lab", "PASS")
    assert found["steps"] == [{"name": "observe", "seconds": 20.123}]
    findings = json.loads((tmp_path / "findings.json").read_text())
    assert [f["name"] for f in findings] == [checker.__name__ for checker in DRILL.checkers]
    assert DRILL.checkers[0].__name__ == "lost_within_lag"
    assert [listed["key"] for listed in findings[0]["listed"]] == [LOST.key]
    described = json.loads((tmp_path / "drill.json").read_text())
    assert described["hypothesis"][0] == "exactly one primary, no database down"
    assert not list(tmp_path.glob(".*"))


def test_the_outage_is_marked_on_the_timeline() -> None:
    marks = {event: at_s for at_s, event, _ in judgement.mark_outage(DRILL, finished(), RECORDS)}
    assert marks["first-error"] == 200.5
    assert marks["recovered"] == 203.0
    assert marks["served-for-good"] == pytest.approx(203.0)


AGENTS_SAID = (
    Event(at_s=150.0, event="promoted"),  # of an earlier drill
    Event(at_s=200.7, event="detected"),
    Event(at_s=200.8, event="decided"),
    Event(at_s=201.5, event="fenced"),
    Event(at_s=202.0, event="promoted", host="ob-b"),
)


def by_agents(name: str, **changes: object) -> tuple[Drill, Run]:
    """A drill whose fault was sent at 200.0, as its timeline tells once the agents' history is in it."""
    run = finished(drill=name, fault=FaultWindow(started_s=200.0, ended_s=200.01), **changes)
    run.timeline = [Event(at_s=200.0, event="fault"), *AGENTS_SAID]
    return drills.drills(ENVIRONMENT)[name], run


def test_a_primary_that_died_at_once_ended_with_the_fault() -> None:
    window = judgement.window_of(*by_agents("primary-crash"))
    assert window == FaultWindow(
        started_s=200.0,
        ended_s=200.01,
        fenced_s=201.5,
        promoted_s=202.0,
        promoted_host="ob-b",
        observed_until_s=222.0,
    )


@pytest.mark.parametrize("name", ["centre-a-cut-off", "primary-cut-from-etcd", "asymmetric-cut"])
def test_a_primary_that_served_on_ended_with_its_fence(name: str) -> None:
    window = judgement.window_of(*by_agents(name, undone_s=215.0))
    assert window is not None
    assert (window.ended_s, window.promoted_s, window.resumed_s) == (201.5, 202.0, 215.0)


def test_without_a_promotion_the_window_is_that_of_the_fault() -> None:
    drill, run = by_agents("centre-a-cut-off")
    run.timeline = [Event(at_s=200.0, event="fault"), AGENTS_SAID[0]]
    window = judgement.window_of(drill, run)
    assert window is not None
    assert (window.ended_s, window.promoted_s, window.promoted_host) == (200.01, None, None)
    assert judgement.window_of(drill, Run(drill=drill.name)) is None


def test_the_agents_history_gives_the_recovery_its_parts() -> None:
    drill, run = by_agents("primary-crash")
    found = judgement.judge_run(ENVIRONMENT, drill, run, RECORDS, sample_interval_ms=250)
    assert found.verdict is Verdict.PASS, found.reasons
    assert found.figures["rto_detect_ms"] == pytest.approx(720)
    assert found.figures["rto_fence_ms"] == pytest.approx(700)


def test_where_nobody_may_lead_the_recovery_counts_from_the_heal() -> None:
    drill, run = by_agents("etcd-majority-lost", undone_s=202.5)
    found = judgement.judge_run(ENVIRONMENT, drill, run, RECORDS, sample_interval_ms=250)
    assert found.figures["rto_ms"] == pytest.approx(500)
    assert sum(found.figures[f"rto_{part}_ms"] for part in outage.PARTS) == pytest.approx(500)


def test_a_switchover_may_fail_no_request_and_lose_nothing() -> None:
    drill, run = by_agents("switchover-under-load")
    found = judgement.judge_run(ENVIRONMENT, drill, run, RECORDS, sample_interval_ms=250)
    assert "Errors: 2; promised: at most 0" in found.reasons
    assert "RTO as the client sees it: 3,020 ms; promised: at most 1,500 ms" in found.reasons
    assert "nothing_acknowledged_lost: 1 of 2000 acknowledged writes are not in the journal" in found.reasons


def test_across_centres_nothing_acknowledged_may_be_lost() -> None:
    drill, run = by_agents("primary-crash", durability="cross_centre")
    found = judgement.judge_run(CROSS_CENTRE, drill, run, RECORDS, sample_interval_ms=250)
    assert found.verdict is Verdict.FAIL
    assert any("acknowledged writes are not in the journal" in reason for reason in found.reasons)
    names = [finding.name for finding in found.findings]
    assert names[0] == "nothing_acknowledged_lost"
    assert "lost_within_lag" not in names


def test_a_lost_window_beyond_its_limit_fails_although_the_lag_explains_it() -> None:
    lagging = (sample(195.0, 80.0), sample(199.9, 900.0))
    rows = tuple(r for r in ROWS if r.key not in ("b975", LOST.key))
    limits = (limit(used_fen=500 * len(rows), cap_fen=10**9),)
    found = judged(records=replace(RECORDS, samples=lagging, journal=rows, limits=limits))
    assert "Window of the missing writes: 500 ms; promised: at most 300 ms" in found.reasons
    drill, run = by_agents("centre-a-cut-off")
    cut_off = judgement.judge_run(ENVIRONMENT, drill, run, RECORDS, sample_interval_ms=250)
    assert not any("Window of the missing" in reason for reason in cut_off.reasons)


@pytest.mark.parametrize(("env", "said"), [(CROSS_CENTRE, "local"), (ENVIRONMENT, "cross_centre")])
def test_agents_that_run_another_durability_than_the_inventorys_fail_and_do_not_choose_the_bar(
    env: Environment, said: str
) -> None:
    drill, run = by_agents("primary-crash", durability=said)
    found = judgement.judge_run(env, drill, run, RECORDS, sample_interval_ms=250)
    assert found.verdict is Verdict.FAIL
    wanted = env.failover.durability
    assert f"the agents run durability {said}; the inventory promises {wanted}" in found.reasons
    names = [finding.name for finding in found.findings]
    assert ("lost_within_lag" in names) is (wanted == "local")


def test_agents_that_said_nothing_are_judged_as_the_inventory_has_it() -> None:
    assert judged(finished(durability=None)).verdict is Verdict.PASS


def test_a_drill_that_nobody_judged_is_no_pass_whatever_its_flags_say() -> None:
    found = judged(finished(exported=False))
    assert found.verdict is Verdict.INVALID
    assert found.exit_code == ExitCode.INVALID


@pytest.mark.parametrize("name", ENVIRONMENT_NAMES)
def test_every_drill_has_objectives_of_its_own_and_no_other_has(name: str) -> None:
    env = environment(name)
    assert {drill for drill, _ in env.drill_slo.limits} == set(drills.drills(env))


def test_a_drill_without_objectives_says_where_they_belong() -> None:
    with pytest.raises(NoObjectivesError, match=r"'flood' has no objectives.*drill_slo\.limits"):
        DrillSlo().of("flood")


def test_an_outage_of_half_the_clients_is_no_recovery_of_milliseconds() -> None:
    """Every other request fails for 12 s: no pause is long, and yet half of the bank stands still."""
    writes = tuple(
        write(f"w{n}", ended_s=180 + n / 50, **({"outcome": "rejected", "status": 503} if failed else {}))
        for n in range(2100)
        for failed in (n % 2 == 1 and 1000 <= n < 1600,)
    )
    rows = tuple(row(w.key) for w in writes if w.outcome == "acknowledged")
    limits = (limit(used_fen=500 * len(rows), cap_fen=10**9),)
    found = judged(records=replace(RECORDS, writes=writes, journal=rows, limits=limits))
    assert found.figures["rto_ms"] == pytest.approx(40)
    assert found.figures["rto_sustained_ms"] == pytest.approx(12_000, abs=500)
    assert found.verdict is Verdict.FAIL
    assert any(reason.startswith("Until the rate was back for good: ") for reason in found.reasons)
    assert any(reason.startswith("Errors, share of all requests: 0.14") for reason in found.reasons)


def test_a_legal_entity_that_stands_still_alone_is_seen() -> None:
    def at(n: int) -> Write:
        entity = ("QH01", "QH02", "QH03", "QH04")[n % 4]
        held_up = entity == "QH02" and 1000 <= n < 1500
        return write(f"w{n}", entity=entity, ended_s=210.0 if held_up else 180 + n / 50)

    writes = tuple(at(n) for n in range(2100))
    found = judgement.judge_run(
        ENVIRONMENT, DRILL, finished(), replace(RECORDS, writes=writes), sample_interval_ms=250
    )
    assert found.figures["rto_ms"] < 100
    assert found.figures["silence_ms"] == pytest.approx(10_000, abs=100)
    assert any(reason.startswith("A route or legal entity without an answer: ") for reason in found.reasons)
