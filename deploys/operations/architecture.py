"""Refuses a host whose architecture differs from the inventory, before anything is copied to it."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Arch

from deploys.operations.refusal import refusal


@operation()
def fits(arch: str) -> Generator[StringCommand, None, None]:
    """Refuse to go on with a host of another architecture.

    + arch: architecture in the inventory, as `uname -m` prints it
    """
    found = host.get_fact(Arch)
    if found != arch:
        yield refusal(
            f"{host.name}: uname -m says {found}, and the inventory {arch}; correct the inventory, "
            "or deploy to the host that is meant"
        )
        return
    host.noop(f"it is {arch}")
