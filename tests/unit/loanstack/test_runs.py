"""Results round trip, run folders, exit codes."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstack.runs.folder import (
    Results,
    RunFolder,
    RunFolderError,
    Step,
    from_dict,
    new_run,
    to_dict,
)
from proof.exits import ExitCode, exit_code, verdict_of_exit
from proof.verdict import Verdict

_TEXT = st.text(max_size=30)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**12), 10**12)

RESULTS = st.builds(
    Results,
    verb=_TEXT,
    environment=_TEXT,
    verdict=st.sampled_from(Verdict),
    reasons=st.lists(_TEXT, max_size=4).map(tuple),
    figures=st.dictionaries(_TEXT, _NUMBERS, max_size=6),
    steps=st.lists(st.builds(Step, name=_TEXT, seconds=st.floats(0, 1e6, allow_nan=False)), max_size=4).map(
        tuple
    ),
    children=st.lists(_TEXT, max_size=3).map(tuple),
)


@given(RESULTS)
def test_results_survive_being_written_as_json(results: Results) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(results)))) == results


@given(RESULTS)
def test_the_json_has_exactly_the_fields_of_the_contract(results: Results) -> None:
    assert list(to_dict(results)) == [
        *("verb", "environment", "verdict", "reasons", "figures", "steps", "children")
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_is_refused_by_name(value: float) -> None:
    results = Results(verb="load", environment="lab", verdict=Verdict.PASS, figures={"rto_ms": value})
    with pytest.raises(ValueError, match="rto_ms"):
        to_dict(results)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"verdict": "MAYBE"}, "MAYBE"),
        ({"verdict": None}, "PASS, INVALID, FAIL"),
        ({"figures": ["no"]}, "another type"),
        ({"steps": [{"name": "x"}]}, "seconds"),
    ],
)
def test_results_that_break_the_contract_name_what_is_wrong(change: dict[str, object], named: str) -> None:
    whole = to_dict(Results(verb="load", environment="lab", verdict=Verdict.PASS))
    with pytest.raises(RunFolderError, match=named):
        from_dict({**whole, **change}, where="runs/x/results.json")


def test_a_figure_that_is_true_or_text_is_no_figure() -> None:
    found = from_dict(
        {"verb": "load", "environment": "lab", "verdict": "PASS", "figures": {"a": True, "b": "1", "c": 2}}
    )
    assert dict(found.figures) == {"c": 2}


@pytest.mark.parametrize(
    ("verdict", "residue", "pending", "code"),
    [
        (Verdict.PASS, 0, 0, 0),
        (Verdict.FAIL, 0, 0, 1),
        (Verdict.INVALID, 0, 0, 3),
        (Verdict.PASS, 0, 7, 5),
        (Verdict.FAIL, 0, 7, 1),
        (Verdict.PASS, 1, 0, 4),
        (Verdict.FAIL, 2, 0, 4),
        (Verdict.INVALID, 1, 3, 4),
    ],
)
def test_exit_codes(verdict: Verdict, residue: int, pending: int, code: int) -> None:
    assert exit_code(verdict, residue=residue, pending=pending) == code
    results = Results(
        verb="x",
        environment="lab",
        verdict=verdict,
        figures={"residue": residue, "operations_pending": pending},
    )
    assert results.exit_code == code


@given(st.integers(-255, 255))
def test_only_zero_is_a_pass_and_only_three_is_invalid(code: int) -> None:
    expected = {0: Verdict.PASS, 3: Verdict.INVALID}.get(code, Verdict.FAIL)
    assert verdict_of_exit(code) is expected


def test_interrupted_and_usage_have_the_codes_that_shells_expect() -> None:
    assert (ExitCode.INTERRUPTED, ExitCode.USAGE) == (130, 2)


def _noon() -> datetime:
    return datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def test_a_run_folder_is_named_by_its_time_and_latest_points_at_it(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "runs", "load", now=_noon)
    assert folder.path.name == "2026-11-23T120000Z-load"
    assert (tmp_path / "runs" / "latest").resolve() == folder.path


def test_two_runs_in_one_second_get_two_folders_and_latest_is_the_second(tmp_path: Path) -> None:
    first, second = (new_run(tmp_path, "load", now=_noon) for _ in range(2))
    assert first.path != second.path
    assert (tmp_path / "latest").resolve() == second.path
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [first.path.name, second.path.name, "latest"]
    )


def test_a_folder_without_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"results\.json"):
        RunFolder(path=tmp_path).read_results()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"verb": ')
    with pytest.raises(RunFolderError, match=r"results\.json is not JSON"):
        RunFolder(path=tmp_path).read_results()


def test_events_are_lines_of_the_timeline(tmp_path: Path) -> None:
    folder = RunFolder(path=tmp_path)
    folder.note("fault", at_s=1.5, host="ob-a", detail="杀掉")
    folder.note("heal", at_s=2.5)
    lines = (tmp_path / "timeline.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"at_s": 1.5, "event": "fault", "host": "ob-a", "detail": "杀掉"},
        {"at_s": 2.5, "event": "heal"},
    ]
