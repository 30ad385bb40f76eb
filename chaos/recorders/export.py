"""Saves the database's journal and limits after a run, for the checkers.

    python -m chaos.recorders.export lab --run-folder runs/mine

The loan services' database account reads them, on a host of the services; no secret leaves that host.
"""

import sys
from pathlib import Path

import click

from chaos.recorders.contents import save_contents
from chaos.system.world import WorldError
from inventory import environment
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role
from processes import ssh

TABLES = ("journal", "limits")
WITHIN_S = 120.0
"""Default time limit for one table."""

# The export reads the services' environment file itself. pipefail: a failed export must not look complete.
_EXPORT = "/opt/loanstack/loan/current/bin/python3 -m app_stub.export"
_PACKED = f"set -euo pipefail; {_EXPORT} {{what}} | gzip -1"


def save_database(
    env: Environment,
    folder: Path,
    *,
    since_s: float | None,
    near: Host | None = None,
    within_s: float = WITHIN_S,
    kind: DatabaseKind = DatabaseKind.OCEANBASE,
) -> None:
    """Write `database/journal.jsonl.gz` and `database/limits.jsonl.gz` below `folder`, and `contents`' files.

    Both as of one position of the primary's log: a write between two reads would look like a wrong balance,
    and writes may arrive long after their client has ended (seen: 27 s after a cut was mended).

    + since_s: only journal rows from this unix time on; None: all rows, which the fold of the limits needs
    + near: a database host; hosts of the services in its centre are preferred
    + within_s: time limit for one table
    + kind: database product of the pair

    Raises:
        WorldError: no host of the services could export, or the contents of a database could not be read.
    """
    target = folder / "database"
    target.mkdir(exist_ok=True)
    hosts = sorted(
        env.hosts_with(Role.LOAN), key=lambda host: near is not None and host.centre != near.centre
    )
    at = target / ".position.unfinished"
    _save(env, hosts, f"{_EXPORT} position", at, "position of the log", within_s)
    position = int(at.read_text())
    at.unlink()
    for table in TABLES:
        since = f" --since {since_s:.6f}" if since_s is not None and table == "journal" else ""
        unfinished = target / f".{table}.unfinished"
        command = _PACKED.format(what=f"{table}{since} --at {position}")
        _save(env, hosts, command, unfinished, table, within_s)
        unfinished.rename(target / f"{table}.jsonl.gz")
    save_contents(env, folder, at=position, kind=kind, within_s=within_s)


def _save(
    env: Environment, hosts: list[Host], command: str, target: Path, what: str, within_s: float
) -> None:
    """Write what `command` prints on the first host that can into `target`; raises WorldError if none can."""
    problems = []
    for host in hosts:
        done = ssh.run(env, host, command, within_s=within_s, stdout=target)
        if done is not None and done.returncode == 0:
            return
        late = f"{host.name}: not done within {within_s:.0f} s"
        problems.append(late if done is None else done.sentence(f"{host.name}: the export"))
    raise WorldError(f"no {Role.LOAN.value} host could export the {what}: {'; '.join(problems)}")


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.option("--run-folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True)
@click.option("--since", type=float, default=None, help="Only journal rows from this unix time on.")
@click.option("--within", type=float, default=WITHIN_S, show_default=True, help="Seconds for one table.")
@click.option(
    "--database",
    type=click.Choice([each.value for each in DatabaseKind]),
    default=DatabaseKind.OCEANBASE.value,
    show_default=True,
)
def main(environment_name: str, run_folder: Path, since: float | None, within: float, database: str) -> None:
    """Save journal and limits of ENV, and the contents of both databases, below the run folder."""
    try:
        env = environment(environment_name)
        save_database(env, run_folder, since_s=since, within_s=within, kind=DatabaseKind(database))
    except (KeyError, ValueError) as wrong:
        raise click.UsageError(str(wrong.args[0])) from None
    except WorldError as failed:
        click.echo(f"export failed: {failed}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
