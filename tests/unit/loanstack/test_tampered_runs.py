"""A run is refused whose files are gone, damaged, or cannot be read."""

import json
import re
from pathlib import Path

import pytest

from proof.objectives import OBJECTIVES_FILE
from tests.unit.loanstack.golden import NAMES, record, refused, unpacked


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpacked(request.param, tmp_path)


def test_what_cannot_be_judged_says_what_is_missing(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    (run / "readings.json").unlink()
    assert "readings.json is missing" in refused(run)
    (run / "results.json").unlink()
    assert "is this a run folder?" in refused(run)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("load", "readings.json", None),
        ("load", "context.json", None),
        ("load", "seed.json", None),
        ("drill", "context.json", None),
        ("drill", "seed.json", None),
        ("drill", "run.json", None),
        ("load", OBJECTIVES_FILE, None),
        ("drill", OBJECTIVES_FILE, "[]"),
        ("load", OBJECTIVES_FILE, "[{}]"),
        ("load", OBJECTIVES_FILE, '[{"figure": "errors", "limit": "much", "at_least": false}]'),
        ("load", "context.json", "[]"),
        ("load", "findings.json", "[{}]"),
        ("load", "database/journal.jsonl.gz", "not gzip"),
        ("load", "load.json", "{}"),
        ("load", "reads.jsonl", None),
        ("drill", "reads.jsonl", None),
        ("load", "seed.json", "{}"),
        ("drill", "run.json", '{"drill": "nobody-knows"}'),
        ("drill", "ended.json", None),
        ("drill", "ended.json", "{}"),
    ],
)
def test_a_run_whose_evidence_is_gone_or_damaged_is_refused_and_never_as_good_as_recorded(
    name: str, file: str, content: str | None, tmp_path: Path
) -> None:
    run = unpacked(name, tmp_path)
    (run / file).unlink() if content is None else (run / file).write_text(content)
    assert "cannot be judged" in refused(run)


def test_a_gzip_file_that_was_cut_off_names_itself(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    journal = run / "database/journal.jsonl.gz"
    journal.write_bytes(journal.read_bytes()[:-2000])
    assert "journal.jsonl.gz line" in refused(run)


def test_parts_lie_within_the_folder(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    for part in ("..", ".", "../drill", "/tmp"):
        record(run, children=[part])
        assert "allowed: the name of a folder inside it" in refused(run)


def test_what_hosts_spent_must_have_been_read_of_all_of_them(tmp_path: Path) -> None:
    run = unpacked("load", tmp_path)
    readings = json.loads((run / "readings.json").read_text())
    del readings["after"]["hosts"]["ob-a"]
    (run / "readings.json").write_text(json.dumps(readings))
    assert "ob-a not read after the load" in refused(run)


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize("command", ["judge", "report"])
@pytest.mark.parametrize("how", ["folder", "deep"])
@pytest.mark.parametrize(
    "file",
    ["results.json", "context.json", "objectives.json", "findings.json", "load.json", "ledger.jsonl"],
)
def test_a_file_that_cannot_be_read_is_named_with_a_remedy(
    file: str, how: str, command: str, tmp_path: Path
) -> None:
    run = unpacked("load", tmp_path)
    (run / file).unlink()
    (run / file).mkdir() if how == "folder" else (run / file).write_text(DEEP)
    said = refused(run, command)
    assert file in said
    assert "restore" in said or "sound record" in said or "run the load again" in said


def test_a_number_that_no_figure_can_be_is_refused(run: Path) -> None:
    for number in (10**400, float("nan"), float("inf")):
        record(run, figures={"errors": number})
        for command in ("judge", "report"):
            assert "results.json" in refused(run, command)
    record(run, figures={}, steps=[{"name": "load", "seconds": 10**400}])
    assert "results.json" in refused(run)


def test_a_number_that_no_time_can_be_is_refused(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    text = (run / "run.json").read_text()
    (run / "run.json").write_text(re.sub(r'"started_s": [\d.]+', '"started_s": 1e308', text, count=1))
    said = refused(run)
    assert f"{run}: a number in its files is out of range" in said
    assert said.endswith("restore them from the run")
