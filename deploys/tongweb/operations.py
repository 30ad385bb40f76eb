"""The channel portal on its server: copied, served, and the console's passwords replaced."""

from collections.abc import Generator
from typing import Any

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.files import PathStates
from deploys.operations import services
from deploys.tongweb.facts import InsecureAccounts, ServedPortal, StaleConfiguration
from deploys.tongweb.spec import TOOL
from deploys.write_times import noted


@operation()
def war_installed(war: str, target: str) -> Generator[StringCommand, None, None]:
    """Copy the current portal's WAR to the server's autodeploy folder.

    + war: the file
    + target: its name in the server's autodeploy folder
    """
    found = host.get_fact(PathStates, paths=(war, target))
    if war in found and target in found and found[war].sha256 == found[target].sha256:
        host.noop(f"{target} is {war}")
        return
    yield StringCommand(f"{TOOL} install-war")


@operation()
def portal_served(url: str, version: str, by_command: bool) -> Generator[StringCommand, None, None]:
    """Wait until the server serves this version of the portal and has warmed it up.

    + url: the portal's metrics
    + version: the wanted one
    + by_command: whether the portal must be deployed with the server's command line
    """
    if host.get_fact(ServedPortal, url=url) == version:
        host.noop(f"{url} says {version}")
        return
    if by_command:
        yield StringCommand(f"{TOOL} deploy-war")
    yield StringCommand(TOOL, "portal", QuoteString(version))


@operation()
def configuration_assembled(path: str, written: tuple[Any, ...]) -> Generator[StringCommand, None, None]:
    """Assemble TongWeb's configuration on the host, with a password that the product's own script writes.

    + path: the file that comes of it
    + written: operations that write its parts, so that a dry run predicts the change
    """
    if not services.will_be_written(written) and not host.get_fact(StaleConfiguration):
        host.noop("the configuration is of its current parts")
        return
    yield StringCommand(noted(path, f"{TOOL} configure"))


@operation()
def console_secured() -> Generator[StringCommand, None, None]:
    """Replace the passwords of TongWeb's console users, which are in the product's manual, by ours."""
    open_to_all = host.get_fact(InsecureAccounts)
    if not open_to_all:
        host.noop("the console's users have our passwords")
        return
    yield StringCommand(f"{TOOL} secure")
