"""Two recorded runs are judged as they were when they ran; one thing changed in them is seen."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from loanstack.cli.main import cli
from loanstack.runs.task import find_environment
from proof.objectives import OBJECTIVES_FILE
from proof.verdict import Verdict
from tests.unit.loanstack.golden import NAMES, change, judged, objectives, record, unpacked


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpacked(request.param, tmp_path)


def test_a_recorded_run_is_judged_as_it_was(run: Path) -> None:
    found = judged(run)
    assert found.differences == ()
    assert found.found == (Verdict.PASS, ())
    assert found.as_recorded == (), "every figure is recomputed"
    assert len(found.figures) > 60


def test_each_objective_that_the_run_does_not_keep_fails_it(run: Path) -> None:
    figures = judged(run).figures
    whole = objectives(run)
    for number, one in enumerate(whole):
        value = figures[one["figure"]]
        beyond = value + 1.0 if one["at_least"] else value - 1.0
        changed = [*whole[:number], {**one, "limit": beyond}, *whole[number + 1 :]]
        (run / OBJECTIVES_FILE).write_text(json.dumps(changed))
        expected = Verdict.INVALID if one.get("of_evidence") else Verdict.FAIL
        assert judged(run).found.verdict is expected, one


def test_an_objective_that_nothing_measured_leaves_it_unproved(run: Path) -> None:
    nobody = {"figure": "nobody_measured_ms", "limit": 1.0, "at_least": False}
    (run / OBJECTIVES_FILE).write_text(json.dumps([*objectives(run), nobody]))
    assert judged(run).found.verdict is Verdict.INVALID


def test_a_lost_write_is_seen(run: Path) -> None:
    acknowledged = json.loads((run / "ledger.jsonl").read_bytes().splitlines()[1000])["key"]
    change(
        run / "database/journal.jsonl.gz", lambda rows: [row for row in rows if row["key"] != acknowledged]
    )
    found = judged(run)
    assert found.found.verdict is Verdict.FAIL
    assert {"verdict", "acknowledged_lost"} <= {difference.what for difference in found.differences}


def test_a_standby_with_another_content_is_seen(run: Path) -> None:
    change(
        run / "database/contents.jsonl",
        lambda held: [{**held[0], "checksum": held[0]["checksum"] + 1}, *held[1:]],
    )
    assert judged(run).found.verdict is Verdict.FAIL


def test_a_figure_that_was_recorded_otherwise_is_named_by_the_command(run: Path) -> None:
    path = run / "results.json"
    recorded = json.loads(path.read_text())
    wrong = recorded["figures"]["errors"] + 7
    recorded["figures"]["errors"] = wrong
    path.write_text(json.dumps(recorded))
    done = CliRunner().invoke(cli, ["judge", str(run)], standalone_mode=False)
    assert done.return_value == 1
    assert f".: errors: recorded {wrong}" in done.output
    done = CliRunner().invoke(cli, ["judge", str(run), "--json"], standalone_mode=False)
    (difference,) = json.loads(done.output)["differences"]
    assert (difference["what"], difference["recorded"]) == ("errors", wrong)


def test_a_reason_that_was_recorded_and_is_not_found_or_found_and_not_recorded_is_named(run: Path) -> None:
    (run / "database/contents.jsonl").unlink()
    lost = "standby_has_the_same: no database was read"
    record(run, verdict="INVALID", reasons=["a write was lost"])
    assert [(each.what, each.recorded, each.found) for each in judged(run).differences] == [
        ("reason", "a write was lost", "nothing"),
        ("reason", "nothing", lost),
    ]
    record(run, reasons=[lost])
    assert judged(run).differences == ()


def test_what_explains_a_slow_load_is_no_difference(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    tight = [
        {**one, "limit": one["limit"] / 100 if "latency" in one["figure"] else one["limit"]}
        for one in objectives(run)
    ]
    (run / OBJECTIVES_FILE).write_text(json.dumps(tight))
    found = judged(run).found
    record(run, verdict="FAIL", reasons=[*found.reasons[:-1], "Too slow: the disk"])
    assert found.reasons[-1].startswith("Too slow: ")
    assert judged(run).differences == ()


def test_a_secret_that_was_found_in_a_run_is_the_reason_that_was_recorded(run: Path) -> None:
    leak = "a secret was in drill.log"
    finding = {"name": "secrets", "verdict": "FAIL", "reasons": [leak], "figures": {}, "listed": []}
    path = run / "findings.json"
    path.write_text(json.dumps([*json.loads(path.read_text()), finding]))
    record(run, verdict="FAIL", reasons=[leak])
    assert judged(run).differences == ()


def test_the_last_words_of_a_deploy_that_broke_off_are_its_reason_again(tmp_path: Path) -> None:
    reason = "pyinfra ended before it did anything and says:\nno route to host"
    hosts = [host.name for host in find_environment("lab").hosts]
    lost = [f"{name}: nothing was done on it" for name in hosts]
    broken = f"Hosts that failed: {len(hosts)}; promised: at most 0"
    recorded = {
        "verb": "deploy",
        "environment": "lab",
        "verdict": "FAIL",
        "figures": {"hosts_failed": len(hosts)},
    }
    (tmp_path / "results.json").write_text(json.dumps({**recorded, "reasons": [broken, *lost, reason]}))
    (tmp_path / "ended.json").write_text(json.dumps({"status": 1, "seconds": 2.0, "hosts": hosts}))
    (tmp_path / OBJECTIVES_FILE).write_text('[{"figure": "hosts_failed", "limit": 0, "at_least": false}]')
    (tmp_path / "pyinfra.log").write_text("no route to host\n")
    assert judged(tmp_path).differences == ()


def test_a_whole_is_never_better_than_its_parts(tmp_path: Path) -> None:
    part = unpacked("drill", tmp_path)
    recorded = json.loads((part / "results.json").read_text())
    whole = {**recorded, "verb": "prove", "figures": {}, "children": ["drill"]}
    (tmp_path / "results.json").write_text(json.dumps(whole))
    (tmp_path / "context.json").write_text('{"command": ["loanstack", "prove", "lab"]}')
    (tmp_path / OBJECTIVES_FILE).write_text("[]")
    assert judged(tmp_path).differences == ()
    change(part / "database/journal.jsonl.gz", lambda rows: rows[:-50])
    found = judged(tmp_path)
    assert found.found.verdict is Verdict.FAIL
    assert {difference.folder for difference in found.differences} == {".", "drill"}


def test_a_limit_that_was_read_as_it_cannot_have_been_is_seen(run: Path) -> None:
    def one_fen_more(reads: list[dict]) -> list[dict]:
        number = next(n for n, read in enumerate(reads) if read["used_fen"])
        return [
            {**read, "used_fen": read["used_fen"] + (n == number)} if read["used_fen"] else read
            for n, read in enumerate(reads)
        ]

    change(run / "reads.jsonl", one_fen_more)
    assert judged(run).figures["reads_impossible"] == 1
    assert judged(run).found.verdict is Verdict.FAIL


def test_a_run_in_which_no_limit_was_read_as_expected_is_unproved(run: Path) -> None:
    change(run / "reads.jsonl", lambda reads: [{**read, "used_fen": None} for read in reads])
    assert judged(run).found == (Verdict.INVALID, ("reads_were_possible: no limit was read",))


def test_a_customer_that_both_databases_lost_is_seen(run: Path) -> None:
    change(
        run / "database/contents.jsonl",
        lambda held: [{**one, "rows": one["rows"] - (one["table"] == "customer")} for one in held],
    )
    reason = "customer: the seeding left 100000 rows; the primary itself holds 99999"
    assert judged(run).found == (Verdict.FAIL, (f"standby_has_the_same: {reason}",))


def test_a_run_is_judged_under_the_durability_that_it_had(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    context, agents = run / "context.json", run / "run.json"
    recorded = json.loads(context.read_text())
    recorded["environment"]["durability"] = "cross_centre"
    context.write_text(json.dumps(recorded))
    other = "the agents run durability local; the inventory promises cross_centre"
    assert other in judged(run).found.reasons
    agents.write_text(agents.read_text().replace('"durability": "local"', '"durability": "cross_centre"'))
    assert not any("the agents run" in reason for reason in judged(run).found.reasons)


def test_the_end_of_a_drills_program_that_its_results_do_not_explain_is_judged(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    for status, verdict in (
        (137, Verdict.FAIL),
        (4, Verdict.FAIL),
        (3, Verdict.INVALID),
        (130, Verdict.INVALID),
    ):
        (run / "ended.json").write_text(json.dumps({"status": status, "seconds": 33.0}))
        reason = f"drill primary-crash ended with status {status}, which its results do not explain"
        assert judged(run).found == (verdict, (reason,))
        assert judged(run).figures["residue"] == (status == 4)


def test_a_figure_that_an_objective_is_about_must_have_been_recorded(run: Path) -> None:
    path = run / "results.json"
    recorded = json.loads(path.read_text())
    del recorded["figures"]["acknowledged_doubled"]
    path.write_text(json.dumps(recorded))
    (difference,) = judged(run).differences
    assert (difference.what, difference.recorded, difference.found) == ("acknowledged_doubled", "nothing", 0)


def test_queries_that_fail_and_bodies_that_are_wrong_are_no_service_in_a_drill_either(tmp_path: Path) -> None:
    for file, spoil in (
        ("reads.jsonl", {"outcome": "indeterminate", "status": 502, "error": "HTTP 502"}),
        ("ledger.jsonl", {"error": "body: not a JSON object"}),
    ):
        run = unpacked("drill", tmp_path / file)
        change(run / file, lambda lines, spoil=spoil: [{**line, **spoil} for line in lines])
        assert judged(run).found.verdict is Verdict.FAIL
        assert judged(run).figures["error_ratio"] > 0.2
