"""One command at work: its environment, run folder, children and voice; and how it begins and ends."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
from rich.table import Table

from inventory import InventoryError, environment, secrets
from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from inventory.purpose import CONSENT_VARIABLE, Action, ConsentNeededError, NotAllowedError
from loanstack.report.page import write_report
from loanstack.runs import context, junit, secrecy
from loanstack.runs.console import Console
from loanstack.runs.folder import (
    CONTEXT_FILE,
    FINDINGS_FILE,
    Results,
    RunFolder,
    RunFolderError,
    Step,
    new_run,
)
from loanstack.runs.subprocesses import CommandTimeoutError, Processes
from proof import objectives
from proof.exits import ExitCode
from proof.objectives import Objective
from proof.titles import shown, title
from proof.verdict import Finding, Verdict, failed

OBJECTIVES_FILE = "objectives.json"
RUNS_DIR = PROJECT_ROOT / "runs"
SECRETS = "secrets"
"""The finding of secrets in files of the run; they are gone from there afterwards."""
LISTED_MAX = 500
"""Rows that a finding keeps in findings.json; its count says how many there were."""


class CommandError(Exception):
    """A command that cannot go on; the message says what, where and what to do."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.USAGE) -> None:
        self.code = code
        super().__init__(message)


class InterruptedWith(KeyboardInterrupt):
    """Ctrl-C during work that has found something already."""

    def __init__(self, results: Results) -> None:
        self.results = results
        super().__init__()


@dataclass(kw_only=True)
class Task:
    """What the code of one verb works with."""

    env: Environment
    folder: RunFolder
    processes: Processes
    console: Console
    parameters: Mapping[str, object] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a part of the work, say that it goes on, and note it in the timeline."""
        started = time.monotonic()
        self.folder.note("step", at_s=time.time(), detail=name)
        try:
            with self.console.doing(name):
                yield
        finally:
            self.steps.append(Step(name=name, seconds=round(time.monotonic() - started, 3)))

    def log(self, name: str) -> Path:
        """Return the path of a log file of this run."""
        return self.folder.path / f"{name}.log"

    def part(self, name: str, **parameters: object) -> "Task":
        """Return a task for a part of this one, in a folder inside this one's."""
        return replace(self, folder=self.folder.child(name), steps=[], parameters=parameters)

    def begin(self, judged_by: Sequence[Objective]) -> None:
        """Write what the run runs on, and what it will be judged by, before it starts."""
        command = ["loanstack", *sys.argv[1:]]
        found = context.context(self.env, parameters=self.parameters, command=command)
        self.folder.write_json(CONTEXT_FILE, found)
        self.folder.write_json(OBJECTIVES_FILE, objectives.to_list(judged_by))

    def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write what checkers found."""
        self.folder.write_json(FINDINGS_FILE, [f.as_json(listed_max=LISTED_MAX) for f in findings])

    def end(self, results: Results) -> Results:
        """Write the results and junit.xml, after making sure that no secret is in any file of the run."""
        leaks = secrecy.leaks(self.folder.path, self.env.secrets_file)
        if leaks:
            results = replace(results, verdict=Verdict.FAIL, reasons=(*results.reasons, *leaks))
            found = self.folder.read_json(FINDINGS_FILE) or []
            leaked = [each.as_json(listed_max=LISTED_MAX) for each in failed(SECRETS, leaks)]
            self.folder.write_json(FINDINGS_FILE, [*found, *leaked])
        results = replace(results, steps=tuple(self.steps))
        self.folder.write_results(results)
        if results.verb != "verify":
            findings = self.folder.read_json(FINDINGS_FILE) or ()
            judged_by = objectives.from_list(self.folder.read_json(OBJECTIVES_FILE) or ())
            junit.write(self.folder.path / "junit.xml", results, judged_by, findings)
        return results


def find_environment(name: str) -> Environment:
    """Return the environment called `name`.

    Raises:
        CommandError: there is none, or its inventory is wrong; lists all problems.
    """
    try:
        return environment(name)
    except (KeyError, InventoryError) as wrong:
        raise CommandError(str(wrong.args[0])) from None


def require_allowed(env: Environment, actions: Sequence[Action]) -> None:
    """Make sure that `actions` may be done to `env`; a rehearsal's name is asked for at a terminal.

    Raises:
        CommandError: they may not.
    """
    try:
        env.require_allowed(*actions)
    except ConsentNeededError as needed:
        if not sys.stdin.isatty():
            raise CommandError(str(needed)) from None
        click.echo(str(needed), err=True)
        if click.prompt("Name of the environment", err=True) != env.name:
            raise CommandError("another name was typed; nothing was contacted") from None
        # The programs that this one starts ask nobody again.
        os.environ[CONSENT_VARIABLE] = env.name
    except NotAllowedError as refused:
        raise CommandError(str(refused)) from None


def require_reachable(env: Environment) -> None:
    """Make sure that the control machine has what it needs to reach `env`.

    Raises:
        CommandError: the SSH key or the host keys are missing.
    """
    for path in (env.ssh.key_file, env.ssh.known_hosts_file):
        if not path.exists():
            remedy = "run `loanstack lab up` first" if env.is_lab else "put it there"
            raise CommandError(f"environment {env.name}: {path} does not exist; {remedy}")


def complete_secrets(env: Environment) -> None:
    """Generate the secrets that a file of an earlier version lacks; without a file there is nothing to do.

    Raises:
        CommandError: the file cannot be trusted or read.
    """
    if not env.secrets_file.exists():
        return
    try:
        secrets.ensure(env.secrets_file)
    except secrets.SecretsError as wrong:
        raise CommandError(str(wrong)) from None


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
    """Run one verb from its run folder to its report, and return the exit code.

    + work: does it, and returns its results through `Task.end`
    + parameters: what was asked for; shown in the report
    + needs_hosts: whether the environment's hosts must be there already
    + actions: what it does that an environment may refuse
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
            task.end(found or _unfinished(task, verb, Verdict.INVALID, "interrupted"))
            raise
        try:
            write_report(task.folder.path)
        except RunFolderError as damaged:
            console.say(f"no report could be made: {damaged}")
    if failed is not None and failed.code is ExitCode.USAGE:
        raise failed
    judged_by = objectives.from_list(task.folder.read_json(OBJECTIVES_FILE) or ())
    if judged_by:
        console.table(objectives_table(judged_by, results.figures))
    console.result(results, task.folder.path)
    return failed.code if failed is not None else results.exit_code


def objectives_table(judged_by: Sequence[Objective], figures: Mapping[str, float]) -> Table:
    """Return what was promised next to what was measured; fits 80 columns."""
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


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def read_json(path: Path) -> object:
    """Return the JSON that a child printed into `path`, or None if it printed none or half of one."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
