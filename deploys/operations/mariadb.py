"""Make MariaDB's data once, keep its users and schema, and see that the pair is one."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.mariadb import TOOL, LocalMariaDb


@operation()
def data_made() -> Generator[StringCommand, None, None]:
    """Make the data folder a database where it is none yet; a whole one is never made anew."""
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.is_made:
        host.noop("there is a database")
        return
    yield StringCommand(f"{TOOL} make")


@operation()
def script_applied(sha256: str) -> Generator[StringCommand, None, None]:
    """Apply the script that lies on this host whenever it is new to the database.

    + sha256: of its text, which holds passwords and is in a file that only root reads
    """
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.applied == sha256:
        host.noop(f"applied: {sha256[:12]}")
        return
    yield StringCommand(f"{TOOL} apply")


@operation()
def paired(deadline_s: int) -> Generator[StringCommand, None, None]:
    """Wait until the replica follows and acknowledges what the primary commits.

    + deadline_s: when to give up
    """
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.is_paired:
        host.noop("primary and replica are a pair")
        return
    yield StringCommand(f"{TOOL} wait-paired {deadline_s}")
