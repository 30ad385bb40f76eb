"""`loanstack drill`: one or all, once or often; what the repeats say together, and when it stops."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from rich.console import Console as RichConsole

from inventory import environment
from loanstack.commands import drill as module
from loanstack.commands.drill import ALL, DrillParameters, drill, known_drills
from loanstack.results.drills import as_ended, outcome_table, over_drills, over_repeats, parts_table
from loanstack.results.ended import Ended, read_ended
from loanstack.runs.folder import Results, RunFolder, Step
from loanstack.runs.task import CommandError, InterruptedWith, Task
from processes.child import Completed
from proof.exits import ExitCode
from proof.percentiles import nearest_rank
from proof.verdict import Verdict, worst

NAMES = tuple(known_drills(environment("lab")))
NO_ERRORS = {"switchover-under-load", "switchover-under-ddl", "tongweb-killed"}
"""Drills that promise that no request fails."""


def result(verdict: Verdict = Verdict.PASS, **figures: float) -> Results:
    reasons = () if verdict is Verdict.PASS else ("so it was",)
    return Results(verb="drill", environment="lab", verdict=verdict, reasons=reasons, figures=figures)


@dataclass
class Drilled:
    """Stands for `python -m chaos`; `trouble` by drill: what it shows instead, or raises."""

    ran: list[str] = field(default_factory=list)
    trouble: dict[str, Results | Exception] = field(default_factory=dict)

    def once(self, task: Task, name: str, rate: float, judged_by: object) -> Results:
        self.ran.append(name)
        found = self.trouble.get(name)
        if isinstance(found, Exception):
            raise found
        shown = found or result(
            rto_ms=100.0 * self.ran.count(name),
            rto_sustained_ms=100.0 * self.ran.count(name),
            silence_ms=110.0 * self.ran.count(name),
            rto_detect_ms=80.0,
            rto_promote_ms=20.0,
            acknowledged_lost=0,
            acknowledged_doubled=0,
            two_primaries_seen=0,
            lost_window_ms=40.0 if name.startswith("primary") else 0.0,
            errors=0 if name in NO_ERRORS else 3,
            error_ratio=0.0 if name in NO_ERRORS else 0.003,
            clock_offset_certain_ms=0.0,
            residue=0,
        )
        return task.end(Results(**{**vars(shown), "figures": {**over_repeats([shown]), **shown.figures}}))


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch) -> Drilled:
    found = Drilled()
    monkeypatch.setattr(module, "_once", found.once)
    return found


@pytest.fixture
def task(task: Task, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setattr("loanstack.runs.task.secrecy.leaks", lambda folder, secrets_file: ())
    monkeypatch.setattr("loanstack.runs.task.context.context", lambda env, **_: {})
    return task


def run(task: Task, name: str, repeat: int = 1) -> Results:
    return drill(task, name, DrillParameters(rate_per_s=500), repeat=repeat)


def test_all_runs_every_drill_so_often_in_the_order_of_the_catalogue(drilled: Drilled, task: Task) -> None:
    found = run(task, ALL, repeat=3)
    assert drilled.ran == [name for name in NAMES for _ in range(3)]
    assert found.verdict is Verdict.PASS, found.reasons
    assert found.children == tuple(f"{n}-drill-{name}" for n, name in enumerate(NAMES, start=1))
    assert found.figures["drills"] == len(NAMES)
    assert found.figures["repeats"] == 3 * len(NAMES)
    assert found.figures["errors"] == 3 * 3 * (len(NAMES) - len(NO_ERRORS))
    assert found.figures["primary_crash_rto_ms_p50"] == 200
    assert found.figures["primary_crash_rto_ms_max"] == 300
    child = RunFolder(path=task.folder.path / found.children[0])
    assert child.read_results().children == tuple(f"{n}-primary-crash" for n in (1, 2, 3))


def test_a_program_that_dies_after_its_results_has_not_passed_and_leaves_its_status(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(_within_s: float) -> Completed:
        task.steps.append(Step(name="primary-crash", seconds=1.0))
        task.folder.write_results(result())
        return Completed(returncode=137, seconds=41.5)

    monkeypatch.setattr(module, "seed", lambda task: {})
    monkeypatch.setattr(task.processes, "start", lambda argv, **_: SimpleNamespace(wait=died))
    found = run(task, "primary-crash")
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("drill primary-crash ended with status 137, which its results do not explain",)
    assert read_ended(task.folder) == Ended(status=137, seconds=41.5)


def test_a_drill_that_was_interrupted_after_its_results_has_not_passed(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_within_s: float) -> Completed:
        task.folder.write_results(result())
        return Completed(returncode=130, seconds=41.5)

    monkeypatch.setattr(module, "seed", lambda task: {})
    monkeypatch.setattr(task.processes, "start", lambda argv, **_: SimpleNamespace(wait=stopped))
    with pytest.raises(InterruptedWith) as interrupted:
        run(task, "primary-crash")
    assert interrupted.value.results.verdict is Verdict.INVALID


@pytest.mark.parametrize("verdict", Verdict)
def test_only_an_end_that_is_worse_than_the_results_changes_them(verdict: Verdict) -> None:
    shown = result(verdict)
    expected = {0: verdict, 1: Verdict.FAIL, 3: worst([verdict, Verdict.INVALID]), 137: Verdict.FAIL}
    for status, then in expected.items():
        found = as_ended("x", shown, status=status)
        assert found.verdict is then
        assert (found == shown) is (then is verdict)
    assert as_ended("x", shown, status=4).figures["residue"] == 1
    assert as_ended("x", result(verdict, residue=3), status=4).figures["residue"] == 3


def test_all_once_has_no_folders_within_folders(drilled: Drilled, task: Task) -> None:
    found = run(task, ALL)
    assert [RunFolder(path=task.folder.path / c).read_results().children for c in found.children] == [
        ()
    ] * len(NAMES)


def test_what_one_drill_leaves_ends_them_all(drilled: Drilled, task: Task) -> None:
    drilled.trouble[NAMES[1]] = result(Verdict.FAIL, residue=2)
    found = run(task, ALL, repeat=2)
    assert drilled.ran == [NAMES[0], NAMES[0], NAMES[1]]
    assert found.verdict is Verdict.FAIL
    assert found.exit_code == ExitCode.RESIDUE
    assert found.figures["residue"] == 2


def test_a_drill_that_cannot_be_run_does_not_keep_the_others_from_running(
    drilled: Drilled, task: Task
) -> None:
    drilled.trouble[NAMES[2]] = CommandError("no results; it says: nothing", code=ExitCode.INVALID)
    found = run(task, ALL)
    assert drilled.ran == list(NAMES)
    assert found.verdict is Verdict.INVALID
    assert found.reasons == (f"3-drill-{NAMES[2]}: no results; it says: nothing",)


def test_the_worst_verdict_wins_and_says_which_drill(drilled: Drilled, task: Task) -> None:
    drilled.trouble["asymmetric-cut"] = result(Verdict.FAIL, residue=0)
    found = run(task, ALL)
    assert found.verdict is Verdict.FAIL
    assert any(reason.endswith("so it was") and "asymmetric-cut" in reason for reason in found.reasons)


@pytest.mark.parametrize("name", ["primary-crush", "", "ALL"])
def test_unknown_names_are_refused_and_nothing_runs(name: str, drilled: Drilled, task: Task) -> None:
    with pytest.raises(CommandError, match=r"primary-crash, .*, all"):
        run(task, name)
    assert drilled.ran == []


def test_repeats_are_judged_by_their_percentiles(drilled: Drilled, task: Task) -> None:
    # 100 ms longer each time: the 19th of 20 is within 3 s, the 20th within 5 s.
    assert run(task, "primary-crash", repeat=20).verdict is Verdict.PASS
    assert drilled.ran == ["primary-crash"] * 20


def test_a_p95_that_is_missed_fails_although_each_run_passed(drilled: Drilled, task: Task) -> None:
    drilled.trouble["primary-crash"] = result(
        rto_ms=4000.0, acknowledged_doubled=0, two_primaries_seen=0, residue=0, lost_window_ms=10.0
    )
    found = run(task, "primary-crash", repeat=20)
    assert found.verdict is Verdict.FAIL
    assert any("RTO p95 over the repeats: 4,000 ms; promised: at most 3,000 ms" in r for r in found.reasons)


def test_a_switchover_with_an_error_fails_over_its_repeats(drilled: Drilled, task: Task) -> None:
    drilled.trouble["switchover-under-load"] = result(
        rto_ms=400.0,
        acknowledged_lost=0,
        acknowledged_doubled=0,
        two_primaries_seen=0,
        residue=0,
        errors=1,
    )
    assert run(task, "switchover-under-load", repeat=2).verdict is Verdict.FAIL


def test_the_figures_of_repeats() -> None:
    done = [result(rto_ms=float(ms), rto_fence_ms=ms / 10, lost_window_ms=ms / 5) for ms in range(1, 101)]
    figures = over_repeats(done)
    assert (figures["rto_ms_p50"], figures["rto_ms_p95"], figures["rto_ms_max"]) == (50, 95, 100)
    assert (figures["rto_fence_ms_p50"], figures["rto_fence_ms_max"]) == (5, 10)
    assert figures["lost_window_ms_p99"] == pytest.approx(19.8)
    assert "rto_detect_ms_p50" not in figures
    assert "errors" not in figures
    assert over_drills([("a-b", result(repeats=2, rto_ms_max=7))]) == {
        "drills": 1,
        "repeats": 2,
        "rto_ms_max": 7,
        "a_b_rto_ms_max": 7,
    }


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 2), (0.95, 4), (1.0, 4)])
def test_percentiles_are_values_that_were_seen(share: float, expected: float) -> None:
    assert nearest_rank([4, 1, 3, 2], 100 * share) == expected


@pytest.mark.parametrize("table", [outcome_table, parts_table])
def test_tables_name_every_drill_within_eighty_columns(
    table: Callable[[list[tuple[str, Results]]], object],
) -> None:
    out = io.StringIO()
    done = [(name, result(Verdict.INVALID, repeats=20, rto_ms_p50=15_000.4, errors=10_000)) for name in NAMES]
    RichConsole(file=out, width=80).print(table(done))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(len(line) for line in lines) <= 80
    for name in NAMES:
        assert any(line.startswith(name) for line in lines), out.getvalue()
