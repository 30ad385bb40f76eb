"""Commands of `loanstack-db`; each one imports its own work when it is called."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from hosttools import entry
from hosttools.numbers import LARGEST
from hosttools.oceanbase.settings import NAME, Settings, address, load

_MERGE_LIMIT_S = 14400


def _address(text: str | None) -> str | None:
    return None if text is None else address(text, "SOURCE_IP")


_SOURCE = click.argument("source", metavar="SOURCE_IP", callback=entry.checked(_address))


@click.group(context_settings=entry.CONTEXT_SETTINGS)
def tool() -> None:
    """Handle one database of the primary/standby pair, as its administrator."""


@tool.command(
    "sql",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def _sql(options: tuple[str, ...]) -> None:
    """Run SQL from stdin as root.

    OPTIONS go to the SQL client.
    """
    from hosttools.oceanbase import launch

    launch.sql_client(load(), options)


@tool.command("role")
def _role() -> None:
    """Print PRIMARY, STANDBY or DOWN."""
    from hosttools.oceanbase import database

    click.echo(database.local(load()).role())


@tool.command("peer-role")
def _peer_role() -> None:
    """Print PRIMARY, STANDBY, DOWN or UNREACHABLE.

    DOWN: its host answers. With several peers, the role that matters most: one primary anywhere decides.
    """
    from hosttools.oceanbase import database

    click.echo(database.peer_role(load()))


@tool.command("scn")
def _scn() -> None:
    """Print the position in the log (END_SCN, nanoseconds)."""
    from hosttools.oceanbase import database

    click.echo(database.local(load()).scn())


@tool.command("status")
def _status() -> None:
    """Print the state as one line of JSON.

    It has role, recorded_role, peer_role, scn, lag_ms and has_tables.
    """
    from hosttools.oceanbase import status

    click.echo(status.state(load()).line())


@tool.command("query")
@click.option("--of-primary", is_flag=True, help="A standby is not asked, and says its role only.")
@click.argument("select")
def _query(select: str, of_primary: bool) -> None:
    """Ask the database as root, and print the answer as one line of JSON.

    It has role, rows and refusal; null: the database does not run.
    """
    from hosttools.oceanbase import query

    click.echo(query.answer(load(), select, of_primary=of_primary))


@tool.command("bootstrap")
@click.argument("how", type=click.Choice(["auto", "primary", "standby"]))
@click.argument("source", metavar="[SOURCE_IP]", required=False, callback=entry.checked(_address))
def _bootstrap(how: str, source: str | None) -> None:
    """Make an empty data folder a database.

    auto follows a peer that is primary; standby SOURCE_IP waits for it, and retries while it is too young.
    """
    from hosttools.oceanbase import bootstrap

    if (how == "standby") != (source is not None):
        raise click.UsageError("SOURCE_IP belongs to standby, and to nothing else")
    with _changing() as settings:
        if source is not None:
            bootstrap.standby(settings, source)
        elif how == "primary":
            bootstrap.primary(settings)
        else:
            bootstrap.auto(settings)


@tool.command("promote")
@click.option("--fenced", is_flag=True, help="The old primary cannot write: the caller has made sure of it.")
def _promote(fenced: bool) -> None:
    """Make this standby the primary.

    Refused while a peer says PRIMARY, unless --fenced.
    """
    from hosttools.oceanbase import promotion

    with _changing() as settings:
        promotion.promote(settings, fenced=fenced)


@tool.command("hand-over")
@click.option("--dry-run", is_flag=True, help="Only ask whether it would.")
def _hand_over(dry_run: bool) -> None:
    """Have this primary take no more writes, for good.

    Prints its last position (END_SCN).
    """
    from hosttools.oceanbase import switchover

    with _changing() as settings:
        scn = switchover.hand_over(settings, dry_run=dry_run)
        if scn is not None:
            click.echo(scn)


@tool.command("take-over")
@click.argument("scn", type=click.IntRange(0, LARGEST))
def _take_over(scn: int) -> None:
    """Make this standby the primary once it has SCN.

    The old one must still run.
    """
    from hosttools.oceanbase import switchover

    with _changing() as settings:
        switchover.take_over(settings, scn)


@tool.command("follow")
@_SOURCE
def _follow(source: str) -> None:
    """Start as a standby of SOURCE_IP, with the data.

    The data are those of a standby, or of a primary that was handed over.
    """
    from hosttools.oceanbase import start

    with _changing() as settings:
        start.follow(settings, source)


@tool.command("rejoin")
@_SOURCE
def _rejoin(source: str) -> None:
    """DELETE the data, become a standby of SOURCE_IP.

    The database is stopped first. The data stay if SOURCE_IP is no primary.
    """
    from hosttools.oceanbase import start

    with _changing() as settings:
        start.rejoin(settings, source)


@tool.command("merge")
@click.argument("limit_s", type=click.IntRange(min=0), default=_MERGE_LIMIT_S, metavar="[LIMIT_S]")
def _merge(limit_s: int) -> None:
    """Merge what was dumped, and wait for the end.

    On a primary and its standby at the same time; the timer does that each day.
    """
    from hosttools.oceanbase import merge

    merge.merge(load(), limit_s=limit_s)


@tool.command("start")
@click.option("--alone", is_flag=True, help="Do not ask the peers.")
def _start(alone: bool) -> None:
    """Start on the data that are here.

    As primary only if no peer is or may be primary.
    """
    from hosttools.oceanbase import start

    with _changing() as settings:
        start.start(settings, alone=alone)


@tool.command("wait-healthy")
@click.argument("lag_ms", type=click.IntRange(min=0))
@click.argument("limit_s", type=click.IntRange(min=0))
def _wait_healthy(lag_ms: int, limit_s: int) -> None:
    """Wait for a healthy state, and print it.

    Healthy: this is the only primary, or a standby at most LAG_MS behind.
    """
    from hosttools.oceanbase import status

    click.echo(status.wait_healthy(load(), max_healthy_lag_ms=lag_ms, limit_s=limit_s).line())


@tool.command("run")
def _run() -> None:
    """Become the database; the systemd unit calls it."""
    from hosttools.oceanbase import launch

    launch.seekdb(load())


@tool.command("guard")
def _guard() -> None:
    """Refuse a start that might give a second primary.

    The systemd unit calls it before each start.
    """
    from hosttools.oceanbase import guard

    guard.refuse_second_primary(load())


@tool.command("help", hidden=True)
@click.pass_context
def _help(context: click.Context) -> None:
    """Show the commands."""
    click.echo(context.find_root().get_help())


@contextmanager
def _changing() -> Iterator[Settings]:
    """Give the settings to a command that changes the database, one such command at a time."""
    from hosttools.oceanbase import lock, promotion, unit

    settings = load()
    with lock.one_at_a_time(settings):
        unit.forget_what_was_told(settings)  # by a command that was killed
        promotion.uncut()  # a promotion that was killed left it cut
        yield settings


if __name__ == "__main__":
    entry.main(tool, NAME)
