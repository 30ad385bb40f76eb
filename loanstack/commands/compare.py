"""`compare`: the same load on OceanBase and on MariaDB, in turns, on the same hosts."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from chaos.system.world import WorldError
from inventory.database_kind import DatabaseKind
from loanstack.capacity.cool_down import cool_down
from loanstack.commands.capacity import CapacityParameters, find_capacity
from loanstack.commands.deploy import deploy
from loanstack.commands.load import LoadParameters, load
from loanstack.commands.seed import seed
from loanstack.measure.cpu_breakdown import DATABASES
from loanstack.results import comparison
from loanstack.results.comparison import COMPARED, COMPARISON_FILE, NAMES, OURS, PEER, Ran, Row
from loanstack.runs.folder import FINDINGS_FILE, Results
from loanstack.runs.task import CommandError, InterruptedWith, Task
from loanstack.system import semi_sync
from processes.child import CommandTimeoutError
from proof.exits import ExitCode
from proof.titles import number, title
from proof.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class CompareParameters:
    """The parameters that a comparison was asked for."""

    load: LoadParameters
    rounds: int
    capacity: CapacityParameters | None = None
    """Search the capacity of each database instead of driving one load at a fixed rate."""


def compare(task: Task, asked: CompareParameters) -> Results:
    """Drive the same load on OceanBase and on MariaDB, in turns, and return their ratios.

    The services are put back on OceanBase at the end, also after Ctrl-C.

    Raises:
        CommandError: one of the two could not be deployed, or a load was refused.
        InterruptedWith: Ctrl-C; holds the results so far.
    """
    task.begin(())
    done: list[Ran] = []
    try:
        for number_ in range(1, asked.rounds + 1):
            for kind in (OURS, PEER):
                done.append(_turn(task, asked, kind, round_=number_, place=2 * len(done) + 1))
                _say(task, done[-1])
                _save(task, done)
    except KeyboardInterrupt:
        task.processes.end_all()
        raise InterruptedWith(_conclude(task, asked, done)) from None
    finally:
        _put_back(task)
    return task.end(_conclude(task, asked, done))


def _turn(task: Task, asked: CompareParameters, kind: DatabaseKind, *, round_: int, place: int) -> Ran:
    """Switch the services to database `kind`, wait until it is at rest, and drive the load."""
    task.console.say(f"== round {round_} of {asked.rounds}: {NAMES[kind]}")
    _switch(task, kind, f"{place}-deploy-{kind}")
    with task.step(f"{place}-seed-{kind}"):
        # Seed before the load waits for rest: new rows are still being written and replayed for a while.
        seed(task)
        try:
            cool_down(task.env, kind)
        except WorldError as restless:
            raise CommandError(f"{NAMES[kind]}: {restless}", code=ExitCode.INVALID) from None
    folder = f"{place + 1}-load-{kind}"
    how = replace(asked.load, database=kind)
    with task.step(folder):
        return _load(task, how, asked.capacity, round_=round_, folder=folder)


def _load(
    task: Task, asked: LoadParameters, capacity: CapacityParameters | None, *, round_: int, folder: str
) -> Ran:
    kind = asked.database
    part = task.part(folder, scenario=asked.scenario, database=kind.value, round=round_)
    work: Callable[[], Results] = (
        (lambda: load(part, asked)) if capacity is None else (lambda: find_capacity(part, asked, capacity))
    )
    before = semi_sync.unacknowledged(task.env) if kind is PEER else 0
    try:
        results = work()
    except (CommandError, CommandTimeoutError) as failed:
        if getattr(failed, "code", ExitCode.INVALID) is not ExitCode.INVALID:
            raise
        results = part.end(
            Results(verb="load", environment=task.env.name, verdict=Verdict.INVALID, reasons=(str(failed),))
        )
    verdict, reasons = results.verdict, results.reasons
    after = semi_sync.unacknowledged(task.env) if kind is PEER else 0
    if before is None or after is None or after > before:
        verdict = Verdict.INVALID
        count = "an unknown number of" if before is None or after is None else f"{after - before}"
        reasons = (f"{count} commits were answered without the replica's acknowledgement", *reasons)
    return Ran(
        database=kind,
        round=round_,
        folder=folder,
        verdict=verdict,
        is_exact=_is_exact(part.folder.path),
        reasons=reasons,
        figures=_figures(part, results),
    )


def _is_exact(folder: Path) -> bool:
    """Say whether all checkers of the run and of its probes found money and writes right."""
    found = [json.loads(path.read_text()) for path in folder.glob(f"**/{FINDINGS_FILE}")]
    return all(finding["verdict"] != Verdict.FAIL for findings in found for finding in findings)


def _figures(part: Task, results: Results) -> dict[str, float]:
    found = dict(results.figures)
    if "capacity_tps" not in found and "capacity_tps_low" in found:
        found["capacity_tps"] = found["capacity_tps_low"]
    usage = part.folder.read_json("hosts.json") or {}
    spent = [row["cpu_ms_per_transaction"] for row in usage.get("rows", ()) if row["unit"] in DATABASES]
    if spent:
        found["cpu_ms_per_transaction_databases"] = round(sum(spent), 4)
    return {name: found[name] for name in COMPARED if name in found}


def _switch(task: Task, kind: DatabaseKind, folder: str) -> None:
    part = task.part(folder, database=kind.value)
    with task.step(folder):
        results = deploy(part, database=kind)
    if results.verdict is not Verdict.PASS:
        why = "; ".join(results.reasons)
        raise CommandError(f"{NAMES[kind]} could not be deployed: {why}", code=ExitCode.INVALID)


def _put_back(task: Task) -> None:
    remedy = f"if this is broken off: loanstack deploy {task.env.name}"
    task.console.say(f"== putting the services back on {NAMES[OURS]} ({remedy})")
    _switch(task, OURS, f"last-deploy-{OURS}")


def _save(task: Task, done: Sequence[Ran]) -> tuple[Row, ...]:
    rows = comparison.compare(done)
    lines = comparison.summary(rows, done)
    task.folder.write_json(COMPARISON_FILE, comparison.as_json(rows, done, lines))
    return rows


def _conclude(task: Task, asked: CompareParameters, done: Sequence[Ran]) -> Results:
    """Conclude from the runs; save, print and return the results."""
    rows = _save(task, done)
    verdict, reasons = comparison.judge(done, rounds=asked.rounds)
    figures = {name: value for row in rows for name, value in row.figures.items()}
    if rows:
        figures |= {"claimed_ratio": comparison.CLAIMED_RATIO, "rounds": max(row.rounds for row in rows)}
        task.console.table(table(rows))
    for line in comparison.summary(rows, done):
        task.console.say(line)
    return Results(
        verb="compare",
        environment=task.env.name,
        verdict=verdict,
        reasons=reasons,
        figures=figures,
        children=tuple(one.folder for one in done),
    )


def table(rows: Sequence[Row]) -> Table:
    """Return one row for each figure: both databases and their ratio; fits 80 columns."""
    shown = Table("", NAMES[OURS], NAMES[PEER], "ratio", "spread", box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in rows:
        spread = f"{row.least:.2f} to {row.most:.2f}"
        shown.add_row(
            title(row.figure),
            number(round(row.ours, 2)),
            number(round(row.peer, 2)),
            f"{row.ratio:.2f}",
            spread,
        )
    return shown


def _say(task: Task, one: Ran) -> None:
    exact = "" if one.is_exact else ", money or writes NOT exact"
    task.console.say(f"   {one.verdict.value}{exact}")
    for reason in one.reasons[:10]:
        task.console.say(f"   - {reason}")
