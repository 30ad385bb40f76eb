"""`prove`: lab up, deploy twice, verify, load, drills, lab down; one verdict and one report.

If the inventory allows choosing the durability, both are proved. First the load and one crash run under
`local`, and missing writes are listed. Then a deploy switches, and all drills run under `cross_centre`,
where no write may be missing.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.markup import escape
from rich.table import Table

from inventory.availability import Durability
from loanstack.commands import durability
from loanstack.commands.deploy import deploy
from loanstack.commands.drill import DrillParameters, drill
from loanstack.commands.load import LoadParameters, load
from loanstack.commands.seed import seeding
from loanstack.commands.steps import Done, Planned, StepOutcome, findings, go_through
from loanstack.commands.verify import verify
from loanstack.results.whole import figures_of, part_name
from loanstack.runs.console import COLOUR_OF
from loanstack.runs.folder import Results, Step
from loanstack.runs.task import CommandError, Task, tail
from processes.child import CommandTimeoutError
from proof import promised
from proof.exits import ExitCode, verdict_of_exit
from proof.titles import number
from proof.verdict import Verdict, overall

LAB_UP_TIMEOUT_S = 1500.0
LAB_DOWN_TIMEOUT_S = 120.0
DRILLS = ("primary-crash", "primary-host-poweroff", "switchover-under-load")
"""Drills of a proof, which must take minutes only; `loanstack drill ENV all` runs every drill."""
_FIRST_DRILLS = ("primary-crash",)
"""Drills under the first durability, if both are proved."""
Work = tuple[str, tuple[str, ...], Callable[[Task], Results], dict[str, object]]
"""Name, names of the steps it needs, function that does it, and parameters that the report shows."""


def prove(task: Task, asked: LoadParameters, *, keep: bool) -> Results:
    """Run all steps and return one verdict over them.

    + keep: leave the lab up at the end

    Raises:
        CommandError: the lab refuses to come up (usage, preflight): nothing was proved or changed.
    """
    task.begin(())
    steps = _steps(task, asked)
    try:
        finished = go_through(steps, before=lambda step: _announce(task, step), after=lambda d: _say(task, d))
    except BaseException:
        task.console.say("ending the running step; a drill heals what it broke first, and needs the lab")
        task.processes.end_all()
        raise
    finally:
        # Also after Ctrl-C: nothing may be left running.
        down = None if keep or not task.env.is_lab else _lab(task, "down", LAB_DOWN_TIMEOUT_S)
    if down is not None and down.verdict is not Verdict.PASS:
        step = Planned(name="lab down", run=lambda: down)
        finished.append(Done(step=step, outcome=down, seconds=0.0))
    results = whole(finished, environment=task.env.name)
    task.steps.extend(Step(name=done.step.name, seconds=done.seconds) for done in finished if done.ran)
    task.console.table(table(finished))
    *_, last = durability.to_prove(task)
    if keep and task.env.durability_variable is not None and last is not task.env.failover.durability:
        task.console.say(
            f"{task.env.name} is left with durability {last}: for what comes next, set"
            f" {task.env.durability_variable}={last}, or go back with: loanstack deploy {task.env.name}"
        )
    return task.end(results)


def whole(finished: Sequence[Done], *, environment: str) -> Results:
    """Return the results over all steps: the worst verdict and the main figures."""
    parts = {
        part_name(done.step.folder): done.outcome.results
        for done in finished
        if done.outcome.results is not None and done.step.folder is not None
    }
    figures = {"prove_s": round(sum(done.seconds for done in finished), 1), **figures_of(parts)}
    verdict, reasons = overall(findings(finished))
    return Results(
        verb="prove",
        environment=environment,
        verdict=verdict,
        reasons=reasons,
        figures=figures,
        children=tuple(
            done.step.folder
            for done in finished
            if done.outcome.results is not None and done.step.folder is not None
        ),
    )


def _steps(task: Task, asked: LoadParameters) -> list[Planned]:
    slo = task.env.deploy_slo
    first_durability, *others = durability.to_prove(task)
    first, second = promised.of_first_deploy(slo), promised.of_second_deploy(slo)
    up = ("lab up",) if task.env.is_lab else ()
    parameters: dict[str, object] = {
        "scenario": asked.scenario,
        "rate": asked.mean_per_s,
        "duration_s": asked.duration_s,
    }
    works: list[Work] = [
        ("deploy", up, lambda part: deploy(part, judged_by=first), {}),
        ("deploy again", ("deploy",), lambda part: deploy(part, judged_by=second), {}),
        ("verify", ("deploy",), _verify_while_seeding, {}),
        ("load", ("deploy",), lambda part: load(part, asked), parameters),
    ]
    works = [(name, needs, _under(first_durability, work), asks) for name, needs, work, asks in works]
    works += _drills(task, _FIRST_DRILLS if others else DRILLS, first_durability, after=("deploy", "load"))
    for other in others:
        needs, switch = tuple(name for name, *_ in works if name.startswith("drill")), f"deploy {other}"
        works.append((switch, needs, _under(other, _switch), {"durability": other}))
        works += _drills(task, DRILLS, other, after=(switch,), told=f" {other}")
    lab = [
        Planned(name="lab down first", run=lambda: _lab(task, "down", LAB_DOWN_TIMEOUT_S)),
        Planned(name="lab up", run=lambda: _lab_up(task), needs=("lab down first",)),
    ]
    return [
        *(lab if task.env.is_lab else ()),
        *(_part(task, number, *work) for number, work in enumerate(works, start=1)),
    ]


def _verify_while_seeding(part: Task) -> Results:
    # The load needs the customers next; seeding them during the host tests saves that time.
    with seeding(part) as seeded:
        results = verify(part)
    return part.end(replace(results, figures={**results.figures, **seeded}))


def _drills(
    task: Task, names: Sequence[str], mode: Durability, *, after: tuple[str, ...], told: str = ""
) -> list[Work]:
    """Return drills in a row, each of which needs all before it; + told: suffix of the steps' names."""
    rate_per_s = task.env.prove_pace.drill_per_s
    found: list[Work] = []
    for name in names:
        asks = {"drill": name, "rate": rate_per_s, "durability": mode}
        step, work = f"drill {name}{told}", _drill_work(name, rate_per_s)
        found.append((step, after, _under(mode, work), asks))
        after = (*after, step)
    return found


def _switch(part: Task) -> Results:
    return deploy(part, judged_by=(promised.NO_HOST_FAILED,))


def _drill_work(name: str, rate_per_s: float) -> Callable[[Task], Results]:
    return lambda part: drill(part, name, DrillParameters(rate_per_s=rate_per_s), repeat=1)


def _under(mode: Durability, work: Callable[[Task], Results]) -> Callable[[Task], Results]:
    def run(part: Task) -> Results:
        with durability.under(part, mode) as switched:
            return work(switched)

    return run


def _part(
    task: Task,
    number_: int,
    name: str,
    needs: tuple[str, ...],
    work: Callable[[Task], Results],
    parameters: dict[str, object],
) -> Planned:
    folder = f"{number_}-{name.replace(' ', '-')}"

    def run() -> StepOutcome:
        part = task.part(folder, **parameters)
        try:
            results = work(part)
        except (CommandError, CommandTimeoutError) as failed:
            verdict = Verdict.INVALID if getattr(failed, "code", 1) == ExitCode.INVALID else Verdict.FAIL
            verb = name.split()[0]
            why = (str(failed),)
            results = Results(verb=verb, environment=task.env.name, verdict=verdict, reasons=why)
            return StepOutcome(verdict=verdict, reasons=why, usable=False, results=part.end(results))
        broken = results.figures.get("hosts_failed", 0) or results.figures.get("residue", 0)
        return StepOutcome(
            verdict=results.verdict, reasons=results.reasons, usable=not broken, results=results
        )

    return Planned(name=name, run=run, needs=needs, folder=folder)


def _lab_up(task: Task) -> StepOutcome:
    outcome = _lab(task, "up", LAB_UP_TIMEOUT_S)
    if outcome.usable:
        # `lab up` fills the depot. Write the context again: the inventory now knows the artifacts' hashes.
        task.begin(())
    return outcome


def _lab(task: Task, verb: str, timeout_s: float) -> StepOutcome:
    log = task.log(f"lab-{verb}")
    try:
        done = task.processes.start(
            [sys.executable, "-m", "lab", verb],
            log=log,
            on_line=task.console.say,
            grace_s=60.0,
        ).wait(timeout_s)
    except CommandTimeoutError as late:
        return StepOutcome(verdict=Verdict.FAIL, reasons=(str(late),), usable=False)
    if done.returncode == ExitCode.USAGE:
        raise CommandError(f"the lab cannot come up here:\n{tail(log)}")
    verdict = verdict_of_exit(done.returncode)
    why = () if verdict is Verdict.PASS else (f"lab {verb} ended with status {done.returncode}; see {log}",)
    return StepOutcome(verdict=verdict, reasons=why, usable=verdict is Verdict.PASS)


def table(finished: Sequence[Done]) -> Table:
    """Return the table at the end of the command: one row for each step; fits 80 columns."""
    shown = Table("step", "verdict", "seconds", "figures", box=None, pad_edge=False)
    shown.columns[2].justify = "right"
    for done in finished:
        verdict = done.outcome.verdict
        word = f"[{COLOUR_OF[verdict]}]{verdict.value}[/]" if done.ran else "[yellow]left out[/]"
        shown.add_row(escape(done.step.name), word, number(round(done.seconds, 1)), _key_figures(done))
    return shown


def _key_figures(done: Done) -> str:
    found = done.outcome.results
    if found is None:
        return ""
    figures = found.figures
    words = {
        "operations_changed": "{} changed",
        "tests_passed": "{} passed",
        "tests_failed": "{} failed",
        "tps_acknowledged": "{}/s",
        "latency_p99_ms": "p99 {} ms",
        "standby_lag_p99_ms": "lag {} ms",
        "rto_ms_max": "RTO {} ms",
        "acknowledged_lost": "{} missing",
    }
    return ", ".join(
        text.format(number(round(figures[name], 0 if figures[name] >= 100 else 1)))
        for name, text in words.items()
        if name in figures
    )


def _announce(task: Task, step: Planned) -> None:
    task.console.say(f"== {step.name}")


def _say(task: Task, done: Done) -> None:
    if not done.ran:
        task.console.say(f"   left out: {'; '.join(done.outcome.reasons)}")
        return
    task.console.say(f"   {done.outcome.verdict.value} after {done.seconds:.1f} s")
    for reason in done.outcome.reasons[:10]:
        task.console.say(f"   - {reason}")
