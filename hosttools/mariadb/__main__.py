"""The commands of `loanstack-mariadb`."""

import json

import click

from hosttools import entry
from hosttools.mariadb.database import Database, client
from hosttools.mariadb.settings import NAME, load
from hosttools.programs import become, first_of

_SERVERS = ("mariadbd", "/usr/libexec/mariadbd")


@click.group(context_settings=entry.CONTEXT_SETTINGS)
def tool() -> None:
    """One database of the MariaDB pair that OceanBase is compared with, for its administrator.

    Settings are in /etc/loanstack/mariadb.json. Root comes through the socket, without a password.
    """


@tool.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def sql(options: tuple[str, ...]) -> None:
    """SQL from stdin as root (OPTIONS go to the mariadb client)."""
    become((*client(load()), "--unbuffered", *options))


@tool.command()
def status() -> None:
    """One line of JSON: is_made, applied, is_paired."""
    here = Database(load())
    found = {"is_made": here.is_made, "applied": here.applied, "is_paired": here.is_paired()}
    click.echo(json.dumps(found))


@tool.command()
def make() -> None:
    """Make an empty data folder a database; one that is half-made is begun anew."""
    settings = load()
    here = Database(settings)
    if here.is_made:
        entry.say(NAME, f"there is a database in {settings.data_dir}")
    else:
        here.make()


@tool.command()
def apply() -> None:
    """Apply /etc/loanstack/mariadb.sql, and remember its hash."""
    Database(load()).apply()


@tool.command("wait-paired")
@entry.WAIT_LIMIT
def wait_paired(limit_s: int) -> None:
    """Wait at most LIMIT_S seconds until the replica follows and acknowledges commits."""
    Database(load()).wait_paired(limit_s)


@tool.command()
def unacknowledged() -> None:
    """Commits of this start that no replica acknowledged in time (primary)."""
    click.echo(Database(load()).unacknowledged())


@tool.command()
def run() -> None:
    """What the systemd unit calls: become the server."""
    become((first_of(_SERVERS), f"--defaults-file={load().config}"))


if __name__ == "__main__":
    entry.main(tool, NAME)
