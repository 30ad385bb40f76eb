"""`plan` and `deploy`: pyinfra as a subprocess, the deploy's own summary as the record."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from inventory.database_kind import DatabaseKind
from inventory.model import Environment
from loanstack.results import deploys
from loanstack.results.deploys import DeployOutcome
from loanstack.results.ended import Ended, write_ended
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task, read_json, tail
from processes.child import Completed
from proof import promised
from proof.objectives import Objective
from proof.verdict import Verdict

SUMMARY_VARIABLE = "LOANSTACK_DEPLOY_SUMMARY"
"""Environment variable with the path of the deploy's summary; see `deploys.summary`."""

TIMEOUT_S = 1800.0
"""Enough for many hosts over a slow line. The lab's deploy objective is shorter, and is judged afterwards."""


def deploy(
    task: Task,
    *,
    only: str | None = None,
    limit: str | None = None,
    judged_by: Sequence[Objective] = (promised.NO_HOST_FAILED,),
    database: DatabaseKind = DatabaseKind.OCEANBASE,
) -> Results:
    """Converge the hosts and return the results, with the number of changes.

    + only: one component; None: all
    + limit: one host; None: all
    + judged_by: objectives of this deploy
    + database: the database that the services use; the other one is stopped
    """
    task.begin(judged_by)
    hosts = limited_to(task.env, limit)
    summary = task.folder.path / deploys.SUMMARY_FILE
    with task.step("deploy"):
        done = _pyinfra(
            task, ["-y", *_narrowed(only, limit), *_serving(database)], env={SUMMARY_VARIABLE: str(summary)}
        )
    written = read_json(summary)
    found = deploys.of_summary(written if isinstance(written, dict) else None, hosts)
    figures = {**found.figures(), "deploy_s": round(done.seconds, 2)}
    write_ended(task.folder, Ended(status=done.returncode, seconds=figures["deploy_s"], hosts=tuple(hosts)))
    said = tail(task.log(deploys.LOG))
    verdict, reasons = deploys.judged(judged_by, figures, found, status=done.returncode, said=said)
    results = Results(
        verb="deploy", environment=task.env.name, verdict=verdict, reasons=reasons, figures=figures
    )
    task.console.table(_table(found))
    for change in found.few_changes:
        task.console.say(f"changed on {change}")
    return task.end(results)


def plan(task: Task, *, only: str | None = None, limit: str | None = None) -> Results:
    """Return what a deploy would change, without changing anything.

    Raises:
        CommandError: pyinfra could not look at the hosts.
    """
    task.begin(())
    with task.step("plan"):
        printed_to = task.folder.path / "pyinfra.json"
        done = _pyinfra(task, ["--json", "--dry", "--diff", *_narrowed(only, limit)], stdout=printed_to)
    printed = read_json(printed_to)
    if not isinstance(printed, dict) or done.returncode != 0:
        raise CommandError(f"the hosts could not be looked at; pyinfra says:\n{tail(task.log('pyinfra'))}")
    pending = deploys.pending(printed)
    task.folder.write_json("plan.json", list(pending))
    table = Table("host", "would change", box=None, pad_edge=False)
    for line in pending:
        table.add_row(*line.split(": ", 1))
    if pending:
        task.console.table(table)
    figures = {"operations_pending": len(pending), "operations_changed": 0, "plan_s": round(done.seconds, 2)}
    results = Results(
        verb="plan",
        environment=task.env.name,
        verdict=Verdict.PASS,
        reasons=(_pending_words(len(pending)),) if pending else (),
        figures=figures,
    )
    return task.end(results)


def _pending_words(count: int) -> str:
    return "1 change is pending" if count == 1 else f"{count} changes are pending"


def _narrowed(only: str | None, limit: str | None) -> list[str]:
    return [*(["--data", f"only={only}"] if only else []), *(["--limit", limit] if limit else [])]


def _serving(database: DatabaseKind) -> list[str]:
    return [] if database is DatabaseKind.OCEANBASE else ["--data", f"database={database.value}"]


def limited_to(env: Environment, limit: str | None) -> list[str]:
    """Return the name of the host `limit`, or the names of all hosts if it is None.

    Raises:
        CommandError: there is no such host.
    """
    names = [host.name for host in env.hosts]
    if limit is None:
        return names
    chosen = [host.name for host in env.hosts if limit == host.name]
    if not chosen:
        raise CommandError(f"--limit {limit!r} is no host of {env.name}; allowed: {', '.join(names)}")
    return chosen


def _pyinfra(
    task: Task,
    options: Sequence[str],
    *,
    stdout: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    program = Path(sys.executable).with_name("pyinfra")
    return task.processes.start(
        [str(program), *options, f"inventory/{task.env.name}.py", "deploys/site.py"],
        log=task.log(deploys.LOG),
        stdout=stdout,
        env=env,
        on_line=task.console.note,
    ).wait(TIMEOUT_S)


def _table(found: DeployOutcome) -> Table:
    table = Table("host", "operations", "changed", "trouble", box=None, pad_edge=False)
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, host in found.hosts.items():
        table.add_row(name, str(host.operations), str(host.changed), escape(host.error or ""))
    return table
