"""The clocks of hosts are evidence of a recorded run: together, apart, or not read."""

import json
from pathlib import Path

import pytest

from proof.clocks import CERTAIN_OFFSET
from proof.verdict import Verdict
from tests.unit.loanstack.golden import NAMES, change, judged, objectives, promise, unpacked, with_clocks


@pytest.fixture(params=NAMES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpacked(request.param, tmp_path)


def test_clocks_that_are_together_are_figures_of_the_run(run: Path) -> None:
    with_clocks(run)
    found = judged(run)
    assert found.found == (Verdict.PASS, ())
    assert found.figures["clock_offset_max_ms"] == 0.3
    assert found.figures["clock_offset_uncertainty_ms"] == 1.5
    assert found.figures["clock_offset_certain_ms"] == 0.0


def test_a_clock_that_is_apart_for_certain_leaves_the_run_unproved(run: Path) -> None:
    with_clocks(run, ob_b_ahead_ms=-75.5)
    verdict, (reason,) = judged(run).found
    assert verdict is Verdict.INVALID
    assert "74 ms (ob-b -75.5 ms, give or take 1.5, at the end of the run); allowed: at most 50 ms" in reason


def test_clocks_that_are_missing_from_the_record_leave_it_unproved(run: Path) -> None:
    with_clocks(run, left_out="gw-a")
    verdict, reasons = judged(run).found
    assert verdict is Verdict.INVALID
    assert "the clocks of gw-a could not be read at the begin of the run" in reasons
    (run / "clocks.jsonl").unlink()
    assert judged(run).found.verdict is Verdict.INVALID
    promise(run, *(each for each in objectives(run) if each["figure"] != CERTAIN_OFFSET))
    assert judged(run).found.verdict is Verdict.PASS, "a run of before they were read"
    assert [each.what for each in judged(run).differences] == [f"objective {CERTAIN_OFFSET}"]


def test_a_host_that_the_fault_hit_may_be_silent_at_the_end_of_a_drill(tmp_path: Path) -> None:
    run = unpacked("drill", tmp_path)
    with_clocks(run)
    timeline = json.loads((run / "run.json").read_text())["timeline"]
    hit = next(each["host"] for each in timeline if each["event"] == "fault")
    for host, verdict in ((hit, Verdict.PASS), ("gw-a", Verdict.INVALID)):
        change(
            run / "clocks.jsonl",
            lambda clocks, host=host: [
                {**each, "ahead_ms": None} if (each["host"], each["moment"]) == (host, "end") else each
                for each in clocks
            ],
        )
        assert judged(run).found.verdict is verdict
