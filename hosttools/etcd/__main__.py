"""The commands of `loanstack-etcd`."""

import json

import click

from hosttools import entry
from hosttools.etcd import member
from hosttools.etcd.access import Access, etcdctl, keeps_access
from hosttools.etcd.settings import NAME, load
from hosttools.programs import become


@click.group(context_settings=entry.CONTEXT_SETTINGS)
def tool() -> None:
    """One member of etcd, as its administrator handles it.

    Settings are in /etc/loanstack/etcd.json. Only the first member of the inventory has the passwords, and
    keeps users and rights for all.
    """


@tool.command()
@click.option("--members", is_flag=True, help="Do not ask for users and rights.")
def status(members: bool) -> None:
    """One line of JSON: healthy, others (members that answer), lacks (of users and rights)."""
    settings = load()
    healthy = member.is_healthy(settings)
    lacks: tuple[str, ...] = ()
    if keeps_access(settings) and not members:
        lacks = Access(settings).lacks() if healthy else ("unknown",)
    found = {"healthy": healthy, "others": member.answering(settings), "lacks": lacks}
    click.echo(json.dumps(found))


@tool.command("wait-healthy")
@entry.WAIT_LIMIT
def wait_healthy(limit_s: int) -> None:
    """Wait at most LIMIT_S seconds until a majority answers through this member."""
    member.wait_healthy(load(), limit_s)


@tool.command("may-restart")
def may_restart() -> None:
    """Fail while another member does not answer: a restart here could then cost the majority."""
    member.refuse_a_risky_restart(load())


@tool.command()
def lacks() -> None:
    """What users and rights lack, one a line; on the first member only."""
    for line in Access(load()).lacks():
        click.echo(line)


@tool.command()
def grant() -> None:
    """Make users and rights whole, whatever was done of it before; on the first member only."""
    Access(load()).grant()


@tool.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def ctl(arguments: tuple[str, ...]) -> None:
    """Run etcdctl as root with ARGUMENTS; on the first member only."""
    settings = load()
    become((*etcdctl(settings), *arguments), environment=Access(settings).environment())


if __name__ == "__main__":
    entry.main(tool, NAME)
