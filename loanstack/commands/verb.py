"""Runs one verb, from creating its run folder to its report and exit code."""

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from inventory.purpose import Action
from loanstack.report.page import write_report
from loanstack.runs.console import Console
from loanstack.runs.folder import (
    Results,
    RunFolderError,
    new_run,
)
from loanstack.runs.task import (
    RUNS_DIR,
    CommandError,
    InterruptedWith,
    Task,
    complete_secrets,
    find_environment,
    require_allowed,
    require_reachable,
)
from processes.child import CommandTimeoutError
from processes.group import Processes
from proof import objectives
from proof.exits import ExitCode
from proof.objectives import OBJECTIVES_FILE, Objective
from proof.titles import shown, title
from proof.verdict import Verdict


def run_verb(
    verb: str,
    env_name: str,
    work: Callable[[Task], Results],
    *,
    machine_readable: bool,
    parameters: Mapping[str, object] | None = None,
    needs_hosts: bool = True,
    actions: Sequence[Action] = (),
) -> ExitCode:
    """Make a run folder, run one verb in it, write its report, and return the exit code.

    + work: does the work of the verb, and returns its results through `Task.end`
    + parameters: parameters of the command line, for the report
    + needs_hosts: whether the environment's hosts must already exist
    + actions: actions of the verb that an environment may refuse
    """
    env = find_environment(env_name)
    require_allowed(env, actions)
    if needs_hosts:
        require_reachable(env)
    complete_secrets(env)
    console = Console(machine_readable=machine_readable)
    with Processes() as processes:
        task = Task(
            env=env,
            folder=new_run(RUNS_DIR, verb),
            processes=processes,
            console=console,
            parameters=parameters or {},
        )
        failed: CommandError | None = None
        try:
            results = work(task)
        except CommandError as error:
            failed = error
            verdict = Verdict.FAIL if error.code is ExitCode.FAIL else Verdict.INVALID
            results = task.end(_unfinished(task, verb, verdict, str(error)))
        except CommandTimeoutError as late:
            failed = CommandError(str(late), code=ExitCode.FAIL)
            results = task.end(_unfinished(task, verb, Verdict.FAIL, str(late)))
        except KeyboardInterrupt as stopped:
            processes.end_all()
            found = stopped.results if isinstance(stopped, InterruptedWith) else None
            results = task.end(found or _unfinished(task, verb, Verdict.INVALID, "interrupted"))
            _write_report(task)
            console.result(results, task.folder.path)
            raise
        _write_report(task)
    if failed is not None and failed.code is ExitCode.USAGE:
        raise failed
    judged_by = objectives.from_list(task.folder.read_json(OBJECTIVES_FILE) or ())
    if judged_by:
        console.table(objectives_table(judged_by, results.figures))
    console.result(results, task.folder.path)
    return failed.code if failed is not None else results.exit_code


def _write_report(task: Task) -> None:
    try:
        write_report(task.folder.path)
    except RunFolderError as damaged:
        task.console.say(f"no report could be made: {damaged}")


def objectives_table(judged_by: Sequence[Objective], figures: Mapping[str, float]) -> Table:
    """Return a table of each objective and its measured figure; fits 80 columns."""
    table = Table("promised", "limit", "measured", "", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    words = {True: "[green]kept[/]", False: "[bold red]broken[/]", None: "[yellow]not measured[/]"}
    for objective in judged_by:
        name = objective.figure
        measured = shown(name, figures[name]) if name in figures else ""
        table.add_row(title(name), str(objective), measured, words[objective.met_by(figures)])
    return table


def _unfinished(task: Task, verb: str, verdict: Verdict, why: str) -> Results:
    return Results(verb=verb, environment=task.env.name, verdict=verdict, reasons=(why,))
