"""The commands of `loanstack-tongweb`."""

import click

from hosttools import entry
from hosttools.rotation.service import Service
from hosttools.rotation.settings import load as load_rotation
from hosttools.tongweb.configuration import Configuration
from hosttools.tongweb.console import Console
from hosttools.tongweb.log import ServerLog
from hosttools.tongweb.server import Server, main_pid
from hosttools.tongweb.settings import NAME, load

_CHECK = click.option("--check", is_flag=True, help="Change nothing, and say what would be changed.")


def _server() -> Server:
    settings = load()
    return Server(settings, ServerLog(settings), Service(load_rotation("tongweb")))


@click.group(context_settings=entry.CONTEXT_SETTINGS)
def tool() -> None:
    """One TongWeb and the portal on it, as systemd and the deploy handle them.

    Settings are in /etc/loanstack/tongweb.json.
    """


@tool.command()
def begin() -> None:
    """What the systemd unit calls before the start: shuts gateways out."""
    _server().begin()


@tool.command()
def ready() -> None:
    """What the unit calls after it: waits for log, HTTP and portal, warms it up, and lets gateways in."""
    _server().ready(main_pid())


@tool.command()
@click.argument("version")
def portal(version: str) -> None:
    """Wait until VERSION of the portal (`current`: the one in place) answers, warm."""
    _server().serve(version)


@tool.command("deploy-war")
def deploy_war() -> None:
    """Have the running server deploy the current portal by its command line; autodeploy does without."""
    Console(load()).deploy_portal(_server().war)


@tool.command()
@_CHECK
def configure(check: bool) -> None:
    """Put conf/tongweb.xml together from what the deploy wrote and the product's word for a password."""
    configuration = Configuration(load())
    if not check:
        configuration.put_together()
    elif configuration.is_stale():
        click.echo("stale")


@tool.command()
@_CHECK
def secure(check: bool) -> None:
    """Give the console's users our passwords instead of the product's; --check: name who lacks it."""
    console = Console(load())
    if not check:
        console.secure()
        return
    for name in console.insecure():
        click.echo(name)


@tool.command()
def why() -> None:
    """Print the server's own reason for not starting, from its log."""
    if said := ServerLog(load()).why():
        click.echo(said)


@tool.command("install-war")
def install_war() -> None:
    """Copy the current portal to where the server looks for it."""
    _server().install_war()


if __name__ == "__main__":
    entry.main(tool, NAME)
