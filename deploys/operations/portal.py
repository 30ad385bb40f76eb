"""The channel portal on its server: laid down, served, and a console that nobody else can use."""

import shlex
from collections.abc import Generator
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from deploys.facts.files import PathStates
from deploys.facts.portal import InsecureAccounts, ServedPortal, StaleConfiguration
from deploys.specs.tongweb import TOOL


@operation()
def laid_down(war: str, target: str) -> Generator[StringCommand, None, None]:
    """Copy the current portal's WAR to where the server looks for it.

    + war: the file
    + target: its name in the server's autodeploy folder
    """
    found = host.get_fact(PathStates, paths=(war, target))
    if war in found and target in found and found[war].sha256 == found[target].sha256:
        host.noop(f"{target} is {war}")
        return
    yield StringCommand(f"{TOOL} lay-war")


@operation()
def served(url: str, version: str, by_command: bool) -> Generator[StringCommand, None, None]:
    """Wait until the server serves this version of the portal, and has it warm.

    + url: the portal's metrics
    + version: the wanted one
    + by_command: whether the server has to be told, by its command line
    """
    if host.get_fact(ServedPortal, url=url) == version:
        host.noop(f"{url} says {version}")
        return
    if by_command:
        yield StringCommand(f"{TOOL} deploy-war")
    yield StringCommand(f"{TOOL} portal {shlex.quote(version)}")


@operation()
def configured(written: tuple[Any, ...]) -> Generator[StringCommand, None, None]:
    """Put TongWeb's configuration together on the host, with a password by the product's own script.

    + written: operations that write what it is made of: a dry run then foresees the change
    """
    will_be_stale = not state.is_executing and any(op.will_change for op in written)
    if not will_be_stale and not host.get_fact(StaleConfiguration):
        host.noop("the configuration is of its current parts")
        return
    yield StringCommand(f"{TOOL} configure")


@operation()
def console_secured() -> Generator[StringCommand, None, None]:
    """Give the users of TongWeb's console our passwords in place of those that are in its manual."""
    open_to_all = host.get_fact(InsecureAccounts)
    if not open_to_all:
        host.noop("the console's users have our passwords")
        return
    yield StringCommand(f"{TOOL} secure")
