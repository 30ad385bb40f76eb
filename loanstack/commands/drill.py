"""`drill`: `python -m chaos` as a subprocess, once or several times, and what the repeats say together."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace

from chaos import drills as catalogue
from chaos.findings import Verdict, worst
from inventory.model import Environment
from loanstack import promises
from loanstack.commands.seed import seed
from loanstack.exits import ExitCode, verdict_of_exit
from loanstack.runs import Results, with_residue
from loanstack.task import CommandError, Task, tail

TIMEOUT_S = 600.0
HEAL_GRACE_S = 90.0
"""How long a drill that is interrupted may take to put things right."""


def known_drills(env: Environment) -> dict[str, str]:
    """Return {name: title} of the drills of an environment, in the order in which they run."""
    return {drill.name: drill.title for drill in catalogue.drills(env).values()}


def drill(task: Task, name: str, *, repeat: int, rate_per_s: float) -> Results:
    """Run the drill `name`, `repeat` times, and return what it showed.

    Raises:
        CommandError: there is no such drill, or it could not be run.
    """
    known = known_drills(task.env)
    if name not in known:
        raise CommandError(f"no drill {name!r}; known: {', '.join(known)}")
    if repeat == 1:
        return _once(task, name, rate_per_s)
    task.begin(promises.of_drill(task.env.drill_slo))
    done: list[Results] = []
    folders: list[str] = []
    for number in range(1, repeat + 1):
        folder = f"{number}-{name}"
        part = task.part(folder, drill=name, rate=rate_per_s)
        task.console.say(f"{name}: {number} of {repeat}")
        with task.step(folder):
            done.append(_once(part, name, rate_per_s))
        folders.append(folder)
        if done[-1].figures.get("residue", 0):
            break
    return task.end(together(done, folders))


def together(done: Sequence[Results], folders: Sequence[str]) -> Results:
    """Return the results of several runs of one drill as one: counts add up, of recovery times the worst."""
    figures = {"repeats": float(len(done)), **rto_over([one.figures.get("rto_ms") for one in done])}
    for name in ("acknowledged_lost", "acknowledged_doubled", "two_primaries_seen", "errors", "residue"):
        found = [one.figures[name] for one in done if name in one.figures]
        if found:
            figures[name] = sum(found)
    return Results(
        verb="drill",
        environment=done[0].environment,
        verdict=worst(one.verdict for one in done),
        reasons=tuple(
            f"{folder}: {reason}"
            for one, folder in zip(done, folders, strict=True)
            if one.verdict is not Verdict.PASS
            for reason in one.reasons
        ),
        figures=figures,
        children=tuple(folders),
    )


def rto_over(rto_ms: Sequence[float | None]) -> dict[str, float]:
    """Return the p95 (nearest rank) and the longest of the recovery times; nothing if none was measured."""
    known = sorted(ms for ms in rto_ms if ms is not None)
    if not known:
        return {}
    return {"rto_ms_p95": known[math.ceil(0.95 * len(known)) - 1], "rto_ms_max": known[-1]}


def _once(task: Task, name: str, rate_per_s: float) -> Results:
    task.begin(promises.of_drill(task.env.drill_slo))
    seed(task)
    folder = task.folder.path
    argv = [sys.executable, "-m", "chaos", "run", task.env.name, name]
    options = ["--run-folder", str(folder), "--rate", f"{rate_per_s:g}"]
    with task.step(name):
        done = task.processes.run(
            [*argv, *options],
            log=task.log("drill"),
            timeout_s=TIMEOUT_S,
            on_line=task.console.note,
            grace_s=HEAL_GRACE_S,
        )
    if not (folder / "results.json").exists() or done.returncode == ExitCode.USAGE:
        said = tail(task.log("drill"))
        problem = f"drill {name} ended with status {done.returncode} and no results; it says:\n{said}"
        raise CommandError(problem, code=ExitCode.INVALID)
    results = task.folder.read_results()
    # Its own steps say more than the one that stands for all of them here.
    task.steps[-1:] = results.steps
    results = replace(results, figures={**results.figures, **rto_over([results.figures.get("rto_ms")])})
    if done.returncode == ExitCode.RESIDUE and not results.figures.get("residue"):
        results = with_residue(results, 1)
    said = verdict_of_exit(done.returncode)
    if worst([said, results.verdict]) is not results.verdict:
        why = f"drill {name} ended with status {done.returncode}, which its results do not explain"
        results = replace(results, verdict=said, reasons=(*results.reasons, why))
    return task.end(results)
