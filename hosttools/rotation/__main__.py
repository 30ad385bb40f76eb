"""The commands of `loanstack-rotation`."""

import re

import click
import msgspec

from hosttools import entry
from hosttools.errors import ToolError
from hosttools.numbers import shortened
from hosttools.rotation.service import Service
from hosttools.rotation.settings import NAME, NoServiceError, load

_REASON = re.compile(r"[a-z-]+")


@click.group(context_settings=entry.CONTEXT_SETTINGS)
@click.argument("service")
@click.pass_context
def tool(context: click.Context, service: str) -> None:
    """Take one SERVICE of this host out of rotation and back, and judge it in between.

    Settings are in /etc/loanstack/rotation/SERVICE.json.
    """
    try:
        context.obj = Service(load(service))
    except NoServiceError as unknown:
        raise click.BadParameter(str(unknown), param_hint="SERVICE") from None


def _reason(text: str) -> str:
    if _REASON.fullmatch(text) is None:
        raise ToolError(f"REASON is {shortened(text)}; allowed: one word of a-z and -")
    return text


_WITH_REASON = click.argument("reason", default="", callback=entry.checked(_reason))


@tool.command()
@_WITH_REASON
@click.pass_obj
def out(service: Service, reason: str) -> None:
    """Ask for no more requests, for a REASON that is one word."""
    service.reasons.add(reason)


@tool.command()
@_WITH_REASON
@click.pass_obj
def drain(service: Service, reason: str) -> None:
    """Out, wait until nothing is under way, and close the port."""
    service.drain(reason)


@tool.command()
@_WITH_REASON
@click.pass_obj
def close_port(service: Service, reason: str) -> None:
    """Out, and let in nobody who sends requests, whatever would answer them."""
    service.close_port(reason)


@tool.command("in")
@_WITH_REASON
@click.pass_obj
def put_back(service: Service, reason: str) -> None:
    """Let them in again, unless there is another reason; returns when they have noticed."""
    service.put_back(reason)


@tool.command()
@click.pass_obj
def smoke_test(service: Service) -> None:
    """0 if it answers real requests, sent past those that send them otherwise; says what it answered."""
    click.echo(service.smoke_test())


@tool.command()
@click.pass_obj
def restart(service: Service) -> None:
    """Start it anew, and wait until it answers."""
    service.restart()


@tool.command()
@click.pass_obj
def status(service: Service) -> None:
    """One line of JSON: is_well, in_flight (null: it does not say), out_because, version, previous."""
    found = {
        "is_well": service.is_well(),
        "in_flight": service.in_flight(),
        "out_because": service.reasons.names(),
        "version": service.version("current"),
        "previous": service.version("previous"),
    }
    click.echo(msgspec.json.encode(found))


@tool.command("roll-back")
@click.pass_obj
def roll_back(service: Service) -> None:
    """Put the version of before in place, and start it."""
    click.echo(service.roll_back())


if __name__ == "__main__":
    entry.main(tool, NAME)
