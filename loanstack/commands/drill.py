"""`drill`: `python -m chaos` as a subprocess: one drill or all of them, once or several times."""

import sys
from dataclasses import dataclass, replace

from chaos.catalogue import drills as catalogue
from chaos.engine.heal import lock_beside, record_path
from chaos.engine.judgement import objectives_of, over_repeats_of
from chaos.engine.only_one import HEALS_WITHIN_S, DrillNotEndedError, stop_running
from chaos.engine.steady import STEADY_WITHIN_S
from inventory.drill_slo import NoObjectivesError
from inventory.model import Environment
from loanstack.commands.seed import seed
from loanstack.results.drills import as_ended, outcome_table, over_drills, over_repeats, parts_table, together
from loanstack.results.ended import Ended, write_ended
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, InterruptedWith, Task, tail
from proof import promised
from proof.exits import ExitCode, verdict_of_exit
from proof.objectives import Objective

ALL = "all"
"""In place of a drill's name: every drill of the catalogue, in its order."""

TIMEOUT_S = 900.0


@dataclass(frozen=True, kw_only=True)
class DrillParameters:
    """The parameters of each run of a drill."""

    rate_per_s: float
    """Writes a second during the drill."""
    steady_within_s: float = STEADY_WITHIN_S
    """How long to wait until the hypothesis holds."""


def stop(env: Environment) -> int | None:
    """End the drill of `env` that runs, and wait until it has healed; returns its process, None if none ran.

    Raises:
        CommandError: the drill still runs.
    """
    try:
        return stop_running(lock_beside(record_path(env)), within_s=HEALS_WITHIN_S)
    except DrillNotEndedError as slow:
        raise CommandError(str(slow), code=ExitCode.RESIDUE) from None


def known_drills(env: Environment) -> dict[str, str]:
    """Return {name: title} of the drills of an environment, in the order in which they run."""
    return {drill.name: drill.title for drill in catalogue.drills(env).values()}


def drill(task: Task, name: str, asked: DrillParameters, *, repeat: int) -> Results:
    """Run the drill `name`, `repeat` times, and return the results.

    Raises:
        CommandError: there is no such drill, or the drill could not be run.
    """
    known = known_drills(task.env)
    if name == ALL:
        return _all(task, tuple(known), asked, repeat=repeat)
    if name not in known:
        raise CommandError(f"no drill {name!r}; known: {', '.join((*known, ALL))}")
    try:
        alone = objectives_of(task.env, catalogue.drills(task.env)[name])
    except NoObjectivesError as missing:
        raise CommandError(f"environment {task.env.name}: {missing}") from None
    if repeat == 1:
        return _once(task, name, asked, alone)
    judged_by = over_repeats_of(task.env, catalogue.drills(task.env)[name], repeats=repeat)
    task.begin(judged_by)
    done: list[Results] = []
    folders: list[str] = []
    for number in range(1, repeat + 1):
        folder = f"{number}-{name}"
        part = task.part(folder, drill=name, rate=asked.rate_per_s)
        task.console.say(f"{name}: {number} of {repeat}")
        with task.step(folder):
            done.append(_once(part, name, asked, alone))
        folders.append(folder)
        if done[-1].figures.get("residue", 0):
            break
    results = together(done, folders, over_repeats(done), judged_by)
    return task.end(results)


def _all(task: Task, names: tuple[str, ...], asked: DrillParameters, *, repeat: int) -> Results:
    """Run every drill and print tables of the outcomes; stop after a drill that leaves residue."""
    judged_by = promised.of_all_drills(task.env.drill_slo)
    task.begin(judged_by)
    done: list[tuple[str, Results]] = []
    folders: list[str] = []
    for number, name in enumerate(names, start=1):
        folder = f"{number}-drill-{name}"
        task.console.say(f"{name} ({number} of {len(names)})")
        with task.step(folder):
            part = task.part(folder, drill=name, repeat=repeat, rate=asked.rate_per_s)
            try:
                results = drill(part, name, asked, repeat=repeat)
            except CommandError as failed:
                if failed.code is not ExitCode.INVALID:
                    raise
                # A drill that could not be run does not stop the next one.
                results = part.end(_unfinished(part, str(failed)))
        done.append((name, results))
        folders.append(folder)
        if results.figures.get("residue", 0):
            task.console.say(f"{name} left residue behind: the other drills would prove nothing")
            break
    for table in (outcome_table(done), parts_table(done)):
        task.console.table(table)
    results = together([each for _, each in done], folders, over_drills(done), judged_by)
    return task.end(results)


def _unfinished(task: Task, why: str) -> Results:
    verdict = verdict_of_exit(ExitCode.INVALID)
    return Results(verb="drill", environment=task.env.name, verdict=verdict, reasons=(why,))


def _once(task: Task, name: str, asked: DrillParameters, judged_by: tuple[Objective, ...]) -> Results:
    task.begin(judged_by)
    seed(task)
    folder = task.folder.path
    argv = [sys.executable, "-m", "chaos", "run", task.env.name, name]
    options = ["--run-folder", str(folder), "--rate", f"{asked.rate_per_s:g}"]
    options += ["--steady-within", f"{asked.steady_within_s:g}"]
    with task.step(name):
        done = task.processes.start(
            [*argv, *options],
            log=task.log("drill"),
            on_line=task.console.note,
            grace_s=HEALS_WITHIN_S,
        ).wait(TIMEOUT_S)
    write_ended(task.folder, Ended(status=done.returncode, seconds=round(done.seconds, 3)))
    if not (folder / "results.json").exists() or done.returncode == ExitCode.USAGE:
        said = tail(task.log("drill"))
        problem = f"drill {name} ended with status {done.returncode} and no results; it says:\n{said}"
        raise CommandError(problem, code=ExitCode.INVALID)
    results = as_ended(name, task.folder.read_results(), status=done.returncode)
    if done.returncode == ExitCode.INTERRUPTED:
        # A person ended the drill (`loanstack drill stop`), so the drills after it are left out too.
        raise InterruptedWith(results)
    # The drill's own steps replace our single step, because they say more.
    task.steps[-1:] = results.steps
    results = replace(results, figures={**over_repeats([results]), **results.figures})
    return task.end(results)
