"""The files with the results of a drill."""

import json
from pathlib import Path

import msgspec

from chaos.catalogue.model import Drill
from chaos.engine.judgement import JudgedDrill
from chaos.engine.run import Run
from inventory.model import Environment
from proof.files import read_json, write_whole
from proof.objectives import OBJECTIVES_FILE, to_list

RUN_FILE = "run.json"
LISTED_MAX = 2000
"""Most rows of one finding in `findings.json`; the count covers all rows."""


def write_results(folder: Path, env: Environment, drill: Drill, run: Run, judged: JudgedDrill) -> None:
    """Write `results.json`, `findings.json`, `errors_by_second.json` and `drill.json` into the run folder."""
    results = {
        "verb": "drill",
        "environment": env.name,
        "verdict": judged.verdict.value,
        "reasons": list(judged.reasons),
        "figures": dict(judged.figures),
        "steps": [{"name": name, "seconds": round(seconds, 3)} for name, seconds in run.steps],
        "children": [],
    }
    described = {
        "name": drill.name,
        "title": drill.title,
        "hypothesis": [predicate.name for predicate in drill.hypothesis],
        "fault": drill.fault.title,
        "heal": drill.fault.heal.title,
        "dead_man": drill.fault.heal.failsafe,
        "expects": drill.expects.value,
        "durability": run.durability,
        "observe_s": drill.observe_s,
        "recovery_deadline_s": drill.recovery_deadline_s,
    }
    findings = [finding.as_json(listed_max=LISTED_MAX) for finding in judged.findings]
    for name, value in (
        ("findings.json", findings),
        ("errors_by_second.json", judged.errors_by_second),
        ("drill.json", described),
        (OBJECTIVES_FILE, to_list(judged.objectives)),
        ("results.json", results),
    ):
        write_whole(folder / name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_run(folder: Path, run: Run) -> None:
    """Write the course of a drill into its run folder, so that it can be judged again."""
    write_whole(folder / RUN_FILE, msgspec.json.format(msgspec.json.encode(run)))


def read_run(folder: Path) -> Run | None:
    """Return the course of the drill in `folder`; None if the drill did not run to its end.

    Raises:
        FileError: the file is damaged.
    """
    path = folder / RUN_FILE
    return read_json(path, Run) if path.exists() else None
