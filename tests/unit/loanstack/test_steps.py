"""`prove`: which steps run after one failed, and what they say together; with steps that do nothing."""

import io
import itertools
from collections.abc import Callable

import pytest
from rich.console import Console as RichConsole

from inventory.slo import DeploySlo, LoadSlo
from loanstack.commands.prove import table, whole
from loanstack.commands.steps import Done, Planned, StepOutcome, findings, go_through
from loanstack.commands.verb import objectives_table
from loanstack.results.drills import over_repeats, rto_over, together
from loanstack.runs.folder import Results
from proof import promised
from proof.verdict import Verdict, overall

PASS = StepOutcome(verdict=Verdict.PASS)


def results(verb: str, verdict: Verdict = Verdict.PASS, **figures: float) -> Results:
    return Results(verb=verb, environment="lab", verdict=verdict, figures=figures)


def step(name: str, outcome: StepOutcome = PASS, *needs: str, ran: list[str] | None = None) -> Planned:
    def run() -> StepOutcome:
        if ran is not None:
            ran.append(name)
        return outcome

    return Planned(name=name, run=run, needs=needs, folder=f"1-{name.replace(' ', '-')}")


def failing_deploy(*, usable: bool) -> StepOutcome:
    return StepOutcome(verdict=Verdict.FAIL, reasons=("ob-a: no space",), usable=usable)


def test_all_steps_run_in_order_when_all_succeed() -> None:
    ran: list[str] = []
    go_through(
        [step(name, PASS, *needs, ran=ran) for name, needs in (("a", ()), ("b", ("a",)), ("c", ("a", "b")))]
    )
    assert ran == ["a", "b", "c"]


def test_a_deploy_that_failed_stops_what_needs_it_and_nothing_else() -> None:
    ran: list[str] = []
    finished = go_through(
        [
            step("deploy", failing_deploy(usable=False), ran=ran),
            step("verify", PASS, "deploy", ran=ran),
            step("load", PASS, "deploy", ran=ran),
            step("elsewhere", PASS, ran=ran),
        ]
    )
    assert ran == ["deploy", "elsewhere"]
    assert [done.ran for done in finished] == [True, False, False, True]
    assert [done.outcome.verdict for done in finished][1:3] == [Verdict.INVALID, Verdict.INVALID]


def test_a_deploy_that_was_only_too_slow_stops_nothing() -> None:
    ran: list[str] = []
    go_through([step("deploy", failing_deploy(usable=True), ran=ran), step("load", PASS, "deploy", ran=ran)])
    assert ran == ["deploy", "load"]


def test_what_needs_a_step_that_was_left_out_is_left_out_too() -> None:
    finished = go_through(
        [step("up", failing_deploy(usable=False)), step("deploy", PASS, "up"), step("load", PASS, "deploy")]
    )
    assert [done.ran for done in finished] == [True, False, False]
    assert overall(findings(finished)).reasons == (
        "up: ob-a: no space",
        "deploy: left out: up did not succeed",
        "load: left out: deploy did not succeed",
    )


def test_a_need_that_never_was_a_step_is_not_met() -> None:
    (done,) = go_through([step("load", PASS, "deploy")])
    assert not done.ran


def test_steps_are_timed_and_told_about_as_they_begin_and_end() -> None:
    clock = itertools.count(100, 5)
    begun: list[str] = []
    ended: list[tuple[str, float]] = []
    go_through(
        [step("a"), step("b")],
        before=lambda planned: begun.append(planned.name),
        after=lambda done: ended.append((done.step.name, done.seconds)),
        clock=lambda: float(next(clock)),
    )
    assert begun == ["a", "b"]
    assert ended == [("a", 5.0), ("b", 5.0)]


def test_ctrl_c_in_a_step_is_not_swallowed() -> None:
    def interrupt() -> StepOutcome:
        raise KeyboardInterrupt

    ran: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        go_through([Planned(name="load", run=interrupt), step("drill", ran=ran)])
    assert ran == []


def finished_prove() -> list[Done]:
    load = results("load", tps_acknowledged=1000.4, latency_p99_ms=61.2, standby_lag_p99_ms=109.4, errors=0)
    crash = results("drill", rto_ms=1810.0, rto_ms_max=1810.0, acknowledged_lost=4, residue=0)
    poweroff = results(
        "drill", Verdict.FAIL, rto_ms=17_000.0, rto_ms_max=17_000.0, acknowledged_lost=3, residue=1
    )
    found: list[tuple[str, Results | None]] = [
        ("lab up", None),
        ("deploy", results("deploy", deploy_s=75.1, operations_changed=412)),
        ("deploy again", results("deploy", deploy_s=7.0, operations_changed=0)),
        ("verify", results("verify", tests_passed=1234, tests_failed=0)),
        ("load", load),
        ("drill primary-crash", crash),
        ("drill primary-host-poweroff", poweroff),
    ]
    return go_through(step(name, PASS if of is None else outcome_of(of)) for name, of in found)


def outcome_of(found: Results) -> StepOutcome:
    reasons = () if found.verdict is Verdict.PASS else ("too slow",)
    return StepOutcome(verdict=found.verdict, results=found, reasons=reasons)


def test_the_whole_is_the_worst_of_its_steps_and_carries_their_figures() -> None:
    found = whole(finished_prove(), environment="lab")
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("drill primary-host-poweroff: too slow",)
    assert found.figures["tps_acknowledged"] == 1000.4
    assert found.figures["first_deploy_s"] == 75.1
    assert found.figures["second_deploy_s"] == 7.0
    assert found.figures["second_operations_changed"] == 0
    assert found.figures["rto_ms_max"] == 17_000
    assert found.figures["acknowledged_lost_in_drills"] == 7
    assert found.exit_code == 4, "residue outranks the verdict"
    assert found.children == tuple(
        f"1-{name}"
        for name in (
            *(
                "deploy",
                "deploy-again",
                "verify",
                "load",
                "drill-primary-crash",
                "drill-primary-host-poweroff",
            ),
        )
    )


def test_the_table_of_verdicts_fits_eighty_columns() -> None:
    out = io.StringIO()
    RichConsole(file=out, width=80).print(table(finished_prove()))
    lines = out.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    for text in ("primary-host-poweroff", "FAIL", "1,000/s", "RTO 17,000 ms", "3 missing", "412 changed"):
        assert any(text in line for line in lines), out.getvalue()


def test_promises_next_to_what_was_measured_fit_eighty_columns() -> None:
    out = io.StringIO()
    judged_by = promised.of_load(LoadSlo(), DeploySlo(), rate_per_s=1000)
    figures = {"tps_acknowledged": 999.0, "latency_p99_ms": 61.2, "memory_mib_total": 3271.44}
    RichConsole(file=out, width=80).print(objectives_table(judged_by, figures))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(len(line) for line in lines) <= 80
    assert len(lines) == 1 + len(judged_by), out.getvalue()
    assert any("broken" in line and "at least 1,000" in line for line in lines)
    assert sum("not measured" in line for line in lines) == 8


REPEATED: list[tuple[Callable[[], list[Results]], Verdict, dict[str, float]]] = [
    (
        lambda: [results("drill", rto_ms=float(ms), acknowledged_lost=1, residue=0) for ms in range(1, 21)],
        Verdict.PASS,
        {
            "repeats": 20,
            "rto_ms_p50": 10,
            "rto_ms_p95": 19,
            "rto_ms_max": 20,
            "acknowledged_lost": 20,
            "residue": 0,
        },
    ),
    (
        lambda: [results("drill", rto_ms=9.0), results("drill", Verdict.INVALID)],
        Verdict.INVALID,
        {"repeats": 2, "rto_ms_p50": 9, "rto_ms_p95": 9, "rto_ms_max": 9},
    ),
    (lambda: [results("drill", Verdict.INVALID)], Verdict.INVALID, {"repeats": 1}),
]


@pytest.mark.parametrize(("runs", "verdict", "figures"), REPEATED)
def test_repeats_of_a_drill_add_up(
    runs: Callable[[], list[Results]], verdict: Verdict, figures: dict[str, float]
) -> None:
    done = runs()
    found = together(done, [f"{n}-x" for n in range(len(done))], over_repeats(done), ())
    assert found.verdict is verdict
    assert dict(found.figures) == figures


def test_a_percentile_of_one_is_that_one() -> None:
    assert rto_over([1810.0]) == {"rto_ms_p50": 1810.0, "rto_ms_p95": 1810.0, "rto_ms_max": 1810.0}
    assert rto_over([None]) == {}
