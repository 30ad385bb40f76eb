"""The verb and the objectives of a run are those that its own record states and its files bear out."""

import json
from pathlib import Path

import pytest

from loanstack.cli.main import cli
from loanstack.judging.own_record import PARTS_OF
from proof.objectives import OBJECTIVES_FILE
from tests.unit.loanstack.golden import (
    NAMES,
    change_json,
    judged,
    objectives,
    promise,
    record,
    refused,
    unpacked,
)


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpacked(request.param, tmp_path)


@pytest.mark.parametrize("verb", ["seed", "verify", "deploy", "upgrade", "prove", "compare", "plan", "drill"])
@pytest.mark.parametrize("told_by", ["context.json", "folder", "files"])
def test_a_load_that_lost_writes_is_a_load_whatever_verb_its_results_name(
    verb: str, told_by: str, tmp_path: Path
) -> None:
    run = unpacked("load", tmp_path)
    if told_by != "context.json":
        change_json(run / "context.json", command=["loanstack", verb, "lab"])
    if told_by != "files":
        for each in ("ledger.jsonl", "load.json", "readings.json", "database/journal.jsonl.gz"):
            (run / each).unlink()
    if told_by == "folder":
        run = run.rename(run.with_name("2026-11-30T192223Z-load-2"))
    record(run, verb=verb)
    said = {"context.json": "the command was 'load'", "folder": "that of a load", "files": "only load"}
    assert said[told_by] in refused(run)


def test_a_verb_that_is_none_of_ours_is_refused(run: Path) -> None:
    record(run, verb="nonsense")
    assert "verb 'nonsense'; allowed: plan, deploy, verify" in refused(run)


def test_a_drill_is_no_load(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    change_json(run / "context.json", command=["loanstack", "load", "lab"])
    record(run, verb="load")
    assert "only drill write" in refused(run)


def test_each_file_of_one_verb_contradicts_the_others(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    for file in ("run.json", "deploy.json", "comparison.json"):
        (run / file).write_text("{}")
        assert f"write {file}" in refused(run)
        (run / file).unlink()
    for path in run.iterdir():
        if path.is_file() and path.name not in {"results.json", "objectives.json"}:
            path.unlink()
    record(run, verb="verify")
    change_json(run / "context.json", command=["loanstack", "verify", "lab"])
    for file in ("ledger.jsonl", "load.json", "readings.json", "capacity.json", "database/journal.jsonl.gz"):
        (run / "database/journal.jsonl.gz").unlink(missing_ok=True)
        (run / file).touch()
        assert f"write {file}" in refused(run)
        (run / file).unlink()


def test_a_part_may_be_judged_by_itself_and_has_a_verb_of_the_whole(run: Path) -> None:
    change_json(run / "context.json", command=["loanstack", "prove", "lab"])
    assert judged(run).differences == ()
    change_json(run / "context.json", command=["loanstack", "upgrade", "lab"])
    assert "the command was 'upgrade'" in refused(run)


def test_a_whole_has_parts_and_none_of_a_verb_that_it_does_not_run(tmp_path: Path) -> None:
    unpacked("drill", tmp_path)
    whole = {"verb": "prove", "environment": "lab", "verdict": "PASS"}
    (tmp_path / "results.json").write_text(json.dumps(whole))
    (tmp_path / OBJECTIVES_FILE).write_text("[]")
    change_json(tmp_path / "context.json", command=["loanstack", "prove", "lab"])
    assert "no part of it is recorded" in refused(tmp_path)
    record(tmp_path, verb="compare", children=["drill"])
    change_json(tmp_path / "context.json", command=["loanstack", "compare", "lab"])
    assert "a part of it is a drill" in refused(tmp_path)


def test_a_part_does_not_hide_the_record_of_the_run_itself(run: Path) -> None:
    unpacked(run.name, run)
    record(run, children=[run.name])
    assert "it has parts and its own" in refused(run)


def test_a_context_without_a_command_is_refused(run: Path) -> None:
    for command in (None, [], "loanstack", ["loanstack"]):
        change_json(run / "context.json", command=command)
        assert "context.json" in refused(run)


def test_a_drill_of_which_nothing_says_how_it_ended_is_refused(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    (run / "ended.json").unlink()
    (run / "context.json").unlink()
    assert "context.json is missing; restore it from the run" in refused(run)


def test_each_objective_that_was_deleted_is_a_difference(run: Path) -> None:
    whole = objectives(run)
    for number, one in enumerate(whole):
        promise(run, *whole[:number], *whole[number + 1 :])
        assert [each.what for each in judged(run).differences] == [f"objective {one['figure']}"]


def test_one_trivial_objective_does_not_stand_for_all(run: Path) -> None:
    whole = objectives(run)
    promise(run, {"figure": "acknowledged_doubled", "limit": 1e9})
    assert len(judged(run).differences) == len(whole) - 1
    promise(run, *({**each, "at_least": not each["at_least"], "limit": 0.0} for each in whole))
    found = {each.what for each in judged(run).differences}
    assert {f"objective {each['figure']}" for each in whole} <= found


@pytest.mark.parametrize(
    ("verb", "figures", "left_out"),
    [
        ("seed", {"customers": 5.0}, ["customers", "standby_lag_ms"]),
        ("upgrade", {"hosts_upgraded": 1.0}, ["hosts_rolled_back"]),
        ("upgrade", {"requests": 9.0}, ["hosts_rolled_back", "acknowledged_ratio", "errors"]),
    ],
)
def test_objectives_of_verbs_that_are_not_recomputed_may_not_be_left_out_either(
    verb: str, figures: dict[str, float], left_out: list[str], tmp_path: Path
) -> None:
    whole = {"verb": verb, "environment": "lab", "verdict": "PASS", "figures": figures}
    (tmp_path / "results.json").write_text(json.dumps(whole))
    change_json(tmp_path / "context.json", command=["loanstack", verb, "lab"])
    assert "objectives.json is missing" in refused(tmp_path)
    promise(tmp_path)
    assert [each.what for each in judged(tmp_path).differences] == [f"objective {each}" for each in left_out]


def test_each_command_that_makes_a_run_folder_is_a_verb() -> None:
    without_folder = {"drills", "failover", "report", "judge"}
    assert set(cli.commands) - without_folder == set(PARTS_OF)
