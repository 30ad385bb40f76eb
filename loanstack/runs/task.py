"""What the code of one verb works with: environment, run folder, child processes and console."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from inventory import InventoryError, environment, places, secrets
from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from inventory.purpose import CONSENT_VARIABLE, Action, ConsentNeededError, NotAllowedError
from lab import state
from lab.errors import LabError
from loanstack.runs import context, junit, secrecy
from loanstack.runs.console import Console
from loanstack.runs.folder import (
    CONTEXT_FILE,
    FINDINGS_FILE,
    Results,
    RunFolder,
    Step,
)
from processes.group import Processes
from proof import objectives
from proof.exits import ExitCode
from proof.objectives import OBJECTIVES_FILE, Objective
from proof.verdict import Finding, Verdict, failed

RUNS_DIR = PROJECT_ROOT / "runs"
SECRETS = "secrets"
"""Name of the finding about secrets in files of the run; the secrets are overwritten there."""
LISTED_MAX = 500
"""Rows of a finding that findings.json keeps; the finding's count says how many there were."""


class CommandError(Exception):
    """A command cannot go on; the message says what is wrong, where, and what to do."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.USAGE) -> None:
        self.code = code
        super().__init__(message)


class InterruptedWith(KeyboardInterrupt):
    """Ctrl-C during work that already has results."""

    def __init__(self, results: Results) -> None:
        self.results = results
        super().__init__()


@dataclass(kw_only=True)
class Task:
    """Environment, run folder, child processes and console of one verb."""

    env: Environment
    folder: RunFolder
    processes: Processes
    console: Console
    parameters: Mapping[str, object] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a part of the work, show that it is in progress, and note it in the timeline."""
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
        """Return a task for a part of this one, with a folder inside this task's folder."""
        return replace(self, folder=self.folder.child(name), steps=[], parameters=parameters)

    def begin(self, judged_by: Sequence[Objective]) -> None:
        """Write the context and the objectives of the run, before its work starts."""
        command = ["loanstack", *sys.argv[1:]]
        found = context.context(self.env, parameters=self.parameters, command=command)
        self.folder.write_json(CONTEXT_FILE, found)
        self.folder.write_json(OBJECTIVES_FILE, objectives.to_list(judged_by))

    def save_findings(self, findings: Sequence[Finding]) -> None:
        """Write the checkers' findings."""
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
        CommandError: there is no such environment, or its inventory is wrong; lists all problems.
    """
    try:
        return environment(name)
    except (KeyError, InventoryError) as wrong:
        raise CommandError(str(wrong.args[0])) from None


def require_allowed(env: Environment, actions: Sequence[Action]) -> None:
    """Check that `env` allows `actions`; at a terminal, ask for the name of a rehearsal environment.

    Raises:
        CommandError: an action is not allowed.
    """
    try:
        env.require_allowed(*actions)
    except ConsentNeededError as needed:
        if not sys.stdin.isatty():
            raise CommandError(str(needed)) from None
        click.echo(str(needed), err=True)
        if click.prompt("Name of the environment", err=True) != env.name:
            raise CommandError("another name was typed; nothing was contacted") from None
        # The programs that this one starts do not ask again.
        os.environ[CONSENT_VARIABLE] = env.name
    except NotAllowedError as refused:
        raise CommandError(str(refused)) from None


def require_reachable(env: Environment) -> None:
    """Check that the control machine has the files it needs to reach `env`, and that a lab is up.

    Raises:
        CommandError: the SSH key or the host keys are missing, or the lab is down.
    """
    for path in (env.ssh.key_file, env.ssh.known_hosts_file):
        if not path.exists():
            remedy = "run `loanstack lab up` first" if env.is_lab else "put it there"
            raise CommandError(f"environment {env.name}: {path} does not exist; {remedy}")
    # Without this, each connection to a lab that is down would fail only at its time limit.
    if env.is_lab and not _lab_runs():
        raise CommandError(f"environment {env.name}: the lab is not up; run `loanstack lab up` first")


def _lab_runs() -> bool:
    try:
        return state.of_running(places.lab_dir()) is not None
    except LabError as damaged:
        raise CommandError(str(damaged)) from None


def complete_secrets(env: Environment) -> None:
    """Generate the secrets that a secrets file of an earlier version lacks; do nothing if there is no file.

    Raises:
        CommandError: the secrets file cannot be trusted or read.
    """
    if not env.secrets_file.exists():
        return
    try:
        secrets.ensure(env.secrets_file, fences=env.fences)
    except secrets.SecretsError as wrong:
        raise CommandError(str(wrong)) from None


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def read_json(path: Path) -> object:
    """Return the JSON that a child printed into `path`, or None if it is missing or incomplete."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
